"""Constraints of the service model: required members, lengths, ranges, patterns, enums.

Compiled once from a shape into a check that runs over parsed parameters and words each violation
as AWS does. Services word them in two ways: SES says where, the older ones (IAM, STS, SNS) say what stands
there too. Wire formats play no part here. Sources: botocore's models; texts observed (`Value 'x' at 'roleName'`:
nixops#328, aws-cli#7854; of STS: aws-credentials-service#7, moto#9218; names and paths of IAM: cfn-lint#722 and
#996, aws-cli#5860).

INVARIANT: a shape without constraints compiles to None, so that what has none costs nothing.
INVARIANT: what a model calls sensitive is never shown.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sesame.aws.shape import Member, Shape
from sesame.errors import ValidationError

Violation = tuple[str, str, str | None]
"""Where, from the value checked inwards (`1.member.name`), what is wrong, and the value if it may be shown."""

Check = Callable[[Any], Iterable[Violation]]

Test = tuple[Callable[[Any], bool], str]
"""What a scalar must satisfy, with the message for it."""

_NOT_NULL = "Member must not be null"

SHOWING_VALUES = frozenset({"iam", "sts", "sns"})
"""The services that say which value is wrong."""

OBSERVED_ORDERS: Mapping[frozenset[str], tuple[str, ...]] = {
    frozenset({"OPT_IN", "OPT_OUT"}): ("OPT_OUT", "OPT_IN"),
}
"""Values of an enum in the order in which AWS lists them, where that is known and not the alphabet's."""

_NO_SENTENCES: Mapping[str, str] = MappingProxyType({})
_NAMES = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "iam": {
        r"[\w+=,.@-]+": _NAMES,
        r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)": (
            "It must begin and end with / and contain only alphanumeric characters and/or / characters."
        ),
        r"((/[A-Za-z0-9\.,\+@=_-]+)*)/": (
            "It must begin and end with / and contain only alphanumeric characters and/or / characters."
        ),
        r"\u002F[\u0021-\u007F]*": (
            "It must begin with the / character and contain only alphanumeric characters and/or / characters."
        ),
    },
}
"""By service, what it says of a value that does not match a pattern, when all else is right."""

# Java's character classes that occur in the models, in Python's terms. \w without ASCII is exactly
# letters, numbers and the underscore; the last is Unicode's category Z.
_JAVA_CLASSES = ((r"\p{L}\p{Z}\p{N}_", "\\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"),)


def compile_validator(shape: Shape, service: str = "") -> Callable[[Mapping[str, Any]], None]:
    """A function that raises ValidationError when the parameters of `shape` break the model of `service`."""
    check = compile_check(shape)
    shows_values, sentences = service in SHOWING_VALUES, SENTENCES.get(service, _NO_SENTENCES)
    by_text = {_no_match(pattern): sentence for pattern, sentence in sentences.items()}

    def validate(parameters: Mapping[str, Any]) -> None:
        found = check(parameters) if check else ()
        violations = [
            f"Value {f'{value} ' if shows_values and value is not None else ''}at '{path}' failed to satisfy"
            f" constraint: {text}"
            for path, text, value in found
            if text not in by_text
        ]
        if violations:
            count = f"{len(violations)} validation error{'' if len(violations) == 1 else 's'} detected"
            raise ValidationError(f"{count}: {'; '.join(violations)}")
        for path, text, _ in found:
            raise ValidationError(
                f"The specified value for {path.rpartition('.')[2]} is invalid. {by_text[text]}"
            )

    return validate


def compile_check(shape: Shape) -> Check | None:
    """The check for values of `shape`, None when every value is good."""
    match shape.kind:
        case "structure":
            return _structure_check(shape.members)
        case "list":
            return _list_check(shape)
        case "map":
            return _map_check(shape)
        case _:
            return _scalar_check(shape, _tests(shape))


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The model's (Java) pattern for use with `fullmatch`; raises re.error for what we cannot say."""
    for java, ours in _JAVA_CLASSES:
        if java in pattern:
            return re.compile(pattern.replace(java, ours))
    return re.compile(pattern, re.ASCII)


def _structure_check(members: Iterable[Member]) -> Check | None:
    rules: list[tuple[str, str, bool, Check | None]] = []
    for member in members:
        check = compile_check(member.shape)
        if member.required or check is not None:
            path = member.name[:1].lower() + member.name[1:]
            rules.append((member.name, path, member.required, check))
    if not rules:
        return None

    def check_structure(value: Mapping[str, Any]) -> list[Violation]:
        found: list[Violation] = []
        for name, path, required, check in rules:
            item = value.get(name)
            if item is None:
                if required:
                    found.append((path, _NOT_NULL, "null"))
            elif check is not None:
                found += [(_join(path, inner), text, shown) for inner, text, shown in check(item)]
        return found

    return check_structure


