"""Texts of claimed messages are read together, and each has its own fate."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sesame.db import T, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.delivery.bodies import FRESH_BYTES, FRESH_S, SMALL_BYTES, Bodies
from sesame.errors import StoreDamaged, StoreUnavailable
from sesame.model import MessageId
from sesame.spool.spool import Damaged, Spool
from tests.support.clock import FakeClock
from tests.support.spooled import Fixture, message

COUNT = 30


class Reads:
    """Passes reads on to a store, counts them, and lets some fail before they are made."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.count = 0
        self.fails: dict[int, Exception] = {}
        self.clock = FakeClock()

    async def read(self, function: Callable[[Transaction], Awaitable[T]], *, is_short: bool = False) -> T:
        self.count += 1
        if error := self.fails.get(self.count):
            raise error
        return await self.store.read(function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def text(n: int) -> bytes:
    return b"From: a@example.com\r\n\r\n%d\r\n" % n


def with_messages(
    tmp_path: Path, check: Callable[[Fixture, Reads, Bodies], Awaitable[None]], *, last: bytes = b""
) -> None:
    """COUNT messages, the last with a text of its own."""

    async def session() -> None:
        store = SqliteStore(tmp_path / "sesame.db", durable=False)
        fixture, reads = Fixture(store), Reads(store)
        for n in range(COUNT):
            data = last if last and n == COUNT - 1 else text(n)
            await fixture.put(message(f"m{n}", data=data))
        try:
            await check(fixture, reads, Bodies(Spool(reads), clock=reads.clock))
        finally:
            store.close()

    asyncio.run(session())


async def lose(fixture: Fixture, seq: int) -> None:
    async def run(tx: Transaction) -> None:
        await tx.execute("DELETE FROM body WHERE message_seq = ?", seq)

    await fixture.store.write(run)


def test_texts_that_are_wanted_at_once_take_few_reads_and_each_gets_its_own(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        claims = await fixture.claim()
        found = await asyncio.gather(*map(bodies.read, reversed(claims)))
        assert found == [text(n) for n in reversed(range(COUNT))]
        assert reads.count == 1

    with_messages(tmp_path, check)


def test_a_large_text_is_read_by_itself(tmp_path: Path) -> None:
    large = b"From: a@example.com\r\n\r\n" + b"x" * SMALL_BYTES

    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        claims = (await fixture.claim())[-3:]
        found = await asyncio.gather(*map(bodies.read, claims))
        assert [len(one) for one in found] == [len(text(COUNT - 3)), len(text(COUNT - 2)), len(large)]
        assert reads.count == 2

    with_messages(tmp_path, check, last=large)


def test_of_many_the_lost_one_alone_is_damaged(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        claims = await fixture.claim()
        await lose(fixture, claims[1].message_seq)
        found = await asyncio.gather(*map(bodies.read, claims), return_exceptions=True)
        assert [n for n, one in enumerate(found) if isinstance(one, Damaged)] == [1]
        assert [one for one in found if isinstance(one, bytes)] == [text(n) for n in range(COUNT) if n != 1]

    with_messages(tmp_path, check)


def test_where_something_is_damaged_each_is_read_by_itself_and_fails_alone(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        claims = (await fixture.claim())[:3]
        reads.fails = {1: StoreDamaged("page 7"), 3: StoreDamaged("page 7")}
        found = await asyncio.gather(*map(bodies.read, claims), return_exceptions=True)
        assert (found[0], found[2]) == (text(0), text(2))
        assert isinstance(found[1], Damaged)

    with_messages(tmp_path, check)


@pytest.mark.parametrize("error", [StoreUnavailable("locked"), ZeroDivisionError()])
def test_any_other_fault_reaches_all_who_wait_and_damages_none(tmp_path: Path, error: Exception) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        claims = (await fixture.claim())[:3]
        reads.fails = {1: error}
        found = await asyncio.gather(*map(bodies.read, claims), return_exceptions=True)
        assert [type(one) for one in found] == [type(error)] * 3
        assert await bodies.read(claims[0]) == text(0)

    with_messages(tmp_path, check)


def test_one_who_waits_no_more_keeps_nobody_from_a_text(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        claims = (await fixture.claim())[:3]
        waiting = [asyncio.ensure_future(bodies.read(claim)) for claim in claims]
        await asyncio.sleep(0)
        waiting[0].cancel()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [text(1), text(2)]

    with_messages(tmp_path, check)


def test_a_text_that_was_just_accepted_is_not_read_at_its_first_attempts(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        two = message("two", "x@one.test", "y@one.test", data=text(7))
        await fixture.put(two)
        bodies.keep(two)
        first, second = (await fixture.claim())[-2:]
        assert await bodies.read(first) == await bodies.read(second) == text(7)
        assert reads.count == 0
        assert await bodies.read(second) == text(7), "a later attempt reads it"
        assert reads.count == 1

    with_messages(tmp_path, check)


def test_recipients_that_get_nothing_keep_no_text_at_hand(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        one = message("one", "x@one.test", "y@one.test", data=text(7), suppressed={"y@one.test": "BOUNCE"})
        none = message("none", data=text(8), suppressed={"x@one.test": "BOUNCE"})
        for spooled in (one, none):
            await fixture.put(spooled)
            bodies.keep(spooled)
        claim = (await fixture.claim())[-1]
        assert await bodies.read(claim) == text(7)
        assert bodies.held_bytes == 0

    with_messages(tmp_path, check)


def test_where_there_is_no_room_at_hand_the_earlier_texts_stay_and_old_ones_give_way(tmp_path: Path) -> None:
    big = b"From: a@example.com\r\n\r\n".ljust(SMALL_BYTES, b"x")

    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        for n in range(FRESH_BYTES // SMALL_BYTES):
            bodies.keep(message(f"n{n}", data=big))
        full = bodies.held_bytes
        bodies.keep(message("late", data=big))
        assert bodies.held_bytes == full == FRESH_BYTES
        claim = (await fixture.claim())[0]
        assert await bodies.read(msgspec.structs.replace(claim, message_id=MessageId("n0"))) == big
        assert await bodies.read(claim) == text(0), "one that is not at hand is read"
        reads.clock.advance(FRESH_S)
        for n in range(FRESH_BYTES // SMALL_BYTES):
            bodies.keep(message(f"later{n}", data=big))
        assert bodies.held_bytes == FRESH_BYTES
        assert await bodies.read(msgspec.structs.replace(claim, message_id=MessageId("later0"))) == big

    with_messages(tmp_path, check)


def test_a_large_text_is_not_kept_at_hand(tmp_path: Path) -> None:
    async def check(fixture: Fixture, reads: Reads, bodies: Bodies) -> None:
        bodies.keep(message("large", data=b"x" * (SMALL_BYTES + 1)))
        assert bodies.held_bytes == 0

    with_messages(tmp_path, check)
