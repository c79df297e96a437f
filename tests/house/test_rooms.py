"""The house holds to its plan: who imports whom, how large files grow."""

import ast
import re
import statistics
from functools import cache
from pathlib import Path

from tools.draw_house import PAGE, page

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sesame"

# docs/design.md, "Rooms".
PURE_ROOMS = frozenset({"mail", "dkim", "http", "reports", "smtp", "aws", "policy", "templates", "dns"})
"""Open to every room that is not pure."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    "mail": frozenset(),
    "dkim": frozenset({"mail"}),
    "reports": frozenset({"mail"}),
    "smtp": frozenset({"mail"}),
    "http": frozenset(),
    "aws": frozenset(),
    "policy": frozenset(),
    "templates": frozenset(),
    "dns": frozenset(),
    "db": frozenset(),
    "store": frozenset({"db"}),
    "spool": frozenset({"store", "db"}),
    "access": frozenset({"store", "db"}),
    "notify": frozenset({"store", "db"}),
    "identities": frozenset({"access", "sending", "store", "db"}),
    "sending": frozenset({"access", "spool", "store", "db"}),
    "delivery": frozenset({"access", "spool", "store", "db"}),
    "feedback": frozenset({"sending", "store", "db"}),
    "admin": frozenset({"access", "identities", "spool", "store", "db"}),
    "operations": frozenset({"notify", "identities", "access", "sending", "spool", "store", "db", "admin"}),
    "console": frozenset({"operations", "admin", "access", "store", "spool", "db"}),
    "server": frozenset({"operations", "identities", "feedback", "sending", "access"}),
}
EVERYBODYS = frozenset({"model", "observe", "metrics", "errors", "config", "ids"})
"""Single files; of the house they import each other only."""
TOP = frozenset({"app", "cli"})
PORTS = frozenset(SOURCE / "dns" / name for name in ("system.py",))
"""The files of a pure room that use sockets: they implement its port."""
IMPURE_MODULES = frozenset(
    {"asyncio", "socket", "ssl", "sqlite3", "random", "secrets", "threading", "subprocess", "time"}
)
MEDIAN_LINES, P90_LINES, CAP_LINES = 200, 400, 600
FUNCTION_LINES = 60


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


@cache  # four tests ask for those of all files
def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            found.add(node.module)
            if node.module == "sesame":
                found.update(f"sesame.{alias.name}" for alias in node.names)
    return found


def source_files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py" or path.stat().st_size)


def forbidden_imports(path: Path, modules: set[str]) -> list[str]:
    """Rooms that the file at `path` must not import, given the modules it imports."""
    room = room_of(path)
    if room in TOP or room == "__init__":
        return []
    allowed = MAY_IMPORT.get(room, frozenset()) | EVERYBODYS | {room}
    if room not in PURE_ROOMS | EVERYBODYS:
        allowed |= PURE_ROOMS
    rooms = {module.split(".")[1] for module in modules if module.startswith("sesame.")}
    return sorted(rooms - allowed)


def test_rooms_import_only_what_the_plan_allows() -> None:
    wrong = {
        str(path.relative_to(SOURCE)): bad
        for path in source_files()
        if (bad := forbidden_imports(path, imported_modules(path)))
    }
    assert wrong == {}


def test_the_import_check_sees_an_import_that_points_up() -> None:
    assert forbidden_imports(SOURCE / "dkim" / "sign.py", {"sesame.store.accounts"}) == ["store"]
    assert forbidden_imports(SOURCE / "spool" / "spool.py", {"sesame.delivery"}) == ["delivery"]


INNER_ROWS: dict[str, dict[str, frozenset[str]]] = {
    "policy": {
        "language": frozenset(),
        "engine": frozenset({"language"}),
        "reasons": frozenset({"language", "engine"}),
        "analysis": frozenset({"language", "engine", "reasons"}),
        "findings": frozenset({"language", "engine", "reasons", "analysis"}),
        "writing": frozenset({"language", "engine", "reasons", "analysis", "findings"}),
    },
    "operations": {name: frozenset() for name in ("ses", "sesv2", "iam", "sts", "sns", "sesame", "asking")},
    "admin": {"delegates": frozenset()},
    "store": {"iam": frozenset()},
    "access": {"causes": frozenset()},
    "console": {"pages": frozenset()},
}
"""Rooms within rooms: which inner rooms each may import; files beside them are open to all of them."""


def forbidden_inner_imports(path: Path, modules: set[str]) -> list[str]:
    """Inner rooms that a file of an inner room must not import."""
    parts = path.relative_to(SOURCE).parts
    rows = INNER_ROWS.get(parts[0], {})
    if len(parts) < 3 or parts[1] not in rows:
        return []
    inner = {module.split(".")[2] for module in modules if module.startswith(f"sesame.{parts[0]}.")}
    return sorted((inner & set(rows)) - rows[parts[1]] - {parts[1]})


def test_inner_rooms_import_only_what_the_plan_allows() -> None:
    wrong = {
        str(path.relative_to(SOURCE)): bad
        for path in source_files()
        if (bad := forbidden_inner_imports(path, imported_modules(path)))
    }
    assert wrong == {}


def test_every_inner_room_has_its_row() -> None:
    inner = {
        f"{room.name}/{child.name}"
        for room in SOURCE.iterdir()
        if room.is_dir() and room.name not in ("aws", "db")  # whose folders hold data
        for child in room.iterdir()
        if child.is_dir() and any(child.glob("*.py"))
    }
    assert inner == {f"{room}/{name}" for room, rows in INNER_ROWS.items() for name in rows}


def test_the_inner_check_sees_an_import_sideways() -> None:
    path = SOURCE / "operations" / "sesv2" / "identities.py"
    assert forbidden_inner_imports(path, {"sesame.operations.ses.identities", "sesame.operations.table"}) == [
        "ses"
    ]
    path = SOURCE / "policy" / "language" / "document.py"
    assert forbidden_inner_imports(path, {"sesame.policy.engine.decide"}) == ["engine"]


def test_every_package_says_what_it_is() -> None:
    silent = [
        str(package.relative_to(SOURCE))
        for package in SOURCE.rglob("__init__.py")
        if ast.get_docstring(ast.parse(package.read_text())) is None
    ]
    assert silent == []


def test_pure_rooms_do_no_io() -> None:
    wrong = {
        str(path.relative_to(SOURCE)): sorted(bad)
        for path in source_files()
        if room_of(path) in PURE_ROOMS
        and path not in PORTS
        and (bad := imported_modules(path) & IMPURE_MODULES)
    }
    assert wrong == {}


def test_files_stay_small() -> None:
    lines = {
        path: len(path.read_text().splitlines())
        for path in source_files()
        if "shapes" not in path.relative_to(SOURCE).parts
    }
    counts = sorted(lines.values())
    too_long = {str(path.relative_to(SOURCE)): n for path, n in lines.items() if n > CAP_LINES}
    assert too_long == {}
    assert statistics.median(counts) <= MEDIAN_LINES
    assert counts[int(len(counts) * 0.9)] <= P90_LINES


def long_functions(source: str) -> list[str]:
    """Functions of more than `FUNCTION_LINES`, decorators and docstring included."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - min(n.lineno for n in (node, *node.decorator_list)) >= FUNCTION_LINES
    ]


