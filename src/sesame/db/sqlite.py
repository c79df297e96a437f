"""The embedded store: SQLite in WAL mode with synchronous=FULL.

Statements run on the event loop, each commit on a thread. A statement takes microseconds, less than handing
the interpreter lock to another thread and back; a commit waits for the disk. What arrives while a commit
runs shares the next one (group commit, design decision 4): there is no timer, so an idle store adds no
latency. A transaction that may take long, or that has to wait for another process's lock, runs on the
thread as a whole. Reads run on threads of their own, on snapshots; those of a few rows by their keys on the loop.

NORMAL instead of FULL loses acknowledged mail at a power cut; see the power-loss notes of SQLite's
WAL documentation.
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from sesame.db import Batch, J, Parameter, Row, T, Transaction, Value
from sesame.db.migrate import migrate
from sesame.db.writer import Writer
from sesame.errors import ConfigError, StoreDamaged, StoreUnavailable

BATCH_LIMIT = 64
"""Transactions that share one commit at most; bounds how long the first waits, and how long the loop does."""

QUIET_TURNS = 3
"""Turns of the loop that may bring nothing before a batch begins that is smaller than the last: those who were told of
the last one are on their way with more, and each commit costs as much as ten messages. No time passes between turns."""

BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process (the command line) that holds the write lock."""


class SqliteTransaction:
    """Statements on one connection; never really suspends."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, *values: Parameter) -> int:
        """Run a statement; see `Transaction.execute`."""
        return self._run(sql, values).rowcount

    async def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Run a statement for each row; see `Transaction.many`."""
        return self._connection.executemany(sql, rows).rowcount if rows else 0

    async def one(self, sql: str, *values: Parameter) -> Row | None:
        """The first row; see `Transaction.one`."""
        row: Row | None = self._run(sql, values).fetchone()
        return row

    async def all(self, sql: str, *values: Parameter) -> list[Row]:
        """Every row; see `Transaction.all`."""
        return self._run(sql, values).fetchall()

    async def lock(self, names: Sequence[str], *, shared: bool = False) -> None:
        """Nothing: who writes has the one lock of the file already."""

    async def new_numbers(self, table: str, count: int) -> int:
        """The next number; see `Transaction.new_numbers`."""
        row = self._connection.execute(f"SELECT COALESCE(MAX(seq), 0) + 1 FROM {table}").fetchone()
        return int(row[0])

    def floor(self, expression: str) -> str:
        """Round down; see `Transaction.floor`."""
        return f"CAST({expression} AS INTEGER)"

    def _run(self, sql: str, values: Sequence[Parameter]) -> sqlite3.Cursor:
        if LIST in sql:
            sql, values = _with_lists(sql, values)
        return self._connection.execute(sql, values)


LIST = "(?*)"


def _with_lists(sql: str, values: Sequence[Parameter]) -> tuple[str, Sequence[Value]]:
    """Write each list out, its last value repeated up to a power of two, so that statements stay few and cached."""
    flat: list[Value] = []
    rooms = []
    for value in values:
        if isinstance(value, list | tuple):
            room = 1 << (len(value) - 1).bit_length() if value else 0
            rooms.append(room)
            flat += [*value, *value[-1:] * (room - len(value))]
        else:
            flat.append(value)  # type: ignore[arg-type]
    return _text_with_lists(sql, tuple(rooms)), flat


@lru_cache(maxsize=1_000)
def _text_with_lists(sql: str, rooms: tuple[int, ...]) -> str:
    first, *rest = sql.split(LIST)
    if len(rest) != len(rooms):
        raise TypeError("as many lists must be given as the statement has")
    lists = [f"({', '.join('?' * room)}){part}" for room, part in zip(rooms, rest, strict=True)]
    return first + "".join(lists)


def _drive(function: Callable[[Transaction], Awaitable[T]], tx: Transaction) -> T:
    """Run an async transaction function to its end without an event loop."""
    steps = function(tx).__await__()
    try:
        next(steps)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise RuntimeError("a transaction function awaited something other than its transaction")


class _Job:
    """One transaction waiting for the store, or one job of a batch, and where its result goes."""

    __slots__ = ("batch", "error", "function", "future", "is_long", "item", "loop", "result")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        *,
        function: Callable[[Transaction], Awaitable[Any]] | None = None,
        is_long: bool = False,
        batch: Batch[Any, Any] | None = None,
        item: object = None,
    ) -> None:
        self.function = function
        self.loop = loop
        self.future = future
        self.is_long = is_long
        self.batch = batch
        self.item = item
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """Hand result or error to the waiting task; runs in its loop."""
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def _run_job(jobs: Sequence[_Job], tx: Transaction) -> None:
    """Run one transaction, or the jobs of one batch."""
    first = jobs[0]
    if first.function is not None:
        first.error = None
        first.result = _drive(first.function, tx)
        return
    batch, items = first.batch, [job.item for job in jobs]
    assert batch is not None
    for job, result in zip(jobs, _drive(lambda tx: batch(tx, items), tx), strict=True):
        job.result, job.error = (None, result) if isinstance(result, Exception) else (result, None)


