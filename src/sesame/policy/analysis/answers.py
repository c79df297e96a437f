"""What the exact questions have for an answer.

Values without behaviour but for their words. Statements are counted from 0, as everywhere in the library.
"""

from dataclasses import dataclass
from enum import Enum

from sesame.policy.language.document import Condition
from sesame.policy.language.values import read_date
from sesame.policy.language.vocabulary import Compare, Family, Quantifier, find_key
from sesame.policy.reasons.sentence import describe_condition
from sesame.policy.request import Request

_TIMES = ("aws:currenttime", "aws:epochtime")
_EARLIER = (Compare.LESS, Compare.LESS_EQUAL)


class Method(Enum):
    """How an answer was found."""

    EXACT = "exact"
    PROVER = "prover"


class Verdict(Enum):
    """What an exact question may have for an answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


Needs = tuple[Condition, ...]
"""Conditions that must all hold."""


def describe_needs(needs: Needs, *, now: float | None = None) -> tuple[str, ...]:
    """Each condition in words; with `now`, in Unix seconds, also whether its time has passed."""
    return tuple(describe_need(need, now=now) for need in needs)


def describe_need(need: Condition, *, now: float | None = None) -> str:
    """A condition in words, as `describe_needs` has it."""
    text = describe_condition(need.operator.text, need.key, need.values)
    if need.operator.if_exists and need.operator.quantifier is Quantifier.NONE:
        text = f"{text}, or absent"
    known = find_key(need.key)
    if known is not None and not known.is_sent:
        return f"{text}, which no request here carries"
    return f"{text}, which has passed" if now is not None and _has_passed(need, now) else text


def _has_passed(need: Condition, now: float) -> bool:
    """Whether a condition on the time of sending is never met again."""
    if need.key.lower() not in _TIMES or need.operator.comparison.compare not in _EARLIER:
        return False
    if need.operator.comparison.family not in (Family.DATE, Family.NUMERIC):
        return False
    moments = [read_date(value) for value in need.values]
    return all(moment is not None and moment < now * 1_000_000 for moment in moments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One principal and what was found out about it: a request that shows a yes, a reason for an unknown.

    `method` is PROVER when the solver was needed for it; a witness is confirmed by the evaluator all the same.
    """

    who: str
    verdict: Verdict
    witness: Request | None = None
    statement: tuple[str, int] | None = None
    """Policy name and number of the Allow that the witness passes by."""
    needs: Needs = ()
    """The conditions of that Allow: whoever sends otherwise needs another one."""
    unless: tuple[Needs, ...] = ()
    """Those of each Deny that can keep out what the Allow lets in: not all of any one may hold."""
    reason: str = ""
    method: Method = Method.EXACT
    is_asked: bool = True
    """Whether there was time to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a new set of policies allows that the old one did not, and the reverse, by principal.

    `asked` of `of` questions were asked before the deadline.
    """

    gained: tuple[Answer, ...]
    lost: tuple[Answer, ...]
    asked: int = 0
    of: int = 0

    @property
    def verdict(self) -> Verdict:
        """NO when both sets allow the same; YES when a witness shows a difference."""
        return joined_verdict((*self.gained, *self.lost))


def joined_verdict(answers: tuple[Answer, ...]) -> Verdict:
    """YES when one is, else UNKNOWN when one is."""
    verdicts = {answer.verdict for answer in answers}
    if Verdict.YES in verdicts:
        return Verdict.YES
    return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What one Allow lets a principal send: all of `when`, and not all of any one of `unless`, in words.

    `needs` and `denies` are the same as structure. Without a witness it is not known whether anything is left, and
    `reason` says why.
    """

    statement: tuple[str, int]
    needs: Needs
    denies: tuple[Needs, ...]
    witness: Request | None
    reason: str = ""
    method: Method = Method.EXACT

    @property
    def when(self) -> tuple[str, ...]:
        """What the request must be like, in words."""
        return describe_needs(self.needs)

    @property
    def unless(self) -> tuple[tuple[str, ...], ...]:
        """What it must not be like, in words."""
        return tuple(describe_needs(deny) for deny in self.denies)
