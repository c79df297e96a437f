"""Failures to log in are counted within bounds, however many there are and under whatever names."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

from sesame.access.failed_sign_ins import MOST_AN_HOUR, MOST_NAMES, FailedSignIns
from sesame.admin.failed_sign_ins import overview
from sesame.db.sqlite import SqliteStore
from sesame.errors import Unavailable
from sesame.observe import Log
from sesame.store import failed_sign_ins
from sesame.store.failed_sign_ins import HOUR_S, OTHERS, Failed
from tests.support.clock import FakeClock

Counting = Callable[[FailedSignIns, FakeClock, SqliteStore], Awaitable[None]]


def rows_after(path: Path, counting: Counting) -> list[Failed]:
    """What is stored after counting, oldest hour first."""

    async def run() -> list[Failed]:
        store, clock = SqliteStore(path / "db"), FakeClock()
        try:
            failed = FailedSignIns(store, clock, Log(io.StringIO(), as_json=True, clock=clock))
            await counting(failed, clock, store)
            await failed.write()
            return await store.read(lambda tx: failed_sign_ins.between(tx, 0, 10**9))
        finally:
            store.close()

    return asyncio.run(run())


def test_sums_are_by_hour_door_network_and_name(tmp_path: Path) -> None:
    async def counting(failed: FailedSignIns, clock: FakeClock, store: SqliteStore) -> None:
        failed.note("SMTP", "192.0.2.1", "AKIA1", why="unknown")
        await failed.write()
        clock.advance(5)
        failed.note("SMTP", "192.0.2.1", "AKIA1", why="password", account_id="111111111111")
        failed.note("API", "192.0.2.1", "AKIA1", why="SignatureDoesNotMatch")
        failed.note("console", "2001:db8::1", "shop/anna", why="password")
        failed.note("console", "2001:db8::2", "shop/anna", why="password")
        clock.advance(HOUR_S)
        failed.note("SMTP", "192.0.2.1", "AKIA1", why="too-many")

    rows = rows_after(tmp_path, counting)
    assert [(one.door, one.network, one.name, one.failures, one.why) for one in rows] == [
        ("API", "192.0.2.1", "AKIA1", 1, "SignatureDoesNotMatch"),
        ("SMTP", "192.0.2.1", "AKIA1", 2, "password"),
        ("console", "2001:db8::/64", "shop/anna", 2, "password"),
        ("SMTP", "192.0.2.1", "AKIA1", 1, "too-many"),
    ]
    assert rows[1].account_id == "111111111111"
    assert rows[1].last_at - rows[1].first_at == 5
    assert rows[3].hour == rows[0].hour + 1


def test_a_hundred_thousand_tries_fill_no_store_and_all_are_counted(tmp_path: Path) -> None:
    """Each from a network of its own under a name of its own, then all names from one network, over many writes."""
    tries = 100_000

    async def counting(failed: FailedSignIns, clock: FakeClock, store: SqliteStore) -> None:
        for n in range(tries):
            address = f"2001:db8:{n >> 12:x}:{n & 0xFFF:x}::1" if n % 2 else "192.0.2.1"
            failed.note("SMTP", address, f"user-{n}", why="unknown")
            if n % 5_000 == 0:
                await failed.write()

    rows = rows_after(tmp_path, counting)
    assert sum(one.failures for one in rows) == tries
    assert len(rows) <= MOST_AN_HOUR + MOST_AN_HOUR // MOST_NAMES + 1
    assert len([one for one in rows if one.network == "192.0.2.1" and one.name != OTHERS]) <= MOST_NAMES
    summed = overview(rows, most=10)
    assert summed.failures == tries
    assert summed.networks[0].of in (OTHERS, "192.0.2.1")


def test_one_network_with_many_names_leaves_room_for_others(tmp_path: Path) -> None:
    async def counting(failed: FailedSignIns, clock: FakeClock, store: SqliteStore) -> None:
        for n in range(150):
            failed.note("console", "192.0.2.1", f"shop/user-{n}", why="unknown")
        failed.note("console", "192.0.2.2", "shop/anna", why="password")

    rows = rows_after(tmp_path, counting)
    assert [(one.name, one.failures) for one in rows if one.network == "192.0.2.2"] == [("shop/anna", 1)]
    assert {one.name: one.failures for one in rows}[OTHERS] == 150 - MOST_NAMES


def test_names_that_nobody_has_do_not_pass_for_others_and_hold_no_secret(tmp_path: Path) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

    async def counting(failed: FailedSignIns, clock: FakeClock, store: SqliteStore) -> None:
        for name in ("", "*", secret, "\udcff\0", "x" * 29 + "\n"):
            failed.note("SMTP", "", name, why="user-name")

    rows = rows_after(tmp_path, counting)
    assert OTHERS not in {part for one in rows for part in (one.name, one.network)}
    assert len(rows) == 5
    assert all(secret[:10] not in one.name and "\0" not in one.name for one in rows)


def test_what_could_not_be_written_is_written_the_next_time(tmp_path: Path) -> None:
    async def counting(failed: FailedSignIns, clock: FakeClock, store: SqliteStore) -> None:
        failed.note("API", "192.0.2.1", "AKIA1", why="InvalidClientTokenId")

        async def refuse(*_: object, **__: object) -> None:
            raise Unavailable("the disk is full")

        write, store.write = store.write, refuse  # type: ignore[method-assign,assignment]
        await failed.write()
        store.write = write  # type: ignore[method-assign]
        failed.note("API", "192.0.2.1", "AKIA1", why="InvalidClientTokenId")
        first = rows_hour(clock)
        assert [one.failures for one in await failed.of_hours(first, first + 1)] == [2]

    assert [one.failures for one in rows_after(tmp_path, counting)] == [2]


def rows_hour(clock: FakeClock) -> int:
    return int(clock.now() // HOUR_S)


def test_old_hours_are_let_go(tmp_path: Path) -> None:
    async def counting(failed: FailedSignIns, clock: FakeClock, store: SqliteStore) -> None:
        for _ in range(3):
            failed.note("API", "192.0.2.1", "AKIA1", why="x")
            clock.advance(HOUR_S)
        await failed.write()
        before = rows_hour(clock) - 1
        assert await store.write(lambda tx: failed_sign_ins.purge_before(tx, before, limit=1)) == 1
        assert await store.write(lambda tx: failed_sign_ins.purge_before(tx, before, limit=10)) == 1

    assert len(rows_after(tmp_path, counting)) == 1
