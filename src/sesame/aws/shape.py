"""Shapes of a service model: what a request or reply is made of.

Read once from the trimmed model; codecs and constraints are compiled from them. Knows no wire
format. Source: botocore's service models (structure, list, map, scalars, traits).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape with the traits of the reference that led to it.

    `kind` is the model's type (structure, list, map, string, blob, boolean, integer, long, float,
    double, timestamp). `location` is the name on the wire, or None for the default of the place.
    `minimum` and `maximum` bound a number's value, else a length.
    """

    kind: str
    location: str | None = None
    flattened: bool = False
    members: "tuple[Member, ...]" = ()
    element: "Shape | None" = None
    key: "Shape | None" = None
    value: "Shape | None" = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    is_sensitive: bool = False
    """Not to be shown or kept (trait `sensitive`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A structure's member: its name in the model, on the wire, its shape, whether it must be there.

    `place` is where in a request it is when not in the body (`uri`, `querystring`).
    """

    name: str
    wire_name: str
    shape: Shape
    required: bool
    place: str | None = None


def read_shape(shapes: Json, reference: Json) -> Shape:
    """The shape that `reference` (`{"shape": name, …traits}`) points to in the model's `shapes`."""
    described: Json = shapes[reference["shape"]]
    traits = {**described, **reference}
    nested = {
        ours: read_shape(shapes, described[theirs])
        for ours, theirs in (("element", "member"), ("key", "key"), ("value", "value"))
        if described["type"] in ("list", "map") and theirs in described
    }
    return Shape(
        kind=described["type"],
        location=traits.get("locationName"),
        flattened=traits.get("flattened", False),
        members=_read_members(shapes, described),
        minimum=described.get("min"),
        maximum=described.get("max"),
        pattern=described.get("pattern"),
        enum=tuple(described.get("enum", ())),
        is_sensitive=traits.get("sensitive", False),
        **nested,
    )


def _read_members(shapes: Json, described: Json) -> tuple[Member, ...]:
    required = described.get("required", ())
    found = []
    for name, reference in described.get("members", {}).items():
        shape = read_shape(shapes, reference)
        # A flattened list has no element of its own: its items carry the name.
        wire_name = shape.location or name
        if shape.kind == "list" and shape.flattened and shape.element and shape.element.location:
            wire_name = shape.element.location
        found.append(
            Member(
                name=name,
                wire_name=wire_name,
                shape=shape,
                required=name in required,
                place=reference.get("location"),
            )
        )
    return tuple(found)
