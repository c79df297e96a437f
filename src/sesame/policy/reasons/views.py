"""What each side may see of a decision: its own policies in full, of the other's only what they came to.

INVARIANT (I9): nothing of the owner's policies, and none of its tags, is in the sender's view, only the outcome and
which of the sender's own values it hung on. Of the sender the owner's view has who it was, From, Return-Path, action,
time and address, none of its policies, tags or recipients.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from sesame.policy.language.document import Effect
from sesame.policy.language.vocabulary import find_key
from sesame.policy.reasons.derivation import NOT_SHOWN, ConditionStep, ElementStep, Explanation, StatementStep
from sesame.policy.reasons.sentence import name_statement, unmet_limits, write_sentence
from sesame.policy.reasons.strangers import is_for, is_stranger
from sesame.policy.request import Decision, Outcome, Request, StatementRef

_OWNER_SEES = {
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "ses:apiversion",
    "ses:feedbackaddress",
    "ses:fromaddress",
    "ses:fromdisplayname",
}
"""Keys of a request whose values its owner's side may see: who, From, Return-Path, action, time, address."""

_OF_FROM = frozenset({"ses:fromaddress", "ses:fromdisplayname"})
_OF_RETURN_PATH = frozenset({"ses:feedbackaddress"})


def _of_others(uses: Collection[str]) -> frozenset[str]:
    """The keys whose values are addresses that rest on other identities, perhaps of other owners, by what an identity
    is used for; the owner of From's may see the return path."""
    if not uses or "From" in uses:
        return frozenset()
    return _OF_FROM if "Return-Path" in uses else _OF_FROM | _OF_RETURN_PATH


def with_own_addresses(explanation: Explanation, uses: Collection[str]) -> Explanation:
    """An explanation for the owner of an identity, without the addresses of the message that rest on others.

    `uses` are those of the identity; none where that is not known, which leaves all.
    """
    hidden = _of_others(uses)
    if not hidden:
        return explanation
    request = explanation.request
    context = {key: value for key, value in request.context.items() if key.lower() not in hidden}
    return replace(
        explanation,
        request=msgspec.structs.replace(request, context=context),
        statements=tuple(_without_keys(step, hidden) for step in explanation.statements),
        sentence="",
    )


def _without_keys(step: StatementStep, hidden: Collection[str]) -> StatementStep:
    """A statement without the values of some keys, in conditions and in what variables were filled with."""

    def in_condition(one: ConditionStep) -> ConditionStep:
        if any(key.lower() in hidden for key in _variables(one.wanted)):
            one = replace(one, filled=one.wanted)
        if one.seen is None or one.key.lower() not in hidden:
            return one
        return replace(one, seen=(NOT_SHOWN,), decisive=(NOT_SHOWN,))

    def in_element(one: ElementStep) -> ElementStep:
        is_told = any(key.lower() in hidden for key in _variables(one.wanted))
        return replace(one, filled=one.wanted) if is_told else one

    return replace(
        step,
        elements=tuple(map(in_element, step.elements)),
        conditions=tuple(map(in_condition, step.conditions)),
    )


def owner_may_see(key: str) -> bool:
    """Whether the owner of an identity may see the value of a key of somebody's request; its own tags it may."""
    return key.lower() in _OWNER_SEES or is_of_resource(key)


def is_of_resource(key: str) -> bool:
    """Whether a key is about the identity, whose tags are its owner's."""
    return ":resourcetag/" in key.lower()


