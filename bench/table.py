"""Rows of the bench's table: what was measured, against which target."""

import statistics
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

    @property
    def of_target(self) -> str:
        """The figure as a multiple of its target."""
        return "" if not self.target else f"{self.figure / self.target:.2f}x"


def show(title: str, rows: Sequence[Row]) -> None:
    """Print one section of the table: name, figure, unit, target, figure / target, verdict."""
    print(f"\n{title}")
    width = max(len(row.name) for row in rows)
    for row in rows:
        target = "" if row.target is None else f"{'<=' if row.better == 'lower' else '>='} {row.target:g}"
        print(
            f"  {row.name.ljust(width)}  {row.figure:>12,.3f} {row.unit:<12} {target:<12}"
            f" {row.of_target:>7}  {row.verdict}".rstrip(),
            flush=True,
        )


def median(values: Sequence[float]) -> float:
    """The middle value; of two in the middle the lower, so that it was really measured."""
    return statistics.median_low(values)
