"""Whom an identity policy is for: who is named or invited by it, and who is a stranger to it.

A Principal of everybody invites everybody, and one of a service all whom that sends for, unless a condition says who
is meant. To a stranger an identity is as one that does not exist (I9), so nothing that its policies ask about is told
to one.
"""

from collections.abc import Iterable, Sequence

from sesame.policy.language.document import Effect
from sesame.policy.language.vocabulary import Family, find_key, read_operator
from sesame.policy.reasons.derivation import ConditionStep, ElementStep, StatementStep
from sesame.policy.request import Requester

_WHO = {
    "aws:assumedroot",
    "aws:chatbotsourcearn",
    "aws:federatedprovider",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltype",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:userid",
    "aws:username",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
}
"""Keys by which a condition says who is meant, or by which of its owner's identities; tags of both count too."""


def is_stranger(statements: Sequence[StatementStep], requester: Requester) -> bool:
    """Whether no Allow of the identity's policies is for the requester, whatever else it asks.

    A Deny that says who is meant makes a stranger of whom it keeps out, unless an Allow names it.
    """
    theirs = [step for step in statements if step.ref.kind == "identity"]
    for_it = [step for step in theirs if step.effect is Effect.ALLOW and is_for(step, requester)]
    if not for_it:
        return True
    if any(_names(step, requester) for step in for_it):
        return False
    return any(
        step.effect is Effect.DENY and step.matched and any(map(says_who, step.conditions)) for step in theirs
    )


def is_for(step: StatementStep, requester: Requester) -> bool:
    """Whether a statement's Principal is the requester, or everybody and its conditions mean it too."""
    if not all(element.answer for element in _principals(step)):
        return False
    return _names(step, requester) or all(
        condition.answer or not says_who(condition) for condition in step.conditions
    )


def _principals(step: StatementStep) -> Iterable[ElementStep]:
    return (element for element in step.elements if element.element.endswith("Principal"))


def _names(step: StatementStep, requester: Requester) -> bool:
    """Whether its Principal has the requester itself, or its role or account, not everybody alone.

    Behind a service stands whoever it sends for: to name it is to invite all of them, but for its conditions.
    """
    if requester.kind == "service":
        return False
    names = {requester.arn, requester.entity_arn, requester.user_id, requester.entity_id}
    if account := requester.account_id:
        names |= {account, f"arn:aws:iam::{account}:root"}
    wanted = [
        value for element in _principals(step) if element.element == "Principal" for value in element.wanted
    ]
    return any(value in names for value in wanted if value)


def says_who(condition: ConditionStep) -> bool:
    """Whether a condition is on who the requester is; one that is not understood may be."""
    if (
        find_key(condition.key) is None
        or read_operator(condition.operator).comparison.family is Family.UNKNOWN
    ):
        return True
    variables = [
        part.partition("}")[0].partition(",")[0].strip()
        for text in condition.wanted
        for part in text.split("${")[1:]
    ]
    return any(_is_who(key) for key in (condition.key, *variables))


def _is_who(key: str) -> bool:
    return key.lower() in _WHO or key.lower().startswith(
        ("aws:principaltag/", "aws:resourcetag/", "ses:resourcetag/")
    )