def _list_check(shape: Shape) -> Check | None:
    assert shape.element is not None
    own, element_tests = _length_tests(shape), _tests(shape.element)
    nested = None if element_tests else compile_check(shape.element)
    if not own and not element_tests and nested is None:
        return None
    # Elements that are scalars are reported for the list as a whole.
    message = f"Member must satisfy constraint: [{', '.join(text for _, text in element_tests)}]"

    show = _shower(shape)

    def check_list(value: list[Any]) -> list[Violation]:
        found: list[Violation] = [("", text, show(value)) for holds, text in own if not holds(value)]
        if not all(holds(item) for item in value for holds, _ in element_tests):
            found.append(("", message, show(value)))
        if nested is not None:
            for index, item in enumerate(value, 1):
                found += [
                    (_join(f"{index}.member", inner), text, shown) for inner, text, shown in nested(item)
                ]
        return found

    return check_list


def _map_check(shape: Shape) -> Check | None:
    assert shape.key is not None and shape.value is not None
    own, key_tests, value_check = _length_tests(shape), _tests(shape.key), compile_check(shape.value)
    if not own and not key_tests and value_check is None:
        return None
    message = f"Map keys must satisfy constraint: [{', '.join(text for _, text in key_tests)}]"

    show = _shower(shape)

    def check_map(value: Mapping[str, Any]) -> list[Violation]:
        found: list[Violation] = [("", text, show(value)) for holds, text in own if not holds(value)]
        if not all(holds(key) for key in value for holds, _ in key_tests):
            found.append(("", message, show(value)))
        if value_check is not None:
            for key, item in value.items():
                found += [
                    (_join(f"{key}.member", inner), text, shown) for inner, text, shown in value_check(item)
                ]
        return found

    return check_map


def _scalar_check(shape: Shape, tests: list[Test]) -> Check | None:
    if not tests:
        return None
    show = _shower(shape)
    return lambda value: [("", text, show(value)) for holds, text in tests if not holds(value)]


def _shower(shape: Shape) -> Callable[[Any], str | None]:
    """How a value of `shape` is shown in a message; None for what has, or may hold, what is not to be shown."""
    parts = (shape, shape.element, shape.key, shape.value)
    # Structures, which may hold anything, are not shown as a whole.
    if any(part is not None and (part.is_sensitive or part.kind == "blob" or part.members) for part in parts):
        return lambda value: None
    return lambda value: f"'{_written(value)}'"


def _written(value: Any) -> str:
    """A value as the services that show it write it."""
    match value:
        case dict():
            return f"{{{', '.join(f'{key}={_written(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(_written, value))}]"
        case _:
            return str(value)


def _no_match(pattern: str) -> str:
    return f"Member must satisfy regular expression pattern: {pattern}"


def _join(path: str, inner: str) -> str:
    return f"{path}.{inner}" if inner else path


def _tests(shape: Shape) -> list[Test]:
    """What a scalar of `shape` must satisfy; empty for structures, lists and maps."""
    match shape.kind:
        case "string" | "blob" | "character":
            tests = _length_tests(shape)
        case "integer" | "long" | "float" | "double":
            tests = _value_tests(shape)
        case _:
            return []
    if shape.enum:
        allowed = frozenset(shape.enum)
        values = OBSERVED_ORDERS.get(allowed) or sorted(allowed)
        message = f"Member must satisfy enum value set: [{', '.join(values)}]"
        tests.append((allowed.__contains__, message))
    if shape.pattern is not None:
        matches = compile_pattern(shape.pattern).fullmatch
        tests.append((lambda text: matches(text) is not None, _no_match(shape.pattern)))
    return tests


def _length_tests(shape: Shape) -> list[Test]:
    tests: list[Test] = []
    if (most := shape.maximum) is not None:
        message = f"Member must have length less than or equal to {most}"
        tests.append((lambda value: len(value) <= most, message))
    if least := shape.minimum:
        message = f"Member must have length greater than or equal to {least}"
        tests.append((lambda value: len(value) >= least, message))
    return tests


def _value_tests(shape: Shape) -> list[Test]:
    tests: list[Test] = []
    if (most := shape.maximum) is not None:
        message = f"Member must have value less than or equal to {most}"
        tests.append((lambda value: value <= most, message))
    if (least := shape.minimum) is not None:
        message = f"Member must have value greater than or equal to {least}"
        tests.append((lambda value: value >= least, message))
    return tests
