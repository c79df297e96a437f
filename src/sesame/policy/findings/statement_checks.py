"""Checks of a statement as a whole: whom it lets in, what for, and when.

A check yields (code, path below the statement, message). Checks of single conditions are in
`condition_checks`.
"""

import re
from collections.abc import Iterator

from sesame.policy.findings.catalogue import Code
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.forms import PrincipalForm, is_session_arn, read_principal
from sesame.policy.language.pattern import glob
from sesame.policy.language.source import Path
from sesame.policy.language.values import read_date
from sesame.policy.language.vocabulary import IDENTITY_ACTIONS, SENDING_ACTIONS, Compare, Family, Quantifier

Note = tuple[Code, Path, str]

_LATER = (Compare.GREATER, Compare.GREATER_EQUAL)
_EARLIER = (Compare.LESS, Compare.LESS_EQUAL)
_NARROWING_KEYS = {
    "aws:principalorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourcevpce",
    "aws:sourcevpc",
    "aws:userid",
    "aws:username",
}
_SERVICE_GUARDS = {"aws:sourceaccount", "aws:sourcearn"}


def check_principals(statement: Statement, owner: str | None) -> Iterator[Note]:
    """Everybody without a condition, services without a guard, one's own account."""
    if statement.effect is not Effect.ALLOW or statement.principals is None or statement.not_principals:
        return
    narrowed = [condition for condition in statement.conditions if _narrows(condition)]
    keys = {condition.key.lower() for condition in narrowed}
    certain = {one.key.lower() for one in narrowed if not one.operator.if_exists}
    forms = [(principal, *read_principal(principal)) for principal in statement.principals]
    for principal, form, value in forms:
        if form is PrincipalForm.ANYBODY and not certain & _NARROWING_KEYS:
            message = "everybody may send: name the accounts, or add a condition such as aws:PrincipalAccount"
            yield Code.WILDCARD_PRINCIPAL, ("Principal",), message
        if principal.kind == "Service" and not keys & _SERVICE_GUARDS:
            message = f"`{value}` may act for any of its customers: add aws:SourceAccount or aws:SourceArn"
            yield Code.UNGUARDED_SERVICE, ("Principal",), message
        if form is PrincipalForm.ACCOUNT and value == owner:
            message = (
                "naming the owner's account allows nobody: its IAM policies decide, with or without this"
            )
            yield Code.OWN_ACCOUNT, ("Principal",), message


def _narrows(condition: Condition) -> bool:
    """Whether a condition names who or where from, in place of who not."""
    is_of_all = any(not value.strip("*") for value in condition.values)
    comparison = condition.operator.comparison
    return not comparison.negated and comparison.family is not Family.NULL and not is_of_all


_MADE_UP = re.compile(
    r"i-[0-9a-f]{4,}|botocore-session-.*|.*[0-9]{8}.*|.*[0-9a-f]{16}.*|[0-9a-f]{8}-[0-9a-f]{4}-.*",
    re.IGNORECASE,
)
"""Names of sessions that are new each time: instances, tasks, times, and what SDKs make up."""


def check_sessions(statement: Statement) -> Iterator[Note]:
    """One session of a role in an Allow, by a name that the next one will not have."""
    if statement.effect is not Effect.ALLOW or statement.not_principals:
        return
    for principal in statement.principals or ():
        if is_session_arn(principal) and ":assumed-role/" in principal.value:
            account, role = principal.value.split(":")[4], principal.value.split("/")[1]
            if not _MADE_UP.fullmatch(principal.value.rpartition("/")[2]):
                continue
            message = (
                f"`{principal.value}` is one session: unless only that one is meant, name the role,"
                f" `arn:aws:iam::{account}:role/{role}`"
            )
            yield Code.ONE_SESSION, ("Principal",), message


def check_usernames(policy: Policy, statement: Statement) -> Iterator[Note]:
    """A user's name as a variable where the statement lets in roles or services, which have none."""
    named = [principal.value for principal in statement.principals or ()]
    is_of_roles = bool(named) and all(
        ":role/" in value or ":assumed-role/" in value or value.endswith(".amazonaws.com") for value in named
    )
    if statement.effect is not Effect.ALLOW or not is_of_roles:
        return
    for condition in statement.conditions:
        path = ("Condition", condition.operator.text, condition.key)
        if condition.key.lower() == "aws:username" and _needs_value(condition):
            message = "a role's session has no aws:username, so this never holds: use aws:PrincipalArn"
            yield Code.USERNAME_OF_ROLES, path, message
        if policy.has_variables and any("${aws:username" in value.lower() for value in condition.values):
            message = (
                "a role's session has no aws:username, so the value matches nothing: use aws:PrincipalTag/…"
            )
            yield Code.USERNAME_OF_ROLES, path, message


_OF_SERVICES = {"aws:sourceaccount": "aws:PrincipalAccount", "aws:sourcearn": "aws:PrincipalArn"}


