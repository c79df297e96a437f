"""Refusals that tell nothing by their time (I9).

How long a refusal takes depends on what there is behind it: an identity or none, its policies, whether they are in
memory. It is answered at the next of even steps since the question came, so that the step is all there is to measure.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sesame.errors import ServiceError, Unavailable
from sesame.observe import Clock


class Pace:
    """Holds answers back to even steps of `step_s` seconds; 0 holds nothing back."""

    def __init__(
        self, clock: Clock, *, step_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._step_s = step_s
        self._sleep = sleep

    def begin(self) -> float:
        """The moment from which the steps count."""
        return self._clock.monotonic()

    async def hold(self, began: float) -> None:
        """Wait for the next step since `began`."""
        if self._step_s > 0:
            await self._sleep(self._step_s - (self._clock.monotonic() - began) % self._step_s)

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
