"""Events that go to many: written so many rows a commit, whole after a crash, to nobody who unsubscribed meanwhile."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sesame.db import AT_ONCE, Transaction
from sesame.errors import StoreUnavailable
from sesame.notify.expand import MOST_PLACES
from sesame.store import ended_targets, subscriptions
from sesame.store.outbox import FEW_PLACES, Place, Publication, in_writes
from sesame.store.subscriptions import Subscription
from tests.notify.test_outbox import TOPIC, World, with_world

COUNT = "SELECT (SELECT COUNT(*) FROM publication), (SELECT COUNT(*) FROM outbox)"


async def subscribe_many(w: World, count: int) -> None:
    """With the one that a world has, so many more."""
    made = [
        Subscription(
            arn=f"{TOPIC}:{number:06}", topic_arn=TOPIC, account_id="1", protocol="https", attributes={},
            endpoint=f"https://h{number}.test/", created_at=0, confirmed_at=1,
        )
        for number in range(count)
    ]  # fmt: skip

    async def run(tx: Transaction) -> None:
        for one in made:
            await subscriptions.put(tx, one)

    await w.f.store.write(run, is_long=True)


def before_each_write(w: World, act: Callable[[int], Awaitable[object]]) -> list[tuple[int, bool]]:
    """Have something happen before each write, the first being 1; how many rows each added, and if it was long."""
    inner, grew = w.f.store.write, list[tuple[int, bool]]()

    async def rows() -> int:
        row = await w.f.store.read(lambda tx: tx.one(COUNT))
        assert row is not None
        return int(row[0]) + int(row[1])

    async def write(function: Any, *, is_long: bool = False) -> Any:
        await act(len(grew) + 1)
        before = await rows()
        try:
            return await inner(function, is_long=is_long)
        finally:
            grew.append((await rows() - before, is_long))

    w.f.store.write = write  # type: ignore[method-assign]
    return grew


async def nothing(number: int) -> None:
    return None


async def told(w: World) -> Counter[str]:
    """How many rows each target has."""
    rows = await w.f.store.read(lambda tx: tx.all("SELECT target FROM outbox"))
    return Counter(row[0] for row in rows)


@pytest.mark.parametrize("count", [0, FEW_PLACES, AT_ONCE + 5])
def test_no_write_takes_more_rows_than_its_part(tmp_path: Path, count: int) -> None:
    async def check(w: World) -> None:
        await subscribe_many(w, count)
        for number in range(3):
            await w.send(f"m{number}", recipients=(f"r{number}@one.test",))
        grew = before_each_write(w, nothing)
        assert await w.expand() == 6
        assert max(rows for rows, _ in grew) <= AT_ONCE
        assert all(is_long for rows, is_long in grew if rows > FEW_PLACES + 12)
        assert sorted(set((await told(w)).values())) == [6]
        assert len(await told(w)) == count + 1

    with_world(tmp_path, check)


def test_events_that_have_too_many_places_together_are_expanded_one_by_one(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await subscribe_many(w, MOST_PLACES // 5)
        for number in range(3):
            await w.send(f"m{number}", recipients=(f"r{number}@one.test",))
        assert await w.expand() == 6
        assert set((await told(w)).values()) == {6}

    with_world(tmp_path, check)


@pytest.mark.parametrize("dies_at", [2, 3, 4, 5])
def test_after_a_crash_between_the_parts_each_has_everything_once(tmp_path: Path, dies_at: int) -> None:
    async def check(w: World) -> None:
        await subscribe_many(w, AT_ONCE + 5)
        await w.send("m1")
        inner = w.f.store.write

        async def dies(number: int) -> None:
            if number >= dies_at:
                raise StoreUnavailable("gone")

        before_each_write(w, dies)
        try:
            await w.expand()
        except StoreUnavailable:
            pass
        w.f.store.write = inner  # type: ignore[method-assign]
        w.clock.advance(3_600.0)
        again = World(w.f)
        again.clock.advance(w.clock.now() - again.clock.now())
        await again.expand()
        assert set((await told(w)).values()) == {2}
        assert len(await told(w)) == AT_ONCE + 6

    with_world(tmp_path, check)


def test_who_unsubscribes_between_the_parts_gets_nothing_more(tmp_path: Path) -> None:
    """What it was given before is dropped with its end; what would be written after is not."""

    async def check(w: World) -> None:
        await subscribe_many(w, AT_ONCE + 5)
        await w.send("m1")
        last = f"{TOPIC}:{AT_ONCE:06}"
        inner = w.f.store.write

        async def ends(number: int) -> None:
            if number == 2:

                async def run(tx: Transaction) -> None:
                    found = await subscriptions.get(tx, last)
                    assert found is not None
                    await ended_targets.drop_target(tx, last, now=1.0)
                    await subscriptions.put(tx, replace(found, confirmed_at=None, ended_at=1.0))

                await inner(run)

        before_each_write(w, ends)
        await w.expand()
        states = await w.f.store.read(lambda tx: tx.all("SELECT state FROM outbox WHERE target = ?", last))
        assert not [state for (state,) in states if state == "waiting"]
        assert len(await told(w)) >= AT_ONCE + 5

    with_world(tmp_path, check)


def publications(*sizes: int) -> list[tuple[Publication, Sequence[Place]]]:
    return [
        (
            Publication(message_id=f"m{n}", topic_arn=TOPIC, kind="Notification", body="", at=0.0),
            [Place(target=f"t{k}", protocol="https", endpoint="e", order_key=f"t{k}|") for k in range(size)],
        )
        for n, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("at_once", [2, 3, 5, 1_000])
@pytest.mark.parametrize("sizes", [(), (0,), (1,), (4,), (0, 0, 0), (5, 0, 7), (1, 1, 1, 1), (9,)])
def test_parts_hold_everything_in_its_order_and_no_more_than_their_rows(
    sizes: tuple[int, ...], at_once: int
) -> None:
    made = publications(*sizes)
    parts = in_writes(made, at_once=at_once)
    assert parts
    assert all(sum(1 + len(where) for _, where in part) <= at_once for part in parts)
    flat = [(one.message_id, place.target) for part in parts for one, where in part for place in where]
    assert flat == [(one.message_id, place.target) for one, where in made for place in where]
    assert {one.message_id for part in parts for one, _ in part} == {one.message_id for one, _ in made}
    assert all(part for part in parts) or not made
