"""The outbox: what is published, and a row for each place that it has to go to, until it is there or given up.

Rows are claimed like recipients are: one that is claimed is due again when its lease ends, and who lost a lease writes
nothing. Rows with one `order_key` are delivered in the order in which they were written. What waits for a
target that is gone is ended by `ended_targets`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sesame.db import Row, Transaction
from sesame.store.ended_targets import NOT_DROPPED, OPEN

FEW_PLACES = 128
"""With more of them a write goes apart, for it takes longer than a message does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What is published: one message of a topic, whoever gets it.

    `kind` is the SNS message type; `extra` holds what else belongs to it: signature version, message attributes, token
    and URL of a confirmation. `about` is the id of the event that it tells of, None for what a client publishes.
    """

    message_id: str
    topic_arn: str
    kind: str
    body: str
    at: float
    subject: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a publication has to go: `target` is the subscription or destination, `options` say how.

    `order_key` begins with the target and `|`.
    """

    target: str
    protocol: str
    endpoint: str
    order_key: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A claimed row with what it has to bring; `attempts` is the number of the attempt that it is claimed for."""

    seq: int
    lease: str
    attempts: int
    publication: Publication
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a claimed row: without `problem` it is there; with one it is tried `again_at` or is dead."""

    delivery: Delivery
    problem: str | None = None
    again_at: float | None = None


Published = tuple[Publication, Sequence[Place]]
"""What is published, and some or all of the places where it goes."""


def in_writes(publications: Iterable[Published], *, at_once: int) -> list[list[Published]]:
    """Publications in parts of so many rows at most, for a write each; the places of one may stand in several."""
    parts: list[list[Published]] = [[]]
    room = at_once
    for publication, places in publications:
        rest = places
        while True:
            now, rest = rest[: max(1, room - 1)], rest[max(1, room - 1) :]
            parts[-1].append((publication, now))
            room -= 1 + len(now)
            if room <= 1:
                parts.append([])
                room = at_once
            if not rest:
                break
    return parts if len(parts) == 1 or parts[-1] else parts[:-1]


async def publish(tx: Transaction, publications: Sequence[Published]) -> None:
    """Write publications with their places, due at once. Of one whose id is there already the places it lacks."""
    if not publications:
        return
    ids = [publication.message_id for publication, _ in publications]
    known: dict[str, int] = dict(
        await tx.all("SELECT message_id, seq FROM publication WHERE message_id IN (?*)", ids)
    )
    new = [(one, places) for one, places in publications if one.message_id not in known]
    if known:
        begun = [(known[one.message_id], one, p) for one, p in publications if one.message_id in known]
        await _add_places(tx, await _lacking(tx, begun))
    if not new:
        return
    first = await tx.new_numbers("publication", len(new))
    numbered = list(enumerate(new, start=first))
    await tx.many(
        "INSERT INTO publication (seq, message_id, topic_arn, kind, subject, body, extra, at, about)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                seq,
                one.message_id,
                one.topic_arn,
                one.kind,
                one.subject,
                one.body,
                json.dumps(one.extra) if one.extra else None,
                one.at,
                one.about,
            )
            for seq, (one, _) in numbered
        ],
    )
    await _add_places(tx, [(seq, one.at, place) for seq, (one, places) in numbered for place in places])


async def _lacking(
    tx: Transaction, begun: Sequence[tuple[int, Publication, Sequence[Place]]]
) -> list[tuple[int, float, Place]]:
    """Of publications that are there the places that are not: whoever wrote them did not come to the end."""
    rows = await tx.all(
        "SELECT publication_seq, target FROM outbox WHERE publication_seq IN (?*)",
        [seq for seq, _, _ in begun],
    )
    there = set(rows)
    return [
        (seq, one.at, place)
        for seq, one, places in begun
        for place in places
        if (seq, place.target) not in there
    ]


async def _add_places(tx: Transaction, places: Sequence[tuple[int, float, Place]]) -> None:
    await tx.many(
        "INSERT INTO outbox (publication_seq, target, protocol, endpoint, options, order_key, state, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)",
        [
            (
                seq,
                place.target,
                place.protocol,
                place.endpoint,
                json.dumps(place.options) if place.options else None,
                place.order_key,
                at,
            )
            for seq, at, place in places
        ],
    )


