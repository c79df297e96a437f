"""The space of requests, one dimension a condition key, and what conditions cut out of it.

A literal is a condition of a statement with the truth it shall have. `Space.solve` answers for one
dimension whether some value (absent, one text, several) makes all its literals so, with the value.
Dimensions are independent of each other, which is what makes the box method exact; keys that say the
same thing twice (who the principal is) are refused as outside the exact fragment.

Ordered values (dates, numbers, addresses) are tried at every point where a condition can change its
mind; texts are searched for by `strings`. Every value found is checked against the evaluator.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sesame.policy.analysis.strings import Atom, find_text
from sesame.policy.language.document import Condition, Effect, Policy
from sesame.policy.language.forms import PatternKind, is_outlawed, needs_variables, read_pattern
from sesame.policy.language.pattern import is_malformed, tokenize
from sesame.policy.language.values import read_bytes, read_date, read_number, read_range, write_address
from sesame.policy.language.vocabulary import Compare, Family, Quantifier, find_key
from sesame.policy.reasons.evaluator import condition_holds
from sesame.policy.request import ContextValue


class OutsideFragment(Exception):
    """A construct that the analysis is not exact about; the message names it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition where it stands: its policy's version and its statement's effect give it its meaning."""

    condition: Condition
    effect: Effect
    variables: bool
    policy: Policy = field(compare=False, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A rule and whether it shall hold."""

    rule: Rule
    wanted: bool


Literals = frozenset[int]
"""Literals of one dimension: twice a rule's number in its space, plus one if the rule shall hold."""

MOMENT = "aws:currenttime"
_SAME_DIMENSION = {"aws:epochtime": MOMENT}
_PRINCIPAL_KEYS = {
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
}
_USUAL = {
    "ses:fromaddress": "sender@example.com",
    "ses:feedbackaddress": "sender@example.com",
    "ses:recipients": "someone@example.org",
    "ses:apiversion": "2",
    "aws:sourceip": "192.0.2.1",
    "aws:securetransport": "true",
    MOMENT: "2030-01-01T00:00:00Z",
}
"""What every send carries, with a value to show when the policies leave the choice."""

