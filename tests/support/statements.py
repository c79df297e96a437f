"""Statements as they are run on the embedded store, and what of their plans costs on a large one."""

import contextlib
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from sesame.db import sqlite as embedded
from sesame.db.sqlite import SqliteStore
from tests.store.test_plans import LARGE, costly, plan_of


class Counted(embedded.SqliteTransaction):
    """Keeps every statement that is run, in order."""

    ran: list[str]

    def _run(self, sql: str, values: Any) -> Any:
        text, flat = embedded._with_lists(sql, values) if embedded.LIST in sql else (sql, values)
        Counted.ran.append(text)
        return super()._run(text, flat)


@contextlib.contextmanager
def counted(module: ModuleType = embedded) -> Iterator[None]:
    """Count what is run meanwhile."""
    before = module.SqliteTransaction
    module.SqliteTransaction = Counted  # type: ignore[attr-defined]
    Counted.ran = []
    try:
        yield
    finally:
        module.SqliteTransaction = before  # type: ignore[attr-defined]


def wrong_in(store: SqliteStore, sql: str) -> list[str]:
    """The steps that walk over a large table, or sort what is of one; a few rows of one thing may be sorted."""
    steps = costly(plan_of(store._connection, sql))
    is_of_one = any(key in sql for key in ("message_seq = ?", "message_id = ?", "p.about IN (?"))
    is_large = any(re.search(rf"\b(?:FROM|JOIN) {name}\b", sql) for name in LARGE)
    return [step for step in steps if "TEMP B-TREE" not in step or (is_large and not is_of_one)]
