"""The conversations of a server in the test's own loop: seen to their end, so that none is cut off by the loop's."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.support.patience import PATIENCE_S

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Talks:
    """Keeps track of what a server has begun."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, server: Server) -> Server:
        """The same server, kept track of."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await server(reader, writer)
            finally:
                writer.close()

        return talk

    async def end(self) -> None:
        """Wait until all are over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE_S)
        await asyncio.sleep(0.01)
