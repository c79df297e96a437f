"""The outbox: what is published, and a row for each place that it has to go to, until it is there or given up.

Rows are claimed like recipients are: one that is claimed is due again when its lease ends, and who lost a lease writes
nothing. Rows with one `order_key` are delivered in the order in which they were written.

A target that is gone may have any number of rows. They are ended by one row, `outbox_ended`, in force as soon as it is
there: nothing of what it covers is claimed or begun, and no result is written. Upkeep then drops them so many a write.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sesame.db import Row, Transaction

FEW_PLACES = 128
"""With more of them a write goes apart, for it takes longer than a message does."""
FEW = 64
"""Rows of a target that are dropped where it ends; of one with more, all are left to upkeep."""


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


_COVERED = "e.last_seq >= {0}.seq AND e.after_key < {0}.order_key AND e.before_key > {0}.order_key"
_OPEN = f"NOT EXISTS (SELECT 1 FROM outbox_ended e WHERE {_COVERED})"
"""Of a row that waits: it is of no target that is gone, whether or not its turn to be dropped has come."""
_NOT_DROPPED = f"NOT EXISTS (SELECT 1 FROM outbox_ended e WHERE e.state = 'dropped' AND {_COVERED})".format(
    "outbox"
)
"""Of a row that is claimed: what is under way for a target that was given up ends as it ends."""


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
        f" AND {_OPEN.format('o')} AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.state = 'waiting'"
        " AND b.order_key = o.order_key AND b.seq < o.seq) ORDER BY o.due_at, o.seq LIMIT ?",
        endpoint,
        now,
        limit,
    )
    return [int(row[0]) for row in rows]


_ROW = (
    "SELECT o.seq, o.lease, o.attempts, p.message_id, p.topic_arn, p.kind, p.body, p.at, p.subject, p.extra, p.about,"
    " o.target, o.protocol, o.endpoint, o.order_key, o.options"
    " FROM outbox o JOIN publication p ON p.seq = o.publication_seq"
)


async def claim(
    tx: Transaction, seqs: Sequence[int], *, now: float, lease: str, lease_s: float
) -> list[Delivery]:
    """Claim rows that are due until `now + lease_s`; an attempt is counted once it began, by `begun` or its result."""
    await tx.execute(
        "UPDATE outbox SET due_at = ?, lease = ? WHERE state = 'waiting' AND due_at <= ? AND seq IN (?*)"
        f" AND {_OPEN.format('outbox')}",
        now + lease_s,
        lease,
        now,
        seqs,
    )
    rows = await tx.all(f"{_ROW} WHERE o.lease = ? AND o.seq IN (?*)", lease, seqs)
    return sorted((_delivery(row, more=1) for row in rows), key=lambda one: one.seq)


def _delivery(row: Row, *, more: int = 0) -> Delivery:
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
        f" WHERE seq = ? AND lease = ? AND state = 'waiting' AND {_NOT_DROPPED}",
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
        f" WHERE seq = ? AND lease = ? AND state = 'waiting' AND {_NOT_DROPPED}",
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
        f"SELECT seq, lease FROM outbox WHERE seq IN (?*) AND state = 'waiting' AND {_NOT_DROPPED}",
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


async def give_up(tx: Transaction, target: str, *, problem: str, now: float) -> None:
    """Give up what waits for a target and is not under way."""
    await _end(tx, _Ended(f"{target}|", f"{target}}}", "dead", problem, now))


async def drop_target(tx: Transaction, target: str, *, now: float) -> None:
    """Send nothing more to a target that is gone of what was written until now."""
    await _end(tx, _Ended(f"{target}|", f"{target}}}", "dropped", "the subscription ended", now))


async def drop_topic(tx: Transaction, topic_arn: str, *, now: float) -> None:
    """Send nothing more to the subscriptions of a topic that is gone of what was written until now."""
    await _end(tx, _Ended(f"{topic_arn}:", f"{topic_arn};", "dropped", "the topic was deleted", now))


class _Ended(NamedTuple):
    """What ended: orders behind `after_key` and before `before_key`; an order begins with its target and a `|`."""

    after_key: str
    before_key: str
    state: str
    problem: str
    at: float


async def _end(tx: Transaction, ended: _Ended) -> None:
    """Drop what a target has, or, if that is more than a few rows, leave it to upkeep and have it in force at once."""
    last = await tx.one("SELECT MAX(seq) FROM outbox")
    if last is not None and last[0] is not None and await _drop(tx, ended, last[0], limit=FEW) == FEW:
        await tx.execute(
            "INSERT INTO outbox_ended (after_key, before_key, state, problem, at, last_seq) VALUES (?, ?, ?, ?, ?, ?)",
            *ended,
            last[0],
        )


async def has_ended(tx: Transaction) -> bool:
    """Whether targets are gone that have rows to be dropped."""
    return await tx.one("SELECT 1 FROM outbox_ended LIMIT 1") is not None


async def drop_ended(tx: Transaction, *, limit: int) -> int:
    """Drop what targets have that are gone, so many rows at most, theirs in `outbox_ended` among them; how many."""
    gone = 0
    while gone < limit:
        row = await tx.one(
            "SELECT after_key, before_key, state, problem, at, last_seq, seq FROM outbox_ended ORDER BY seq LIMIT 1"
        )
        if row is None:
            break
        gone += await _drop(tx, _Ended(*row[:5]), row[5], limit=limit - gone)
        if gone < limit:
            gone += await tx.execute("DELETE FROM outbox_ended WHERE seq = ?", row[6])
    return gone


async def _drop(tx: Transaction, ended: _Ended, last_seq: int, *, limit: int) -> int:
    """Drop so many rows of what ended; whoever has one of them claimed loses it, unless it was only given up."""
    waits = "state = 'waiting'" + (" AND lease IS NULL" if ended.state == "dead" else "")
    return await tx.execute(
        "UPDATE outbox SET state = ?, ended_at = ?, lease = NULL, problem = ? WHERE seq IN (SELECT seq FROM outbox"
        f" WHERE order_key > ? AND order_key < ? AND seq <= ? AND {waits} ORDER BY order_key LIMIT ?) AND {waits}",
        ended.state,
        ended.at,
        ended.problem,
        ended.after_key,
        ended.before_key,
        last_seq,
        limit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A row as it stands, for people to read."""

    seq: int
    state: str
    attempts: int
    due_at: float
    ended_at: float | None
    problem: str | None
    publication: Publication
    place: Place


