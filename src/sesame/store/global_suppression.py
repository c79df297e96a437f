"""The list of addresses that no account sends to for a while: those whose server said that they do not exist.

Kept for the whole instance, if its operator wants that, in the form in which accounts' lists keep addresses, and
compared without case. Source: SES developer guide, "Using the global suppression list".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table
from sesame.store.suppression import folded, normal

REASON = "GLOBAL"
"""Why a recipient is suppressed that is on this list and not on its sender's."""

_MOST_SPELLINGS = 1_000
"""So many entries of one address are taken off at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One address, and from when until when it is listed, in Unix seconds."""

    address: str
    since: float
    until: float


_LISTED = Table("global_suppression", Listed, key="address")


async def put(tx: Transaction, address: str, *, at: float, until: float) -> None:
    """List an address, or list it for longer."""
    await tx.execute(
        "INSERT INTO global_suppression (address, since, until) VALUES (?, ?, ?)"
        " ON CONFLICT (address) DO UPDATE SET until = excluded.until WHERE excluded.until > global_suppression.until",
        normal(address),
        at,
        until,
    )


async def remove(tx: Transaction, address: str) -> bool:
    """Take an address off, in whatever letters it is listed; whether it was."""
    rows = await tx.all(
        "SELECT address FROM global_suppression WHERE LOWER(address) = ? LIMIT ?",
        folded(address),
        _MOST_SPELLINGS,
    )
    return bool(await tx.many("DELETE FROM global_suppression WHERE address = ?", rows))


async def until_of(tx: Transaction, addresses: Sequence[str]) -> dict[str, float]:
    """Of those of the addresses, as written, that are listed in whatever letters, until when."""
    names = {address: folded(address) for address in addresses}
    rows = await tx.all(
        "SELECT address, until FROM global_suppression WHERE LOWER(address) IN (?*)",
        tuple(set(names.values())),
    )
    found: dict[str, float] = {}
    for address, until in rows:
        found[folded(address)] = max(until, found.get(folded(address), 0.0))
    return {address: found[name] for address, name in names.items() if name in found}


async def page(tx: Transaction, *, now: float, after: str, limit: int) -> list[Listed]:
    """What is listed, by address, from behind `after`."""
    return await _LISTED.all(
        tx, "WHERE until > ? AND address > ? ORDER BY address LIMIT ?", now, after, limit
    )


async def purge_before(tx: Transaction, before: float, *, limit: int) -> int:
    """Let go of what was listed until before then; how many rows went, a bounded number."""
    rows = await tx.all(
        "SELECT address FROM global_suppression WHERE until <= ? ORDER BY until LIMIT ?", before, limit
    )
    return await tx.many("DELETE FROM global_suppression WHERE address = ?", rows)
