"""How many bytes of large messages delivery holds at once; further ones wait for their turn.

A small message is not counted: places bound how many of them are under way. A destination has at most a share of the
whole, so that one that takes its mail slowly leaves room for others; a message larger than all of it goes alone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sesame.errors import SesameError

MAX_WAITING = 16
"""Attempts that wait; each has a place that other mail could have."""
SHARE = 4
"""A destination has at most this part of the whole, or one message."""


class NoMemory(SesameError):
    """Too many large messages wait already; nothing was tried."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A message that waits for room."""

    size_bytes: int
    destination: str
    turn: asyncio.Future[None]


class Memory:
    """Counts the bytes of large messages, in all and for each destination; `limit_bytes` is for all."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._by_destination: dict[str, int] = {}
        self._waiting: deque[_Waiting] = deque()

    @property
    def held_bytes(self) -> int:
        """How many are held now."""
        return self._held_bytes

    @asynccontextmanager
    async def hold(self, size_bytes: int, destination: str) -> AsyncIterator[None]:
        """Hold so many bytes to the end of the block, once there is room for them. Raises `NoMemory`."""
        if not self.has_room(size_bytes, destination):
            if len(self._waiting) >= MAX_WAITING:
                raise NoMemory("too many large messages wait to be delivered")
            waiting = _Waiting(size_bytes, destination, asyncio.get_running_loop().create_future())
            self._waiting.append(waiting)
            try:
                await waiting.turn  # what it waited for has been counted when it comes
            except BaseException:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                else:
                    self._let_go(size_bytes, destination)
                raise
        else:
            self._take(size_bytes, destination)
        try:
            yield
        finally:
            self._let_go(size_bytes, destination)

    def has_room(self, size_bytes: int, destination: str) -> bool:
        """Whether they can be held without waiting."""
        if self._held_bytes and self._held_bytes + size_bytes > self._limit_bytes:
            return False
        held = self._by_destination.get(destination, 0)
        return not held or held + size_bytes <= self._limit_bytes // SHARE

    def _take(self, size_bytes: int, destination: str) -> None:
        self._held_bytes += size_bytes
        self._by_destination[destination] = self._by_destination.get(destination, 0) + size_bytes

    def _let_go(self, size_bytes: int, destination: str) -> None:
        self._held_bytes -= size_bytes
        self._by_destination[destination] -= size_bytes
        if not self._by_destination[destination]:
            del self._by_destination[destination]
        for waiting in list(self._waiting):
            if self.has_room(waiting.size_bytes, waiting.destination):
                self._waiting.remove(waiting)
                if not waiting.turn.done():
                    self._take(waiting.size_bytes, waiting.destination)
                    waiting.turn.set_result(None)
