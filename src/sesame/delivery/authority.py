"""Whether what allowed a queued message still does: asked before an attempt, and again when it took long to a server.

Only what another account lent is asked. Those that ask at once share a read, which begins after they have asked; so
the answer is as new as a read of their own would give, and costs a fraction of one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from sesame.access.redecide import Again, Lent, Ruling
from sesame.db import identities_scope
from sesame.errors import SesameError
from sesame.observe import Clock
from sesame.spool.spool import Claim

FRESH_S = 0.1
"""So long an answer is good for the attempt that asked."""


class NotAllowed(SesameError):
    """The message may not be delivered, or not now."""

    def __init__(self, again: Again) -> None:
        super().__init__(f"not allowed any more: {again.ruling.name.lower()}")
        self.again = again


class _LeaderGone(SesameError):
    """Whoever asked for the others was cancelled."""


class _Batch:
    """Those that ask together; whoever came first asks."""

    def __init__(self) -> None:
        self.messages: list[Lent] = []
        self.answers: asyncio.Future[Sequence[Again]] = asyncio.get_running_loop().create_future()


class Authority:
    """Asks `decide` (`Redecider.decide`) for all that wait."""

    def __init__(
        self, decide: Callable[[Sequence[Lent]], Awaitable[Sequence[Again]]], *, clock: Clock
    ) -> None:
        self._decide = decide
        self._clock = clock
        self._asked: _Batch | None = None
        self._gathering: _Batch | None = None

    async def check(self, claim: Claim, *, asked_at: float | None = None) -> float:
        """Return when the message may be delivered, with when that was asked, by the monotonic clock.

        An answer from `asked_at` that is new enough stands. Raises `NotAllowed`, or `Unavailable` when nobody can say.
        """
        now = self._clock.monotonic()
        if not claim.is_lent or (asked_at is not None and now - asked_at < FRESH_S):
            return now
        answer = await self._answer(_lent(claim))
        if answer.ruling is not Ruling.ALLOWED:
            raise NotAllowed(answer)
        return now

    async def _answer(self, message: Lent) -> Again:
        while True:
            batch = self._gathering
            is_first = batch is None
            if batch is None:
                batch = self._gathering = _Batch()
            number = len(batch.messages)
            batch.messages.append(message)
            if is_first:
                return (await self._ask(batch))[number]
            try:
                return (await asyncio.shield(batch.answers))[number]
            except _LeaderGone:
                continue

    async def _ask(self, batch: _Batch) -> Sequence[Again]:
        """Ask for a batch, once the one before it has its answers."""
        try:
            while (before := self._asked) is not None:
                await asyncio.wait([before.answers])
            self._asked, self._gathering = batch, None
            answers = await self._decide(batch.messages)
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


def _lent(claim: Claim) -> Lent:
    return Lent(
        message_seq=claim.message_seq,
        account_id=claim.account_id,
        region=claim.region,
        accepted_at=claim.accepted_at,
        epochs=_epochs(claim.lent or "", claim.owner_account_id, claim.region),
    )


@lru_cache(maxsize=4_096)  # messages of one owner share it
def _epochs(lent: str, owner: str, region: str) -> tuple[tuple[str, int], ...]:
    words = [word.split(":") for word in lent.split()] or [[owner, "-1"]]
    return tuple((identities_scope(account, region), int(epoch)) for account, epoch in words)
