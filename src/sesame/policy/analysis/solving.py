"""One dimension solved: a value that makes some literals so and others not.

Ordered values (dates, numbers, addresses) are tried at every point where a condition can change its
mind; texts are searched for by `strings`. Every value found is checked against the evaluator.
"""

from collections.abc import Iterable, Mapping, Sequence

from sesame.policy.analysis.demands import (
    TEXT_FAMILIES,
    Demand,
    Literal,
    OutsideFragment,
    demand_of,
    holds,
)
from sesame.policy.analysis.dimensions import (
    MOMENT,
    NATURAL,
    USUAL,
    arn_shape,
    as_key,
    is_possible,
    may_be_empty,
    shape_of,
)
from sesame.policy.analysis.points import LAST, points_of, write_date
from sesame.policy.analysis.strings import Atom, Budget, find_text
from sesame.policy.analysis.who import WHO, Embedding, Who
from sesame.policy.language.document import Effect
from sesame.policy.language.pattern import Wild, tokenize
from sesame.policy.language.values import read_number
from sesame.policy.language.vocabulary import ADDRESS_KEYS, Family, Quantifier, find_key
from sesame.policy.request import ContextValue

USER_ID = "aws:userid"
_FILLINGS = ("", "0", "1", "0.0.1", "0.1", "-01-01T00:00:00Z", "01-01T00:00:00Z", "01T00:00:00Z", "00:00:00Z")
"""What a star may stand for in a text that must be an address or a date."""
Solved = tuple[ContextValue | None] | None


