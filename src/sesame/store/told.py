"""What was published and how far it came at each place, for people to read; `outbox` says how it gets there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sesame.db import Transaction
from sesame.db.table import reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One place that a publication went to, and how far it came; `is_under_way` while an attempt is made."""

    protocol: str
    endpoint: str
    state: str
    is_under_way: bool
    attempts: int
    due_at: float
    ended_at: float | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A publication and the first places that it went to."""

    message_id: str
    topic_arn: str
    body: str
    at: float
    about: str | None
    places: tuple[Went, ...]


_WENT = reader(Went, is_under_way=bool)
_TOLD = (
    "SELECT * FROM (SELECT publication.message_id, topic_arn, body, at, about, protocol, endpoint, state,"
    " lease IS NOT NULL, attempts, due_at, ended_at, problem FROM publication"
    " LEFT JOIN outbox ON outbox.publication_seq = publication.seq"
    " WHERE publication.message_id = ? ORDER BY outbox.seq LIMIT ?) AS told{}"
)


async def of_ids(tx: Transaction, ids: Sequence[str], *, places: int) -> dict[str, Told]:
    """The few publications of these ids that are kept, by id, each with so many places at most, in one statement."""
    if not ids:
        return {}
    rows = await tx.all(
        " UNION ALL ".join(_TOLD.format(n) for n in range(len(ids))),
        *(value for one in ids for value in (one, places)),
    )
    found: dict[str, Told] = {}
    for row in rows:
        known = found.get(row[0])
        where = () if known is None else known.places
        if row[5] is not None:
            where = (*where, _WENT(row[5:]))
        found[row[0]] = Told(
            message_id=row[0], topic_arn=row[1], body=row[2], at=row[3], about=row[4], places=where
        )
    return found


class LastOf(NamedTuple):
    """A publication about an event, without its text, and the last of its rows; empty where it goes nowhere."""

    at: float
    seq: int
    message_id: str
    topic_arn: str
    about: str
    protocol: str | None
    endpoint: str | None
    state: str | None
    due_at: float | None
    ended_at: float | None
    problem: str | None


async def last_of(tx: Transaction, message_seqs: Sequence[int], *, limit: int) -> list[LastOf]:
    """What was published of the events of messages, to whomever, in no order; so many at most."""
    if not message_seqs:
        return []
    rows = await tx.all(
        "SELECT p.at, p.seq, p.message_id, p.topic_arn, p.about, o.protocol, o.endpoint, o.state, o.due_at,"
        " o.ended_at, o.problem FROM event_log e JOIN message m ON m.seq = e.message_seq"
        " JOIN publication p ON p.about = m.message_id || '/' || e.key"
        " LEFT JOIN outbox o ON o.seq = (SELECT MAX(x.seq) FROM outbox x WHERE x.publication_seq = p.seq)"
        " WHERE e.message_seq IN (?*) LIMIT ?",
        list(message_seqs),
        limit,
    )
    return [LastOf(*row) for row in rows]
