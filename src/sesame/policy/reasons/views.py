"""What a sender and an owner may see of a decision: each its own policies in full, of the other's what they came to.

INVARIANT (I9): nothing of the owner's policies is in the sender's view, neither names nor patterns, only the outcome
and which of the sender's own values it hung on; nothing of the sender's policies is in the owner's view. An owner who
sends by itself sees the whole `Explanation`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sesame.policy.language.document import Effect
from sesame.policy.reasons.derivation import Explanation, StatementStep
from sesame.policy.request import Outcome


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


def sender_view(explanation: Explanation) -> SenderView:
    """The part of an explanation that the sender's account may see."""
    theirs = [step for step in explanation.statements if step.ref.kind == "identity"]
    by_owner = _by_owner(theirs)
    mattered = dict(_mattered(explanation, theirs))
    return SenderView(
        outcome=explanation.outcome,
        own=tuple(step for step in explanation.statements if step.ref.kind != "identity"),
        by_owner=by_owner,
        mattered=tuple(sorted(mattered.items())),
        sentence=_sentence(explanation, by_owner, mattered),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerView:
    """A decision as the owner of the identity may know it; `own` are the statements of its policies."""

    outcome: Outcome
    own: tuple[StatementStep, ...]
    by_owner: Outcome
    sentence: str


def owner_view(explanation: Explanation) -> OwnerView:
    """The part of an explanation that the account of the identity may see."""
    own = tuple(step for step in explanation.statements if step.ref.kind == "identity")
    by_owner = _by_owner(own)
    request = explanation.request
    asked = f"`{request.requester.arn}` asked for `{request.action}` on `{request.resource}`"
    if explanation.outcome is Outcome.ALLOW:
        said = "allowed"
    elif by_owner is Outcome.EXPLICIT_DENY:
        denying = next(step.ref for step in own if step.matched and step.effect is Effect.DENY)
        said = f"denied by your policy `{denying.policy}`, statement {denying.sid or f'#{denying.index + 1}'}"
    elif by_owner is Outcome.ALLOW:
        said = "denied, though your policies let it: the sender's own account does not allow it"
    else:
        said = "denied: none of your policies allows it" if own else "denied: the identity has no policy"
    return OwnerView(outcome=explanation.outcome, own=own, by_owner=by_owner, sentence=f"{asked}: {said}")


def _by_owner(theirs: Sequence[StatementStep]) -> Outcome:
    if any(step.matched and step.effect is Effect.DENY for step in theirs):
        return Outcome.EXPLICIT_DENY
    return Outcome.ALLOW if any(step.matched for step in theirs) else Outcome.IMPLICIT_DENY


def _mattered(explanation: Explanation, theirs: list[StatementStep]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The conditions that decided: of the deciding statements, or those that kept an Allow from matching."""
    for step in theirs:
        decided = step.ref in explanation.deciding
        fits = all(element.answer for element in step.elements)
        for condition in step.conditions:
            kept_out = step.effect is Effect.ALLOW and not step.matched and fits and not condition.answer
            if condition.seen is not None and (decided or kept_out):
                yield condition.key, condition.seen


def _sentence(explanation: Explanation, by_owner: Outcome, mattered: dict[str, tuple[str, ...]]) -> str:
    request = explanation.request
    if explanation.outcome is Outcome.ALLOW:
        return f"allowed: `{request.action}` on `{request.resource}`"
    own_deny = any(ref.kind != "identity" for ref in explanation.deciding)
    if own_deny or by_owner is Outcome.ALLOW:
        return explanation.sentence if own_deny else "denied: the IAM policies of the sender do not allow it"
    about = ", ".join(f"{key} `{', '.join(values)}`" for key, values in sorted(mattered.items()))
    because = f" because of {about}" if about else ""
    verb = "denies" if by_owner is Outcome.EXPLICIT_DENY else "does not allow"
    return f"denied: the owner of the identity {verb} this{because}"
