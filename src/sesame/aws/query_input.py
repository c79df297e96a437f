"""Reads typed parameters out of a form, by a shape (AWS Query protocol).

Names are dotted paths: `Message.Subject.Data`, `Tags.member.1.Name`, `Attributes.entry.1.key`.
Compiled once per operation: a structure's members are looked up by their whole name, only lists and
maps look at the names there are. Gaps in a list close up, as AWS closes them. Source: AWS Query
protocol as botocore's serialiser writes it.

INVARIANT: every parameter is either returned or refused. Readers take what they read out of the form;
what is left under a known name has the wrong type (MalformedInput), what is left under another is of a newer
model and is refused by name: what is ignored might have forbidden something.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sesame.aws.errors import MalformedInput
from sesame.aws.scalars import reader_for
from sesame.aws.shape import Shape
from sesame.errors import NotImplementedByService

_OF_SIGNATURES = frozenset(
    {
        "AWSAccessKeyId",
        "Expires",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
    }
)
"""What older signatures put among the parameters; newer ones begin with `X-Amz-`."""

Fields = dict[str, str]
Reader = Callable[[Fields], Any]
"""Takes its value out of the form; None when it is not there."""

_LONGEST_INDEX = 9
_USUAL_INDICES = {str(index): index for index in range(1, 101)}


def compile_reader(shape: Shape) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    """A function from a form's fields to the parameters of `shape`; raises MalformedInput."""
    read = _structure_reader(shape, "")

    def read_parameters(form: Mapping[str, str]) -> dict[str, Any]:
        fields = dict(form)
        parameters: dict[str, Any] = read(fields) or {}
        if fields:
            _refuse_misplaced(shape, fields)
        return parameters

    return read_parameters


def _reader(shape: Shape, name: str) -> Reader:
    match shape.kind:
        case "structure":
            return _structure_reader(shape, name)
        case "list":
            return _list_reader(shape, name)
        case "map":
            return _map_reader(shape, name)
        case _:
            return _scalar_reader(shape, name)


def _scalar_reader(shape: Shape, name: str) -> Reader:
    convert = reader_for(shape)

    def read_scalar(fields: Fields) -> Any:
        text = fields.pop(name, None)
        if text is None or convert is None:
            return text
        try:
            return convert(text)
        except ValueError as error:
            raise MalformedInput(f"Value at '{name or 'member'}' is not a valid {shape.kind}") from error

    return read_scalar


def _structure_reader(shape: Shape, name: str) -> Reader:
    prefix = _under(name)
    texts: list[tuple[str, str]] = []
    others: list[tuple[str, Reader]] = []
    for member in shape.members:
        wire_name = prefix + member.wire_name
        if reader_for(member.shape) is None and member.shape.kind in ("string", "character"):
            texts.append((member.name, wire_name))
        else:
            others.append((member.name, _reader(member.shape, wire_name)))

    def read_structure(fields: Fields) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        for member_name, wire_name in texts:
            if (text := fields.pop(wire_name, None)) is not None:
                found[member_name] = text
        for member_name, read in others:
            if (value := read(fields)) is not None:
                found[member_name] = value
        return found if _take_empty(fields, name) or found else None

    return read_structure


def _list_reader(shape: Shape, name: str) -> Reader:
    assert shape.element is not None
    element = shape.element
    prefix = _under(name) if shape.flattened else f"{_under(name)}{element.location or 'member'}."
    read = _reader(element, "")
    # An element is there because its index is, whatever it holds.
    empty: Any = {} if element.kind == "structure" else []

    def read_list(fields: Fields) -> list[Any] | None:
        groups = _take_groups(fields, prefix)
        if not groups:
            return [] if _take_empty(fields, name) else None
        values = []
        for index in sorted(groups):
            group = groups[index]
            value = read(group)
            if group:
                _refuse_misplaced(element, group)
            values.append(empty if value is None else value)
        return values

    return read_list


def _map_reader(shape: Shape, name: str) -> Reader:
    assert shape.key is not None and shape.value is not None
    value_shape = shape.value
    prefix = _under(name) if shape.flattened else f"{_under(name)}entry."
    key_name = shape.key.location or "key"
    read = _reader(value_shape, value_shape.location or "value")

    def read_map(fields: Fields) -> dict[str, Any] | None:
        groups = _take_groups(fields, prefix)
        if not groups:
            return {} if _take_empty(fields, name) else None
        found: dict[str, Any] = {}
        for index in sorted(groups):
            group = groups[index]
            key, value = group.pop(key_name, None), read(group)
            if key is None or value is None or key in found or group:
                raise MalformedInput(f"Value at '{prefix}{index}' is not one key and its value")
            found[key] = value
        return found

    return read_map


def _under(name: str) -> str:
    """What the names of the things in `name` begin with; an element of a list has no name."""
    return f"{name}." if name else ""


def _take_empty(fields: Fields, name: str) -> bool:
    """Whether the form says `name=`, which is how an empty structure, list or map is written."""
    if fields.get(name) != "":
        return False
    del fields[name]
    return True


def _take_groups(fields: Fields, prefix: str) -> dict[int, Fields]:
    """Take the names under `prefix` out, gathered by index: `{1: {"Name": …}, 2: …}`.

    One pass over the names, so that nested lists cost no more than the form is long.
    """
    groups: dict[int, Fields] = {}
    for name in [name for name in fields if name.startswith(prefix)]:
        index, _, rest = name[len(prefix) :].partition(".")
        number = _USUAL_INDICES.get(index) or _read_index(index, name)
        groups.setdefault(number, {})[rest] = fields.pop(name)
    return groups


def _read_index(index: str, name: str) -> int:
    # `01` beside `1` would be two readings of one list.
    if not (index.isascii() and index.isdecimal()) or len(index) > _LONGEST_INDEX or index[0] == "0":
        raise MalformedInput(f"'{name[:200]}' does not name an element of a list")
    return int(index)


def _refuse_misplaced(shape: Shape, left: Fields) -> None:
    """Raise for each name in `left`: it was not read, so it is misplaced or not known."""
    for name in left:
        _refuse_if_known(shape, name, name)
        if name not in _OF_SIGNATURES and not name.lower().startswith("x-"):
            raise NotImplementedByService(f"The parameter {name[:200]} is not implemented by this service.")


def _refuse_if_known(shape: Shape, rest: str, name: str) -> None:
    if shape.kind == "structure" and rest:
        head, _, tail = rest.partition(".")
        for member in shape.members:
            if member.wire_name == head:
                _refuse_if_known(member.shape, tail, name)
        return
    if shape.kind in ("structure", "list", "map"):
        raise MalformedInput(f"'{name[:200]}' is a {shape.kind}: it has members, not a value of its own")
    raise MalformedInput(f"Start of list found where not expected: '{name[:200]}'")
