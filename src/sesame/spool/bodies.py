"""The texts of claimed messages, read beside the loop: large ones each by itself, small ones that are wanted at once
together, for a way to another thread and back costs more than reading a small text there.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from sesame.db import Store, Transaction
from sesame.errors import SesameError, StoreDamaged
from sesame.spool import pieces
from sesame.spool.settle import Claim

SMALL_BYTES = 64 * 1024
TOGETHER = 16
"""Small texts in one read at most: a megabyte that nobody has asked a budget for."""


class Damaged(SesameError):
    """What is kept of this message cannot be read; it alone is concerned."""


class _Wanted:
    """A text that somebody waits for."""

    __slots__ = ("claim", "text")

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.text: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()


class Bodies:
    """Reads texts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: deque[_Wanted] = deque()
        self._reading: set[asyncio.Task[None]] = set()

    async def read(self, claim: Claim) -> bytes:
        """The message as it was put. Raises `Damaged` when it cannot be had, `Unavailable` when not now."""
        if claim.size_bytes > SMALL_BYTES:
            return await self._read_one(claim)
        wanted = _Wanted(claim)
        self._wanted.append(wanted)
        if len(self._wanted) == 1:
            asyncio.get_running_loop().call_soon(self._begin)  # a claim's attempts all start in one turn
        return await wanted.text

    def _begin(self) -> None:
        while self._wanted:
            batch = [self._wanted.popleft() for _ in range(min(len(self._wanted), TOGETHER))]
            task = asyncio.ensure_future(self._read_for(batch))
            self._reading.add(task)  # the loop itself keeps no task alive
            task.add_done_callback(self._reading.discard)

    async def _read_for(self, batch: Sequence[_Wanted]) -> None:
        """Read for all of them; where that fails each by itself, so that only what is damaged is."""
        try:
            texts = await self._texts([wanted.claim for wanted in batch])
            for wanted, text in zip(batch, texts, strict=True):
                if text is None:
                    await self._read_alone(wanted)
                elif not wanted.text.done():
                    wanted.text.set_result(text)
        finally:
            for wanted in batch:
                wanted.text.cancel()  # of those that nobody answered, at the end of the loop

    async def _read_alone(self, wanted: _Wanted) -> None:
        try:
            text = await self._read_one(wanted.claim)
        except Exception as error:
            if not wanted.text.done():
                wanted.text.set_exception(error)
        else:
            if not wanted.text.done():
                wanted.text.set_result(text)

    async def _texts(self, claims: Sequence[Claim]) -> Sequence[bytes | None]:
        """Their texts, None where another look has to say why not."""

        async def run(tx: Transaction) -> list[bytes | None]:
            return [await _text(tx, claim) for claim in claims]

        try:
            return await self._store.read(run)
        except Exception:
            return [None] * len(claims)

    async def _read_one(self, claim: Claim) -> bytes:
        try:
            found = await self._store.read(lambda tx: _text(tx, claim))
        except StoreDamaged as error:
            raise Damaged(str(error)) from error
        if found is None:
            raise Damaged("the message's text is not there")
        return found


async def _text(tx: Transaction, claim: Claim) -> bytes | None:
    """The text, None when it is not there whole."""
    row = await tx.one("SELECT data, pieces FROM body WHERE message_seq = ?", claim.message_seq)
    if row is None or not isinstance(row[0], bytes):
        return None
    behind = await pieces.behind(tx, claim.message_id, row[1]) if row[1] else []
    return row[0] if behind == [] else None if behind is None else b"".join((row[0], *behind))
