"""Turns at the event log: how whoever claims events waits for them and gathers them, reacting to them or publishing.

What a turn does is its owner's; which events there are is `store.events`'.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sesame.errors import Unavailable
from sesame.observe import Log

POLL_S = 1.0
"""How long an event waits at most when the hint of it is lost."""

GATHER_S = 0.02
"""How long events are gathered once there is one."""

GATHER_BUSY_S = 0.1
"""How long after a turn that had `MANY`: each turn costs commits and hand-overs, however many events share it."""

MANY = 16


class Turns:
    """Takes turns until cancelled.

    `turn` claims up to `limit` events and says how many it had; its argument is whether there was a hint of some. A
    store that is unavailable is logged as `failure`, and the next turn tries again.
    """

    def __init__(self, turn: Callable[[bool], Awaitable[int]], *, limit: int, log: Log, failure: str) -> None:
        self._turn = turn
        self._limit = limit
        self._log = log
        self._failure = failure
        self._work = asyncio.Event()

    def wake(self) -> None:
        """Hint that there may be events."""
        self._work.set()

    async def run(self) -> None:
        """Take turns, until cancelled."""
        is_hinted = False
        while True:
            self._work.clear()
            most = await self._until_few(is_hinted=is_hinted)
            is_hinted = False
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._work.wait()
                    is_hinted = True
                    await asyncio.sleep(GATHER_BUSY_S if most >= MANY else GATHER_S)

    async def _until_few(self, *, is_hinted: bool) -> int:
        """Turns until one had less than it could have; the most events that one had."""
        most = 0
        try:
            while (count := await self._turn(is_hinted)) >= self._limit:
                most = count
        except Unavailable as error:
            self._log.error(self._failure, reason=str(error))
            return most
        return max(most, count)
