"""What was missing in policies: from the derivation of a refusal to its causes, for one reader.

`policy_causes` takes an `Explanation` that does not allow and says which side lacked what: the first cause is the one
to mend, those behind it stand in the way as well. It is `policy_causes` that keeps the two sides apart:

INVARIANT (I9): a SENDER reads of the owner's policies the code and which of its own values mattered; an OWNER reads
of the sender's side who it was, From, Return-Path, action, time and address. No names, patterns or tags pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sesame.policy.language.document import Effect
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader, quoting
from sesame.policy.reasons.conditions import code_of, explain_condition, explain_conditions
from sesame.policy.reasons.derivation import ElementStep, Explanation, StatementStep
from sesame.policy.reasons.exceptions import exceptions_for
from sesame.policy.reasons.itself import by_itself, may_leave_out
from sesame.policy.reasons.limits import limit_lacks
from sesame.policy.reasons.narrow import (
    Admits,
    in_words,
    principals,
)
from sesame.policy.reasons.principals import describe, is_same_role, is_same_service, nearest
from sesame.policy.reasons.remedies import (
    beside_ways_out,
    by_session,
    carried,
    change_mend,
    edits_in_words,
    is_left_out,
)
from sesame.policy.reasons.sentence import (
    closest,
    compact,
    distance,
    is_about_sending,
    is_named,
    name_statement,
    unmet_limits,
)
from sesame.policy.reasons.slips import in_resources, is_held_to_address, known_action, misspelt_action, some
from sesame.policy.reasons.statements import iam_statement, iam_statement_like, smallest_statement
from sesame.policy.reasons.strangers import is_for, is_stranger
from sesame.policy.reasons.tags import what_it_carries
from sesame.policy.reasons.views import is_of_resource, name_of_key, own_values, with_own_addresses
from sesame.policy.reasons.widening import Widening
from sesame.policy.request import Outcome, PolicyKind, Request, Requester


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known beside the policies: `uses` of the identity (From, Recipient, Resource, ...), and the principals
    whose names the identity's policies are not bound to any more, with the unique ids that they are bound to."""

    uses: tuple[str, ...] = ()
    bound: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    """Of those the principals that there are no more."""
    is_let_in: bool = False
    """Whether another identity of the owner's, a less specific one, has let the requester in."""
    default_set: str | None = None
    """The configuration set that the identity gave a message which named none."""
    request_id: str | None = None
    """By which both sides find what was kept of the refusal, each its own half under codes of its own."""


NOTHING_MORE = Setting()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One refusal for one reader, with what is asked of it everywhere."""

    explanation: Explanation
    """To an owner with its own addresses alone."""
    reader: Reader
    setting: Setting
    request: Request
    is_service: bool
    is_foreign: bool
    """Whether the requester is of another account than the identity, or of none."""
    allows: Sequence[StatementStep]

    @property
    def is_named(self) -> bool:
        """Whether an Allow of the identity is for this requester, whatever else it asks."""
        return self.setting.is_let_in or not is_stranger(self.explanation.statements, self.request.requester)

    @property
    def widening(self) -> Widening:
        """What widens a statement until it lets the request pass."""
        return Widening(self.request, self.reader, is_foreign=self.is_foreign, is_said=self.setting.is_let_in)

    def hides(self, step: StatementStep) -> bool:
        """Whether a statement is the owner's and the reader its sender, who reads neither name nor values of it."""
        return self.reader is Reader.SENDER and step.ref.kind == "identity"

    def change(
        self, step: StatementStep, changes: list[dict[str, Any]], verb: str, admits: Sequence[Admits] = ()
    ) -> Mend:
        """Edits of a statement; an identity that nobody named is, since others may have a policy of that name."""
        is_said = self.setting.is_let_in
        return change_mend(
            step,
            changes,
            verb,
            self.request.resource,
            is_said=is_said,
            admits=admits,
            beside=in_words(admits),
        )

    def ask_owner(
        self,
        statement: Mapping[str, Any] | None = None,
        *,
        keys: Mapping[str, Any] | None = None,
        more: str = "",
        before: str = "",
        is_named: bool = False,
    ) -> Mend:
        """Have the owner of the identity see to it, which is all that the sender can do."""
        account, request_id = self.request.resource_account, self.setting.request_id
        details: dict[str, Any] = {
            "whom": "owner",
            "account": account,
            "identity_arn": self.request.resource,
        }
        text = f"{before}ask the owner, account {account}{quoting(request_id)}"
        if statement is not None:
            details["statement"] = statement
            text += f"; the statement it needs is {compact(statement)}"
        if is_named:  # said always, so that it tells nothing of whether there are any
            details["conditions"] = "as-named"
            text += ", under those conditions of the one that names you that this message meets"
        if keys:
            details["keys"] = keys
        return Mend(how=How.ASK, text=text + more, details=details)

    def ask_sender(self) -> Mend:
        """The other way round; an owner reads of the sender's side no more than that it lacks something."""
        account = self.request.requester.account_id
        whose = f", account {account}" if account else ""
        details = {"whom": "sender", "account": account}
        return Mend(
            how=How.ASK, text=f"ask the sender{whose}: its own decisions say what is missing", details=details
        )


