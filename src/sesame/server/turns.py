"""Connections that bring much at once have their turns one after the other, and the loop serves the others between."""

import asyncio
from collections import deque
from collections.abc import Callable

MUCH_BYTES = 64 * 1024
"""Who brings so much in one piece waits for the next turn."""


class Turns:
    """Calls what waits, one in each turn of the loop, in the order it came."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` when its turn comes."""
        self._waiting.append(go_on)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        go_on = self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        go_on()
