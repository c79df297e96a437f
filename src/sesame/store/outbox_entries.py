"""The outbox as people read it: what was published of an event and how far it came; what was given up, and again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Row, Transaction
from sesame.store.ended_targets import OPEN
from sesame.store.outbox import ROW, Place, Publication, delivery_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A row as it stands, for people to read."""

    seq: int
    state: str
    attempts: int
    due_at: float
    ended_at: float | None
    problem: str | None
    publication: Publication
    place: Place


_ENTRY = ROW.replace(" FROM outbox o", ", o.state, o.due_at, o.ended_at, o.problem FROM outbox o")


def _entry(row: Row) -> OutboxEntry:
    read = delivery_of(row)
    return OutboxEntry(
        seq=read.seq,
        state=row[16],
        attempts=read.attempts,
        due_at=row[17],
        ended_at=row[18],
        problem=row[19],
        publication=read.publication,
        place=read.place,
    )


async def dead(tx: Transaction, *, account_id: str | None, after: int, limit: int) -> list[OutboxEntry]:
    """What was given up, oldest first, from behind row `after`; of topics of one account, or of all."""
    of_account, values = (
        ("", []) if account_id is None else (" AND p.topic_arn LIKE ?", [f"%:{account_id}:%"])
    )
    rows = await tx.all(
        f"{_ENTRY} WHERE o.state = 'dead' AND o.seq > ?{of_account} ORDER BY o.seq LIMIT ?",
        after,
        *values,
        limit,
    )
    return [_entry(row) for row in rows]


async def dead_numbers(tx: Transaction, *, limit: int) -> list[int]:
    """Rows that were given up, oldest first; those of a target that others are still being given up for come later."""
    rows = await tx.all(
        f"SELECT o.seq FROM outbox o WHERE o.state = 'dead' AND {OPEN.format('o')} ORDER BY o.seq LIMIT ?",
        limit,
    )
    return [int(row[0]) for row in rows]


async def retry(tx: Transaction, seqs: Sequence[int], *, now: float) -> int:
    """Try again what was given up, from the beginning; how many rows that are."""
    return await tx.execute(
        "UPDATE outbox SET state = 'waiting', due_at = ?, attempts = 0, ended_at = NULL, problem = NULL"
        f" WHERE state = 'dead' AND seq IN (?*) AND {OPEN.format('outbox')}",
        now,
        seqs,
    )


async def about(tx: Transaction, event_ids: Sequence[str]) -> list[OutboxEntry]:
    """What was published of events, and how far it came."""
    rows = await tx.all(f"{_ENTRY} WHERE p.about IN (?*) ORDER BY o.seq", event_ids)
    return [_entry(row) for row in rows]
