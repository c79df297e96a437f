"""The one sentence that a person needs: what decided, and on which value of theirs.

"denied: policy `P`, statement `S` allows only ses:FromAddress like `news-*@example.com`; this request
has `ceo@example.com`". For a denial without a Deny it is about the Allow that came closest (`nearest`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.policy.language.document import Effect
from sesame.policy.language.pattern import glob
from sesame.policy.language.vocabulary import SENDING_ACTIONS, Family, Quantifier, read_operator
from sesame.policy.reasons.derivation import NOT_SHOWN, ConditionStep, ElementStep, StatementStep
from sesame.policy.reasons.key_slips import is_no_key, sent_by_nothing
from sesame.policy.reasons.nearest import closest
from sesame.policy.request import Decision, Outcome, PolicyKind, Request, Requester, StatementRef

_MOST_VALUES = 3
"""So many values are shown of a longer list."""

_RELATIONS = {
    "StringEquals": "equal to",
    "StringEqualsIgnoreCase": "equal (in any case) to",
    "StringLike": "like",
    "NumericEquals": "equal to",
    "NumericLessThan": "less than",
    "NumericLessThanEquals": "at most",
    "NumericGreaterThan": "greater than",
    "NumericGreaterThanEquals": "at least",
    "DateEquals": "at",
    "DateLessThan": "before",
    "DateLessThanEquals": "until",
    "DateGreaterThan": "after",
    "DateGreaterThanEquals": "from",
    "Bool": "being",
    "BinaryEquals": "with the bytes",
    "IpAddress": "in",
    "ArnEquals": "like",
    "ArnLike": "like",
}
_POSITIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "BinaryNotEquals": "BinaryEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def write_sentence(
    request: Request,
    decision: Decision,
    steps: Sequence[StatementStep],
    limits: Sequence[PolicyKind] = (),
) -> str:
    """The sentence for a decision that was derived in `steps`, within `limits`."""
    requester = request.requester
    match decision.outcome:
        case Outcome.ALLOW if not decision.deciding:
            return f"allowed: `{requester.arn}` is the root of the account that owns `{request.resource}`"
        case Outcome.ALLOW:
            return f"allowed by {' and '.join(name_statement(ref) for ref in decision.deciding)}"
        case Outcome.EXPLICIT_DENY:
            own = (ref for ref in decision.deciding if ref.kind != "identity")
            ref = next(own, decision.deciding[0])
            step = next(step for step in steps if step.ref == ref)
            return f"denied: {name_statement(ref)} denies {_circumstances(step, request)}"
        case _:
            return f"denied: {_missing(request, steps, limits)}"


def name_statement(ref: StatementRef) -> str:
    """A statement as people look for it: by policy and Sid, or by its number from 1."""
    side = {
        "identity": "policy",
        "iam": "IAM policy",
        "session": "session policy",
        "boundary": "permissions boundary",
    }[ref.kind]
    statement = f"statement `{ref.sid}`" if ref.sid else f"statement {ref.index + 1}"
    group, slash, policy = ref.policy.partition("/")
    if ref.kind == "iam" and slash and not group.startswith("arn:"):  # as a group's are named
        return f"IAM policy `{policy}` of the group `{group}`, {statement}"
    return f"{side} `{ref.policy}`, {statement}"


def _circumstances(step: StatementStep, request: Request) -> str:
    """What a matching Deny was about: the last thing it asked, which is the most particular."""
    about = [_demand(condition) for condition in step.conditions]
    what = f"`{request.action}` on `{request.resource}`"
    if not about:
        return what
    return f"{what} when {' and '.join(about)}; {_seen(step.conditions[-1])}"


def unmet_limits(steps: Sequence[StatementStep], limits: Sequence[PolicyKind]) -> list[PolicyKind]:
    """The kinds of policies that limit the requester and do not allow it."""
    met = {step.ref.kind for step in steps if step.matched and step.effect is Effect.ALLOW}
    return [kind for kind in limits if kind not in met]


def _missing(request: Request, steps: Sequence[StatementStep], limits: Sequence[PolicyKind]) -> str:
    """Why nothing allowed: the side that did not, and how its closest Allow failed."""
    requester = request.requester
    foreign = requester.kind == "service" or requester.account_id != request.resource_account
    allows = [step for step in steps if step.effect is Effect.ALLOW]
    sides: list[PolicyKind] = (
        ["identity"] if foreign and not any(s.grants and s.ref.kind == "identity" for s in allows) else []
    )
    sides = sides or (["iam"] if foreign else ["identity", "iam"])
    if any(step.grants and step.ref.kind in sides for step in allows):
        sides = unmet_limits(steps, limits)[:1] or ["session"]  # all else allows
    candidates = [step for step in allows if step.ref.kind in sides]
    account_only = next((step for step in candidates if step.matched and not step.grants), None)
    if account_only is not None:
        name, whose = name_statement(account_only.ref), requester.issuer_arn or requester.arn
        return f"{name} names the account only, and no IAM policy of `{whose}` allows it"
    if "iam" in sides:  # which alone is enough, and is what a refused user of the account is told of
        sides, candidates = ["iam"], [step for step in candidates if step.ref.kind == "iam"]
    if sides != ["identity"]:
        candidates = [step for step in candidates if is_about_sending(step)]
    else:
        candidates = [step for step in candidates if is_named(step)] or candidates
    if not candidates:
        whose = {
            "identity": "policy of the identity",
            "iam": f"IAM policy of `{requester.issuer_arn or requester.arn}`",
            "session": f"policy that the session `{requester.arn}` was opened under",
            "boundary": f"statement of the permissions boundary of `{requester.entity_arn or requester.arn}`",
        }[sides[0]]
        return f"no {whose} allows `{request.action}` on `{request.resource}`"
    near = closest(candidates, request)
    return f"{name_statement(near.ref)} {_failure(near, requester)}"


def is_named(step: StatementStep) -> bool:
    """Whether a statement's Principal fits."""
    return all(element.answer for element in step.elements if element.element.endswith("Principal"))


