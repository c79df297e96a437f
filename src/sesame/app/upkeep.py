"""Keeps what runs beside the doors running: a fault of ours in one of them must not end the process for all.

Doors and delivery are not kept so: where they fail, what is in memory cannot be relied on, and the process ends.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from sesame.observe import Log

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
