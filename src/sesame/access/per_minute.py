"""How often something is done in a minute, and by whom, counted in the memory of one process."""

from collections import OrderedDict
from collections.abc import Hashable

_MOST_COUNTED = 10_000


class PerMinute:
    """Counts by key in minutes of the clock; beyond `_MOST_COUNTED` keys those not seen for longest go."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def admits(self, key: Hashable, at: float, *, most: int) -> bool:
        """Count one more of `key` at a time in Unix seconds; whether it is among the first `most` of its minute."""
        minute = int(at // 60)
        began, count = self._counts.pop(key, (minute, 0))
        count = count + 1 if began == minute else 1
        self._counts[key] = minute, count
        if len(self._counts) > _MOST_COUNTED:
            self._counts.popitem(last=False)
        return count <= most
