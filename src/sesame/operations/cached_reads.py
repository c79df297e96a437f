"""A look at the store that asks the same thing once: for what is made of parts that each read for themselves."""

from typing import Any

from sesame.db import Row, Transaction, Value


class CachedReads:
    """The reading half of a transaction; what a statement with its values has answered it answers again."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: dict[tuple[Any, ...], Any] = {}

    async def one(self, sql: str, *values: Value) -> Row | None:
        """As `Transaction.one`."""
        key = ("one", sql, repr(values))
        if key not in self._known:
            self._known[key] = await self._tx.one(sql, *values)
        found: Row | None = self._known[key]
        return found

    async def all(self, sql: str, *values: Any) -> list[Row]:
        """As `Transaction.all`."""
        key = ("all", sql, repr(values))
        if key not in self._known:
            self._known[key] = await self._tx.all(sql, *values)
        found: list[Row] = self._known[key]
        return list(found)
