"""Targets of the outbox that are gone, with any number of rows that wait for them.

They are ended by one row, `outbox_ended`, in force as soon as it is there: nothing of what it covers is claimed or
begun, and no result is written. Upkeep then drops them so many a write.
"""

from typing import NamedTuple

from sesame.db import Transaction

FEW = 64
"""Rows of a target that are dropped where it ends; of one with more, all are left to upkeep."""

_COVERED = "e.last_seq >= {0}.seq AND e.after_key < {0}.order_key AND e.before_key > {0}.order_key"
OPEN = f"NOT EXISTS (SELECT 1 FROM outbox_ended e WHERE {_COVERED})"
"""Of a row that waits: it is of no target that is gone, whether or not its turn to be dropped has come."""
NOT_DROPPED = f"NOT EXISTS (SELECT 1 FROM outbox_ended e WHERE e.state = 'dropped' AND {_COVERED})".format(
    "outbox"
)
"""Of a row that is claimed: what is under way for a target that was given up ends as it ends."""


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
