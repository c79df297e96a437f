"""Giving up: recipients whose time is over are found some at a time, and end without another attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sesame.db import Transaction
from sesame.model import OutcomeKind, RecipientState
from sesame.spool.settle import MAY_HAVE, drop_bodies, end_recipients, may_have_been_delivered
from sesame.store import events
from sesame.store.events import PAUSED, Happened, NewEvent

EXPIRE_AT_ONCE = 256
"""Rows that one write looks at."""
GRACE_S = 86_400.0
"""How long past its life mail is left for a last attempt that nothing is known to stand against."""
_WAITING = (
    "seq, domain, holder IS NULL AND (hold IS NULL OR hold = ?)"
    " AND domain NOT IN (SELECT domain FROM queue_pause), hold IS NOT NULL"
)


class Looked(NamedTuple):
    """How far was looked: behind which recipient, and of those whose sender gave them a time behind which."""

    seq: int
    end: float
    end_seq: int


START = Looked(0, -1.0, 0)
"""Before the first."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Recipients past their life, and where to look on."""

    seqs: Sequence[int]
    after: Looked


async def overdue(
    tx: Transaction, diagnostics: Mapping[str, str], *, after: Looked, now: float, life_s: float
) -> Overdue:
    """What is past its life, and neither held, paused nor claimed, among the next some behind `after`.

    The pause of a sender makes no mail live longer: what it holds is past its life like the rest. Where `diagnostics`
    knows why nothing went to the destination; elsewhere it is left `GRACE_S` for a last attempt, for the process may
    have been down.
    """
    oldest = await tx.all(
        f"SELECT {_WAITING}, queued_at + ? FROM queue WHERE seq > ? ORDER BY seq LIMIT ?",
        PAUSED,
        life_s,
        after.seq,
        EXPIRE_AT_ONCE,
    )
    own = await tx.all(
        f"SELECT {_WAITING}, expires_at FROM queue WHERE expires_at IS NOT NULL AND expires_at <= ?"
        " AND (expires_at, seq) > (?, ?) ORDER BY expires_at, seq LIMIT ?",
        PAUSED,
        now,
        after.end,
        after.end_seq,
        EXPIRE_AT_ONCE,
    )
    seqs = {
        int(seq)
        for seq, domain, is_waiting, is_held, end in (*oldest, *own)
        if is_waiting and end + (0 if is_held or domain in diagnostics else GRACE_S) <= now
    }
    has_more = len(oldest) == EXPIRE_AT_ONCE and oldest[-1][4] <= now
    last = int(oldest[-1][0]) if has_more else START.seq
    end, end_seq = (float(own[-1][4]), int(own[-1][0])) if len(own) == EXPIRE_AT_ONCE else START[1:]
    return Overdue(sorted(seqs), Looked(last, end, end_seq))


class _Ended(NamedTuple):
    """A recipient in the queue whose time is over."""

    seq: int
    n: int
    message_seq: int
    attempts: int
    token: int
    domain: str
    doubts: int
    hold: str | None


async def expire(tx: Transaction, seqs: Sequence[int], diagnostics: Mapping[str, str], *, at: float) -> int:
    """Give up those of the recipients that are neither held nor claimed meanwhile; how many."""
    rows = await tx.all(
        "SELECT seq, n, message_seq, attempts, token, domain, doubts, hold FROM queue WHERE seq IN (?*)"
        " AND holder IS NULL AND (hold IS NULL OR hold = ?)",
        seqs,
        PAUSED,
    )
    if not rows:
        return 0
    ended = [_Ended(*row) for row in rows]
    await end_recipients(tx, [(one.seq, RecipientState.EXPIRED, one.attempts) for one in ended], at=at)
    numbered = list(enumerate(ended, start=await tx.new_numbers("attempt", len(ended))))
    await tx.many(
        "INSERT INTO attempt (seq, recipient_seq, at, kind, status, diagnostic) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, one.seq, at, OutcomeKind.TRANSIENT.value, "4.4.7", _why_expired(one, diagnostics))
            for number, one in numbered
        ],
    )
    await events.record(
        tx,
        [
            NewEvent(
                message_seq=one.message_seq,
                key=f"{one.n}/{one.token}/expired",
                what=Happened.EXPIRED,
                at=at,
                n=one.n,
                attempt_seq=number,
                detail=MAY_HAVE if one.doubts else None,
            )
            for number, one in numbered
        ],
    )
    await drop_bodies(tx, {one.message_seq for one in ended})
    return len(ended)


def _why_expired(one: _Ended, diagnostics: Mapping[str, str]) -> str:
    said = one.hold or diagnostics.get(one.domain)
    why = "delivery time expired"
    if said == PAUSED:
        why = f"{why}; {said}"
    elif said:
        why = f"{why}; the last attempt there: {said}"
    return f"{may_have_been_delivered(one.doubts)}; {why}" if one.doubts else why
