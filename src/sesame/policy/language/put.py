"""What SES refuses to store: the check of a sending-authorization policy at Put.

Beyond the grammar: size, the identity's own ARN as the only resource, known actions, keys, operators
and principals, values that can be read. Findings that do not refuse are `check`'s. Sources: SES
developer guide "policy anatomy"; the condition-field text as observed from SES; for the Not elements
nothing is known of SES, and they are refused.
"""

from collections.abc import Callable

from sesame.policy.language.document import (
    MAX_STORED_BYTES,
    Condition,
    Policy,
    Statement,
    normal_identity_arn,
    read_policy,
    refuse_unknown_words,
    statement_path,
    value_path,
    with_normal_resources,
)
from sesame.policy.language.forms import (
    PatternKind,
    PrincipalForm,
    is_outlawed,
    needs_variables,
    read_pattern,
    read_principal,
)
from sesame.policy.language.instead import (
    is_of_other_partition,
    of_key,
    of_not_element,
    of_not_principal,
    of_principal,
)
from sesame.policy.language.pattern import glob, is_malformed
from sesame.policy.language.source import Path, Source
from sesame.policy.language.values import is_sound_date, read_bool, read_bytes, read_number, read_range
from sesame.policy.language.vocabulary import IDENTITY_ACTIONS, Compare, Family, find_key

MAX_BYTES = 4096
"""Size of an identity policy as it is submitted, in UTF-8 (SES developer guide: 4 KB)."""


def parse_identity_policy(text: str, *, identity_arn: str) -> Policy:
    """The policy that `text` spells, if SES would store it at the identity with that ARN.

    Raises PolicyError, whose message names the place and the fix; for a condition key that does not
    exist it is SES's own text.
    """
    source = Source(text, max_bytes=MAX_BYTES)
    policy = with_normal_resources(read_policy(source, with_principal=True))
    refuse_unknown_words(source, policy)
    for statement in policy.statements:
        path = statement_path(source, statement.index)
        for element, given in (
            ("NotPrincipal", statement.not_principals),
            ("NotAction", statement.not_actions),
            ("NotResource", statement.not_resources),
        ):
            if given:
                fix = of_not_element(element, statement, identity_arn)
                source.refuse((*path, element), f"an identity policy has no {element}: {fix}")
        if statement.resources != (normal_identity_arn(identity_arn),):
            source.refuse((*path, "Resource"), f"the resource is the identity itself: `{identity_arn}`")
        _check_actions(source, statement, path)
        for condition in statement.conditions:
            _check_key(source, condition, (*path, "Condition", condition.operator.text, condition.key))
    check_values(source, policy)
    return policy


def parse_resource_policy(text: str) -> Policy:
    """The policy that `text` spells, if it is a sound resource policy of whatever service.

    Like `parse_identity_policy` without SES's own rules on size, resource, actions and keys; NotAction
    and NotResource are allowed, NotPrincipal with Deny. Raises PolicyError.
    """
    source = Source(text, max_bytes=MAX_STORED_BYTES)
    policy = read_policy(source, with_principal=True)
    refuse_unknown_words(source, policy)
    check_values(source, policy)
    return policy


def check_values(source: Source, policy: Policy) -> None:
    """Refuse principals, resources and condition values that cannot be read."""
    for statement in policy.statements:
        path = statement_path(source, statement.index)
        _check_principals(source, statement, path)
        element = "NotResource" if statement.not_resources else "Resource"
        for number, resource in enumerate(statement.resources):
            tokens = read_pattern(resource, PatternKind.RESOURCE, variables=policy.has_variables)
            at = value_path(source, (*path, element), number)
            if is_outlawed(tokens, PatternKind.RESOURCE):
                source.refuse(at, f"the service part of `{resource}` may not be a wildcard: name the service")
            if is_malformed(tokens):
                source.refuse(at, f"`{resource}` holds a `${{` that begins no variable")
        for condition in statement.conditions:
            at = (*path, "Condition", condition.operator.text, condition.key)
            _check_condition(source, condition, at, variables=policy.has_variables)


_PRINCIPALS = (
    "write a 12-digit account, the ARN of a user, role, session or root without wildcards, a service such as"
    " `cognito-idp.amazonaws.com`, or `*` alone"
)


def _check_principals(source: Source, statement: Statement, path: Path) -> None:
    if statement.not_principals and statement.effect.value == "Allow":
        source.refuse(
            (*path, "NotPrincipal"), f"NotPrincipal goes with Deny only: {of_not_principal(statement)}"
        )
    for principal in statement.principals or ():
        form, _ = read_principal(principal)
        is_elsewhere = principal.kind == "AWS" and is_of_other_partition(principal.value)
        if is_elsewhere or form in (PrincipalForm.MALFORMED, PrincipalForm.NOBODY):
            element = "NotPrincipal" if statement.not_principals else "Principal"
            source.refuse(
                (*path, element),
                f"invalid principal `{principal.value}`: {of_principal(statement, principal) or _PRINCIPALS}",
                words=f'Invalid principal in policy: "{principal.kind.upper()}":"{principal.value}"',
            )


def _check_actions(source: Source, statement: Statement, path: Path) -> None:
    for number, action in enumerate(statement.actions):
        pattern = glob(action.lower())
        if not any(pattern.matches(known.lower()) for known in IDENTITY_ACTIONS):
            at = value_path(source, (*path, "Action"), number)
            source.refuse(
                at, f"no action on an identity matches `{action}`: write `ses:SendRawEmail` or such"
            )


def _check_key(source: Source, condition: Condition, path: Path) -> None:
    if not condition.key.startswith(("aws:", "ses:")) or find_key(condition.key) is None:
        text = f"Unknown or unapplicable condition field '{condition.key}'."
        source.refuse_exactly(path, text, mend=of_key(condition.key))


_READERS: dict[Family, Callable[[str], object]] = {
    Family.NUMERIC: read_number,
    Family.BOOL: read_bool,
    Family.NULL: read_bool,
    Family.BINARY: read_bytes,
    Family.IP: read_range,
}


_WANTED = {
    Family.IP: "an IP range",
    Family.ARN: "an ARN",
    Family.BINARY: "base64",
    Family.NULL: "true or false",
}


def _check_condition(source: Source, condition: Condition, path: Path, *, variables: bool) -> None:
    comparison = condition.operator.comparison
    for number, value in enumerate(condition.values):
        if comparison.family in (Family.STRING, Family.ARN):
            kind = PatternKind.ARN if comparison.family is Family.ARN else PatternKind.LIKE
            if comparison.family is Family.STRING and comparison.compare is not Compare.LIKE:
                kind = PatternKind.EQUAL
            tokens = read_pattern(value, kind, variables=variables)
            sound = not is_malformed(tokens) and (needs_variables(tokens) or not is_outlawed(tokens, kind))
        elif comparison.family is Family.DATE:
            sound = is_sound_date(value)
        else:
            sound = _READERS[comparison.family](value) is not None
        if not sound:
            wanted = _WANTED.get(comparison.family, f"a {comparison.family.value}")
            source.refuse(
                value_path(source, path, number), f"`{value}` is not {wanted} for {comparison.name}"
            )
