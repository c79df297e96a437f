"""What is noted in memory and written now and then."""

import asyncio
from collections.abc import Awaitable, Callable


async def write_every(seconds: float, write: Callable[[], Awaitable[None]]) -> None:
    """Call `write` at this interval until cancelled, and once more then."""
    try:
        while True:
            await asyncio.sleep(seconds)
            await write()
    finally:
        await write()
