"""What the program imports is what installing it brings: no package that only developers have."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


DECLARED = {
    _name(one)
    for listed in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for one in listed
}


def _imported() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            else:
                continue
            found |= {name.partition(".")[0]: path for name in names}
    return found


def test_every_package_that_is_imported_is_declared_and_locked() -> None:
    brought_by = packages_distributions()
    locked = set(
        re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements/runtime.lock").read_text(), re.MULTILINE)
    )
    for module, path in _imported().items():
        if module in sys.stdlib_module_names or module == "sesame":
            continue
        # A module of an extra that is not installed here is known by the name of its distributions alone.
        named_alike = [name for name in DECLARED if name == module or name.startswith(f"{module}-")]
        packages = {name.lower().replace("_", "-") for name in brought_by.get(module, named_alike)}
        assert packages & DECLARED, f"{path}: `{module}` is not among the dependencies"
        extra = {_name(one) for listed in PROJECT["optional-dependencies"].values() for one in listed}
        assert packages & (locked | extra), f"{path}: `{module}` is not in requirements/runtime.lock"
