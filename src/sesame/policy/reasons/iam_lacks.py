"""What the sender's own IAM policies lack, told to the owner as no more than that."""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.policy.reasons.case import Case
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.conditions import code_of, explain_condition
from sesame.policy.reasons.corrections import slips_behind
from sesame.policy.reasons.derivation import StatementStep
from sesame.policy.reasons.failures import failures, with_slips
from sesame.policy.reasons.itself import by_itself
from sesame.policy.reasons.narrow import principals
from sesame.policy.reasons.nearest import closest
from sesame.policy.reasons.principals import describe
from sesame.policy.reasons.sentence import compact, is_about_sending, name_statement
from sesame.policy.reasons.slips import in_resources, is_held_to_address, known_action, misspelt_action, some
from sesame.policy.reasons.statements import iam_statement, iam_statement_like
from sesame.policy.request import Requester


def iam_lacks(case: Case) -> list[Cause]:
    """What the sender's own IAM policies lack: told to the owner as no more than that."""
    request = case.request
    by_account = any(step.matched and step.ref.kind == "identity" for step in case.allows) and all(
        _names_account(step, request.requester)
        for step in case.allows
        if step.matched and step.ref.kind == "identity"
    )
    code = Code.ACCOUNT_ONLY if by_account else Code.SENDER_IAM
    if set(case.setting.uses) and set(case.setting.uses) <= {"Resource", "Recipient"}:
        code = Code.EXTRA_RESOURCE
    if case.reader is Reader.OWNER:
        text = f"{case.if_allowed}the sender's own side does not allow it to {describe(request.requester)}"
        return [Cause(code=code, text=text, mend=case.ask_sender())]
    candidates = [step for step in case.allows if step.ref.kind == "iam"]
    about = [step for step in candidates if is_about_sending(step)]
    about = about or [step for step in candidates if misspelt_action(step, request.action)]
    if about:
        near = closest(about, request)
        failed = [element.element for element in near.elements if not element.answer]
        if failed in (["Action"], ["NotAction"]):
            return _iam_action(case, near)
        if not failed and (found := failures(case, near)):
            return with_slips(case, near, about, found)
    return _iam_lack(case, code, about)


def _iam_action(case: Case, step: StatementStep) -> list[Cause]:
    element = next(one for one in step.elements if one.element.endswith("Action"))
    action = case.request.action
    of = "this way of sending is"
    if case.setting.uses and set(case.setting.uses) <= {"Resource", "Recipient"}:
        of = f"what is asked of `{case.request.resource}`, which the message uses too, is"
    text = f"{of} `{action}`; {name_statement(step.ref)}"
    if element.element == "NotAction":
        text += f" leaves out {some(element.wanted)}"
    elif (listed := misspelt_action(step, action)) is not None:
        text += f" lists `{listed}`, which is not an action: did you mean `{known_action(listed, action)}`?"
    else:
        text += f" lists {some(element.wanted)}"
    return _allowed_like(case, Code.ACTION, text, step)


def _iam_lack(case: Case, code: Code, about: Sequence[StatementStep]) -> list[Cause]:
    request = case.request
    what = f"`{request.action}` on `{request.resource}`"
    who = f"`{request.requester.arn}`"
    match code:
        case Code.ACCOUNT_ONLY:
            text = f"the owner allows the account, and no IAM policy of {who} allows {what}"
            if not case.is_foreign:
                text = (
                    f"the identity's policies name the account only, and no IAM policy of {who} allows {what}"
                )
        case Code.EXTRA_RESOURCE:
            kind = "recipient" if "Recipient" in case.setting.uses else "resource"
            why = ", whose identity is authorised too while the account is in the sandbox"
            why = why if kind == "recipient" else _beside(case)
            text = f"no IAM policy of {who} allows {what}{why}"
        case _:
            text = f"no IAM policy of {who} allows {what}"
    if about:
        near = closest(about, request)
        listed = [e for e in near.elements if e.element.endswith("Resource") and not e.answer]
        if listed:
            text += f"; {name_statement(near.ref)} {in_resources(listed[0], request.resource)}"
            is_for_address = is_held_to_address(listed[0], request.resource)
            return _allowed_like(case, code, text, near, is_for_address=is_for_address)
    return [Cause(code=code, text=text, mend=_allow(case, iam_statement(request.action, request.resource)))]


def _beside(case: Case) -> str:
    """What a resource is to a message that is not its identity."""
    name, default = case.request.resource.rpartition(":")[2], case.setting.default_set
    if default is not None and name == f"configuration-set/{default}":
        return ", the default configuration set of the identity, which counts since the message names none"
    return ", which the message uses beside the identity"


def _allowed_like(
    case: Case, code: Code, text: str, step: StatementStep, *, is_for_address: bool = False
) -> list[Cause]:
    """A statement in place of one that is for another action or resource; what the sender does for it too."""
    like = iam_statement_like(step, case.request, case.reader, is_for_address=is_for_address)
    for one in step.conditions:
        if not one.answer and one not in like.to_meet:
            only = explain_condition(one, case.request, case.reader, kind=step.ref.kind)
            text += f"; and it allows only {only}{slips_behind(step, one, case.request, case.reader)}"
    found = [Cause(code=code, text=text, mend=_allow(case, like.statement, like.left_out))]
    for one in like.to_meet:
        only = explain_condition(one, case.request, case.reader, kind=step.ref.kind)
        mend = by_itself(one, request=case.request, denies=False)
        if mend is not None:
            text = f"{name_statement(step.ref)} allows only {only}"
            found.append(Cause(code=code_of(one), text=text, mend=mend))
    return found


def _allow(case: Case, statement: Mapping[str, Any], left_out: Sequence[str] = ()) -> Mend:
    """Put a statement into the sender's IAM policies."""
    requester = case.request.requester
    principal = requester.entity_arn or requester.arn
    without = ", which is without the condition on {}, that this message does not meet"
    return Mend(
        how=How.ALLOW_IN_IAM,
        text=f"give `{principal}` an IAM policy with the statement {compact(statement)}"
        + (without.format(" and ".join(left_out)) if left_out else ""),
        details={"principal": principal, "statement": statement},
    )


def _names_account(step: StatementStep, requester: Requester) -> bool:
    account = requester.account_id
    named = set(principals(step))
    by_name = {requester.arn, requester.entity_arn, requester.user_id, "*"}
    return not named & by_name and bool(named & {account, f"arn:aws:iam::{account}:root"})
