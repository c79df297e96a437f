"""Log-ins and signatures that were refused, in sums: one row for an hour, a door, a network and a name.

Who writes them bounds how many rows an hour has; what is one too many belongs to `OTHERS`.
"""

from collections.abc import Iterable

import msgspec

from sesame.db import Transaction

HOUR_S = 3_600
OTHERS = ""
"""Stands for a network or a name that has no row of its own; neither is ever called so."""


class Failed(msgspec.Struct, frozen=True):
    """So many failures of an hour (since the epoch) from a network under a name; times in Unix seconds.

    `account_id` is whose key or user the name is, "" for nobody's; `why` is that of the last one.
    """

    hour: int
    door: str
    network: str
    name: str
    account_id: str
    why: str
    failures: int
    first_at: float
    last_at: float


_COLUMNS = "hour, door, network, name, account_id, why, failures, first_at, last_at"


async def add(tx: Transaction, counts: Iterable[Failed]) -> None:
    """Count these to what there is."""
    await tx.many(
        f"INSERT INTO failed_sign_in ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (hour, door, network, name) DO UPDATE SET account_id = excluded.account_id,"
        " why = excluded.why, failures = failed_sign_in.failures + excluded.failures,"
        " last_at = excluded.last_at",
        [
            (one.hour, one.door, one.network, one.name, one.account_id, one.why, one.failures, one.first_at,
             one.last_at)
            for one in counts
        ],
    )  # fmt: skip


async def between(tx: Transaction, first: int, end: int) -> list[Failed]:
    """Those of the hours from `first` up to `end`, which is not among them."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM failed_sign_in WHERE hour >= ? AND hour < ? ORDER BY hour, door, network, name",
        first,
        end,
    )
    return [Failed(*row) for row in rows]  # in the order of the columns; there may be thousands


async def purge_before(tx: Transaction, hour: int, *, limit: int) -> int:
    """Drop up to `limit` of those before `hour`; how many went."""
    rows = await tx.all(
        "SELECT hour, door, network, name FROM failed_sign_in WHERE hour < ? ORDER BY hour, door, network, name"
        " LIMIT ?",
        hour,
        limit,
    )
    return await tx.many(
        "DELETE FROM failed_sign_in WHERE hour = ? AND door = ? AND network = ? AND name = ?", rows
    )
