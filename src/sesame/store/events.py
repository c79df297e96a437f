"""The event log: what happened to each message, recorded once, seen to in stages (I8).

Whoever changes the state of a message records it in the same transaction. `feedback` claims what is new and reacts,
`notify` publishes it; nothing is purged before both have. An event that nobody has to see to begins at the stage
behind them. Stages are claimed like recipients are, and not read by a cursor on a sequence, which would skip rows of
transactions that commit late.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum

import msgspec

from sesame.aws.moments import milliseconds
from sesame.db import Row, Transaction


class Happened(Enum):
    """What an event is about; the doors have their own names for it."""

    ACCEPTED = "accepted"
    RENDERING_FAILED = "rendering failed"
    SUPPRESSED = "suppressed"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    BOUNCED = "bounced"
    """By an attempt, or by a report that came later, an auto-reply among them; `detail` has what a report said."""
    EXPIRED = "expired"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    OPENED = "opened"
    CLICKED = "clicked"
    SUBSCRIBED = "subscription changed"
    HELD = "held"
    RELEASED = "released"
    CANCELLED = "cancelled"


PAUSED = "paused by the owner of the identity"
"""Why a recipient is held while its sender is paused; the end of the pause lets go on what is held for this reason."""
REVOKED = "the owner of the identity allows it no more"
"""Why a recipient is cancelled before an attempt."""


class Stage(IntEnum):
    """Who has seen to an event."""

    NEW = 0
    REACTED = 1
    PUBLISHED = 2


LEASE_S = 60.0
"""How long events that wait at a stage are claimed for."""


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to be recorded. `key` says what of its message it is about, once and for all.

    `n` is the recipient's number, None for the message as a whole; `attempt_seq` the attempt that brought it.
    """

    message_seq: int
    key: str
    what: Happened
    at: float
    n: int | None = None
    attempt_seq: int | None = None
    detail: Mapping[str, str] | None = None
    stage: Stage = Stage.NEW
    """Where it begins: behind those who have nothing to do about it."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event with what is known of its message, recipient and attempt."""

    seq: int
    event_id: str
    what: Happened
    at: float
    message_id: str
    account_id: str
    owner_account_id: str
    region: str
    configuration_set: str | None
    recipient: str | None
    status: str | None
    """RFC 3463 code of the attempt, None without one."""
    diagnostic: str | None
    remote_mta: str | None
    remote_ip: str | None = None
    source_ip: str | None = None
    """The address of ours that the attempt went from."""
    tls: str | None = None
    """The version of TLS that the attempt went by (`TLSv1.3`), None for none."""
    attempt_seq: int | None = None
    """The attempt that brought it, None for what came back later."""
    n: int | None = None
    """The recipient's number."""
    stage: str | None = None
    """To which command of the dialogue the reply of the attempt came (`rcpt`, `body`), None without one."""
    detail: Mapping[str, str] = msgspec.field(default_factory=dict)
    message_seq: int = 0
    identity: str = ""
    return_path: str = ""
    """Where feedback is to go; empty for a message without an envelope sender."""

    @property
    def feedback_id(self) -> str:
        """The id under which a bounce or complaint is told, always the same: of the form of a message id."""
        digits = hashlib.sha256(self.event_id.encode()).hexdigest()
        return (
            f"{self.message_id[:4]}{milliseconds(self.at):012x}-{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-"
            f"{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:32]}-000000"
        )

    @property
    def is_about_recipient(self) -> bool:
        """Whether the attempt's refusal came at RCPT or later."""
        return self.stage in ("rcpt", "data", "body")

    @property
    def is_reported(self) -> bool:
        """Whether it was learnt from a message that came back, and not from an attempt."""
        return "by" in self.detail


async def record(tx: Transaction, events: Sequence[NewEvent]) -> None:
    """Record events in the transaction that makes them true; one that is recorded already stays as it is."""
    await tx.many(
        "INSERT INTO event_log (message_seq, key, kind, at, n, attempt_seq, detail, stage)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_seq, key) DO NOTHING",
        [
            (
                event.message_seq,
                event.key,
                event.what.value,
                event.at,
                event.n,
                event.attempt_seq,
                json.dumps(event.detail) if event.detail else None,
                event.stage.value,
            )
            for event in events
        ],
    )


async def record_reading(tx: Transaction, message_id: str, *, n: int, most: int, event: NewEvent) -> bool:
    """Record that recipient `n` of a message opened it or followed a link; whether it was.

    Not of a message that is gone, for a recipient that it does not have, nor beyond `most` of the kind for one.
    """
    row = await tx.one(
        "SELECT m.seq, (SELECT COUNT(*) FROM event_log e WHERE e.message_seq = m.seq AND e.n = r.n AND e.kind = ?)"
        " FROM message m JOIN recipient r ON r.message_seq = m.seq WHERE m.message_id = ? AND r.n = ?",
        event.what.value,
        message_id,
        n,
    )
    if row is None or row[1] >= most:
        return False
    await record(tx, [msgspec.structs.replace(event, message_seq=row[0], n=n)])
    return True


_EVENT = (
    "SELECT e.seq, m.message_id, e.key, e.kind, e.at, m.account_id, m.owner_account_id, m.region,"
    " m.configuration_set, r.address, a.status, a.diagnostic, a.remote_mta, a.stage, e.detail, a.remote_ip,"
    " e.attempt_seq, e.n, m.seq, m.identity, m.return_path, a.source_ip, a.tls"
    " FROM event_log e JOIN message m ON m.seq = e.message_seq"
    " LEFT JOIN recipient r ON r.message_seq = e.message_seq AND r.n = e.n"
    " LEFT JOIN attempt a ON a.seq = e.attempt_seq"
)


