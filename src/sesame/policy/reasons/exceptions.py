"""What to do about a Deny: an exception for what was refused, and for nothing beside it.

A Deny has several conditions and is often for everybody. Its exception is for the sender *and* the value together:
each stands in a copy of the statement (`split`), since a Deny holds where either copy does.
"""

from dataclasses import replace

from sesame.policy.language.pattern import literally
from sesame.policy.language.vocabulary import Compare, Family, Quantifier, find_key, read_operator
from sesame.policy.reasons.any_case import in_any_case
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import is_hidden, not_filled, operator_instead
from sesame.policy.reasons.corrections import key_written_right, write_key
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.edits import has_variables
from sesame.policy.reasons.evaluator import asked_again
from sesame.policy.reasons.narrow import BY_PRINCIPAL, Admits, of_one_session, others, principals
from sesame.policy.reasons.remedies import (
    Change,
    carried,
    other_key,
    range_of,
    resource_to_write,
    to_add,
    to_send,
)
from sesame.policy.request import Request, Requester

_WRITABLE = (Family.STRING, Family.ARN, Family.IP)
_RECIPIENTS = "ses:recipients"


def exceptions_for(
    step: StatementStep, request: Request, reader: Reader
) -> tuple[list[Change], tuple[Admits, ...]]:
    """The edit of a Deny that lets the request through, and what else that admits."""
    ways = (to_send(condition, request, reader, denies=True) for condition in step.conditions)
    how = next((way for way in ways if way is not None), None)
    change, admits = _exception(step, request, reader)
    return [change | ({} if how is None else {"or_send": how})], admits


def _exception(step: StatementStep, request: Request, reader: Reader) -> tuple[Change, tuple[Admits, ...]]:
    if (change := _written_right(step, request, reader)) is not None:
        return change, ()
    if (change := _as_meant(step, request, reader)) is not None:
        return change, ()
    is_exact = [_is_one_value(one) for one in step.conditions]
    found = [
        change
        for one, exact in zip(step.conditions, is_exact, strict=True)
        if not exact and (change := _of_value(step, one, request, reader)) is not None
    ]
    is_whole = all(is_exact)
    if not found and not (step.conditions and is_whole):
        found = _of_elements(step, request)
    is_open = any(
        one.key.lower() == _RECIPIENTS and is_hidden(one, reader) and one.seen for one in step.conditions
    )
    admits: tuple[Admits, ...] = ({"key": "ses:Recipients"},) if is_open else ()
    admits += of_one_session(step, request)
    is_bound = any(str(one.get("key_to", one.get("key", ""))).lower() in BY_PRINCIPAL for one in found)
    if found and (is_bound or not others(step, request.requester)):
        return _together(found), admits
    if not step.conditions and not found and _is_for_it_alone(step, request.requester):
        return {"remove": True}, () if _is_for_this_alone(step, request) else ({"all": True},)
    return _together([*found, _of_sender(request)]), admits


def _written_right(step: StatementStep, request: Request, reader: Reader) -> Change | None:
    """A condition on a key that nothing sends, on the one that was meant, where the Deny is not for this request then,
    or takes an exception; one that is for others too takes it for this requester, in a copy as it was meant."""
    for one in step.conditions:
        if (right := key_written_right(step, one, request, reader)) is None:
            continue
        if right.answer is False:
            return write_key(one, right)
        exception = _of_value(step, right, request, reader) or {}
        if exception.get("add"):
            change = write_key(one, replace(right, wanted=(*right.wanted, *exception["add"])))
            if not others(step, request.requester):
                return change
            return {"split": [[change], [write_key(one, right), _of_sender(request)]]}
    return None


def _as_meant(step: StatementStep, request: Request, reader: Reader) -> Change | None:
    """A condition of a Deny of all but what it lists, so that this request is among that as it was meant to be."""
    for one in step.conditions:
        if (folded := in_any_case(step, one, request, reader)) is not None:
            return folded
        if one.seen is None and one.note.startswith("no values: true of all") and _is_of_values(step, one):
            return {"operator": "Null", "key": one.key, "exempt": ["false"]}
        instead = None if is_hidden(one, reader) else operator_instead(one, reader)
        if instead is None:
            continue
        made = replace(one, operator=instead)
        if asked_again(made, step.effect, request, has_variables=has_variables(step.text)).answer is False:
            return {"operator": one.operator, "key": one.key, "operator_to": instead}
    return None


def _is_of_values(step: StatementStep, one: ConditionStep) -> bool:
    """Whether a condition is for those that carry some values, and not for those that lack its key."""
    has_null = any(
        other.key.lower() == one.key.lower()
        and read_operator(other.operator).comparison.family is Family.NULL
        for other in step.conditions
    )
    return not has_null and not read_operator(one.operator).comparison.negated


