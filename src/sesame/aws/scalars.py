"""Scalar values on the wire: base64, ISO 8601, booleans, numbers.

Strict both ways: what cannot be read in exactly one way is refused with ValueError. Times are
Unix seconds as float. Sources: AWS Query protocol; RFC 4648; ISO 8601.
"""

import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sesame.aws.shape import Shape

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHITE_SPACE = str.maketrans("", "", " \t\r\n")

_BLOCK = 128 * 1024
"""So much base64 is read at once."""


def reader_for(shape: Shape) -> Callable[[str], Any] | None:
    """The function that reads a text into a value of `shape`; None when the text is the value."""
    match shape.kind:
        case "blob":
            return read_blob
        case "boolean":
            return read_boolean
        case "integer":
            return lambda text: read_integer(text, bits=32)
        case "long":
            return lambda text: read_integer(text, bits=64)
        case "float" | "double":
            return read_number
        case "timestamp":
            return read_timestamp
        case _:
            return None


def writer_for(shape: Shape) -> Callable[[Any], str] | None:
    """The function that writes a value of `shape` as text; None when the value is the text."""
    match shape.kind:
        case "blob":
            return write_blob
        case "boolean":
            return write_boolean
        case "integer" | "long":
            return str
        case "float" | "double":
            return write_number
        case "timestamp":
            return write_timestamp
        case _:
            return None


def read_blob(text: str) -> bytes:
    """Bytes from base64 with padding. Line ends are allowed: some clients fold the message."""
    if len(text) > _BLOCK:
        return _read_large_blob(text)
    try:
        # What it takes binascii takes too, and in four times the time.
        return msgspec.convert(text, bytes)
    except msgspec.ValidationError:
        return _read_small_blob(text)


def _read_small_blob(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return binascii.a2b_base64(text.translate(_WHITE_SPACE), strict_mode=True)


def _read_large_blob(text: str) -> bytes:
    """Block by block: a whole message at once would keep every other thread waiting."""
    pieces, rest = [], ""
    for at in range(0, len(text), _BLOCK):
        rest += text[at : at + _BLOCK].translate(_WHITE_SPACE)
        if at + _BLOCK < len(text):
            end = max(0, len(rest) - 4) // 4 * 4  # padding may come only in the last four
            piece = binascii.a2b_base64(rest[:end], strict_mode=True)
            if len(piece) * 4 != end * 3:
                raise ValueError("padding before the end")
            pieces.append(piece)
            rest = rest[end:]
    pieces.append(binascii.a2b_base64(rest, strict_mode=True))
    return b"".join(pieces)


def write_blob(value: bytes) -> str:
    """Base64 with padding, on one line."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def read_boolean(text: str) -> bool:
    """`true` or `false`, nothing else."""
    if text == "true":
        return True
    if text == "false":
        return False
    raise ValueError("neither true nor false")


def write_boolean(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def read_integer(text: str, *, bits: int) -> int:
    """A decimal integer that a signed number of `bits` bits can hold."""
    if not _INTEGER.fullmatch(text):
        raise ValueError("not an integer")
    value = int(text)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError("integer out of range")
    return value


def read_number(text: str) -> float:
    """A decimal number; infinities and not-a-number are refused."""
    if not _NUMBER.fullmatch(text) or math.isinf(value := float(text)):
        raise ValueError("not a number")
    return value


def write_number(value: float) -> str:
    """The shortest text that reads back as the same double: `200.0`."""
    return repr(float(value))


def read_timestamp(text: str) -> float:
    """Unix seconds from ISO 8601 with a time zone."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("not a timestamp")
    return datetime.fromisoformat(text).timestamp()


def write_timestamp(value: float) -> str:
    """ISO 8601 in UTC, to the second, or to the millisecond when there is a fraction."""
    at = _EPOCH + timedelta(milliseconds=round(value * 1000))
    digits = "milliseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=digits).replace("+00:00", "Z")