def test_functions_stay_small() -> None:
    found = {str(path.relative_to(SOURCE)): long_functions(path.read_text()) for path in source_files()}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_function_check_sees_one_line_too_many() -> None:
    fits = "@cached\ndef f():\n" + "    x()\n" * (FUNCTION_LINES - 2)
    assert long_functions(fits) == []
    assert long_functions(fits + "    y()\n") == ["f"]


def test_every_room_has_its_row_in_the_design() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms - TOP - EVERYBODYS <= set(MAY_IMPORT)
    design = (SOURCE.parents[1] / "docs" / "design.md").read_text()
    for room in sorted(rooms - TOP - EVERYBODYS):
        assert f"| {room} |" in design, f"docs/design.md has no row for the room `{room}`"


def allowed_by_the_design() -> dict[str, frozenset[str]]:
    """The rooms in the tables of the design with the rooms that each may import."""
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \| ", PAGE.read_text(), re.MULTILINE)
    return {
        room: frozenset() if allowed == "nothing" else frozenset(allowed.split(", "))
        for room, allowed in rows
        if room in MAY_IMPORT
    }


def test_the_design_says_what_each_room_may_import() -> None:
    assert allowed_by_the_design() == MAY_IMPORT


def test_the_drawing_is_of_this_house() -> None:
    """Draw anew with `python -m tools.draw_house` when this fails."""
    assert PAGE.read_text() == page()


def test_the_map_leads_to_what_it_names() -> None:
    table = PAGE.read_text().partition("### Where is it?")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| .* \| `(.*)` \| `(.*)` \|$", table, re.MULTILINE)
    assert len(rows) >= 20
    for file, name in rows:
        tree = ast.parse((SOURCE / file).read_text())
        assert name in {node.name for node in tree.body if hasattr(node, "name")}, f"{file} has no `{name}`"
