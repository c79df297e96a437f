"""Recorded sends asked again in the background: in slices, newest first, with how far it has come."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sesame.access.identity_names import parse_identity_arn
from sesame.admin import what_if
from sesame.console import replays
from sesame.console.replays import Progress, Replays
from sesame.model import IdentityKind
from sesame.policy import PolicyError
from tests.operations.test_changes import REGION, World, with_world

SINCE = 0.0


def text(arn: str, **more: Any) -> str:
    statement = {
        "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "ses:SendEmail", "Resource": arn, **more,
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def sent(world: World, count: int) -> str:
    """An identity with so many recorded sends; its ARN."""
    await world.call(world.root, "sesv2", "CreateEmailIdentity", EmailIdentity="one.example")
    await world.services.verification.vouch(world.account, REGION, "one.example", IdentityKind.DOMAIN)
    for n in range(count):
        await world.call(
            world.root, "ses", "SendEmail", Source=f"n{n}@one.example", Destination={"ToAddresses": ["a@b.example"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        )  # fmt: skip
    return f"arn:aws:ses:{REGION}:{world.account}:identity/one.example"


def run(tmp_path: Path, check: Callable[[World, Replays], Awaitable[None]]) -> None:
    async def with_replays(world: World) -> None:
        await check(world, Replays(world.services.store, clock=world.services.clock))

    with_world(tmp_path, with_replays)


async def asked(
    found: Replays, arn: str, *, login: bytes = b"l", policy: str = "", within_s: float = 0.0
) -> Progress:
    return await found.of(
        login,
        parse_identity_arn(arn),
        name="P",
        text=policy or text(arn),
        now=[],
        since=SINCE,
        within_s=within_s,
    )


def test_it_goes_on_while_nobody_waits_and_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if, "A_STRETCH", 2)

    async def check(world: World, found: Replays) -> None:
        arn = await sent(world, 7)
        first = await asked(found, arn)
        seen = []
        assert first.task is not None
        while not first.task.done():
            if first.replay is not None:
                seen.append((first.replay.looked_at, first.replay.is_whole))
            await asyncio.sleep(0)
        assert first.replay is not None
        assert (first.replay.asked, first.replay.is_whole) == (7, True)
        assert sorted(set(seen))[0] == (2, False), "it was seen on its way"
        assert [one[0] for one in seen] == sorted(one[0] for one in seen)
        assert await asked(found, arn) is first, "the same question again is answered by the same"

    run(tmp_path, check)


def test_another_question_ends_the_one_before_and_another_log_in_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if, "A_STRETCH", 1)
    monkeypatch.setattr(replays, "REST_S", 3_600.0)  # none comes to its end by itself

    async def check(world: World, found: Replays) -> None:
        arn = await sent(world, 5)
        first = await asked(found, arn)
        other = await asked(found, arn, login=b"other")
        second = await asked(found, arn, policy=text(arn, Sid="Other"))
        assert len({id(one) for one in (first, other, second)}) == 3
        assert first.task is not None
        await asyncio.wait([first.task])
        assert first.task.cancelled()
        assert await asked(found, arn, login=b"other") is other
        assert other.is_running
        found.end(b"other")
        found.end(b"l")
        assert second.task is not None
        await asyncio.wait([second.task])
        assert second.task.cancelled()

    run(tmp_path, check)


def test_it_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "MOST_RECORDS", 3)

    async def check(world: World, found: Replays) -> None:
        done = await asked(found, await sent(world, 5), within_s=60.0)
        assert not done.is_running
        assert done.replay is not None
        assert (done.replay.asked, done.replay.looked_at, done.replay.is_whole) == (3, 3, False)
        assert done.replay.oldest_at is not None

    run(tmp_path, check)


def test_what_has_ended_is_asked_anew_after_a_while(tmp_path: Path) -> None:
    async def check(world: World, found: Replays) -> None:
        arn = await sent(world, 1)
        first = await asked(found, arn, within_s=60.0)
        assert await asked(found, arn, within_s=60.0) is first
        world.services.clock.advance(replays.KEPT_S + 1)  # type: ignore[attr-defined]
        assert await asked(found, arn, within_s=60.0) is not first

    run(tmp_path, check)


def test_a_text_that_is_no_policy_raises_each_time(tmp_path: Path) -> None:
    async def check(world: World, found: Replays) -> None:
        arn = await sent(world, 1)
        for _ in "12":
            with pytest.raises(PolicyError):
                await asked(found, arn, policy="{", within_s=60.0)

    run(tmp_path, check)


def test_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "MOST_KEPT", 2)
    monkeypatch.setattr(what_if, "A_STRETCH", 1)
    monkeypatch.setattr(replays, "REST_S", 3_600.0)

    async def check(world: World, found: Replays) -> None:
        arn = await sent(world, 1)
        begun = [await asked(found, arn, login=bytes([n])) for n in range(4)]
        tasks = [one.task for one in begun if one.task is not None]
        await asyncio.wait(tasks[:2])
        for n in range(4):
            found.end(bytes([n]))
        assert [task.cancelled() for task in tasks[:2]] == [True, True]

    run(tmp_path, check)
