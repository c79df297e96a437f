"""The store's port, and what every implementation promises.

A transaction is an `async` function that awaits nothing but its `Transaction`, so one text of it
runs on SQLite (driven to its end on the writer thread) and on a database across a socket.
It holds no SQL of its own; the resources beside this file do.

INVARIANT I1: `Store.write` returns only after the commit is durable. A transaction whose outcome is
unknown raises `StoreUnavailable`; it is never reported as done.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
Value = str | int | float | bytes | None


class Transaction(Protocol):
    """Statements inside one transaction; placeholders are `?`."""

    async def execute(self, sql: str, *values: Value) -> int:
        """Run a statement; the number of rows it changed."""

    async def one(self, sql: str, *values: Value) -> Row | None:
        """The first row of a query, or None."""

    async def all(self, sql: str, *values: Value) -> list[Row]:
        """Every row of a query."""


class Store(Protocol):
    """Runs transactions. An exception out of the function undoes that transaction alone."""

    async def write(self, function: Callable[[Transaction], Awaitable[T]], *, is_long: bool = False) -> T:
        """Run `function`, commit durably, return its result.

        `is_long` says that it may take longer than a message does: it touches many rows or large values.
        Raises what `function` raises, or `StoreUnavailable` when nothing may count as done.
        """

    async def read(self, function: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `function` on one consistent snapshot; it must not write."""


def identities_scope(account_id: str, region: str) -> str:
    """Epoch scope of an owner's identities, their policies and keys in one region.

    One scope for all of them rather than one each: choosing an identity also depends on the absence
    of a more specific one.
    """
    return f"identities:{account_id}:{region}"


def account_scope(account_id: str) -> str:
    """Epoch scope of an account's users, keys, IAM policies and sandbox state."""
    return f"account:{account_id}"


async def bump(tx: Transaction, scope: str) -> None:
    """Count a change in `scope`, so that decisions taken before it are taken again (I4)."""
    await tx.execute(
        "INSERT INTO epoch (scope, value) VALUES (?, 1)"
        " ON CONFLICT (scope) DO UPDATE SET value = epoch.value + 1",
        scope,
    )


async def epochs(tx: Transaction, scopes: Sequence[str]) -> tuple[int, ...]:
    """The current epochs of `scopes`, in one statement: it is on the way of every message."""
    if not scopes:
        return ()
    row = await tx.one("SELECT " + ", ".join([_EPOCH] * len(scopes)), *scopes)
    assert row is not None
    return row


_EPOCH = "COALESCE((SELECT value FROM epoch WHERE scope = ?), 0)"


async def epoch(tx: Transaction, scope: str) -> int:
    """The current epoch of `scope`; 0 if nothing in it ever changed."""
    row = await tx.one("SELECT value FROM epoch WHERE scope = ?", scope)
    return 0 if row is None else int(row[0])
