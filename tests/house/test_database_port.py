"""A second engine is one new file: nobody but `db` knows SQLite, one place chooses it, and statements name columns."""

import ast
import re
from pathlib import Path

from tests.house.test_rooms import SOURCE, imported_modules, room_of, source_files

_INSERT = re.compile(r"INSERT(?: OR \w+)? INTO \w+\s*(?P<next>.)", re.DOTALL)


def without_columns(source: str) -> list[str]:
    """The INSERTs of a module that do not name their columns."""
    texts = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [found[0] for text in texts for found in _INSERT.finditer(text) if found["next"] != "("]


def relative(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_nobody_but_db_knows_sqlite() -> None:
    found = {relative(path) for path in source_files() if "sqlite3" in imported_modules(path)}
    assert found == {"db/migrate.py", "db/snapshot.py", "db/sqlite.py"}


def test_one_place_chooses_the_engine() -> None:
    outside = [path for path in source_files() if room_of(path) != "db"]
    assert {relative(path) for path in outside if "sesame.db.sqlite" in imported_modules(path)} == {
        "app/foundation.py"
    }


def test_every_insert_names_its_columns() -> None:
    found = {relative(path): bad for path in source_files() if (bad := without_columns(path.read_text()))}
    assert found == {}


def test_the_check_sees_an_insert_without_columns() -> None:
    assert without_columns('tx.execute("INSERT INTO a VALUES (?)", 1)') == ["INSERT INTO a V"]
    assert without_columns('tx.execute("INSERT INTO a (b)"\n " VALUES (?)", 1)') == []
