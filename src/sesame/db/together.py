"""Questions that are asked at once share a look-up, which begins after they were asked.

So each answer is as new as a look-up of its own would give, and costs a fraction of one: handing work to another thread
and back takes longer than most look-ups.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from sesame.errors import SesameError

Q = TypeVar("Q")
A = TypeVar("A")


class _LeaderGone(SesameError):
    """Whoever asked for the others was cancelled."""


class _Batch(Generic[Q, A]):
    """Those that ask together; whoever came first asks."""

    def __init__(self) -> None:
        self.questions: list[Q] = []
        self.answers: asyncio.Future[Sequence[A]] = asyncio.get_running_loop().create_future()


class Together(Generic[Q, A]):
    """Asks `look_up` for all that wait; one look-up is under way at a time."""

    def __init__(self, look_up: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._look_up = look_up
        self._asked: _Batch[Q, A] | None = None
        self._gathering: _Batch[Q, A] | None = None

    async def ask(self, question: Q) -> A:
        """The answer to one question. Raises what the look-up raises."""
        while True:
            batch = self._gathering
            is_first = batch is None
            if batch is None:
                batch = self._gathering = _Batch()
            number = len(batch.questions)
            batch.questions.append(question)
            if is_first:
                return (await self._ask(batch))[number]
            try:
                return (await asyncio.shield(batch.answers))[number]
            except _LeaderGone:
                continue

    async def _ask(self, batch: _Batch[Q, A]) -> Sequence[A]:
        """Ask for a batch, once the one before it has its answers."""
        try:
            while (before := self._asked) is not None:
                await asyncio.wait([before.answers])
            await asyncio.sleep(0)  # the attempts of one claim all ask in one turn of the loop
            self._asked, self._gathering = batch, None
            answers = await self._look_up(batch.questions)
        except BaseException as error:
            batch.answers.set_exception(error if isinstance(error, Exception) else _LeaderGone())
            batch.answers.exception()  # whether or not another one waits for it
            raise
        finally:
            if self._gathering is batch:
                self._gathering = None
            if self._asked is batch:
                self._asked = None
        batch.answers.set_result(answers)
        return answers
