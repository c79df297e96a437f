"""Filter policies of subscriptions: which messages one wants, by attributes or by what is in the body. Pure.

Keys are joined by AND, the conditions of a key by OR, `$or` joins objects. Source: SNS developer guide, "Amazon SNS
subscription filter policies". What a policy asks of a key that is not there does not match, but for `exists: false`.
"""

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sesame.aws.sns.message import Attributes
from sesame.errors import SesameError

MAX_BYTES = 256 * 1024
MAX_COMBINATIONS = 150
MAX_KEYS = 5
MAX_NUMBER = 1e9
SCOPES = ("MessageAttributes", "MessageBody")


class FilterPolicyError(SesameError):
    """A filter policy that would not be stored."""


Test = Callable[[Any], bool]
"""Whether one value matches; `ABSENT` for a key that is not there."""

ABSENT = object()


class FilterPolicy:
    """A policy that was read; `matches` says whether a message is wanted."""

    def __init__(self, policy: Mapping[str, Any], *, scope: str) -> None:
        self._scope = scope
        self._test = _object(policy, is_body=scope == "MessageBody", depth=0)

    def matches(self, *, body: str, attributes: Attributes | None) -> bool:
        """Whether a message with this body and these attributes is wanted."""
        if self._scope == "MessageBody":
            try:
                found = json.loads(body)
            except (ValueError, RecursionError):
                return False
            return isinstance(found, dict) and self._test(found)
        return self._test({name: _value(held) for name, held in (attributes or {}).items()})


def read_filter_policy(text: str, *, scope: str = "MessageAttributes") -> FilterPolicy:
    """Read a policy. Raises `FilterPolicyError` with a sentence that says what is wrong."""
    if len(text.encode()) > MAX_BYTES:
        raise FilterPolicyError("FilterPolicy: is too large")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise FilterPolicyError("FilterPolicy: failed to parse JSON") from None
    if not isinstance(policy, dict):
        raise FilterPolicyError("FilterPolicy: Filter policy must be an object")
    keys, combinations = _count(policy)
    if keys > MAX_KEYS:
        raise FilterPolicyError(f"FilterPolicy: Filter policy can not have more than {MAX_KEYS} keys")
    if combinations > MAX_COMBINATIONS:
        raise FilterPolicyError("FilterPolicy: Filter policy is too complex")
    return FilterPolicy(policy, scope=scope)


def _count(policy: Mapping[str, Any], depth: int = 1) -> tuple[int, int]:
    """Keys with conditions, and the product of their numbers, each weighed by how deep it lies."""
    keys, combinations = 0, 1
    for name, value in policy.items():
        if isinstance(value, dict):
            inner_keys, inner = _count(value, depth + 1)
            keys, combinations = keys + inner_keys, combinations * inner
        elif name == "$or" and isinstance(value, list):
            branches = [_count(branch, depth) for branch in value if isinstance(branch, dict)]
            keys += max((branch[0] for branch in branches), default=0)
            combinations *= sum(branch[1] for branch in branches) or 1
        else:
            keys += 1
            combinations *= max(1, len(value) if isinstance(value, list) else 1) * depth
        if combinations > MAX_COMBINATIONS * 1_000:
            break
    return keys, combinations


