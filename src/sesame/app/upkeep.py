"""What runs beside the doors, kept running: a fault of ours in one of these must not end the process for all.

Doors and delivery are not kept so: where they fail, what is in memory cannot be relied on, and the process ends.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from functools import partial

from sesame.app.foundation import Services
from sesame.config import Settings
from sesame.errors import Unavailable
from sesame.observe import Log
from sesame.spool import steady
from sesame.spool.purge import Retention, purge

PURGE_EVERY_S = 3600.0
KEEP_CLOCK_EVERY_S = 60.0

PAUSE_S = 5.0
"""How long what failed waits before it begins again."""


async def keep_running(
    name: str, run: Callable[[], Awaitable[None]], *, log: Log, pause_s: float = PAUSE_S
) -> None:
    """Run until `run` returns or is cancelled; what it raises is logged as `upkeep_failed`, and it begins again."""
    while True:
        try:
            await run()
        except Exception:
            log.error("upkeep_failed", task=name, trace=traceback.format_exc())
            await asyncio.sleep(pause_s)
        else:
            return


class Upkeep:
    """What has no room of its own to wire it: the checks of identities, the purge, and the two clocks.

    `settings` gives those in force now.
    """

    def __init__(self, services: Services, settings: Callable[[], Settings]) -> None:
        self._services = services
        self._settings = settings

    def roles(self, boot_id: str) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is to run, by name; `boot_id` is the machine's."""
        return {
            "identities": self._check_identities,
            "purge": self._purge,
            "loop": self._measure_loop,
            "clock": partial(self._keep_clock, boot_id),
        }

    async def _measure_loop(self) -> None:
        """How late the loop comes to what is due: what everybody waits for."""
        while True:
            before = self._services.clock.monotonic()
            await asyncio.sleep(1.0)
            self._services.metrics.loop_lag.set(max(0.0, self._services.clock.monotonic() - before - 1.0))

    async def _keep_clock(self, boot_id: str) -> None:
        """Note where delivery's clock stands, for the next start."""
        while True:
            try:
                await steady.keep(self._services.store, self._services.steady, boot_id)
            except Unavailable as error:
                self._services.log.error("clock_not_saved", reason=str(error))
            await asyncio.sleep(KEEP_CLOCK_EVERY_S)

    async def _check_identities(self) -> None:
        while True:
            try:
                await self._services.dkim_rotation.add_missing()
                await self._services.dkim_rotation.rotate_due()
                await self._services.checks.check_due()
            except Unavailable as error:
                self._services.log.error("identity_check_failed", reason=str(error))
            await asyncio.sleep(self._settings().dns.check_every_s)

    async def _purge(self) -> None:
        """Let go of what is past its retention, a little at a time."""
        while True:
            await asyncio.sleep(PURGE_EVERY_S)
            retention = Retention(
                messages_days=self._settings().retention_days,
                heads_days=self._settings().retention_headers_days,
                refusals_days=self._settings().retention_refusals_days,
            )
            try:
                await purge(self._services.store, retention, now=self._services.ages.now())
            except Unavailable as error:
                self._services.log.error("purge_failed", reason=str(error))
