"""Constraints of shapes that no served operation has yet: numbers, maps, blobs, nesting."""

from typing import Any

import pytest

from sesame.aws.constraints import compile_check, compile_validator
from sesame.aws.errors import MalformedInput
from sesame.aws.query_input import compile_reader
from sesame.aws.shape import Member, Shape
from sesame.errors import ValidationError

NAME = Shape(kind="string", minimum=2, maximum=3)
TEXT = Shape(kind="string")


def structure(**members: Shape) -> Shape:
    listed = [
        Member(name=name, wire_name=name, shape=shape, required=False) for name, shape in members.items()
    ]
    return Shape(kind="structure", members=tuple(listed))


def violations(shape: Shape, value: Any) -> str:
    """What follows `detected:` for the member `Item` of that shape."""
    with pytest.raises(ValidationError) as refused:
        compile_validator(structure(Item=shape))({"Item": value})
    return refused.value.message.partition(" detected: ")[2]


def test_a_shape_without_constraints_has_no_check() -> None:
    free = Shape(kind="list", element=structure(A=TEXT, B=Shape(kind="map", key=TEXT, value=TEXT)))
    assert compile_check(structure(A=free, B=Shape(kind="boolean"))) is None
    compile_validator(structure(A=free))({"A": [{"A": "anything"}]})


@pytest.mark.parametrize(
    ("shape", "value", "text"),
    [
        (Shape(kind="blob", maximum=2), b"abc", "Member must have length less than or equal to 2"),
        (Shape(kind="double", minimum=0), -0.5, "Member must have value greater than or equal to 0"),
        (Shape(kind="long", maximum=9), 10, "Member must have value less than or equal to 9"),
        (
            Shape(kind="map", key=NAME, value=TEXT),
            {"a": "", "abc": ""},
            "Map keys must satisfy constraint: [Member must have length less than or equal to 3, "
            "Member must have length greater than or equal to 2]",
        ),
        (
            Shape(kind="map", key=TEXT, value=TEXT, minimum=1),
            {},
            "Member must have length greater than or equal to 1",
        ),
    ],
)
def test_a_violation_says_which_rule(shape: Shape, value: Any, text: str) -> None:
    assert violations(shape, value) == f"Value at 'item' failed to satisfy constraint: {text}"


def test_a_value_within_its_limits_is_accepted() -> None:
    shape = structure(
        N=Shape(kind="integer", minimum=1, maximum=3), M=Shape(kind="map", key=NAME, value=NAME)
    )
    for n in (1, 3):
        compile_validator(shape)({"N": n, "M": {"ab": "abc"}})


def test_the_path_leads_through_lists_and_maps() -> None:
    inner = structure(Name=NAME)
    assert violations(Shape(kind="list", element=inner), [{"Name": "ab"}, {"Name": "a"}]) == (
        "Value at 'item.2.member.name' failed to satisfy constraint: "
        "Member must have length greater than or equal to 2"
    )
    assert violations(Shape(kind="map", key=TEXT, value=inner), {"k": {"Name": "a"}}) == (
        "Value at 'item.k.member.name' failed to satisfy constraint: "
        "Member must have length greater than or equal to 2"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"M.entry.1.key": "a"},
        {"M.entry.1.value": "a"},
        {"M.entry.1.key": "a", "M.entry.1.value": "1", "M.entry.2.key": "a", "M.entry.2.value": "2"},
        {"M.entry.1.key": "a", "M.entry.1.value": "1", "M.entry.1.other": "2"},
        {"M.entry.1": "a"},
        {"M.entry.x.key": "a"},
        {"M.1.key": "a", "M.1.value": "1"},
        {"M": "a"},
    ],
)
def test_a_map_is_pairs_of_one_key_and_its_value(fields: dict[str, str]) -> None:
    read = compile_reader(structure(M=Shape(kind="map", key=TEXT, value=TEXT)))
    assert read({"M.entry.7.key": "k", "M.entry.7.value": "v"}) == {"M": {"k": "v"}}
    with pytest.raises(MalformedInput):
        read(fields)
