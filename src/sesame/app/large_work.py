"""The thread on which large messages are worked on, so that small ones are served meanwhile.

Beside it the loop has to wait for the interpreter each time that it wakes, many times for one small message. So the
interpreter changes hands sooner while there is such work; always would cost those who share it otherwise.
"""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SWITCH_S = 0.0001


class LargeWork(ThreadPoolExecutor):
    """One thread: work is done one after the other."""

    def __init__(self) -> None:
        super().__init__(1, thread_name_prefix="large")

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As an executor does."""
        return super().submit(_yielding, partial(fn, *args, **kwargs))


def _yielding(work: Callable[[], T]) -> T:
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(min(usual_s, SWITCH_S))
    try:
        return work()
    finally:
        sys.setswitchinterval(usual_s)
