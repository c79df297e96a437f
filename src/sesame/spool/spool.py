"""The spool: the durable hand-over between accepting a message and delivering it.

`put` runs inside the accept transaction; once that has committed the message survives power loss
(I1). `claim` leases due recipients, with the attempt counted before any work, so that a message
that kills its worker is found out. Each claim has a token, and only the last one may write, so `settle` is
idempotent and a worker that was taken over changes nothing (I2). What happens is recorded in the event log, from
where others react to it. The queue is a table beside the message, not a broker (design decision 5).

Times are those of delivery's clock (`observe.SteadyClock`), but for `at`, which people read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sesame.db import Row, Store, Transaction
from sesame.errors import SesameError, StoreDamaged
from sesame.model import MessageId
from sesame.spool import expiry, pieces
from sesame.spool import settle as settling
from sesame.spool.expiry import Looked
from sesame.spool.hold import Held, hold
from sesame.spool.queue import HELD_AT, Ask, Position, Swept, paused, sweep
from sesame.spool.settle import Claim, Settled, Settlement
from sesame.spool.withdraw import Withdrawal, withdraw

__all__ = ["POISON_DEATHS", "Claim", "Claimed", "Damaged", "Settlement", "Spool", "TakenOver"]

POISON_DEATHS = 3
"""Processes that ended during an attempt for a recipient, with none finished between, until it is held."""

SUSPECT_DEATHS = POISON_DEATHS - 1
"""From here on a recipient is tried by itself, so that the next death is nobody else's."""


