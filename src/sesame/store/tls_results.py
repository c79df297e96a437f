"""What TLS came to, counted by day and policy domain, and which reports about it went out (RFC 8460)."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from sesame.db import Transaction
from sesame.db.table import reader


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsResult:
    """What sessions have in common that are counted together. `day` is `2026-11-28`, UTC.

    `policy_type` is `sts`, `tlsa` or `no-policy-found`; `policy` and `mx_hosts` are lines; `kind` is the result
    type, empty for success.
    """

    day: str
    policy_domain: str
    policy_type: str
    policy: str = ""
    mx_hosts: str = ""
    kind: str = ""
    receiving_mx: str = ""
    receiving_ip: str = ""
    reason: str = ""


_RESULT = reader(TlsResult)
_COLUMNS = "day, policy_domain, policy_type, policy, mx_hosts, kind, receiving_mx, receiving_ip, reason"
_IS = (
    "day = ? AND policy_domain = ? AND policy_type = ? AND policy = ? AND mx_hosts = ? AND kind = ?"
    " AND receiving_mx = ? AND receiving_ip = ? AND reason = ?"
)


def without_details(result: TlsResult) -> TlsResult:
    """A result that counts with all others of its kind: without policy, host and reason."""
    return TlsResult(
        day=result.day, policy_domain=result.policy_domain, policy_type=result.policy_type, kind=result.kind
    )


async def add(tx: Transaction, counts: Mapping[TlsResult, int], *, most: int) -> None:
    """Add sessions to those that are counted; of a domain up to `most` different ones a day, and `without_details`."""
    domains = dict.fromkeys((result.day, result.policy_domain) for result in counts)
    room = {key: most - await _count(tx, *key, most=most) for key in domains}
    for result, sessions in counts.items():
        if await _add(tx, result, sessions):
            continue
        key = result.day, result.policy_domain
        kept = result if room[key] > 0 else without_details(result)
        room[key] -= 1
        if kept is result or not await _add(tx, kept, sessions):
            await tx.execute(
                f"INSERT INTO tls_result (sessions, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                sessions,
                *astuple(kept),
            )


async def _add(tx: Transaction, result: TlsResult, sessions: int) -> int:
    """Add sessions to a row; 0 if there is none."""
    return await tx.execute(
        f"UPDATE tls_result SET sessions = sessions + ? WHERE {_IS}", sessions, *astuple(result)
    )


async def _count(tx: Transaction, day: str, policy_domain: str, *, most: int) -> int:
    """How many different results a domain has in a day, up to `most`."""
    row = await tx.one(
        "SELECT COUNT(*) FROM (SELECT 1 FROM tls_result WHERE day = ? AND policy_domain = ? LIMIT ?) counted",
        day,
        policy_domain,
        most,
    )
    return 0 if row is None else int(row[0])


async def of(tx: Transaction, day: str, policy_domain: str) -> dict[TlsResult, int]:
    """The sessions of a day with a domain."""
    rows = await tx.all(
        f"SELECT {_COLUMNS}, sessions FROM tls_result WHERE day = ? AND policy_domain = ?"
        f" ORDER BY {_COLUMNS}",
        day,
        policy_domain,
    )
    return {_RESULT(row[:-1]): int(row[-1]) for row in rows}


async def domains(
    tx: Transaction, *, before: str, after: tuple[str, str], limit: int
) -> list[tuple[str, str]]:
    """Days and domains with results of days before `before`, those behind `after` first in order."""
    rows = await tx.all(
        "SELECT DISTINCT day, policy_domain FROM tls_result WHERE day < ?"
        " AND (day > ? OR (day = ? AND policy_domain > ?)) ORDER BY day, policy_domain LIMIT ?",
        before,
        after[0],
        after[0],
        after[1],
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def was_sent(tx: Transaction, day: str, policy_domain: str, sent_to: str) -> bool:
    """Whether a report went to this mailbox or URL."""
    row = await tx.one(
        "SELECT 1 FROM tls_report WHERE day = ? AND policy_domain = ? AND sent_to = ?",
        day,
        policy_domain,
        sent_to,
    )
    return row is not None


async def note_sent(tx: Transaction, day: str, policy_domain: str, sent_to: str, *, at: float) -> None:
    """A report went out."""
    await tx.execute(
        "INSERT INTO tls_report (day, policy_domain, sent_to, sent_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        day,
        policy_domain,
        sent_to,
        at,
    )


async def forget(tx: Transaction, day: str, policy_domain: str, *, limit: int) -> int:
    """Drop results of a day with a domain, which have been reported or nobody wants: so many at most; how many went."""
    return await tx.execute(
        f"DELETE FROM tls_result WHERE ({_COLUMNS}) IN"
        f" (SELECT {_COLUMNS} FROM tls_result WHERE day = ? AND policy_domain = ? LIMIT ?)",
        day,
        policy_domain,
        limit,
    )


async def purge(tx: Transaction, *, before: str, limit: int) -> int:
    """Drop what is older than a day, so many rows at most; how many went."""
    gone = await tx.execute(
        f"DELETE FROM tls_result WHERE ({_COLUMNS}) IN"
        f" (SELECT {_COLUMNS} FROM tls_result WHERE day < ? ORDER BY day LIMIT ?)",
        before,
        limit,
    )
    return gone + await tx.execute(
        "DELETE FROM tls_report WHERE (day, policy_domain, sent_to) IN"
        " (SELECT day, policy_domain, sent_to FROM tls_report WHERE day < ? ORDER BY day LIMIT ?)",
        before,
        limit - gone,
    )
