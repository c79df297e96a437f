"""`python -m bench.faults.process SPEC serve …`: `sesame` that dies or fails where SPEC, in JSON, says.

`{"kill": [POINT, WHEN, N]}`: SIGKILL before or after the N-th call of a point. `{"store": [NAME, WHEN, EVERY]}`: each
EVERY-th write answers "unavailable", before it is done or after; of those in whose function's name the regular
expression NAME is found.
"""

import functools
import importlib
import inspect
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any

from sesame.cli.main import main
from sesame.db.sqlite import SqliteStore
from sesame.errors import StoreUnavailable


def kill_at(point: str, when: str, number: int) -> None:
    """Let the process be killed at its `number`-th call of `module:Class.method`."""
    module, _, path = point.partition(":")
    owner: Any = importlib.import_module(module)
    *names, last = path.split(".")
    for name in names:
        owner = getattr(owner, name)
    function = getattr(owner, last)
    calls = itertools.count(1)

    def die_if_due() -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    wrapped: Callable[..., Any]
    if inspect.iscoroutinefunction(function):

        async def wrapped_async(*args: Any, **options: Any) -> Any:
            if when == "before":
                die_if_due()
            result = await function(*args, **options)
            if when == "after":
                die_if_due()
            return result

        wrapped = wrapped_async
    else:

        def wrapped_plain(*args: Any, **options: Any) -> Any:
            if when == "before":
                die_if_due()
            result = function(*args, **options)
            if when == "after":
                die_if_due()
            return result

        wrapped = wrapped_plain
    setattr(owner, last, functools.wraps(function)(wrapped))


def fail_writes(name: str, when: str, every: int) -> None:
    """Let each `every`-th write of what has `name` in its name fail, before it is done or after."""
    calls = itertools.count(1)
    write, together = SqliteStore.write, SqliteStore.write_together

    def is_due(function: Callable[..., Any]) -> bool:
        code = getattr(function, "__qualname__", "")
        return bool(re.search(name, f"{function.__module__}.{code}")) and next(calls) % every == 0

    async def failing_write(self: SqliteStore, function: Any, **options: Any) -> Any:
        due = is_due(function)
        if due and when == "before":
            raise StoreUnavailable("the harness lets this write fail")
        result = await write(self, function, **options)
        if due:
            raise StoreUnavailable("the harness lets this write fail after it was done")
        return result

    async def failing_together(self: SqliteStore, batch: Any, job: Any) -> Any:
        due = is_due(batch)
        if due and when == "before":
            raise StoreUnavailable("the harness lets this write fail")
        result = await together(self, batch, job)
        if due:
            raise StoreUnavailable("the harness lets this write fail after it was done")
        return result

    SqliteStore.write = failing_write  # type: ignore[method-assign]
    SqliteStore.write_together = failing_together  # type: ignore[method-assign]


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    if "kill" in spec:
        kill_at(*spec["kill"])
    if "store" in spec:
        fail_writes(*spec["store"])
    sys.exit(main(sys.argv[2:]))
