"""What the house says about itself: the clock, the log, the metrics.

One canonical line per API call and delivery attempt. No message bodies, no secrets (I9). The clock
is a value handed to whoever needs it; nothing reads the time by itself.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TextIO

import msgspec


class Clock(Protocol):
    """Tells the time; tests hand in one that they move."""

    def now(self) -> float:
        """Unix seconds, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Unix seconds, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


STEP_S = 2.0
"""A difference between the clocks from which on it is a step, and not the slow correction of a clock."""


class SteadyClock:
    """Time for delivery: like the wall clock, but no step of it, forward or back, moves it.

    How old mail is and when it is due rests on this. It begins at the wall clock, or where another process has
    left it (`resume`).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall = clock.now()
        self._monotonic = clock.monotonic()
        self._offset = 0.0

    def now(self) -> float:
        """Unix seconds of an undisturbed clock."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        step = (wall - self._wall) - (monotonic - self._monotonic)
        if abs(step) > STEP_S:
            self._offset += step
        self._wall, self._monotonic = wall, monotonic
        return wall - self._offset

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    def resume(self, *, monotonic: float, now: float) -> None:
        """Go on from what another process on this machine read: its time, and the monotonic clock then."""
        self._offset = self._clock.now() - (now + self._clock.monotonic() - monotonic)
        self._wall, self._monotonic = self._clock.now(), self._clock.monotonic()


Field = str | int | float | bool | None


class Log:
    """Writes one line per event: JSON, or `key=value` text for a terminal.

    `defer` runs a function a little later (an event loop's timer): lines are then flushed together,
    for each flush is a system call in the middle of somebody's request. Without it each line is.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        as_json: bool,
        clock: Clock,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._stream = stream
        self._as_json = as_json
        self._clock = clock
        self._defer = defer
        self._is_flush_due = False
        self._encode = msgspec.json.Encoder().encode

    def event(self, name: str, **fields: Field) -> None:
        """Write the event `name` with its fields; None fields are left out."""
        self._write("info", name, fields)

    def error(self, name: str, **fields: Field) -> None:
        """Write an event an operator should look at."""
        self._write("error", name, fields)

    def _write(self, level: str, name: str, fields: Mapping[str, Field]) -> None:
        now = self._clock.now()
        if self._as_json:
            record = {"at": round(now, 3), "level": level, "event": name}
            record.update({key: value for key, value in fields.items() if value is not None})
            line = self._encode(record).decode()
        else:
            stamp = time.strftime("%H:%M:%S", time.gmtime(now))
            shown = " ".join(
                f"{key}={json.dumps(value) if isinstance(value, str) else value}"
                for key, value in fields.items()
                if value is not None
            )
            mark = "" if level == "info" else "ERROR "
            line = f"{stamp} {mark}{name} {shown}"
        self._stream.write(line + "\n")
        if self._defer is None:
            self._stream.flush()
        elif not self._is_flush_due:
            self._is_flush_due = True
            self._defer(self.flush)

    def flush(self) -> None:
        """Write out what is waiting."""
        self._is_flush_due = False
        self._stream.flush()


def quiet_libraries() -> None:
    """Keep libraries' own loggers to warnings: our canonical lines say the rest."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
