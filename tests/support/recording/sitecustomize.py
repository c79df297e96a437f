"""Lets every Python that the tests start keep the statements it runs; on the path only while they are recorded."""

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

TARGET = "sesame.db.sqlite"
DIRECTORY = "RECORD_STATEMENTS_IN"


def record(module: ModuleType) -> None:
    """Wrap the transactions of the embedded store: each new text goes into a file of this process at once."""
    transaction, seen = module.SqliteTransaction, set()
    run, many = transaction._run, transaction.many

    def keep(sql: str) -> None:
        if sql not in seen:
            seen.add(sql)
            path = Path(os.environ[DIRECTORY]) / str(os.getpid())
            with path.open("a", encoding="utf-8") as file:
                file.write(" ".join(sql.split()) + "\n")

    def recording_run(self: object, sql: str, values: object) -> object:
        keep(sql)
        return run(self, sql, values)

    async def recording_many(self: object, sql: str, rows: object) -> object:
        keep(sql)
        return await many(self, sql, rows)

    transaction._run, transaction.many = recording_run, recording_many


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        record(module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != TARGET:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def install() -> None:
    """Record from now on."""
    if TARGET in sys.modules:
        record(sys.modules[TARGET])
    else:
        sys.meta_path.insert(0, _Finder())


if os.environ.get(DIRECTORY):
    install()
