"""What a limit lacks: the permissions boundary of a user or role, and the policies that its session was opened under.

Neither gives anything: what they do not allow is not had, whoever gives it. Of both the owner of an identity reads that
the sender's own side does not allow it, and nothing else (I9).
"""

from dataclasses import replace
from typing import Any

from sesame.policy.language.document import Effect
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.conditions import explain_condition
from sesame.policy.reasons.derivation import Explanation, StatementStep
from sesame.policy.reasons.narrow import Admits, in_words
from sesame.policy.reasons.nearest import closest
from sesame.policy.reasons.principals import describe
from sesame.policy.reasons.second_factor import lacks_factor, with_code
from sesame.policy.reasons.sentence import compact, is_about_sending, name_statement
from sesame.policy.reasons.slips import in_resources, some
from sesame.policy.reasons.statements import iam_statement, iam_statement_like
from sesame.policy.request import PolicyKind

_OF_AWS = "arn:aws:iam::aws:policy/"
"""The beginning of the names of AWS's own policies, which nobody changes."""


def limit_lacks(
    kind: PolicyKind, before: str, explanation: Explanation, reader: Reader, *, ask_sender: Mend
) -> Cause:
    """The cause that a limit is which does not allow a request; `before` stands in front of what it says."""
    if reader is Reader.OWNER:
        return Cause(
            code=Code.SESSION_POLICY if kind == "session" else Code.SENDER_IAM,
            text=f"{before}the sender's own side does not allow it to {describe(explanation.request.requester)}",
            mend=ask_sender,
        )
    about = [step for step in _allows(explanation, kind) if is_about_sending(step)]
    near = closest(about, explanation.request) if about else None
    statement = _needed(explanation, near, reader)
    named = (
        ""
        if near is None
        else f"; {name_statement(near.ref)} comes closest, and {_short(near, explanation, reader)}"
    )
    lacks = _boundary_lacks if kind == "boundary" else _session_lacks
    cause = lacks(before, explanation, statement, named)
    if near is None or not _lacks_factor_alone(near, explanation):
        return cause
    text = f"{with_code(explanation.request, reader)}; or {cause.mend.text}"
    return replace(cause, mend=replace(cause.mend, text=text))


def _lacks_factor_alone(step: StatementStep, explanation: Explanation) -> bool:
    """Whether an Allow of a limit would match a session that is opened with a code."""
    failed = [one for one in step.conditions if not one.answer]
    is_for_it = all(element.answer for element in step.elements) and bool(failed)
    return is_for_it and all(lacks_factor(one, explanation.request, denies=False) for one in failed)


def _short(step: StatementStep, explanation: Explanation, reader: Reader) -> str:
    """What keeps an Allow of the reader's own side from matching."""
    request, found = explanation.request, []
    for element in step.elements:
        if element.answer:
            continue
        if element.element.endswith("Resource"):
            found.append(in_resources(element, request.resource))
        else:
            verb = "leaves out" if element.element.startswith("Not") else "lists"
            found.append(f"{verb} {some(element.wanted)}")
    for one in step.conditions:
        if not one.answer:
            found.append(f"allows only {explain_condition(one, request, reader, kind=step.ref.kind)}")
    return ", and ".join(found) or "is in a version of the language that is not understood"


def _allows(explanation: Explanation, kind: PolicyKind) -> list[StatementStep]:
    return [step for step in explanation.statements if step.ref.kind == kind and step.effect is Effect.ALLOW]


def _needed(explanation: Explanation, near: StatementStep | None, reader: Reader) -> dict[str, Any]:
    """The statement that the limit needs, under the conditions of the one that comes closest."""
    request = explanation.request
    if near is None:
        return iam_statement(request.action, request.resource)
    return iam_statement_like(near, request, reader).statement


def _boundary_lacks(before: str, explanation: Explanation, statement: dict[str, Any], named: str) -> Cause:
    request, requester = explanation.request, explanation.request.requester
    principal = requester.entity_arn or requester.arn
    arn = next((step.ref.policy for step in explanation.statements if step.ref.kind == "boundary"), None)
    may_change = arn is not None and not arn.startswith(_OF_AWS)
    admits: tuple[Admits, ...] = ({"policy": arn},) if may_change else ()
    mend = (
        f"give `{principal}` another permissions boundary, with the statement {compact(statement)}, or none"
    )
    if may_change:
        mend = (
            f"add the statement {compact(statement)} to `{arn}` in a new default version"
            f" (`aws iam create-policy-version --set-as-default`){in_words(admits)}"
        )
    which = f" `{arn}`" if arn else ""
    return Cause(
        code=Code.BOUNDARY,
        text=f"{before}the permissions boundary{which} of `{principal}` does not allow `{request.action}` on"
        f" `{request.resource}`{named}",
        mend=Mend(
            how=How.CHANGE_BOUNDARY,
            text=mend,
            details={
                "principal": principal,
                "policy": arn if may_change else None,
                "statement": statement,
                **({"also_admits": list(admits)} if admits else {}),
            },
        ),
    )


def _session_lacks(before: str, explanation: Explanation, statement: dict[str, Any], named: str) -> Cause:
    request = explanation.request
    is_federated = request.requester.kind == "federated"
    is_under_none = all(step.ref.kind != "session" for step in explanation.statements)
    what = f"the policies that the session `{request.requester.arn}` was opened under do not allow"
    if is_federated and is_under_none:
        what = f"`{request.requester.arn}` was opened under no session policy, and a federated user without one may not"
    without = "" if is_federated else "without a policy, or "
    return Cause(
        code=Code.SESSION_POLICY,
        text=f"{before}{what} `{request.action}` on `{request.resource}`{named}",
        mend=Mend(
            how=How.CHANGE_SESSION,
            text=f"open the session {without}with {'one' if without else 'a policy'} that has the statement"
            f" {compact(statement)}{'' if is_under_none else ' beside what it had'}",
            details={"principal": request.requester.opened_by, "statement": statement, "beside": True},
        ),
    )
