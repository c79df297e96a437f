"""The thread that commits."""

import gc
import threading

import pytest

from sesame.db.writer import Writer
from tests.support.patience import PATIENCE_S


def test_what_it_is_given_is_done_in_order_and_whole_before_it_ends() -> None:
    done: list[int] = []
    writer = Writer()
    for number in range(100):
        writer.do(done.append, number)
    writer.end()
    writer.end()
    assert done == list(range(100))


def test_what_fails_keeps_nothing_that_comes_later_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda failure: told.append(failure.exc_type))
    done: list[str] = []
    writer = Writer()
    writer.do({}.__getitem__, "missing")
    writer.do(done.append, "next")
    writer.end()
    assert (told, done) == ([KeyError], ["next"])


def test_it_ends_with_whoever_has_it() -> None:
    running: list[threading.Thread] = []
    writer = Writer()
    writer.do(lambda found: found.append(threading.current_thread()), running)
    writer.do(lambda _: None, None)
    thread = writer._thread
    del writer
    gc.collect()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert running == [thread]
