"""The port to the database, and what every implementation promises.

A transaction is an `async` function that awaits nothing but its `Transaction`, so one text of it
runs on SQLite (driven to its end where it is called) and on a database across a socket. It remembers nothing
between runs and touches nothing of its surroundings: it may run twice.

The SQL is what SQLite and PostgreSQL have in common, with placeholders `?`:
columns are named in every INSERT, NULL in a condition is a condition of its own and no parameter, booleans are 0
and 1, text is compared by code points, a list is one parameter (`IN (?*)`), and what differs is asked of the
transaction (`floor`, `new_numbers`).

INVARIANT I1: `Store.write` returns only after the commit is durable. A transaction whose outcome is
unknown raises `StoreUnavailable`; it is never reported as done.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
J = TypeVar("J")
Row = tuple[Any, ...]
Value = str | int | float | bytes | None
Parameter = Value | Sequence[str] | Sequence[int] | Sequence[bytes]
"""A value, or the list that stands for `?*`."""


AT_ONCE = 1_000
"""Rows that one write deletes at most, so that accepting never waits for it; it takes some 10 ms."""


class Transaction(Protocol):
    """Statements inside one transaction; placeholders are `?`, and `?*` for a list."""

    async def execute(self, sql: str, *values: Parameter) -> int:
        """Run a statement; the number of rows it changed."""

    async def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Run a statement once for each row of values; the number of rows it changed in all."""

    async def one(self, sql: str, *values: Parameter) -> Row | None:
        """The first row of a query, or None."""

    async def all(self, sql: str, *values: Parameter) -> list[Row]:
        """Every row of a query or of a RETURNING clause."""

    async def lock(self, names: Sequence[str], *, shared: bool = False) -> None:
        """Hold the locks called `names` until the transaction ends; what is read afterwards is read under them.

        Whoever changes what has a name holds its lock alone, whoever rests on it shares it. A database with one
        writer holds them all already.
        """

    async def new_numbers(self, table: str, count: int) -> int:
        """The first of `count` numbers in a row for column `seq` of `table` that no row has had."""

    def floor(self, expression: str) -> str:
        """SQL that rounds a number of zero or more down to an integer."""


Batch = Callable[[Transaction, Sequence[J]], Awaitable[Sequence[T | Exception]]]
"""Does several jobs in one transaction: for each its result, or why it was refused, which wrote nothing."""


class Store(Protocol):
    """Runs transactions. An exception out of the function undoes that transaction alone."""

    async def write(self, function: Callable[[Transaction], Awaitable[T]], *, is_long: bool = False) -> T:
        """Run `function`, commit durably, return its result.

        `is_long` says that it may take longer than a message does: it touches many rows or large values.
        Raises what `function` raises, or `StoreUnavailable` when nothing may count as done.
        """

    async def write_together(self, batch: Batch[J, T], job: J) -> T:
        """Let `batch` do `job` with the others that wait for it, commit durably, return the job's result.

        Which jobs share a call is chance; `batch` must do them as if one came after the other. Raises what it
        gives for the job. When it raises itself, each job of the call is run again alone.
        """

    async def read(self, function: Callable[[Transaction], Awaitable[T]], *, is_short: bool = False) -> T:
        """Run `function` on one consistent snapshot; it must not write.

        `is_short` says that it looks up a few rows by their keys, which may be done without going elsewhere for it.
        """


async def in_parts(
    store: Store, drop: Callable[[Transaction], Awaitable[int]], *, at_once: int = AT_ONCE
) -> None:
    """Let `drop` delete up to `at_once` rows a write and tell how many, until it finds fewer."""
    while await store.write(drop, is_long=True) >= at_once:
        pass


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
    """Count a change in `scope`, so that decisions taken before it are taken again (I4).

    The only statement that writes epochs: its lock is what an accept transaction shares.
    """
    await tx.lock([scope])
    await tx.execute(
        "INSERT INTO epoch (scope, value) VALUES (?, 1)"
        " ON CONFLICT (scope) DO UPDATE SET value = epoch.value + 1",
        scope,
    )


async def epochs(tx: Transaction, scopes: Sequence[str]) -> tuple[int, ...]:
    """The current epochs of `scopes`, in their order; 0 where nothing ever changed."""
    found = await epochs_of(tx, scopes)
    return tuple([found.get(scope, 0) for scope in scopes])


async def epochs_of(tx: Transaction, scopes: Sequence[str]) -> dict[str, int]:
    """The epochs of those of `scopes` in which anything ever changed."""
    rows = await tx.all("SELECT scope, value FROM epoch WHERE scope IN (?*)", scopes) if scopes else []
    return dict(rows)


async def epoch(tx: Transaction, scope: str) -> int:
    """The current epoch of `scope`; 0 if nothing in it ever changed."""
    row = await tx.one("SELECT value FROM epoch WHERE scope = ?", scope)
    return 0 if row is None else int(row[0])
