"""How often a password or code may be guessed wrong: ten times in a quarter of an hour, by whom and from where.

Kept in memory and bounded; what went wrong longest ago is forgotten first.
"""

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Sequence

from sesame.observe import Clock

MOST, WITHIN_S = 10, 900.0
MAX_REMEMBERED = 50_000


class Guesses:
    """Counts wrong guesses under names: of a user, and with `net:` of a network, which may have `per_network`."""

    def __init__(self, clock: Clock, *, per_network: int = MOST) -> None:
        self._clock = clock
        self._per_network = per_network
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, names: Sequence[str]) -> float:
        """Seconds until any of `names` may guess again; 0 when all may now."""
        now = self._clock.monotonic()
        waits = [0.0]
        for name in names:
            times = self._wrong.get(name)
            if times is not None and len(times) == self._most(name):
                waits.append(times[0] + WITHIN_S - now)
        return max(waits)

    def waiting(self) -> list[tuple[str, float, float]]:
        """Who has to wait now: the name, until when and since when, in the clock's monotonic seconds."""
        now = self._clock.monotonic()
        return [
            (name, times[0] + WITHIN_S, times[-1])
            for name, times in self._wrong.items()
            if len(times) == self._most(name) and times[0] + WITHIN_S > now
        ]

    def note(self, names: Sequence[str]) -> None:
        """Count a guess before it is known to be right, so that many at once are no way around."""
        now = self._clock.monotonic()
        for name in names:
            self._wrong.setdefault(name, deque(maxlen=self._most(name))).append(now)
            self._wrong.move_to_end(name)
        while len(self._wrong) > MAX_REMEMBERED:
            self._wrong.popitem(last=False)

    def _most(self, name: str) -> int:
        return self._per_network if name.startswith("net:") else MOST

    def forgive(self, names: Sequence[str]) -> None:
        """Take the last guess back: it was right."""
        for name in names:
            times = self._wrong.get(name)
            if times:
                times.pop()


def network_of(address: str) -> str:
    """The network that an address counts for: itself, or of IPv6 its 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
