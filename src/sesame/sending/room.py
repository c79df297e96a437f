"""Whether there is room on the disk for another message: below the reserve nothing is accepted.

What was accepted needs room to be delivered and settled, so intake stops first, and resumes once there is
room again.
"""

from collections.abc import Callable

from sesame.observe import Clock

LOOK_EVERY_S = 0.25


class Room:
    """Looks at the disk, some times a second at most; `free_bytes` tells the free space where the database is."""

    def __init__(self, free_bytes: Callable[[], int], *, reserve_bytes: int, clock: Clock) -> None:
        self._free_bytes = free_bytes
        self._reserve_bytes = reserve_bytes
        self._clock = clock
        self._looked_at = float("-inf")
        self._is_there = True

    def is_there(self) -> bool:
        """Whether the reserve is untouched; a disk that cannot be asked says nothing against it."""
        now = self._clock.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            try:
                self._is_there = self._free_bytes() >= self._reserve_bytes
            except OSError:
                self._is_there = True
        return self._is_there
