"""The space of requests, one dimension a condition key, and what conditions cut out of it.

A literal is a condition of a statement with the truth it shall have. `Space.solve` answers for one
dimension whether some value (absent, one text, several) makes all its literals so, with the value.
Dimensions are independent of each other, which is what makes the box method exact; keys that say the
same thing twice (who the principal is) are refused as outside the exact fragment.

Ordered values (dates, numbers, addresses) are tried at every point where a condition can change its
mind; texts are searched for by `strings`. Every value found is checked against the evaluator.
"""

from collections.abc import Iterable, Mapping, Sequence

from sesame.policy.analysis.demands import Demand, Literal, Rule, demand_of, holds, refuse_inexact
from sesame.policy.analysis.points import points_of
from sesame.policy.analysis.strings import Atom, Budget, find_text
from sesame.policy.language.document import Effect
from sesame.policy.language.pattern import tokenize
from sesame.policy.language.vocabulary import Family, Quantifier, find_key
from sesame.policy.request import ContextValue

Literals = frozenset[int]
"""Literals of one dimension: twice a rule's number in its space, plus one if the rule shall hold."""

MOMENT = "aws:currenttime"
_SAME_DIMENSION = {"aws:epochtime": MOMENT}
USUAL = {
    "ses:fromaddress": "sender@example.com",
    "ses:feedbackaddress": "sender@example.com",
    "ses:recipients": "someone@example.org",
    "ses:apiversion": "2",
    "aws:sourceip": "192.0.2.1",
    "aws:securetransport": "true",
    MOMENT: "2030-01-01T00:00:00Z",
}
"""What every send carries, with a value to show when the policies leave the choice."""

SHAPES = {
    "ses:fromaddress": ("?*@?*.?*",),
    "ses:feedbackaddress": ("?*@?*.?*",),
    "ses:recipients": ("?*@?*.?*",),
    "ses:apiversion": ("1", "2"),
}


def dimension_of(key: str) -> str:
    """The dimension a key belongs to: its folded name, both times being one."""
    folded = key.lower()
    return _SAME_DIMENSION.get(folded, folded)