_SHAPES = {
    "ses:fromaddress": ("?*@?*.?*",),
    "ses:feedbackaddress": ("?*@?*.?*",),
    "ses:recipients": ("?*@?*.?*",),
    "ses:apiversion": ("1", "2"),
}
_NICE_DATE = datetime(2030, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dimension_of(key: str) -> str:
    """The dimension a key belongs to: its folded name, both times being one."""
    folded = key.lower()
    return _SAME_DIMENSION.get(folded, folded)


class Space:
    """Dimensions of requests to send; remembers what it solved.

    `limits` narrows a dimension to texts that match one of the patterns given, whatever the policies say.
    """

    def __init__(self, *, sending: bool, limits: Mapping[str, Sequence[str]]) -> None:
        self._sending = sending
        self._limits = {dimension_of(key): tuple(patterns) for key, patterns in limits.items()}
        self._rules: list[Rule] = []
        self._numbers: dict[Rule, int] = {}
        self._solved: dict[tuple[str, Literals], tuple[ContextValue | None] | None] = {}

    @property
    def expected(self) -> list[str]:
        """The dimensions of keys that every request carries: what all sends do, and what is limited."""
        usual = [key for key in _USUAL if self._sending or not key.startswith("ses:")]
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
        refuse_inexact(dimension, [literal.rule for literal in literals])
        for value in self._candidates(dimension, literals):
            if all(_holds(literal, value) for literal in literals):
                return (value,)
        return None

    def _candidates(self, dimension: str, literals: Sequence[Literal]) -> Iterable[ContextValue | None]:
        """Values such that, if any value will do, one of these does."""
        if dimension in _USUAL and dimension not in self._limits:
            yield _USUAL[dimension]
        families = {literal.rule.condition.operator.comparison.family for literal in literals}
        families -= {Family.NULL, Family.UNKNOWN}
        key = find_key(dimension)
        if not families and key is not None:
            families = {key.family}
        if families <= {Family.STRING, Family.ARN}:
            yield from self._texts(dimension, literals)
        else:
            limits = self._limits.get(dimension, ())
            yield from _points(next(iter(families)), literals, limits)
        if dimension not in self.expected:
            yield None

    def _texts(self, dimension: str, literals: Sequence[Literal]) -> Iterable[ContextValue]:
        shape = self._shape(dimension, literals)
        one = _one_text(shape, literals)
        if one is not None:
            yield one
        if dimension not in _SHAPES:
            yield ""
        key = find_key(dimension)
        if key is not None and key.is_list:
            several = _several_texts(shape, literals)
            if several is not None:
                yield several

    def _shape(self, dimension: str, literals: Sequence[Literal]) -> list[list[Atom]]:
        """What every value of the dimension looks like, as groups of which one pattern matches."""
        patterns = [_SHAPES.get(dimension, ("?*",))]
        if dimension in self._limits:
            patterns.append(self._limits[dimension])
        if any(item.rule.condition.operator.comparison.family is Family.ARN for item in literals):
            patterns.append(("?*:?*:?*:*:*:?*",))
        return [[Atom(tokenize(text, variables=False)) for text in group] for group in patterns]


def refuse_inexact(dimension: str, rules: Sequence[Rule]) -> None:
    """Raise OutsideFragment for rules that the method is not exact about."""
    if dimension in _PRINCIPAL_KEYS and rules:
        raise OutsideFragment(f"a condition on {rules[0].condition.key}, which the principal determines")
    kinds = set()
    for rule in rules:
        condition = rule.condition
        family = condition.operator.comparison.family
        if family not in (Family.NULL, Family.UNKNOWN):
            kinds.add(Family.STRING if family is Family.ARN else family)
        if family in (Family.STRING, Family.ARN) and rule.variables:
            for value in condition.values:
                if needs_variables(tokenize(value, variables=True)):
                    raise OutsideFragment(f"the policy variable in `{value}`")
    key = find_key(dimension)
    if key is not None and key.is_list and kinds - {Family.STRING}:
        raise OutsideFragment(f"an operator that is not for texts on the list {rules[0].condition.key}")
    if len(kinds) > 1:
        raise OutsideFragment(f"operators of different kinds on {rules[0].condition.key}")


def _holds(literal: Literal, value: ContextValue | None) -> bool:
    rule = literal.rule
    return condition_holds(rule.policy, rule.effect, rule.condition, value) is literal.wanted


@dataclass(frozen=True, slots=True)
class _Demand:
    """What a literal asks of one text: to match one of the atoms, or none; or a constant."""

    atoms: tuple[Atom, ...]
    matching: bool
    constant: bool | None = None


def _demand(literal: Literal) -> _Demand:
    """The literal as a demand on a single text that is not empty."""
    rule, wanted = literal.rule, literal.wanted
    condition, comparison = rule.condition, rule.condition.operator.comparison
    if comparison.family in (Family.NULL, Family.UNKNOWN):
        return _Demand((), matching=True, constant=condition_holds(rule.policy, rule.effect, condition, "x"))
    kind = PatternKind.ARN if comparison.family is Family.ARN else PatternKind.LIKE
    if comparison.family is Family.STRING and comparison.compare is not Compare.LIKE:
        kind = PatternKind.EQUAL
    atoms: list[Atom] = []
    is_unknown = False
    for value in condition.values:
        tokens = read_pattern(value, kind, variables=rule.variables)
        if is_malformed(tokens) or is_outlawed(tokens, kind):
            is_unknown = True
        else:
            folded = comparison.compare is Compare.EQUAL_FOLDED
            atoms.append(Atom(tokens, is_arn=kind is PatternKind.ARN, is_folded=folded))
    negated, denies = comparison.negated, rule.effect is Effect.DENY
    if is_unknown and negated is not denies:
        return _Demand((), matching=True, constant=denies)
    return _Demand(tuple(atoms), matching=wanted is not negated)


def _one_text(shape: Sequence[Sequence[Atom]], literals: Sequence[Literal]) -> str | None:
    demands = [(_demand(literal), literal.wanted) for literal in literals]
    if any(demand.constant is not None and demand.constant is not wanted for demand, wanted in demands):
        return None
    live = [demand for demand, _ in demands if demand.constant is None]
    return _find(shape, live)


def _find(shape: Sequence[Sequence[Atom]], demands: Iterable[_Demand]) -> str | None:
    groups: list[Sequence[Atom]] = list(shape)
    excluded: list[Atom] = []
    for demand in demands:
        if demand.matching:
            groups.append(demand.atoms)
        else:
            excluded += demand.atoms
    return find_text(groups, excluded)


def _several_texts(shape: Sequence[Sequence[Atom]], literals: Sequence[Literal]) -> tuple[str, ...] | None:
    """Two texts or more: some demands are on all of them, each other one on some of them."""
    on_all: list[_Demand] = []
    on_some: list[_Demand] = []
    for literal in literals:
        demand = _demand(literal)
        quantifier = literal.rule.condition.operator.quantifier
        if literal.rule.condition.operator.comparison.family in (Family.NULL, Family.UNKNOWN):
            if demand.constant is not literal.wanted:
                return None
            continue
        if quantifier is Quantifier.NONE and literal.rule.effect is Effect.ALLOW:
            if literal.wanted:
                return None
            continue
        if demand.constant is not None:
            if demand.constant is not literal.wanted:
                return None
            continue
        is_on_all = literal.wanted is (quantifier is Quantifier.FOR_ALL)
        (on_all if is_on_all else on_some).append(demand)
    found = [_find(shape, [*on_all, *some]) for some in ([[demand] for demand in on_some] or [[]])]
    texts = tuple(dict.fromkeys(text for text in found if text is not None))
    if None in found:
        return None
    return texts if len(texts) > 1 else texts * 2


def _points(family: Family, literals: Sequence[Literal], limits: Sequence[str]) -> Iterable[str]:
    """The texts of an ordered dimension at which some condition can change its mind."""
    values = [
        value
        for literal in literals
        if literal.rule.condition.operator.comparison.family is family
        for value in literal.rule.condition.values
    ]
    match family:
        case Family.DATE:
            points = _date_points(values)
        case Family.NUMERIC:
            points = _number_points(values)
        case Family.IP:
            points = _address_points([*values, *limits])
        case Family.BOOL:
            points = ["true", "false"]
        case _:
            points = _byte_points(values)
    if not limits:
        return points
    if family is Family.IP:
        spans = [span for span in map(read_range, limits) if span is not None]
        return [p for p in points if any(_in_span(p, span) for span in spans)]
    return limits


def _in_span(address: str, span: tuple[int, int]) -> bool:
    read = read_range(address)
    return read is not None and span[0] <= read[0] <= span[1]


def _date_points(values: Iterable[str]) -> list[str]:
    nice = (_NICE_DATE - _EPOCH) // timedelta(microseconds=1)
    moments = {nice}
    for value in values:
        moment = read_date(value)
        if moment is not None:
            moments |= {moment - 1_000_000, moment - 1, moment, moment + 1, moment + 1_000_000}
    # Whole seconds first: they read better.
    ordered = sorted(moments, key=lambda moment: (moment != nice, moment % 1_000_000 != 0, moment))
    return [_write_date(moment) for moment in ordered if 0 <= moment < 253402300800_000000]


def _write_date(moment: int) -> str:
    text = (_EPOCH + timedelta(microseconds=moment)).isoformat()
    return text.replace("+00:00", "Z")


def _number_points(values: Iterable[str]) -> list[str]:
    bounds = sorted({number for number in map(read_number, values) if number is not None})
    if not bounds:
        return ["0"]
    between = [(low + high) / 2 for low, high in pairwise(bounds)]
    return [format(point, "f") for point in [*bounds, *between, bounds[0] - 1, bounds[-1] + 1]]


def _address_points(values: Iterable[str]) -> list[str]:
    points = {1 << 128 | 0x20010DB8 << 96, 0xC0000201}  # one of each family, from documentation ranges
    for value in values:
        span = read_range(value)
        if span is not None:
            points |= {span[0], span[1], span[0] - 1, span[1] + 1}
    inside = [p for p in points if 0 <= p < 1 << 32 or 1 << 128 <= p < 1 << 129]
    return [write_address(point) for point in sorted(inside)]


def _byte_points(values: Iterable[str]) -> list[str]:
    read = [data for data in map(read_bytes, values) if data is not None]
    return [*(data.decode("utf-8", "replace") for data in read), "other"]
