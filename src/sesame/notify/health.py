"""How endpoints do, and who may have how many of the places for deliveries. Pure: it decides, others deliver.

An endpoint is good once it took something quickly. The others (new ones, those that fail, those that answer slowly)
have few places each and half of all together: whoever has many endpoints that hang holds up those that hang. What is
kept is bounded: the longest not heard of are forgotten, and are new again.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass

KEPT = 10_000
"""Endpoints that are remembered."""

SLOW_S = 2.0
"""An answer that took longer makes an endpoint slow, until one took less."""

OF_A_NEW_ONE = 2
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0


@dataclass(slots=True)
class _Health:
    """Failures in a row, until when it is left alone, and whether it took its last message slowly."""

    failures: int = 0
    until: float = 0.0
    is_slow: bool = False

    @property
    def is_good(self) -> bool:
        return not self.failures and not self.is_slow


class Endpoints:
    """`places` is how many deliveries may be under way in all, `of_one` how many to one endpoint that is good."""

    def __init__(self, *, places: int, of_one: int) -> None:
        self._places = places
        self._of_one = of_one
        self._active: Counter[str] = Counter()
        self._health: OrderedDict[str, _Health] = OrderedDict()

    @property
    def free(self) -> int:
        """How many more deliveries may begin."""
        return self._places - self.active

    @property
    def active(self) -> int:
        """How many deliveries are under way."""
        return self._active.total()

    def places(self, now: float) -> "Places":
        """What is free now, to be given away."""
        doubtful = sum(count for endpoint, count in self._active.items() if not self.is_good(endpoint))
        half = max(1, self._places // 2)
        return Places(self, now=now, left=self.free, left_doubtful=half - doubtful)

    def begin(self, endpoint: str) -> None:
        """A delivery begins."""
        self._active[endpoint] += 1

    def end(self, endpoint: str) -> None:
        """A delivery is over, however it went."""
        self._active[endpoint] -= 1
        if self._active[endpoint] <= 0:
            del self._active[endpoint]

    def took(self, endpoint: str, seconds: float) -> None:
        """It took a message, in so many seconds."""
        self._keep(endpoint, _Health(is_slow=seconds > SLOW_S))

    def failed(self, endpoint: str, now: float, *, pause_s: float = 0.0) -> None:
        """It did not; what failed beside it since its pause began is the same failure.

        It is left alone for `pause_s` at least, which it asked for.
        """
        health = self._health.get(endpoint) or _Health()
        if now >= health.until:
            health.failures += 1
            health.until = now + min(FIRST_PAUSE_S * 2 ** min(health.failures - 1, 16), LONGEST_PAUSE_S)
        health.until = max(health.until, now + pause_s)
        self._keep(endpoint, health)

    def room(self, endpoint: str, now: float) -> int:
        """How many more may go to an endpoint now, were there places enough."""
        health, active = self._health.get(endpoint), self._active.get(endpoint, 0)
        if health is not None and health.is_good:
            return self._of_one - active
        if health is not None and health.failures:
            return 0 if now < health.until else 1 - active
        return min(OF_A_NEW_ONE, self._of_one) - active

    def is_good(self, endpoint: str) -> bool:
        """Whether it took its last message, and quickly."""
        health = self._health.get(endpoint)
        return health is not None and health.is_good

    def _keep(self, endpoint: str, health: _Health) -> None:
        self._health[endpoint] = health
        self._health.move_to_end(endpoint)
        if len(self._health) > KEPT:
            self._health.popitem(last=False)


class Places:
    """The places that are free at one moment; each that is given away is gone."""

    def __init__(self, endpoints: Endpoints, *, now: float, left: int, left_doubtful: int) -> None:
        self._endpoints = endpoints
        self._now = now
        self.left = left
        self._left_doubtful = left_doubtful

    def room(self, endpoint: str) -> int:
        """How many an endpoint may have."""
        most = self.left if self._endpoints.is_good(endpoint) else min(self.left, self._left_doubtful)
        return min(self._endpoints.room(endpoint, self._now), most)

    def is_good(self, endpoint: str) -> bool:
        """Whether it may have more than it has places for, to go on with."""
        return self._endpoints.is_good(endpoint)

    def take(self, endpoint: str, count: int) -> None:
        """Give an endpoint that many."""
        self.left -= count
        if not self._endpoints.is_good(endpoint):
            self._left_doubtful -= count
