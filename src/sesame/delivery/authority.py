"""Whether what allowed a queued message still does: asked before an attempt, and again when it took long to a server.

Only what another account lent is asked; those that ask at once share a read (`together`).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from sesame.access.redecide import Again, Lent, Ruling
from sesame.db import identities_scope
from sesame.db.together import Together
from sesame.errors import SesameError
from sesame.observe import Clock
from sesame.spool.spool import Claim

FRESH_S = 0.1
"""So long an answer is good for the attempt that asked."""


class NotAllowed(SesameError):
    """The message may not be delivered, or not now."""

    def __init__(self, again: Again) -> None:
        super().__init__(f"no longer allowed: {again.ruling.name.lower()}")
        self.again = again


class Authority:
    """Asks `decide` (`Redecider.decide`) for all that wait."""

    def __init__(
        self, decide: Callable[[Sequence[Lent]], Awaitable[Sequence[Again]]], *, clock: Clock
    ) -> None:
        self._decided = Together(decide)
        self._clock = clock

    async def check(self, claim: Claim, *, asked_at: float | None = None) -> float:
        """Return when the message may be delivered, with when that was asked, by the monotonic clock.

        An answer from `asked_at` that is new enough stands. Raises `NotAllowed`, or `Unavailable` when nobody can say.
        """
        now = self._clock.monotonic()
        if not claim.is_lent or (asked_at is not None and now - asked_at < FRESH_S):
            return now
        answer = await self._decided.ask(_lent(claim))
        if answer.ruling is not Ruling.ALLOWED:
            raise NotAllowed(answer)
        return now


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
    pairs = [pair.split(":") for pair in lent.split()] or [[owner, "-1"]]
    return tuple((identities_scope(account, region), int(epoch)) for account, epoch in pairs)
