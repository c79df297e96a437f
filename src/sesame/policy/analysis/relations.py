"""How whole sets of policies stand to each other: what they never or always allow, and whether one is in another.

Each is an existence question put to `questions`, so each has a witness where the answer rests on one: of `never`,
`disjoint`, `implies` and `equivalent` a request that breaks it, by principal. About sends only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, Required, TypedDict, Unpack

from sesame.policy.analysis.answers import Answer, Verdict, joined_verdict
from sesame.policy.analysis.inquiry import Named
from sesame.policy.analysis.questions import both_allow, compare, who_can_send
from sesame.policy.language.document import parse_stored_identity_policy
from sesame.policy.language.vocabulary import SENDING_ACTIONS

_EVERYBODY = """{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*",
"Resource": "*"}}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Whether it holds; `against` are the principals that show that it does not, or of whom it is not known."""

    verdict: Verdict
    against: tuple[Answer, ...]


class Within(TypedDict):
    """What bounds a question: sends as one identity, requests with these values for keys, and time."""

    identity_arn: Required[str]
    limits: NotRequired[Mapping[str, Sequence[str]]]
    is_late: NotRequired[Callable[[], bool]]


def _unless_any(answers: tuple[Answer, ...]) -> Relation:
    """Holds when none of the answers is a yes."""
    against = tuple(answer for answer in answers if answer.verdict is not Verdict.NO)
    turned = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES, Verdict.UNKNOWN: Verdict.UNKNOWN}
    return Relation(verdict=turned[joined_verdict(against)], against=against)


def never_allows(
    policies: Named,
    **within: Unpack[Within],
) -> Relation:
    """Whether nobody can send, within the limits."""
    return _unless_any(who_can_send(policies, **within))


def always_allows(
    policies: Named,
    **within: Unpack[Within],
) -> Relation:
    """Whether everybody can send anything, within the limits."""
    everything = [("everything", parse_stored_identity_policy(_EVERYBODY))]
    return implies(everything, policies, **within)


def implies(
    narrow: Named,
    wide: Named,
    **within: Unpack[Within],
) -> Relation:
    """Whether all that `narrow` allows is allowed by `wide`; `against` are requests that `narrow` alone allows."""
    found = compare(wide, narrow, actions=SENDING_ACTIONS, **within)
    return _unless_any(found.gained)


def equivalent(
    one: Named,
    other: Named,
    **within: Unpack[Within],
) -> Relation:
    """Whether both allow the same."""
    found = compare(one, other, actions=SENDING_ACTIONS, **within)
    return _unless_any((*found.gained, *found.lost))


def disjoint(
    one: Named,
    other: Named,
    **within: Unpack[Within],
) -> Relation:
    """Whether no request is allowed by both; `against` are requests that both allow."""
    return _unless_any(both_allow(one, other, **within))
