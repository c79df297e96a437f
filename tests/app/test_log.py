"""The log: lines are written together a little later, errors at once."""

import errno
import io
import json
from collections.abc import Callable

import pytest

from sesame.observe import Log
from tests.support.clock import FakeClock


class Writes(io.StringIO):
    """Counts the writes."""

    count = 0

    def write(self, text: str) -> int:
        self.count += 1
        return super().write(text)


def events(stream: io.StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in stream.getvalue().splitlines()]


def test_lines_are_written_together_when_their_time_comes() -> None:
    stream, due = Writes(), list[Callable[[], None]]()
    log = Log(stream, as_json=True, clock=FakeClock(), defer=due.append)
    for name in "abc":
        log.event(name)
    assert (events(stream), len(due)) == ([], 1)
    due.pop()()
    assert (events(stream), stream.count) == (["a", "b", "c"], 1)
    log.event("d")
    assert len(due) == 1, "what comes after has a time of its own"


def test_an_error_is_written_at_once_behind_what_came_before() -> None:
    stream, due = Writes(), list[Callable[[], None]]()
    log = Log(stream, as_json=True, clock=FakeClock(), defer=due.append)
    log.event("before")
    log.error("fault")
    assert events(stream) == ["before", "fault"]
    log.event("after")
    for flush in due:
        flush()
    assert events(stream) == ["before", "fault", "after"]


def test_without_a_timer_each_line_is_written() -> None:
    stream = Writes()
    Log(stream, as_json=True, clock=FakeClock()).event("a")
    assert events(stream) == ["a"]


class Full(Writes):
    """A stream that takes nothing while it is full."""

    error: Exception | None = None

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        BrokenPipeError(errno.EPIPE, "nobody reads"),
        BlockingIOError(errno.EAGAIN, "nobody empties it"),
        ValueError("I/O operation on closed file"),
    ],
)
def test_a_stream_that_takes_nothing_stops_nobody_and_the_lines_that_are_lost_are_counted(
    error: Exception,
) -> None:
    stream, due = Full(), list[Callable[[], None]]()
    log = Log(stream, as_json=True, clock=FakeClock(), defer=due.append)
    stream.error = error
    log.event("a")
    log.event("b")
    due.pop()()
    log.error("c")
    log.at_once("warning", "d")
    log.flush()
    stream.error = None
    log.event("e")
    due.pop()()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line.get("lines")) for line in lines] == [("log_lines_lost", 4), ("e", None)]
    log.error("f")
    assert events(stream)[-1] == "f" and events(stream).count("log_lines_lost") == 1


def test_half_a_character_is_written_escaped() -> None:
    stream = Writes()
    Log(stream, as_json=True, clock=FakeClock()).error("a", reason="x\ud800y")
    assert json.loads(stream.getvalue())["reason"] == "x\ud800y"