_ENDPOINTS = (
    "WITH RECURSIVE found(endpoint) AS (SELECT (SELECT endpoint FROM outbox WHERE state = 'waiting'"
    " ORDER BY endpoint LIMIT 1) UNION ALL SELECT (SELECT o.endpoint FROM outbox o WHERE o.state = 'waiting'"
    " AND o.endpoint > found.endpoint ORDER BY o.endpoint LIMIT 1) FROM found WHERE found.endpoint IS NOT NULL)"
)


async def endpoints(tx: Transaction, *, after: str, limit: int) -> list[str]:
    """The endpoints behind `after` that anything waits for, so many at most, by steps along the index."""
    rows = await tx.all(
        "WITH RECURSIVE found(endpoint) AS (SELECT (SELECT endpoint FROM outbox WHERE state = 'waiting'"
        " AND endpoint > ? ORDER BY endpoint LIMIT 1) UNION ALL SELECT (SELECT o.endpoint FROM outbox o"
        " WHERE o.state = 'waiting' AND o.endpoint > found.endpoint ORDER BY o.endpoint LIMIT 1) FROM found"
        " WHERE found.endpoint IS NOT NULL) SELECT endpoint FROM found WHERE endpoint IS NOT NULL LIMIT ?",
        after,
        limit,
    )
    return [row[0] for row in rows]


async def due(tx: Transaction, endpoint: str, *, now: float, limit: int) -> list[int]:
    """Rows of an endpoint that are due and behind no other of their order, longest due first."""
    rows = await tx.all(
        "SELECT o.seq FROM outbox o WHERE o.state = 'waiting' AND o.endpoint = ? AND o.due_at <= ?"
        f" AND {OPEN.format('o')} AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.state = 'waiting'"
        " AND b.order_key = o.order_key AND b.seq < o.seq) ORDER BY o.due_at, o.seq LIMIT ?",
        endpoint,
        now,
        limit,
    )
    return [int(row[0]) for row in rows]


ROW = (
    "SELECT o.seq, o.lease, o.attempts, p.message_id, p.topic_arn, p.kind, p.body, p.at, p.subject, p.extra, p.about,"
    " o.target, o.protocol, o.endpoint, o.order_key, o.options"
    " FROM outbox o JOIN publication p ON p.seq = o.publication_seq"
)
"""What `delivery_of` reads."""


async def claim(
    tx: Transaction, seqs: Sequence[int], *, now: float, lease: str, lease_s: float
) -> list[Delivery]:
    """Claim rows that are due until `now + lease_s`; an attempt is counted once it began, by `begun` or its result."""
    await tx.execute(
        "UPDATE outbox SET due_at = ?, lease = ? WHERE state = 'waiting' AND due_at <= ? AND seq IN (?*)"
        f" AND {OPEN.format('outbox')}",
        now + lease_s,
        lease,
        now,
        seqs,
    )
    rows = await tx.all(f"{ROW} WHERE o.lease = ? AND o.seq IN (?*)", lease, seqs)
    return sorted((delivery_of(row, more=1) for row in rows), key=lambda one: one.seq)


def delivery_of(row: Row, *, more: int = 0) -> Delivery:
    """A row that begins as `ROW` does, and `more` attempts than were counted."""
    return Delivery(
        seq=row[0],
        lease=row[1] or "",
        attempts=row[2] + more,
        publication=Publication(
            message_id=row[3],
            topic_arn=row[4],
            kind=row[5],
            body=row[6],
            at=row[7],
            subject=row[8],
            extra={} if row[9] is None else json.loads(row[9]),
            about=row[10],
        ),
        place=Place(
            target=row[11],
            protocol=row[12],
            endpoint=row[13],
            order_key=row[14],
            options={} if row[15] is None else json.loads(row[15]),
        ),
    )


async def settle(tx: Transaction, results: Sequence[Result], *, now: float) -> None:
    """Record what became of claimed rows; a lease that was lost writes nothing."""
    ended = [one for one in results if one.again_at is None]
    await tx.many(
        "UPDATE outbox SET state = ?, ended_at = ?, lease = NULL, problem = ?, attempts = ?"
        f" WHERE seq = ? AND lease = ? AND state = 'waiting' AND {NOT_DROPPED}",
        [
            (
                "told" if one.problem is None else "dead",
                now,
                one.problem,
                one.delivery.attempts,
                one.delivery.seq,
                one.delivery.lease,
            )
            for one in ended
        ],
    )
    await tx.many(
        "UPDATE outbox SET due_at = ?, lease = NULL, problem = ?, attempts = ?"
        f" WHERE seq = ? AND lease = ? AND state = 'waiting' AND {NOT_DROPPED}",
        [
            (one.again_at, one.problem, one.delivery.attempts, one.delivery.seq, one.delivery.lease)
            for one in results
            if one.again_at is not None
        ],
    )


