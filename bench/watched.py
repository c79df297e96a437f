"""`python -m bench.watched FILE serve …`: `sesame` with a watch on its event loop.

A beat each millisecond notes how long the loop has been away since the last one, by the clock and in CPU time of its
own thread; the longest of each tenth of a second goes to FILE as a line of JSON. CPU time tells the loop's own longest
turn even where other processes take the machine.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import IO

import uvloop

from sesame.cli.main import main

BEAT_S = 0.001
LINE_S = 0.1


class Watch:
    """Beats in a loop and writes down the longest turns."""

    def __init__(self, loop: asyncio.AbstractEventLoop, out: IO[str]) -> None:
        self._loop = loop
        self._out = out
        self._clock = self._began = time.monotonic()
        self._cpu = time.thread_time()
        self._wall_s = self._cpu_s = 0.0
        loop.call_soon(self._first)

    def _first(self) -> None:
        self._clock, self._cpu = time.monotonic(), time.thread_time()
        self._loop.call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        now, cpu = time.monotonic(), time.thread_time()
        self._wall_s = max(self._wall_s, now - self._clock - BEAT_S)
        self._cpu_s = max(self._cpu_s, cpu - self._cpu)
        self._clock, self._cpu = now, cpu
        if now - self._began >= LINE_S:
            line = {"at": now, "wall_ms": self._wall_s * 1000, "cpu_ms": self._cpu_s * 1000}
            self._out.write(json.dumps(line) + "\n")
            self._out.flush()
            self._began, self._wall_s, self._cpu_s = now, 0.0, 0.0
        self._loop.call_later(BEAT_S, self._beat)


if __name__ == "__main__":
    make_loop = uvloop.new_event_loop

    def watched_loop() -> uvloop.Loop:
        """The server's loop, with a watch on it."""
        loop = make_loop()
        Watch(loop, Path(sys.argv[1]).open("a"))  # noqa: SIM115 (for as long as the process lives)
        return loop

    uvloop.new_event_loop = watched_loop
    sys.exit(main(sys.argv[2:]))
