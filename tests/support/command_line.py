"""Commands in the process of the tests: what they print and their exit code are those of a process."""

import io
import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from unittest.mock import patch

import sesame.cli.main
from sesame.cli.main import main, parser

# To describe the same commands anew is half of what a command takes.
vars(sesame.cli.main)["parser"] = cache(parser)


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


_BLANKS = {
    "ACCOUNT": "111111111111",
    "USER": "mailer",
    "N": "1",
    "DATE": "2030-01-31",
    "REASON": "why",
    "ARN": "arn",
}
"""What a reader fills in where a command in a text has a word for it."""


def not_understood(text: str) -> list[str]:
    """The commands of ours in a text, between backticks, that `sesame` would refuse as they stand."""
    found = re.findall(r"`sesame ([a-z][^`]*)`", text)
    return [command for command in found if not _is_understood(command)]


def _is_understood(command: str) -> bool:
    words = [_BLANKS.get(word, word) for word in shlex.split(command)]
    try:
        with redirect_stderr(_stream()), redirect_stdout(_stream()):
            _whole().parse_args(words)
    except SystemExit:
        return len(words) == 2 or "--as" in words  # a command's name alone: the reader has its arguments
    return True


_whole = cache(parser)
