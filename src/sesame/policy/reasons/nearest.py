"""Which of several Allows that do not match comes closest to a request: the one that a refusal is explained by.

First whether it is for the sender, then whether it is for the addresses of the message: to one that is for others,
adding this message would make it last beyond a date, or reach beyond a network, that was set for it elsewhere.
Both sides are told of the same one: what settles it does not depend on the order of the statements, and on the
request only by which conditions hold. How much a pattern is like an address chooses among those that fail in the same
conditions, for whoever may read them: to others the choice would tell hot from cold (I9).
"""

from collections.abc import Sequence

from sesame.policy.language.vocabulary import read_operator
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.key_slips import key_meant
from sesame.policy.reasons.strangers import says_who
from sesame.policy.request import Request

_ADDRESSES = {"ses:fromaddress", "ses:feedbackaddress"}
_WHICH = {*_ADDRESSES, "ses:fromdisplayname", "ses:recipients"}
"""Keys that say which messages a statement is for."""
_LAST = {"aws:sourceip": 1, "aws:multifactorauthpresent": 1, "aws:currenttime": 2, "aws:epochtime": 2}
"""Keys of guards that somebody set on purpose: of statements that are equally near, one without is told of."""

_Distance = tuple[int, int, int, int, bool, list[tuple[int, str, str]]]


def closest(steps: Sequence[StatementStep], request: Request | None) -> StatementStep:
    """The statement that comes closest to a request; without one, as whoever may not read the statements is told."""
    near = min(map(_distance, steps))
    those = [step for step in steps if _distance(step) == near]
    most = max((_likeness(step, request) for step in those), default=0) if request is not None else 0
    return min((one for one in those if request is None or _likeness(one, request) == most), key=_as_written)


def _distance(step: StatementStep) -> _Distance:
    """How far a statement is from matching, and in what; the least comes closest."""
    failed = [one for one in step.conditions if not one.answer]
    keys = sorted((_LAST.get(_key(step, one), 0), _key(step, one), _family(one)) for one in failed)
    is_for_it = any(one.answer and one.key.lower() in _WHICH for one in step.conditions)
    return (
        sum(not element.answer for element in step.elements),
        sum(_key(step, one) not in _WHICH and _is_of_whom(one) for one in failed),
        sum(_key(step, one) in _WHICH for one in failed),
        len(failed),
        not is_for_it,
        keys,
    )


def _is_of_whom(one: ConditionStep) -> bool:
    """Whether a condition says for whom a statement is: by name or account, not by a tag."""
    return "tag/" not in one.key.lower() and says_who(one)


def _key(step: StatementStep, one: ConditionStep) -> str:
    """The key of a condition as it was meant, in lower case; of an owner's as it stands there."""
    key = one.key.lower()
    return key if step.ref.kind == "identity" else (key_meant(key) or key).lower()


def _family(one: ConditionStep) -> str:
    return read_operator(one.operator).comparison.family.name


def _as_written(step: StatementStep) -> list[tuple[str, str, tuple[str, ...]]]:
    return sorted((one.key.lower(), one.operator, one.wanted) for one in step.conditions if not one.answer)


def _likeness(step: StatementStep, request: Request) -> int:
    """How many characters a pattern that failed has in common with an address, at both ends; 0 without one."""
    return max(
        (
            _in_common(text.lower(), seen.lower())
            for one in step.conditions
            if not one.answer and (key := _key(step, one)) in _ADDRESSES
            for seen in one.seen or _carried(request, key)
            if "@" in seen
            for text in one.filled or one.wanted
        ),
        default=0,
    )


def _carried(request: Request, key: str) -> tuple[str, ...]:
    found = next((value for name, value in request.context.items() if name.lower() == key), ())
    return (found,) if isinstance(found, str) else tuple(found)


def _in_common(one: str, other: str) -> int:
    front = _alike(one, other)
    return front + _alike(one[front:][::-1], other[front:][::-1])


def _alike(one: str, other: str) -> int:
    """How many characters are alike before the first that is not."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
