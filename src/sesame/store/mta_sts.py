"""MTA-STS policies that were fetched, one a domain; they hold until they expire (RFC 8461 section 5.1)."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import JSON_TUPLE, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class StsPolicy:
    """A policy as its host gave it; `mode` is `enforce`, `testing` or `none`."""

    domain: str
    policy_id: str
    mode: str
    hosts: tuple[str, ...]
    max_age_s: int
    fetched_at: float
    expires_at: float


_POLICIES = Table("mta_sts_policy", StsPolicy, key="domain", hosts=JSON_TUPLE)


async def put(tx: Transaction, policy: StsPolicy) -> None:
    """Keep a policy in place of what was there."""
    await _POLICIES.put(tx, policy, changed="policy_id, mode, hosts, max_age_s, fetched_at, expires_at")


async def get(tx: Transaction, domain: str) -> StsPolicy | None:
    """The policy of a domain, expired or not, or None."""
    return await _POLICIES.get(tx, domain)


async def due(tx: Transaction, *, fetched_before: float, now: float, limit: int) -> list[StsPolicy]:
    """Policies in force that were last fetched before a time, the oldest first."""
    return await _POLICIES.all(
        tx,
        "WHERE fetched_at <= ? AND expires_at > ? ORDER BY fetched_at LIMIT ?",
        fetched_before,
        now,
        limit,
    )


async def purge(tx: Transaction, *, now: float, limit: int) -> int:
    """Drop what has expired, so many at most; how many went."""
    return await _POLICIES.drop(tx, "WHERE expires_at <= ? ORDER BY expires_at", now, limit=limit)
