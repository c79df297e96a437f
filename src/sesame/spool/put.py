"""Putting accepted messages into the spool, inside the transaction that accepts them (I1)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from sesame.db import Transaction
from sesame.mail.address import domain_of
from sesame.model import MessageId, RecipientState
from sesame.spool.pieces import BEGINNING_BYTES, check_staged
from sesame.store import decisions, events
from sesame.store.decisions import DecisionText
from sesame.store.events import Happened, NewEvent, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingFailure:
    """Why a template could not be filled in, in SES's words.

    `near` is what the data has in other letters in place of a name that it has not, "" for nothing.
    """

    template: str
    message: str
    near: str = ""


class SpooledMessage(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted message as it goes into the spool.

    `identity` is the identity whose key signs, owned by `owner_account_id` in `region`;
    `source` is the submitted envelope sender, `return_path` where feedback is to go;
    `data` is the composed message, CRLF lines, unsigned.
    """

    message_id: MessageId
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    source: str
    return_path: str
    subject: str
    tags: dict[str, str]
    decision: DecisionText
    accepted_at: float
    recipients: tuple[str, ...]
    data: bytes
    failure: RenderingFailure | None = None
    """Nothing is to be delivered: recipients are cancelled as they are accepted."""
    suppressed: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Recipients that get nothing, each with the reason (BOUNCE, COMPLAINT)."""
    configuration_set: str | None = None
    requires_tls: bool = False
    max_delivery_s: int | None = None
    """How long delivery is tried, in seconds; None: as long as any."""
    pool: str = ""
    """The pool of addresses that it goes from; empty: its account's default."""
    source_as_written: str | None = None
    """The envelope sender as it was written, with its display name; None: as in `source`."""
    submitted: bytes | None = None
    """The header block of a raw message as it was submitted, None for one that was built from parts."""
    is_staged: bool = False
    """What of `data` is behind its beginning has been written already (`pieces`)."""
    tracking: Mapping[str, bool] = msgspec.field(default_factory=dict)
    """Whether its `open` and its `click` are followed whatever the configuration set says."""
    queued_at: float | None = None
    """When it was accepted by delivery's clock, which no step of the wall clock moves; None: `accepted_at`."""
    lent: Mapping[str, int] = msgspec.field(default_factory=dict)
    """The other accounts whose identities it is sent as, with the epochs of those that its decision rests on."""
    acceptance_stage: Stage = Stage.NEW
    """Who has seen to its acceptance already: beyond NEW it is counted in the transaction that puts it here."""

    @property
    def is_to_be_delivered(self) -> bool:
        """Whether any recipient is to get it."""
        return self.failure is None and len(self.suppressed) < len(self.recipients)

    @property
    def stages(self) -> set[Stage]:
        """At which stages the events of its acceptance wait."""
        if self.failure is not None:
            return {Stage.NEW}
        return {self.acceptance_stage, Stage.NEW} if self.suppressed else {self.acceptance_stage}


HEAD_BYTES = 10 * 1024
"""How much of the header block is kept for those who are notified of a message."""

KEEP_HEAD = (
    "INSERT INTO message_head (message_seq, data, submitted) VALUES (?, ?, ?)"
    " ON CONFLICT (message_seq) DO NOTHING"
)
"""Set the head of a message aside: number, head, submitted head."""


async def put(tx: Transaction, message: SpooledMessage) -> None:
    """Put a message and its recipients into the spool, due at once."""
    await put_all(tx, [message])


async def put_all(tx: Transaction, messages: Sequence[SpooledMessage]) -> None:
    """Put messages and their recipients into the spool, due at once."""
    if not messages:
        return
    digests = await decisions.keep(tx, [(message.decision, message.accepted_at) for message in messages])
    first = await tx.new_numbers("message", len(messages))
    numbered = list(enumerate(messages, start=first))
    await tx.many(
        "INSERT INTO message (seq, message_id, account_id, owner_account_id, region, identity, source,"
        " return_path, subject, size_bytes, tags, decision, decision_digest, accepted_at, configuration_set,"
        " requires_tls, max_delivery_s, source_shown, tracking, lent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_message_row(seq, message, digests[seq - first]) for seq, message in numbered],
    )
    await _put_further_owners(tx, numbered)
    whole = [
        (seq, *await _body(tx, message), submitted_head(message))
        for seq, message in numbered
        if message.is_to_be_delivered
    ]
    await tx.many("INSERT INTO body (message_seq, data, pieces, submitted) VALUES (?, ?, ?, ?)", whole)
    if len(whole) < len(messages):
        await tx.many(
            KEEP_HEAD,
            [
                (seq, head_of(one.data), submitted_head(one))
                for seq, one in numbered
                if not one.is_to_be_delivered
            ],
        )
    await _put_recipients(tx, numbered)
    await events.record(tx, [event for seq, message in numbered for event in _events(seq, message)])


