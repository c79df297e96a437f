"""What the operator does with the queue: look, hold, release, retry, cancel, and pause a destination.

Works beside a running server. What is under way is left alone: whether it was delivered nobody knows yet.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sesame.db import Store, Transaction, Value
from sesame.db.table import Table, reader
from sesame.model import RecipientState
from sesame.spool import hold as holding
from sesame.spool.queue import HELD_AT
from sesame.spool.settle import drop_bodies
from sesame.store import events
from sesame.store.events import Happened, NewEvent

AT_ONCE = 256
"""Recipients that one write changes."""


_PRINCIPAL, _ISSUER = '{"principal":"', '"issuer_arn":"'
"""What stands before the sender of a kept decision, and before who opened the session of a federated user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which recipients; all that is named must fit. `before` is Unix seconds of acceptance."""

    account: str | None = None
    identity: str | None = None
    delegate: str | None = None
    """The account that sends as an identity of another one's."""
    domain: str | None = None
    message_id: str | None = None
    before: float | None = None
    is_held: bool | None = None
    region: str | None = None
    sender: str | None = None
    """The account that sends."""
    owner: str | None = None
    """The account that lent its identity to another: what others send as it."""
    principal: str | None = None
    """How the name of the principal that sent begins, as its decision was kept; that of a user stands for the
    federated users whose sessions it opened too."""
    hold: str | None = None
    """Held for this reason."""

    def where(self) -> tuple[str, list[Value]]:
        """The conditions in SQL."""
        found: list[tuple[str, Value]] = []
        if self.account is not None:
            found.append(("(m.account_id = ? OR m.owner_account_id = ?)", self.account))
        if self.delegate is not None:
            found.append(("m.account_id = ? AND m.owner_account_id <> ?", self.delegate))
        if self.region is not None:
            found.append(("m.region = ?", self.region))
        if self.sender is not None:
            found.append(("m.account_id = ?", self.sender))
        if self.owner is not None:
            found.append(("m.owner_account_id = ? AND m.account_id <> m.owner_account_id", self.owner))
        if self.principal is not None:
            begins = len(_PRINCIPAL) + len(self.principal)
            is_it = f"substr(d.text, 1, {begins}) = '{_PRINCIPAL}' || ?"
            if ":user/" in self.principal:  # no value in the text holds it: its quotes would be escaped
                is_it = f"({is_it} OR replace(d.text, '{_ISSUER}' || ?, '') <> d.text)"
            of_decision = "EXISTS (SELECT 1 FROM decision_text d WHERE d.digest = m.decision_digest"
            found.append((f"{of_decision} AND {is_it})", self.principal))
        if self.hold is not None:
            found.append(("q.hold = ?", self.hold))
        if self.identity is not None:
            found.append(("m.identity = ?", self.identity))
        if self.domain is not None:
            found.append(("q.domain = ?", self.domain.lower()))
        if self.message_id is not None:
            found.append(("r.message_seq = m.seq AND m.message_id = ?", self.message_id))
        if self.before is not None:
            found.append(("m.accepted_at < ?", self.before))
        conditions = [condition for condition, _ in found]
        if self.is_held is not None:
            conditions.append("q.hold IS NOT NULL" if self.is_held else "q.hold IS NULL")
        values = [value for condition, value in found for _ in range(condition.count("?"))]
        return "".join(f" AND {condition}" for condition in conditions), values


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One recipient that waits."""

    seq: int
    message_id: str
    address: str
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    accepted_at: float
    due_at: float | None
    """None for what is held."""
    attempts: int
    is_under_way: bool
    hold: str | None
    said: str | None
    """What the last attempt came to."""
    paused_at: float | None = None
    """Since when nothing goes to its destination, if the operator has paused it."""


_QUEUED = reader(
    Queued,
    due_at=lambda at: at if at < HELD_AT else None,
    is_under_way=lambda holder: holder is not None,
)


async def list_queued(tx: Transaction, wanted: Filter, *, after: int = 0, limit: int) -> list[Queued]:
    """What waits and fits, oldest first, from behind the recipient `after`."""
    conditions, values = wanted.where()
    rows = await tx.all(
        "SELECT q.seq, m.message_id, r.address, m.account_id, m.owner_account_id, m.region, m.identity,"
        " m.accepted_at, q.due_at, q.attempts, q.holder, q.hold,"
        " (SELECT a.diagnostic FROM attempt a WHERE a.recipient_seq = q.seq ORDER BY a.seq DESC LIMIT 1),"
        " p.paused_at FROM queue q JOIN message m ON m.seq = q.message_seq JOIN recipient r ON r.seq = q.seq"
        " LEFT JOIN queue_pause p ON p.domain = q.domain"
        f" WHERE q.seq > ?{conditions} ORDER BY q.seq LIMIT ?",
        after,
        *values,
        limit,
    )
    return [_QUEUED(row) for row in rows]


async def identities_of(tx: Transaction, wanted: Filter, *, most: int) -> list[str]:
    """The identities that what waits and fits is sent as, `most` of them at most."""
    conditions, values = wanted.where()
    rows = await tx.all(
        "SELECT DISTINCT m.identity FROM queue q JOIN message m ON m.seq = q.message_seq"
        f" JOIN recipient r ON r.seq = q.seq WHERE q.seq > 0{conditions} ORDER BY m.identity LIMIT ?",
        *values,
        most,
    )
    return [str(row[0]) for row in rows]


async def count(tx: Transaction, wanted: Filter, *, most: int) -> int:
    """How many recipients fit; `most` stands for that and more."""
    conditions, values = wanted.where()
    row = await tx.one(
        "SELECT COUNT(*) FROM (SELECT 1 FROM queue q JOIN message m ON m.seq = q.message_seq"
        f" JOIN recipient r ON r.seq = q.seq WHERE q.seq > 0{conditions} LIMIT ?) counted",
        *values,
        most,
    )
    return 0 if row is None else int(row[0])


@dataclass(frozen=True, slots=True)
class Changed:
    """How many recipients were changed, and how many fit and were under way, so left alone."""

    count: int
    under_way: int


Some = Callable[[Transaction], Awaitable[Changed]]
"""What changes some recipients in its transaction."""


async def change(
    store: Store,
    what: str,
    wanted: Filter,
    *,
    at: float,
    reason: str = "",
    write: Callable[[Some], Awaitable[Changed]] | None = None,
) -> Changed:
    """Hold, release, retry or cancel all that fits, some in each write.

    `write` runs each durably, in place of the store alone: with its audit row.
    """
    count = under_way = after = 0
    while True:
        found = await store.read(
            lambda tx, after=after: list_queued(tx, wanted, after=after, limit=AT_ONCE)  # type: ignore[misc]
        )
        if not found:
            return Changed(count, under_way)
        after = found[-1].seq
        seqs = [one.seq for one in found]

        async def run(tx: Transaction, seqs: Sequence[int] = seqs) -> Changed:
            free = await _free(tx, seqs)
            return Changed(await _DOES[what](tx, free, at, reason), len(seqs) - len(free))

        done = await (store.write(run, is_long=True) if write is None else write(run))
        count, under_way = count + done.count, under_way + done.under_way


async def _free(tx: Transaction, seqs: Sequence[int]) -> list[int]:
    rows = await tx.all("SELECT seq FROM queue WHERE seq IN (?*) AND holder IS NULL", seqs)
    return [int(row[0]) for row in rows]


async def _hold(tx: Transaction, seqs: Sequence[int], at: float, reason: str) -> int:
    return len(await holding.hold(tx, seqs, reason or "by the operator", at=at))


async def _release(tx: Transaction, seqs: Sequence[int], at: float, reason: str) -> int:
    return await holding.release(tx, seqs, at=at)


async def _retry(tx: Transaction, seqs: Sequence[int], at: float, reason: str) -> int:
    if not seqs:
        return 0
    return await tx.execute("UPDATE queue SET due_at = 0 WHERE seq IN (?*) AND hold IS NULL", seqs)


async def cancel(tx: Transaction, seqs: Sequence[int], at: float, reason: str) -> int:
    """End recipients as cancelled, each with its event."""
    if not seqs:
        return 0
    rows = await tx.all("SELECT seq, message_seq, n, attempts FROM queue WHERE seq IN (?*)", seqs)
    await tx.many("DELETE FROM queue WHERE seq = ?", [(row[0],) for row in rows])
    await tx.many(
        "UPDATE recipient SET state = ?, due_at = ?, attempts = ? WHERE seq = ?",
        [(RecipientState.CANCELLED.value, at, attempts, seq) for seq, _, _, attempts in rows],
    )
    detail = {"reason": reason} if reason else None
    await events.record(
        tx,
        [
            NewEvent(
                message_seq=message_seq,
                key=f"{n}/cancelled",
                what=Happened.CANCELLED,
                at=at,
                n=n,
                detail=detail,
            )
            for _, message_seq, n, _ in rows
        ],
    )
    await drop_bodies(tx, {row[1] for row in rows})
    return len(rows)


_DOES = {"hold": _hold, "release": _release, "retry": _retry, "cancel": cancel}


@dataclass(frozen=True, slots=True)
class Pause:
    """A destination to which nothing goes."""

    domain: str
    paused_at: float
    reason: str


_PAUSES = Table("queue_pause", Pause, key="domain")


async def pauses(tx: Transaction) -> list[Pause]:
    """The paused destinations."""
    return await _PAUSES.all(tx, "ORDER BY domain")


async def pause(tx: Transaction, domain: str, *, at: float, reason: str) -> None:
    """Let nothing go to a destination until it is resumed; what is under way ends."""
    await _PAUSES.put(tx, Pause(domain.lower(), at, reason), changed="reason")


async def resume(tx: Transaction, domain: str) -> bool:
    """Let mail go there again; False if it was not paused."""
    return await _PAUSES.delete(tx, domain.lower())