def _grouped(batch: Sequence[_Job]) -> list[list[_Job]]:
    """The jobs as they are run: those of one batch function together, where the first of them stands."""
    groups: list[list[_Job]] = []
    together: dict[object, list[_Job]] = {}
    for job in batch:
        if job.batch is None:
            groups.append([job])
        elif (group := together.get(job.batch)) is not None:
            group.append(job)
        else:
            groups.append(together.setdefault(job.batch, [job]))
    return groups


class SqliteStore:
    """`Store` on one SQLite file, for one event loop at a time. End it with `close`.

    Only one of the loop and the writer thread has the connection: the loop gives it away with the
    batch (`_is_writing`), and has it again when the thread says that the batch is done.
    `committed` is called, on the thread, with how many seconds each commit took and how many jobs shared it.
    """

    def __init__(
        self,
        path: Path,
        *,
        durable: bool = True,
        readers: int = 2,
        committed: Callable[[float, int], None] = lambda seconds, jobs: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._committed = committed
        self._monotonic = monotonic
        self._waiting: deque[_Job] = deque()
        self._is_writing = False
        self._quiet_turns = 0
        self._last_batch = 0
        self._closed = False
        self._connection = _open(path, durable=durable)
        self._connection.execute("PRAGMA busy_timeout = 0")  # the loop must not wait; the thread does
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._writer = Writer()

    async def write(self, function: Callable[[Transaction], Awaitable[T]], *, is_long: bool = False) -> T:
        """Run `function` in a durable transaction; see `Store.write`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._wait(_Job(loop, future, function=function, is_long=is_long))
        return await future

    async def write_together(self, batch: Batch[J, T], job: J) -> T:
        """Let `batch` do `job` with what else waits for it; see `Store.write_together`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._wait(_Job(loop, future, batch=batch, item=job))
        return await future

    def _wait(self, job: _Job) -> None:
        self._waiting.append(job)
        if not self._is_writing:
            self._is_writing = True
            job.loop.call_soon(self._gather, job.loop, 0)

    async def read(self, function: Callable[[Transaction], Awaitable[T]], *, is_short: bool = False) -> T:
        """Run `function` on a snapshot; see `Store.read`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if is_short:
            try:
                return self._read(function, is_short=True)
            except StoreUnavailable:  # a thread waits for the lock, or meets the fault again
                pass
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    def close(self) -> None:
        """Finish the waiting transactions and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._writer.end()
        while batch := self._take():
            self._run_apart(batch)
        self._readers.shutdown()
        for connection in (*self._read_connections, self._connection):
            connection.close()

    def _read(self, function: Callable[[Transaction], Awaitable[T]], is_short: bool = False) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            if is_short:
                connection.execute("PRAGMA busy_timeout = 0")  # the loop must not wait
            self._local.connection = connection
            self._read_connections.append(connection)
        try:
            connection.execute("BEGIN")
            try:
                return _drive(function, SqliteTransaction(connection))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if not _is_the_stores(error):
                raise
            is_damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT
            failure = StoreDamaged if is_damaged else StoreUnavailable
            raise failure(f"the store cannot be read: {error}") from error

    def _gather(self, loop: asyncio.AbstractEventLoop, seen: int) -> None:
        """Begin once turns of the loop have brought nothing more: a busy loop commits seldom, an idle one at once."""
        waiting = len(self._waiting)
        if seen < waiting < BATCH_LIMIT:
            self._quiet_turns = 0
            loop.call_soon(self._gather, loop, waiting)
        elif waiting < self._last_batch and self._quiet_turns < QUIET_TURNS:
            self._quiet_turns += 1
            loop.call_soon(self._gather, loop, waiting)
        else:
            self._quiet_turns = 0
            self._last_batch = min(waiting, BATCH_LIMIT)
            self._next()

    def _next(self) -> None:
        """Begin with what waits; in the loop, with the connection in hand."""
        batch = self._take()
        if not batch:
            self._is_writing = False
        elif batch[0].is_long or not self._begin_at_once():
            self._writer.do(self._run_apart, batch)
        elif self._run_statements(batch):
            self._writer.do(self._commit, batch)
        else:
            self._writer.do(self._run_apart, batch)

    def _take(self) -> list[_Job]:
        """What is to share the next commit, in the order that it came; a long job goes alone."""
        taken: list[_Job] = []
        while self._waiting and len(taken) < BATCH_LIMIT:
            if taken and self._waiting[0].is_long:
                break
            taken.append(self._waiting.popleft())
            if taken[0].is_long:
                break
        return taken

    def _begin_at_once(self) -> bool:
        """Take the write lock, if no other process has it."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:  # the thread waits, or meets the error again and tells of it
            return False
        return True

    def _run_statements(self, batch: list[_Job]) -> bool:
        """Run the jobs in the open transaction; False when one of several spoilt it for the others.

        A job that fails before it has written anything leaves nothing to undo. One that fails later
        undoes the batch, which is then run again job by job: savepoints around each would cost every
        message for what hardly ever happens.
        """
        connection = self._connection
        for jobs in _grouped(batch):
            changes = connection.total_changes
            try:
                _run_job(jobs, SqliteTransaction(connection))
            except BaseException as error:  # an exit too: whoever waits must hear, and the next have a turn
                is_its_own = isinstance(error, Exception) and not _is_the_stores(error)
                for job in jobs:
                    job.error = (
                        error if is_its_own else StoreUnavailable(f"the store could not write: {error!r}")
                    )
                is_spoilt = connection.total_changes != changes or not connection.in_transaction
                if is_spoilt or len(jobs) > 1:
                    _roll_back(connection)
                    return len(batch) == 1
        return True

    def _run_apart(self, batch: list[_Job]) -> None:
        """Run and commit each job by itself, waiting for the lock as long as may be; on the thread.

        A lock that one of them has waited for in vain is not waited for by the others of the batch.
        """
        connection = self._connection
        for number, job in enumerate(batch):
            try:
                connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
                connection.execute("BEGIN IMMEDIATE")
            except Exception as error:
                _fail(batch[number:], error)
                break
            try:
                self._run_statements([job])
                self._finish([job])
            except Exception as error:
                _fail([job], error)
        connection.execute("PRAGMA busy_timeout = 0")
        self._hand_back(batch)

    def _commit(self, batch: list[_Job]) -> None:
        """Commit what the loop has run; on the thread."""
        self._finish(batch)
        self._hand_back(batch)

    def _finish(self, batch: list[_Job]) -> None:
        """Commit, or let every job know that nothing of it counts."""
        connection = self._connection
        try:
            if not connection.in_transaction:
                return
            began = self._monotonic()
            connection.execute("COMMIT")
        except Exception as error:
            _roll_back(connection)
            _fail(batch, error)
        else:
            self._committed(self._monotonic() - began, len(batch))

    def _hand_back(self, batch: list[_Job]) -> None:
        """Give connection and results to the loop."""
        try:
            batch[0].loop.call_soon_threadsafe(self._done, batch)
        except RuntimeError:  # the loop is gone, and with it whoever waited
            self._is_writing = False

    def _done(self, batch: list[_Job]) -> None:
        """Tell of this batch, and gather the next one."""
        if self._closed or not self._waiting:
            self._is_writing = False
        else:
            batch[0].loop.call_soon(self._gather, batch[0].loop, 0)
        for job in batch:
            job.resolve()


def _is_the_stores(error: BaseException) -> bool:
    """The file or the disk is at fault, not the statement: busy, full, damaged (a plain DatabaseError)."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _fail(batch: list[_Job], error: Exception) -> None:
    for job in batch:
        job.error = StoreUnavailable(f"the store could not commit: {error}")


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction, unless SQLite has done so by itself (disk full, I/O error)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _open(path: Path, *, durable: bool) -> sqlite3.Connection:
    """Open the file with its schema up to date. Raises what `refusal` makes of SQLite's error."""
    connection: sqlite3.Connection | None = None
    try:
        connection = connect(path, durable=durable)
        migrate(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise refusal(path, error) from error
        raise
    return connection


def refusal(path: Path, error: sqlite3.Error) -> ConfigError | StoreUnavailable:
    """What is wrong with a file that cannot be opened, and its cure, in a sentence.

    `ConfigError` where somebody has to mend it, `StoreUnavailable` where trying again may do.
    """
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return ConfigError(
                f"the database `{path}` is damaged ({error}); move it away and restore a backup with `sesame restore`"
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return ConfigError(
                f"the database `{path}` cannot be written ({error}); correct its owner and permissions, and"
                " those of its directory"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailable(
                f"the database `{path}` is locked by another process, for more than {BUSY_TIMEOUT_S:.0f} s;"
                " end that process and try again"
            )
        case sqlite3.SQLITE_FULL:
            return StoreUnavailable(
                f"the database `{path}` cannot be written: the disk is full; make room and try again"
            )
        case _:
            return StoreUnavailable(f"the database `{path}` cannot be opened ({error}); look at its disk")


def connect(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """Open the file as the store wants it. `durable=False` exists to measure what fsync costs."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        _set_up(connection, durable=durable)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, *, durable: bool) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
