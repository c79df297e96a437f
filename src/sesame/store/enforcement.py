"""The verdict on an account that hurts others, in a region, with how it changed.

Words of SES: HEALTHY, PROBATION (under review), SHUTDOWN (paused). What it is made of are `tallies`.
"""

from dataclasses import dataclass
from typing import Literal

from sesame.db import Transaction, account_scope, bump

Enforcement = Literal["HEALTHY", "PROBATION", "SHUTDOWN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementState:
    """The verdict on an account in a region, and from which quarter hour on its rates are made."""

    enforcement: Enforcement
    rated_since: int


async def state(tx: Transaction, account_id: str, region: str) -> EnforcementState:
    """The verdict on an account in a region."""
    row = await tx.one(
        "SELECT enforcement, rated_since FROM account_region WHERE account_id = ? AND region = ?",
        account_id,
        region,
    )
    if row is None:
        return EnforcementState(enforcement="HEALTHY", rated_since=0)
    return EnforcementState(enforcement=row[0] or "HEALTHY", rated_since=int(row[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A verdict that changed; `who` is `sesame` or `operator`."""

    account_id: str
    region: str
    at: float
    was: Enforcement
    became: Enforcement
    who: str
    reason: str


async def put(tx: Transaction, change: Change, *, rated_since: int | None = None) -> None:
    """Change the verdict, with its record; a `rated_since` begins the rates anew. Takes effect at once (I4)."""
    await tx.execute(
        "INSERT INTO account_region (account_id, region, enforcement, rated_since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET enforcement = excluded.enforcement,"
        " rated_since = CASE WHEN excluded.rated_since > account_region.rated_since"
        " THEN excluded.rated_since ELSE account_region.rated_since END",
        change.account_id,
        change.region,
        change.became,
        rated_since or 0,
    )
    await tx.execute(
        "INSERT INTO enforcement_change (account_id, region, at, was, became, who, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        change.account_id,
        change.region,
        change.at,
        change.was,
        change.became,
        change.who,
        change.reason,
    )
    await bump(tx, account_scope(change.account_id))


async def changes(tx: Transaction, account_id: str) -> list[Change]:
    """How the verdict on an account changed, in order."""
    rows = await tx.all(
        "SELECT account_id, region, at, was, became, who, reason FROM enforcement_change WHERE account_id = ?"
        " ORDER BY at, seq",
        account_id,
    )
    return [
        Change(account_id=r[0], region=r[1], at=r[2], was=r[3], became=r[4], who=r[5], reason=r[6])
        for r in rows
    ]