def _value(attribute: Mapping[str, str]) -> Any:
    """The value of a message attribute as the conditions see it."""
    kind, value = attribute.get("Type", "String"), attribute.get("Value", "")
    if kind.startswith(("String.Array", "Number")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _object(policy: Mapping[str, Any], *, is_body: bool, depth: int) -> Callable[[Mapping[str, Any]], bool]:
    if depth > 20:
        raise FilterPolicyError("FilterPolicy: Filter policy is too deep")
    tests: list[Callable[[Mapping[str, Any]], bool]] = []
    for name, wanted in policy.items():
        if name == "$or" and _is_choice(wanted):
            tests.append(_any([_object(branch, is_body=is_body, depth=depth + 1) for branch in wanted]))
        elif isinstance(wanted, dict):
            if not is_body:
                raise FilterPolicyError(
                    "FilterPolicy: Filter policy scope MessageAttributes does not support nested filter policy"
                )
            tests.append(_below(name, _object(wanted, is_body=is_body, depth=depth + 1)))
        elif isinstance(wanted, list) and wanted:
            tests.append(_at(name, [_condition(one) for one in wanted]))
        else:
            raise FilterPolicyError(f'FilterPolicy: "{name}" must be an object or an array')
    return lambda found: all(test(found) for test in tests)


def _is_choice(wanted: Any) -> bool:
    return (
        isinstance(wanted, list) and len(wanted) > 1 and all(isinstance(one, dict) and one for one in wanted)
    )


def _any(
    tests: Sequence[Callable[[Mapping[str, Any]], bool]],
) -> Callable[[Mapping[str, Any]], bool]:
    return lambda found: any(test(found) for test in tests)


def _below(name: str, test: Callable[[Mapping[str, Any]], bool]) -> Callable[[Mapping[str, Any]], bool]:
    def matches(found: Mapping[str, Any]) -> bool:
        inner = found.get(name)
        if isinstance(inner, list):
            return any(isinstance(one, dict) and test(one) for one in inner)
        return test(inner if isinstance(inner, dict) else {})

    return matches


def _at(name: str, tests: Sequence[Test]) -> Callable[[Mapping[str, Any]], bool]:
    def matches(found: Mapping[str, Any]) -> bool:
        value = found.get(name, ABSENT)
        values = value if isinstance(value, list) and value else [value]
        return any(test(one) for test in tests for one in values)

    return matches


def _condition(wanted: Any) -> Test:
    if isinstance(wanted, bool) or wanted is None:
        return lambda value: value is wanted
    if isinstance(wanted, str):
        return lambda value: value == wanted
    if isinstance(wanted, int | float):
        _check_number(wanted)
        return lambda value: _is_number(value) and value == wanted
    if not isinstance(wanted, dict) or len(wanted) != 1:
        raise FilterPolicyError("FilterPolicy: Match value must be String, number, true, false, or null")
    ((operator, operand),) = wanted.items()
    if operator == "exists" and isinstance(operand, bool):
        return lambda value: (value is not ABSENT) is operand
    if operator == "anything-but":
        return _anything_but(operand)
    if operator == "numeric":
        return _numeric(operand)
    return _text_test(operator, operand)


def _text_test(operator: str, operand: Any) -> Test:
    """The conditions on text."""
    if not isinstance(operand, str) or (not operand and operator != "equals-ignore-case"):
        raise FilterPolicyError(f"FilterPolicy: {operator} match pattern must be a string")
    match operator:
        case "prefix":
            return lambda value: isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return lambda value: isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case":
            folded = operand.casefold()
            return lambda value: isinstance(value, str) and value.casefold() == folded
        case "wildcard":
            return _wildcard(operand)
        case "cidr":
            return _cidr(operand)
    raise FilterPolicyError(f"FilterPolicy: Unrecognized match type {operator}")


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, dict):
        if len(operand) != 1 or next(iter(operand)) not in (
            "prefix",
            "suffix",
            "wildcard",
            "equals-ignore-case",
        ):
            raise FilterPolicyError("FilterPolicy: Unsupported anything-but pattern")
        ((operator, inner),) = operand.items()
        tests = [_text_test(operator, one) for one in (inner if isinstance(inner, list) else [inner])]
        return lambda value: isinstance(value, str) and not any(test(value) for test in tests)
    unwanted = operand if isinstance(operand, list) else [operand]
    if not unwanted or any(
        isinstance(one, bool) or not isinstance(one, str | int | float) for one in unwanted
    ):
        raise FilterPolicyError("FilterPolicy: anything-but list must contain only strings or only numbers")
    tests = [_condition(one) for one in unwanted]
    return lambda value: value is not ABSENT and not any(test(value) for test in tests)


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _numeric(operand: Any) -> Test:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise FilterPolicyError("FilterPolicy: Value of numeric must be an array of operators and numbers")
    bounds = []
    for operator, bound in zip(operand[::2], operand[1::2], strict=True):
        if operator not in _COMPARE or not _is_number(bound):
            raise FilterPolicyError("FilterPolicy: Unrecognized numeric range operator")
        _check_number(bound)
        bounds.append((_COMPARE[operator], float(bound)))
    if len(operand) == 4 and not (operand[0] in (">", ">=") and operand[2] in ("<", "<=")):
        raise FilterPolicyError("FilterPolicy: Bad numeric range operator")
    if len(operand) == 4 and operand[1] >= operand[3]:
        raise FilterPolicyError("FilterPolicy: Bottom must be less than top")
    return lambda value: _is_number(value) and all(compare(float(value), bound) for compare, bound in bounds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_number(value: float) -> None:
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise FilterPolicyError("FilterPolicy: Value must be between -1.0E9 and 1.0E9, inclusive")


def _cidr(operand: str) -> Test:
    try:
        network = ipaddress.ip_network(operand, strict=False)
    except ValueError:
        raise FilterPolicyError("FilterPolicy: Malformed CIDR, one '/' required") from None

    def matches(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return matches


def _wildcard(pattern: str) -> Test:
    """`*` stands for any text; matched from left to right, each piece at its first place, in linear time."""
    if "**" in pattern:
        raise FilterPolicyError("FilterPolicy: Consecutive wildcard characters")
    first, *rest = pattern.split("*")

    def matches(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if not rest:
            return value == first
        *middle, last = rest
        if not value.startswith(first) or len(value) < len(first) + len(last) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            at = value.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return matches