def _together(changes: list[Change]) -> Change:
    unlike = [one for n, one in enumerate(changes) if one not in changes[:n]]
    return unlike[0] if len(unlike) == 1 else {"split": [[one] for one in unlike]}


def _of_sender(request: Request) -> Change:
    requester = request.requester
    if requester.kind == "service":
        account = carried(request, "aws:SourceAccount")
        return {"operator": "StringNotEquals", "key": "aws:SourceAccount", "exempt": [account]}
    who = requester.role_arn or requester.arn
    return {"operator": "ArnNotEquals", "key": "aws:PrincipalArn", "exempt": [who]}


def _of_elements(step: StatementStep, request: Request) -> list[Change]:
    for element in step.elements:
        if element.element == "NotAction":
            return [{"add_not_action": request.action}]
        if element.element == "NotResource":
            return [{"add_not_resource": resource_to_write(request.resource)}]
    return []


def _is_for_it_alone(step: StatementStep, requester: Requester) -> bool:
    """Whether a statement is for the requester and nobody beside it."""
    if step.ref.kind != "identity":
        return not others(step, requester)
    named = principals(step)
    names = {requester.arn, requester.role_arn, requester.user_id}
    if requester.kind == "root":
        names |= {requester.account_id, f"arn:aws:iam::{requester.account_id}:root"}
    return bool(named) and set(named) <= names


def _is_for_this_alone(step: StatementStep, request: Request) -> bool:
    """Whether a statement denies this action on this resource and nothing else."""
    wanted = {"Action": request.action, "Resource": request.resource}
    return all(
        [text.lower() for text in element.wanted] == [wanted[element.element].lower()]
        for element in step.elements
        if element.element in wanted
    ) and not any(element.element in ("NotAction", "NotResource") for element in step.elements)


def _is_one_value(one: ConditionStep) -> bool:
    """Whether a condition is for the request's value and no other, so that an exception for it leaves nothing."""
    operator = read_operator(one.operator)
    comparison = operator.comparison
    if comparison.family is Family.NULL and one.seen is None:
        return True
    if comparison.negated or comparison.family is not Family.STRING or len(one.wanted) != 1:
        return False
    return comparison.compare is Compare.EQUAL and one.seen == one.wanted and "${" not in one.wanted[0]


def _of_value(step: StatementStep, one: ConditionStep, request: Request, reader: Reader) -> Change | None:
    """An exception for the value that the request has; None where there is none to write."""
    operator = read_operator(one.operator)
    comparison = operator.comparison
    change: Change = {"operator": one.operator, "key": one.key}
    if comparison.negated and (swap := other_key(step, one, request)) is not None:
        return change | swap
    key = one.key.lower()
    if key.startswith(("aws:resourcetag/", "ses:resourcetag/")):
        sent = carried(request, "ses:FromAddress")
        return None if sent is None or comparison.negated else _unless("ses:FromAddress", [sent])
    if one.seen is None and key.startswith("ses:") and find_key(key) is not None and comparison.negated:
        return {"operator": "Null", "key": one.key, "exempt": ["false"]}
    is_writable = comparison.family in (*_WRITABLE, Family.NULL) and one.seen and not is_hidden(one, reader)
    if not is_writable or not_filled(one) is not None or one.answer is None:
        return None
    seen = one.seen or ()
    is_list = len(seen) > 1 or key == _RECIPIENTS
    if comparison.negated and not (is_list and operator.quantifier is not Quantifier.FOR_ANY):
        return change | {"add": to_add(comparison, one.decisive or seen)}
    if key.startswith("aws:principal") and key not in BY_PRINCIPAL:
        return None
    if comparison.family is Family.IP:
        return {"operator": "NotIpAddress", "key": one.key, "exempt": [range_of(value) for value in seen]}
    if _is_listed(one):
        return change | {"take": list(seen)}
    return _unless(one.key, seen, is_list=is_list)


def _unless(key: str, values: tuple[str, ...] | list[str], *, is_list: bool = False) -> Change:
    """For no value but these: a message to any other recipient stays denied."""
    operator = "ForAnyValue:StringNotEquals" if is_list else "StringNotEquals"
    return {
        "operator": operator,
        "key": key,
        "exempt": [literally(value, wildcards=False) for value in values],
    }


def _is_listed(one: ConditionStep) -> bool:
    """Whether the request's one value stands in a list of others, as it is."""
    operator = read_operator(one.operator)
    seen = one.seen or ()
    is_equality = operator.comparison.family is Family.STRING and operator.comparison.compare is Compare.EQUAL
    is_single = len(seen) == 1 and operator.quantifier is Quantifier.NONE and one.key.lower() != _RECIPIENTS
    rest = [text for text in one.filled or one.wanted if text not in seen]
    return is_equality and is_single and seen[0] in one.wanted and len(rest) == len(one.wanted) - 1 > 0