class Solver:
    """The values of one dimension; `may_be_absent` when a request need not carry the key."""

    def __init__(
        self,
        *,
        dimension: str,
        limits: Sequence[str],
        who: Who,
        budget: Budget,
        relaxed: bool,
        may_be_absent: bool,
    ) -> None:
        self._dimension = dimension
        self._limits = limits
        self._who = who
        self._places: Mapping[str, Embedding] = dict(who.embeddings) if dimension == WHO else {}
        self._budget = budget
        self._relaxed = relaxed
        self._may_be_absent = may_be_absent
        key = find_key(dimension)
        self._is_list = key is not None and key.is_list and dimension != WHO

    def solve(self, literals: Sequence[Literal]) -> Solved:
        """A value in a tuple, None for an absent key; None when there is none. Raises OutsideFragment."""
        exact = [literal for literal in literals if not literal.rule.open_keys]
        if self._relaxed and len(exact) < len(literals):
            return self._solve_relaxed(literals, exact)
        return self._solve_exact(literals)

    def _solve_relaxed(self, literals: Sequence[Literal], exact: Sequence[Literal]) -> Solved:
        """With patterns that hold open variables standing for more than they match."""
        if self._may_be_absent and all(holds(item, None) for item in literals):
            return (None,)
        if self._solve_exact(exact) is None:
            return None
        if self._dimension in NATURAL:
            return ("?",)
        found = self._one_text(literals) or (self._is_list and self._several_texts(literals))
        return ("?",) if found or may_be_empty(self._dimension) else None

    def _solve_exact(self, literals: Sequence[Literal]) -> Solved:
        families = {literal.rule.condition.operator.comparison.family for literal in literals}
        families -= {Family.NULL, Family.UNKNOWN}
        kinds = {Family.STRING if family in TEXT_FAMILIES else family for family in families}
        is_exact = True
        values: Iterable[ContextValue]
        if self._dimension in NATURAL:
            values, is_exact = self._natural_values(kinds, literals)
        elif kinds <= {Family.STRING} or self._is_text_anyway(kinds):
            values = self._texts(literals)
        elif len(kinds) == 1 and not self._is_list:
            values = [*self._points(next(iter(kinds)), literals), "x"]
        else:
            values, is_exact = [*self._guesses(kinds, literals)], False
        if self._dimension in USUAL and not self._limits:
            values = [USUAL[self._dimension], *values] if self._dimension not in ADDRESS_KEYS else values
        for value in self._with_usual(values):
            if all(holds(literal, self._seen(literal, value)) for literal in literals):
                return (value,)
        if self._may_be_absent and all(holds(literal, None) for literal in literals):
            return (None,)
        if is_exact or self._is_none_by_kind(literals):
            return None
        if self._relaxed:
            return ("?",)
        key = literals[0].rule.condition.key
        what = (
            "an operator that is not for texts on the list"
            if self._is_list
            else "operators of different kinds on"
        )
        raise OutsideFragment(f"{what} {key}")

    def _with_usual(self, values: Iterable[ContextValue]) -> Iterable[ContextValue]:
        if self._dimension in ADDRESS_KEYS and not self._limits:
            yield USUAL[self._dimension]
        yield from values

    def _seen(self, literal: Literal, value: ContextValue) -> ContextValue | None:
        """The value of the literal's key in a value of the dimension."""
        if self._dimension == WHO and isinstance(value, str):
            return self._who.value_of(literal.rule.key, value)
        return as_key(literal.rule.key, value)

    def _is_text_anyway(self, kinds: set[Family]) -> bool:
        """Whether no value of the dimension reads as a number, date, address or boolean."""
        return self._dimension in (*ADDRESS_KEYS, WHO, USER_ID) or kinds <= {Family.STRING, Family.BINARY}

    def _is_none_by_kind(self, literals: Sequence[Literal]) -> bool:
        """Whether the literals of one kind alone, whatever the values are like, have no value in common."""
        texts = [
            literal
            for literal in literals
            if literal.rule.condition.operator.comparison.family in TEXT_FAMILIES
        ]
        if self._is_list or not texts:
            return False
        if self._one_text(texts) is not None:
            return False
        return not (may_be_empty(self._dimension) and all(holds(item, "") for item in texts))

    def _natural_values(
        self, kinds: set[Family], literals: Sequence[Literal]
    ) -> tuple[list[ContextValue], bool]:
        """Values of a key that holds one kind, and whether these are all that matter."""
        natural = NATURAL[self._dimension]
        points: list[ContextValue] = [*self._points(natural, literals)]
        alike = {natural, Family.NUMERIC} if self._dimension == MOMENT else {natural}
        if kinds <= alike or not kinds & {Family.STRING, Family.BINARY}:
            # What compares with another kind cannot read such a value, which is the same for all of them.
            return points, True
        guesses = [text for text in self._guesses(kinds, literals) if is_possible(self._dimension, str(text))]
        return [*points, *guesses], False

    def _points(self, family: Family, literals: Sequence[Literal]) -> list[str]:
        values = [
            value
            for literal in literals
            for value in (_moments(literal) if family is Family.DATE else literal.rule.condition.values)
        ]
        return list(points_of(family, values, self._limits))

    def _guesses(self, kinds: set[Family], literals: Sequence[Literal]) -> list[ContextValue]:
        """Values worth trying where there is no method: the literals' own, and points of each kind."""
        found: list[ContextValue] = [
            point
            for kind in sorted(kinds - {Family.STRING}, key=str)
            for point in self._points(kind, literals)
        ]
        for literal in literals:
            if literal.rule.condition.operator.comparison.family not in TEXT_FAMILIES:
                continue
            for value in literal.rule.condition.values:
                tokens = tokenize(value, variables=literal.rule.variables)
                for filling in _FILLINGS if any(isinstance(token, Wild) for token in tokens) else ("",):
                    found.append("".join(filling if isinstance(t, Wild) else str(t) for t in tokens))
        one = self._one_text([item for item in literals if _is_textual(item)])
        return list(dict.fromkeys([*found, *([one] if one is not None else []), "x", ""]))

    # --- texts ---------------------------------------------------------------------------------

    def _texts(self, literals: Sequence[Literal]) -> Iterable[ContextValue]:
        one = self._one_text(literals)
        if one is not None:
            yield one
        is_open = all(not limit.strip("*") for limit in self._limits)
        if is_open and may_be_empty(self._dimension) and self._dimension not in (WHO, USER_ID):
            yield ""
        if self._is_list:
            several = self._several_texts(literals)
            if several is not None:
                yield several

    def _shape(self) -> tuple[list[Sequence[Atom]], list[Atom]]:
        """What every value of the dimension looks like, as groups of which one pattern matches, and what none is."""
        if self._dimension == WHO:
            groups, excluded = [self._who.shape], list(self._who.excluded)
        elif self._dimension == USER_ID:
            groups, excluded = [self._who.id_shape], list(self._who.id_excluded)
        else:
            groups, excluded = [shape_of(self._dimension)], []
        if self._limits:
            groups.append(tuple(Atom(tokenize(limit, variables=False)) for limit in self._limits))
        return [*groups], excluded

    def _one_text(self, literals: Sequence[Literal]) -> str | None:
        arns = any(item.rule.condition.operator.comparison.family is Family.ARN for item in literals)
        if self._dimension == WHO:
            # Whether the value has six parts depends on the key: a name has not, an ARN has.
            return self._text_of(literals, is_arn=None)
        if not arns:
            return self._text_of(literals, is_arn=None)
        found = self._text_of(literals, is_arn=True)
        return found if found is not None else self._text_of(literals, is_arn=False)

    def _text_of(self, literals: Sequence[Literal], *, is_arn: bool | None) -> str | None:
        groups, excluded = self._shape()
        if is_arn is True:
            groups.append([arn_shape()])
        elif is_arn is False:
            excluded.append(arn_shape())
        demands: list[Demand] = []
        for literal in literals:
            demand = self._demand(literal, is_arn=is_arn)
            if demand.constant is None:
                demands.append(demand)
            elif demand.constant is not literal.wanted:
                return None
        return self._find(groups, excluded, demands)

    def _demand(self, literal: Literal, *, is_arn: bool | None) -> Demand:
        key = literal.rule.key
        parts = is_arn is not False
        if self._dimension == WHO:
            parts = key == "aws:principalarn" and self._who.kind != "service"
        return demand_of(literal, self._places.get(key), is_arn=parts)

    def _find(
        self, shape: Sequence[Sequence[Atom]], barred: Sequence[Atom], demands: Iterable[Demand]
    ) -> str | None:
        groups: list[Sequence[Atom]] = list(shape)
        excluded = list(barred)
        for demand in demands:
            if demand.matching:
                groups.append(demand.atoms)
            else:
                excluded += demand.atoms
        return find_text(groups, excluded, self._budget)

    def _several_texts(self, literals: Sequence[Literal]) -> tuple[str, ...] | None:
        """Two texts or more: some demands are on all of them, each other one on some of them."""
        arns = any(item.rule.condition.operator.comparison.family is Family.ARN for item in literals)
        if arns and not self._relaxed:
            raise OutsideFragment(f"an operator for ARNs on the list {literals[0].rule.condition.key}")
        groups, excluded = self._shape()
        on_all: list[Demand] = []
        on_some: list[Demand] = []
        for literal in literals:
            demand = self._demand(literal, is_arn=None)
            quantifier = literal.rule.condition.operator.quantifier
            is_plain_allow = quantifier is Quantifier.NONE and literal.rule.effect is Effect.ALLOW
            constant = demand.constant
            if is_plain_allow and not _is_of_presence(literal):
                constant = False
            if constant is not None:
                if constant is not literal.wanted:
                    return None
                continue
            is_on_all = literal.wanted is (quantifier is Quantifier.FOR_ALL)
            (on_all if is_on_all else on_some).append(demand)
        found = [
            self._find(groups, excluded, [*on_all, *some])
            for some in ([[demand] for demand in on_some] or [[]])
        ]
        texts = tuple(dict.fromkeys(text for text in found if text is not None))
        if None in found:
            return None
        return texts if len(texts) > 1 else texts * 2


def _moments(literal: Literal) -> list[str]:
    """The values of a literal as dates: numbers are compared with seconds since 1970."""
    values = list(literal.rule.condition.values)
    if literal.rule.condition.operator.comparison.family is not Family.NUMERIC:
        return values
    numbers = [number for number in map(read_number, values) if number is not None]
    return [write_date(int(number * 1_000_000)) for number in numbers if 0 <= number < LAST // 1_000_000]


def _is_textual(literal: Literal) -> bool:
    return literal.rule.condition.operator.comparison.family in TEXT_FAMILIES


def _is_of_presence(literal: Literal) -> bool:
    return literal.rule.condition.operator.comparison.family in (Family.NULL, Family.UNKNOWN)