async def begun(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Count attempts that began and have no result yet."""
    await tx.many(
        "UPDATE outbox SET attempts = ? WHERE seq = ? AND lease = ? AND state = 'waiting'",
        [(one.attempts, one.seq, one.lease) for one in deliveries],
    )


async def give_back(tx: Transaction, deliveries: Sequence[Delivery], *, now: float) -> None:
    """Make claimed rows that nobody has tried due again, as if they had not been claimed."""
    await tx.many(
        "UPDATE outbox SET due_at = ?, lease = NULL WHERE seq = ? AND lease = ? AND state = 'waiting'",
        [(now, one.seq, one.lease) for one in deliveries],
    )


async def holds(tx: Transaction, delivery: Delivery) -> bool:
    """Whether a claim still holds."""
    return (await hold(tx, [delivery]))[0]


async def hold(tx: Transaction, deliveries: Sequence[Delivery]) -> list[bool]:
    """Of each claim whether it still holds: the row waits, and nobody else claimed it."""
    rows = await tx.all(
        f"SELECT seq, lease FROM outbox WHERE seq IN (?*) AND state = 'waiting' AND {NOT_DROPPED}",
        [one.seq for one in deliveries],
    )
    leases: dict[int, str] = dict(rows)
    return [leases.get(one.seq) == one.lease for one in deliveries]


async def redirect(tx: Transaction, delivery: Delivery, *, queue_arn: str, now: float) -> None:
    """Send what is given up to a queue, beside the row that stays as dead."""
    if not await holds(tx, delivery):
        return
    options = {**delivery.place.options, "dead_letter": True}
    await tx.execute(
        "INSERT INTO outbox (publication_seq, target, protocol, endpoint, options, order_key, state, due_at)"
        " SELECT publication_seq, target, 'sqs', ?, ?, order_key, 'waiting', ? FROM outbox WHERE seq = ?",
        queue_arn,
        json.dumps(options),
        now,
        delivery.seq,
    )


async def release_all(tx: Transaction, *, now: float) -> int:
    """Make every claimed row due: for the start of a process that owns the outbox alone."""
    return await tx.execute(
        "UPDATE outbox SET due_at = ?, lease = NULL WHERE state = 'waiting' AND lease IS NOT NULL", now
    )


async def far_off(tx: Transaction, *, after: float, limit: int) -> list[int]:
    """Rows that are due after `after`, so many at most; a step along the index for each endpoint that has none."""
    rows = await tx.all(
        f"{_ENDPOINTS} SELECT o.seq FROM found JOIN outbox o ON o.endpoint = found.endpoint AND o.due_at > ?"
        " WHERE o.state = 'waiting' LIMIT ?",
        after,
        limit,
    )
    return [int(row[0]) for row in rows]


async def hasten(tx: Transaction, seqs: Sequence[int], *, now: float, after: float) -> int:
    """Make due what is due after `after`: the clock has been set back since. How many rows."""
    return await tx.many(
        "UPDATE outbox SET due_at = ?, lease = NULL WHERE seq = ? AND state = 'waiting' AND due_at > ?",
        [(now, seq, after) for seq in seqs],
    )


async def depth(tx: Transaction) -> int:
    """How many rows wait."""
    row = await tx.one("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'")
    return 0 if row is None else int(row[0])


async def purge_before(tx: Transaction, before: float, *, limit: int) -> int:
    """Let go of publications from before `before` that wait for nothing, with their rows; how many of both, bounded."""
    rows = await tx.all(
        "SELECT p.seq FROM publication p WHERE p.at < ? AND NOT EXISTS"
        " (SELECT 1 FROM outbox o WHERE o.publication_seq = p.seq AND o.state = 'waiting') ORDER BY p.at LIMIT ?",
        before,
        limit,
    )
    if not rows:
        return 0
    numbers = [int(row[0]) for row in rows]
    of_them = await tx.all("SELECT seq FROM outbox WHERE publication_seq IN (?*) LIMIT ?", numbers, limit)
    gone = await tx.many("DELETE FROM outbox WHERE seq = ?", of_them)
    return gone + await tx.many("DELETE FROM publication WHERE seq = ?", rows[: limit - gone])