class Damaged(SesameError):
    """What is kept of this message cannot be read; it alone is concerned."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim came to: of each lane how many were taken, and those whose record makes no sense."""

    claims: Sequence[Claim]
    counts: Sequence[int] = ()
    damaged: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What the former process left: how many recipients are due again, and those that ended it too often."""

    released: int
    poison: Sequence[Held]


_CLAIMED = (
    "SELECT q.seq, q.n, r.address, q.attempts, q.token, q.doubts, q.queued_at, q.domain, m.seq, m.message_id,"
    " m.account_id, m.owner_account_id, m.region, m.identity, m.accepted_at, m.configuration_set,"
    " m.requires_tls, m.max_delivery_s, m.size_bytes, m.source, m.tracking, q.pool, m.lent"
    " FROM queue q JOIN recipient r ON r.seq = q.seq JOIN message m ON m.seq = q.message_seq"
    " WHERE q.seq IN (?*)"
)


class Spool:
    """Claims and settles on behalf of delivery. `streams_events`: the operator is notified of every event."""

    def __init__(self, store: Store, *, streams_events: bool = False) -> None:
        self._store = store
        self._streams_events = streams_events

    async def sweep(self, position: Position) -> tuple[Swept, frozenset[str]]:
        """The next lanes that have mail, and the destinations that the operator has paused."""

        async def run(tx: Transaction) -> tuple[Swept, frozenset[str]]:
            return await sweep(tx, position), await paused(tx)

        return await self._store.read(run)

    async def claim(self, asks: Sequence[Ask], *, now: float, holder: str, lease_s: float) -> Claimed:
        """Lease what is due of each lane until `now + lease_s` for the process `holder`.

        The attempt is counted here, before the work: a crash leaves its mark.
        """

        async def run(tx: Transaction) -> Claimed:
            seqs: list[int] = []
            counts = []
            for ask in asks:
                rows = await tx.all(
                    "SELECT seq FROM queue WHERE account_id = ? AND domain = ? AND due_at >= ? AND due_at <= ?"
                    f" AND deaths < {SUSPECT_DEATHS} ORDER BY due_at LIMIT ?",
                    ask.lane.account_id,
                    ask.lane.domain,
                    ask.floor,
                    now,
                    ask.most,
                )
                counts.append(len(rows))
                seqs += [int(row[0]) for row in rows]
            claims, damaged = await _lease(tx, seqs, until=now + lease_s, holder=holder)
            return Claimed(claims, counts, damaged)

        return await self._store.write(run)

    async def claim_suspect(self, *, now: float, holder: str, lease_s: float) -> Claimed:
        """Lease one recipient during whose attempts processes ended; none is leased by `claim`."""

        async def look(tx: Transaction) -> bool:
            return await tx.one(f"{_SUSPECT}", now) is not None

        async def run(tx: Transaction) -> Claimed:
            row = await tx.one(f"{_SUSPECT}", now)
            claims, damaged = await _lease(tx, [row[0]] if row else [], until=now + lease_s, holder=holder)
            return Claimed(claims, damaged=damaged)

        return await self._store.write(run) if await self._store.read(look) else Claimed(())

    async def body(self, claim: Claim) -> bytes:
        """The message as it was put. Raises `Damaged` when it cannot be had, `Unavailable` when not now."""

        try:
            found = await self._store.read(lambda tx: _text(tx, claim))
        except StoreDamaged as error:
            raise Damaged(str(error)) from error
        if found is None:
            raise Damaged("the message's text is not there")
        return found

    async def bodies(self, claims: Sequence[Claim]) -> Sequence[bytes | None]:
        """The messages as they were put, in one read; None for those of which `body` has to say what is wrong.

        Raises `Unavailable`.
        """

        async def run(tx: Transaction) -> list[bytes | None]:
            return [await _text(tx, claim) for claim in claims]

        try:
            return await self._store.read(run)
        except StoreDamaged:
            return [None] * len(claims)

    async def drop_pieces(self, message_ids: Iterable[str]) -> None:
        """Let go of the pieces of large messages that have settled; of others nothing."""
        await pieces.drop(self._store, message_ids)

    async def renew(self, claims: Sequence[Claim], *, now: float, lease_s: float) -> list[int]:
        """Keep leases for `lease_s` from now; the recipients (`seq`) whose claim is not the last one any more."""

        async def run(tx: Transaction) -> list[int]:
            lost = []
            for claim in claims:
                if not await tx.execute(
                    "UPDATE queue SET due_at = ? WHERE seq = ? AND token = ?",
                    now + lease_s,
                    claim.recipient_seq,
                    claim.token,
                ):
                    lost.append(claim.recipient_seq)
            return lost

        return await self._store.write(run)

    async def put_back(self, claims: Sequence[Claim], *, due_at: float) -> None:
        """Undo claims under which nothing was tried: they do not count."""

        async def run(tx: Transaction) -> None:
            await tx.many(
                "UPDATE queue SET due_at = ?, holder = NULL, attempts = attempts - 1 WHERE seq = ? AND token = ?",
                [(due_at, claim.recipient_seq, claim.token) for claim in claims],
            )

        await self._store.write(run)

    async def let_go(self, claims: Sequence[Claim], doubtful: Sequence[Claim]) -> None:
        """Give back at an orderly stop what is under way; it is due at once, and the try does not count.

        Of `doubtful` ones the server had the whole message, so they may have been delivered.
        """

        async def run(tx: Transaction) -> None:
            await tx.many(
                "UPDATE queue SET doubts = doubts + 1 WHERE seq = ? AND token = ?",
                [(claim.recipient_seq, claim.token) for claim in doubtful],
            )
            await tx.many(
                "UPDATE queue SET due_at = 0, holder = NULL, deaths = 0, attempts = attempts - 1"
                " WHERE seq = ? AND token = ?",
                [(claim.recipient_seq, claim.token) for claim in claims],
            )

        await self._store.write(run)

    async def stopping(self, holder: str) -> None:
        """From here on the end of the process is not a death during its attempts."""

        async def run(tx: Transaction) -> None:
            await tx.execute(
                "INSERT INTO queue_stop (holder) VALUES (?) ON CONFLICT (holder) DO NOTHING", holder
            )

        await self._store.write(run)

    async def settle(self, settlements: Sequence[Settlement], *, at: float) -> Settled:
        """Record outcomes in one commit, each with its event."""
        return await self._store.write(
            lambda tx: settling.settle(tx, settlements, at=at, streams_events=self._streams_events)
        )

    async def hold(self, seqs: Sequence[int], reason: str, *, at: float) -> list[Held]:
        """Keep recipients from being tried until somebody releases them; those that were queued."""
        return await self._store.write(lambda tx: hold(tx, seqs, reason, at=at))

    async def withdraw(
        self, claim: Claim, epochs: Mapping[str, int], *, reason: str, is_final: bool, at: float
    ) -> Withdrawal:
        """Cancel or hold what may not be delivered; see `withdraw`."""
        return await self._store.write(
            lambda tx: withdraw(tx, claim, epochs, reason=reason, is_final=is_final, at=at)
        )

    async def take_over(self, *, at: float) -> TakenOver:
        """What the former process held is due, for the one process that owns this spool now.

        A holder that was not told to stop died during these attempts; who did so too often is held.
        """

        async def run(tx: Transaction) -> TakenOver:
            rows = await tx.all("SELECT seq, holder, deaths FROM queue WHERE holder IS NOT NULL")
            stopped = {row[0] for row in await tx.all("SELECT holder FROM queue_stop")}
            await tx.execute("DELETE FROM queue_stop")
            died = [(int(seq),) for seq, holder, _ in rows if holder not in stopped]
            poison = [
                int(seq)
                for seq, holder, deaths in rows
                if holder not in stopped and deaths + 1 >= POISON_DEATHS
            ]
            await tx.many("UPDATE queue SET deaths = deaths + 1 WHERE seq = ?", died)
            await tx.many(
                "UPDATE queue SET due_at = 0, holder = NULL WHERE seq = ?", [(int(row[0]),) for row in rows]
            )
            held = await hold(
                tx, poison, f"{POISON_DEATHS} processes ended during an attempt to deliver it", at=at
            )
            return TakenOver(len(rows) - len(held), held)

        return await self._store.write(run)

    async def expire(
        self, diagnostics: Mapping[str, str], *, after: Looked, now: float, life_s: float, at: float
    ) -> Looked:
        """Give up what is past its life without being under way, some at a time; where to go on.

        `diagnostics` says of destinations why nothing went there.
        """
        found = await self._store.read(
            lambda tx: expiry.overdue(tx, diagnostics, after=after, now=now, life_s=life_s)
        )
        if found.seqs:
            await self._store.write(lambda tx: expiry.expire(tx, found.seqs, diagnostics, at=at))
        return found.after

    async def depth(self) -> tuple[int, float | None]:
        """How many recipients are queued, and when the oldest of them was accepted."""

        async def run(tx: Transaction) -> tuple[int, float | None]:
            row = await tx.one(
                "SELECT COUNT(*), (SELECT accepted_at FROM message WHERE seq ="
                " (SELECT message_seq FROM queue WHERE seq = (SELECT MIN(seq) FROM queue))) FROM queue"
            )
            assert row is not None
            return int(row[0]), None if row[1] is None else float(row[1])

        return await self._store.read(run)


_SUSPECT = (
    f"SELECT seq FROM queue WHERE deaths >= {SUSPECT_DEATHS} AND due_at <= ?"
    f" AND due_at < {HELD_AT} ORDER BY due_at LIMIT 1"
)


async def _text(tx: Transaction, claim: Claim) -> bytes | None:
    """The message as it was put, None when it is not there whole."""
    row = await tx.one("SELECT data, pieces FROM body WHERE message_seq = ?", claim.message_seq)
    if row is None or not isinstance(row[0], bytes):
        return None
    behind = await pieces.behind(tx, claim.message_id, row[1]) if row[1] else []
    return row[0] if behind == [] else None if behind is None else b"".join((row[0], *behind))


async def _lease(
    tx: Transaction, seqs: Sequence[int], *, until: float, holder: str
) -> tuple[list[Claim], list[int]]:
    """Lease recipients; the claims, and those of which no claim can be made."""
    if not seqs:
        return [], []
    await tx.execute(
        "UPDATE queue SET due_at = ?, holder = ?, token = token + 1, attempts = attempts + 1 WHERE seq IN (?*)",
        until,
        holder,
        seqs,
    )
    claims = {}
    for row in await tx.all(_CLAIMED, seqs):
        claim = _claim(row)
        if claim is not None:
            claims[claim.recipient_seq] = claim
    return [claims[seq] for seq in seqs if seq in claims], [seq for seq in seqs if seq not in claims]


def _claim(row: Row) -> Claim | None:
    """The claim, None for a record that is damaged."""
    texts, numbers = (row[2], *row[7:8], *row[9:14]), (*row[3:7], row[14])
    if not all(isinstance(text, str) for text in texts):
        return None
    if not all(isinstance(number, int | float) for number in numbers) or "@" not in row[2]:
        return None
    return Claim(
        recipient_seq=row[0],
        recipient_index=row[1],
        address=row[2],
        attempts=row[3],
        token=row[4],
        doubts=row[5],
        queued_at=row[6],
        domain=row[7],
        message_seq=row[8],
        message_id=MessageId(row[9]),
        account_id=row[10],
        owner_account_id=row[11],
        region=row[12],
        identity=row[13],
        accepted_at=row[14],
        configuration_set=row[15],
        requires_tls=bool(row[16]),
        max_delivery_s=row[17],
        size_bytes=row[18],
        is_from_nobody=not row[19],
        tracking=row[20],
        pool=row[21],
        lent=row[22],
    )
