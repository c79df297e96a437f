"""JSON that can be read in exactly one way.

Duplicate keys, NaN and infinities, text that is not UTF-8, nesting beyond the interpreter's recursion
limit, and more values than any request needs are refused. Sources: RFC 8259; I-JSON (RFC 7493) section 2.
"""

import json
from typing import Any, NoReturn

from sesame.aws.errors import SerializationException

MAX_VALUES = 200_000
"""In one body; a bulk send of 50 entries has some thousands. Bounds what small values cost in memory."""

_SMALL = 100_000


def read_json(body: bytes | bytearray) -> Any:
    """The value `body` holds; raises SerializationException."""
    if len(body) > _SMALL and _values(body) > MAX_VALUES:
        raise SerializationException("The body holds too many values")
    try:
        return _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise SerializationException("The body is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise SerializationException("The body is not JSON") from error


def _values(body: bytes | bytearray) -> int:
    """How many values there are at most; of what is not JSON, some number."""
    if (most := _separators(body)) <= MAX_VALUES:
        return most
    # Many may be in a text: count outside of texts only.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if (quotes := plain.count(b'"')) > 4 * MAX_VALUES:
        return quotes
    return _separators(b"".join(plain.split(b'"')[::2]))


def _separators(text: bytes | bytearray) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
