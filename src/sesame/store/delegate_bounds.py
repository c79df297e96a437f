"""What owners of identities let delegates use of them beside policies, and what has been used of it.

Rows are an owner's, for one identity or all (`ALL`) and one delegate. They change under the owner's identities epoch,
so whoever decides a send knows them from its cache. Which of them hold for whom is `access.bounds`'.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sesame.db import Transaction, bump, identities_scope
from sesame.db.table import Table

ALL = "*"
"""In the place of an identity: all of the owner's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of one delegate; None bounds nothing. Days are any 24 hours, seconds any second."""

    seq: int
    owner_account_id: str
    region: str
    identity: str
    delegate: str
    messages_per_day: int | None = None
    messages_per_second: int | None = None
    recipients_per_day: int | None = None
    bytes_per_day: int | None = None
    expires_at: float | None = None
    paused_at: float | None = None
    pause_reason: str = ""
    updated_at: float = 0.0

    @property
    def is_counted(self) -> bool:
        """Whether anything is counted for it."""
        caps = (self.messages_per_day, self.messages_per_second, self.recipients_per_day, self.bytes_per_day)
        return any(cap is not None for cap in caps)


class Amount(NamedTuple):
    """So much of what is counted."""

    messages: int = 0
    recipients: int = 0
    bytes: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(
            self.messages + other.messages, self.recipients + other.recipients, self.bytes + other.bytes
        )

    def minus(self, other: "Amount") -> "Amount":
        """What is left without the other."""
        return Amount(
            self.messages - other.messages, self.recipients - other.recipients, self.bytes - other.bytes
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What is used: in the window of 24 hours, and messages by slot of the last seconds (`access.bounds`)."""

    day: Amount = NOTHING
    slots: Mapping[int, int] = field(default_factory=dict)
    oldest_minute: int | None = None
    """The first minute that counts, since 1970; None when none does."""


NO_USE = Use()

_BOUNDS = Table("delegate_bounds", Bounds, key="seq")


async def of_identity(tx: Transaction, owner: str, region: str, identity: str) -> list[Bounds]:
    """The bounds that hold for an identity, those of all identities among them."""
    return await _BOUNDS.all(
        tx,
        "WHERE owner_account_id = ? AND region = ? AND identity IN (?*) ORDER BY identity, delegate",
        owner,
        region,
        [identity, ALL],
    )


async def get(tx: Transaction, owner: str, region: str, identity: str, delegate: str) -> Bounds | None:
    """The bounds of a delegate, or None."""
    return await _BOUNDS.one(
        tx,
        "WHERE owner_account_id = ? AND region = ? AND identity = ? AND delegate = ?",
        owner,
        region,
        identity,
        delegate,
    )


async def of_delegate(tx: Transaction, delegate: str) -> list[Bounds]:
    """The bounds that any owner has set on a delegate."""
    return await _BOUNDS.all(tx, "WHERE delegate = ? ORDER BY owner_account_id, region, identity", delegate)


async def page(
    tx: Transaction,
    owner: str,
    region: str,
    *,
    identity: str | None = None,
    delegate: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[Bounds]:
    """An owner's bounds by identity and delegate, from behind `after`."""
    conditions, values = "", []
    for column, value in (("identity", identity), ("delegate", delegate)):
        if value is not None:
            conditions += f" AND {column} = ?"
            values.append(value)
    return await _BOUNDS.all(
        tx,
        f"WHERE owner_account_id = ? AND region = ?{conditions}"
        " AND (identity > ? OR (identity = ? AND delegate > ?)) ORDER BY identity, delegate LIMIT ?",
        owner,
        region,
        *values,
        after[0],
        after[0],
        after[1],
        limit,
    )


async def regions(tx: Transaction, owner: str) -> list[str]:
    """The regions in which an owner has set bounds."""
    rows = await tx.all(
        "SELECT DISTINCT region FROM delegate_bounds WHERE owner_account_id = ? ORDER BY region", owner
    )
    return [row[0] for row in rows]


async def count(tx: Transaction, owner: str, region: str) -> int:
    """How many bounds an owner has set in a region."""
    return await _BOUNDS.count(tx, "WHERE owner_account_id = ? AND region = ?", owner, region)


async def put(tx: Transaction, bounds: Bounds) -> None:
    """Store bounds; those with `seq` 0 are new, others are in place of what has their number."""
    if bounds.seq:
        await tx.execute("DELETE FROM delegate_bounds WHERE seq = ?", bounds.seq)
    seq = bounds.seq or await tx.new_numbers("delegate_bounds", 1)
    await _BOUNDS.create(tx, replace(bounds, seq=seq))
    await bump(tx, identities_scope(bounds.owner_account_id, bounds.region))


async def delete(tx: Transaction, bounds: Bounds) -> None:
    """Remove bounds with what is counted for them."""
    await tx.execute("DELETE FROM delegate_use_minute WHERE bounds_seq = ?", bounds.seq)
    await tx.execute("DELETE FROM delegate_use WHERE bounds_seq = ?", bounds.seq)
    await tx.execute("DELETE FROM delegate_bounds WHERE seq = ?", bounds.seq)
    await bump(tx, identities_scope(bounds.owner_account_id, bounds.region))


def use_lock(seq: int) -> str:
    """The lock that whoever changes the use of bounds holds."""
    return f"bounds:{seq}"


async def uses(tx: Transaction, seqs: Sequence[int]) -> dict[int, Use]:
    """What is used of bounds, by number; `NO_USE` of those that nothing was counted for."""
    if not seqs:
        return {}
    rows = await tx.all(
        "SELECT u.bounds_seq, u.messages, u.recipients, u.bytes, u.slots, (SELECT MIN(m.minute)"
        " FROM delegate_use_minute m WHERE m.bounds_seq = u.bounds_seq)"
        " FROM delegate_use u WHERE u.bounds_seq IN (?*)",
        list(seqs),
    )
    found = {
        int(row[0]): Use(day=Amount(*map(int, row[1:4])), slots=_slots(row[4]), oldest_minute=row[5])
        for row in rows
    }
    return {seq: found.get(seq, NO_USE) for seq in seqs}


async def take_minutes(tx: Transaction, seq: int, *, until: int) -> list[tuple[int, Amount]]:
    """Delete the minutes up to `until` of bounds: which there were.

    They are still in what is used; whoever takes them counts them out.
    """
    rows = await tx.all(
        "DELETE FROM delegate_use_minute WHERE bounds_seq = ? AND minute <= ?"
        " RETURNING minute, messages, recipients, bytes",
        seq,
        until,
    )
    return sorted((int(row[0]), Amount(*map(int, row[1:4]))) for row in rows)


async def used_until(tx: Transaction, seq: int, *, until: int) -> Amount:
    """What the minutes up to `until` were charged."""
    row = await tx.one(
        "SELECT COALESCE(SUM(messages), 0), COALESCE(SUM(recipients), 0), COALESCE(SUM(bytes), 0)"
        " FROM delegate_use_minute WHERE bounds_seq = ? AND minute <= ?",
        seq,
        until,
    )
    return NOTHING if row is None else Amount(*map(int, row))


async def used_since(tx: Transaction, seqs: Sequence[int], *, since: int) -> dict[int, Amount]:
    """What the minutes from `since` on were charged, by number."""
    if not seqs:
        return {}
    rows = await tx.all(
        "SELECT bounds_seq, SUM(messages), SUM(recipients), SUM(bytes) FROM delegate_use_minute"
        " WHERE bounds_seq IN (?*) AND minute >= ? GROUP BY bounds_seq",
        list(seqs),
        since,
    )
    found = {int(row[0]): Amount(*map(int, row[1:])) for row in rows}
    return {seq: found.get(seq, NOTHING) for seq in seqs}


async def charge(tx: Transaction, uses: Mapping[int, Use], charges: Mapping[tuple[int, int], Amount]) -> None:
    """Write what is used of bounds, and what minutes of them were charged, by number and minute."""
    await tx.many(
        "INSERT INTO delegate_use (bounds_seq, messages, recipients, bytes, slots) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (bounds_seq) DO UPDATE SET messages = excluded.messages, recipients = excluded.recipients,"
        " bytes = excluded.bytes, slots = excluded.slots",
        [(seq, *use.day, json.dumps(use.slots)) for seq, use in sorted(uses.items())],
    )
    await tx.many(
        "INSERT INTO delegate_use_minute (bounds_seq, minute, messages, recipients, bytes) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (bounds_seq, minute) DO UPDATE SET messages = delegate_use_minute.messages + excluded.messages,"
        " recipients = delegate_use_minute.recipients + excluded.recipients,"
        " bytes = delegate_use_minute.bytes + excluded.bytes",
        [(*key, *amount) for key, amount in sorted(charges.items())],
    )


def _slots(text: str) -> dict[int, int]:
    return {int(slot): int(messages) for slot, messages in json.loads(text).items()}
