"""Tests begin with the schema that the migrations come to, and with nothing else."""

import sqlite3
from pathlib import Path

from sesame.db import sqlite
from sesame.db.migrate import MIGRATIONS, migrate, statements
from tests.support.schema import migrate_at_once


def whole(connection: sqlite3.Connection) -> list[str]:
    """Everything that is in a database."""
    return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]


def test_it_is_what_the_migrations_come_to(tmp_path: Path) -> None:
    at_once, step_by_step = sqlite.connect(tmp_path / "one"), sqlite.connect(tmp_path / "two")
    assert migrate_at_once(at_once) == migrate(step_by_step)
    assert whole(at_once) == whole(step_by_step)
    at_once.close()
    step_by_step.close()


def test_a_database_that_holds_something_goes_the_whole_way(tmp_path: Path) -> None:
    connection = sqlite.connect(tmp_path / "old")
    for statement in statements(sorted(MIGRATIONS.glob("*.sql"))[0].read_text()):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")  # as the first version left it
    new = sqlite.connect(tmp_path / "new")
    assert migrate_at_once(connection) == migrate_at_once(new)
    assert sorted(whole(connection)) == sorted(whole(new))
    connection.close()
    new.close()


def test_stores_of_the_tests_begin_so() -> None:
    assert vars(sqlite)["migrate"] is migrate_at_once