_ENTRY = _ROW.replace(" FROM outbox o", ", o.state, o.due_at, o.ended_at, o.problem FROM outbox o")


def _entry(row: Row) -> OutboxEntry:
    read = _delivery(row)
    return OutboxEntry(
        seq=read.seq,
        state=row[16],
        attempts=read.attempts,
        due_at=row[17],
        ended_at=row[18],
        problem=row[19],
        publication=read.publication,
        place=read.place,
    )


async def dead(tx: Transaction, *, account_id: str | None, after: int, limit: int) -> list[OutboxEntry]:
    """What was given up, oldest first, from behind row `after`; of topics of one account, or of all."""
    of_account, values = (
        ("", []) if account_id is None else (" AND p.topic_arn LIKE ?", [f"%:{account_id}:%"])
    )
    rows = await tx.all(
        f"{_ENTRY} WHERE o.state = 'dead' AND o.seq > ?{of_account} ORDER BY o.seq LIMIT ?",
        after,
        *values,
        limit,
    )
    return [_entry(row) for row in rows]


async def dead_numbers(tx: Transaction, *, limit: int) -> list[int]:
    """Rows that were given up, oldest first; those of a target that others are still being given up for come later."""
    rows = await tx.all(
        f"SELECT o.seq FROM outbox o WHERE o.state = 'dead' AND {_OPEN.format('o')} ORDER BY o.seq LIMIT ?",
        limit,
    )
    return [int(row[0]) for row in rows]


async def retry(tx: Transaction, seqs: Sequence[int], *, now: float) -> int:
    """Try again what was given up, from the beginning; how many rows that are."""
    return await tx.execute(
        "UPDATE outbox SET state = 'waiting', due_at = ?, attempts = 0, ended_at = NULL, problem = NULL"
        f" WHERE state = 'dead' AND seq IN (?*) AND {_OPEN.format('outbox')}",
        now,
        seqs,
    )


async def about(tx: Transaction, event_ids: Sequence[str]) -> list[OutboxEntry]:
    """What was published of events, and how far it came."""
    rows = await tx.all(f"{_ENTRY} WHERE p.about IN (?*) ORDER BY o.seq", event_ids)
    return [_entry(row) for row in rows]


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
