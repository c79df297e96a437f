"""The embedded store: SQLite in WAL mode with synchronous=FULL.

Statements run on the event loop, each commit on a thread. A statement takes microseconds, less than handing
the interpreter lock to another thread and back; a commit waits for the disk. What arrives while a commit
runs shares the next one (group commit, design decision 4): there is no timer, so an idle store adds no
latency. A transaction that may take long, or that has to wait for another process's lock, runs on the
thread as a whole. Reads run on threads of their own, on snapshots.

NORMAL instead of FULL loses acknowledged mail at a power cut; see the power-loss notes of SQLite's
WAL documentation.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sesame.errors import ConfigError, StoreUnavailable
from sesame.store.db import Row, Transaction, Value

T = TypeVar("T")

BATCH_LIMIT = 64
"""Transactions that share one commit at most; bounds how long the first waits, and how long the loop does."""

MIGRATIONS = Path(__file__).parent / "migrations"
FOUNDATION = 1
"""The first migration."""

BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process (the command line) that holds the write lock."""


class _SqliteTransaction:
    """Statements on one connection; never really suspends."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, *values: Value) -> int:
        return self._connection.execute(sql, values).rowcount

    async def one(self, sql: str, *values: Value) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    async def all(self, sql: str, *values: Value) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()


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
    """One transaction waiting for the store, and where its result goes."""

    __slots__ = ("error", "function", "future", "is_long", "loop", "result")

    def __init__(
        self,
        function: Callable[[Transaction], Awaitable[Any]],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        *,
        is_long: bool,
    ) -> None:
        self.function = function
        self.loop = loop
        self.future = future
        self.is_long = is_long
        self.result: Any = None
        self.error: BaseException | None = None

    def tell(self) -> None:
        """Hand result or error to the waiting task; runs in its loop."""
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class SqliteStore:
    """`Store` on one SQLite file, for one event loop at a time. End it with `close`.

    Only one of the loop and the writer thread has the connection: the loop gives it away with the
    batch (`_is_writing`), and has it again when the thread says that the batch is done.
    """

    def __init__(self, path: Path, *, durable: bool = True, readers: int = 2) -> None:
        self._path = path
        self._waiting: deque[_Job] = deque()
        self._is_writing = False
        self._closed = False
        self._connection = connect(path, durable=durable)
        migrate(self._connection)
        self._connection.execute("PRAGMA busy_timeout = 0")  # the loop must not wait; the thread does
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")

    async def write(self, function: Callable[[Transaction], Awaitable[T]], *, is_long: bool = False) -> T:
        """Run `function` in a durable transaction; see `Store.write`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Job(function, loop, future, is_long=is_long))
        if not self._is_writing:
            self._is_writing = True
            loop.call_soon(self._gather, loop, 0)
        return await future

    async def read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `function` on a snapshot; see `Store.read`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    def close(self) -> None:
        """Finish the waiting transactions and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._writer.shutdown()
        while batch := self._take():
            self._run_apart(batch)
        self._readers.shutdown()
        for connection in (*self._read_connections, self._connection):
            connection.close()

    def _read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._read_connections.append(connection)
        try:
            connection.execute("BEGIN")
            try:
                return _drive(function, _SqliteTransaction(connection))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if not _is_the_stores(error):
                raise
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    def _gather(self, loop: asyncio.AbstractEventLoop, seen: int) -> None:
        """Begin once a turn of the loop has brought nothing more: a busy loop commits seldom, an idle one at once."""
        waiting = len(self._waiting)
        if seen < waiting < BATCH_LIMIT:
            loop.call_soon(self._gather, loop, waiting)
        else:
            self._next()

    def _next(self) -> None:
        """Begin with what waits; in the loop, with the connection in hand."""
        batch = self._take()
        if not batch:
            self._is_writing = False
        elif any(job.is_long for job in batch) or not self._begin_at_once():
            self._writer.submit(self._run_apart, batch)
        elif self._run_statements(batch):
            self._writer.submit(self._commit, batch)
        else:
            self._writer.submit(self._run_apart, batch)

    def _take(self) -> list[_Job]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_LIMIT))]

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
        for job in batch:
            changes = connection.total_changes
            try:
                job.error = None
                job.result = _drive(job.function, _SqliteTransaction(connection))
            except BaseException as error:  # an exit too: whoever waits must hear, and the next have a turn
                is_its_own = isinstance(error, Exception) and not _is_the_stores(error)
                job.error = error if is_its_own else StoreUnavailable(f"the store could not write: {error!r}")
                if connection.total_changes != changes or not connection.in_transaction:
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
            if connection.in_transaction:
                connection.execute("COMMIT")
        except Exception as error:
            _roll_back(connection)
            _fail(batch, error)

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
            job.tell()


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


def connect(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """Open the file as the store wants it. `durable=False` exists to measure what fsync costs."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def migrate(connection: sqlite3.Connection) -> int:
    """Apply the numbered migrations that are missing, lowest first; the highest number applied.

    All in one transaction under the write lock, so two processes that start together, or one that is
    killed midway, leave a whole schema. Which ones are applied is kept by number: one that was written
    beside another and came later is not passed over. Raises `ConfigError` for a database of a newer version.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY)")
        applied = {int(row[0]) for row in connection.execute("SELECT number FROM migration")}
        if not applied and connection.execute("PRAGMA user_version").fetchone()[0] >= FOUNDATION:
            applied = {FOUNDATION}  # a database of the first version, which kept a single number
            connection.execute("INSERT INTO migration VALUES (?)", (FOUNDATION,))
        known = {int(path.name.split("_")[0]): path for path in sorted(MIGRATIONS.glob("*.sql"))}
        if newer := applied - set(known):
            raise ConfigError(
                f"the database is of a newer version of Sesame (it has migration {max(newer)}, this version knows up to"
                f" {max(known)}); run the newer version, or restore a backup from before the upgrade"
            )
        for number, path in known.items():
            if number not in applied:
                for statement in _statements(path.read_text()):
                    connection.execute(statement)
                connection.execute("INSERT INTO migration VALUES (?)", (number,))
                applied.add(number)
        connection.execute(f"PRAGMA user_version = {max(applied)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return max(applied)


def _statements(script: str) -> list[str]:
    """Split a migration: statements end with `;` at the end of a line."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip()]
