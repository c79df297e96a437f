"""Puts questions about policies to a process beside the server, each with a deadline (`questions`).

A thread would hold the interpreter that accepts mail. The process is started by a browser's first request, so that
the first question finds it there, and anew when a question takes longer than it may: then it is killed, and the answer
is that there was no time. Whole answers are kept.
"""

import asyncio
import contextlib
import json
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sesame.errors import SesameError

GRACE_S = 2.0
"""How much longer than its deadline a question may take, and the process to start, before it is killed."""
MOST_WAITING, MOST_OF_AN_ACCOUNT = 16, 4
PATIENCE_S = 10.0
"""How long a question waits for its turn."""
WARM_S = 10.0
"""How long starting may take, when nobody waits for it."""
WARMING: Mapping[str, Any] = {"ask": "findings", "policies": [], "now": 0.0}
"""A question that is answered at once."""
MOST_KEPT = 128
MOST_BYTES = 8 * 1024 * 1024
"""Of one answer."""

Answered = Mapping[str, Any]
COMMAND = (sys.executable, "-m", "sesame.console.questions")


class NoAnswer(SesameError):
    """The question was not answered; the message says why."""


class Analyst:
    """One process, one question at a time. `close` ends it."""

    def __init__(self, command: Sequence[str] = COMMAND, *, patience_s: float = PATIENCE_S) -> None:
        self._command = tuple(command)
        self._patience_s = patience_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting: dict[object, tuple[str, int]] = {}
        self._number = 0
        self._kept: OrderedDict[str, Answered] = OrderedDict()
        self._warming: asyncio.Task[None] | None = None

    def warm(self) -> None:
        """Start the process beside what else is done, once: its first question then waits for it no more."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        with contextlib.suppress(NoAnswer):
            async with self._its_turn():
                if self._process is None:
                    await self._put({**WARMING, "seconds": WARM_S}, WARM_S)

    async def ask(
        self, question: Mapping[str, Any], *, seconds: float, account: str = "", who: object = None
    ) -> Answered:
        """The answer. Raises `NoAnswer`.

        Of the questions of one asker (`who`) that wait, only the newest is put: the others are out of date. An
        account has a few places among those that wait, so that none waits for another's flood.
        """
        asked = json.dumps(question, sort_keys=True)
        if asked in self._kept:
            self._kept.move_to_end(asked)
            return self._kept[asked]
        places = sum(1 for of, _ in self._waiting.values() if of == account)
        if len(self._waiting) >= MOST_WAITING or places >= MOST_OF_AN_ACCOUNT:
            raise NoAnswer("too many questions wait; ask again in a moment")
        self._number += 1
        number = self._number
        key = number if who is None else who
        self._waiting[key] = account, number
        try:
            async with self._its_turn():
                if self._waiting.get(key) != (account, number):
                    raise NoAnswer("a newer question took its place")
                found = await self._put({**question, "seconds": seconds}, seconds)
        finally:
            if self._waiting.get(key) == (account, number):
                del self._waiting[key]
        if _is_whole(found):
            self._kept[asked] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    @contextlib.asynccontextmanager
    async def _its_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._turn.acquire()
        except TimeoutError:
            raise NoAnswer("others' questions take long; ask again in a moment") from None
        try:
            yield
        finally:
            self._turn.release()

    async def _put(self, question: Mapping[str, Any], seconds: float) -> Answered:
        try:
            async with asyncio.timeout(seconds + GRACE_S):
                process = await self._running()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(question).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
        except TimeoutError:
            await self.close()
            raise NoAnswer(f"there was no answer within {seconds:g} s") from None
        except (OSError, ValueError):
            await self.close()
            raise NoAnswer("the analysis could not be run") from None
        except BaseException:
            await self.close()  # what it would answer now is another question's
            raise
        if not line:
            await self.close()
            raise NoAnswer("the analysis ended without an answer")
        reply = json.loads(line)
        if "error" in reply:
            raise NoAnswer(reply["error"])
        found: Answered = reply["answer"]
        return found

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=MOST_BYTES,
            )
        return self._process

    async def close(self) -> None:
        """End the process, if there is one."""
        if self._warming is not None and self._warming is not asyncio.current_task():
            self._warming.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await process.wait()


def _is_whole(found: Answered) -> bool:
    """Whether every part of an answer was asked."""
    parts = [found, found.get("after", {})]
    return all(part.get("asked", 0) == part.get("of", 0) for part in parts)
