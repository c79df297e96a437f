"""How a server's connections end when it stops."""

import asyncio
from collections.abc import Collection
from typing import Protocol


class Connection(Protocol):
    """A connection that can be asked to end, and cut."""

    ended: asyncio.Future[None]

    def stop(self) -> None:
        """End as soon as what is under way is answered."""

    def abort(self) -> None:
        """End at once."""


async def end_all(connections: Collection[Connection], *, within_s: float) -> None:
    """Let connections answer what is under way, and cut those that take longer.

    `connections` is the server's own collection, which those that have ended leave.
    """
    for connection in list(connections):
        connection.stop()
    ends = [connection.ended for connection in connections]
    if ends:
        await asyncio.wait(ends, timeout=within_s)
    for connection in list(connections):
        connection.abort()