class Space:
    """Dimensions of requests to send; remembers what it solved.

    `limits` narrows a dimension to texts that match one of the patterns given, whatever the policies say;
    `settled` maps dimensions to the only value they have, None for a key that is never there.
    """

    def __init__(
        self,
        *,
        sending: bool,
        limits: Mapping[str, Sequence[str]],
        settled: Mapping[str, str | None],
        budget: Budget,
    ) -> None:
        self.budget = budget
        self._settled = settled
        self._sending = sending
        self._limits = {dimension_of(key): tuple(patterns) for key, patterns in limits.items()}
        self._rules: list[Rule] = []
        self._numbers: dict[Rule, int] = {}
        self._solved: dict[tuple[str, Literals], tuple[ContextValue | None] | None] = {}

    @property
    def expected(self) -> list[str]:
        """The dimensions of keys that every request carries: what all sends do, and what is limited."""
        usual = [key for key in USUAL if self._sending or not key.startswith("ses:")]
        return list(dict.fromkeys([*usual, *self._limits]))

    def number(self, rule: Rule) -> int:
        """The number of a rule; equal rules have the same."""
        number = self._numbers.setdefault(rule, len(self._rules))
        if number == len(self._rules):
            self._rules.append(rule)
        return number

    def solve(self, dimension: str, literals: Literals) -> tuple[ContextValue | None] | None:
        """A value (None: absent) that makes all literals so, in a tuple; None if there is none.

        Raises OutsideFragment, BudgetExhausted.
        """
        asked = dimension, literals
        if asked not in self._solved:
            wanted = [Literal(self._rules[item // 2], bool(item % 2)) for item in sorted(literals)]
            self._solved[asked] = self._solve(dimension, wanted)
        return self._solved[asked]

    def _solve(self, dimension: str, literals: Sequence[Literal]) -> tuple[ContextValue | None] | None:
        if dimension in self._settled:
            settled = self._settled[dimension]
            return (settled,) if all(holds(literal, settled) for literal in literals) else None
        refuse_inexact(dimension, [literal.rule for literal in literals])
        for value in self._candidates(dimension, literals):
            if all(holds(literal, value) for literal in literals):
                return (value,)
        return None

    def _candidates(self, dimension: str, literals: Sequence[Literal]) -> Iterable[ContextValue | None]:
        """Values such that, if any value will do, one of these does."""
        if dimension in USUAL and dimension not in self._limits:
            yield USUAL[dimension]
        families = {literal.rule.condition.operator.comparison.family for literal in literals}
        families -= {Family.NULL, Family.UNKNOWN}
        key = find_key(dimension)
        if not families and key is not None:
            families = {key.family}
        if families <= {Family.STRING, Family.ARN}:
            yield from self._texts(dimension, literals)
        else:
            limits = self._limits.get(dimension, ())
            values = [value for literal in literals for value in literal.rule.condition.values]
            yield from points_of(next(iter(families)), values, limits)
        if dimension not in self.expected:
            yield None

    def _texts(self, dimension: str, literals: Sequence[Literal]) -> Iterable[ContextValue]:
        shape = self._shape(dimension, literals)
        one = self._one_text(shape, literals)
        if one is not None:
            yield one
        if dimension not in SHAPES:
            yield ""
        key = find_key(dimension)
        if key is not None and key.is_list:
            several = self._several_texts(shape, literals)
            if several is not None:
                yield several

    def _shape(self, dimension: str, literals: Sequence[Literal]) -> list[list[Atom]]:
        """What every value of the dimension looks like, as groups of which one pattern matches."""
        patterns = [SHAPES.get(dimension, ("?*",))]
        if dimension in self._limits:
            patterns.append(self._limits[dimension])
        if any(item.rule.condition.operator.comparison.family is Family.ARN for item in literals):
            patterns.append(("?*:?*:?*:*:*:?*",))
        return [[Atom(tokenize(text, variables=False)) for text in group] for group in patterns]

    def _one_text(self, shape: Sequence[Sequence[Atom]], literals: Sequence[Literal]) -> str | None:
        demands = [(demand_of(literal), literal.wanted) for literal in literals]
        if any(demand.constant is not None and demand.constant is not wanted for demand, wanted in demands):
            return None
        live = [demand for demand, _ in demands if demand.constant is None]
        return self._find(shape, live)

    def _find(self, shape: Sequence[Sequence[Atom]], demands: Iterable[Demand]) -> str | None:
        groups: list[Sequence[Atom]] = list(shape)
        excluded: list[Atom] = []
        for demand in demands:
            if demand.matching:
                groups.append(demand.atoms)
            else:
                excluded += demand.atoms
        return find_text(groups, excluded, self.budget)

    def _several_texts(
        self, shape: Sequence[Sequence[Atom]], literals: Sequence[Literal]
    ) -> tuple[str, ...] | None:
        """Two texts or more: some demands are on all of them, each other one on some of them."""
        on_all: list[Demand] = []
        on_some: list[Demand] = []
        for literal in literals:
            demand = demand_of(literal)
            quantifier = literal.rule.condition.operator.quantifier
            is_plain_allow = quantifier is Quantifier.NONE and literal.rule.effect is Effect.ALLOW
            constant = False if is_plain_allow and demand.constant is None else demand.constant
            if constant is not None:
                if constant is not literal.wanted:
                    return None
                continue
            is_on_all = literal.wanted is (quantifier is Quantifier.FOR_ALL)
            (on_all if is_on_all else on_some).append(demand)
        found = [self._find(shape, [*on_all, *some]) for some in ([[demand] for demand in on_some] or [[]])]
        texts = tuple(dict.fromkeys(text for text in found if text is not None))
        if None in found:
            return None
        return texts if len(texts) > 1 else texts * 2
