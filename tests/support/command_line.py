"""Commands in the process of the tests: what they print and their exit code are those of a process."""

import io
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

from sesame.cli.main import main


def run(
    args: Sequence[str], environ: Mapping[str, str], *, command: Callable[[list[str]], int] = main
) -> "subprocess.CompletedProcess[str]":
    """Run `sesame`, or another command, with nothing on its standard input."""
    # On a thread of its own: the driver of a browser has a loop in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_run, command, list(args), environ).result()


def _run(
    command: Callable[[list[str]], int], args: list[str], environ: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    out, err = _stream(), _stream()
    with (
        _kept_umask(),
        patch.dict(os.environ, environ, clear=True),
        patch.object(sys, "stdin", _stream()),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            code = command(args)
        except Exception:
            err.write(traceback.format_exc())
            code = 1
    return subprocess.CompletedProcess(args, code, stdout=_text(out), stderr=_text(err))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    data: bytes = stream.buffer.getvalue()  # type: ignore[attr-defined]
    return data.decode()


@contextmanager
def _kept_umask() -> Iterator[None]:
    before = os.umask(0o022)
    os.umask(before)
    try:
        yield
    finally:
        os.umask(before)