def case_of(explanation: Explanation, reader: Reader, setting: Setting) -> Case:
    """The case of a refusal for a reader."""
    if reader is Reader.OWNER:
        explanation = with_own_addresses(explanation, setting.uses)
    request = explanation.request
    requester = request.requester
    is_service = requester.kind == "service"
    return Case(
        explanation=explanation,
        reader=reader,
        setting=setting,
        request=request,
        is_service=is_service,
        is_foreign=is_service or requester.account_id != request.resource_account,
        allows=[step for step in explanation.statements if step.effect is Effect.ALLOW],
    )


def policy_causes(
    explanation: Explanation, reader: Reader, *, setting: Setting = NOTHING_MORE
) -> tuple[Cause, ...]:
    """The causes of a refusal by policy, the one to mend first; none for what is allowed."""
    case = case_of(explanation, reader, setting)
    match explanation.outcome:
        case Outcome.ALLOW:
            return ()
        case Outcome.EXPLICIT_DENY:
            return _denials(case)
        case _:
            return _lacks(case)


def _denials(case: Case) -> tuple[Cause, ...]:
    """One cause for each statement that denies, the reader's own side first."""
    deciding = [step for step in case.explanation.statements if step.ref in case.explanation.deciding]
    theirs = [step for step in deciding if step.ref.kind == "identity"]
    own = [step for step in deciding if step.ref.kind != "identity"]
    if case.reader is Reader.SENDER and theirs and not own and not case.is_named:
        return _identity_lacks(case)  # that it is denied would tell a stranger what there is
    found = [own_denial(case, step) for step in own[: 1 if case.reader is Reader.OWNER else None]]
    found += [owners_denial(case, step) for step in theirs[: 1 if case.reader is Reader.SENDER else None]]
    found = list(reversed(found)) if case.reader is Reader.OWNER else found
    if case.setting.is_let_in:
        return tuple(found)  # this identity is asked for its Denies alone
    return (*found, *_missing(case))  # without the Denies it would still lack these


def _lacks(case: Case) -> tuple[Cause, ...]:
    """What each side lacks: the identity's policies, the sender's own, those of its session."""
    found = _missing(case)
    if found:
        return tuple(found)
    limits = unmet_limits(case.explanation.statements, case.explanation.limits) or ["session"]
    before = "all else allows it, but " if len(limits) == 1 else ""
    return tuple(_limit_lacks(case, kind, before) for kind in limits)


def _missing(case: Case) -> list[Cause]:
    """What must be added, on whichever side; nothing where that is the session alone."""
    grants = {step.ref.kind for step in case.allows if step.grants}
    needs_identity = case.is_foreign and "identity" not in grants
    is_root = case.request.requester.kind == "root"
    if case.is_foreign:
        needs_iam = not case.is_service and not is_root and "iam" not in grants
    else:
        needs_iam = not is_root and not grants & {"identity", "iam"}
    found = list(_identity_lacks(case)) if needs_identity else []
    if needs_iam:
        found += iam_lacks(case)
    if found and case.reader is not Reader.OWNER and not any(step.is_by_name for step in case.allows):
        limits = unmet_limits(case.explanation.statements, case.explanation.limits)
        there = {step.ref.kind for step in case.explanation.statements}
        found += [_limit_lacks(case, kind, "") for kind in limits if kind in there or kind == "boundary"]
    return found


