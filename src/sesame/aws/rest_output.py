"""Writes replies as JSON, by a shape (restJson1).

Compiled once per operation. Times are numbers (Unix seconds), blobs base64; None is left out. Source:
the restJson1 protocol as botocore's parser reads it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sesame.aws.scalars import write_blob
from sesame.aws.shape import Shape

Writer = Callable[[Any], Any]
"""From a value to what JSON says for it."""

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def compile_rest_writer(shape: Shape) -> Callable[[Mapping[str, Any], str], bytes]:
    """A function from a result of `shape` to the body of a reply.

    It raises KeyError when a required member is missing. The request id, which Query puts in the
    body, is a header here.
    """
    assert all(member.place is None for member in shape.members), "a place no writer is made for"
    write = _writer(shape)
    assert write is not None

    def serialise(result: Mapping[str, Any], request_id: str) -> bytes:
        return _encode(write(result)).encode("ascii")

    return serialise


def _writer(shape: Shape) -> Writer | None:
    """None when the value is what JSON says for it."""
    match shape.kind:
        case "structure":
            return _structure_writer(shape)
        case "list":
            assert shape.element is not None
            element = _writer(shape.element)
            return None if element is None else lambda values: [element(value) for value in values]
        case "map":
            assert shape.value is not None
            item = _writer(shape.value)
            return None if item is None else lambda value: {key: item(held) for key, held in value.items()}
        case "blob":
            return write_blob
        case "timestamp":
            return _write_timestamp
        case "float" | "double":
            return float
        case _:
            return None


def _structure_writer(shape: Shape) -> Writer:
    members = [
        (member.name, member.wire_name, member.required, _writer(member.shape)) for member in shape.members
    ]

    def write_structure(value: Mapping[str, Any]) -> dict[str, Any]:
        written = {}
        for name, wire_name, required, write in members:
            item = value[name] if required else value.get(name)
            if item is not None:
                written[wire_name] = item if write is None else write(item)
        return written

    return write_structure


def _write_timestamp(value: float) -> float:
    """Whole seconds as an integer, else to the millisecond."""
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded
