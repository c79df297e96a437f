"""The spool: the durable hand-over between accepting a message and delivering it.

`put` runs inside the accept transaction; once that has committed the message survives power loss
(I1). `claim` leases due recipients, with the attempt counted before any work, so that a message
that kills its worker is found out. `settle` is idempotent: a lease that was taken over cannot write
(I2). The queue is a table beside the message, not a broker (design decision 5).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sesame.db import Row, Store, Transaction
from sesame.model import SYSTEM_ACCOUNT, MessageId, Outcome, OutcomeKind, RecipientState
from sesame.spool.put import domain_of
from sesame.store import configuration_sets, suppression


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The outcome of one claim; `retry_at` is None when the outcome is final."""

    claim: Claim
    outcome: Outcome
    retry_at: float | None


_NOBODY: Mapping[str, int] = MappingProxyType({})

SIMULATOR_DOMAIN = "simulator.amazonses.com"
"""Its bounces are play, and no reason to suppress."""

POISON_DEATHS = 3
"""Attempts that ended without a word, each by the end of its process, until a recipient is given up."""

_CLAIMED = (
    "SELECT r.seq, r.n, r.address, r.attempts, r.lease, m.seq, m.message_id, m.account_id,"
    " m.owner_account_id, m.region, m.identity, m.accepted_at, b.data, m.configuration_set, m.requires_tls,"
    " m.max_delivery_s"
    " FROM recipient r JOIN message m ON m.seq = r.message_seq JOIN body b ON b.message_seq = m.seq"
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
            rows = await tx.all(f"{_CLAIMED} WHERE r.seq IN (?*) ORDER BY r.seq", chosen)
            claims = []
            for claim in map(_claim, rows):
                if claim.attempts > POISON_DEATHS and await self._is_poison(tx, claim):
                    await self._settle_one(tx, Settlement(claim=claim, outcome=_POISON, retry_at=None), now)
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

        async def run(tx: Transaction) -> int:
            held = 0
            for settlement in settlements:
                held += await self._settle_one(tx, settlement, now)
            return held

        return await self._store.write(run)

    async def _settle_one(self, tx: Transaction, settlement: Settlement, now: float) -> bool:
        claim, outcome = settlement.claim, settlement.outcome
        state = _state(settlement)
        held = await tx.execute(
            "UPDATE recipient SET state = ?, due_at = ?, lease = NULL"
            " WHERE seq = ? AND lease = ? AND state = 'queued'",
            state.value,
            settlement.retry_at if settlement.retry_at is not None else now,
            claim.recipient_seq,
            claim.lease,
        )
        if not held:
            return False
        await tx.execute(
            "INSERT INTO attempt (recipient_seq, at, kind, status, diagnostic, remote_mta, remote_ip, tls, tls_verdict)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            claim.recipient_seq,
            now,
            outcome.kind.value,
            outcome.status,
            outcome.diagnostic,
            outcome.remote_mta,
            outcome.remote_ip,
            outcome.tls,
            outcome.tls_verdict,
        )
        await _event(
            tx,
            f"{claim.message_id}/{claim.recipient_index}/{claim.attempts}",
            claim.message_id,
            claim.account_id,
            _EVENT_KIND[state],
            at=now,
            recipient=claim.address,
            detail={"status": outcome.status, "diagnostic": outcome.diagnostic},
        )
        if state is RecipientState.BOUNCED:
            await _suppress(tx, claim, outcome, now)
        if state is not RecipientState.QUEUED:
            await tx.execute(
                "DELETE FROM body WHERE message_seq = ? AND NOT EXISTS"
                " (SELECT 1 FROM recipient WHERE message_seq = ? AND state = 'queued')",
                claim.message_seq,
                claim.message_seq,
            )
        return True

    async def release_all(self, *, now: float) -> int:
        """Make every leased recipient due: for the start of a process that owns the spool alone."""

        async def run(tx: Transaction) -> int:
            return await tx.execute(
                "UPDATE recipient SET due_at = ?, lease = NULL WHERE state = 'queued' AND lease IS NOT NULL",
                now,
            )

        return await self._store.write(run)

    async def purge_before(self, at: float) -> int:
        """Drop messages accepted before `at` whose recipients are all settled; how many went."""
        settled = (
            "SELECT seq FROM message WHERE accepted_at < ? AND NOT EXISTS"
            " (SELECT 1 FROM recipient WHERE message_seq = message.seq AND state = 'queued')"
        )

        async def run(tx: Transaction) -> int:
            for statement in (
                f"DELETE FROM attempt WHERE recipient_seq IN"
                f" (SELECT seq FROM recipient WHERE message_seq IN ({settled}))",
                f"DELETE FROM recipient WHERE message_seq IN ({settled})",
                "DELETE FROM event WHERE at < ?",
            ):
                await tx.execute(statement, at)
            return await tx.execute(
                "DELETE FROM message WHERE accepted_at < ? AND NOT EXISTS"
                " (SELECT 1 FROM recipient WHERE message_seq = message.seq)",
                at,
            )

        return await self._store.write(run, is_long=True)

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

_EVENT_KIND = {
    RecipientState.QUEUED: "DeliveryDelay",
    RecipientState.DELIVERED: "Delivery",
    RecipientState.BOUNCED: "Bounce",
    RecipientState.EXPIRED: "Bounce",
    RecipientState.SUPPRESSED: "Bounce",
    RecipientState.CANCELLED: "Reject",
}


def _state(settlement: Settlement) -> RecipientState:
    """The state a recipient takes: an outcome ends it, waits for a retry, or runs out of time."""
    match settlement.outcome.kind:
        case OutcomeKind.DELIVERED:
            return RecipientState.DELIVERED
        case OutcomeKind.PERMANENT:
            return RecipientState.BOUNCED
        case OutcomeKind.TRANSIENT:
            return RecipientState.EXPIRED if settlement.retry_at is None else RecipientState.QUEUED


async def _suppress(tx: Transaction, claim: Claim, outcome: Outcome, now: float) -> None:
    """Put an address that does not exist on the account's list, if it keeps one for bounces."""
    is_bad_address = outcome.status.startswith("5.1.") and outcome.remote_mta is not None
    if (
        not is_bad_address
        or claim.account_id == SYSTEM_ACCOUNT
        or domain_of(claim.address) == SIMULATOR_DOMAIN
    ):
        return
    reasons: Sequence[str] | None = None
    if claim.configuration_set is not None:
        found = await configuration_sets.get(tx, claim.account_id, claim.region, claim.configuration_set)
        reasons = None if found is None else found.suppressed_reasons
    if reasons is None:
        reasons = await suppression.account_reasons(tx, claim.account_id, claim.region)
    if "BOUNCE" in reasons:
        entry = suppression.Suppressed(
            address=claim.address, reason="BOUNCE", updated_at=now, message_id=claim.message_id
        )
        await suppression.put(tx, claim.account_id, claim.region, entry)


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
        data=data,
        configuration_set=configuration_set,
        requires_tls=bool(requires_tls),
        max_delivery_s=max_delivery_s,
    )


async def _event(
    tx: Transaction,
    event_id: str,
    message_id: str,
    account_id: str,
    kind: str,
    *,
    at: float,
    recipient: str | None = None,
    detail: dict[str, str] | None = None,
) -> None:
    """Write an event in the transaction that makes it true (I8).

    Its id is made of what it is about, so that telling it twice can be noticed.
    """
    await tx.execute(
        "INSERT INTO event (event_id, message_id, account_id, kind, at, recipient, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        event_id,
        message_id,
        account_id,
        kind,
        at,
        recipient,
        json.dumps(detail) if detail else "{}",
    )
