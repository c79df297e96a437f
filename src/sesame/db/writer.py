"""The thread that commits, one batch after the other.

An executor would make a future with a lock for each batch, which nobody looks at: a message that comes alone waits
for that twice, on the loop and on the thread.
"""

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Work = tuple[Callable[[Any], None], Any]


class Writer:
    """Does what it is given, in that order. It ends with the process, with whoever has it, or by `end`."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=_work_off, args=(self._work,), name="store-write", daemon=True)
        self._thread.start()
        self._let_go = weakref.finalize(self, self._work.put, None)
        self._let_go.atexit = False

    def do(self, function: Callable[[Any], None], argument: Any) -> None:
        """Call the function with its argument on the thread, once it has done what it was given before."""
        self._work.put((function, argument))

    def end(self) -> None:
        """Let the thread finish what it has, and wait for it; idempotent."""
        self._let_go()
        self._thread.join()


def _work_off(waiting: SimpleQueue[Work | None]) -> None:
    while (work := waiting.get()) is not None:
        function, argument = work
        try:
            function(argument)
        except Exception as error:  # told as of any thread; the next batch is another's
            threading.excepthook(
                threading.ExceptHookArgs(
                    (type(error), error, error.__traceback__, threading.current_thread())
                )
            )
        del work, function, argument  # what it did it with is not kept until the next comes
