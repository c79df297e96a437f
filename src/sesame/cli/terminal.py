"""What may reach a terminal: text. Control characters from mail, names and logs are shown escaped.

A subject or a body may carry escape sequences that would move the cursor, rename the window or answer in the
operator's name. C0 (but line feed and tab), DEL, C1 and the characters that turn the direction of text are
written as `\\u009b`, and so is what the terminal's encoding does not have; in JSON that means the same character.
Sources: ECMA-48, UAX #9.
"""

import codecs
import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BREAKS = re.compile(r"[\t\n]")
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34"}
_PAINT = {chr(0xFDD0 + number): f"\x1b[{code}m" for number, code in enumerate(("0", *_COLOURS.values()))}
"""Noncharacters that stand for our own colours until they are written."""
_PAINTS = re.compile(f"[{''.join(_PAINT)}]")
_ERRORS = "sesame.escaped"


def painted(colour: str, text: str) -> str:
    """Text in a colour, for a guarded stream."""
    return f"{chr(0xFDD1 + list(_COLOURS).index(colour))}{text}{chr(0xFDD0)}"


def one_line(text: str) -> str:
    """Text as a field on a line: line feeds and tabs are escaped too, so that no value can forge a line."""
    return _BREAKS.sub(_escaped, escaped(text))


def escaped(text: str) -> str:
    """Text with its control characters escaped; line feeds and tabs stay."""
    return _UNSAFE.sub(_escaped, text) if _UNSAFE.search(text) else text


def _escaped(match: "re.Match[str]") -> str:
    return _code_units(match[0])


def _code_units(text: str) -> str:
    data = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at] << 8 | data[at + 1]:04x}" for at in range(0, len(data), 2))


def _unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _code_units(error.object[error.start : error.end]), error.end


class _Guarded:
    """A text stream whose writer cannot command the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if text.rstrip("\n").isprintable():  # most lines, the log's above all
            return self._stream.write(text)
        escaped_text = escaped(text)
        if _PAINTS.search(escaped_text):
            escaped_text = _PAINTS.sub(lambda match: _PAINT[match[0]], escaped_text)
        self._stream.write(escaped_text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Standard output and standard error show what is written to them, and obey none of it."""
    codecs.register_error(_ERRORS, _unencodable)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_ERRORS)
    with (
        contextlib.redirect_stdout(cast(TextIO, _Guarded(sys.stdout))),
        contextlib.redirect_stderr(cast(TextIO, _Guarded(sys.stderr))),
    ):
        yield
