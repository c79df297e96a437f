"""What waits for a target that is gone: in force with the commit that says so, however many rows there are to drop."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sesame.app.notify import LONGEST_WAIT_S, drop_ended, hasten
from sesame.db import AT_ONCE, Store, Transaction
from sesame.errors import StoreUnavailable
from sesame.notify.deliver import FRESH_S, LEASE_S
from sesame.store import ended_targets, outbox, outbox_entries
from sesame.store.ended_targets import FEW
from sesame.store.outbox import Place, Publication, Result
from tests.notify.test_held import attempts, proven, publish
from tests.notify.test_outbox import OTHER, TOPIC, URL, World, with_world
from tests.store.test_plans import statements_of

MANY = 2 * AT_ONCE + 30
TARGET = f"{TOPIC}:{URL}"
_WALK = re.compile(r"SCAN (outbox|o|b)\b(?!.*INDEX outbox_(dead|waiting))|USE TEMP")
"""A step of a plan that goes over all that waits; the first step along an index is none."""
TOLD = ("told", 1, False)
DROPPED = ("dropped", 0, False)
End = Callable[[Transaction, float], Awaitable[None]]
ENDS: dict[str, End] = {
    "a subscription": lambda tx, now: ended_targets.drop_target(tx, TARGET, now=now),
    "a topic": lambda tx, now: ended_targets.drop_topic(tx, TOPIC, now=now),
}
GIVEN_UP: End = lambda tx, now: ended_targets.give_up(tx, TARGET, problem="410", now=now)  # noqa: E731


async def end(w: World, by: End) -> None:
    await w.f.store.write(lambda tx: by(tx, w.clock.now()))


async def one_part(w: World) -> int:
    return await w.f.store.write(lambda tx: ended_targets.drop_ended(tx, limit=AT_ONCE))


async def open_ends(w: World) -> int:
    row = await w.f.store.read(lambda tx: tx.one("SELECT COUNT(*) FROM outbox_ended"))
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, FEW + 1, AT_ONCE, MANY])
@pytest.mark.parametrize("by", [*ENDS.values(), GIVEN_UP], ids=[*ENDS, "a webhook that is gone"])
def test_nothing_goes_out_between_the_parts(tmp_path: Path, by: End, count: int) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, count, URL)
        await end(w, by)
        dropped, state = min(count, FEW), "dead" if by is GIVEN_UP else "dropped"
        assert (await attempts(w))[state, 0, False] == dropped
        while True:
            assert await w.deliver() == 0
            went = await one_part(w)
            dropped += went
            assert went <= AT_ONCE
            if not went:
                break
        assert await open_ends(w) == 0
        assert (await attempts(w))[state, 0, False] == count
        assert dropped == count + (count >= FEW)  # with the row that said so

    with_world(tmp_path, check)


@pytest.mark.parametrize("by", ENDS.values(), ids=list(ENDS))
def test_what_is_claimed_and_not_begun_does_not_begin(tmp_path: Path, by: End) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, MANY, URL)
        begun = await w.claim()
        await end(w, by)
        w.clock.advance(2 * FRESH_S)
        before = len(w.http.posted)
        for one in begun:
            await w.notifier._go_on(one)
        await w.notifier.turn()
        assert len(w.http.posted) == before
        w.clock.advance(LEASE_S + 1)
        assert await w.deliver() == 0
        await drop_ended(w.f.store)
        assert await attempts(w) == {("told", 1, False): 2, DROPPED: MANY}

    with_world(tmp_path, check)


@pytest.mark.parametrize("problem", [None, "refused"])
def test_what_was_under_way_leaves_no_result_and_nothing_for_a_dead_letter_queue(
    tmp_path: Path, problem: str | None
) -> None:
    """Whether it ends before its row is dropped or after."""

    async def check(w: World) -> None:
        await proven(w)
        await publish(w, MANY, URL)
        (first, *_) = await w.claim()
        await end(w, ENDS["a subscription"])
        delivery = first.delivery

        async def settle(tx: Transaction) -> None:
            await outbox.begun(tx, [delivery])
            await outbox.redirect(tx, delivery, queue_arn="arn:aws:sqs:x:1:q", now=1.0)
            await outbox.settle(tx, [Result(delivery=delivery, problem=problem)], now=1.0)
            await outbox.settle(tx, [Result(delivery=delivery, problem="later", again_at=2.0)], now=1.0)
            await outbox.give_back(tx, [delivery], now=1.0)

        for _ in range(4):
            await w.f.store.write(settle)
            assert not await w.f.store.read(lambda tx: outbox.holds(tx, delivery))
            await one_part(w)
        assert await attempts(w) == {("told", 1, False): 2, DROPPED: MANY}

    with_world(tmp_path, check)


def test_what_was_under_way_to_one_that_was_given_up_ends_as_it_ends(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, MANY, URL)
        begun = await w.claim()
        await end(w, GIVEN_UP)
        while await one_part(w):
            pass
        await w.attempt(begun)
        await w.notifier._leave()
        assert await attempts(w) == {
            TOLD: 2 + len(begun),
            ("waiting", 0, False): FEW,
            ("dead", 0, False): MANY - len(begun) - FEW,
        }

    with_world(tmp_path, check)


def test_others_and_what_comes_later_go_out_as_ever(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, MANY, URL)
        await publish(w, 3, OTHER, f"{URL}2", named="others")
        await end(w, ENDS["a subscription"])
        await publish(w, 10, URL, named="anew")
        assert await w.deliver() == 6 + 2  # eight are behind one of their order that is still to be dropped
        await drop_ended(w.f.store)
        assert await w.deliver() == 8
        assert await attempts(w) == {TOLD: 2 + 6 + 10, DROPPED: MANY}

    with_world(tmp_path, check)


def test_who_ends_it_again_and_again_leaves_as_many_notes_as_there_were_messages_for(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await publish(w, 5 * FEW, URL)
        for _ in range(20):
            await end(w, ENDS["a subscription"])
        assert await open_ends(w) <= 5
        await drop_ended(w.f.store)
        assert await open_ends(w) == 0

    with_world(tmp_path, check)


def test_a_process_that_dies_midway_has_the_rest_dropped_by_the_next(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await publish(w, MANY, URL)
        await end(w, ENDS["a subscription"])
        inner, count = w.f.store.write, 0

        async def dies(function: Any, *, is_long: bool = False) -> Any:
            nonlocal count
            count += 1
            if count == 2:
                raise StoreUnavailable("gone")
            return await inner(function, is_long=is_long)

        w.f.store.write = dies  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            await drop_ended(w.f.store)
        again = World(w.f)
        assert await again.deliver() == 0
        await drop_ended(w.f.store)
        assert await attempts(w) == {DROPPED: MANY}

    with_world(tmp_path, check)


def test_what_was_given_up_is_not_tried_again_while_the_rest_is_being_given_up(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await publish(w, MANY, URL)
        await end(w, GIVEN_UP)
        dead = await w.f.store.read(lambda tx: outbox_entries.dead(tx, account_id=None, after=0, limit=5))
        seqs = [one.seq for one in dead]
        assert len(seqs) == 5
        assert await w.f.store.read(lambda tx: outbox_entries.dead_numbers(tx, limit=5)) == []
        assert await w.f.store.write(lambda tx: outbox_entries.retry(tx, seqs, now=1.0)) == 0
        await drop_ended(w.f.store)
        assert await w.f.store.write(lambda tx: outbox_entries.retry(tx, seqs, now=1.0)) == 5

    with_world(tmp_path, check)


@pytest.mark.parametrize("count", [0, 3, AT_ONCE, AT_ONCE + 3])
def test_what_the_clock_left_behind_is_due_so_many_a_write(tmp_path: Path, count: int) -> None:
    async def check(w: World) -> None:
        w.clock.advance(30 * 86_400.0)
        await publish(w, count, URL)
        w.clock.advance(-30 * 86_400.0)
        await publish(w, 2, OTHER, named="now")
        went: list[int] = []
        inner = w.f.store.write

        async def write(function: Any, *, is_long: bool = False) -> Any:
            done = await inner(function, is_long=is_long)
            went.append(done)
            return done

        w.f.store.write = write  # type: ignore[method-assign]
        await hasten(w.f.store, now=w.clock.now())
        assert (sum(went), max(went, default=0) <= AT_ONCE) == (count, True)
        far = w.clock.now() + LONGEST_WAIT_S
        assert await w.f.store.read(lambda tx: outbox.far_off(tx, after=far, limit=9)) == []
        assert (
            len(await w.f.store.read(lambda tx: outbox.due(tx, URL, now=w.clock.now(), limit=9_999))) == count
        )

    with_world(tmp_path, check)


def test_no_statement_of_it_walks_over_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(store: Store) -> None:
        async def run(tx: Transaction) -> None:
            for by in (*ENDS.values(), GIVEN_UP):
                await by(tx, 1.0)
            await ended_targets.drop_ended(tx, limit=1)
            await outbox.far_off(tx, after=1.0, limit=1)
            await outbox.hasten(tx, [1], now=1.0, after=1.0)
            await outbox.due(tx, URL, now=1.0, limit=1)
            await outbox.claim(tx, [1], now=1.0, lease="l", lease_s=1.0)
            await outbox_entries.dead_numbers(tx, limit=1)

        async def fill(tx: Transaction) -> None:
            place = Place(target=TARGET, protocol="https", endpoint=URL, order_key=f"{TARGET}|")
            one = Publication(message_id="m", topic_arn=TOPIC, kind="Notification", body="", at=0.0)
            await outbox.publish(tx, [(one, [place] * 2 * FEW)])

        await store.write(fill)
        await store.write(run)

    plans = statements_of(tmp_path / "db", use, monkeypatch)
    walks = {sql: plan for sql, plan in plans.items() if any(_WALK.match(step) for step in plan)}
    assert walks == {}
    assert any(
        "outbox_order" in step for sql, plan in plans.items() if "state = 'waiting'" in sql for step in plan
    )
    assert any(_WALK.match(step) for step in ("SCAN outbox", "SCAN o USING INDEX x"))
