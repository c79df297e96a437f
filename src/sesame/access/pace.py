"""Refusals that tell nothing by their time (I9).

How long a refusal takes depends on what there is behind it: an identity or none, its policies, whether they are in
memory. It is answered at the next of even steps since the question came, so that the step is all there is to measure.
Steps are moments of the loop's own clock: its timers have a grain, of a millisecond in uvloop, and a wait for what is
left of a step would end with what was lost in rounding it, which is how long the work took.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sesame.errors import ServiceError, Unavailable


def loop_time() -> float:
    """The clock of the running loop, by which its timers go."""
    return asyncio.get_running_loop().time()


async def sleep_until(at: float) -> None:
    """Wait for a moment of the loop's clock."""
    loop = asyncio.get_running_loop()
    is_over = loop.create_future()
    timer = loop.call_at(at, is_over.set_result, None)
    try:
        await is_over
    finally:
        timer.cancel()


class Pace:
    """Holds answers back to even steps of `step_s` seconds; 0 holds nothing back."""

    def __init__(
        self,
        *,
        step_s: float,
        now: Callable[[], float] = loop_time,
        sleep_until: Callable[[float], Awaitable[None]] = sleep_until,
    ) -> None:
        self._step_s = step_s
        self._now = now
        self._sleep_until = sleep_until

    def begin(self) -> float:
        """The moment from which the steps count."""
        return self._now()

    async def hold(self, began: float) -> None:
        """Wait for the next step since `began`."""
        if self._step_s > 0:
            steps = int((self._now() - began) / self._step_s) + 1
            await self._sleep_until(began + steps * self._step_s)

    @asynccontextmanager
    async def refusals(
        self, keep: Callable[[ServiceError], Awaitable[object]] | None = None
    ) -> AsyncIterator[None]:
        """Whatever is refused inside is refused at a step; `keep` records it before, since that takes time as well."""
        began = self.begin()
        try:
            yield
        except ServiceError as refusal:
            if keep is not None:
                with suppress(Unavailable):  # whoever answers tries again, and says so in the log
                    await keep(refusal)
            await self.hold(began)
            raise
