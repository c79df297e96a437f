"""Tables that hold records as they are: a column for each field of a dataclass, of its name and in its order.

What the database has no type for lies in its column in a `Form`. Conditions and order are SQL, written where
the query is. Not for what is read or written with every message: there a row is unpacked by hand.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Generic, NamedTuple, TypeVar

from sesame.db import Parameter, Row, Transaction, Value

T = TypeVar("T")


class Form(NamedTuple):
    """How a value lies in its column."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Value]


def _object(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value))


FLAG = Form(read=bool, write=int)
"""A truth value as 0 or 1."""
JSON_OBJECT = Form(read=json.loads, write=_object)
"""A mapping as JSON."""
JSON_TUPLE = Form(read=lambda text: tuple(json.loads(text)), write=json.dumps)
"""A tuple as a JSON array."""


class Table(Generic[T]):
    """The table called `name`, of records of one dataclass; `forms` are those of its fields that have one."""

    def __init__(self, name: str, record: type[T], **forms: Form) -> None:
        self._name = name
        self._record = record
        self._fields = [field.name for field in fields(record)]  # type: ignore[arg-type]
        self._forms = forms
        columns = ", ".join(self._fields)
        self._select = f"SELECT {columns} FROM {name}"
        self._insert = f"INSERT INTO {name} ({columns}) VALUES ({', '.join('?' * len(self._fields))})"

    async def one(self, tx: Transaction, rest: str, *values: Parameter) -> T | None:
        """The first record of a query, or None; `rest` is what follows the table's name: `WHERE …`."""
        row = await tx.one(f"{self._select} {rest}", *values)
        return None if row is None else self._read(row)

    async def all(self, tx: Transaction, rest: str, *values: Parameter) -> list[T]:
        """Every record of a query."""
        return [self._read(row) for row in await tx.all(f"{self._select} {rest}", *values)]

    async def count(self, tx: Transaction, rest: str, *values: Parameter) -> int:
        """How many rows a query finds."""
        row = await tx.one(f"SELECT COUNT(*) FROM {self._name} {rest}", *values)
        return 0 if row is None else int(row[0])

    async def put(self, tx: Transaction, record: T, *, key: str = "", changed: str = "") -> int:
        """Insert a record; the number of rows that changed.

        Where there is one of the same `key` (columns: `account_id, name`), its columns `changed` become those of the
        record; without any it stays as it is.
        """
        values = {name: getattr(record, name) for name in self._fields}
        for name, form in self._forms.items():
            values[name] = form.write(values[name])
        conflict = ""
        if key:
            changes = ", ".join(f"{name} = excluded.{name}" for name in changed.split(", "))
            conflict = f" ON CONFLICT ({key}) DO " + (f"UPDATE SET {changes}" if changed else "NOTHING")
        return await tx.execute(f"{self._insert}{conflict}", *values.values())

    def _read(self, row: Row) -> T:
        values = dict(zip(self._fields, row, strict=True))
        for name, form in self._forms.items():
            values[name] = form.read(values[name])
        return self._record(**values)
