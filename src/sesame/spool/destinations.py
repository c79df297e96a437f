"""What waits, by destination: how much, since when, and what the last server said.

One descent of an index a destination, and a bounded count: a page of it costs the same whatever waits.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.spool.attempts import BEYOND
from sesame.spool.control import Filter, Queued, list_queued
from sesame.spool.queue import HELD_AT

MOST = 1_000
"""Destinations that one look takes, and what of each is counted."""
AGES_S = (10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0)
MOST_AGES = 10_000
SAMPLE = 200
"""Recipients of a destination whose last replies are told apart."""
MOST_ALIKE = 2_000
"""Attempts among which a reply is looked for once more."""
_NUMBERS = re.compile(r"\d[\d.\-]*|\b[0-9a-fA-F]{8,}\b|<[^>]*>|\S+@\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination: `waiting` is at most `MOST`, for that and more. The rest is of the oldest recipient."""

    domain: str
    waiting: int
    queued_at: float
    due_at: float | None
    """When it is tried next, in Unix seconds; None while it is held, 0 for at once."""
    attempts: int
    is_under_way: bool
    said: str | None
    """What its last attempt came to."""
    connection: str | None
    """How the connection of its last attempt was secured, in words; None where there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The destinations with most that waits; `seen` is how many were looked at, `is_whole` whether those are all."""

    destinations: tuple[Destination, ...]
    seen: int
    is_whole: bool


_WALK = (
    "WITH RECURSIVE d (domain) AS (SELECT MIN(domain) FROM queue UNION ALL"
    " SELECT (SELECT MIN(q.domain) FROM queue q WHERE q.domain > d.domain) FROM d WHERE d.domain IS NOT NULL)"
    " SELECT d.domain, (SELECT COUNT(*) FROM (SELECT 1 FROM queue q WHERE q.domain = d.domain LIMIT ?) counted),"
    " (SELECT MIN(q.seq) FROM queue q WHERE q.domain = d.domain)"
    " FROM d WHERE d.domain IS NOT NULL LIMIT ?"
)


async def overview(tx: Transaction, *, limit: int) -> Overview:
    """The `limit` destinations with most that waits, of the first `MOST` by name."""
    rows = await tx.all(_WALK, MOST, MOST + 1)
    is_whole = len(rows) <= MOST
    most = sorted(rows[:MOST], key=lambda row: (-row[1], row[0]))[:limit]
    oldest = {
        row[0]: row[1:]
        for row in await tx.all(
            "SELECT q.seq, q.queued_at, q.due_at, q.attempts, q.holder, a.diagnostic, COALESCE(a.tls_verdict, a.tls)"
            " FROM queue q LEFT JOIN attempt a ON a.seq ="
            " (SELECT l.seq FROM attempt l WHERE l.recipient_seq = q.seq ORDER BY l.seq DESC LIMIT 1)"
            " WHERE q.seq IN (?*)",
            [row[2] for row in most],
        )
    }
    found = [
        Destination(
            domain=domain,
            waiting=waiting,
            queued_at=oldest[seq][0],
            due_at=oldest[seq][1] if oldest[seq][1] < HELD_AT else None,
            attempts=oldest[seq][2],
            is_under_way=oldest[seq][3] is not None,
            said=oldest[seq][4],
            connection=oldest[seq][5],
        )
        for domain, waiting, seq in most
        if seq in oldest
    ]
    return Overview(destinations=tuple(found), seen=min(len(rows), MOST), is_whole=is_whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How long the oldest `MOST_AGES` recipients have waited: for each step how many, up to that and above the one
    before, in seconds; None is for all that is older. `is_whole` says that nothing else waits."""

    counts: tuple[tuple[float | None, int], ...]
    is_whole: bool


async def ages(tx: Transaction, *, now: float) -> Ages:
    """The ages of what waits, in steps that grow by the same factor or so."""
    rows = await tx.all(
        "SELECT q.queued_at FROM queue q WHERE q.seq > 0 ORDER BY q.seq LIMIT ?", MOST_AGES + 1
    )
    counts = [0] * (len(AGES_S) + 1)
    for (queued_at,) in rows[:MOST_AGES]:
        counts[bisect_left(AGES_S, now - queued_at)] += 1
    return Ages(counts=tuple(zip((*AGES_S, None), counts, strict=True)), is_whole=len(rows) <= MOST_AGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What remote servers said, with what differs from message to message struck out, and an example."""

    words: str
    example: str
    count: int


def grouped(queued: Sequence[Queued]) -> list[Reply]:
    """The last replies of recipients, most frequent first; those never tried are left out."""
    found: dict[str, list[str]] = {}
    for one in queued:
        if one.said:
            found.setdefault(struck_out(one.said), []).append(one.said)
    replies = [Reply(words=words, example=said[0], count=len(said)) for words, said in found.items()]
    return sorted(replies, key=lambda reply: (-reply.count, reply.words))


def struck_out(said: str) -> str:
    """What a server said, without what differs from message to message."""
    return _NUMBERS.sub("…", said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """How many of the latest attempts a server answered alike, of how many that were looked at."""

    count: int
    looked_at: int


async def alike(
    tx: Transaction, wanted: Sequence[tuple[str, str]], *, since: float
) -> dict[tuple[str, str], Alike]:
    """For each server with what it said, the like among the latest `MOST_ALIKE` attempts since a time."""
    if not wanted:
        return {}
    rows = await tx.all(
        "SELECT a.at, a.remote_mta, a.diagnostic FROM attempt a WHERE a.seq < ? ORDER BY a.seq DESC LIMIT ?",
        BEYOND,
        MOST_ALIKE,
    )
    counts = Counter((mta, struck_out(said)) for at, mta, said in rows if at >= since)
    return {
        (mta, said): Alike(count=counts[mta, struck_out(said)], looked_at=sum(counts.values()))
        for mta, said in wanted
    }


async def replies(tx: Transaction, domain: str) -> tuple[list[Reply], int]:
    """The last replies of the oldest `SAMPLE` recipients that wait for a destination, and of how many."""
    sample = await list_queued(tx, Filter(domain=domain), limit=SAMPLE)
    return grouped(sample), len(sample)
