"""What one set of statements allows and another does not, as points of a search.

Statements are taken as boxes, equal ones once, and each combination of them is searched once in a call of the
analysis, for all candidates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sesame.policy.analysis.demands import OutsideFragment
from sesame.policy.analysis.index import Placed
from sesame.policy.analysis.search import Box, Point, Search
from sesame.policy.analysis.strings import BudgetExhausted, OutOfTime
from sesame.policy.language.document import Effect


@dataclass(frozen=True, slots=True)
class _Boxes:
    """The statements of one side that fit a question, as boxes; equal ones once."""

    allows: Mapping[Box, Placed]
    denies: tuple[Box, ...]


class Differences:
    """Finds points, and remembers what was found. A search is known by its identity: keep it as long as this."""

    def __init__(self) -> None:
        self._found: dict[object, tuple[Point, Placed] | None] = {}
        self._within: dict[object, bool] = {}
        self._boxed: dict[tuple[int, int], tuple[Sequence[Placed], _Boxes]] = {}

    def find(
        self, search: Search, wide: Sequence[Placed], narrow: Sequence[Placed] | None
    ) -> tuple[Point, Placed] | None:
        """A point that `wide` allows and `narrow` does not; asked once for each combination of boxes."""
        left = self._boxes_of(search, wide)
        right = None if narrow is None else self._boxes_of(search, narrow)
        question = (
            id(search),
            frozenset(left.allows),
            frozenset(left.denies),
            None if right is None else (frozenset(right.allows), frozenset(right.denies)),
        )
        if question not in self._found:
            self._found[question] = self._search(search, left, right)
        return self._found[question]

    def _boxes_of(self, search: Search, placed: Sequence[Placed]) -> _Boxes:
        """The boxes of some statements; an index gives one tuple for one set of them."""
        known = self._boxed.get((id(search), id(placed)))
        if known is None:
            known = self._boxed[id(search), id(placed)] = (
                placed,
                _boxes(search, placed),
            )  # kept, so its id stays its
        return known[1]

    def _search(self, search: Search, wide: _Boxes, narrow: _Boxes | None) -> tuple[Point, Placed] | None:
        """A point that `wide` allows and `narrow` does not, with the Allow it passes by.

        What both have decides nothing: an Allow of both matters where a Deny was lifted, a Deny of both never.
        """
        failed: Exception | None = None
        for box, placed in wide.allows.items():
            for inside, outside in _ways(box, wide, narrow):
                try:
                    if len(inside) == 1 and self._is_within(search, box, wide, narrow):
                        continue
                    point = search.find(inside, outside)
                except OutsideFragment as error:
                    failed = error
                    continue
                if point is not None:
                    return point, placed
        if failed is not None:
            raise failed
        return None

    def _is_within(self, search: Search, box: Box, wide: _Boxes, narrow: _Boxes | None) -> bool:
        """Whether an Allow that is new on the other side takes in the whole box: asked once for all candidates."""
        for other in () if narrow is None else narrow.allows:
            if other in wide.allows:
                continue
            question = id(search), "within", box, other
            if question not in self._within:
                try:
                    self._within[question] = search.find([box], [other]) is None
                except (OutsideFragment, BudgetExhausted) as error:
                    if isinstance(error, OutOfTime):
                        raise
                    self._within[question] = False
            if self._within[question]:
                return True
        return False

    def meet(self, search: Search, one: Placed, other: Placed) -> bool:
        """Whether a request may satisfy both statements; where that is not known, it may."""
        question = id(search), "meet", search.box(*one[1:]), search.box(*other[1:])
        if question not in self._found:
            try:
                point = search.find([search.box(*one[1:]), search.box(*other[1:])], [])
            except OutOfTime:
                raise
            except (OutsideFragment, BudgetExhausted):
                point = {}
            self._found[question] = None if point is None else (point, one)
        return self._found[question] is not None


def common_point(search: Search, one: Sequence[Placed], other: Sequence[Placed]) -> Point | None:
    """A point that both sets of statements allow."""
    left, right = _boxes(search, one), _boxes(search, other)
    for box in left.allows:
        for also in right.allows:
            point = search.find([box, also], [*left.denies, *right.denies])
            if point is not None:
                return point
    return None


def _boxes(search: Search, placed: Iterable[Placed]) -> _Boxes:
    allows: dict[Box, Placed] = {}
    denies: dict[Box, None] = {}
    for item in placed:
        _, policy, statement = item
        box = search.box(policy, statement)
        if statement.effect is Effect.DENY:
            denies[box] = None
        elif policy.is_understood:
            allows.setdefault(box, item)
    return _Boxes(allows, tuple(denies))


def _ways(box: Box, wide: _Boxes, narrow: _Boxes | None) -> Iterator[tuple[list[Box], list[Box]]]:
    """How a point in `box` can be allowed on one side only: no Allow of the other, or one of its Denies."""
    if narrow is None:
        yield [box], list(wide.denies)
        return
    if box not in narrow.allows:
        yield [box], [*wide.denies, *narrow.allows]
    for deny in narrow.denies:
        if deny not in wide.denies:
            yield [box, deny], list(wide.denies)
