"""The schema of a new database in one go: what the migrations come to, not the way there.

Applying them one after the other takes some 40 ms, and a thousand tests each open a store of their own. Servers that
begin with nothing (`SesameProcess.spawn`, the how-tos), and the tests of the migrations (`tests/db`), go the whole way.
"""

import sqlite3
from functools import cache

from sesame.db import migrate, sqlite


@cache
def _outcome() -> tuple[tuple[str, ...], tuple[tuple[int], ...], int]:
    """The statements that make every table and index, the numbers of the migrations, and that of the latest."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        latest = migrate.migrate(connection)
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        texts = tuple(sql for (sql,) in made)
        numbers = connection.execute("SELECT number FROM migration ORDER BY number")
        return texts, tuple(numbers), latest
    finally:
        connection.close()


def migrate_at_once(connection: sqlite3.Connection) -> int:
    """Bring a database up to date: one that is empty at once, any other as the program does."""
    texts, numbers, latest = _outcome()
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
        return migrate.migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:  # somebody else was first
        connection.execute("ROLLBACK")
        return migrate.migrate(connection)
    try:
        for sql in texts:
            connection.execute(sql)
        connection.executemany("INSERT INTO migration (number) VALUES (?)", numbers)
        connection.execute(f"PRAGMA user_version = {latest}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return latest


def install() -> None:
    """Let every store that is opened in this process begin so."""
    vars(sqlite)["migrate"] = migrate_at_once
