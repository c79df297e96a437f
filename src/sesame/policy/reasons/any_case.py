"""A condition in which capitals alone are wrong, as it was meant: under an operator that ignores case, or respelt.

StringLike has no form that ignores case, so a pattern is written a second time, in the letters of what was sent. What
is edited is asked again. INVARIANT (I9): of recipients, which an owner is not shown, no letter stands in a proposal.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sesame.policy.language.document import Effect
from sesame.policy.language.vocabulary import Compare, Family, read_operator
from sesame.policy.reasons.capitals import in_other_letters, respelt
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import is_hidden, values_for
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.edits import has_variables
from sesame.policy.reasons.evaluator import asked_again
from sesame.policy.request import Request


def in_any_case(
    step: StatementStep, condition: ConditionStep, request: Request, reader: Reader
) -> dict[str, Any] | None:
    """The edit after which the case of letters keeps the request out no more; None where that is not what does."""
    if is_hidden(condition, reader) and condition.key.lower() != "ses:recipients":
        return None
    if values_for(condition, reader) != (condition.filled or condition.wanted):
        return None
    for change in _changes(condition, reader):
        made = replace(
            condition,
            operator=change.get("operator_to", condition.operator),
            wanted=(*condition.wanted, *change.get("add", ())),
        )
        after = asked_again(made, step.effect, request, has_variables=has_variables(step.text))
        if after.answer is (step.effect is Effect.ALLOW):
            return change
    return None


def _changes(condition: ConditionStep, reader: Reader) -> Iterator[dict[str, Any]]:
    comparison = read_operator(condition.operator).comparison
    change: dict[str, Any] = {"operator": condition.operator, "key": condition.key}
    if comparison.family is not Family.STRING:
        return
    if comparison.compare is Compare.EQUAL:
        yield change | {
            "operator_to": re.sub(r"(?i)String(Not)?Equals", r"String\1EqualsIgnoreCase", condition.operator)
        }
    if comparison.compare is not Compare.LIKE:
        return
    seen = condition.decisive or condition.seen or ()
    pairs = [
        (text, value)
        for value in seen
        for text in condition.wanted
        if "${" not in text and in_other_letters(text, value, is_like=True)
    ]
    yield from _respelt(change, {text: text.lower() for text, _ in pairs})
    if not is_hidden(condition, reader):
        yield from _respelt(change, {text: new for text, value in pairs if (new := respelt(text, value))})


def _respelt(change: dict[str, Any], new: dict[str, str]) -> Iterator[dict[str, Any]]:
    changed = {old: text for old, text in new.items() if text != old}
    if changed:
        yield change | {"add": list(dict.fromkeys(changed.values())), "respelt": list(changed)}
