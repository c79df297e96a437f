"""Recorded decisions about one identity's owner, for asking again under other policies.

Pages go by time along an index, from behind the last row of the page before.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sesame.db import Row, Transaction
from sesame.store.decisions import whole

Position = tuple[float, int]
"""Behind which row a page begins: its time and number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recorded decision: when, about which sender, and what policy saw (JSON)."""

    seq: int
    at: float
    account_id: str
    region: str
    decision: str

    @property
    def position(self) -> Position:
        """Where the page after this row begins."""
        return self.at, self.seq


def beginning(since: float) -> Position:
    """Before all that was recorded since a time."""
    return since, 0


END: Position = (float("inf"), 0)
"""Behind everything: where going backwards begins."""


async def accepted(
    tx: Transaction, owner_account_id: str, region: str, *, after: Position, limit: int, newest: bool = False
) -> list[Recorded]:
    """Accepted sends as identities of an owner, by page; with `newest` backwards from `after`."""
    look = _Look("message", "accepted_at", "owner_account_id", newest)
    return await _page(tx, look, owner_account_id, region, after, limit)


async def refused(
    tx: Transaction, owner_account_id: str, region: str, *, after: Position, limit: int, newest: bool = False
) -> list[Recorded]:
    """Refused sends as identities of an owner, by page; others' and its own apart (`refused_own`)."""
    look = _Look("refusal", "at", "owner_account_id", newest)
    return await _page(tx, look, owner_account_id, region, after, limit)


async def refused_own(
    tx: Transaction, account_id: str, region: str, *, after: Position, limit: int, newest: bool = False
) -> list[Recorded]:
    """Refused sends of an account that concern no other, by page."""
    look = _Look("refusal", "at", "owner_account_id IS NULL AND x.account_id", newest)
    return await _page(tx, look, account_id, region, after, limit)


class _Look(NamedTuple):
    """Which rows of which table, by which time, in which direction."""

    table: str
    at: str
    whose: str
    newest: bool


async def _page(
    tx: Transaction, look: _Look, account_id: str, region: str, after: Position, limit: int
) -> list[Recorded]:
    at = look.at
    beyond, order = ("<", f"x.{at} DESC, x.seq DESC") if look.newest else (">", f"x.{at}, x.seq")
    rows = await tx.all(
        f"SELECT x.seq, x.{at}, x.account_id, x.region, x.decision, d.text FROM {look.table} x"
        f" LEFT JOIN decision_text d ON d.digest = x.decision_digest"
        f" WHERE x.{look.whose} = ? AND x.region = ? AND (x.{at}, x.seq) {beyond} (?, ?) ORDER BY {order} LIMIT ?",
        account_id,
        region,
        *after,
        limit,
    )
    return [_recorded(row) for row in rows]


def _recorded(row: Row) -> Recorded:
    return Recorded(seq=row[0], at=row[1], account_id=row[2], region=row[3], decision=whole(row[4], row[5]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A decision as it was kept with its message: what is its own, and the shared part by digest.

    `shared` is None for one that the reader knows, or that is gone; without a digest `own` is the whole.
    """

    own: str
    digest: bytes | None
    shared: str | None


async def kept(tx: Transaction, message_seqs: Sequence[int], *, known: Container[bytes]) -> dict[int, Kept]:
    """The decisions of messages by number; texts whose digest is `known` are left out."""
    if not message_seqs:
        return {}
    rows = await tx.all(
        "SELECT seq, decision, decision_digest FROM message WHERE seq IN (?*)", list(message_seqs)
    )
    texts: dict[bytes, str | None] = {}
    for digest in {bytes(row[2]) for row in rows if row[2] is not None}:
        if digest not in known:
            texts[digest] = await text(tx, digest)
    return {
        int(seq): Kept(
            own=own,
            digest=None if digest is None else bytes(digest),
            shared=None if digest is None else texts.get(bytes(digest)),
        )
        for seq, own, digest in rows
    }


async def text(tx: Transaction, digest: bytes) -> str | None:
    """The shared part of decisions, or None when it is not kept any more."""
    row = await tx.one("SELECT text FROM decision_text WHERE digest = ?", digest)
    return None if row is None else str(row[0])
