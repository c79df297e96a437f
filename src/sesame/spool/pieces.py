"""Large messages in pieces: written one by one before the message is accepted, dropped one by one when it has settled.

The commit of a large value keeps every other waiting, and so does deleting it. What is staged counts for nothing until
the accept transaction names it; what no body names is dropped by whoever left it, or once it is old (after a crash).

INVARIANT I1: a message is accepted only while all its pieces are there, durably.
"""

import asyncio
from collections.abc import Iterable

from sesame.db import Store, Transaction
from sesame.model import MessageId

BEGINNING_BYTES = 16 * 1024
"""Of a message in pieces what stands in `body`; its kept head is cut from that."""
PIECE_BYTES = 256 * 1024
DROP_AT_ONCE = 8
ORPHANED_S = 3_600.0
"""Pieces this old that no body names are left from a process that ended."""


def count_of(data: bytes) -> int:
    """How many pieces there are behind the beginning."""
    return -(-max(0, len(data) - BEGINNING_BYTES) // PIECE_BYTES)


class Staging:
    """Writes pieces: one at a time of all messages, so that small ones have every other commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()

    async def stage(self, message_id: MessageId, data: bytes, *, at: float) -> None:
        """Write what is behind the beginning, durably; `drop` it if the message is not accepted."""
        for n in range(count_of(data)):
            start = BEGINNING_BYTES + n * PIECE_BYTES
            piece = data[start : start + PIECE_BYTES]

            async def run(tx: Transaction, n: int = n, piece: bytes = piece) -> None:
                await tx.execute(
                    "INSERT INTO body_piece (message_id, n, staged_at, data) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (message_id, n) DO NOTHING",
                    message_id,
                    n,
                    at,
                    piece,
                )

            async with self._turn:
                await self._store.write(run, is_long=True)


async def drop(store: Store, message_ids: Iterable[str]) -> None:
    """Drop the pieces of messages whose body is gone, a few in each write."""
    for message_id in message_ids:

        async def run(tx: Transaction, message_id: str = message_id) -> int:
            return await tx.execute(
                f"{_DROP} AND NOT EXISTS (SELECT 1 FROM body b JOIN message m ON m.seq = b.message_seq"
                " WHERE m.message_id = ?)",
                message_id,
                message_id,
                DROP_AT_ONCE,
                message_id,
            )

        while await store.write(run, is_long=True):
            pass


_DROP = (
    "DELETE FROM body_piece WHERE message_id = ? AND n IN"
    " (SELECT n FROM body_piece WHERE message_id = ? ORDER BY n DESC LIMIT ?)"
)


async def orphans(tx: Transaction, *, before: float, limit: int) -> list[str]:
    """The ids of messages whose first piece was staged before then, and which have no body."""
    rows = await tx.all(
        "SELECT p.message_id FROM body_piece p WHERE p.n = 0 AND p.staged_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM body b JOIN message m ON m.seq = b.message_seq WHERE m.message_id = p.message_id)"
        " ORDER BY p.message_id LIMIT ?",
        before,
        limit,
    )
    return [str(row[0]) for row in rows]


async def check_staged(tx: Transaction, message_id: str, data: bytes) -> int:
    """How many pieces the message has, all of them staged. Raises RuntimeError: nothing may be accepted then."""
    row = await tx.one("SELECT COUNT(*) FROM body_piece WHERE message_id = ?", message_id)
    expected = count_of(data)
    if row is None or row[0] != expected:
        raise RuntimeError(f"{expected} pieces of message {message_id} were to be staged, {row} are")
    return expected


async def behind(tx: Transaction, message_id: str, count: int) -> list[bytes] | None:
    """The pieces behind the beginning; None when one is missing."""
    rows = await tx.all("SELECT data FROM body_piece WHERE message_id = ? ORDER BY n", message_id)
    return [bytes(row[0]) for row in rows] if len(rows) == count else None
