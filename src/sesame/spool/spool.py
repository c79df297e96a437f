"""The spool: the durable hand-over between accepting a message and delivering it.

`put` runs inside the accept transaction; once that has committed the message survives power loss
(I1). `claim` leases due recipients, with the attempt counted before any work, so that a message
that kills its worker is found out. `settle` is idempotent: a lease that was taken over cannot write
(I2). What happens is recorded in the event log, from where others react to it. The queue is a table
beside the message, not a broker (design decision 5).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sesame.db import Row, Store, Transaction, Value
from sesame.model import MessageId, Outcome, OutcomeKind, RecipientState
from sesame.store import events
from sesame.store.events import Happened, NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One leased recipient with what its attempt needs."""

    recipient_seq: int
    recipient_index: int
    address: str
    attempts: int
    lease: str
    message_seq: int
    message_id: MessageId
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    accepted_at: float
    data: bytes
    configuration_set: str | None = None
    requires_tls: bool = False
    max_delivery_s: int | None = None
    is_from_nobody: bool = False
    """The message has the null reverse-path: whatever becomes of it, nobody is told by mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The outcome of one claim; `retry_at` is None when the outcome is final."""

    claim: Claim
    outcome: Outcome
    retry_at: float | None


_NOBODY: Mapping[str, int] = MappingProxyType({})

POISON_DEATHS = 3
"""Attempts that ended without a word, each by the end of its process, until a recipient is given up."""

_CLAIMED = (
    "SELECT r.seq, r.n, r.address, r.attempts, r.lease, m.seq, m.message_id, m.account_id,"
    " m.owner_account_id, m.region, m.identity, m.accepted_at, b.data, m.configuration_set, m.requires_tls,"
    " m.max_delivery_s, h.data, m.source"
    " FROM recipient r JOIN message m ON m.seq = r.message_seq JOIN body b ON b.message_seq = m.seq"
    " LEFT JOIN message_head h ON h.message_seq = m.seq"
)


