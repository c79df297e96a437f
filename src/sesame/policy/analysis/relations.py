"""How whole sets of policies stand to each other: what they never or always allow, and whether one is in another.

Each is an existence question put to `questions`, so each has a witness where the answer rests on one: of `never`,
`disjoint`, `implies` and `equivalent` a request that breaks it, by principal. About sends only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sesame.policy.analysis.answers import Answer, Verdict, joined_verdict
from sesame.policy.analysis.inquiry import Named
from sesame.policy.analysis.questions import both_allow, compare, never_late, who_can_send
from sesame.policy.language.document import parse_stored_identity_policy
from sesame.policy.language.vocabulary import SENDING_ACTIONS

_NO_LIMITS: Mapping[str, Sequence[str]] = {}
_EVERYBODY = """{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*",
"Resource": "*"}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Whether it holds; `against` are the principals that show that it does not, or of whom it is not known."""

    verdict: Verdict
    against: tuple[Answer, ...]


def _unless_any(answers: tuple[Answer, ...]) -> Relation:
    """Holds when none of the answers is a yes."""
    against = tuple(answer for answer in answers if answer.verdict is not Verdict.NO)
    turned = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES, Verdict.UNKNOWN: Verdict.UNKNOWN}
    return Relation(verdict=turned[joined_verdict(against)], against=against)


def never_allows(
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    is_late: Callable[[], bool] = never_late,
) -> Relation:
    """Whether nobody can send, within the limits."""
    return _unless_any(who_can_send(policies, identity_arn=identity_arn, limits=limits, is_late=is_late))


def always_allows(
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    is_late: Callable[[], bool] = never_late,
) -> Relation:
    """Whether everybody can send anything, within the limits."""
    everything = [("everything", parse_stored_identity_policy(_EVERYBODY))]
    return implies(everything, policies, identity_arn=identity_arn, limits=limits, is_late=is_late)


def implies(
    narrow: Named,
    wide: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    is_late: Callable[[], bool] = never_late,
) -> Relation:
    """Whether all that `narrow` allows is allowed by `wide`; `against` are requests that `narrow` alone allows."""
    found = compare(
        wide, narrow, identity_arn=identity_arn, limits=limits, actions=SENDING_ACTIONS, is_late=is_late
    )
    return _unless_any(found.gained)


def equivalent(
    one: Named,
    other: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    is_late: Callable[[], bool] = never_late,
) -> Relation:
    """Whether both allow the same."""
    found = compare(
        one, other, identity_arn=identity_arn, limits=limits, actions=SENDING_ACTIONS, is_late=is_late
    )
    return _unless_any((*found.gained, *found.lost))


def disjoint(
    one: Named,
    other: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    is_late: Callable[[], bool] = never_late,
) -> Relation:
    """Whether no request is allowed by both; `against` are requests that both allow."""
    return _unless_any(both_allow(one, other, identity_arn=identity_arn, limits=limits, is_late=is_late))
