"""Outcomes on their way into the spool: all that are ready in one commit, none forgotten until it is recorded.

An outcome that cannot be written now is kept and tried again; if its recipient is claimed anew meanwhile, for its
lease ran out, the outcome goes in under the new claim, so that nothing is delivered twice after a 250.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence

import msgspec

from sesame.errors import Unavailable
from sesame.metrics import Metrics
from sesame.observe import Clock, Log
from sesame.spool.pieces import BEGINNING_BYTES
from sesame.spool.spool import Claim, Settlement, Spool
from sesame.store.events import Stage

GAP_S = 0.01
"""From an outcome to its commit at most: nobody waits for it, and those that are known meanwhile share it. What is not
recorded when the process is killed is delivered again, so it is no longer."""
TRIES_AT_STOP = 10
PAUSE_AT_STOP_S = 0.15
"""What is not recorded by then is delivered again by the next process."""


class Settling:
    """Collects settlements and writes them; `run` until cancelled, `rest` afterwards.

    `recorded` is called with each stage at which events wait now. A commit begins `gap_s` after the first outcome that
    it is for, or at once when it is hastened.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        recorded: Callable[[Stage], None],
        pause_s: float,
        gap_s: float = GAP_S,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._recorded = recorded
        self._pause_s = pause_s
        self._gap_s = gap_s
        self._done: dict[int, Settlement] = {}
        self._large: set[str] = set()
        """Messages with a recipient that has settled and whose text may be in pieces."""
        self._has_large = asyncio.Event()
        self._is_due = asyncio.Event()
        self._is_hastened = asyncio.Event()
        self._writing = asyncio.Lock()

    def add(self, settlement: Settlement) -> None:
        """Have it written with the next commit."""
        self._done[settlement.claim.recipient_seq] = settlement
        self._is_due.set()

    def hasten(self) -> None:
        """Write what is known now: others are about to commit too, or nothing more will come."""
        if self._is_due.is_set():  # not for those that are being written
            self._is_hastened.set()

    def adopt(self, claim: Claim) -> bool:
        """Whether an outcome for the recipient waits to be written; it goes in under this claim."""
        found = self._done.get(claim.recipient_seq)
        if found is None:
            return False
        self._done[claim.recipient_seq] = msgspec.structs.replace(found, claim=claim)
        self._is_due.set()
        return True

    async def tidy(self) -> None:
        """Let go of the text of large messages as they settle; what is left at the end goes when it is old."""
        while True:
            await self._has_large.wait()
            self._has_large.clear()
            gone, self._large = self._large, set()
            try:
                await self._spool.drop_pieces(gone)
            except Unavailable as error:
                self._log.error("message_pieces_not_deleted", reason=str(error))

    async def run(self) -> None:
        """Write outcomes as they come."""
        while True:
            await self._is_due.wait()
            timer = asyncio.get_running_loop().call_later(self._gap_s, self._is_hastened.set)
            await self._is_hastened.wait()
            timer.cancel()
            self._is_hastened.clear()
            self._is_due.clear()
            try:
                await self._write()
            except Unavailable as error:
                self._log.error("outcomes_not_saved", reason=str(error))
                await asyncio.sleep(self._pause_s)
                self._is_due.set()

    async def rest(self) -> None:
        """Write what is left, for the last time."""
        for _ in range(TRIES_AT_STOP):
            try:
                if self._done:
                    await asyncio.shield(self._write())
                return
            except Unavailable as error:
                self._log.error("outcomes_not_saved", reason=str(error), left=len(self._done))
                await asyncio.sleep(PAUSE_AT_STOP_S)

    async def _write(self) -> None:
        async with self._writing:
            batch = list(self._done.values())
            if not batch:
                return
            try:
                await self._settle(batch)
                self._forget(batch)
            except Unavailable:
                raise
            except Exception:  # one of them cannot be written; the others can
                self._log.error("outcomes_not_saved", trace=traceback.format_exc())
                for settlement in batch:
                    await self._write_one(settlement)

    async def _settle(self, batch: Sequence[Settlement]) -> None:
        settled = await self._spool.settle(batch, at=self._clock.now())
        if settled.delivered:
            self._metrics.messages.labels("delivered").inc(settled.delivered)
        for stage in settled.stages:
            self._recorded(stage)

    async def _write_one(self, settlement: Settlement) -> None:
        plain = msgspec.structs.replace(
            settlement.outcome, diagnostic="cannot be recorded", remote_mta=None, remote_ip=None
        )
        for one in (settlement, msgspec.structs.replace(settlement, outcome=plain)):
            try:
                await self._settle([one])
            except Unavailable:
                raise
            except Exception:
                self._log.error(
                    "outcomes_not_saved", message_id=one.claim.message_id, trace=traceback.format_exc()
                )
            else:
                self._forget([settlement])
                return
        await self._set_aside(settlement)

    async def _set_aside(self, settlement: Settlement) -> None:
        """Hold a recipient whose outcome cannot be written: once its lease had ended it would be tried again.

        One that cannot be held either is kept, so that it goes in under the next claim.
        """
        claim = settlement.claim
        said = f"its outcome cannot be recorded: {settlement.outcome.kind.value}, {settlement.outcome.status}"
        try:
            await self._spool.hold([claim.recipient_seq], said, at=self._clock.now())
        except Unavailable:
            raise
        except Exception:
            self._log.error("message_not_held", message_id=claim.message_id, trace=traceback.format_exc())
            return
        self._log.error("message_held", message_id=claim.message_id, reason=said)
        if self._done.get(claim.recipient_seq) is settlement:
            del self._done[claim.recipient_seq]

    def _forget(self, batch: list[Settlement]) -> None:
        for settlement in batch:
            seq = settlement.claim.recipient_seq
            if self._done.get(seq) is settlement:
                del self._done[seq]
            if settlement.retry_at is None and settlement.claim.size_bytes > BEGINNING_BYTES:
                self._large.add(settlement.claim.message_id)
                self._has_large.set()
