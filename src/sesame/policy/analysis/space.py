"""The space of requests, one dimension a condition key, and what conditions cut out of it.

A literal is a condition of a statement with the truth it shall have. `Space.solve` answers for one
dimension whether some value (absent, one text, several) makes all its literals so, with the value.
Dimensions are independent of each other, which is what makes the box method exact.

A relaxed space lets what it is not exact about be as any literal likes: what has no value there has none.
"""

from collections.abc import Mapping, Sequence

from sesame.policy.analysis.demands import Literal, OutsideFragment, Rule, holds, rule_of
from sesame.policy.analysis.dimensions import CLOSED, USUAL, as_key, folded
from sesame.policy.analysis.solving import Solver
from sesame.policy.analysis.strings import Budget
from sesame.policy.analysis.who import PRINCIPAL_KEYS, WHO, Who
from sesame.policy.language.document import Condition, Effect, Policy
from sesame.policy.language.pattern import Glob, tokenize
from sesame.policy.request import ContextValue

Literals = frozenset[int]
"""Literals of one dimension: twice a rule's number, plus one if the rule shall hold."""
Solved = tuple[ContextValue | None] | None
USER_ID = "aws:userid"


class Rules:
    """Numbers for rules, the same for equal ones; shared by all spaces of a call."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers: dict[Rule, int] = {}

    def number(self, rule: Rule) -> int:
        """The number of a rule; equal rules have the same."""
        number = self._numbers.setdefault(rule, len(self._rules))
        if number == len(self._rules):
            self._rules.append(rule)
        return number

    def literals(self, numbers: Literals) -> list[Literal]:
        """What the numbers stand for."""
        return [Literal(self._rules[item // 2], bool(item % 2)) for item in sorted(numbers)]


class Memory:
    """What a call has solved, for dimensions that mean the same in all its spaces of a kind."""

    def __init__(self) -> None:
        self.solved: dict[object, Solved] = {}


class Space:
    """Dimensions of requests to send; remembers what it solved.

    `limits` narrows a dimension to texts that match one of the patterns given, whatever the policies say;
    `who` is what is known of the principal, `settled` what is known besides: None for a key that is never there.
    """

    def __init__(
        self,
        *,
        sending: bool,
        limits: Mapping[str, Sequence[str]],
        who: Who,
        settled: Mapping[str, str | None],
        rules: Rules,
        memory: Memory,
        budget: Budget,
        relaxed: bool = False,
    ) -> None:
        self.budget = budget
        self.settled: dict[str, str | None] = {**dict(who.settled), **settled}
        self.who = who
        self.rules = rules
        self.memory = memory
        self._sending = sending
        self._relaxed = relaxed
        self._limits = {folded(key): tuple(patterns) for key, patterns in limits.items()}
        self._embedded = dict(who.embeddings)
        self._solved: dict[tuple[str, Literals], Solved] = {}
        self.expected = self._expected()

    def _expected(self) -> list[str]:
        """The dimensions of keys that every request carries: what all sends do, and what is limited."""
        usual = [key for key in USUAL if self._sending or not key.startswith("ses:")]
        open_who = [WHO] if self.who.shape else []
        open_who += [USER_ID] if self.who.id_shape and USER_ID not in self.settled else []
        settled = [key for key, value in self.settled.items() if value is not None]
        return list(dict.fromkeys([*usual, *self._limits, *self.who.present, *open_who, *settled]))

    def dimension_of(self, key: str) -> str:
        """The dimension a key belongs to."""
        name = folded(key)
        return WHO if name in self._embedded and name not in self.settled else name

    def place(self, policy: Policy, effect: Effect, condition: Condition) -> tuple[str, int]:
        """A condition as a rule: its dimension and its number."""
        rule = rule_of(policy, effect, condition, self.settled)
        return self.dimension_of(condition.key), self.rules.number(rule)

    def solve(self, dimension: str, literals: Literals) -> Solved:
        """A value (None: absent) that makes all literals so, in a tuple; None if there is none.

        Raises OutsideFragment, BudgetExhausted.
        """
        asked = dimension, literals
        if asked in self._solved:
            return self._solved[asked]
        is_own = dimension in (WHO, USER_ID) or dimension in self.settled
        shared = (self._sending, self._relaxed, dimension in self.who.present, dimension, literals)
        if not is_own and shared in self.memory.solved:
            found = self.memory.solved[shared]
        else:
            found = self._solve(dimension, self.rules.literals(literals))
            if not is_own:
                self.memory.solved[shared] = found
        self._solved[asked] = found
        return found

    def _solve(self, dimension: str, literals: Sequence[Literal]) -> Solved:
        if dimension in self.settled:
            return self._solve_settled(dimension, literals)
        opened = [literal for literal in literals if literal.rule.open_keys]
        if opened and not self._relaxed:
            text = next(value for value in opened[0].rule.condition.values if "${" in value)
            raise OutsideFragment(f"the policy variable in `{text}`")
        if dimension in PRINCIPAL_KEYS and dimension != USER_ID:
            return self._not_known(literals)
        if dimension == USER_ID and not self.who.id_shape:
            return self._not_known(literals)
        limits = self._limits.get(dimension, ())
        may_be_absent = dimension not in self.expected
        if dimension in CLOSED:
            values = [value for value in CLOSED[dimension] if _is_within(value, limits)]
            return _first([*values, *([None] if may_be_absent else [])], literals)
        solver = Solver(
            dimension=dimension,
            limits=limits,
            who=self.who,
            budget=self.budget,
            relaxed=self._relaxed,
            may_be_absent=may_be_absent,
        )
        return solver.solve(literals)

    def _solve_settled(self, dimension: str, literals: Sequence[Literal]) -> Solved:
        settled = self.settled[dimension]
        if dimension in self._limits and not (settled and _is_within(settled, self._limits[dimension])):
            return None
        exact = [literal for literal in literals if not literal.rule.open_keys]
        if len(exact) < len(literals) and not self._relaxed:
            [opened, *_] = [literal for literal in literals if literal.rule.open_keys]
            text = next(value for value in opened.rule.condition.values if "${" in value)
            raise OutsideFragment(f"the policy variable in `{text}`")
        return _first([settled], exact)

    def _not_known(self, literals: Sequence[Literal]) -> Solved:
        """A key of the principal that is neither settled nor open to the search."""
        if not literals:
            return (None,)
        if not self._relaxed:
            key = literals[0].rule.condition.key
            raise OutsideFragment(f"a condition on {key}, which the principal determines")
        return ("?",)


def _first(values: Sequence[ContextValue | None], literals: Sequence[Literal]) -> Solved:
    for value in values:
        if all(holds(literal, as_key(literal.rule.key, value)) for literal in literals):
            return (value,)
    return None


def _is_within(value: str, limits: Sequence[str]) -> bool:
    return not limits or any(Glob(tokenize(limit, variables=False)).matches(value) for limit in limits)
