"""What the house says about itself: the clock, the log, the metrics.

One canonical line per API call and delivery attempt. No message bodies, no secrets (I9). The clock
is a value handed to whoever needs it; nothing else reads the time.
"""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

import msgspec


class Clock(Protocol):
    """Tells the time; tests hand in one that they move."""

    def now(self) -> float:
        """Unix seconds, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring."""


class SystemClock:
    """The machine's clock. A request looks at it twenty times, so nothing is between."""

    now = staticmethod(time.time)
    """Unix seconds, UTC."""
    monotonic = staticmethod(time.monotonic)
    """Seconds that never go back."""


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


SETTLED_S = 86_400.0
"""So long a wall clock that was set has to stand before what is kept is old by it."""


class SettledClock:
    """A wall clock for what lets go of old things: one that is set ahead makes nothing old at once.

    Until it has stood by its new time for `SETTLED_S`, the earlier one of it and of a steady clock counts: a mistake
    that somebody corrects takes no record along, and a correction counts in the end.
    """

    def __init__(self, wall: Clock, steady: Clock) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead_s = 0.0
        self._since = float("-inf")

    def now(self) -> float:
        """Unix seconds."""
        wall, steady, monotonic = self._wall.now(), self._steady.now(), self._wall.monotonic()
        if abs(wall - steady - self._ahead_s) > STEP_S:
            self._ahead_s, self._since = wall - steady, monotonic
        return wall if monotonic - self._since >= SETTLED_S else min(wall, steady)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._wall.monotonic()


Field = str | int | float | bool | None


class Log:
    """Writes one line per event: JSON, or `key=value` text for a terminal.

    `defer` runs a function a little later (an event loop's timer): lines are then written together,
    for each write is a system call in the middle of somebody's request. Errors, and each line without it, are at once.
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
        self._lines: list[str] = []
        self._lost = 0
        """Lines that could not be written since one could."""
        self._encode = msgspec.json.Encoder().encode
        self.trace_id: Callable[[], str | None] | None = None
        """Gives the current trace's id, which is then in each line; None in a process that is not traced."""

    def event(self, name: str, **fields: Field) -> None:
        """Write the event `name` with its fields; None fields are left out."""
        self._write("info", name, fields)

    def error(self, name: str, **fields: Field) -> None:
        """Write an event an operator should look at."""
        self._write("error", name, fields)

    def _write(self, level: str, name: str, fields: Mapping[str, Field]) -> None:
        if self.trace_id is not None:
            fields = {**fields, "trace_id": self.trace_id()}
        self._lines.append(self._line(level, name, fields))
        if self._defer is None or level == "error":
            self.flush()
        elif len(self._lines) == 1:
            self._defer(self.flush)

    def _line(self, level: str, name: str, fields: Mapping[str, Field]) -> str:
        now = self._clock.now()
        if self._as_json:
            record = {"at": round(now, 3), "level": level, "event": name}
            record.update({key: value for key, value in fields.items() if value is not None})
            try:
                return self._encode(record).decode()
            except UnicodeEncodeError:  # half of a pair of surrogates, which is no character
                return json.dumps(record)
        stamp = time.strftime("%H:%M:%S", time.gmtime(now))
        pairs = " ".join(
            f"{key}={json.dumps(value) if isinstance(value, str) else value}"
            for key, value in fields.items()
            if value is not None
        )
        mark = "" if level == "info" else f"{level.upper()} "
        return f"{stamp} {mark}{name} {pairs}"

    def at_once(self, level: str, name: str, **fields: Field) -> None:
        """Write an event out from whatever thread, without waiting for others."""
        self._put([self._line(level, name, fields)])

    def flush(self) -> None:
        """Write out what is waiting."""
        lines, self._lines = self._lines, []
        self._put(lines)

    def _put(self, lines: list[str]) -> None:
        """Write lines out; where that fails they are lost and counted, for whoever has something to say goes on.

        A disk that is full, a reader that is gone and a pipe that nobody empties are no reason to stop.
        """
        try:
            if self._lost and lines:
                lost = self._line("error", "log_lines_lost", {"lines": self._lost})
                self._stream.write(lost + "\n")
                self._stream.flush()
                self._lost = 0
            if lines:
                self._stream.write("\n".join([*lines, ""]))
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._lost += len(lines)


class LibraryLines(logging.Handler):
    """What libraries say, as lines of our log: `library_said` with its level, from whatever thread."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record down."""
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else None
        self._log.at_once(
            "error" if record.levelno >= logging.ERROR else "warning",
            "library_said",
            library=record.name,
            message=record.getMessage(),
            trace=trace,
        )


def take_over_libraries(log: Log) -> None:
    """Let nothing of this process write past `log`: loggers, warnings, and exceptions that nobody catches."""
    logging.basicConfig(level=logging.WARNING, handlers=[LibraryLines(log)], force=True)
    logging.captureWarnings(True)

    def unraisable(seen: "sys.UnraisableHookArgs") -> None:
        trace = "".join(traceback.format_exception(seen.exc_type, seen.exc_value, seen.exc_traceback))
        log.at_once("error", "unraisable", message=seen.err_msg or "", trace=trace)

    def in_thread(seen: threading.ExceptHookArgs) -> None:
        trace = "".join(traceback.format_exception(seen.exc_type, seen.exc_value, seen.exc_traceback))
        log.at_once(
            "error", "thread_failed", thread=None if seen.thread is None else seen.thread.name, trace=trace
        )

    sys.unraisablehook = unraisable
    threading.excepthook = in_thread


def loop_exception(log: Log, context: Mapping[str, Any]) -> None:
    """An event loop's exception handler: what it says of, and whose connection that was."""
    error, transport = context.get("exception"), context.get("transport")
    peer = None if transport is None else transport.get_extra_info("peername")
    log.error(
        "loop_exception",
        message=str(context.get("message", "")),
        peer=str(peer[0]) if isinstance(peer, tuple) and peer else None,
        trace=None if error is None else "".join(traceback.format_exception(error)),
    )
