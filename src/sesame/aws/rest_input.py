"""Reads typed parameters out of labels, query string and JSON body, by a shape (restJson1).

Compiled once per operation. Null is absent, as at AWS; members the model does not know, as clients of a
newer one send them, are refused by name: what is ignored might have forbidden something. Source: the
restJson1 protocol as botocore's serialiser writes it; texts as AWS's coral services word them, which are
given to clients as SerializationException.

INVARIANT: a value has the type the model says or is refused; nothing is coerced. No text holds a
NUL or half a surrogate pair.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.aws.errors import SerializationException
from sesame.aws.scalars import read_blob, reader_for
from sesame.aws.shape import Member, Shape
from sesame.aws.strict_json import read_json
from sesame.errors import NotImplementedByService

Reader = Callable[[Any, str], Any]
"""From a JSON value and the path to it (for the text of a refusal) to a parameter."""

_INTEGER_BITS = {"integer": 32, "long": 64}
_LATEST = 253_402_300_799.0
"""Last second of the year 9999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestInput:
    """Where members are: labels by name (decoded), query values by name (decoded), the raw body.

    `in_query`: plain members of the body are in the query string, as an earlier edition of the model had it; a
    structure is in the body all the same.
    """

    labels: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes | bytearray
    in_query: bool = False


def compile_rest_reader(shape: Shape) -> Callable[[RestInput], dict[str, Any]]:
    """A function from a request's parts to the parameters of `shape`; raises SerializationException."""
    labels = [member for member in shape.members if member.place == "uri"]
    queries = _query_readers(member for member in shape.members if member.place == "querystring")
    rest = [member for member in shape.members if member.place is None]
    assert len(labels) + len(queries) + len(rest) == len(shape.members), "a place no reader is made for"
    earlier = queries + _query_readers(member for member in rest if _is_plain(member.shape))
    read_body = _structure_reader(rest)
    known = {member.wire_name for member, _ in queries}
    known_earlier = {member.wire_name for member, _ in earlier}

    def read(found: RestInput) -> dict[str, Any]:
        parameters: dict[str, Any] = {}
        needs_json = bool(rest) and not found.in_query
        if found.body and (needs_json or found.body.lstrip().startswith(b"{")):
            parameters = read_body(_without_labels(read_json(found.body), found.labels), "")
        for name in found.query.keys() - (known_earlier if found.in_query else known):
            # What signatures and SDKs add for themselves begins so.
            if not name.lower().startswith("x-"):
                raise _not_served(name)
        for member in labels:
            parameters[member.name] = found.labels[member.wire_name]
        for member, read_query in earlier if found.in_query else queries:
            if (values := found.query.get(member.wire_name)) is not None:
                parameters[member.name] = read_query(values)
        return parameters

    return read


def _is_plain(shape: Shape) -> bool:
    return shape.kind not in ("structure", "list", "map")


def _query_readers(members: Iterable[Member]) -> list[tuple[Member, Callable[[list[str]], Any]]]:
    return [(member, _query_reader(member)) for member in members]


def _query_reader(member: Member) -> Callable[[list[str]], Any]:
    is_list = member.shape.kind == "list"
    element = member.shape.element if is_list else member.shape
    assert element is not None and _is_plain(element)
    convert = reader_for(element)

    def read(text: str) -> Any:
        try:
            return text if convert is None else convert(text)
        except ValueError as error:
            raise SerializationException(
                f"Value at '{member.wire_name}' is not a valid {element.kind}"
            ) from error

    def read_values(values: list[str]) -> Any:
        if is_list:
            return [read(text) for text in values]
        if len(values) != 1:
            raise SerializationException(f"The parameter {member.wire_name} occurs twice")
        return read(values[0])

    return read_values


def _reader(shape: Shape) -> Reader:
    match shape.kind:
        case "structure":
            return _structure_reader(shape.members)
        case "list":
            return _list_reader(shape)
        case "map":
            return _map_reader(shape)
        case "blob":
            return _read_blob
        case "boolean":
            return _read_boolean
        case "integer" | "long":
            return _integer_reader(_INTEGER_BITS[shape.kind])
        case "float" | "double":
            return _read_number
        case "timestamp":
            return _read_timestamp
        case _:
            return _read_text


def _structure_reader(members: Sequence[Member]) -> Reader:
    readers = [(member.name, member.wire_name, _reader(member.shape)) for member in members]
    known = frozenset(member.wire_name for member in members)

    def read_structure(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(value, path, "structure")
        found = {}
        if not value.keys() <= known:
            _refuse_unknown(value, known, path)
        for name, wire_name, read in readers:
            if (item := value.get(wire_name)) is not None:
                found[name] = read(item, f"{path}.{wire_name}" if path else wire_name)
        return found

    return read_structure


def _without_labels(body: Any, labels: Mapping[str, str]) -> Any:
    """The body without what it says once more of the path, as clients of earlier models do."""
    if not isinstance(body, dict) or body.keys().isdisjoint(labels):
        return body
    for name in body.keys() & labels.keys():
        if body[name] is not None and body[name] != labels[name]:
            raise SerializationException(f"Value at '{name}' differs from the one in the path")
    return {name: item for name, item in body.items() if name not in labels}


def _refuse_unknown(value: Mapping[str, Any], known: frozenset[str], path: str) -> None:
    for name, item in value.items():
        if name not in known and item is not None:
            raise _not_served(f"{path}.{name}" if path else name)


def _not_served(name: str) -> NotImplementedByService:
    return NotImplementedByService(f"The parameter {name[:200]} is not implemented by this service.")


def _list_reader(shape: Shape) -> Reader:
    assert shape.element is not None
    read = _reader(shape.element)

    def read_list(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(value, path, "list")
        return [read(item, path) for item in value]

    return read_list


def _map_reader(shape: Shape) -> Reader:
    assert shape.value is not None
    read = _reader(shape.value)

    def read_map(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(value, path, "map")
        return {_read_text(key, path): read(item, path) for key, item in value.items()}

    return read_map


def _read_text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(value, path, "string")
    if "\0" in value:
        raise SerializationException(f"Value at '{path}' holds a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise SerializationException(f"Value at '{path}' holds half a surrogate pair") from error
    return value


def _read_blob(value: Any, path: str) -> bytes:
    if not isinstance(value, str):
        raise _wrong(value, path, "blob")
    try:
        return read_blob(value)
    except ValueError as error:
        raise SerializationException(f"Value at '{path}' is not valid base64") from error


def _read_boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, path, "boolean")
    return value


def _integer_reader(bits: int) -> Reader:
    def read_integer(value: Any, path: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(value, path, "integer")
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise SerializationException(f"Value at '{path}' is out of the range of an integer")
        return value

    return read_integer


def _read_number(value: Any, path: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(value, path, "number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise SerializationException(f"Value at '{path}' is out of the range of a number")
    return number


def _read_timestamp(value: Any, path: str) -> float:
    seconds = _read_number(value, path)
    if not 0 <= seconds <= _LATEST:
        raise SerializationException(f"Value at '{path}' is not a time after 1970 and before 10000")
    return seconds


_KINDS: Mapping[type, str] = {
    dict: "Start of structure or map found where not expected",
    list: "Start of list found where not expected",
    str: "STRING_VALUE can not be converted",
    bool: "Boolean can not be converted",
    int: "NUMBER_VALUE can not be converted",
    float: "NUMBER_VALUE can not be converted",
    type(None): "null found where not expected",
}


def _wrong(value: Any, path: str, expected: str) -> SerializationException:
    return SerializationException(f"{_KINDS[type(value)]}: '{path[:200]}' is a {expected}")
