"""Pictures as bars, drawn by the server: a bar a time or thing, a part of it set off, a title for each.

No script and no style of their own; a table with the same numbers stands by each picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

STEP, GAP, HIGH = 26, 6, 90
"""From bar to bar, between bars, and the height of the highest, in the picture's own units."""
MOST_BARS = 336


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: where it stands, how high it is, and the part of it that is set off at its foot."""

    title: str
    x: float
    width: float
    whole: float
    part: float
    over: float = 0
    """What stands on top of the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture; `label` says in words what it shows, `most` what its highest bar stands for."""

    label: str
    bars: tuple[Bar, ...]
    width: int
    most: int
    first: str
    last: str
    """What the bars at both ends stand for."""
    high: int = HIGH


def bars(label: str, values: Sequence[tuple[str, int, int]], *, width: int = 14 * STEP) -> Chart:
    """A bar for each title, number and part of the number, at most `MOST_BARS`.

    A title begins with what the bar stands for, a colon and a space.
    A number above zero is seen, however small; a part is never higher than its whole.
    """
    bars = values[:MOST_BARS]
    most = max((whole for _, whole, _ in bars), default=0)
    step = min(STEP, width / max(1, len(bars)))
    gap = min(GAP, step / 4)
    return Chart(
        label=label,
        bars=tuple(
            Bar(
                title=title,
                x=round(n * step, 2),
                width=round(step - gap, 2),
                whole=_height(whole, most),
                part=min(_height(whole, most), _height(part, most)),
            )
            for n, (title, whole, part) in enumerate(bars)
        ),
        width=width,
        most=most,
        first=bars[0][0].partition(": ")[0] if bars else "",
        last=bars[-1][0].partition(": ")[0] if bars else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChart:
    """Rates as bars against lines of limits."""

    label: str
    bars: tuple[Bar, ...]
    lines: tuple[tuple[str, float], ...]
    """Name and height of each limit."""
    width: int
    high: int = HIGH


def rates(
    label: str,
    values: Sequence[tuple[str, int, int]],
    limits: Sequence[tuple[str, float]],
    *,
    width: int = 14 * STEP,
) -> RateChart:
    """A bar for the rate of each title, part and whole; limits of 0 have no line.

    As high as half again of the highest limit, or the highest rate if that is more.
    """
    values, limits = values[:MOST_BARS], [one for one in limits if one[1]]
    shown = [part / whole if whole else 0.0 for _, part, whole in values]
    top = max([1.5 * max((limit for _, limit in limits), default=0.0), *shown, 0.001])
    step = width / max(1, len(values))
    return RateChart(
        label=label,
        bars=tuple(
            Bar(
                title=title,
                x=round(n * step, 2),
                width=round(step * 0.75, 2),
                whole=max(1.0, round(HIGH * rate / top, 1)) if rate else 0,
                part=0,
            )
            for n, ((title, _, _), rate) in enumerate(zip(values, shown, strict=True))
        ),
        lines=tuple((name, round(HIGH * limit / top, 1)) for name, limit in limits),
        width=width,
    )


def stacked(label: str, values: Sequence[tuple[str, int, int, int]], *, width: int = 28 * STEP) -> Chart:
    """The same with a third number, which stands on top: title, number, part of the number, what is over it."""
    found = bars(label, [(title, whole + over, 0) for title, whole, _, over in values], width=width)
    return replace(
        found,
        bars=tuple(
            replace(
                bar,
                whole=_height(whole, found.most),
                part=min(_height(whole, found.most), _height(part, found.most)),
                over=_height(over, found.most),
            )
            for bar, (_, whole, part, over) in zip(found.bars, values, strict=False)
        ),
        high=HIGH + 1,  # two parts that are seen however small they are may be one higher than their sum
    )


def _height(number: int, most: int) -> float:
    return max(1, round(HIGH * number / most)) if number > 0 and most else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A name at its height; `title` is all of it where it is cut, else empty."""

    name: str
    title: str
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line from a name on the left to one on the right, by their heights; `weight` is its width."""

    title: str
    left: int
    right: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Names on two sides, and lines between them."""

    label: str
    left: tuple[Node, ...]
    right: tuple[Node, ...]
    edges: tuple[Edge, ...]
    height: int


LINE_HIGH, MOST_EDGES, MOST_NAME, WIDEST = 22, 30, 40, 6.0


def graph(label: str, edges: Sequence[tuple[str, str, int, str]]) -> Graph:
    """Lines from left to right, each with its number and title: those with the most, the more the wider."""
    edges = sorted(edges, key=lambda edge: -edge[2])[:MOST_EDGES]
    most = max((number for _, _, number, _ in edges), default=0)
    sides = [list(dict.fromkeys(names)) for names in ([one[0] for one in edges], [one[1] for one in edges])]
    longest = max(map(len, sides))
    heights: list[dict[str, int]] = []
    for names in sides:
        step = LINE_HIGH * longest / max(1, len(names))
        heights.append({name: round(step * (at + 0.5)) for at, name in enumerate(names)})
    left, right = (
        tuple(
            Node(
                name=name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…",
                title=name if len(name) > MOST_NAME else "",
                y=y,
            )
            for name, y in side.items()
        )
        for side in heights
    )
    return Graph(
        label=label,
        left=left,
        right=right,
        edges=tuple(
            Edge(
                title=title,
                left=heights[0][one],
                right=heights[1][other],
                weight=max(1.0, round(WIDEST * number / most, 1)) if most else 1.0,
            )
            for one, other, number, title in edges
        ),
        height=LINE_HIGH * longest,
    )
