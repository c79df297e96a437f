"""A condition written as it was meant: each slip in it with its edit, one after another, until the request meets it.

A value may be wrong in two ways at once (a variable in a policy of the version without any, a wildcard under an
operator that has none), and a mend of one is none. What is edited is asked again, so that what is proposed helps.
"""

from collections.abc import Sequence
from dataclasses import replace

from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import explain_slip, is_hidden, values_for
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.edits import has_variables
from sesame.policy.reasons.evaluator import asked_again
from sesame.policy.reasons.key_slips import is_no_key, key_meant
from sesame.policy.reasons.remedies import Change, change_for, opens, resource_to_write, to_send
from sesame.policy.request import Request

_MOST_EDITS = 4
"""So many slips of one condition are followed."""

Edit = tuple[Change, ConditionStep]
"""An edit, and the condition that it is made on."""


def changes_for(
    step: StatementStep, request: Request, reader: Reader, left: Sequence[ConditionStep] = ()
) -> list[Change]:
    """The edits of an Allow that let the request through, each no wider than it must be; none of what is `left`."""
    changes: list[Change] = []
    for element in step.elements:
        if element.answer:
            continue
        if element.element == "Action":
            changes.append({"add_action": request.action})
        elif element.element == "Resource":
            changes.append({"add_resource": resource_to_write(request.resource)})
    for condition in step.conditions:
        if condition.answer or condition in left:
            continue
        for change, one in edits_of(step, condition, request, reader):
            is_as_meant = "add" in change or opens(change) or is_hidden(one, reader)
            how = to_send(one, request, reader, denies=False) if is_as_meant else None
            changes.append(change if how is None else change | {"or_send": how})
    return [one for n, one in enumerate(changes) if "version" not in one or one not in changes[:n]]


def edits_of(step: StatementStep, condition: ConditionStep, request: Request, reader: Reader) -> list[Edit]:
    """The edits of a condition of an Allow that let the request through, one after another."""
    if (right := key_written_right(step, condition, request, reader)) is not None:
        more = [] if right.answer else _edits(step, right, request, reader)
        last = _after(more[-1], step, request) if more else right
        if last is not None and last.answer and all(_is_of_writing(change) for change, _ in more):
            return [(write_key(condition, last), condition)]
    return _edits(step, condition, request, reader)


def _edits(step: StatementStep, condition: ConditionStep, request: Request, reader: Reader) -> list[Edit]:
    found: list[Edit] = []
    one = condition
    while len(found) < _MOST_EDITS:
        found.append((change_for(step, one, request, reader), one))
        after = _after(found[-1], step, request, has_version=any("version" in edit for edit, _ in found))
        # What a value of the other side's comes to is not to be learnt by asking again (I9).
        if after is None or after.answer or is_hidden(one, reader) or not _may_know(after, reader):
            break
        one = after
    return found


def _may_know(condition: ConditionStep, reader: Reader) -> bool:
    return values_for(condition, reader) == (condition.filled or condition.wanted)


def _is_of_writing(change: Change) -> bool:
    """Whether an edit is one of how a condition is written, behind which there may be another."""
    is_replaced = "replace" in change and change.get("with") is not None
    return "version" in change or is_replaced or ("operator_to" in change and not opens(change))


def _after(
    edit: Edit, step: StatementStep, request: Request, *, has_version: bool = False
) -> ConditionStep | None:
    """A condition as it answers once it is edited; None where the edit is not of how it is written."""
    change, one = edit
    if not _is_of_writing(change):
        return None
    made = one
    if "key_to" in change:
        made = replace(
            one, key=change["key_to"], operator=change["operator_to"], wanted=tuple(change["values"])
        )
    elif "operator_to" in change:
        made = replace(one, operator=change["operator_to"])
    elif "replace" in change:
        new = tuple(change["with"] if text == change["replace"] else text for text in one.wanted)
        made = replace(one, wanted=new)
    return asked_again(
        made,
        step.effect,
        request,
        has_variables=has_version or "version" in change or has_variables(step.text),
    )


def key_written_right(
    step: StatementStep, condition: ConditionStep, request: Request, reader: Reader
) -> ConditionStep | None:
    """A condition on a key that nothing sends as it answers on the one that was meant; None where that is not plain.

    Nor where the statement has that key under that operator already.
    """
    key = key_meant(condition.key) if condition.seen is None and is_no_key(condition.key) else ""
    if not key or _is_there(step, condition.operator, key):
        return None
    meant = asked_again(
        replace(condition, key=key), step.effect, request, has_variables=has_variables(step.text)
    )
    return None if is_hidden(meant, reader) else meant


def _is_there(step: StatementStep, operator: str, key: str) -> bool:
    return any(one.operator == operator and one.key.lower() == key.lower() for one in step.conditions)


def write_key(condition: ConditionStep, right: ConditionStep) -> Change:
    """The edit that writes a condition with the key, operator and values of another."""
    return {
        "operator": condition.operator,
        "key": condition.key,
        "operator_to": right.operator,
        "key_to": right.key,
        "values": list(right.wanted),
    }


def slips_behind(step: StatementStep, condition: ConditionStep, request: Request, reader: Reader) -> str:
    """What is wrong with how a condition is written beside the first of it, in words."""
    right = key_written_right(step, condition, request, reader)
    if right is not None:
        further = [one for _, one in edits_of(step, right, request, reader)] if not right.answer else []
    else:
        further = [one for _, one in edits_of(step, condition, request, reader)[1:]]
    said = [explain_slip(one, request, reader) for one in further if not one.answer]
    return "".join(dict.fromkeys(said))
