"""The instance as the operator sees it: is it well, what does it count, what was found when it was last examined."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sesame.admin.doctor import Finding, Level
from sesame.admin.own_records import CheckedRecord
from sesame.console.history import History
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
    history: History
    free_bytes: Callable[[], int]
    store_bytes: Callable[[], int]
    clock: Clock
    started_at: float
    last: Examination | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def turned_away(self) -> list[tuple[str, str, int]]:
        """Connections that were refused since the start: door, reason, how many."""
        found = [
            (sample.labels["door"], sample.labels["reason"], int(sample.value))
            for family in self.metrics.connections_refused.collect()
            for sample in family.samples
            if sample.name.endswith("_total") and sample.value
        ]
        return sorted(found, key=lambda one: -one[2])

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
