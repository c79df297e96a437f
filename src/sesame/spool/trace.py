"""The life of a message, read back: who sent, as whom, why it was allowed, each attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.db import Store, Transaction
from sesame.db.table import reader
from sesame.store import events, reports, suppression
from sesame.store.decisions import whole
from sesame.store.events import Happened
from sesame.store.global_suppression import REASON


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt for one recipient, with the remote's words."""

    at: float
    kind: str
    status: str
    diagnostic: str
    remote_mta: str | None
    remote_ip: str | None
    tls: str | None
    tls_verdict: str | None
    source_ip: str | None
    """The address of ours that it went from."""
    took_s: float | None = None
    """How long it took, where that is known."""
    chosen: str | None = None
    """Why that server was chosen."""
    dialogue: str | None = None
    """What was said, where it was not delivered and anything was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a message that came back said of a recipient; `detail` has its words by name."""

    at: float
    what: str
    recipient: str | None
    detail: Mapping[str, str]
    reporter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientTrace:
    """Where one recipient stands and how it came there."""

    address: str
    state: str
    due_at: float
    attempts: tuple[Attempt, ...]
    queued_at: float | None = None
    expires_at: float | None = None
    """Of what waits: since when, and until when it is tried if that is its own."""
    reason: str | None = None
    """Why it is held, was cancelled or is suppressed, if that was said."""
    paused_at: float | None = None
    """Since when the operator lets nothing go to its destination, if it waits for that."""
    listed_as: tuple[str, ...] = ()
    """Of what its account suppresses: the entries of the list by which it does, as they are kept now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One accepted message; `decision` and `tags` are JSON."""

    message_id: str
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    source: str
    return_path: str
    subject: str
    size_bytes: int
    tags: str
    decision: str
    accepted_at: float
    recipients: tuple[RecipientTrace, ...]
    failure: str | None
    """Why its template could not be rendered, None for a message that could be sent."""
    near: str = ""
    """What the data has in other letters in place of a name that it lacks; of a failure only."""
    reported: tuple[Reported, ...] = ()
    """What came back later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAs:
    """By which account a message was sent, and as whose identity it was let in."""

    account_id: str
    owner_account_id: str
    identity: str


async def sent_as(tx: Transaction, message_ids: Sequence[str], *, viewer: str | None) -> dict[str, SentAs]:
    """That of each message which concerns the account `viewer`, or of each for the operator (None)."""
    if not message_ids:
        return {}
    rows = await tx.all(
        "SELECT message_id, account_id, owner_account_id, identity FROM message WHERE message_id IN (?*)"
        " AND (? = 1 OR account_id = ? OR owner_account_id = ?)",
        list(message_ids),
        int(viewer is None),
        viewer,
        viewer,
    )
    return {row[0]: SentAs(account_id=row[1], owner_account_id=row[2], identity=row[3] or "") for row in rows}


async def trace(store: Store, message_id: str, *, viewer: str | None) -> Trace | None:
    """Everything known about a message, or None. `viewer` is the account that asks, None for the operator.

    An account gets None unless it sent the message or owns an identity that it was sent as; what of the whole it may
    see is for who shows it. One of others takes the same one look-up as one that does not exist: its time tells
    nothing (I9).
    """

    async def run(tx: Transaction) -> Trace | None:
        row = await tx.one(
            "SELECT m.seq, m.message_id, m.account_id, m.owner_account_id, m.region, m.identity, m.source,"
            " m.return_path, m.subject, m.size_bytes, m.tags, m.decision, m.accepted_at, d.text FROM message m"
            " LEFT JOIN decision_text d ON d.digest = m.decision_digest WHERE m.message_id = ?"
            " AND (? = 1 OR m.account_id = ? OR m.owner_account_id = ? OR EXISTS (SELECT 1 FROM"
            " message_further_owner o WHERE o.message_seq = m.seq AND o.owner_account_id = ?))",
            message_id,
            int(viewer is None),
            viewer,
            viewer,
            viewer,
        )
        if row is None:
            return None
        happened = await events.of_message(tx, message_id)
        reporters = await reports.reporters(tx, row[0])
        failures = [event.detail for event in happened if event.what is Happened.RENDERING_FAILED]
        return Trace(
            message_id=row[1],
            account_id=row[2],
            owner_account_id=row[3],
            region=row[4],
            identity=row[5],
            source=row[6],
            return_path=row[7],
            subject=row[8],
            size_bytes=row[9],
            tags=row[10],
            decision=whole(row[11], row[13]),
            accepted_at=row[12],
            recipients=await _recipients(tx, row[0], happened, place=(row[2], row[4])),
            failure=failures[0].get("errorMessage", "") if failures else None,
            near=failures[0].get("near", "") if failures else "",
            reported=tuple(
                Reported(
                    at=event.at,
                    what=event.what.value,
                    recipient=event.recipient,
                    detail=event.detail,
                    reporter=reporters.get(event.event_id.rpartition(f"{message_id}/")[2]),
                )
                for event in happened
                if event.is_reported
            ),
        )

    return await store.read(run)


async def _recipients(
    tx: Transaction, message_seq: int, happened: Sequence[events.Event], *, place: tuple[str, str]
) -> tuple[RecipientTrace, ...]:
    reasons = {
        event.n: event.detail.get("reason")
        for event in happened
        if event.what in (Happened.HELD, Happened.CANCELLED, Happened.SUPPRESSED)
    }
    rows = await tx.all(
        "SELECT r.n, r.seq, r.address, r.state, COALESCE(q.due_at, r.due_at), q.queued_at, q.expires_at,"
        " p.paused_at FROM recipient r"
        " LEFT JOIN queue q ON q.seq = r.seq LEFT JOIN queue_pause p ON p.domain = q.domain"
        " WHERE r.message_seq = ? ORDER BY r.n",
        message_seq,
    )
    suppressed = {row[2]: reasons.get(row[0]) for row in rows if row[3] == "suppressed"}
    by_account = {address: reason for address, reason in suppressed.items() if reason != REASON}
    listed_as = await suppression.listed_as(tx, *place, by_account)
    return tuple(
        [
            RecipientTrace(
                address=address,
                state=state,
                due_at=due_at,
                attempts=await _attempts(tx, seq),
                queued_at=queued_at,
                expires_at=expires_at,
                reason=reasons.get(n) if state in ("held", "cancelled", "suppressed") else None,
                paused_at=paused_at if state == "queued" else None,
                listed_as=listed_as.get(address, ()),
            )
            for n, seq, address, state, due_at, queued_at, expires_at, paused_at in rows
        ]
    )


_ATTEMPT = reader(Attempt)


async def _attempts(tx: Transaction, recipient_seq: int) -> tuple[Attempt, ...]:
    rows = await tx.all(
        "SELECT at, kind, status, diagnostic, remote_mta, remote_ip, tls, tls_verdict, source_ip, took_s,"
        " chosen, dialogue"
        " FROM attempt WHERE recipient_seq = ? ORDER BY seq",
        recipient_seq,
    )
    return tuple(_ATTEMPT(row) for row in rows)
