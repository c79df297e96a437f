"""Held recipients: kept from being tried until somebody releases them, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.model import RecipientState
from sesame.spool.queue import HELD_AT
from sesame.store import events
from sesame.store.events import Happened, NewEvent


@dataclass(frozen=True, slots=True)
class Held:
    """A recipient that is held now."""

    seq: int
    message_id: str
    address: str


async def hold(tx: Transaction, seqs: Sequence[int], reason: str, *, at: float) -> list[Held]:
    """Hold those of the recipients that are queued, whoever has a claim on them; those."""
    if not seqs:
        return []
    rows = await tx.all(
        "SELECT q.seq, q.message_seq, q.n, q.token, m.message_id, r.address FROM queue q"
        " JOIN message m ON m.seq = q.message_seq JOIN recipient r ON r.seq = q.seq"
        " WHERE q.seq IN (?*) AND q.hold IS NULL",
        seqs,
    )
    await tx.many(
        f"UPDATE queue SET hold = ?, due_at = {HELD_AT}, holder = NULL, token = token + 1 WHERE seq = ?",
        [(reason, row[0]) for row in rows],
    )
    await tx.many(
        "UPDATE recipient SET state = ? WHERE seq = ?", [(RecipientState.HELD.value, row[0]) for row in rows]
    )
    await events.record(
        tx,
        [
            NewEvent(
                message_seq=message_seq,
                key=f"{n}/held/{token}",
                what=Happened.HELD,
                at=at,
                n=n,
                detail={"reason": reason},
            )
            for _, message_seq, n, token, _, _ in rows
        ],
    )
    return [Held(int(row[0]), row[4], row[5]) for row in rows]


async def release(tx: Transaction, seqs: Sequence[int], *, at: float) -> int:
    """Make held recipients due at once, with a clean record; how many were held."""
    if not seqs:
        return 0
    rows = await tx.all(
        "SELECT seq, message_seq, n, token FROM queue WHERE seq IN (?*) AND hold IS NOT NULL", seqs
    )
    await tx.many(
        "UPDATE queue SET hold = NULL, due_at = 0, deaths = 0, doubts = 0, token = token + 1 WHERE seq = ?",
        [(row[0],) for row in rows],
    )
    await tx.many(
        "UPDATE recipient SET state = ? WHERE seq = ?",
        [(RecipientState.QUEUED.value, row[0]) for row in rows],
    )
    await events.record(
        tx,
        [
            NewEvent(message_seq=message_seq, key=f"{n}/released/{token}", what=Happened.RELEASED, at=at, n=n)
            for _, message_seq, n, token in rows
        ],
    )
    return len(rows)
