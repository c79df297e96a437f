"""MTA-STS policies that were fetched, one a domain; they hold until they expire (RFC 8461 section 5.1)."""

import json
from dataclasses import dataclass

from sesame.db import Row, Transaction


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


_COLUMNS = "domain, policy_id, mode, hosts, max_age_s, fetched_at, expires_at"


async def put(tx: Transaction, policy: StsPolicy) -> None:
    """Keep a policy in place of what was there."""
    await tx.execute(
        f"INSERT INTO mta_sts_policy ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (domain) DO UPDATE SET policy_id = excluded.policy_id, mode = excluded.mode,"
        " hosts = excluded.hosts, max_age_s = excluded.max_age_s, fetched_at = excluded.fetched_at,"
        " expires_at = excluded.expires_at",
        policy.domain,
        policy.policy_id,
        policy.mode,
        json.dumps(policy.hosts),
        policy.max_age_s,
        policy.fetched_at,
        policy.expires_at,
    )


async def get(tx: Transaction, domain: str) -> StsPolicy | None:
    """The policy of a domain, expired or not, or None."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM mta_sts_policy WHERE domain = ?", domain)
    return None if row is None else _policy(row)


async def due(tx: Transaction, *, fetched_before: float, now: float, limit: int) -> list[StsPolicy]:
    """Policies in force that were last fetched before a time, the oldest first."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM mta_sts_policy WHERE fetched_at <= ? AND expires_at > ?"
        " ORDER BY fetched_at LIMIT ?",
        fetched_before,
        now,
        limit,
    )
    return [_policy(row) for row in rows]


async def purge(tx: Transaction, *, now: float) -> int:
    """Drop what has expired; how many went."""
    return await tx.execute("DELETE FROM mta_sts_policy WHERE expires_at <= ?", now)


def _policy(row: Row) -> StsPolicy:
    return StsPolicy(
        domain=row[0],
        policy_id=row[1],
        mode=row[2],
        hosts=tuple(json.loads(row[3])),
        max_age_s=row[4],
        fetched_at=row[5],
        expires_at=row[6],
    )
