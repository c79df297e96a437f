"""Values of a policy against one value of a request, with three answers: yes, no, and None for "not understood".

It shares with the compiler what `evaluator` does, and nothing else.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache

from sesame.policy.language.document import Condition, Effect
from sesame.policy.language.forms import PatternKind, is_outlawed, read_pattern
from sesame.policy.language.globset import GlobSet
from sesame.policy.language.pattern import ArnPattern, Tokens, Wild, is_malformed, substitute
from sesame.policy.language.values import (
    read_address,
    read_bool,
    read_bytes,
    read_date,
    read_number,
    read_range,
)
from sesame.policy.language.vocabulary import Compare, Family
from sesame.policy.reasons.derivation import Answer
from sesame.policy.request import ContextValue

Comparable = int | Decimal


class Unresolved(Enum):
    """A policy value whose variable the request gives no single value for: it matches nothing."""

    VARIABLE = "unresolved"


class Patterns:
    """Texts of a policy with their variables filled in: what one value of the request is matched with."""

    def __init__(
        self,
        patterns: Sequence[Tokens],
        kind: PatternKind,
        variable: Callable[[str], ContextValue | None],
        *,
        folded: bool,
    ) -> None:
        self._folded = folded
        self._is_arn = kind is PatternKind.ARN
        self._exact: set[str] = set()
        self._arns: list[ArnPattern] = []
        self._others: list[Answer | Unresolved] = []
        globs: list[Tokens] = []
        for tokens in patterns:
            filled = substitute(tokens, variable)
            if is_malformed(tokens) or is_outlawed(tokens, kind):
                self._others.append(None)
            elif filled is None:
                self._others.append(Unresolved.VARIABLE)
            elif kind is PatternKind.EQUAL:
                self._exact.add(joined(filled).lower() if folded else joined(filled))
            elif kind is PatternKind.LIKE or filled == (Wild.ANY_RUN,):
                globs.append(filled)
            else:
                self._arns.append(ArnPattern(filled, crossing=kind is PatternKind.RESOURCE))
        self._globs = GlobSet(globs)

    def answers(self, value: str) -> list[Answer | Unresolved]:
        """Whether a value matches those that are understood, and what the others have to say."""
        text = value.lower() if self._folded else value
        found: Answer = text in self._exact or self._globs.matches(text)
        found = found or any(arn.matches(text) for arn in self._arns)
        if self._is_arn and not found and len(text.split(":")) < 6:
            found = None
        return [found, *self._others]


@lru_cache(maxsize=4_096)  # the analysis asks of the same again and again
def without_variables(values: tuple[str, ...], kind: PatternKind, *, folded: bool) -> Patterns:
    """The patterns of an element or condition that are the same for every request."""
    tokens = [read_pattern(value, kind, variables=False) for value in values]
    return Patterns(tokens, kind, lambda _: None, folded=folded)


def compare_values(condition: Condition, wanted: str, value: str) -> Answer:
    """One value of the policy against one of the request, as the operator without its negation."""
    comparison = condition.operator.comparison
    match comparison.family:
        case Family.NUMERIC:
            return _ordered(comparison.compare, read_number(value), read_number(wanted))
        case Family.DATE:
            return _ordered(comparison.compare, read_date(value), read_date(wanted))
        case Family.BOOL:
            return equals(read_bool(value), read_bool(wanted))
        case Family.BINARY:
            return equals(value.encode("utf-8", "surrogatepass"), read_bytes(wanted))
        case _:
            address, span = read_address(value), read_range(wanted)
            return None if address is None or span is None else span[0] <= address <= span[1]


def joined(tokens: Tokens) -> str:
    return "".join(token for token in tokens if isinstance(token, str))


def known(answer: Answer | Unresolved) -> Answer:
    return False if isinstance(answer, Unresolved) else answer


def any_of(answers: Iterable[Answer]) -> Answer:
    is_known = True
    for answer in answers:
        if answer:
            return True
        is_known = is_known and answer is not None
    return False if is_known else None


def negated(answer: Answer) -> Answer:
    return None if answer is None else not answer


def all_of(answers: Iterable[Answer]) -> Answer:
    return negated(any_of(map(negated, answers)))


def none_of(answers: Sequence[Answer | Unresolved], effect: Effect) -> Answer:
    """Whether no value matches. One that is unresolved does not, but must not so help to allow."""
    answer = negated(any_of(map(known, answers)))
    if answer and Unresolved.VARIABLE in answers and effect is Effect.ALLOW:
        return None
    return answer


def equals(seen: object, wanted: object) -> Answer:
    return None if seen is None or wanted is None else seen == wanted


def _ordered(compare: Compare, seen: Comparable | None, wanted: Comparable | None) -> Answer:
    if seen is None or wanted is None:
        return None
    match compare:
        case Compare.LESS:
            return seen < wanted
        case Compare.LESS_EQUAL:
            return seen <= wanted
        case Compare.GREATER:
            return seen > wanted
        case Compare.GREATER_EQUAL:
            return seen >= wanted
        case _:
            return seen == wanted
