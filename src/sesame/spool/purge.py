"""Letting go of what is past its retention, a little in each write, so that accepting never waits for it.

A message goes once it is old, all its recipients are settled and all its events are published; its head goes earlier.
Messages are walked in the order of their numbers, in which they were accepted but for minutes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sesame.db import AT_ONCE, Store, Transaction, in_parts
from sesame.spool import pieces
from sesame.store import (
    custom_verification,
    decisions,
    egress,
    failed_sign_ins,
    global_suppression,
    key_use,
    policy_sets,
    tallies,
)
from sesame.store.iam import deleted_keys

ROWS = AT_ONCE
"""Rows that one write deletes at most."""

MESSAGES = 200
"""Messages that are looked at for one write."""

OUT_OF_ORDER_S = 3_600.0
"""How much later than one with a higher number a message may have come in, with room to spare."""

DAY_S = 86_400.0

TALLY_DAYS = 92
"""For how long it is known what became of an account's mail, in sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how many days each kind is kept."""

    messages_days: int
    heads_days: int
    refusals_days: int


async def purge(store: Store, retention: Retention, *, now: float) -> int:
    """Drop what is past its retention; how many messages went."""
    before = now - retention.messages_days * DAY_S
    refused_before = now - retention.refusals_days * DAY_S
    gone = await _walk(store, purge_messages, before)
    await _walk(store, purge_heads, now - retention.heads_days * DAY_S)
    await _repeat(store, lambda tx: decisions.purge_before(tx, refused_before, limit=ROWS))
    refused_hour = int(refused_before // failed_sign_ins.HOUR_S)
    await _repeat(store, lambda tx: failed_sign_ins.purge_before(tx, refused_hour, limit=ROWS))
    await _repeat(store, lambda tx: key_use.purge(tx, limit=ROWS))
    await _repeat(store, lambda tx: deleted_keys.purge_before(tx, refused_before, limit=ROWS))
    await _repeat(store, lambda tx: custom_verification.purge_before(tx, before, limit=ROWS))
    await _repeat(store, lambda tx: global_suppression.purge_before(tx, now, limit=ROWS))
    oldest = await store.read(lambda tx: _oldest(tx, min(before, refused_before)))
    await _repeat(store, lambda tx: decisions.purge_texts(tx, before=oldest - DAY_S, limit=ROWS))
    # A set is noted once a day, so it may have been used for a day longer than is written.
    await _repeat(store, lambda tx: policy_sets.purge_before(tx, refused_before - DAY_S, limit=ROWS))
    kept_from = int((now - TALLY_DAYS * DAY_S) // tallies.QUARTER_HOUR_S)
    await _repeat(store, lambda tx: tallies.purge_before(tx, kept_from, limit=ROWS))
    await _repeat(store, lambda tx: decisions.purge_counts(tx, before=now - TALLY_DAYS * DAY_S, limit=ROWS))
    await purge_pieces(store, now=now)
    await store.write(lambda tx: egress.forget_before(tx, at=now - DAY_S))
    return gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one write did: how many it dropped, and from behind which message the next goes on; None: at the end."""

    gone: int
    after: int | None


async def _walk(
    store: Store, step: Callable[[Transaction, float, int], Awaitable[Step]], before: float
) -> int:
    gone, after = 0, 0
    while True:

        async def run(tx: Transaction, after: int = after) -> Step:
            return await step(tx, before, after)

        done = await store.write(run, is_long=True)
        gone += done.gone
        if done.after is None:
            return gone
        after = done.after


async def _repeat(store: Store, drop: Callable[[Transaction], Awaitable[int]]) -> None:
    await in_parts(store, drop, at_once=ROWS)


async def purge_messages(tx: Transaction, before: float, after: int) -> Step:
    """Drop the next messages behind `after` that were accepted before `before` and are done with."""
    rows = await tx.all(
        "SELECT m.seq, m.accepted_at,"
        " EXISTS (SELECT 1 FROM recipient r WHERE r.message_seq = m.seq AND r.state IN ('queued', 'held'))"
        " OR EXISTS (SELECT 1 FROM event_log e WHERE e.message_seq = m.seq AND e.stage < 2)"
        " FROM message m WHERE m.seq > ? ORDER BY m.seq LIMIT ?",
        after,
        MESSAGES,
    )
    old = [int(seq) for seq, at, is_needed in rows if at < before and not is_needed]
    left = ROWS - len(old)
    for table, key in _PARTS:
        if left <= 0 or not old:
            break
        found = await tx.all(f"SELECT {key} FROM {table} LIMIT ?", old, left)
        left -= await tx.many(f"DELETE FROM {table.split(' WHERE ')[0]} WHERE {key} = ?", found)
    if left <= 0:  # more of these than one write may drop; the rest of them with the next
        return Step(gone=0, after=after)
    gone = await tx.many("DELETE FROM message WHERE seq = ?", [(seq,) for seq in old])
    return Step(gone=gone, after=_next(rows, before))


async def purge_pieces(store: Store, *, now: float) -> None:
    """Drop pieces of large messages that were never accepted, or whose body is gone."""
    before = now - pieces.ORPHANED_S
    while found := await store.read(lambda tx: pieces.orphans(tx, before=before, limit=MESSAGES)):
        await pieces.drop(store, found)


_PARTS = (
    ("rated_recipient WHERE message_seq IN (?*)", "message_seq"),
    ("attempt WHERE recipient_seq IN (SELECT r.seq FROM recipient r WHERE r.message_seq IN (?*))", "seq"),
    ("event_log WHERE message_seq IN (?*)", "seq"),
    ("report WHERE message_seq IN (?*)", "seq"),
    ("recipient WHERE message_seq IN (?*)", "seq"),
    ("message_head WHERE message_seq IN (?*)", "message_seq"),
    ("body WHERE message_seq IN (?*)", "message_seq"),
    ("message_further_owner WHERE message_seq IN (?*)", "message_seq"),
)


async def purge_heads(tx: Transaction, before: float, after: int) -> Step:
    """Drop the next heads behind `after` of messages that are done with and were accepted before `before`."""
    rows = await tx.all(
        "SELECT h.message_seq, m.accepted_at,"
        " EXISTS (SELECT 1 FROM event_log e WHERE e.message_seq = m.seq AND e.stage < 2)"
        " FROM message_head h JOIN message m ON m.seq = h.message_seq WHERE h.message_seq > ?"
        " ORDER BY h.message_seq LIMIT ?",
        after,
        ROWS,
    )
    old = [(seq,) for seq, at, is_needed in rows if at < before and not is_needed]
    gone = await tx.many("DELETE FROM message_head WHERE message_seq = ?", old)
    return Step(gone=gone, after=_next(rows, before, limit=ROWS))


def _next(rows: list[tuple[int, float, bool]], before: float, limit: int = MESSAGES) -> int | None:
    """From behind which message to go on; None behind the last old one."""
    if len(rows) < limit or rows[-1][1] >= before + OUT_OF_ORDER_S:
        return None
    return rows[-1][0]


async def _oldest(tx: Transaction, at: float) -> float:
    """The time of the oldest message or refusal that is kept, `at` if none is."""
    message = await tx.one("SELECT accepted_at FROM message WHERE seq = (SELECT MIN(seq) FROM message)")
    refusal = await tx.one("SELECT MIN(at) FROM refusal")
    found = [float(row[0]) for row in (message, refusal) if row is not None and row[0] is not None]
    return min(found, default=at)