def check_keys_of_services(statement: Statement) -> Iterator[Note]:
    """A condition that a service alone can meet, on an Allow for accounts, users and roles."""
    principals = statement.principals or ()
    is_for_others = bool(principals) and all(one.kind == "AWS" and one.value != "*" for one in principals)
    if statement.effect is not Effect.ALLOW or statement.not_principals or not is_for_others:
        return
    for condition in statement.conditions:
        instead = _OF_SERVICES.get(condition.key.lower())
        if instead is not None and _needs_value(condition):
            message = f"only a service carries {condition.key}, so this never holds: use {instead}"
            yield Code.KEY_OF_SERVICES, ("Condition", condition.operator.text, condition.key), message


def _needs_value(condition: Condition) -> bool:
    """Whether a condition fails where its key is absent."""
    operator = condition.operator
    if operator.comparison.family is Family.NULL:
        return condition.values == ("false",)
    is_met = operator.comparison.negated or operator.if_exists or operator.quantifier is Quantifier.FOR_ALL
    return not is_met


def check_trusted_services(statement: Statement) -> Iterator[Note]:
    """A role that a service may assume for whichever account it likes."""
    keys = {condition.key.lower() for condition in statement.conditions}
    if statement.effect is not Effect.ALLOW or statement.principals is None or statement.not_principals:
        return
    for principal in statement.principals:
        if principal.kind == "Service" and "aws:sourceaccount" not in keys:
            message = (
                f"`{principal.value}` may assume the role for any of its customers: add aws:SourceAccount"
            )
            yield Code.UNGUARDED_SERVICE, ("Principal",), message


def check_actions(statement: Statement, owner: str | None) -> Iterator[Note]:
    """Sending without SendRawEmail; managing an identity from outside."""
    if statement.effect is not Effect.ALLOW or statement.not_actions:
        return
    patterns = [glob(action.lower()) for action in statement.actions]
    allowed = [name for name in IDENTITY_ACTIONS if any(p.matches(name.lower()) for p in patterns)]
    if "ses:SendEmail" in allowed and "ses:SendRawEmail" not in allowed:
        message = "SMTP and raw messages need ses:SendRawEmail: add it unless they are to be refused"
        yield Code.NO_RAW_FOR_SMTP, ("Action",), message
    if "ses:SendBulkTemplatedEmail" in allowed and "ses:SendBulkEmail" not in allowed:
        message = "bulk mail of the API v2 is ses:SendBulkEmail: add it unless that is to be refused"
        yield Code.NO_BULK_EMAIL, ("Action",), message
    managing = [name for name in allowed if name not in SENDING_ACTIONS and name != "ses:SendBounce"]
    strangers = owner is not None and any(
        owner not in principal.value for principal in statement.principals or ()
    )
    if managing and strangers:
        message = (
            f"managing the identity (such as {managing[0]}) is for the owner's account: allow ses:Send* only"
        )
        yield Code.MANAGEMENT_ACTION, ("Action",), message


def check_window(statement: Statement, now: float | None) -> Iterator[Note]:
    """A window of time that has passed, or that holds no moment."""
    latest_start: int | None = None
    earliest_end: int | None = None
    end_path: Path = ()
    for condition in _dates(statement):
        moments = [moment for moment in map(read_date, condition.values) if moment is not None]
        if not moments:
            continue
        path = ("Condition", condition.operator.text, condition.key)
        compare = condition.operator.comparison.compare
        if compare in _LATER:
            start = min(moments)
            latest_start = start if latest_start is None else max(latest_start, start)
        elif compare in _EARLIER:
            end = max(moments)
            if earliest_end is None or end < earliest_end:
                earliest_end, end_path = end, path
    if earliest_end is None:
        return
    if latest_start is not None and latest_start > earliest_end:
        yield Code.EMPTY_WINDOW, end_path, "the window ends before it begins, so it never applies"
    elif now is not None and earliest_end < now * 1_000_000:
        yield Code.EXPIRED, end_path, "the window has passed: remove the statement or move the date"


def _dates(statement: Statement) -> list[Condition]:
    return [
        condition
        for condition in statement.conditions
        if condition.operator.comparison.family in (Family.DATE, Family.NUMERIC)
        and condition.operator.quantifier is Quantifier.NONE
        and condition.key.lower() in ("aws:currenttime", "aws:epochtime")
    ]


def check_empty_sets(statement: Statement) -> Iterator[Note]:
    """An Allow by ForAllValues, which holds of no values as well."""
    if statement.effect is not Effect.ALLOW:
        return
    present = {
        condition.key.lower()
        for condition in statement.conditions
        if condition.operator.comparison.family is Family.NULL and condition.values == ("false",)
    }
    for condition in statement.conditions:
        if condition.operator.quantifier is Quantifier.FOR_ALL and condition.key.lower() not in present:
            path = ("Condition", condition.operator.text, condition.key)
            message = f'also true when {condition.key} is absent: add "Null": {{"{condition.key}": "false"}}'
            yield Code.EMPTY_SET_SATISFIES, path, message
