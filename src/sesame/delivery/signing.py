"""DKIM at delivery: sign with the keys that are in force now (design decision 3).

Whose they are is `settings`' to say. RSA runs on the executor, where it releases the GIL; what waits
goes there together, for a way there and back costs a third of a signature. Large messages have a thread of their own,
where all that takes long is done with them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import msgspec

from sesame.dkim.sign import Signer, sign_all
from sesame.smtp.data import MailText

T = TypeVar("T")

LARGE_BYTES = 256 * 1024
"""Messages above this are worked on apart, so that one of them does not hold up the rest."""

TOGETHER = 16
"""Messages that go to the executor at once, at most; a few milliseconds of RSA."""


class _Unsigned(msgspec.Struct, frozen=True):
    """A message that waits for its signature."""

    signers: Sequence[Signer]
    message: bytes
    at: float
    field: asyncio.Future[bytes]


class Signing:
    """Signs messages; at most `threads` batches are on the executor at a time, so that others are served there too."""

    def __init__(self, executor: Executor, *, threads: int = 1, large: Executor | None = None) -> None:
        """`large` is for large messages; None: they are signed with the others."""
        self._executor = executor
        self._large = large
        self._threads = threads
        self._unsigned: deque[_Unsigned] = deque()
        self._under_way = 0

    async def large_text(
        self, message: bytes, signers: Sequence[Signer], *, trace_field: bytes, now: float
    ) -> MailText:
        """A large message as it goes on the wire, with `trace_field` and the signatures before it."""
        return await self.apart(partial(_large_text, message, signers, trace_field, now))

    async def apart(self, work: Callable[[], T]) -> T:
        """Do work with a large message where it keeps nobody waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._large or self._executor, work)

    async def sign(self, message: bytes, signers: Sequence[Signer], *, now: float) -> bytes:
        """The message with one DKIM-Signature field of each signer before it."""
        if not signers:
            return message
        loop = asyncio.get_running_loop()
        waiting = _Unsigned(signers, message, now, loop.create_future())
        self._unsigned.append(waiting)
        if len(self._unsigned) == 1:
            loop.call_soon(self._sign_waiting)  # not at once: a claim's attempts all start in one turn
        return await waiting.field + message

    def _sign_waiting(self) -> None:
        """Send to the executor what waits, as far as there is room."""
        while self._unsigned and self._under_way < self._threads:
            batch = [self._unsigned.popleft() for _ in range(min(len(self._unsigned), TOGETHER))]
            self._under_way += 1
            done = asyncio.get_running_loop().run_in_executor(self._executor, _sign_all, batch)
            done.add_done_callback(partial(self._resolve, batch))

    def _resolve(self, batch: list[_Unsigned], done: "asyncio.Future[list[bytes | Exception]]") -> None:
        self._under_way -= 1
        self._sign_waiting()
        for waiting, result in zip(batch, done.result(), strict=True):
            if waiting.field.cancelled():
                continue
            if isinstance(result, Exception):
                waiting.field.set_exception(result)
            else:
                waiting.field.set_result(result)


def _sign_all(batch: list[_Unsigned]) -> list[bytes | Exception]:
    """The DKIM-Signature fields of each message, or why it has none."""
    return [_sign(waiting) for waiting in batch]


def _sign(waiting: _Unsigned) -> bytes | Exception:
    try:
        return sign_all(waiting.signers, waiting.message, at=waiting.at)
    except Exception as error:
        return error


def _large_text(message: bytes, signers: Sequence[Signer], trace_field: bytes, now: float) -> MailText:
    return MailText.of(b"".join((trace_field, sign_all(signers, message, at=now), message)))