def _limit_lacks(case: Case, kind: PolicyKind, before: str) -> Cause:
    return limit_lacks(kind, before, case.explanation, case.reader, ask_sender=case.ask_sender())


def _identity_lacks(case: Case) -> tuple[Cause, ...]:
    candidates = [step for step in case.allows if step.ref.kind == "identity"]
    named = [step for step in candidates if is_named(step)]
    if case.reader is Reader.SENDER:  # to a stranger it is as an identity that does not exist
        named = [step for step in named if is_for(step, case.request.requester)]
        named = [] if not case.is_named else named
        candidates = named or [step for step in candidates if not is_named(step)]
    if not named:
        return (nobody_named(case, candidates),)
    near = min(named, key=distance) if case.reader is Reader.SENDER else closest(named)
    return tuple(failures(case, near)) or (not_understood(case, near),)


def own_denial(case: Case, step: StatementStep) -> Cause:
    if case.reader is Reader.OWNER:
        return Cause(
            code=Code.DENY,
            text=f"a policy on the side of {describe(case.request.requester)} denies it explicitly",
            mend=case.ask_sender(),
        )
    return Cause(
        code=Code.DENY,
        text=f"{name_statement(step.ref)} denies `{case.request.action}` on `{case.request.resource}`"
        f"{_because(case, step)}",
        mend=_by_itself(case, step) or _tag_instead(case, step) or _exception(case, step),
    )


def owners_denial(case: Case, step: StatementStep) -> Cause:
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
            or may_leave_out(
                case.ask_owner(more=by_session(*step.conditions), before=_without_recipients(step)),
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
    is_gone = any(change.get("remove") for change in changes)
    is_meant = not is_gone and not any(_frees_it(change) for change in changes)
    if step.ref.kind == "session" and not step.ref.policy.startswith("arn:"):
        return _other_session(case, step, changes, is_meant=is_meant)
    allow = "to allow it, " if case.is_foreign and step.ref.kind == "identity" else ""
    verb = "change or remove" if is_gone else "change"
    return case.change(step, changes, f"{allow}{verb}", admits)


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
            "principal": request.requester.role_arn,
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


def failures(case: Case, step: StatementStep) -> list[Cause]:
    """A cause for each thing in which the closest Allow of the identity failed."""
    found, widening = [], case.widening
    for element in step.elements:
        if not element.answer and not element.element.endswith("Principal"):
            found.append(_element(case, step, element))
    for condition in step.conditions:
        if condition.answer:
            continue
        code = code_of(condition)
        condition_text = explain_condition(condition, case.request, case.reader, kind=step.ref.kind)
        if case.hides(step):
            text = f"the owner's policy has a condition on {condition_text}"
            keys = {key: list(v) for key, v in own_values(case.request, [step])}
            asked = case.ask_owner(keys=keys)
            asked = may_leave_out(asked, condition, request=case.request, denies=False)
            mend = by_itself(condition, request=case.request, denies=False) or asked
        else:
            text = f"{name_statement(step.ref)} allows only {condition_text}"
            mend = widening.alone(condition) or widening.widened(step)
        found.append(Cause(code=code, text=text, mend=mend))
    return found


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
    if case.hides(step):
        text, mend = "the owner's policy is not understood", case.ask_owner()
    else:
        text = f"{name_statement(step.ref)} is in a version of the language that is not understood"
        mend = case.change(step, [{"version": "2012-10-17"}], "change")
    return Cause(code=Code.CONDITION, text=text, mend=mend)


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
        allowed = "the identity's policies allow the account, and " if by_account else ""
        text = f"{allowed}the sender's own side does not allow it to {describe(request.requester)}"
        return [Cause(code=code, text=text, mend=case.ask_sender())]
    candidates = [step for step in case.allows if step.ref.kind == "iam"]
    about = [step for step in candidates if is_about_sending(step)]
    about = about or [step for step in candidates if misspelt_action(step, request.action)]
    if about:
        near = closest(about)
        failed = [element.element for element in near.elements if not element.answer]
        if failed in (["Action"], ["NotAction"]):
            return _iam_action(case, near)
        if not failed and (found := failures(case, near)):
            return found
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
        near = closest(about)
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
    principal = requester.role_arn or requester.arn
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
    by_name = {requester.arn, requester.role_arn, requester.user_id, "*"}
    return not named & by_name and bool(named & {account, f"arn:aws:iam::{account}:root"})
