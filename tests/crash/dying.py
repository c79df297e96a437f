"""`sesame` that kills itself (SIGKILL) at a step that a file names, when it next comes to it.

Run as `python -m tests.crash.dying FILE serve …`. As long as FILE is absent or empty this is the program itself.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from sesame.cli.main import main

POINTS: dict[str, tuple[str, str, str]] = {
    "before a report is recorded": ("sesame.feedback.receive", "Receiver._record", "before"),
    "in the transaction that records a report": ("sesame.store.reports", "put", "after"),
    "between a report's commit and its 250": ("sesame.feedback.receive", "Receiver._record", "after"),
    "in the transaction that reacts": ("sesame.store.tallies", "add", "after"),
    "after the reaction": ("sesame.feedback.react", "Reactor.react", "after"),
    "between the claim of events and what they are told as": (
        "sesame.notify.expand",
        "Expander._expand",
        "before",
    ),
    "in the transaction that fills the outbox": ("sesame.store.outbox", "publish", "after"),
    "after the outbox was filled": ("sesame.notify.expand", "Expander._expand", "after"),
    "between the claim of the outbox and the post": ("sesame.notify.ways", "Ways.send", "before"),
    "between the post and its record": ("sesame.notify.ways", "Ways.send", "after"),
    "in the transaction that records what was posted": ("sesame.store.outbox", "settle", "after"),
}
"""By name: module, function, and whether to die before it begins or once it is done (and did anything)."""


def arm(file: Path) -> None:
    """Put each point's death into the program."""
    for name, (module_name, path, when) in POINTS.items():
        owner: Any = importlib.import_module(module_name)
        *classes, attribute = path.split(".")
        for class_name in classes:
            owner = getattr(owner, class_name)
        setattr(owner, attribute, _dying(getattr(owner, attribute), file, name, when))


def _dying(function: Callable[..., Any], file: Path, name: str, when: str) -> Callable[..., Any]:
    def die() -> None:
        if file.exists() and file.read_text() == name:
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die()
        done = await function(*args, **kwargs)
        if when == "after" and done != 0:  # 0: there was nothing to do
            die()
        return done

    return run


if __name__ == "__main__":
    arm(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    sys.exit(main())
