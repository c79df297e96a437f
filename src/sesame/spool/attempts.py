"""The latest attempts of all, newest first, by key."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Row, Transaction

LOOK = 500
MOST_LOOKS = 4
REFUSED = "refused: "
"""How the words begin of a connection that was given up for TLS; see `delivery.outcome`."""
BEYOND = 2**62
"""Behind every number."""
RESULTS = {"delivered": "delivered", "transient": "deferred", "permanent": "rejected"}
"""What each kind of outcome is called where people read of an attempt."""


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

    @property
    def secured(self) -> str:
        """How the connection was secured, in words; "" where nobody was reached."""
        return self.tls_verdict or self.tls or ("in clear" if self.remote_ip else "")


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
    if not (kind or domain):
        kept = await _page(tx, key, limit + 1)
        more = kept[limit - 1].seq if len(kept) > limit else None
        return TriedPage(attempts=tuple(kept[:limit]), next=more, looked_at=len(kept))
    for _ in range(MOST_LOOKS):
        found = await _look(tx, key, with_domain=bool(domain))
        looked_at += len(found)
        fit = [
            seq
            for seq, of_kind, to in found
            if (not kind or of_kind == kind) and (not domain or to == domain)
        ]
        kept += await _of_numbers(tx, fit[: limit + 1 - len(kept)])
        key = found[-1][0] if found else None
        if len(kept) > limit:
            key = kept[limit - 1].seq
            break
        if len(found) < LOOK:
            key = None
            break
    return TriedPage(attempts=tuple(kept[:limit]), next=key, looked_at=looked_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """How attempts of late reached a destination: how many did, and how each connection was secured, in words, with how
    many were and when the last was; the most first."""

    domain: str
    attempts: int
    in_clear: int
    refused: int
    """Given up because TLS was not good enough."""
    ways: tuple[tuple[str, int, float], ...]


async def connections(tx: Transaction, *, limit: int) -> tuple[list[Connections], int]:
    """Those of the destinations with most of the latest attempts, `limit` at most; of how many attempts."""
    rows = await tx.all(
        "SELECT r.domain, COALESCE(a.tls_verdict, a.tls, ''), a.tls, a.at FROM attempt a"
        " JOIN recipient r ON r.seq = a.recipient_seq WHERE a.seq < ? ORDER BY a.seq DESC LIMIT ?",
        BEYOND,
        LOOK * MOST_LOOKS,
    )
    by_domain: dict[str, dict[str, tuple[int, float]]] = {}
    encrypted: Counter[str] = Counter()
    for domain, words, tls, at in rows:
        if not words:
            continue  # nobody was reached, or it is not known how
        ways = by_domain.setdefault(domain, {})
        count, last = ways.get(words, (0, at))
        ways[words] = count + 1, max(last, at)
        encrypted[domain] += tls is not None
    found = []
    for domain, ways in by_domain.items():
        sums = sorted(((words, *of) for words, of in ways.items()), key=lambda one: (-one[1], one[0]))
        total = sum(count for _, count, _ in sums)
        refused = sum(count for words, count, _ in sums if words.startswith(REFUSED))
        clear = total - encrypted[domain] - refused
        found.append(
            Connections(domain=domain, attempts=total, in_clear=clear, refused=refused, ways=tuple(sums))
        )
    found.sort(key=lambda one: (-one.attempts, one.domain))
    return found[:limit], len(rows)


async def _look(tx: Transaction, before: int | None, *, with_domain: bool) -> list[Row]:
    """Number and kind of attempts, and the domain they went to or "": what a filter asks for."""
    column, to = ("r.domain", " JOIN recipient r ON r.seq = a.recipient_seq") if with_domain else ("''", "")
    return await tx.all(
        f"SELECT a.seq, a.kind, {column} FROM attempt a{to} WHERE a.seq < ? ORDER BY a.seq DESC LIMIT ?",
        BEYOND if before is None else before,
        LOOK,
    )


_TRIED = (
    "SELECT a.seq, a.at, a.kind, a.status, a.diagnostic, a.remote_mta, a.remote_ip, a.tls, a.tls_verdict,"
    " r.address, r.domain, m.message_id, m.account_id FROM attempt a JOIN recipient r ON r.seq = a.recipient_seq"
    " JOIN message m ON m.seq = r.message_seq"
)
_NAMES = tuple(Tried.__dataclass_fields__)


async def _page(tx: Transaction, before: int | None, limit: int) -> list[Tried]:
    """The newest as a whole."""
    last = BEYOND if before is None else before
    rows = await tx.all(f"{_TRIED} WHERE a.seq < ? ORDER BY a.seq DESC LIMIT ?", last, limit)
    return [_tried(row) for row in rows]


async def _of_numbers(tx: Transaction, seqs: Sequence[int]) -> list[Tried]:
    """Those attempts as a whole, in that order."""
    rows = await tx.all(f"{_TRIED} WHERE a.seq IN (?*)", seqs) if seqs else []
    found = {row[0]: _tried(row) for row in rows}
    return [found[seq] for seq in seqs if seq in found]


def _tried(row: Row) -> Tried:
    return Tried(**dict(zip(_NAMES, row, strict=True)))
