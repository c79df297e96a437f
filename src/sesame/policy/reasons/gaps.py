"""What was missing in policies: from the derivation of a refusal to its causes, for one reader.

`policy_causes` takes an `Explanation` that does not allow and says which side lacked what: the first cause is the one
to mend, those behind it stand in the way as well. It is `policy_causes` that keeps the two sides apart:

INVARIANT (I9): a SENDER reads of the owner's policies the code and which of its own values mattered; an OWNER reads
of the sender's side who it was, From, Return-Path, action, time and address. No names, patterns or tags pass.
"""

from sesame.policy.reasons.case import NOTHING_MORE, Case, Setting, case_of
from sesame.policy.reasons.cause import Cause, Reader
from sesame.policy.reasons.denials import own_denial, owners_denial
from sesame.policy.reasons.derivation import Explanation
from sesame.policy.reasons.failures import failures, not_understood, with_slips
from sesame.policy.reasons.iam_lacks import iam_lacks
from sesame.policy.reasons.limits import limit_lacks
from sesame.policy.reasons.nearest import closest
from sesame.policy.reasons.sentence import is_named, unmet_limits
from sesame.policy.reasons.strangers import is_for
from sesame.policy.reasons.unnamed import nobody_named
from sesame.policy.request import Outcome, PolicyKind


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
    before = case.if_allowed if case.reader is Reader.OWNER else before
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
    near = closest(named, None if case.reader is Reader.SENDER else case.request)
    return tuple(with_slips(case, near, named, failures(case, near))) or (not_understood(case, near),)
