"""Texts of claimed messages are read together, and each has its own fate."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sesame.db import T, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.delivery.bodies import SMALL_BYTES, Bodies
from sesame.errors import StoreDamaged, StoreUnavailable
from sesame.spool.spool import Damaged, Spool
from tests.support.spooled import Fixture, message

COUNT = 30


class Reads:
    """Passes reads on to a store, counts them, and lets some fail before they are made."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.count = 0
        self.fails: dict[int, Exception] = {}

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
            await check(fixture, reads, Bodies(Spool(reads)))
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
