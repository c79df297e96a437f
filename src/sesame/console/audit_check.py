"""Is the audit log whole: the last verification from the console, kept until the process ends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sesame.admin.audit import Report, verify
from sesame.db import Store
from sesame.errors import ConfigError, Unavailable
from sesame.observe import Clock
from sesame.store import audit
from sesame.store.audit import Mark

LONGEST_S = 60.0
"""How long a verification may take; the command line has no such bound."""
ROWS = 500
"""Rows between two looks at what else the process has to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """When the log was verified, what was found, and up to which row of each account."""

    at: float
    report: Report
    up_to: Mapping[str, int]


class AuditCheck:
    """Verifies; `kept` are the heads that were written elsewhere, to `heads_file`, at `written_at` the last time."""

    def __init__(
        self,
        store: Store,
        public: bytes,
        *,
        kept: Callable[[], Awaitable[Sequence[Mark]]],
        heads_file: str,
        written_at: Callable[[], float | None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._public = public
        self._kept = kept
        self._clock = clock
        self._turn = asyncio.Lock()
        self.heads_file = heads_file
        self.written_at = written_at
        self.last: Verified | None = None

    @property
    def key(self) -> str:
        """The public key that heads are signed with."""
        return self._public.hex()

    async def verify(self) -> Verified:
        """Walk every chain now. Raises `Unavailable` when it takes too long, or the heads cannot be read."""
        async with self._turn:
            try:
                async with asyncio.timeout(LONGEST_S):
                    kept = await self._kept()
                    heads = await self._store.read(audit.heads)
                    report = await verify(self._store, self._public, kept=kept, page=ROWS)
            except TimeoutError:
                raise Unavailable(
                    f"verifying takes longer than {LONGEST_S:.0f} s here; use `sesame audit verify`"
                ) from None
            except ConfigError as error:
                raise Unavailable(str(error)) from None
            up_to = {head.account_id: head.seq for head in heads}
            self.last = Verified(at=self._clock.now(), report=report, up_to=up_to)
            return self.last
