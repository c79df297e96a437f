"""The embedded store: SQLite in WAL mode with synchronous=FULL, one writer thread.

Requests that arrive while a commit runs share the next one (group commit, design decision 4): the
writer takes every waiting transaction, runs one after the other and commits them together. There
is no timer, so an idle store adds no latency. Reads run on threads of their own, on snapshots.

NORMAL instead of FULL loses acknowledged mail at a power cut; see the power-loss notes of SQLite's
WAL documentation.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sesame.errors import StoreUnavailable
from sesame.store.db import Row, Transaction, Value

T = TypeVar("T")

BATCH_LIMIT = 128
"""Transactions that share one commit at most; bounds how long the first of them waits."""

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
    """One transaction waiting for the writer, and where its result goes."""

    __slots__ = ("error", "function", "future", "loop", "result")

    def __init__(
        self,
        function: Callable[[Transaction], Awaitable[Any]],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
    ) -> None:
        self.function = function
        self.loop = loop
        self.future = future
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
    """`Store` on one SQLite file. Make it with `open`, end it with `close`."""

    def __init__(self, path: Path, *, durable: bool = True, readers: int = 2) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._connection = connect(path, durable=durable)
        migrate(self._connection)
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._run, name="store-write", daemon=True)
        self._writer.start()

    async def write(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `function` in a durable transaction; see `Store.write`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(function, loop, future))
        return await future

    async def read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `function` on a snapshot; see `Store.read`."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, function)

    def close(self) -> None:
        """Finish the waiting transactions and close; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
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
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from error

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < BATCH_LIMIT:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                    break
                batch.append(job)
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: list[_Job]) -> None:
        """Run every job of `batch`, commit once, then tell all of them.

        A job that fails before it has written anything leaves nothing to undo. One that fails later
        undoes the batch, which is then run again job by job: savepoints around each would cost every
        message for what hardly ever happens.
        """
        if not self._run_together(batch):
            for job in batch:
                self._run_together([job])
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in batch:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, jobs in by_loop.items():
            try:
                loop.call_soon_threadsafe(_tell_all, jobs)
            except RuntimeError:  # the loop is gone, and with it whoever waited
                continue

    def _run_together(self, batch: list[_Job]) -> bool:
        """Run the jobs in one transaction; False when one of several spoilt it for the others."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                changes = connection.total_changes
                try:
                    job.error = None
                    job.result = _drive(job.function, _SqliteTransaction(connection))
                except Exception as error:
                    job.error = error
                    if connection.total_changes != changes or not connection.in_transaction:
                        _roll_back(connection)
                        return len(batch) == 1
            connection.execute("COMMIT")
        except Exception as error:  # nothing of the batch counts, whatever broke it
            _roll_back(connection)
            for job in batch:
                job.error = StoreUnavailable(f"the store could not commit: {error}")
        return True


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction, unless SQLite has done so by itself (disk full, I/O error)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _tell_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.tell()


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
    """Apply the numbered migrations that are missing; the version reached.

    Each runs in one transaction under the write lock, so two processes that start together, or one
    that is killed midway, leave a whole schema.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for path in sorted((Path(__file__).parent / "migrations").glob("*.sql")):
            number = int(path.name.split("_")[0])
            if number > version:
                for statement in _statements(path.read_text()):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
                version = number
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return version


def _statements(script: str) -> list[str]:
    """Split a migration: statements end with `;` at the end of a line."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip()]
