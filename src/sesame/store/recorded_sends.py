"""Recorded decisions about one identity, for asking again under other policies."""

from dataclasses import dataclass

from sesame.db import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recorded decision: when, about which sender, and what policy saw (JSON)."""

    seq: int
    at: float
    account_id: str
    region: str
    decision: str


async def accepted(
    tx: Transaction, owner_account_id: str, region: str, *, since: float, after: int, limit: int
) -> list[Recorded]:
    """Accepted sends as identities of an owner since a time, by page."""
    return await _page(tx, "message", "accepted_at", owner_account_id, region, since, after, limit)


async def refused(
    tx: Transaction, owner_account_id: str, region: str, *, since: float, after: int, limit: int
) -> list[Recorded]:
    """Refused sends as identities of an owner since a time, by page; the owner's own included."""
    return await _page(tx, "refusal", "at", owner_account_id, region, since, after, limit)


async def _page(
    tx: Transaction, table: str, at: str, owner: str, region: str, since: float, after: int, limit: int
) -> list[Recorded]:
    own = "" if table == "message" else " OR (owner_account_id IS NULL AND account_id = ?)"
    values = [owner] if table == "message" else [owner, owner]
    rows = await tx.all(
        f"SELECT seq, {at}, account_id, region, decision FROM {table}"
        f" WHERE (owner_account_id = ?{own}) AND region = ? AND {at} >= ? AND seq > ? ORDER BY seq LIMIT ?",
        *values,
        region,
        since,
        after,
        limit,
    )
    return [
        Recorded(seq=row[0], at=row[1], account_id=row[2], region=row[3], decision=row[4]) for row in rows
    ]
