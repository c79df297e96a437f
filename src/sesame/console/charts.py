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

    A title begins with what the bar stands for, and a colon.
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
        first=bars[0][0].partition(":")[0] if bars else "",
        last=bars[-1][0].partition(":")[0] if bars else "",
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
