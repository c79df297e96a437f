"""A program `sesame` for shells, whose commands are forked from what is loaded: a page has dozens, each half a second.

What it runs has the shell's own descriptors, directory, environment and umask, and its exit code is the program's. A
command that serves is a process of its own, so that a shell can end it.
"""

import json
import os
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.patience import PATIENCE_S
from tests.support.preloaded import MOST_BYTES, PRELOADED

ASK = """
import json, os, socket, sys
umask = os.umask(0)
request = {"args": sys.argv[2:], "environ": dict(os.environ), "directory": os.getcwd(), "umask": umask}
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
    asked.connect(sys.argv[1])
    socket.send_fds(asked, [json.dumps(request).encode()], [0, 1, 2])
    sys.exit(int(asked.recv(32)))
"""


def text(directory: Path) -> str:
    """What stands in the program, for `answering` in the same directory."""
    python = shlex.quote(sys.executable)
    ask = directory / "ask.py"
    ask.write_text(ASK)
    asking = f'exec {python} -I -S {shlex.quote(str(ask))} {shlex.quote(str(directory / "s"))} "$@"'
    return f'case "${{1:-}}" in serve) exec {python} -m sesame.cli.main "$@";; esac\n{asking}'


@contextmanager
def answering(directory: Path) -> Iterator[None]:
    """Run what is asked for, each command on a thread that waits for it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(directory / "s"))
        listening.listen(16)
        taking = threading.Thread(target=_take, args=(listening,), daemon=True)
        taking.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            taking.join(PATIENCE_S)


def _take(listening: socket.socket) -> None:
    while True:
        try:
            asked, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_run, args=(asked,), daemon=True).start()


def _run(asked: socket.socket) -> None:
    with asked:
        data, (given, output, errors), _, _ = socket.recv_fds(asked, MOST_BYTES, 3)
        request = json.loads(data)
        try:
            done = PRELOADED.start(
                request["args"], given=given, output=output, errors=errors, environ=request["environ"],
                directory=Path(request["directory"]), umask=request["umask"],
            )  # fmt: skip
        finally:
            for passed in (given, output, errors):
                os.close(passed)
        asked.send(str(done.wait(PATIENCE_S)).encode())
