"""What is answered at a step has no work left behind it, whose time could tell what the step hides (I9)."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sesame.access.pace import Pace, sleep_until
from sesame.db import Transaction
from sesame.errors import AccessDenied
from sesame.server.submission import SubmissionSession
from sesame.smtp.events import AuthRequested
from tests.support.refusal_world import REGION, Case, World

SEND = {
    "Destination": {"ToAddresses": ["a@b.test"]},
    "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
}
USERS = [f"arn:aws:iam::<owner>:user/other{number}" for number in range(3)]


@given(
    began_ms=st.integers(0, 10**9),
    step_ms=st.sampled_from((1, 2, 50, 1000)),
    took_s=st.floats(0, 3) | st.integers(0, 3_000).map(lambda ms: ms / 1000),
)
def test_a_refusal_is_answered_at_a_step_since_it_began_however_long_it_took(
    began_ms: int, step_ms: int, took_s: float
) -> None:
    """Where the clock of the loop counts milliseconds the moment is one of them, so that no timer rounds it."""
    began, now, until = began_ms / 1000, began_ms / 1000, []

    async def sleep_until(at: float) -> None:
        until.append(at)

    async def refuse() -> None:
        nonlocal now
        async with Pace(step_s=step_ms / 1000, now=lambda: now, sleep_until=sleep_until).refusals():
            now += took_s
            raise AccessDenied("no")

    with pytest.raises(AccessDenied):
        asyncio.run(refuse())
    (at,) = until
    passed_ms = (at - began) * 1000
    assert passed_ms == pytest.approx(round(passed_ms), abs=1e-3)
    assert round(passed_ms) % step_ms == 0
    assert took_s * 1000 - 1e-3 <= passed_ms <= took_s * 1000 + step_ms + 1e-3


def test_what_is_not_refused_and_no_step_wait_for_nothing() -> None:
    async def sleep_until(at: float) -> None:
        raise AssertionError(at)

    async def run() -> None:
        async with Pace(step_s=0.05, sleep_until=sleep_until).refusals():
            pass
        await Pace(step_s=0.0, sleep_until=sleep_until).hold(0.0)

    asyncio.run(run())


def test_a_wait_is_for_a_moment_of_the_loops_clock() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + 0.003
        await sleep_until(at)
        assert loop.time() > at - 0.0005  # of a clock in whole milliseconds, read as a float
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await sleep_until(loop.time() + 3600)

    uvloop.run(run())


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A user who may do everything, a role that trusts others, and a lender."""
    steps = {"SESAME_ACCOUNTS__REFUSAL_STEP_S": "0.05", "SESAME_SUBMISSION__FAILURE_DELAY_S": "0.05"}
    world = World.open(tmp_path_factory.mktemp("pace") / "data", **steps)
    case = Case(world)
    case.account("owner"), case.account("lender")
    case.step("identity", "lender", "lent.test")
    case.step("user", "owner", "asker", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam = world.client("iam", case.keys["owner"])
    for arn in USERS:
        iam.create_user(UserName=arn.rpartition("/")[2])
    statement = {"Effect": "Allow", "Principal": {"AWS": case.fill(USERS)}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.create_role(RoleName="there", AssumeRolePolicyDocument=trust)
    yield case
    world.close()


def asked(case: Case, kind: str) -> None:
    """Ask for what is refused at a step."""
    client = {"role": "sts"}.get(kind.partition(" ")[0], "ses")
    calls = case.world.client(client, case.keys["owner/asker"])
    number = case.account("lender").account_id
    match kind.split():
        case ["role", name]:
            arn = f"arn:aws:iam::{case.account('owner').account_id}:role/{name}"
            calls.assume_role(RoleArn=arn, RoleSessionName="session")
        case ["send", domain]:
            arn = f"arn:aws:ses:{REGION}:{number}:identity/{domain}"
            calls.send_email(Source=f"a@{domain}", SourceArn=arn, **SEND)


async def count(tx: Transaction) -> int:
    row = await tx.one("SELECT COUNT(*) FROM refusal")
    return int(row[0]) if row else 0


@pytest.mark.parametrize("kind", ["role there", "role gone", "send lent.test", "send gone.test"])
def test_a_refusal_is_kept_before_the_step_at_which_it_is_answered(
    case: Case, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, kept = case.world, []

    async def hold(*_: Any) -> None:
        kept.append(await world.services.store.read(count))

    monkeypatch.setattr(world.doors.pace, "_sleep_until", hold)
    before = world.run(world.services.store.read(count))
    with pytest.raises(ClientError, match="not authorized"):
        asked(case, kind)
    assert kept == [before + 1] == [world.run(world.services.store.read(count))]


@pytest.mark.parametrize("who", ["known", "unknown"])
def test_a_wrong_password_is_kept_before_the_step_at_which_it_is_answered(
    case: Case, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, kept = case.world, []
    key = case.keys["owner/asker"].access_key_id if who == "known" else "AKIAIOSFODNN7EXAMPLE"

    async def hold(at: float) -> None:
        kept.append(await world.services.store.read(count))

    async def ask() -> None:
        session = SubmissionSession(world.doors.submission, "198.51.100.7", is_tls=True)
        assert (
            await session.check_password(AuthRequested(mechanism="PLAIN", username=key, password="wrong"))
            is not None
        )

    monkeypatch.setattr(world.doors.submission.pace, "_sleep_until", hold)
    before = world.run(world.services.store.read(count))
    world.run(ask())
    assert kept == [before + 1] == [world.run(world.services.store.read(count))]
