"""The schema by numbered migrations, each a file of SQL beside this one."""

import sqlite3
from pathlib import Path

from sesame.errors import ConfigError

FOUNDATION = 1
"""The first migration."""

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: sqlite3.Connection) -> int:
    """Apply the numbered migrations that are missing, lowest first; the highest number applied.

    All in one transaction under the write lock, so two processes that start together, or one that is
    killed midway, leave a whole schema. Which ones are applied is kept by number: one that was written
    beside another and came later is not passed over. Raises `ConfigError` for a database of a newer version.
    """
    known = {int(path.name.split("_")[0]): path for path in sorted(MIGRATIONS.glob("*.sql"))}
    if _applied(connection) == set(known):
        return max(known)  # as nearly always: then nothing is written, which may not be possible
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY)")
        applied = {int(row[0]) for row in connection.execute("SELECT number FROM migration")}
        if not applied and connection.execute("PRAGMA user_version").fetchone()[0] >= FOUNDATION:
            applied = {FOUNDATION}  # a database of the first version, which kept a single number
            connection.execute("INSERT INTO migration (number) VALUES (?)", (FOUNDATION,))
        if newer := applied - set(known):
            raise ConfigError(
                f"the database is of a newer version of Sesame (it has migration {max(newer)}, this version knows up to"
                f" {max(known)}); run the newer version, or restore a backup from before the upgrade"
            )
        for number, path in known.items():
            if number not in applied:
                for statement in statements(path.read_text()):
                    connection.execute(statement)
                connection.execute("INSERT INTO migration (number) VALUES (?)", (number,))
                applied.add(number)
        connection.execute(f"PRAGMA user_version = {max(applied)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return max(applied)


def _applied(connection: sqlite3.Connection) -> set[int]:
    """The migrations that the database has; none before the first one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchone() is None:
        return set()
    return {int(row[0]) for row in connection.execute("SELECT number FROM migration")}


def statements(script: str) -> list[str]:
    """Split a migration: statements end with `;` at the end of a line."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip()]
