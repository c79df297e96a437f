"""What has to be done before a server serves; a store that cannot be written is waited for.

A full disk or another process's lock passes. To end instead would only have the process started again and again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from sesame.errors import Unavailable
from sesame.observe import Log

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


async def prepare(
    steps: Mapping[str, Callable[[], Awaitable[None]]],
    *,
    stop: asyncio.Event,
    log: Log,
    waits: Callable[[str], None],
) -> bool:
    """Take the steps, each until it succeeds; False when stopped before. `waits` is called with what for."""
    for name, step in steps.items():
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await step()
                break
            except Unavailable as error:
                waits(f"the start waits: {error}")
                log.error("start_delayed", step=name, reason=str(error), again_in_s=wait_s)
            try:
                async with asyncio.timeout(wait_s):
                    await stop.wait()
                return False
            except TimeoutError:
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    return True
