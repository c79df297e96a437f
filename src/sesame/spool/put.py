"""Putting accepted messages into the spool, inside the transaction that accepts them (I1)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sesame.db import Transaction
from sesame.model import MessageId, RecipientState
from sesame.store import decisions, events
from sesame.store.decisions import DecisionText
from sesame.store.events import Happened, NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingFailure:
    """Why a template could not be filled in, in SES's words."""

    template: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledMessage:
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
    suppressed: Mapping[str, str] = field(default_factory=dict)
    """Recipients that get nothing, each with the reason (BOUNCE, COMPLAINT)."""
    configuration_set: str | None = None
    requires_tls: bool = False
    max_delivery_s: int | None = None
    """How long delivery is tried, in seconds; None: as long as any."""
    source_shown: str | None = None
    """The envelope sender as it was written, with its display name; None: as in `source`."""
    submitted: bytes | None = None
    """The header block of a raw message as it was submitted, None for one that was built from parts."""

    @property
    def is_to_be_delivered(self) -> bool:
        """Whether any recipient is to get it."""
        return self.failure is None and len(self.suppressed) < len(self.recipients)


HEAD_BYTES = 10 * 1024
"""How much of the header block is kept for those who are told of a message."""


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
        " requires_tls, max_delivery_s, source_shown)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_message_row(seq, message, digests[seq - first]) for seq, message in numbered],
    )
    ends = [head_end(message.data) for message in messages]
    await tx.many(
        "INSERT INTO message_head (message_seq, data) VALUES (?, ?)",
        [(seq, message.data[: ends[seq - first]]) for seq, message in numbered],
    )
    await tx.many(
        "INSERT INTO body (message_seq, data) VALUES (?, ?)",
        [(seq, message.data[ends[seq - first] :]) for seq, message in numbered if message.is_to_be_delivered],
    )
    await tx.many(
        "INSERT INTO submitted_head (message_seq, data) VALUES (?, ?)",
        [(seq, one.submitted[:HEAD_BYTES]) for seq, one in numbered if one.submitted is not None],
    )
    await tx.many(
        "INSERT INTO recipient (message_seq, n, address, domain, state, due_at) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (seq, n, address, domain_of(address), _first_state(message, address).value, message.accepted_at)
            for seq, message in numbered
            for n, address in enumerate(message.recipients)
        ],
    )
    await events.record(tx, [event for seq, message in numbered for event in _events(seq, message)])


def head_end(data: bytes) -> int:
    """Where the part of a message ends that is kept as its head: its header block, or as much of it as may be."""
    end = data.find(b"\r\n\r\n", 0, HEAD_BYTES)
    return min(HEAD_BYTES, len(data)) if end < 0 else end + 4


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
        message.source_shown,
    )


def _first_state(message: SpooledMessage, address: str) -> RecipientState:
    if message.failure is not None:
        return RecipientState.CANCELLED
    return RecipientState.SUPPRESSED if address in message.suppressed else RecipientState.QUEUED


def _events(seq: int, message: SpooledMessage) -> list[NewEvent]:
    at, failure = message.accepted_at, message.failure
    if failure is not None:
        detail = {"templateName": failure.template, "errorMessage": failure.message}
        return [
            NewEvent(message_seq=seq, key="rendering", what=Happened.RENDERING_FAILED, at=at, detail=detail)
        ]
    accepted = NewEvent(message_seq=seq, key="send", what=Happened.ACCEPTED, at=at)
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


def domain_of(address: str) -> str:
    """The destination of an address, by which attempts are bounded."""
    return address.rpartition("@")[2].lower()