def name_of_key(key: str, request: Request) -> str:
    """A key that the owner's policy asks about, as the sender may read it: never with a tag's name of the owner's."""
    if is_of_resource(key):
        return "a tag of the identity"
    carried = next((name for name in request.context if name.lower() == key.lower()), None)
    if carried is not None:
        return carried
    known = find_key(key)
    if known is None:
        return "a key that nothing sends"
    return known.name if "/" not in known.name else "a tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderView:
    """A decision as the sender may know it.

    `own` are the statements of its IAM and session policies; `mattered` the condition keys of its request, with their
    values, that the owner's policies asked about.
    """

    outcome: Outcome
    own: tuple[StatementStep, ...]
    by_owner: Outcome
    """What the owner's policies said; ALLOW also when they left the choice to the sender's account."""
    mattered: tuple[tuple[str, tuple[str, ...]], ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerView:
    """A decision as the identity's owner may know it: `own` are the statements of the identity's policies."""

    outcome: Outcome
    own: tuple[StatementStep, ...]
    by_owner: Outcome
    sentence: str


def sender_view(explanation: Explanation, *, is_let_in: bool = False) -> SenderView:
    """The part of an explanation that the sender's account may see.

    `is_let_in`: another identity of the owner's has let the sender in, so that it is no stranger to this one.
    """
    theirs = [step for step in explanation.statements if step.ref.kind == "identity"]
    own = [step for step in explanation.statements if step.ref.kind != "identity"]
    by_owner = _said(theirs)
    mattered = dict(own_values(explanation.request, theirs, explanation.deciding))
    outcome = explanation.outcome
    if not is_let_in and by_owner is not Outcome.ALLOW and is_stranger(theirs, explanation.request.requester):
        # As of an identity that does not exist.
        by_owner, mattered = Outcome.IMPLICIT_DENY, {}
        denies = outcome is Outcome.EXPLICIT_DENY and _said(own) is Outcome.EXPLICIT_DENY
        outcome = Outcome.EXPLICIT_DENY if denies else Outcome.IMPLICIT_DENY
    own_steps = tuple(_without_resource(step) for step in own)
    return SenderView(
        outcome=outcome,
        own=own_steps,
        by_owner=by_owner,
        mattered=tuple(sorted(mattered.items())),
        sentence=_for_sender(explanation, by_owner, mattered, own_steps),
    )


def owner_view(explanation: Explanation, uses: Collection[str] = ()) -> OwnerView:
    """The part of an explanation that the identity's owner may see, where the sender is of another account.

    `uses` are what the identity is used for: where From does not rest on it, its owner does not see it.
    """
    explanation = with_own_addresses(explanation, uses)
    own = tuple(_without_sender(step) for step in explanation.statements if step.ref.kind == "identity")
    return OwnerView(
        outcome=explanation.outcome,
        own=own,
        by_owner=_said(own),
        sentence=_for_owner(explanation, own),
    )


def without_tags(request: Request) -> Request:
    """A request as it is about something that has no tags, or is not there."""
    context = {key: value for key, value in request.context.items() if not is_of_resource(key)}
    return msgspec.structs.replace(request, context=context)


def as_not_let_in(explanation: Explanation, untagged: Explanation) -> Explanation:
    """A refusal as it is for a sender whom the owner's side does not let in, whatever tags the identity has.

    Its own policies are asked without them (`untagged`): what they ask about it could learn by asking. Of what the
    owner says to a stranger nothing is left.
    """
    theirs = [step for step in explanation.statements if step.ref.kind == "identity"]
    if _said(theirs) is Outcome.ALLOW:
        return explanation
    requester = explanation.request.requester
    if is_stranger(theirs, requester):
        theirs = [step for step in theirs if step.effect is Effect.ALLOW and not is_for(step, requester)]
    own = [step for step in untagged.statements if step.ref.kind != "identity"]
    statements = (*theirs, *own)
    denies = tuple(step.ref for step in statements if step.matched and step.effect is Effect.DENY)
    outcome = Outcome.EXPLICIT_DENY if denies else Outcome.IMPLICIT_DENY
    return Explanation(
        request=untagged.request,
        outcome=outcome,
        statements=statements,
        deciding=denies,
        sentence=write_sentence(untagged.request, Decision(outcome, denies), statements, explanation.limits),
        limits=explanation.limits,
    )


def _said(steps: Sequence[StatementStep]) -> Outcome:
    if any(step.matched and step.effect is Effect.DENY for step in steps):
        return Outcome.EXPLICIT_DENY
    return Outcome.ALLOW if any(step.matched for step in steps) else Outcome.IMPLICIT_DENY


def own_values(
    request: Request, theirs: Iterable[StatementStep], deciding: Sequence[StatementRef] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The sender's values that decided: of the deciding statements, or those that kept an Allow from matching."""
    for step in theirs:
        decided = step.ref in deciding or (step.matched and step.effect is Effect.DENY)
        fits = all(element.answer for element in step.elements)
        for condition in step.conditions:
            kept_out = step.effect is Effect.ALLOW and not step.matched and fits and not condition.answer
            if condition.seen is None or is_of_resource(condition.key) or not (decided or kept_out):
                continue
            yield name_of_key(condition.key, request), condition.decisive or condition.seen


def reveals_other_side(condition: ConditionStep, *, by_owner: bool) -> bool:
    """Whether a condition's variables, filled in, would tell its author what is the other side's."""
    if by_owner:
        return not owner_may_fill_in(condition.wanted)
    return any(is_of_resource(key) for key in _variables(condition.wanted))


def owner_may_fill_in(values: Iterable[str]) -> bool:
    """Whether the variables of values, filled in, tell the owner of an identity nothing that is a sender's alone."""
    return all(key in ("*", "?", "$") or owner_may_see(key) for key in _variables(values))


def names_tag_of_resource(element: ElementStep) -> bool:
    """Whether an element's variables, filled in, would tell its author a tag of the identity's."""
    return any(is_of_resource(key) for key in _variables(element.wanted))


def _variables(values: Iterable[str]) -> list[str]:
    return [
        part.partition("}")[0].partition(",")[0].strip() for text in values for part in text.split("${")[1:]
    ]


def _without_resource(step: StatementStep) -> StatementStep:
    """A statement of the sender's with the owner's tags left out, which its conditions may have asked about."""

    def without_hidden(condition: ConditionStep) -> ConditionStep:
        asks = is_of_resource(condition.key)
        if reveals_other_side(condition, by_owner=False):
            condition = replace(condition, filled=condition.wanted)
        if not asks or condition.seen is None:
            return condition
        return replace(condition, seen=(NOT_SHOWN,), decisive=(NOT_SHOWN,))

    def without_tags(element: ElementStep) -> ElementStep:
        return replace(element, filled=element.wanted) if names_tag_of_resource(element) else element

    return replace(
        step,
        elements=tuple(map(without_tags, step.elements)),
        conditions=tuple(map(without_hidden, step.conditions)),
    )


def _without_sender(step: StatementStep) -> StatementStep:
    """A statement of the owner's with what is the sender's alone left out."""

    def without_hidden(condition: ConditionStep) -> ConditionStep:
        if reveals_other_side(condition, by_owner=True):
            condition = replace(condition, filled=condition.wanted)
        if condition.seen is None or owner_may_see(condition.key):
            return condition
        return replace(condition, seen=(NOT_SHOWN,), decisive=(NOT_SHOWN,))

    # That a NotPrincipal spares nobody with a boundary would tell that the sender has one.
    elements = tuple(replace(one, note="") if one.element == "NotPrincipal" else one for one in step.elements)
    return replace(step, elements=elements, conditions=tuple(map(without_hidden, step.conditions)))


def _for_sender(
    explanation: Explanation,
    by_owner: Outcome,
    mattered: dict[str, tuple[str, ...]],
    own: tuple[StatementStep, ...],
) -> str:
    request = explanation.request
    if explanation.outcome is Outcome.ALLOW:
        return f"allowed: `{request.action}` on `{request.resource}`"
    denies = tuple(ref for ref in explanation.deciding if ref.kind != "identity")
    if denies:
        return write_sentence(request, Decision(Outcome.EXPLICIT_DENY, denies), own)
    if by_owner is Outcome.ALLOW:
        needs_iam = request.requester.kind not in ("root", "service")
        if needs_iam and not any(step.grants and step.ref.kind == "iam" for step in own):
            return "denied: the IAM policies of the sender do not allow it"
        if unmet_limits(explanation.statements, explanation.limits)[:1] == ["boundary"]:
            return "denied: the permissions boundary of the sender does not allow it"
        return "denied: the policies that the session was opened under do not allow it"
    about = ", ".join(f"{key} `{', '.join(values)}`" for key, values in sorted(mattered.items()))
    because = f" because of {about}" if about else ""
    verb = "denies" if by_owner is Outcome.EXPLICIT_DENY else "does not allow"
    return f"denied: the owner of the identity {verb} this{because}"


def _for_owner(explanation: Explanation, own: tuple[StatementStep, ...]) -> str:
    request = explanation.request
    refs = tuple(ref for ref in explanation.deciding if ref.kind == "identity")
    if explanation.outcome is Outcome.ALLOW:
        return f"allowed by {' and '.join(map(name_statement, refs))}" if refs else "allowed"
    if refs:
        return write_sentence(request, Decision(Outcome.EXPLICIT_DENY, refs), own)
    if explanation.outcome is Outcome.EXPLICIT_DENY:
        return f"denied: on the side of `{request.requester.arn}`"
    if any(step.grants for step in own) or (request.requester.account_id == request.resource_account):
        return f"denied: the side of `{request.requester.arn}` does not allow it"
    return write_sentence(request, Decision(Outcome.IMPLICIT_DENY), own)
