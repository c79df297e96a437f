"""The embedded store: durable, grouped, each transaction on its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from sesame.db import Parameter, Store, Transaction, bump, epoch, sqlite
from sesame.db.migrate import migrate
from sesame.db.sqlite import SqliteStore, connect
from sesame.errors import SesameError, StoreUnavailable
from tests.support.patience import PATIENCE_S


def run_with_store(path: Path, function: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def session() -> None:
        store = SqliteStore(path)
        try:
            await function(store)
        finally:
            store.close()

    asyncio.run(session())


def leave_room_for(store: SqliteStore, *, pages: int) -> None:
    """The disk has so many pages left."""
    used = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {used + pages}")


async def fill_the_disk(tx: Transaction) -> None:
    await tx.execute(
        "INSERT INTO mailbox (seq, received_at, mail_from, rcpt_to, data) VALUES (NULL, 0, '', '', ?)",
        b"x" * 1_000_000,
    )


async def bump_twice_then_fail(tx: Transaction) -> None:
    await bump(tx, "lost")
    raise LookupError("on purpose")


def test_a_failed_transaction_undoes_itself_and_nothing_else(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        results = await asyncio.gather(
            store.write(lambda tx: bump(tx, "kept")),
            store.write(bump_twice_then_fail),
            store.write(lambda tx: bump(tx, "kept")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), LookupError, type(None)]
        assert await store.read(lambda tx: epoch(tx, "kept")) == 2
        assert await store.read(lambda tx: epoch(tx, "lost")) == 0

    run_with_store(tmp_path / "db", check)


def test_writes_that_wait_share_a_commit(tmp_path: Path) -> None:
    """Fewer commits than transactions: what arrives while a commit runs is taken together."""

    async def check(store: SqliteStore) -> None:
        commits = 0
        original = store._finish

        def counting(batch: list[object]) -> None:
            nonlocal commits
            commits += 1
            original(batch)  # type: ignore[arg-type]

        store._finish = counting  # type: ignore[method-assign, assignment]
        await asyncio.gather(*(store.write(lambda tx: bump(tx, "count")) for _ in range(200)))
        assert await store.read(lambda tx: epoch(tx, "count")) == 200
        assert commits < 100

    run_with_store(tmp_path / "db", check)


def test_a_transaction_that_awaits_something_else_is_refused(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def waits(tx: Transaction) -> None:
            await bump(tx, "never")
            await asyncio.sleep(0)

        with pytest.raises(RuntimeError, match="awaited something other"):
            await store.write(waits)
        assert await store.read(lambda tx: epoch(tx, "never")) == 0

    run_with_store(tmp_path / "db", check)


@pytest.mark.parametrize("is_short", [False, True])
def test_reads_cannot_write(tmp_path: Path, is_short: bool) -> None:
    async def check(store: Store) -> None:
        with pytest.raises(StoreUnavailable, match="readonly"):
            await store.read(lambda tx: bump(tx, "no"), is_short=is_short)

    run_with_store(tmp_path / "db", check)


def test_a_short_read_sees_the_last_commit_and_goes_nowhere_else_for_it(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def where(tx: Transaction) -> tuple[int, str]:
            return await epoch(tx, "seen"), threading.current_thread().name

        for count in range(1, 4):
            await store.write(lambda tx: bump(tx, "seen"))
            assert await store.read(where, is_short=True) == (count, threading.current_thread().name)
            number, thread = await store.read(where)
            assert number == count and thread.startswith("store-read")

    run_with_store(tmp_path / "db", check)


def test_a_short_read_that_would_have_to_wait_is_made_where_it_can(tmp_path: Path) -> None:
    threads: list[str] = []

    async def locked_at_first(tx: Transaction) -> int:
        threads.append(threading.current_thread().name)
        if len(threads) == 1:
            raise sqlite3.OperationalError("database is locked")
        return 7

    async def check(store: Store) -> None:
        assert await store.read(locked_at_first, is_short=True) == 7
        assert threads[1].startswith("store-read")

    run_with_store(tmp_path / "db", check)


def test_what_was_answered_is_there_after_reopening(tmp_path: Path) -> None:
    run_with_store(tmp_path / "db", lambda store: store.write(lambda tx: bump(tx, "kept")))

    async def check(store: Store) -> None:
        assert await store.read(lambda tx: epoch(tx, "kept")) == 1

    run_with_store(tmp_path / "db", check)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async def check() -> None:
        store = SqliteStore(tmp_path / "db")
        store.close()
        with pytest.raises(StoreUnavailable):
            await store.write(lambda tx: bump(tx, "late"))

    asyncio.run(check())


def test_a_failed_commit_is_told_to_everyone_in_it(tmp_path: Path) -> None:
    """The disk is full in the middle of a batch: nobody is told that their write is done."""

    async def check(store: SqliteStore) -> None:
        leave_room_for(store, pages=8)
        results = await asyncio.gather(
            *(
                store.write(function)
                for function in (lambda tx: bump(tx, "a"), fill_the_disk, lambda tx: bump(tx, "b"))
            ),
            return_exceptions=True,
        )
        assert isinstance(results[1], StoreUnavailable | sqlite3.OperationalError)
        for result, scope in ((results[0], "a"), (results[2], "b")):
            stored = await store.read(lambda tx, scope=scope: epoch(tx, scope))  # type: ignore[misc]
            assert stored == (0 if isinstance(result, StoreUnavailable) else 1)

    run_with_store(tmp_path / "db", check)


def test_another_process_holding_the_lock_delays_and_does_not_lose(tmp_path: Path) -> None:
    async def check(store: SqliteStore) -> None:
        other = connect(tmp_path / "db")
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(store.write(lambda tx: bump(tx, "kept")))
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        assert not done
        other.execute("COMMIT")
        other.close()
        await waiting
        assert await store.read(lambda tx: epoch(tx, "kept")) == 1

    run_with_store(tmp_path / "db", check)


def test_the_settings_that_durability_rests_on_are_in_force(tmp_path: Path) -> None:
    """WAL with synchronous=FULL: NORMAL loses acknowledged rows at a power cut (I1)."""
    connection = connect(tmp_path / "db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    connection.close()


def test_a_migration_that_is_cut_off_leaves_nothing_behind(tmp_path: Path) -> None:
    connection = connect(tmp_path / "db")
    connection.execute("CREATE TABLE zone_record (x)")  # the last table of the first migration exists already
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"zone_record"}
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.execute("DROP TABLE zone_record")
    assert migrate(connection) >= 1
    assert migrate(connection) >= 1
    connection.close()


def test_a_long_transaction_leaves_the_loop_alone(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def thread_name(tx: Transaction) -> str:
            return threading.current_thread().name

        assert await store.write(thread_name) == threading.current_thread().name
        assert (await store.write(thread_name, is_long=True)).startswith("store-write")

    run_with_store(tmp_path / "db", check)


def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    async def check() -> None:
        store = SqliteStore(tmp_path / "db")
        writes = [asyncio.ensure_future(store.write(lambda tx: bump(tx, "kept"))) for _ in range(100)]
        await asyncio.sleep(0)
        store.close()
        await asyncio.gather(*writes)

    asyncio.run(check())

    async def kept(store: Store) -> None:
        assert await store.read(lambda tx: epoch(tx, "kept")) == 100

    run_with_store(tmp_path / "db", kept)


def test_a_loop_that_ends_midway_leaves_the_store_to_the_next(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    blocker = connect(tmp_path / "db")
    blocker.execute("BEGIN IMMEDIATE")

    async def walk_away() -> None:
        waiting = asyncio.ensure_future(store.write(lambda tx: bump(tx, "first")))
        await asyncio.wait({waiting}, timeout=0.01)

    asyncio.run(walk_away())
    blocker.execute("COMMIT")
    blocker.close()
    is_done = threading.Event()
    store._writer.do(lambda event: event.set(), is_done)
    is_done.wait(PATIENCE_S)  # the thread is done with the first loop's batch

    async def go_on() -> int:
        await store.write(lambda tx: bump(tx, "second"))
        return await store.read(lambda tx: epoch(tx, "second"))

    assert asyncio.run(go_on()) == 1
    store.close()


def test_a_statement_that_the_disk_refuses_is_the_stores_fault(tmp_path: Path) -> None:
    async def check(store: SqliteStore) -> None:
        leave_room_for(store, pages=8)
        with pytest.raises(StoreUnavailable):
            await store.write(fill_the_disk)

    run_with_store(tmp_path / "db", check)


def test_a_migration_with_a_lower_number_is_not_passed_over(tmp_path: Path) -> None:
    connection = connect(tmp_path / "db")
    latest = migrate(connection)
    connection.execute("DROP TABLE smtp_binding")
    connection.execute("DELETE FROM migration WHERE number = 2")
    assert migrate(connection) == latest
    assert connection.execute("SELECT COUNT(*) FROM smtp_binding").fetchone() == (0,)
    connection.close()


def test_a_database_of_the_first_version_takes_all_that_came_since(tmp_path: Path) -> None:
    connection = connect(tmp_path / "db")
    foundation = next((Path(sqlite.__file__).parent / "migrations").glob("0001_*.sql"))
    for statement in foundation.read_text().split(";\n"):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    assert migrate(connection) > 1
    connection.execute("SELECT * FROM smtp_binding")
    connection.close()


@pytest.mark.parametrize("raised", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("is_long", [False, True])
def test_whatever_a_transaction_raises_the_store_goes_on(
    raised: type[BaseException], is_long: bool, tmp_path: Path
) -> None:
    """Nobody waits for ever, and nothing of it is kept."""

    async def check(store: Store) -> None:
        async def breaks(tx: Transaction) -> None:
            await bump(tx, "lost")
            raise raised

        broken = asyncio.ensure_future(store.write(breaks, is_long=is_long))
        kept = asyncio.ensure_future(store.write(lambda tx: bump(tx, "kept")))
        done, _ = await asyncio.wait({broken, kept}, timeout=PATIENCE_S)
        assert done == {broken, kept}
        assert broken.cancelled() or isinstance(broken.exception(), StoreUnavailable)
        assert await store.read(lambda tx: epoch(tx, "kept")) == 1
        assert await store.read(lambda tx: epoch(tx, "lost")) == 0

    run_with_store(tmp_path / "db", check)


def test_a_file_that_is_damaged_meanwhile_is_told_of(tmp_path: Path) -> None:
    """SQLite calls it DatabaseError, not OperationalError; whoever writes or reads must hear of it."""

    async def check(store: SqliteStore) -> None:
        other = connect(tmp_path / "db")
        other.execute("CREATE TABLE seen_by_the_store_as_a_change (x)")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        with (tmp_path / "db").open("r+b") as file:
            file.write(b"no database" * 4096)
        for _ in range(2):
            done, _ = await asyncio.wait(
                {asyncio.ensure_future(store.write(lambda tx: bump(tx, "lost")))}, timeout=5
            )
            assert [type(task.exception()) for task in done] == [StoreUnavailable]

    run_with_store(tmp_path / "db", check)


def test_reading_from_a_closed_store_says_so(tmp_path: Path) -> None:
    async def check() -> None:
        store = SqliteStore(tmp_path / "db")
        store.close()
        with pytest.raises(StoreUnavailable):
            await store.read(lambda tx: epoch(tx, "late"))

    asyncio.run(check())


def test_a_lock_that_stays_is_waited_for_once_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.2)

    async def check(store: Store) -> None:
        other = connect(tmp_path / "db")
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(12):  # one by one it would take 12.8 s
            results = await asyncio.gather(
                *(store.write(lambda tx: bump(tx, "no")) for _ in range(64)), return_exceptions=True
            )
        other.execute("ROLLBACK")
        other.close()
        assert all(isinstance(result, StoreUnavailable) for result in results)
        await store.write(lambda tx: bump(tx, "yes"))

    run_with_store(tmp_path / "db", check)


def test_lists_are_one_parameter(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        for scope in ("a", "b", "c", "d", "e"):
            await store.write(lambda tx, scope=scope: bump(tx, scope))  # type: ignore[misc]

        async def scopes(tx: Transaction, sql: str, *values: Parameter) -> str:
            rows = await tx.all(f"SELECT scope FROM epoch WHERE {sql} ORDER BY scope", *values)
            return "".join(row[0] for row in rows)

        async def run(tx: Transaction) -> None:
            assert await scopes(tx, "scope IN (?*)", ["a", "c", "x"]) == "ac"
            assert await scopes(tx, "scope IN (?*)", []) == ""
            assert await scopes(tx, "scope NOT IN (?*)", ("a", "b", "c")) == "de"
            assert await scopes(tx, "scope NOT IN (?*)", []) == "abcde"
            mixed = "value = ? AND scope IN (?*) AND value < ? AND scope IN (?*) AND value > ?"
            assert await scopes(tx, mixed, 1, list("abcde"), 2, list("bcd"), 0) == "bcd"
            with pytest.raises(TypeError):
                await scopes(tx, "scope IN (?*)", "a")

        await store.read(run)

    run_with_store(tmp_path / "db", check)


def test_lists_of_many_lengths_are_few_statements() -> None:
    texts = {sqlite._with_lists("x IN (?*)", [list(range(length))])[0] for length in range(65)}
    assert len(texts) == 8


def test_numbers_have_not_been_used(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> tuple[int, int]:
            first = await tx.new_numbers("mailbox", 2)
            values = (
                "INSERT INTO mailbox (seq, received_at, mail_from, rcpt_to, data) VALUES (?, 0, '', '', ?)"
            )
            assert await tx.many(values, [(first, b""), (first + 1, b"")]) == 2
            assert await tx.many(values, []) == 0
            return first, await tx.new_numbers("mailbox", 1)

        assert await store.write(run) == (1, 3)

    run_with_store(tmp_path / "db", check)


async def count_apart(tx: Transaction, jobs: Sequence[str]) -> list[int | Exception]:
    """A batch: bumps each scope; refuses `bad`, and falls over `worse`."""
    CALLS.append(list(jobs))
    results: list[int | Exception] = []
    for job in jobs:
        if job == "bad":
            results.append(LookupError("refused"))
            continue
        await bump(tx, job)
        if job == "worse":
            raise RuntimeError("fell over")
        results.append(await epoch(tx, job))
    return results


CALLS: list[list[str]] = []


def test_jobs_of_one_kind_share_a_call_and_each_has_its_own_result(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        CALLS.clear()
        results = await asyncio.gather(
            store.write_together(count_apart, "a"),
            store.write(lambda tx: bump(tx, "a")),
            store.write_together(count_apart, "bad"),
            store.write_together(count_apart, "a"),
            return_exceptions=True,
        )
        assert CALLS == [["a", "bad", "a"]]
        assert results[0] == 1
        assert isinstance(results[2], LookupError)
        assert results[3] == 2
        assert await store.read(lambda tx: epoch(tx, "a")) == 3

    run_with_store(tmp_path / "db", check)


def test_a_job_that_fells_its_batch_is_undone_alone(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        CALLS.clear()
        results = await asyncio.gather(
            *(store.write_together(count_apart, job) for job in ("a", "worse", "bad", "a")),
            store.write(lambda tx: bump(tx, "b")),
            return_exceptions=True,
        )
        assert CALLS == [["a", "worse", "bad", "a"], ["a"], ["worse"], ["bad"], ["a"]]
        assert [type(result) for result in results] == [int, RuntimeError, LookupError, int, type(None)]
        stored = [await store.read(lambda tx, scope=scope: epoch(tx, scope)) for scope in ("a", "b", "worse")]  # type: ignore[misc]
        assert stored == [2, 1, 0]

    run_with_store(tmp_path / "db", check)


def test_a_long_write_shares_its_commit_with_nobody(tmp_path: Path) -> None:
    """Those that wait with it need not be run one by one, nor wait for it longer than they must."""

    async def check(store: SqliteStore) -> None:
        batches: list[list[bool]] = []
        original = store._take

        def taking() -> list[sqlite._Job]:
            batch = original()
            batches.append([job.is_long for job in batch])
            return batch

        store._take = taking  # type: ignore[method-assign]
        await asyncio.gather(
            *(store.write(lambda tx: bump(tx, "x"), is_long=number == 2) for number in range(5))
        )
        assert [batch for batch in batches if batch] == [[False, False], [True], [False, False]]

    run_with_store(tmp_path / "db", check)


def damaged_header(path: Path) -> None:
    path.write_bytes(b"not SQLite at all" * 400)


def damaged_middle(path: Path) -> None:
    SqliteStore(path).close()
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(data)


def a_directory(path: Path) -> None:
    path.mkdir()


def of_a_newer_version(path: Path) -> None:
    SqliteStore(path).close()
    connection = connect(path)
    connection.execute("INSERT INTO migration (number) VALUES (9999)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damaged_header, "is damaged (file is not a database); move it away and restore a backup"),
        (damaged_middle, "is damaged"),
        (a_directory, "cannot be written"),
        (of_a_newer_version, "is of a newer version of Sesame (it has migration 9999"),
    ],
)
def test_a_file_that_cannot_be_opened_is_told_of_in_a_sentence(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "db"
    spoil(path)
    with pytest.raises(SesameError) as raised:
        SqliteStore(path)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_full_disk_and_a_lock_at_the_start_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db"
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="is locked by another process"):
        SqliteStore(path)
    other.execute("ROLLBACK")
    other.close()
    original = sqlite._set_up

    def small(connection: sqlite3.Connection, *, durable: bool) -> None:
        original(connection, durable=durable)
        connection.execute("PRAGMA max_page_count = 4")

    monkeypatch.setattr(sqlite, "_set_up", small)
    with pytest.raises(StoreUnavailable, match="the disk is full; make room and try again"):
        SqliteStore(path)


def test_who_comes_a_turn_later_shares_the_next_commit_of_a_busy_store(tmp_path: Path) -> None:
    """Those who are told of one batch write again within some turns of the loop, not all in the same one."""

    async def check(store: SqliteStore) -> None:
        batches: list[int] = []
        original = store._take

        def taking() -> list[sqlite._Job]:
            batch = original()
            batches.append(len(batch))
            return batch

        store._take = taking  # type: ignore[method-assign]

        async def client(turns: int) -> None:
            for _ in range(20):
                await store.write(lambda tx: bump(tx, "x"))
                for _ in range(turns):
                    await asyncio.sleep(0)

        await asyncio.gather(*(client(number % 2 * 3) for number in range(8)))
        assert batches.count(8) >= 15
        batches.clear()
        await store.write(lambda tx: bump(tx, "x"))
        assert batches[0] == 1

    run_with_store(tmp_path / "db", check)