def _event(row: Row) -> Event:
    return Event(
        seq=row[0],
        event_id=f"{row[1]}/{row[2]}",
        what=Happened(row[3]),
        at=row[4],
        message_id=row[1],
        account_id=row[5],
        owner_account_id=row[6],
        region=row[7],
        configuration_set=row[8],
        recipient=row[9],
        status=row[10],
        diagnostic=row[11],
        remote_mta=row[12],
        stage=row[13],
        detail={} if row[14] is None else json.loads(row[14]),
        remote_ip=row[15],
        attempt_seq=row[16],
        n=row[17],
        message_seq=row[18],
        identity=row[19],
        return_path=row[20],
        source_ip=row[21],
        tls=row[22],
    )


def _in_order(rows: list[Row]) -> list[Event]:
    return sorted(map(_event, rows), key=lambda event: event.seq)


async def claim_stage(tx: Transaction, stage: Stage, *, now: float, lease: str, limit: int) -> list[Event]:
    """Claim up to `limit` events that wait at `stage`, oldest first, for the holder `lease` and `LEASE_S` from `now`.

    A claim that ends later than one made now was made before the clock was set back.
    """
    waiting = await tx.all(
        "SELECT seq FROM event_log WHERE stage = ? AND stage < 2"
        " AND (claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?) ORDER BY seq LIMIT ?",
        int(stage),
        now,
        now + 2 * LEASE_S,  # clocks of nodes differ, and are corrected by little all the time
        limit,
    )
    seqs = [int(row[0]) for row in waiting]
    if not seqs:
        return []
    await tx.execute(
        "UPDATE event_log SET claimed_until = ?, lease = ? WHERE seq IN (?*)", now + LEASE_S, lease, seqs
    )
    return _in_order(await tx.all(f"{_EVENT} WHERE e.seq IN (?*)", seqs))


async def move_on(tx: Transaction, events: Sequence[Event], *, lease: str, to: Stage) -> int:
    """Put claimed events at a later stage; how many the claim still held.

    One that was claimed by another meanwhile stays where that one has it.
    """
    return await tx.execute(
        "UPDATE event_log SET stage = ?, claimed_until = NULL, lease = NULL WHERE lease = ? AND seq IN (?*)",
        int(to),
        lease,
        [event.seq for event in events],
    )


async def release_all(tx: Transaction) -> int:
    """Let every claim go: for the start of a process that owns the log alone, whose predecessor may have died."""
    return await tx.execute(
        "UPDATE event_log SET claimed_until = NULL, lease = NULL WHERE stage < 2 AND lease IS NOT NULL"
    )


async def of_message(tx: Transaction, message_id: str) -> list[Event]:
    """What happened to a message, in order."""
    return _in_order(await tx.all(f"{_EVENT} WHERE m.message_id = ?", message_id))


async def is_published(tx: Transaction, event: Event) -> bool:
    """Whether what follows from an event is in the outbox."""
    row = await tx.one("SELECT stage FROM event_log WHERE seq = ?", event.seq)
    return row is not None and row[0] == int(Stage.PUBLISHED)


async def is_any_waiting(tx: Transaction, stage: Stage) -> bool:
    """Whether any event waits at a stage, claimed or not."""
    return (
        await tx.one("SELECT 1 FROM event_log WHERE stage = ? AND stage < 2 LIMIT 1", int(stage)) is not None
    )


async def waiting(tx: Transaction, stage: Stage) -> int:
    """How many events wait at a stage."""
    row = await tx.one("SELECT COUNT(*) FROM event_log WHERE stage = ? AND stage < 2", int(stage))
    return 0 if row is None else int(row[0])


async def bounced_before(tx: Transaction, event: Event) -> bool:
    """Whether the recipient of a bounce had a permanent one before it."""
    row = await tx.one(
        "SELECT 1 FROM event_log WHERE message_seq = ? AND n = ? AND seq < ? AND kind = 'bounced'"
        """ AND (detail IS NULL OR detail LIKE '%"bounceType": "Permanent"%')""",
        event.message_seq,
        event.n,
        event.seq,
    )
    return row is not None


async def recipients_of(
    tx: Transaction, message_seqs: Sequence[int], *, unrated: Sequence[str]
) -> list[tuple[int, int, int]]:
    """How many recipients messages have: (the message, all of them, those that rates are made of).

    Those are neither suppressed nor at one of the domains `unrated`.
    """
    if not message_seqs:
        return []
    rows = await tx.all(
        "SELECT message_seq, COUNT(*), SUM(CASE WHEN state = 'suppressed' OR domain IN (?*) THEN 0 ELSE 1 END)"
        " FROM recipient WHERE message_seq IN (?*) GROUP BY message_seq",
        list(unrated),
        list(message_seqs),
    )
    return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]


async def latest(tx: Transaction, account_id: str, *, limit: int) -> list[Event]:
    """The newest events of the messages that an account sent last, oldest of them first."""
    messages = await tx.all(
        "SELECT seq FROM message WHERE account_id = ? ORDER BY accepted_at DESC LIMIT ?", account_id, limit
    )
    rows = await tx.all(f"{_EVENT} WHERE e.message_seq IN (?*)", [int(row[0]) for row in messages])
    return _in_order(rows)[-limit:]
