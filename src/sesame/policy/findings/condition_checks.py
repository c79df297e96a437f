"""Checks of one condition: key, operator and values that do not go together.

A check yields (code, path below the condition's key, message); () means the key itself.
"""

import ipaddress
import re
from collections.abc import Iterator

from sesame.policy.findings.catalogue import Code
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.pattern import Glob, Tokens, Variable, Wild, tokenize
from sesame.policy.language.source import Path
from sesame.policy.language.values import read_address, read_range
from sesame.policy.language.vocabulary import (
    ADDRESS_KEYS,
    Compare,
    Family,
    Quantifier,
    find_key,
    is_unknown_key,
)

Note = tuple[Code, Path, str]

_PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_REGEX_SIGNS = re.compile(r"\.\*|\.\+|\\[.@dws*+]|\[[^\]@]*-[^\]@]*\]|\([^)]*\|[^)]*\)|^\^|\$$")
_NUMBER_FAMILIES = (Family.NUMERIC, Family.DATE)
_TEXT_FAMILIES = (Family.STRING, Family.ARN, Family.NULL)


def check_key(condition: Condition) -> Iterator[Note]:
    """A key that no request carries, or carries as a list; an operator for another kind of value."""
    key = find_key(condition.key)
    if key is None and is_unknown_key(condition.key):
        yield (
            Code.KEY_NOT_UNDERSTOOD,
            (),
            f"{condition.key} is not understood here: an Allow that depends on it never applies, a Deny always does",
        )
    if key is None:
        return
    operator = condition.operator
    family = operator.comparison.family
    if not key.is_sent and family is not Family.NULL:
        holds = operator.comparison.negated or operator.if_exists or operator.quantifier is Quantifier.FOR_ALL
        always = "always holds" if holds else "never holds"
        yield Code.KEY_NEVER_SENT, (), f"no request carries {condition.key}, so the condition {always}"
    if key.is_list and operator.quantifier is Quantifier.NONE and family is not Family.NULL:
        message = f"{condition.key} has many values: write ForAllValues:{operator.text} or ForAnyValue:"
        yield Code.PLAIN_OPERATOR_ON_LIST, (), message
    if not _goes_with(family, key.family):
        message = (
            f"{condition.key} is a {key.family.value}, {operator.comparison.name} compares a {family.value}"
        )
        yield Code.WRONG_OPERATOR_FOR_KEY, (), message
    if operator.if_exists and operator.quantifier is not Quantifier.NONE:
        message = f"IfExists does nothing after {operator.quantifier.value}: remove it"
        yield Code.IF_EXISTS_ON_SET, (), message
    if family is Family.BOOL and not operator.if_exists and (key.is_of_sessions or not key.is_sent):
        message = f"a request without {condition.key} fails this, also for `false`: write BoolIfExists if it should not"
        yield Code.BOOL_ON_OPTIONAL_KEY, (), message


def check_letters(statement: Statement, condition: Condition) -> Iterator[Note]:
    """An address that is kept out by its exact letters: the same mailbox in other letters, or labelled, is let in."""
    comparison = condition.operator.comparison
    keeps_out = (statement.effect is Effect.DENY) is not comparison.negated
    exact = comparison.family is Family.STRING and comparison.compare is Compare.EQUAL
    if condition.key.lower() not in ADDRESS_KEYS or not keeps_out or not exact:
        return
    for number, value in enumerate(condition.values):
        local_part, at, domain = value.rpartition("@")
        if not at or not local_part.strip("*") or "+" in local_part:
            continue
        instead = comparison.name.replace("Equals", "EqualsIgnoreCase")
        message = (
            f"`{value}` in other capitals evades this, and so does `{local_part}+label@{domain}`: write {instead}, and"
            " deny the labels too, or deny on an identity of the address's own"
        )
        yield Code.DENY_BY_LETTERS, (number,), message


def check_recipients(statement: Statement, condition: Condition) -> Iterator[Note]:
    """A limit on recipients that one recipient more gets round."""
    if condition.key.lower() != "ses:recipients" or condition.operator.comparison.family is Family.NULL:
        return
    match statement.effect, condition.operator.quantifier:
        case Effect.ALLOW, Quantifier.FOR_ANY:
            message = "one recipient that fits lets in all others of the message: write ForAllValues"
            yield Code.ONE_RECIPIENT_DECIDES, (), message
        case Effect.DENY, Quantifier.FOR_ALL:
            message = "one recipient that does not fit lets in all others of the message: write ForAnyValue"
            yield Code.ONE_RECIPIENT_DECIDES, (), message


def _goes_with(operator: Family, key: Family) -> bool:
    """Whether an operator of one family can be meant for a key of another."""
    if operator in _TEXT_FAMILIES or operator is key:
        return operator is not Family.ARN or key in (Family.ARN, Family.STRING)
    return operator in _NUMBER_FAMILIES and key in _NUMBER_FAMILIES


