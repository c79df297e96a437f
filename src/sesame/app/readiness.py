"""Whether a send would be accepted now, for `/readyz`: a durable write, and room on the disk.

A probe writes at most once in `PROBE_S`, however many monitors ask.
"""

import asyncio
from collections.abc import Callable

from sesame.db import Store, Transaction, bump
from sesame.errors import Unavailable
from sesame.observe import Clock

PROBE_S = 1.0
SCOPE = "readiness"
"""Epoch scope that nothing rests on: its row is what the probe writes."""


class Readiness:
    """Asks the parts that a send needs; `free_bytes` tells the free space where the database is."""

    def __init__(
        self, store: Store, *, free_bytes: Callable[[], int], reserve_bytes: int, clock: Clock
    ) -> None:
        self._store = store
        self._free_bytes = free_bytes
        self._reserve_bytes = reserve_bytes
        self._clock = clock
        self._probed_at = float("-inf")
        self._problems: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self.starting = ""
        """Why nothing is served yet, while that is so."""

    async def problems(self) -> dict[str, str]:
        """What keeps a send from being accepted, by part; empty when the service is ready."""
        if self.starting:
            return {"start": self.starting}
        async with self._lock:
            now = self._clock.monotonic()
            if now - self._probed_at >= PROBE_S:
                self._problems = self._disk() | await self._write()
                self._probed_at = self._clock.monotonic()
            return self._problems

    def _disk(self) -> dict[str, str]:
        try:
            free = self._free_bytes()
        except OSError as error:
            return {"disk": str(error)}
        if free >= self._reserve_bytes:
            return {}
        return {"disk": f"{free} bytes free, below the reserve of {self._reserve_bytes}"}

    async def _write(self) -> dict[str, str]:
        async def run(tx: Transaction) -> None:
            await bump(tx, SCOPE)

        try:
            await self._store.write(run)
        except Unavailable as error:
            return {"store": str(error)}
        return {}
