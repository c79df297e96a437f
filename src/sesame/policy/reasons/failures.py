"""A statement that is for the requester and does not match: a cause for each thing in which it fails."""

from collections.abc import Sequence
from dataclasses import replace

from sesame.policy.reasons.case import Case
from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.policy.reasons.conditions import TIMES, code_of, explain_condition
from sesame.policy.reasons.corrections import slips_behind
from sesame.policy.reasons.derivation import ElementStep, StatementStep
from sesame.policy.reasons.itself import by_itself, may_leave_out
from sesame.policy.reasons.narrow import is_correction
from sesame.policy.reasons.second_factor import before_asking
from sesame.policy.reasons.sentence import name_statement
from sesame.policy.reasons.slips import some
from sesame.policy.reasons.statements import smallest_statement
from sesame.policy.reasons.views import own_values


def failures(case: Case, step: StatementStep) -> list[Cause]:
    """A cause for each thing in which an Allow failed that comes close."""
    found, widening = [], case.widening
    for element in step.elements:
        if not element.answer and not element.element.endswith("Principal"):
            found.append(_element(case, step, element))
    for condition in step.conditions:
        if condition.answer:
            continue
        code = code_of(condition)
        condition_text = explain_condition(condition, case.request, case.reader, kind=step.ref.kind)
        if not case.hides(step):
            condition_text += slips_behind(step, condition, case.request, case.reader)
        if case.hides(step):
            text = f"the owner's policy has a condition on {condition_text}"
            keys = {key: list(v) for key, v in own_values(case.request, [step])}
            asked = case.ask_owner(keys=keys)
            asked = may_leave_out(asked, condition, request=case.request, denies=False)
            asked = before_asking(asked, condition, request=case.request, denies=False)
            mend = by_itself(condition, request=case.request, denies=False) or asked
        else:
            text = f"{name_statement(step.ref)} allows only {condition_text}"
            mend = widening.alone(condition) or widening.widened(step)
        found.append(Cause(code=code, text=text, mend=mend))
    return found


def with_slips(
    case: Case, near: StatementStep, steps: Sequence[StatementStep], found: list[Cause]
) -> list[Cause]:
    """Causes that are slips, with those of the reader's other statements that are too: one mend is for all of them,
    in words and for programs, though each of the statements would let the request through once it is mended."""
    if case.hides(near) or not _are_slips(found):
        return found
    texts: list[str] = []
    mends = [found[0].mend]
    for step in steps:
        if step is near or not all(element.answer for element in step.elements):
            continue
        theirs = failures(case, step)
        if _are_slips(theirs):
            texts += [f"; and {one.text}" for one in theirs]
            mends.append(theirs[0].mend)
    # Each is enough alone: one that lets others in as well is no part of it where another does not.
    mend, *more = [one for one in mends if "also_admits" not in one.details] or mends[:1]
    if not texts:
        return found
    if more:
        also = "".join(f"; and {one.text.removeprefix('to allow it, ')}" for one in more)
        mend = replace(
            mend,
            text=f"{mend.text}{also}; either lets this message pass",
            details={**mend.details, "also": [one.details for one in more]},
        )
    *before, last = (replace(one, mend=mend) for one in found)
    return [*before, replace(last, text=last.text + "".join(texts))]


def _are_slips(found: Sequence[Cause]) -> bool:
    """Whether one and the same mend is for all that fails in a statement, and writes it as it was meant."""
    return bool(found) and all(_is_slip(one.mend) and one.mend == found[0].mend for one in found)


def _is_slip(mend: Mend) -> bool:
    """Whether all that a mend does is to write a statement as it was meant."""
    changes = mend.details.get("changes", ())
    is_change = mend.how is How.CHANGE_STATEMENT and bool(changes)
    return is_change and all(
        is_correction(one) and one.get("key", "").lower() not in TIMES for one in changes
    )


def _element(case: Case, step: StatementStep, element: ElementStep) -> Cause:
    action = case.request.action
    is_action = element.element.endswith("Action")
    code = Code.ACTION if is_action else Code.SENDER_IAM
    if case.hides(step):
        text = f"this way of sending is `{action}`, which the owner's policy does not list for you"
        asked = case.ask_owner(smallest_statement(case.request), is_named=True)
        return Cause(code=code, text=text, mend=asked)
    what = "this way of sending is" if is_action else "this is"
    verb = "leaves out" if element.element.startswith("Not") else "lists"
    text = f"{what} `{element.seen}`; {name_statement(step.ref)} {verb} {some(element.wanted)}"
    return Cause(code=code, text=text, mend=case.widening.widened(step))


def not_understood(case: Case, step: StatementStep) -> Cause:
    """A statement that fails in nothing that can be named: its policy is in another version of the language."""
    if case.hides(step):
        text, mend = "the owner's policy is not understood", case.ask_owner()
    else:
        text = f"{name_statement(step.ref)} is in a version of the language that is not understood"
        mend = case.change(step, [{"version": "2012-10-17"}], "change")
    return Cause(code=Code.CONDITION, text=text, mend=mend)
