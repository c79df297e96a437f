"""When access keys are used: noted in memory at each use, written now and then, to a quarter of an hour."""

from sesame.access.periodic import write_every
from sesame.db import Store
from sesame.errors import Unavailable
from sesame.observe import Clock, Log
from sesame.store import key_use
from sesame.store.key_use import KeyUse

EXACT_TO_S = 900.0
"""A use this soon after one that was noted is not noted again: a busy key costs one row in that time."""
WRITE_EVERY_S = 15.0
MOST_KNOWN = 50_000
MOST_AT_ONCE = 1_000
"""Rows of one write, which keeps all others waiting."""


class KeyUses:
    """Notes uses; `run` writes them until cancelled, and once more then."""

    def __init__(self, store: Store, clock: Clock, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._noted: dict[str, float] = {}
        self._new: dict[str, KeyUse] = {}

    def note(self, access_key_id: str, door: str, region: str) -> None:
        """A key was used now, by whoever has its secret."""
        now = self._clock.now()
        last = self._noted.get(access_key_id)
        if last is not None and 0 <= now - last < EXACT_TO_S:
            return
        if len(self._noted) >= MOST_KNOWN:
            self._noted.clear()
        self._noted[access_key_id] = now
        self._new[access_key_id] = KeyUse(access_key_id=access_key_id, used_at=now, door=door, region=region)

    async def write(self) -> None:
        """Write what was noted since the last time."""
        uses, self._new = list(self._new.values()), {}
        while uses:
            part = uses[:MOST_AT_ONCE]
            try:
                await self._store.write(lambda tx, part=part: key_use.note(tx, part))  # type: ignore[misc]
            except Unavailable as error:
                self._new = {one.access_key_id: one for one in uses} | self._new
                self._log.error("key_uses_not_saved", reason=str(error))
                return
            del uses[:MOST_AT_ONCE]

    async def run(self) -> None:
        """Write now and then."""
        await write_every(WRITE_EVERY_S, self.write)