class Spool:
    """Claims and settles on behalf of delivery."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(
        self,
        *,
        now: float,
        limit: int,
        lease: str,
        lease_s: float,
        per_domain: int | None = None,
        active: Mapping[str, int] = _NOBODY,
    ) -> list[Claim]:
        """Lease up to `limit` due recipients until `now + lease_s` for the holder `lease`.

        The attempt is counted here, before the work: a crash leaves its mark. With `per_domain` no
        destination gets more than that, those `active` already counted.
        """
        full = [] if per_domain is None else [name for name, count in active.items() if count >= per_domain]
        passed_over = " AND domain NOT IN (?*)" if full else ""

        async def run(tx: Transaction) -> list[Claim]:
            due = await tx.all(
                "SELECT seq, domain FROM recipient WHERE state = 'queued' AND due_at <= ?"
                f"{passed_over} ORDER BY due_at LIMIT ?",
                now,
                *([full] if full else []),
                limit,
            )
            taken = Counter(active)
            chosen = []
            for seq, domain in due:
                if per_domain is None or taken[domain] < per_domain:
                    taken[domain] += 1
                    chosen.append(int(seq))
            if not chosen:
                return []
            await tx.execute(
                "UPDATE recipient SET due_at = ?, lease = ?, attempts = attempts + 1 WHERE seq IN (?*)",
                now + lease_s,
                lease,
                chosen,
            )
            rows = await tx.all(f"{_CLAIMED} WHERE r.seq IN (?*)", chosen)
            claims = []
            for claim in sorted(map(_claim, rows), key=lambda one: one.recipient_seq):
                if claim.attempts > POISON_DEATHS and await self._is_poison(tx, claim):
                    await _settle(tx, [Settlement(claim=claim, outcome=_POISON, retry_at=None)], now)
                else:
                    claims.append(claim)
            return claims

        return await self._store.write(run)

    @staticmethod
    async def _is_poison(tx: Transaction, claim: Claim) -> bool:
        """Whether too many attempts before this one left no trace but their count."""
        row = await tx.one("SELECT COUNT(*) FROM attempt WHERE recipient_seq = ?", claim.recipient_seq)
        assert row is not None
        return claim.attempts - 1 - int(row[0]) >= POISON_DEATHS

    async def settle(self, settlements: Sequence[Settlement], *, now: float) -> int:
        """Record outcomes in one commit, each with its event; how many leases still held."""

        return await self._store.write(lambda tx: _settle(tx, settlements, now))

    async def release_all(self, *, now: float) -> int:
        """Make every leased recipient due: for the start of a process that owns the spool alone."""

        async def run(tx: Transaction) -> int:
            return await tx.execute(
                "UPDATE recipient SET due_at = ?, lease = NULL WHERE state = 'queued' AND lease IS NOT NULL",
                now,
            )

        return await self._store.write(run)

    async def next_due_at(self) -> float | None:
        """When the next queued recipient is due, or None if none is."""

        async def run(tx: Transaction) -> float | None:
            row = await tx.one("SELECT MIN(due_at) FROM recipient WHERE state = 'queued'")
            return None if row is None or row[0] is None else float(row[0])

        return await self._store.read(run)

    async def depth(self) -> tuple[int, float | None]:
        """How many recipients are queued, and when the oldest of them was accepted."""

        async def run(tx: Transaction) -> tuple[int, float | None]:
            row = await tx.one(
                "SELECT COUNT(*), (SELECT accepted_at FROM message WHERE seq ="
                " (SELECT MIN(message_seq) FROM recipient WHERE state = 'queued'))"
                " FROM recipient WHERE state = 'queued'"
            )
            assert row is not None
            return int(row[0]), None if row[1] is None else float(row[1])

        return await self._store.read(run)


_POISON = Outcome(
    kind=OutcomeKind.PERMANENT,
    status="5.3.0",
    diagnostic=f"delivery of this message ended its process {POISON_DEATHS} times; it is given up",
)

_HAPPENED = {
    RecipientState.QUEUED: Happened.DELAYED,
    RecipientState.DELIVERED: Happened.DELIVERED,
    RecipientState.BOUNCED: Happened.BOUNCED,
    RecipientState.EXPIRED: Happened.EXPIRED,
}


async def _settle(tx: Transaction, settlements: Sequence[Settlement], now: float) -> int:
    """Record the outcomes of those whose lease still holds, with attempts and events; how many they are."""
    wanted = {settlement.claim.recipient_seq: settlement for settlement in reversed(settlements)}
    rows = await tx.all(
        "SELECT seq, lease FROM recipient WHERE seq IN (?*) AND state = 'queued'", list(wanted)
    )
    held = [wanted[seq] for seq, lease in rows if lease == wanted[seq].claim.lease]
    if not held:
        return 0
    states = [_state(settlement) for settlement in held]
    await tx.many(
        "UPDATE recipient SET state = ?, due_at = ?, lease = NULL WHERE seq = ?",
        [
            (state.value, now if one.retry_at is None else one.retry_at, one.claim.recipient_seq)
            for one, state in zip(held, states, strict=True)
        ],
    )
    attempts = list(enumerate(held, start=await tx.new_numbers("attempt", len(held))))
    await tx.many(
        "INSERT INTO attempt (seq, recipient_seq, at, kind, status, diagnostic, remote_mta, remote_ip, tls,"
        " tls_verdict, about_recipient) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_attempt_row(seq, one, now) for seq, one in attempts],
    )
    await events.record(
        tx,
        [
            NewEvent(
                message_seq=one.claim.message_seq,
                key=f"{one.claim.recipient_index}/{one.claim.attempts}",
                what=_HAPPENED[state],
                at=now,
                n=one.claim.recipient_index,
                attempt_seq=seq,
            )
            for (seq, one), state in zip(attempts, states, strict=True)
        ],
    )
    done = {
        one.claim.message_seq
        for one, state in zip(held, states, strict=True)
        if state is not RecipientState.QUEUED
    }
    await tx.many(
        "DELETE FROM body WHERE message_seq = ? AND NOT EXISTS"
        " (SELECT 1 FROM recipient r WHERE r.message_seq = body.message_seq AND r.state = 'queued')",
        [(seq,) for seq in sorted(done)],
    )
    return len(held)


def _attempt_row(seq: int, settlement: Settlement, now: float) -> tuple[Value, ...]:
    outcome = settlement.outcome
    return (
        seq,
        settlement.claim.recipient_seq,
        now,
        outcome.kind.value,
        outcome.status,
        outcome.diagnostic,
        outcome.remote_mta,
        outcome.remote_ip,
        outcome.tls,
        outcome.tls_verdict,
        int(outcome.about_recipient),
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


def _claim(row: Row) -> Claim:
    (
        seq,
        n,
        address,
        attempts,
        lease,
        message_seq,
        message_id,
        account_id,
        owner,
        region,
        identity,
        at,
        data,
        configuration_set,
        requires_tls,
        max_delivery_s,
        head,
        source,
    ) = row
    return Claim(
        recipient_seq=seq,
        recipient_index=n,
        address=address,
        attempts=attempts,
        lease=lease,
        message_seq=message_seq,
        message_id=message_id,
        account_id=account_id,
        owner_account_id=owner,
        region=region,
        identity=identity,
        accepted_at=at,
        data=data if head is None else head + data,
        configuration_set=configuration_set,
        requires_tls=bool(requires_tls),
        max_delivery_s=max_delivery_s,
        is_from_nobody=not source,
    )
