"""Settling: what an attempt came to, written with its event in one commit, if its claim is still the last one.

A delivery or a delay is counted here and needs no reaction: its event waits only to be published, and is done with
where nobody is to be notified.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from sesame.aws.arn import identity_arn
from sesame.db import Transaction, Value
from sesame.model import SYSTEM_ACCOUNT, MessageId, Outcome, OutcomeKind, RecipientState
from sesame.spool.put import HEAD_BYTES, KEEP_HEAD, head_of
from sesame.store import egress, events, notifications, tallies
from sesame.store.events import PAUSED, Happened, NewEvent, Stage
from sesame.store.tallies import NO_ATTEMPTS, Attempts, Where, quarter_of

EXPIRE_AT_ONCE = 256
"""Rows that one write looks at."""

GRACE_S = 86_400.0
"""How long past its life mail is left for a last attempt that nothing is known to stand against."""

_WAITING = (
    "seq, domain, holder IS NULL AND (hold IS NULL OR hold = ?)"
    " AND domain NOT IN (SELECT domain FROM queue_pause), hold IS NOT NULL"
)


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
    await tx.many(
        "UPDATE queue SET due_at = ?, holder = NULL, deaths = 0, token = token + 1, doubts = doubts + ?"
        " WHERE seq = ?",
        [
            (one.retry_at, int(one.outcome.ambiguous), one.claim.recipient_seq)
            for one, state in both
            if state is RecipientState.QUEUED
        ],
    )
    done = [(one, state) for one, state in both if state is not RecipientState.QUEUED]
    await _end(tx, [(one.claim.recipient_seq, state, one.claim.attempts) for one, state in done], at=at)
    attempts = list(enumerate(both, start=await tx.new_numbers("attempt", len(both))))
    await tx.many(
        "INSERT INTO attempt (seq, recipient_seq, at, kind, status, diagnostic, remote_mta, remote_ip, tls,"
        " tls_verdict, stage, source_ip, took_s, chosen, dialogue)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_attempt_row(seq, one, at) for seq, (one, _) in attempts],
    )
    warming = Counter(one.outcome.source_ip for one in held if one.outcome.is_warming)
    if warming:
        await egress.count(tx, {address: sent for address, sent in warming.items() if address}, at=at)
    await events.record(
        tx,
        [
            NewEvent(
                message_seq=one.claim.message_seq,
                key=f"{one.claim.recipient_index}/{one.claim.token}",
                what=_HAPPENED[state],
                at=at,
                n=one.claim.recipient_index,
                attempt_seq=seq,
                detail=MAY_HAVE if state is RecipientState.EXPIRED and _doubts(one) else None,
                stage=stage,
            )
            for (seq, (one, state)), stage in zip(attempts, stages, strict=True)
        ],
    )
    await drop_bodies(tx, {one.claim.message_seq for one, _ in done})
    delivered = sum(state is RecipientState.DELIVERED for _, state in both)
    return Settled(len(held), delivered, frozenset(stages))


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


async def _end(tx: Transaction, ended: Sequence[tuple[int, RecipientState, int]], *, at: float) -> None:
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
    await _end(tx, [(row[0], RecipientState.EXPIRED, row[3]) for row in rows], at=at)
    first = await tx.new_numbers("attempt", len(rows))
    await tx.many(
        "INSERT INTO attempt (seq, recipient_seq, at, kind, status, diagnostic) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                first + k,
                row[0],
                at,
                OutcomeKind.TRANSIENT.value,
                "4.4.7",
                _why_expired(row[7] or diagnostics.get(row[5]), doubts=row[6]),
            )
            for k, row in enumerate(rows)
        ],
    )
    await events.record(
        tx,
        [
            NewEvent(
                message_seq=row[2],
                key=f"{row[1]}/{row[4]}/expired",
                what=Happened.EXPIRED,
                at=at,
                n=row[1],
                attempt_seq=first + k,
                detail=MAY_HAVE if row[6] else None,
            )
            for k, row in enumerate(rows)
        ],
    )
    await drop_bodies(tx, {row[2] for row in rows})
    return len(rows)


def _why_expired(said: str | None, *, doubts: int) -> str:
    why = "delivery time expired"
    if said == PAUSED:
        why = f"{why}; {said}"
    elif said:
        why = f"{why}; the last attempt there: {said}"
    return f"{may_have_been_delivered(doubts)}; {why}" if doubts else why


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
