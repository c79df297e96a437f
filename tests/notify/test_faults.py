"""What goes wrong around a delivery: a store that fails, a subscription that ends, a kill, a wish to wait."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from sesame.errors import StoreUnavailable
from sesame.notify.deliver import FRESH_S, LEASE_S, POLL_S
from sesame.notify.http_client import Answer
from sesame.notify.retry_after import LONGEST_S, read_retry_after
from sesame.store import ended_targets, outbox
from sesame.store.outbox import Delivery, Place, Publication, Result
from sesame.store.webhooks import WebhookKey
from tests.notify.test_held import attempts, proven, publish
from tests.notify.test_outbox import OTHER, TOPIC, URL, World, with_world
from tests.support.patience import PATIENCE_S
from tests.support.spooled import ACCOUNT, REGION

HOOK = WebhookKey(account_id=ACCOUNT, region=REGION, set_name="set", name="hook")


async def until(condition: Callable[[], Any], w: World) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            w.notifier.wake()
            await asyncio.sleep(0)


def test_what_is_held_for_a_subscription_that_ended_is_not_told(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, 40, URL)
        begun = await w.claim()
        assert len(begun) == 8
        await w.f.store.write(lambda tx: ended_targets.drop_target(tx, f"{TOPIC}:{URL}", now=w.clock.now()))
        w.clock.advance(2 * FRESH_S)
        before = len(w.http.posted)
        for one in begun:
            await w.notifier._go_on(one)
        await w.notifier.turn()
        assert len(w.http.posted) == before
        assert await attempts(w) == {("told", 1, False): 2, ("dropped", 0, False): 40}
        assert w.notifier._endpoints.active == 0

    with_world(tmp_path, check)


def test_what_is_held_for_a_topic_that_was_deleted_is_not_told(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        for number in range(12):
            await w.send(f"m{number}", recipients=(f"r{number}@one.test",))
        await w.expand()
        begun = await w.claim()
        await w.f.store.write(lambda tx: ended_targets.drop_topic(tx, TOPIC, now=w.clock.now()))
        w.clock.advance(2 * FRESH_S)
        before = len(w.http.posted)
        for one in begun:
            await w.notifier._go_on(one)
        assert len(w.http.posted) == before

    with_world(tmp_path, check)


def test_a_claim_that_went_to_another_is_not_begun(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        (late,) = await w.claim()
        w.clock.advance(LEASE_S + 1)
        other = World(w.f)
        other.clock.advance(w.clock.now() - other.clock.now())
        assert len(await other.claim()) == 1
        await w.notifier._go_on(late)
        assert w.http.posted == []

    with_world(tmp_path, check)


def test_after_a_kill_only_what_began_has_an_attempt_more(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, 50, URL)
        begun = await w.claim()
        never = asyncio.Event()

        async def hanging(*_: object) -> Answer:
            await never.wait()
            raise AssertionError

        w.http.post = hanging  # type: ignore[method-assign, assignment]
        under_way = [asyncio.ensure_future(w.notifier._go_on(one)) for one in begun]

        async def all_began() -> bool:
            return len(w.notifier._begun) == len(begun)

        await until(all_began, w)
        w.clock.advance(POLL_S)
        await w.notifier.turn()  # what is under way for long is counted
        killed = await attempts(w)
        for task in under_way:
            task.cancel()
        await asyncio.wait(under_way)
        assert killed == {("told", 1, False): 2, ("waiting", 1, True): 8, ("waiting", 0, True): 42}
        again = World(w.f)
        again.clock.advance(w.clock.now() - again.clock.now())
        await w.f.store.write(lambda tx: outbox.release_all(tx, now=again.clock.now()))
        assert await again.deliver() == 50
        assert await attempts(w) == {("told", 1, False): 2 + 42, ("told", 2, False): 8}

    with_world(tmp_path, check)


@pytest.mark.parametrize("fault", [StoreUnavailable("full disk"), RuntimeError("of ours"), KeyError("x")])
@pytest.mark.parametrize("where", ["settle", "give_back", "begun", "claim"])
def test_a_write_that_fails_is_made_again_and_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, fault: Exception
) -> None:
    async def check(w: World) -> None:
        await proven(w)
        good = getattr(outbox, where)
        faults = [fault] * 3

        async def failing(*given: Any, **named: Any) -> Any:
            if faults:
                raise faults.pop()
            return await good(*given, **named)

        monkeypatch.setattr(outbox, where, failing)
        await publish(w, 60, URL, OTHER)
        running = asyncio.ensure_future(w.notifier.run())

        async def all_told() -> bool:
            return not any(state == "waiting" for state, *_ in await attempts(w))

        await until(all_told, w)
        assert not running.done() and not faults
        running.cancel()
        await asyncio.wait([running])
        assert await attempts(w) == {("told", 1, False): 122}
        assert len(w.http.posted) == 122

    with_world(tmp_path, check)


@pytest.mark.parametrize("fault", [StoreUnavailable("full disk"), RuntimeError("of ours")])
def test_a_claim_that_cannot_be_looked_at_is_given_back_and_begun_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, 20, URL)
        begun = await w.claim()
        w.clock.advance(2 * FRESH_S)
        good = outbox.hold

        async def failing(*_: object) -> list[bool]:
            raise fault

        monkeypatch.setattr(outbox, "hold", failing)
        await w.attempt(begun)
        monkeypatch.setattr(outbox, "hold", good)
        assert len(w.http.posted) == 2
        assert await w.deliver() == 20
        assert await attempts(w) == {("told", 1, False): 22}

    with_world(tmp_path, check)


def test_one_result_that_cannot_be_recorded_keeps_no_other_and_is_not_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(w: World) -> None:
        await w.subscribe(OTHER)
        await w.send()
        await w.expand()
        settle, is_broken = outbox.settle, True

        async def faulty(tx: Any, results: list[Result], *, now: float) -> None:
            if is_broken and any(one.delivery.place.endpoint == URL for one in results):
                raise ValueError("a fault of ours")
            await settle(tx, results, now=now)

        monkeypatch.setattr(outbox, "settle", faulty)
        await w.attempt(await w.claim())
        for _ in range(3):
            with pytest.raises(ValueError):
                await w.notifier.turn()
            w.clock.advance(LEASE_S + 1)
        assert [state for state, _ in await w.rows()].count("told") >= 1
        is_broken = False
        await w.deliver()
        assert {state for state, _ in await w.rows()} == {"told"}
        assert len(w.http.posted) == 4  # two events to two endpoints, each once

    with_world(tmp_path, check)


@pytest.mark.parametrize("fault", [StoreUnavailable("full disk"), RuntimeError("of ours")])
def test_a_fault_while_a_webhook_is_switched_off_stops_nobody_and_is_tried_again(
    tmp_path: Path, fault: Exception
) -> None:
    async def check(w: World) -> None:
        switched: list[WebhookKey] = []
        faults = [fault]

        async def switch_off(key: WebhookKey, url: str) -> None:
            if faults:
                raise faults.pop()
            switched.append(key)

        w.notifier._switch_off = switch_off
        w.notifier._ways._webhooks = _Signs()  # type: ignore[assignment]
        one = Publication(
            message_id="hook", topic_arn=HOOK.arn, kind="Notification", body="{}", at=w.clock.now()
        )
        place = Place(target=HOOK.arn, protocol="webhook", endpoint=OTHER, order_key=f"{HOOK.arn}|m")
        await w.f.store.write(lambda tx: outbox.publish(tx, [(one, [place])]))
        running = asyncio.ensure_future(w.notifier.run())

        async def tried_once() -> bool:
            return (await w.rows())[0] == ("waiting", 1)

        await until(tried_once, w)
        assert not running.done() and switched == []
        w.clock.advance(60)

        async def given_up() -> bool:
            return (await w.rows())[0] == ("dead", 2)

        await until(given_up, w)
        assert switched == [HOOK] and not running.done()
        running.cancel()
        await asyncio.wait([running])

    with_world(tmp_path, check, 410, 410)


class _Signs:
    async def fields(self, *_: object, **__: object) -> list[tuple[str, str]]:
        return []


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("0", 0.0), ("999999999999999999999", LONGEST_S), ("3601", LONGEST_S),
        (None, 0.0), ("", 0.0), ("-5", 0.0), ("1.5", 0.0), ("soon", 0.0), ("\u0663", 0.0),
        (formatdate(1_000_090, usegmt=True), 90.0), (formatdate(999_000, usegmt=True), 0.0),
        (formatdate(9_000_000, usegmt=True), LONGEST_S), ("Sun, 06 Nov 99999 08:49:37 GMT", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", LONGEST_S), ("Mon, 12 Jan 1970 13:48:10 -0000", 90.0),
    ],
)  # fmt: skip
def test_retry_after_is_read_to_a_bound(value: str | None, want: float) -> None:
    assert read_retry_after(value, now=1_000_000.0) == want


def test_an_endpoint_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    """Neither its message nor another one of its own is tried before; what another endpoint gets is not held up."""

    async def check(w: World) -> None:
        await w.send("m1")
        await w.expand()
        assert await w.deliver() == 1
        await w.send("m2", recipients=("b@two.test",))
        await w.expand()
        w.clock.advance(599)
        assert await w.deliver() == 0
        await w.subscribe(OTHER)
        await w.send("m3", recipients=("c@three.test",))
        await w.expand()
        assert await w.deliver() == 2  # to the other
        w.clock.advance(2)
        assert await w.deliver() == 6

    with_world(tmp_path, check, Answer(503, b"", "600"))


def test_an_endpoint_that_asks_for_ever_is_given_up_all_the_same(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send("m1")
        await w.expand()
        for _ in range(5):
            await w.deliver()
            w.clock.advance(LONGEST_S + 1)
        assert (await w.rows())[0][0] == "dead"

    with_world(tmp_path, check, *[Answer(429, b"", "999999")] * 9, give_up_after_s=7_200.0)


def test_a_delivery_is_the_attempt_that_it_is_claimed_for(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        (one,) = await w.claim()
        assert isinstance(one.delivery, Delivery) and one.delivery.attempts == 1

    with_world(tmp_path, check)
