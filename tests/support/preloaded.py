"""Processes that begin with Sesame imported: one process imports it once and forks whatever is asked for.

Most of what starting a server costs is importing the same modules and compiling the same models anew, making its schema
step by step and its keys. What runs in the child is the command itself, with its own arguments, environment, working
directory, umask, output and exit code, and no thread or descriptor of anybody else.
`tests/server/test_start.py` and the commands of the how-tos start from nothing.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sesame.aws.model import ServiceModel
from tests.support import rsa_keys, schema

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 1 << 20
"""Of one request: arguments and an environment."""

LAST_DESCRIPTOR = 4096
LOADED = (
    "sesame.cli.main",
    "sesame.cli.serve",
    "sesame.app.server",
    "sesame.app.console",
    "sesame.observe",
    "uvloop",
)
"""What a server imports, and by these all the rest."""

MODELS = ("ses", "sesv2", "sns", "sts", "iam", "sesame")
"""What it compiles."""


@dataclass
class ForkedProcess:
    """A process that somebody else forked for us, as much like `subprocess.Popen` as the tests need."""

    args: Sequence[str]
    pid: int
    status: int
    """A pipe that will hold its exit code."""
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code (as `Popen` counts), or None while it runs."""
        return self._read(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended; raises `TimeoutExpired`."""
        code = self._read(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """As `Popen.send_signal`: nothing when it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            ended = select.poll()
            ended.register(self.status, select.POLLIN)
            if ended.poll(None if timeout is None else timeout * 1000):
                said = os.read(self.status, 32)
                os.close(self.status)
                self.returncode = int(said) if said else -signal.SIGKILL
        return self.returncode


@dataclass
class Preloaded:
    """The process that forks; it ends with the one that started it."""

    _socket: socket.socket | None = None
    _process: "subprocess.Popen[bytes] | None" = None
    _owner: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(
        self,
        args: Sequence[str],
        *,
        output: int,
        environ: Mapping[str, str],
        errors: int | None = None,
        given: int | None = None,
        directory: Path | None = None,
        umask: int | None = None,
    ) -> ForkedProcess:
        """Run `sesame ARGS` in a directory, with its input, if it has any, output and errors in files of ours."""
        with self._lock:
            channel = self._channel()
            status, theirs = os.pipe()
            nothing = os.open(os.devnull, os.O_RDONLY)
            own_umask = os.umask(0o022)
            os.umask(own_umask)
            request = {
                "args": list(args),
                "environ": dict(environ),
                "directory": str(directory or Path.cwd()),
                "umask": own_umask if umask is None else umask,
            }
            try:
                socket.send_fds(
                    channel,
                    [json.dumps(request).encode()],
                    [
                        output,
                        output if errors is None else errors,
                        theirs,
                        nothing if given is None else given,
                    ],
                )
            finally:
                os.close(theirs)
                os.close(nothing)
            said = channel.recv(32)
        assert said, "the process that forks has ended"
        return ForkedProcess(args, int(said), status)

    def _channel(self) -> socket.socket:
        if self._socket is None or self._owner != os.getpid():
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.preloaded", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT,
                )  # fmt: skip
            self._socket, self._owner = ours, os.getpid()
            atexit.register(self._stop, ours, self._process)
        return self._socket

    @staticmethod
    def _stop(channel: socket.socket, process: "subprocess.Popen[bytes]") -> None:
        channel.close()
        process.wait()


PRELOADED = Preloaded()
"""That of this process."""


def _serve(channel: socket.socket) -> Callable[[], int] | None:
    """Fork for each request until there is nobody who asks; in a child, what it is to do."""
    children: dict[int, tuple[int, int]] = {}
    watched = select.poll()
    watched.register(channel, select.POLLIN)
    while True:
        for descriptor, _ in watched.poll():
            if descriptor != channel.fileno():
                watched.unregister(descriptor)
                _report(descriptor, *children.pop(descriptor))
                continue
            data, descriptors, _, _ = socket.recv_fds(channel, MOST_BYTES, 4)
            if not data:
                return None
            output, errors, status, given = descriptors
            pid = os.fork()
            if pid == 0:
                channel.detach()
                return _becomes(json.loads(data), given, output, errors)
            for passed in (given, output, errors):
                os.close(passed)
            ended = os.pidfd_open(pid)
            children[ended] = pid, status
            watched.register(ended, select.POLLIN)
            channel.send(str(pid).encode())


def _report(ended: int, pid: int, status: int) -> None:
    """Say how a child ended."""
    os.close(ended)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        os.write(status, str(code).encode())
    os.close(status)


def _becomes(request: Any, given: int, output: int, errors: int) -> Callable[[], int]:
    """Put off all that is our own; the command that is left to run."""
    os.dup2(given, 0)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.closerange(3, LAST_DESCRIPTOR)
    # Those that were opened on other files keep whether these could be sought in.
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)))
    errors_of_ours = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(errors_of_ours, errors="backslashreplace", line_buffering=True)
    os.chdir(request["directory"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    sys.argv = ["sesame", *request["args"]]
    command: Callable[[], int] = importlib.import_module("sesame.cli.main").main
    return command


def _load() -> None:
    """What a server imports."""
    for name in LOADED:
        importlib.import_module(name)
    for service in MODELS:
        ServiceModel.load(service)
    schema.install()
    rsa_keys.install()
    assert threading.active_count() == 1, "a thread would be lost in the children"
    gc.collect()
    gc.freeze()  # their memory stays that of this process


def main() -> int:
    """Serve on the descriptor that is named; a child ends here too, as a command does."""
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        command = _serve(channel)
    return 0 if command is None else command()


if __name__ == "__main__":
    sys.exit(main())
