"""Box subtraction: a request that some statements match and others do not.

A statement that fits a principal and an action is a box: the conjunction of its conditions, each in
one dimension. To find a point in one box outside others, take the other box that leaves the fewest
ways out, try each of its conditions as the one that fails, and go on with the rest. Exact because a
box is empty exactly if one of its dimensions is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sesame.policy.analysis.space import Literals, Space
from sesame.policy.language.document import Effect, Policy, Statement
from sesame.policy.request import ContextValue

_NODE_COST = 5
"""What a partial solution costs, in states of `strings.Budget`."""

Place = tuple[str, int]
"""A rule by its dimension and its number in the space."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A statement's conditions; `always` is a Deny of an unknown version, which nothing escapes.

    Of one search there is one box for all statements that say the same: boxes are compared as objects.
    """

    rules: tuple[Place, ...]
    always: bool = False


Point = dict[str, ContextValue | None]
"""A value for each dimension that matters; None is an absent key."""

_State = Mapping[str, Literals]
_NONE: Literals = frozenset()


class Search:
    """Questions about one space, which remembers what was solved and pays for it."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._boxes: dict[int, tuple[Statement, Box]] = {}
        self._by_rules: dict[tuple[tuple[Place, ...], bool], Box] = {}

    def box(self, policy: Policy, statement: Statement) -> Box:
        """The box of a statement."""
        if not policy.is_understood:
            return self._one((), always=statement.effect is Effect.DENY)
        known = self._boxes.get(id(statement))
        if known is None:
            places = [
                self._space.place(policy, statement.effect, condition) for condition in statement.conditions
            ]
            known = self._boxes[id(statement)] = statement, self._one(tuple(places))
        return known[1]

    def _one(self, rules: tuple[Place, ...], *, always: bool = False) -> Box:
        return self._by_rules.setdefault((rules, always), Box(rules, always=always))

    def find(self, inside: Iterable[Box], outside: Iterable[Box]) -> Point | None:
        """A point in all boxes of `inside` and in none of `outside`; None if there is none.

        Raises OutsideFragment, BudgetExhausted.
        """
        wanted = {place for box in inside for place in box.rules}
        around = list(dict.fromkeys(outside))
        if any(wanted.issuperset(box.rules) for box in around):
            return None
        state: dict[str, Literals] = dict.fromkeys(self._space.expected, _NONE)
        for dimension, number in sorted(wanted):
            state[dimension] = state.get(dimension, _NONE) | {2 * number + 1}
        if any(self._space.solve(dimension, literals) is None for dimension, literals in state.items()):
            return None
        return self._escape(state, around)

    def _escape(self, state: _State, boxes: Sequence[Box]) -> Point | None:
        self._space.budget.spend(_NODE_COST)
        ways: list[tuple[list[Place], Box]] = []
        for box in boxes:
            if self._is_outside(state, box):
                continue
            options = [place for place in box.rules if self._may_fail(state, place)]
            if not options:
                return None
            ways.append((options, box))
        if not ways:
            return self._point(state)
        options, chosen = min(ways, key=lambda way: len(way[0]))
        rest = [box for _, box in ways if box is not chosen]
        for dimension, number in options:
            following = {**state, dimension: state.get(dimension, _NONE) | {2 * number}}
            point = self._escape(following, rest)
            if point is not None:
                return point
        return None

    def _is_outside(self, state: _State, box: Box) -> bool:
        """Whether no point of the state is in the box: in some dimension they do not meet."""
        joined: dict[str, Literals] = {}
        for dimension, number in box.rules:
            joined[dimension] = joined.get(dimension, state.get(dimension, _NONE)) | {2 * number + 1}
        return any(self._space.solve(dimension, literals) is None for dimension, literals in joined.items())

    def _may_fail(self, state: _State, place: Place) -> bool:
        dimension, number = place
        return self._space.solve(dimension, state.get(dimension, _NONE) | {2 * number}) is not None

    def _point(self, state: _State) -> Point:
        point: Point = {}
        for dimension, literals in state.items():
            solved = self._space.solve(dimension, literals)
            point[dimension] = solved[0] if solved is not None else None
        return point
