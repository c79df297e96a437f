"""Answers about principals whose permissions boundary is not among the policies that were asked.

A boundary limits what an identity policy gives a role of the owner's account; and a Deny with a NotPrincipal hits
everybody who has one. Who is known to have one is not said to be able to send on the identity's policies alone.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from sesame.policy.analysis.answers import Answer, Permission, Verdict
from sesame.policy.analysis.inquiry import Named
from sesame.policy.language.document import Effect
from sesame.policy.request import Requester

REASON = "it has a permissions boundary, which may not allow this"


def within_boundaries(
    answers: Iterable[Answer], policies: Named, bounded: Collection[str]
) -> tuple[Answer, ...]:
    """The answers, UNKNOWN in place of YES where a boundary may say otherwise.

    `bounded` are the ARNs and unique ids of users and roles of the identity's account that have one.
    """
    spares = _spare_some(policies)
    return tuple(
        replace(answer, verdict=Verdict.UNKNOWN, witness=None, statement=None, reason=REASON)
        if _is_held(answer, bounded, spares=spares)
        else answer
        for answer in answers
    )


def permissions_within(
    permissions: Iterable[Permission], requester: Requester, policies: Named, bounded: Collection[str]
) -> tuple[Permission, ...]:
    """What one principal can send, without a witness where its boundary may say otherwise."""
    has_one = bool(_names(requester) & set(bounded))
    is_held = has_one and (requester.kind == "role" or _spare_some(policies))
    return tuple(replace(one, witness=None, reason=REASON) if is_held else one for one in permissions)


def _spare_some(policies: Named) -> bool:
    return any(
        statement.effect is Effect.DENY and statement.not_principals
        for _, policy in policies
        for statement in policy.statements
    )


def _is_held(answer: Answer, bounded: Collection[str], *, spares: bool) -> bool:
    """Whether the one principal that a YES is about has a boundary, and it counts for what the policies give it."""
    if answer.verdict is not Verdict.YES or answer.witness is None:
        return False
    requester = answer.witness.requester
    if not _names(requester) & set(bounded):
        return False
    is_named_itself = requester.kind == "user" or answer.who == requester.arn
    return spares or not is_named_itself


def _names(requester: Requester) -> set[str]:
    names = {requester.arn, requester.role_arn or "", requester.user_id.partition(":")[0]}
    return names - {""}
