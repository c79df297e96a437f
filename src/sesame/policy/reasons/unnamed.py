"""No statement of the identity's policies is for the requester: whom they name in its place."""

from collections.abc import Sequence
from dataclasses import replace

from sesame.policy.reasons.case import Case
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.derivation import StatementStep
from sesame.policy.reasons.narrow import in_words, principals
from sesame.policy.reasons.principals import describe, is_same_role, is_same_service, nearest
from sesame.policy.reasons.remedies import carried
from sesame.policy.reasons.sentence import compact
from sesame.policy.reasons.statements import smallest_statement

_MAY_BE_A_MISTAKE = (
    "; if you do not know this sender, there is nothing to do: it may have named your identity by mistake"
)


def nobody_named(case: Case, candidates: Sequence[StatementStep]) -> Cause:
    """No Allow names the requester: the code says whether one names what it was, or another session of it."""
    requester, request = case.request.requester, case.request
    wanted = [value for step in candidates for value in principals(step)]
    names = {requester.arn, requester.role_arn}
    old = next((value for name, value in case.setting.bound.items() if name in names), None)
    if (old is not None and old in wanted) or any(name in wanted for name in names if name):
        return _remade(case, old)
    if requester.role_arn and any(is_same_role(value, requester.arn) for value in wanted):
        return _one_session(case)
    other = next((value for value in wanted if is_same_service(value, requester.arn)), None)
    if case.is_service and other is not None and case.reader is not Reader.SENDER:
        named = f"the policies of `{request.resource}` name the service `{other}`"
        text = f"{named}; this one calls as `{requester.arn}`"
        return Cause(code=Code.SERVICE_NAME, text=text, mend=_put_statement(case))
    near = nearest(wanted, requester)
    named = f"; the closest names `{near[0]}`: {near[1]}" if near else ""
    if near and (unique_id := case.setting.gone.get(near[0])) is not None:
        named = f"; the closest names `{near[0]}`, which is gone and stands there as `{unique_id}`"
    return _owners_to_fix(
        case,
        Code.PRINCIPAL_OTHER,
        f"no statement of the policies of `{request.resource}` allows {describe(requester)}{named}",
        f"no policy of the owner of `{request.resource}` {_names_it(case)}",
    )


def _names_it(case: Case) -> str:
    """What no policy does: a stranger may not know whether one invites it, or the service for somebody else."""
    requester = case.request.requester
    if not case.is_service:
        return f"lets in {describe(requester)}"
    account, arn = (carried(case.request, f"aws:Source{what}") for what in ("Account", "Arn"))
    whom = " and ".join([f"account {account}"] * bool(account) + [f"`{arn}`"] * bool(arn))
    return f"lets {describe(requester)} send for {whom or 'whom it sends for'}"


def _owners_to_fix(case: Case, code: Code, for_owner: str, for_sender: str) -> Cause:
    """A cause on the owner's side that a new statement mends."""
    if case.reader is Reader.SENDER:
        mend = case.ask_owner(smallest_statement(case.request))
        return Cause(code=code, text=for_sender, mend=mend)
    return Cause(code=code, text=for_owner, mend=_put_statement(case))


def _put_statement(case: Case) -> Mend:
    """A policy of its own for this requester, whom none names."""
    statement = smallest_statement(case.request)
    return Mend(
        how=How.PUT_IDENTITY_POLICY,
        text=f"to allow it, put a policy on `{case.request.resource}` with the statement {compact(statement)}"
        + (_MAY_BE_A_MISTAKE if case.reader is Reader.OWNER else ""),
        details={"identity_arn": case.request.resource, "statement": statement},
    )


def _remade(case: Case, old: str | None) -> Cause:
    requester = case.request.requester
    name = requester.role_arn or requester.arn
    sender = f"the owner's policy was bound to an earlier `{name}`, which was deleted"
    if case.reader is Reader.SENDER:
        return Cause(
            code=Code.PRINCIPAL_REMADE,
            text=sender,
            mend=case.ask_owner(smallest_statement(case.request)),
        )
    now = requester.user_id.partition(":")[0]
    bound = f"bound to the unique id `{old}`" if old else "not bound to this principal"
    return Cause(
        code=Code.PRINCIPAL_REMADE,
        text=f"the policies of `{case.request.resource}` are {bound}; `{name}` was created again as `{now}`",
        mend=Mend(
            how=How.RESAVE_POLICY,
            text=f"put the policy again with `{name}` as Principal",
            details={"identity_arn": case.request.resource, "principal": name, "old": old},
        ),
    )


def _one_session(case: Case) -> Cause:
    requester = case.request.requester
    cause = _owners_to_fix(
        case,
        Code.ONE_SESSION,
        f"the policies of `{case.request.resource}` name one session of the role; this is `{requester.arn}`:"
        f" name the role `{requester.role_arn}`",
        f"the owner's policies name another session of `{requester.role_arn}` than `{requester.arn}`",
    )
    admits = ({"role": requester.role_arn},)
    text = f"{cause.mend.text}{in_words(admits)}: to let in this one alone, name `{requester.arn}` in it"
    details = {**cause.mend.details, "also_admits": list(admits)}
    return replace(cause, mend=replace(cause.mend, text=text, details=details))
