"""Rows of the bench's table: what was measured, against which target."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `better` says which way the target lies; without a target the figure only informs."""

    name: str
    figure: float
    unit: str
    target: float | None = None
    better: str = "lower"

    @property
    def verdict(self) -> str:
        """`ok`, `MISSED`, or nothing without a target."""
        if self.target is None:
            return ""
        met = self.figure <= self.target if self.better == "lower" else self.figure >= self.target
        return "ok" if met else "MISSED"


def show(title: str, rows: Sequence[Row]) -> None:
    """Print one section of the table."""
    print(f"\n{title}")
    width = max(len(row.name) for row in rows)
    for row in rows:
        target = (
            "" if row.target is None else f"target {'<=' if row.better == 'lower' else '>='} {row.target:g}"
        )
        print(
            f"  {row.name.ljust(width)}  {row.figure:>12,.3f} {row.unit:<14} {target:<18} {row.verdict}".rstrip(),
            flush=True,
        )


def median(values: Sequence[float]) -> float:
    """The middle value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
