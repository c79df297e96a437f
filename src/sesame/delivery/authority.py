"""Whether what allowed a queued message still does: asked before an attempt, and again before the message goes out.

Only what another account lent is asked. Those that ask at once share a read, which begins after they have asked; so
the answer is as new as a read of their own would give, and costs a fraction of one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sesame.access.redecide import Again, Lent, Ruling
from sesame.errors import SesameError
from sesame.spool.spool import Claim

MOST_AT_ONCE = 500


class NotAllowed(SesameError):
    """The message may not be delivered, or not now."""

    def __init__(self, again: Again) -> None:
        super().__init__(f"not allowed any more: {again.ruling.name.lower()}")
        self.again = again


@dataclass(slots=True, eq=False)
class _Asking:
    message: Lent
    answer: Again | None = None


class Authority:
    """Asks `decide` (`Redecider.decide`) for all that wait."""

    def __init__(self, decide: Callable[[Sequence[Lent]], Awaitable[Sequence[Again]]]) -> None:
        self._decide = decide
        self._asking: list[_Asking] = []
        self._turn = asyncio.Lock()

    async def check(self, claim: Claim) -> None:
        """Return when the message may be delivered. Raises `NotAllowed`, or `Unavailable` when that cannot be asked."""
        if not claim.is_lent:
            return
        mine = _Asking(_lent(claim))
        self._asking.append(mine)
        async with self._turn:  # whoever has its turn asks for all that wait
            if mine.answer is None:
                await self._ask(mine)
        assert mine.answer is not None, "asked in its turn"
        if mine.answer.ruling is not Ruling.ALLOWED:
            raise NotAllowed(mine.answer)

    async def _ask(self, mine: _Asking) -> None:
        others = [one for one in self._asking if one is not mine]
        batch, self._asking = [mine, *others[: MOST_AT_ONCE - 1]], others[MOST_AT_ONCE - 1 :]
        answers = await self._decide([one.message for one in batch])
        for one, answer in zip(batch, answers, strict=True):
            one.answer = answer


def _lent(claim: Claim) -> Lent:
    words = [word.split(":") for word in (claim.lent or "").split()]
    return Lent(
        message_seq=claim.message_seq,
        account_id=claim.account_id,
        owner_account_id=claim.owner_account_id,
        region=claim.region,
        accepted_at=claim.accepted_at,
        epochs={owner: int(epoch) for owner, epoch in words},
    )