def check_values(policy: Policy, statement: Statement, condition: Condition) -> Iterator[Note]:
    """Every value on its own."""
    for number, value in enumerate(condition.values):
        for code, message in _check_value(policy, statement, condition, value):
            yield code, (number,), message


def _check_value(
    policy: Policy, statement: Statement, condition: Condition, value: str
) -> Iterator[tuple[Code, str]]:
    comparison = condition.operator.comparison
    if comparison.family is Family.IP:
        yield from _check_range(value)
    if condition.key.lower() == "aws:principalarn" and ":assumed-role/" in value:
        before, _, name = value.partition(":assumed-role/")
        account, role = before.rpartition(":")[2], name.partition("/")[0]
        message = (
            f"`{value}` is the ARN of a session, and {condition.key} is that of its role:"
            f" write `arn:aws:iam::{account}:role/{role}`"
        )
        yield Code.SESSION_AS_PRINCIPAL_ARN, message
    if comparison.family not in (Family.STRING, Family.ARN):
        return
    yield from _check_variables(policy, value)
    if comparison.family is Family.ARN:
        return
    like = comparison.compare is Compare.LIKE
    tokens = tokenize(value, variables=policy.has_variables)
    has_wildcard = any(isinstance(token, Wild) for token in tokens)
    has_variable = any(isinstance(token, Variable) for token in tokens)
    is_beside_pattern = any(set(other) & set("*?") for other in condition.values)
    is_one = like and not has_wildcard and not has_variable and not is_beside_pattern
    if is_one and not _is_whole(condition.key, value):
        # What matches more lets more in where an Allow wants it, or where a Deny makes an exception for it.
        lets_in = (statement.effect is Effect.ALLOW) is not comparison.negated
        instead = "" if lets_in else f": write `*{value}*` for a part"
        yield (
            Code.LIKE_WITHOUT_WILDCARD,
            f"`{value}` has no wildcard, so it matches itself only{instead}",
        )
    if not like and has_wildcard:
        instead = comparison.name.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like")
        yield Code.WILDCARD_UNDER_EQUALS, f"`{value}` is compared literally: write {instead} for wildcards"
    if like and _REGEX_SIGNS.search(value):
        message = f"`{value}` looks like a regular expression; only `*` and `?` are wildcards"
        yield Code.REGULAR_EXPRESSION, message
    yield from _check_text(condition, value, tokens)


_WHOLE = re.compile(r"arn:.+|[0-9]{12}")


def _is_whole(key: str, value: str) -> bool:
    """Whether a value is all that a request can carry for a key: an address, an ARN, an account, a version."""
    local_part, at, domain = value.rpartition("@")
    if key.lower() in ADDRESS_KEYS:
        return bool(local_part and at and domain)
    return key.lower() == "ses:apiversion" or _WHOLE.fullmatch(value) is not None


def _check_text(condition: Condition, value: str, tokens: Tokens) -> Iterator[tuple[Code, str]]:
    key = condition.key.lower()
    ignores_case = condition.operator.comparison.compare is Compare.EQUAL_FOLDED
    if key in ADDRESS_KEYS:
        domain = value.rpartition("@")[2] if "@" in value else ""
        if not ignores_case and domain != domain.lower() and "${" not in domain:
            message = f"`{value}` matches only with these capitals: write the domain in lower case"
            yield Code.CASE_NEVER_MATCHES, message
        if "<" in value or ">" in value:
            message = f"{condition.key} is the bare address: leave out the display name in `{value}`"
            yield Code.DISPLAY_NAME_IN_ADDRESS, message
    if key == "ses:apiversion" and not _may_match(tokens, ("1", "2")):
        yield Code.UNKNOWN_API_VERSION, f"ses:ApiVersion is `1` or `2` (SMTP: `2`), never `{value}`"


def _may_match(tokens: Tokens, texts: tuple[str, ...]) -> bool:
    if not all(isinstance(token, str | Wild) for token in tokens):
        return True
    return any(Glob(tokens).matches(text) for text in texts)


def _check_variables(policy: Policy, value: str) -> Iterator[tuple[Code, str]]:
    if not policy.has_variables:
        if "${" in value:
            message = f"`{value}` is literal text in version {policy.version}: write version 2012-10-17"
            yield Code.VARIABLE_NOT_EXPANDED, message
        return
    for token in tokenize(value, variables=True):
        if isinstance(token, Variable) and token.default is None:
            key = find_key(token.key)
            if key is None or not key.is_sent or key.is_list:
                message = f"`${{{token.key}}}` never has a single value here, so the value matches nothing"
                yield Code.VARIABLE_WITHOUT_VALUE, message


def _check_range(value: str) -> Iterator[tuple[Code, str]]:
    span, base = read_range(value), read_address(value.partition("/")[0])
    if span is not None and base != span[0]:
        yield Code.HOST_BITS, f"`{value}` has bits beyond its prefix: they are ignored"
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return
    if any(network.version == one.version and network.subnet_of(one) for one in _PRIVATE):  # type: ignore[arg-type]
        message = f"`{value}` is a private range: requests come from the address that the server sees"
        yield Code.PRIVATE_RANGE, message
