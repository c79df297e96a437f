"""The instance as the operator sees it: is it well, what does it count, what was found when it was last examined."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.metrics import MetricWrapperBase

from sesame.admin.doctor import Finding, Level
from sesame.admin.own_records import CheckedRecord
from sesame.errors import Unavailable
from sesame.metrics import Metrics
from sesame.observe import Clock

LONGEST_S = 30.0
"""How long an examination may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found, and when."""

    at: float
    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        """How many findings are of that level."""
        return sum(finding.level is level for finding in self.findings)


@dataclass(slots=True, kw_only=True)
class Instance:
    """Looks at the process and what it rests on; keeps the last examination until the process ends."""

    problems: Callable[[], Awaitable[Mapping[str, str]]]
    """What keeps a send from being accepted, by part."""
    examine: Callable[[], Awaitable[Sequence[Finding]]]
    records: Callable[[], Awaitable[Sequence[CheckedRecord]]]
    """The operator's own DNS records."""
    metrics: Metrics
    free_bytes: Callable[[], int]
    store_bytes: Callable[[], int]
    clock: Clock
    started_at: float
    last: Examination | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> Examination:
        """Examine now: DNS, names, certificates, ports, clock, disk. Raises `Unavailable`."""
        async with self._turn:
            try:
                async with asyncio.timeout(LONGEST_S):
                    found = await self.examine()
            except TimeoutError:
                raise Unavailable(f"examining took longer than {LONGEST_S:.0f} s") from None
            self.last = Examination(at=self.clock.now(), findings=tuple(found))
            return self.last


def total(metric: MetricWrapperBase, **labels: str) -> float:
    """The sum of a counter or gauge over the labels that are not named."""
    return sum(
        sample.value
        for family in metric.collect()
        for sample in family.samples
        if not sample.name.endswith(("_created", "_sum", "_bucket"))
        and all(sample.labels.get(name) == value for name, value in labels.items())
    )


def quantile(metric: MetricWrapperBase, part: float) -> float | None:
    """The bound below which that part of a histogram's observations lies; None without any, inf beyond the last."""
    buckets: dict[float, float] = {}
    for family in metric.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                bound = float(sample.labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + sample.value
    count = buckets.get(math.inf, 0.0)
    if not count:
        return None
    return min(bound for bound, seen in buckets.items() if seen >= part * count)
