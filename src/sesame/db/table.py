"""Tables that hold records as they are: a column for each field of a dataclass, of its name and in its order.

What the database has no type for lies in its column in a `Form`. Conditions and order are SQL, written where
the query is; `reader` is for queries that join. Not for what is read or written with every message: there a row is
unpacked by hand.
"""

import json
from collections.abc import Callable, Mapping, Sequence
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


def _names(record: type[Any], without: str) -> list[str]:
    left_out = without.split(", ")
    return [field.name for field in fields(record) if field.name not in left_out]


def reader(record: type[T], *, without: str = "", **reads: Callable[[Any], Any]) -> Callable[[Row], T]:
    """What makes records of rows whose columns are the fields of a dataclass, in their order.

    Fields named in `without` have no column. `reads` say how the value of a field is read from its column, where it
    does not lie there as it is.
    """
    names = _names(record, without)

    def read(row: Row) -> T:
        values = dict(zip(names, row, strict=True))
        for name, of in reads.items():
            values[name] = of(values[name])
        return record(**values)

    return read


class Table(Generic[T]):
    """The table called `name`, of records of one dataclass.

    `key` are columns that no two rows have alike, `account_id, name`; `forms` are those of the fields that have one.
    Fields named in `without` have no column: they are read as their defaults.
    """

    def __init__(self, name: str, record: type[T], *, key: str, without: str = "", **forms: Form) -> None:
        self._name = name
        self._fields = _names(record, without)
        self._forms = forms
        self._read = reader(record, without=without, **{name: form.read for name, form in forms.items()})
        self._key = key
        *self._group, self._last = key.split(", ")
        columns = ", ".join(self._fields)
        self._select = f"SELECT {columns} FROM {name}"
        self._insert = f"INSERT INTO {name} ({columns}) VALUES ({', '.join('?' * len(self._fields))})"

    async def get(self, tx: Transaction, *key: Value) -> T | None:
        """The record of that key, or None."""
        return await self.one(tx, f"WHERE {self._by_key}", *key)

    async def page(self, tx: Transaction, *group: Value, after: str, limit: int) -> list[T]:
        """Records in the order of the last column of their key, from behind `after`; the others are `group`'s."""
        conditions = "".join(f"{column} = ? AND " for column in self._group)
        rest = f"WHERE {conditions}{self._last} > ? ORDER BY {self._last} LIMIT ?"
        return await self.all(tx, rest, *group, after, limit)

    async def delete(self, tx: Transaction, *key: Value) -> bool:
        """Delete the record of that key; whether there was one."""
        return bool(await tx.execute(f"DELETE FROM {self._name} WHERE {self._by_key}", *key))

    async def drop(self, tx: Transaction, rest: str, *values: Parameter, limit: int) -> int:
        """Delete so many of the records that a query finds at most; how many went."""
        return await tx.execute(
            f"DELETE FROM {self._name} WHERE ({self._key}) IN (SELECT {self._key} FROM {self._name} {rest} LIMIT ?)",
            *values,
            limit,
        )

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

    async def create(self, tx: Transaction, record: T) -> None:
        """Insert a record whose key is free."""
        await tx.execute(self._insert, *self._values(record))

    async def create_if_free(self, tx: Transaction, record: T) -> bool:
        """Insert a record unless there is one of its key; whether it was inserted."""
        sql = f"{self._insert} ON CONFLICT ({self._key}) DO NOTHING"
        return bool(await tx.execute(sql, *self._values(record)))

    async def put(self, tx: Transaction, record: T, *, changed: str) -> None:
        """Insert a record; where there is one of its key, that one's columns `changed` become the record's."""
        await tx.execute(self._put(changed), *self._values(record))

    async def put_all(self, tx: Transaction, records: Sequence[T], *, changed: str) -> None:
        """The same of each record, in one statement."""
        await tx.many(self._put(changed), [self._values(record) for record in records])

    def _put(self, changed: str) -> str:
        changes = ", ".join(f"{column} = excluded.{column}" for column in changed.split(", "))
        return f"{self._insert} ON CONFLICT ({self._key}) DO UPDATE SET {changes}"

    def _values(self, record: T) -> list[Value]:
        values = {name: getattr(record, name) for name in self._fields}
        for name, form in self._forms.items():
            values[name] = form.write(values[name])
        return list(values.values())

    @property
    def _by_key(self) -> str:
        return " AND ".join(f"{column} = ?" for column in (*self._group, self._last))