def is_about_sending(step: StatementStep) -> bool:
    """Whether an IAM statement lists any way of sending."""
    element = next((e for e in step.elements if e.element.endswith("Action")), None)
    if element is None or element.answer or element.element == "NotAction":
        return True
    patterns = [glob(action.lower()) for action in element.wanted]
    return any(pattern.matches(action.lower()) for pattern in patterns for action in SENDING_ACTIONS)


def compact(statement: Mapping[str, Any]) -> str:
    """A statement as JSON without white space, to stand in a sentence."""
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False)


def _failure(step: StatementStep, requester: Requester) -> str:
    for element in step.elements:
        if not element.answer:
            return _element_failure(element, requester)
    for condition in step.conditions:
        if not condition.answer:
            return f"allows only {_demand(condition)}; {_seen(condition)}"
    return "is in a version of the language that is not understood"


def _element_failure(element: ElementStep, requester: Requester) -> str:
    name = requester.role_arn or requester.arn
    if element.element == "Principal" and name in element.wanted:
        return f"allows only an earlier `{name}`, which was deleted before this one was made"
    if element.element.startswith("Not"):
        return f"leaves out {element.element[3:].lower()} {_values(element.wanted)}; this one is `{element.seen}`"
    return f"allows only {element.element.lower()} {_values(element.wanted)}; this one is `{element.seen}`"


def _demand(condition: ConditionStep) -> str:
    return describe_condition(condition.operator, condition.key, condition.filled or condition.wanted)


def describe_condition(operator_text: str, key: str, wanted: Sequence[str]) -> str:
    """A condition in words: key, relation, values."""
    operator = read_operator(operator_text)
    name = operator.comparison.name
    if operator.comparison.family is Family.UNKNOWN:
        return f"{key} by the unknown operator `{operator_text}`"
    if operator.comparison.family is Family.NULL:
        return f"{key} absent" if tuple(wanted) == ("true",) else f"{key} present"
    relation = _RELATIONS.get(_POSITIVE.get(name, name), name)
    if operator.comparison.negated:
        relation = f"not {relation}"
    each = {Quantifier.NONE: "", Quantifier.FOR_ALL: "all of ", Quantifier.FOR_ANY: "any of "}
    return f"{each[operator.quantifier]}{key} {relation} {_values(wanted)}"


def _seen(condition: ConditionStep) -> str:
    if condition.seen is None and is_no_key(condition.key):
        return sent_by_nothing(condition.key)
    if condition.seen is None:
        return f"this request has no {condition.key}"
    if condition.seen == (NOT_SHOWN,):
        return f"this request's {condition.key} is not shown"
    return f"this request has {_values(condition.decisive or condition.seen)}"


def _values(values: Sequence[str]) -> str:
    listed = ", ".join(f"`{value}`" for value in values[:_MOST_VALUES])
    rest = len(values) - _MOST_VALUES
    return f"{listed} and {rest} more" if rest > 0 else listed
