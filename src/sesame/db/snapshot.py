"""A copy of the database in one file, made beside a running server, and checked before it is relied on.

SQLite's backup interface reads one snapshot: what was committed when it began is in the copy whole, and
writers go on meanwhile.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sesame.errors import SesameError

BUSY_TIMEOUT_S = 10.0


_OF_VALUES = ("NULL value in ", "CHECK constraint failed in ", "NUMERIC value in ", "TEXT value in ")
"""What the check says of rows that break a constraint: the file holds them whole, as the database did.

SQLite 3.40 also says so, wrongly, of tables WITHOUT ROWID whose columns are stored in another order than declared.
"""


class SnapshotError(SesameError):
    """A copy cannot be made, or a file is not a sound copy of a database."""


def make(database: Path, target: Path) -> None:
    """Copy the database to `target`, which must not exist; durable when it returns. Raises `SnapshotError`."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with (
            closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT_S)) as source,
            closing(sqlite3.connect(partial, isolation_level=None)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm beside it
        check(partial)
        _sync(partial)
        try:
            os.link(partial, target)  # unlike a rename it never replaces what has come meanwhile
        except FileExistsError:
            raise SnapshotError(f"`{target}` exists already; name another file") from None
        _sync(target.parent)
    except sqlite3.Error as error:
        raise SnapshotError(f"the database `{database}` cannot be copied to `{target}`: {error}") from error
    except OSError as error:
        raise SnapshotError(f"`{target}` cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def check(path: Path) -> None:
    """Raise `SnapshotError` unless the file is a whole database of Sesame's."""
    try:
        with closing(_read_only(path)) as connection:
            for (verdict,) in connection.execute("PRAGMA integrity_check"):
                if verdict != "ok" and not verdict.startswith(_OF_VALUES):
                    raise SnapshotError(f"`{path}` is damaged: {verdict}")
            connection.execute("SELECT 1 FROM account LIMIT 1").fetchall()
    except sqlite3.Error as error:
        raise SnapshotError(f"`{path}` is not a Sesame database: {error}") from error


def a_sealed_secret(path: Path) -> tuple[str, bytes] | None:
    """The row name and sealed secret of some access key, to try a master key on, or None."""
    with closing(_read_only(path)) as connection:
        row = connection.execute("SELECT access_key_id, sealed_secret FROM access_key LIMIT 1").fetchone()
    return None if row is None else (f"access_key:{row[0]}", bytes(row[1]))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