async def _put_recipients(tx: Transaction, numbered: Sequence[tuple[int, SpooledMessage]]) -> None:
    """Put the recipients of messages into the spool, and those that are to be delivered to into the queue."""
    count = sum(len(message.recipients) for _, message in numbered)
    first = await tx.new_numbers("recipient", count)
    every = [
        (seq, n, address, message)
        for seq, message in numbered
        for n, address in enumerate(message.recipients)
    ]
    recipients = [
        (number, seq, n, address, domain_of(address), _first_state(message, address), message)
        for number, (seq, n, address, message) in enumerate(every, start=first)
    ]
    await tx.many(
        "INSERT INTO recipient (seq, message_seq, n, address, domain, state, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (number, seq, n, address, domain, state.value, message.accepted_at)
            for number, seq, n, address, domain, state, message in recipients
        ],
    )
    await tx.many(
        "INSERT INTO queue (seq, message_seq, n, account_id, region, domain, queued_at, due_at, expires_at, pool)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (number, seq, n, message.account_id, message.region, domain, *_times(message), message.pool)
            for number, seq, n, _, domain, state, message in recipients
            if state is RecipientState.QUEUED
        ],
    )


async def _put_further_owners(tx: Transaction, numbered: Sequence[tuple[int, SpooledMessage]]) -> None:
    """Whom messages concern beside their sender and the owner of From's identity; of most it is nobody."""
    rows = [
        (owner, message.accepted_at, seq)
        for seq, message in numbered
        for owner in message.lent
        if owner not in (message.account_id, message.owner_account_id)
    ]
    if rows:
        await tx.many(
            "INSERT INTO message_further_owner (owner_account_id, at, message_seq) VALUES (?, ?, ?)", rows
        )


async def _body(tx: Transaction, message: SpooledMessage) -> tuple[bytes, int]:
    """What goes into `body`: all of the message, or its beginning and how many pieces are behind that."""
    if not message.is_staged:
        return message.data, 0
    return message.data[:BEGINNING_BYTES], await check_staged(tx, message.message_id, message.data)


def _times(message: SpooledMessage) -> tuple[float, float, float | None]:
    """When it was queued, is due, and is not tried any more if that is its own."""
    at = message.accepted_at if message.queued_at is None else message.queued_at
    return at, at, None if message.max_delivery_s is None else at + message.max_delivery_s


def submitted_head(message: SpooledMessage) -> bytes | None:
    """As much of the submitted header block as is kept."""
    return None if message.submitted is None else message.submitted[:HEAD_BYTES]


def head_of(data: bytes) -> bytes:
    """What is kept of a message when its body goes: its header block, or as much of it as may be."""
    end = data.find(b"\r\n\r\n", 0, HEAD_BYTES)
    return data[:HEAD_BYTES] if end < 0 else data[: end + 4]


def _message_row(
    seq: int, message: SpooledMessage, digest: bytes
) -> tuple[str | int | float | bytes | None, ...]:
    return (
        seq,
        message.message_id,
        message.account_id,
        message.owner_account_id,
        message.region,
        message.identity,
        message.source,
        message.return_path,
        message.subject,
        len(message.data),
        json.dumps(message.tags) if message.tags else "{}",
        message.decision.own,
        digest,
        message.accepted_at,
        message.configuration_set,
        int(message.requires_tls),
        message.max_delivery_s,
        message.source_as_written,
        json.dumps(dict(message.tracking)) if message.tracking else None,
        " ".join([f"{owner}:{epoch}" for owner, epoch in message.lent.items()]) or None,
    )


def _first_state(message: SpooledMessage, address: str) -> RecipientState:
    if message.failure is not None:
        return RecipientState.CANCELLED
    return RecipientState.SUPPRESSED if address in message.suppressed else RecipientState.QUEUED


def _events(seq: int, message: SpooledMessage) -> list[NewEvent]:
    at, failure = message.accepted_at, message.failure
    if failure is not None:
        detail = {"templateName": failure.template, "errorMessage": failure.message}
        if failure.near:
            detail["near"] = failure.near
        return [
            NewEvent(message_seq=seq, key="rendering", what=Happened.RENDERING_FAILED, at=at, detail=detail)
        ]
    accepted = NewEvent(
        message_seq=seq, key="send", what=Happened.ACCEPTED, at=at, stage=message.acceptance_stage
    )
    if not message.suppressed:
        return [accepted]
    return [
        accepted,
        *(
            NewEvent(
                message_seq=seq,
                key=f"{n}/suppressed",
                what=Happened.SUPPRESSED,
                at=at,
                n=n,
                detail={"reason": message.suppressed[address]},
            )
            for n, address in enumerate(message.recipients)
            if address in message.suppressed
        ),
    ]
