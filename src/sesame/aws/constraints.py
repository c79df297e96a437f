"""Constraints of the service model: required members, lengths, ranges, patterns, enums.

Compiled once from a shape into a check that runs over parsed parameters and words each violation
as AWS does. Wire formats play no part here. Sources: botocore's models; texts observed.

INVARIANT: a shape without constraints compiles to None, so that what has none costs nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sesame.aws.shape import Member, Shape
from sesame.errors import ValidationError

Violation = tuple[str, str]
"""Where, from the value checked inwards (`1.member.name`), and what is wrong."""

Check = Callable[[Any], Iterable[Violation]]

Test = tuple[Callable[[Any], bool], str]
"""What a scalar must satisfy, with the message for it."""

_NOT_NULL = "Member must not be null"

# Java's character classes that occur in the models, in Python's terms. \w without ASCII is exactly
# letters, numbers and the underscore; the last is Unicode's category Z.
_JAVA_CLASSES = ((r"\p{L}\p{Z}\p{N}_", "\\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"),)


def compile_validator(shape: Shape) -> Callable[[Mapping[str, Any]], None]:
    """A function that raises ValidationError when the parameters of `shape` break the model."""
    check = compile_check(shape)

    def validate(parameters: Mapping[str, Any]) -> None:
        violations = [
            f"Value at '{path}' failed to satisfy constraint: {text}"
            for path, text in (check(parameters) if check else ())
        ]
        if violations:
            count = f"{len(violations)} validation error{'' if len(violations) == 1 else 's'} detected"
            raise ValidationError(f"{count}: {'; '.join(violations)}")

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
            return _scalar_check(_tests(shape))


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
        found = []
        for name, path, required, check in rules:
            item = value.get(name)
            if item is None:
                if required:
                    found.append((path, _NOT_NULL))
            elif check is not None:
                found += [(_join(path, inner), text) for inner, text in check(item)]
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

    def check_list(value: list[Any]) -> list[Violation]:
        found = [("", text) for holds, text in own if not holds(value)]
        if not all(holds(item) for item in value for holds, _ in element_tests):
            found.append(("", message))
        if nested is not None:
            for index, item in enumerate(value, 1):
                found += [(_join(f"{index}.member", inner), text) for inner, text in nested(item)]
        return found

    return check_list


def _map_check(shape: Shape) -> Check | None:
    assert shape.key is not None and shape.value is not None
    own, key_tests, value_check = _length_tests(shape), _tests(shape.key), compile_check(shape.value)
    if not own and not key_tests and value_check is None:
        return None
    message = f"Map keys must satisfy constraint: [{', '.join(text for _, text in key_tests)}]"

    def check_map(value: Mapping[str, Any]) -> list[Violation]:
        found = [("", text) for holds, text in own if not holds(value)]
        if not all(holds(key) for key in value for holds, _ in key_tests):
            found.append(("", message))
        if value_check is not None:
            for key, item in value.items():
                found += [(_join(f"{key}.member", inner), text) for inner, text in value_check(item)]
        return found

    return check_map


def _scalar_check(tests: list[Test]) -> Check | None:
    if not tests:
        return None
    return lambda value: [("", text) for holds, text in tests if not holds(value)]


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
        message = f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]"
        tests.append((allowed.__contains__, message))
    if shape.pattern is not None:
        matches = compile_pattern(shape.pattern).fullmatch
        message = f"Member must satisfy regular expression pattern: {shape.pattern}"
        tests.append((lambda text: matches(text) is not None, message))
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
