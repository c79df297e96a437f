"""The latest attempts of all, newest first, by key."""

from dataclasses import dataclass

from sesame.db import Transaction

LOOK = 500
MOST_LOOKS = 4
BEYOND = 2**62
"""Behind every number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt to hand a message to a server for one recipient."""

    seq: int
    at: float
    kind: str
    status: str
    diagnostic: str
    remote_mta: str | None
    remote_ip: str | None
    tls: str | None
    tls_verdict: str | None
    address: str
    domain: str
    message_id: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPage:
    """Part of the list; `next` says where to go on, `looked_at` how many attempts were looked at for it."""

    attempts: tuple[Tried, ...]
    next: int | None
    looked_at: int


async def latest(
    tx: Transaction, *, before: int | None, limit: int, kind: str = "", domain: str = ""
) -> TriedPage:
    """Attempts before the one numbered `before`, of a kind and to a destination where they are named.

    A filter looks at a bounded number: what is left may be less than `limit`, and `next` goes on behind it.
    """
    kept: list[Tried] = []
    looked_at, key = 0, before
    for _ in range(MOST_LOOKS):
        found = await _page(tx, key, LOOK if kind or domain else limit + 1)
        looked_at += len(found)
        kept += [
            one for one in found if (not kind or one.kind == kind) and (not domain or one.domain == domain)
        ]
        key = found[-1].seq if found else None
        if len(kept) > limit:
            key = kept[limit - 1].seq
            break
        if not (kind or domain) or len(found) < LOOK:
            key = None
            break
    return TriedPage(attempts=tuple(kept[:limit]), next=key, looked_at=looked_at)


async def _page(tx: Transaction, before: int | None, limit: int) -> list[Tried]:
    rows = await tx.all(
        "SELECT a.seq, a.at, a.kind, a.status, a.diagnostic, a.remote_mta, a.remote_ip, a.tls, a.tls_verdict,"
        " r.address, r.domain, m.message_id, m.account_id FROM attempt a JOIN recipient r ON r.seq = a.recipient_seq"
        " JOIN message m ON m.seq = r.message_seq WHERE a.seq < ? ORDER BY a.seq DESC LIMIT ?",
        BEYOND if before is None else before,
        limit,
    )
    names = tuple(Tried.__dataclass_fields__)
    return [Tried(**dict(zip(names, row, strict=True))) for row in rows]
