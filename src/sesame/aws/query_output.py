"""Writes replies as XML, by a shape (AWS Query protocol).

Compiled once per operation. Members are written in the model's order; None is left out. Source:
AWS Query protocol as botocore's parser reads it.

INVARIANT: whatever text a value holds, the reply is well-formed XML 1.0: characters that XML cannot
carry become U+FFFD.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sesame.aws.scalars import writer_for
from sesame.aws.shape import Shape

Writer = Callable[[Any], str]
"""The XML inside a value's element."""

_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escape(text: str) -> str:
    """`text` as XML character data."""
    if not _SPECIAL.search(text):
        return text
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match.group(), "\ufffd"), text)


def compile_writer(shape: Shape) -> Writer:
    """A function from a value of `shape` to the XML inside its element.

    It raises KeyError when a required member is missing: a reply the model does not allow is our
    error, not the client's.
    """
    match shape.kind:
        case "structure":
            return _structure_writer(shape)
        case "list":
            assert shape.element is not None
            return _repeated(compile_writer(shape.element), shape.element.location or "member")
        case "map":
            return _entries(shape, "entry")
        case _:
            convert = writer_for(shape)
            return escape if convert is None else convert


def _structure_writer(shape: Shape) -> Writer:
    members = [
        (member.name, member.required, _element_writer(member.wire_name, member.shape))
        for member in shape.members
    ]

    def write_structure(value: Mapping[str, Any]) -> str:
        parts = []
        for name, required, write in members:
            item = value[name] if required else value.get(name)
            if item is not None:
                parts.append(write(item))
        return "".join(parts)

    return write_structure


def _element_writer(name: str, shape: Shape) -> Writer:
    """Writes a member with its element; a flattened list or map is the repeated element itself."""
    if shape.flattened and shape.kind == "list":
        assert shape.element is not None
        return _repeated(compile_writer(shape.element), name)
    if shape.flattened and shape.kind == "map":
        return _entries(shape, name)
    write, start, end = compile_writer(shape), f"<{name}>", f"</{name}>"
    return lambda value: f"{start}{write(value)}{end}"


def _repeated(write: Writer, name: str) -> Writer:
    start, end = f"<{name}>", f"</{name}>"
    return lambda values: "".join([f"{start}{write(value)}{end}" for value in values])


def _entries(shape: Shape, name: str) -> Writer:
    assert shape.key is not None and shape.value is not None
    write_key = _element_writer(shape.key.location or "key", shape.key)
    write_value = _element_writer(shape.value.location or "value", shape.value)
    start, end = f"<{name}>", f"</{name}>"

    def write_map(value: Mapping[str, Any]) -> str:
        return "".join([f"{start}{write_key(key)}{write_value(item)}{end}" for key, item in value.items()])

    return write_map
