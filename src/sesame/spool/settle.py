"""Settling: what an attempt came to, written with its event in one commit, if its claim is still the last one.

A delivery or a delay is counted here and needs no reaction: its event waits only to be published, and is done with
where nobody is to be notified.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from sesame.aws.arn import identity_arn
from sesame.db import Transaction, Value
from sesame.model import SYSTEM_ACCOUNT, MessageId, Outcome, OutcomeKind, RecipientState
from sesame.spool.put import HEAD_BYTES, KEEP_HEAD, head_of
from sesame.store import egress, events, notifications, tallies
from sesame.store.events import Happened, NewEvent, Stage
from sesame.store.tallies import NO_ATTEMPTS, Attempts, Where, quarter_of


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One leased recipient with what its attempt needs; the message's text is read when the attempt starts."""

    recipient_seq: int
    recipient_index: int
    address: str
    domain: str
    attempts: int
    token: int
    message_seq: int
    message_id: MessageId
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    accepted_at: float
    queued_at: float
    """When it was accepted, by delivery's clock."""
    doubts: int = 0
    """Attempts after which it may have been delivered."""
    configuration_set: str | None = None
    requires_tls: bool = False
    max_delivery_s: int | None = None
    size_bytes: int = 0
    pool: str = ""
    """The pool of addresses that it goes from; empty: its account's default."""
    tracking: str | None = None
    """What of it is followed whatever its configuration set says, as JSON."""
    is_from_nobody: bool = False
    """The message has the null reverse-path: whatever becomes of it, nobody is notified by mail."""
    lent: str | None = None
    """As `SpooledMessage.lent`, as `ACCOUNT:EPOCH` in words apart."""

    @property
    def is_lent(self) -> bool:
        """Whether it is sent as an identity of another account."""
        return self.lent is not None or self.owner_account_id != self.account_id


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one claim; `retry_at` is None when the outcome is final."""

    claim: Claim
    outcome: Outcome
    retry_at: float | None
    took_s: float | None = None
    """How long the attempt took, where that was measured."""


class Settled(NamedTuple):
    """What settling came to: how many claims were still the last ones, how many recipients got the message, and at
    which stages events wait now."""

    recorded: int
    delivered: int
    stages: frozenset[Stage]


NOTHING_SETTLED = Settled(0, 0, frozenset())

_HAPPENED = {
    RecipientState.QUEUED: Happened.DELAYED,
    RecipientState.DELIVERED: Happened.DELIVERED,
    RecipientState.BOUNCED: Happened.BOUNCED,
    RecipientState.EXPIRED: Happened.EXPIRED,
}


async def settle(
    tx: Transaction, settlements: Sequence[Settlement], *, at: float, streams_events: bool
) -> Settled:
    """Record the outcomes of those whose claim is the last one, with attempts and events.

    `streams_events`: somebody is notified of every event.
    """
    wanted = {settlement.claim.recipient_seq: settlement for settlement in reversed(settlements)}
    rows = await tx.all("SELECT seq, token FROM queue WHERE seq IN (?*) AND hold IS NULL", list(wanted))
    held = [wanted[seq] for seq, token in rows if token == wanted[seq].claim.token]
    if not held:
        return NOTHING_SETTLED
    both = [(settlement, _state(settlement)) for settlement in held]
    await _count(tx, both, at=at)
    stages = await _stages(tx, both, streams_events=streams_events)
    await _put_off(tx, [one for one, state in both if state is RecipientState.QUEUED])
    done = [(one, state) for one, state in both if state is not RecipientState.QUEUED]
    await end_recipients(
        tx, [(one.claim.recipient_seq, state, one.claim.attempts) for one, state in done], at=at
    )
    attempt_seqs = await _record_attempts(tx, held, at=at)
    await _count_warming(tx, held, at=at)
    described = zip(both, attempt_seqs, stages, strict=True)
    await events.record(
        tx, [_event(one, state, seq, stage=stage, at=at) for (one, state), seq, stage in described]
    )
    await drop_bodies(tx, {one.claim.message_seq for one, _ in done})
    delivered = sum(state is RecipientState.DELIVERED for _, state in both)
    return Settled(len(held), delivered, frozenset(stages))


async def _put_off(tx: Transaction, settlements: Sequence[Settlement]) -> None:
    """Let recipients wait for their next attempt."""
    await tx.many(
        "UPDATE queue SET due_at = ?, holder = NULL, deaths = 0, token = token + 1, doubts = doubts + ?"
        " WHERE seq = ?",
        [(one.retry_at, int(one.outcome.ambiguous), one.claim.recipient_seq) for one in settlements],
    )


async def _record_attempts(tx: Transaction, settlements: Sequence[Settlement], *, at: float) -> range:
    """Keep what the attempts were; their numbers."""
    first = await tx.new_numbers("attempt", len(settlements))
    numbers = range(first, first + len(settlements))
    await tx.many(
        "INSERT INTO attempt (seq, recipient_seq, at, kind, status, diagnostic, remote_mta, remote_ip, tls,"
        " tls_verdict, stage, source_ip, took_s, chosen, dialogue)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_attempt_row(seq, one, at) for seq, one in zip(numbers, settlements, strict=True)],
    )
    return numbers


async def _count_warming(tx: Transaction, settlements: Sequence[Settlement], *, at: float) -> None:
    """Count what went from addresses of ours that are being warmed up."""
    warming = Counter(one.outcome.source_ip for one in settlements if one.outcome.is_warming)
    if warming:
        await egress.count(tx, {address: sent for address, sent in warming.items() if address}, at=at)


def _event(one: Settlement, state: RecipientState, attempt_seq: int, *, stage: Stage, at: float) -> NewEvent:
    claim = one.claim
    return NewEvent(
        message_seq=claim.message_seq,
        key=f"{claim.recipient_index}/{claim.token}",
        what=_HAPPENED[state],
        at=at,
        n=claim.recipient_index,
        attempt_seq=attempt_seq,
        detail=MAY_HAVE if state is RecipientState.EXPIRED and _doubts(one) else None,
        stage=stage,
    )


_ONLY_COUNTED = (RecipientState.DELIVERED, RecipientState.QUEUED)


async def _count(tx: Transaction, settled: Sequence[tuple[Settlement, RecipientState]], *, at: float) -> None:
    """Count deliveries and delays for the account that sent; ours are not counted."""
    counts: dict[Where, Attempts] = {}
    quarter = quarter_of(at)
    for one, state in settled:
        claim = one.claim
        if state not in _ONLY_COUNTED or claim.account_id == SYSTEM_ACCOUNT:
            continue
        where = Where(
            claim.account_id,
            claim.region,
            quarter,
            claim.owner_account_id,
            claim.identity,
            claim.configuration_set or "",
        )
        deliveries, delays = counts.get(where, NO_ATTEMPTS)
        is_delivery = state is RecipientState.DELIVERED
        counts[where] = Attempts(deliveries + is_delivery, delays + (not is_delivery))
    if counts:
        await tallies.add_attempts(tx, counts)


async def _stages(
    tx: Transaction, settled: Sequence[tuple[Settlement, RecipientState]], *, streams_events: bool
) -> list[Stage]:
    """At which stage the event of each begins: past those that have nothing to do for it.

    An identity's settings may want its owner and the sender notified of deliveries; a configuration set, of both kinds.
    """
    silent = [
        one.claim
        for one, state in settled
        if state is RecipientState.DELIVERED and one.claim.configuration_set is None
    ]
    wanting: set[tuple[str, str]] = set()
    if silent and not streams_events:
        wanting = await notifications.wanting_deliveries(
            tx,
            accounts={account for claim in silent for account in (claim.account_id, claim.owner_account_id)},
            identity_arns={_arn(claim) for claim in silent},
        )

    def stage(claim: Claim, state: RecipientState) -> Stage:
        if state not in _ONLY_COUNTED:
            return Stage.NEW
        if streams_events or claim.configuration_set is not None:
            return Stage.REACTED
        if state is RecipientState.DELIVERED and wanting:
            arn = _arn(claim)
            if (claim.account_id, arn) in wanting or (claim.owner_account_id, arn) in wanting:
                return Stage.REACTED
        return Stage.PUBLISHED

    return [stage(one.claim, state) for one, state in settled]


def _arn(claim: Claim) -> str:
    return identity_arn(claim.region, claim.owner_account_id, claim.identity)


MAY_HAVE = {"mayHaveBeenDelivered": "true"}


def _doubts(settlement: Settlement) -> int:
    return settlement.claim.doubts + settlement.outcome.ambiguous


def may_have_been_delivered(doubts: int) -> str:
    """The words of a recipient that expires after so many attempts that left it in doubt."""
    attempts = f"{doubts} attempts" if doubts > 1 else "an attempt"
    return f"the message may have been delivered: in {attempts} a server had it whole and did not say that it took it"


async def end_recipients(
    tx: Transaction, ended: Sequence[tuple[int, RecipientState, int]], *, at: float
) -> None:
    """Take recipients out of the queue in a final state, with the number of their attempts."""
    await tx.many("DELETE FROM queue WHERE seq = ?", [(seq,) for seq, _, _ in ended])
    await tx.many(
        "UPDATE recipient SET state = ?, due_at = ?, attempts = ? WHERE seq = ?",
        [(state.value, at, attempts, seq) for seq, state, attempts in ended],
    )


async def drop_bodies(tx: Transaction, message_seqs: set[int]) -> None:
    """Let go of the text of messages that nobody waits for any more; their heads are set aside."""
    if not message_seqs:
        return
    rows = await tx.all(
        "SELECT b.message_seq, substr(b.data, 1, ?), b.submitted FROM body b WHERE b.message_seq IN (?*)"
        " AND NOT EXISTS (SELECT 1 FROM recipient r"
        " WHERE r.message_seq = b.message_seq AND r.state IN ('queued', 'held'))",
        HEAD_BYTES,
        sorted(message_seqs),
    )
    await tx.many(KEEP_HEAD, [(seq, head_of(bytes(data or b"")), submitted) for seq, data, submitted in rows])
    await tx.many("DELETE FROM body WHERE message_seq = ?", [(row[0],) for row in rows])


def _attempt_row(seq: int, settlement: Settlement, at: float) -> tuple[Value, ...]:
    outcome = settlement.outcome
    return (
        seq,
        settlement.claim.recipient_seq,
        at,
        outcome.kind.value,
        outcome.status,
        outcome.diagnostic,
        outcome.remote_mta,
        outcome.remote_ip,
        outcome.tls,
        outcome.tls_verdict,
        outcome.stage,
        outcome.source_ip,
        settlement.took_s,
        outcome.chosen,
        outcome.dialogue,
    )


def _state(settlement: Settlement) -> RecipientState:
    """The state a recipient takes: an outcome ends it, waits for a retry, or runs out of time."""
    match settlement.outcome.kind:
        case OutcomeKind.DELIVERED:
            return RecipientState.DELIVERED
        case OutcomeKind.PERMANENT:
            return RecipientState.BOUNCED
        case OutcomeKind.TRANSIENT:
            return RecipientState.EXPIRED if settlement.retry_at is None else RecipientState.QUEUED
