"""An explicit Deny in words, and what is to be done about it: by its owner, or by the sender alone."""

from collections.abc import Mapping
from typing import Any

from sesame.policy.reasons.case import Case
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.conditions import explain_conditions
from sesame.policy.reasons.derivation import StatementStep
from sesame.policy.reasons.exceptions import exceptions_for
from sesame.policy.reasons.itself import by_itself, may_leave_out
from sesame.policy.reasons.principals import describe
from sesame.policy.reasons.remedies import beside_ways_out, by_session, edits_in_words, is_left_out
from sesame.policy.reasons.second_factor import before_asking
from sesame.policy.reasons.sentence import name_statement
from sesame.policy.reasons.slips import some
from sesame.policy.reasons.statements import iam_statement
from sesame.policy.reasons.tags import what_it_carries
from sesame.policy.reasons.views import is_of_resource, name_of_key, own_values


def own_denial(case: Case, step: StatementStep) -> Cause:
    """A Deny on the sender's side; an owner reads of it that there is one."""
    if case.reader is Reader.OWNER:
        return Cause(
            code=Code.DENY,
            text=f"{case.if_allowed}a policy on the side of {describe(case.request.requester)} denies it explicitly",
            mend=case.ask_sender(),
        )
    return Cause(
        code=Code.DENY,
        text=f"{name_statement(step.ref)} denies `{case.request.action}` on `{case.request.resource}`"
        f"{_because(case, step)}",
        mend=_by_itself(case, step) or _tag_instead(case, step) or _exception(case, step),
    )


def owners_denial(case: Case, step: StatementStep) -> Cause:
    """A Deny of the identity's policies; the sender reads of it which of its own values mattered."""
    if case.reader is Reader.SENDER:
        about = [f"{key} `{', '.join(values)}`" for key, values in own_values(case.request, [step])]
        about += [
            f"{name_of_key(one.key, case.request)}, which this request does not carry"
            f"{what_it_carries(one.key, case.request)}"
            for one in step.conditions
            if one.seen is None and not is_of_resource(one.key)
        ]
        return Cause(
            code=Code.DENY,
            text=f"the owner's side of `{case.request.resource}` denies it explicitly"
            + (f", because of {'; '.join(dict.fromkeys(about))}" if about else ""),
            mend=_by_itself(case, step)
            or before_asking(
                may_leave_out(
                    case.ask_owner(more=by_session(*step.conditions), before=_without_recipients(step)),
                    *step.conditions,
                    request=case.request,
                    denies=True,
                ),
                *step.conditions,
                request=case.request,
                denies=True,
            ),
        )
    return Cause(
        code=Code.DENY,
        text=f"{name_statement(step.ref)} of `{case.request.resource}` denies it to "
        f"{describe(case.request.requester)}{_because(case, step)}",
        mend=_by_itself(case, step) or _tag_instead(case, step) or _exception(case, step),
    )


def _because(case: Case, step: StatementStep) -> str:
    conditions = explain_conditions(step.conditions, case.request, case.reader, kind=step.ref.kind)
    left_out = [
        f"its {element.element}, {some(element.wanted)}, does not have it"
        for element in step.elements
        if element.element in ("NotAction", "NotResource")
    ]
    why = f"; {' and '.join(left_out)}" if left_out else ""
    return (f" when {'; and when '.join(conditions)}" if conditions else "") + why


def _by_itself(case: Case, step: StatementStep) -> Mend | None:
    """What the sender alone can do about a Deny, which then stays as it is."""
    return by_itself(*step.conditions, request=case.request, denies=True)


def _tag_instead(case: Case, step: StatementStep) -> Mend | None:
    """The tag that lifts a Deny of what does not have it."""
    found = (case.widening.tag(condition, denies=True) for condition in step.conditions)
    return next((mend for mend in found if mend is not None), None)


def _exception(case: Case, step: StatementStep) -> Mend:
    """What to do about a Deny, for whoever may change it."""
    changes, admits = exceptions_for(step, case.request, case.reader)
    if _is_one_of_several(case, step, changes):
        changes = [{how: what for how, what in one.items() if how != "or_send"} for one in changes]
    is_gone = any(change.get("remove") for change in changes)
    is_meant = not is_gone and not any(_frees_it(change) for change in changes)
    if step.ref.kind == "session" and not step.ref.policy.startswith("arn:"):
        return _other_session(case, step, changes, is_meant=is_meant)
    allow = "to allow it, " if case.is_foreign and step.ref.kind == "identity" else ""
    verb = "change or remove" if is_gone else "change"
    return case.change(step, changes, f"{allow}{verb}", admits)


def _is_one_of_several(case: Case, step: StatementStep, changes: list[dict[str, Any]]) -> bool:
    """Whether other Denies remain where the sender does what this one leaves it: each may refuse what another asks."""
    ways = [one.get("or_send") for one in changes]
    others = [
        one for one in case.explanation.statements if one.ref in case.explanation.deciding and one is not step
    ]
    return any(
        ways != [change.get("or_send") for change in exceptions_for(one, case.request, case.reader)[0]]
        for one in others
        if one.effect == step.effect
    )


def _other_session(case: Case, step: StatementStep, changes: list[dict[str, Any]], *, is_meant: bool) -> Mend:
    """A policy that was given when the session was opened stays as it is: another session is opened."""
    request = case.request
    said = edits_in_words(changes if is_meant else [])
    changed = f", or with it changed: {said}" if said else ""
    text = f"open the session anew without {name_statement(step.ref)}{changed}"
    return Mend(
        how=How.CHANGE_SESSION,
        text=beside_ways_out(text, changes, is_last=True),
        details={
            "principal": request.requester.opened_by,
            "statement": iam_statement(request.action, request.resource),
        },
    )


def _frees_it(change: Mapping[str, Any]) -> bool:
    """Whether an exception is for a sender whatever it sends, so that the statement ends for it."""
    return "exempt" in change and change["key"].lower() in ("aws:principalarn", "aws:sourceaccount")


def _without_recipients(step: StatementStep) -> str:
    """What the sender can do about a Deny for some recipients."""
    some_of = next((one.decisive or one.seen or () for one in step.conditions if is_left_out(one)), ())
    return f"leave {some(tuple(some_of))} out of the recipients, or " if some_of else ""
