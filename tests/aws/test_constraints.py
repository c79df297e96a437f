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


SHOWN = structure(
    Name=Shape(kind="string", minimum=2, maximum=3, pattern="[a-z\\n]+"),
    Number=Shape(kind="integer", maximum=9),
    Names=Shape(kind="list", element=NAME),
    Tags=Shape(kind="list", element=structure(Key=NAME)),
    Map=Shape(kind="map", key=NAME, value=TEXT),
    Password=Shape(kind="string", minimum=8, is_sensitive=True),
    Passwords=Shape(kind="list", maximum=1, element=Shape(kind="string", is_sensitive=True)),
    Tokens=Shape(kind="list", maximum=1, element=structure(Secret=Shape(kind="string", is_sensitive=True))),
    Data=Shape(kind="blob", maximum=2),
)


@pytest.mark.parametrize("service", ["iam", "sts", "sns"])
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"Name": "abcd"}, "Value 'abcd' at 'name'"),
        ({"Name": "A\n"}, "Value 'A\n' at 'name'"),
        ({"Number": 10}, "Value '10' at 'number'"),
        ({"Names": ["ab", "a"]}, "Value '[ab, a]' at 'names'"),
        ({"Tags": [{"Key": "ab"}, {"Key": "a"}]}, "Value 'a' at 'tags.2.member.key'"),
        ({"Map": {"a": "b", "c": "d"}}, "Value '{a=b, c=d}' at 'map'"),
        ({"Password": "secret"}, "Value at 'password'"),
        ({"Passwords": ["secret", "secret"]}, "Value at 'passwords'"),
        ({"Tokens": [{"Secret": "secret"}, {}]}, "Value at 'tokens'"),
        ({"Data": b"secret"}, "Value at 'data'"),
    ],
)
def test_the_older_services_say_which_value_is_wrong_unless_it_is_secret(
    service: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        compile_validator(SHOWN, service)(parameters)
    start = f"1 validation error detected: {words} failed to satisfy constraint: Member "
    assert refused.value.message.replace("Map keys", "Member").startswith(start)
    assert "secret" not in refused.value.message
    with pytest.raises(ValidationError, match="detected: Value at '"):
        compile_validator(SHOWN, "ses")(parameters)


def test_a_value_that_is_missing_is_null_to_the_older_services() -> None:
    shape = Shape(
        kind="structure", members=(Member(name="Name", wire_name="Name", shape=NAME, required=True),)
    )
    with pytest.raises(
        ValidationError, match="Value null at 'name' failed to satisfy constraint: Member must"
    ):
        compile_validator(shape, "iam")({})
    with pytest.raises(
        ValidationError, match="Value at 'name' failed to satisfy constraint: Member must not"
    ):
        compile_validator(shape, "ses")({})


def test_iam_has_a_sentence_for_names_once_their_lengths_are_right() -> None:
    shape = structure(
        RoleName=Shape(kind="string", minimum=1, maximum=5, pattern=r"[\w+=,.@-]+"),
        Path=Shape(kind="string", pattern=r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"),
    )
    validate = compile_validator(shape, "iam")
    for parameters, message in (
        (
            {"RoleName": "a b"},
            "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the"
            " following: +=,.@_-",
        ),
        (
            {"Path": "x"},
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric"
            " characters and/or / characters.",
        ),
        (
            {"RoleName": "", "Path": "x"},
            "1 validation error detected: Value '' at 'roleName' failed to satisfy constraint: Member must have"
            " length greater than or equal to 1",
        ),
    ):
        with pytest.raises(ValidationError) as refused:
            validate(parameters)
        assert refused.value.message == message


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
