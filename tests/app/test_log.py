"""The log: lines are written together a little later, errors at once."""

import io
import json
from collections.abc import Callable

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
