"""Bounds how often an account calls an operation: a token bucket for each operation, in memory.

Sends are not among them: their rate is the account's, and counted in the store. Source: SES developer
guide, "Service quotas" (API sending limits).
"""

from collections import OrderedDict

from sesame.errors import Throttling
from sesame.model import Caller
from sesame.observe import Clock

MAX_BUCKETS = 50_000
BURST_S = 5.0
"""Seconds of the rate that may be used at once, so that a program's start is not held up."""


class Throttle:
    """Calls a second for each account, region and operation; `per_second` 0 lets everything through."""

    def __init__(self, clock: Clock, *, per_second: float) -> None:
        self._clock = clock
        self.allow(per_second)
        self._buckets: OrderedDict[tuple[str, str, str, str], tuple[float, float]] = OrderedDict()

    def allow(self, per_second: float) -> None:
        """Count by another rate from now on."""
        self._per_second = per_second
        self._capacity = max(1.0, per_second * BURST_S)

    def waiting(self) -> list[tuple[str, str, str, float]]:
        """Which calls would be refused now: account, region, operation, and in how many seconds one is admitted."""
        if not self._per_second:
            return []
        now, found = self._clock.monotonic(), []
        for (account_id, region, _, operation), (tokens, at) in self._buckets.items():
            left = 1.0 - (tokens + (now - at) * self._per_second)
            if left > 0:
                found.append((account_id, region, operation, left / self._per_second))
        return found

    def admit(self, caller: Caller, service: str, operation: str) -> None:
        """Count a call. Raises `Throttling` when there were too many."""
        if not self._per_second:
            return
        key = (caller.principal.account_id, caller.region, service, operation)
        now = self._clock.monotonic()
        tokens, at = self._buckets.pop(key, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - at) * self._per_second)
        is_admitted = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if is_admitted else tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        if not is_admitted:
            raise Throttling("Rate exceeded")
