"""What the instance did in each of the last 1,440 minutes, from its metrics: for pictures of a day, until it ends.

A minute is what the counters and histograms gained in it. The one that is running is shown as far as it has come.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.metrics import MetricWrapperBase

from sesame.errors import Unavailable
from sesame.metrics import Metrics
from sesame.observe import Clock

MINUTE_S = 60.0
MOST = 1_440

Buckets = Mapping[float, float]
"""How many observations a histogram has up to each bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some time, from `at` (Unix seconds): counts of recipients and attempts, durations as bounds in seconds."""

    at: float
    accepted: int
    refused: int
    """Sends."""
    delivered: int
    put_off: int
    failed: int
    """Attempts that ended for good without delivery."""
    waiting: int | None
    """Recipients in the queue at its end; None for the running minute, and where the store could not say."""
    accept: Buckets
    commit: Buckets

    def accept_s(self, part: float) -> float | None:
        """Accepting a message: the bound that this part of them stayed under."""
        return quantile_of(self.accept, part)

    def commit_s(self, part: float) -> float | None:
        """The same of a commit with its fsync."""
        return quantile_of(self.commit, part)


def buckets(metric: MetricWrapperBase) -> Buckets:
    """Observations of a histogram by bound, over all labels."""
    found: dict[float, float] = {}
    for family in metric.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                bound = float(sample.labels["le"])
                found[bound] = found.get(bound, 0.0) + sample.value
    return found


def quantile_of(found: Buckets, part: float) -> float | None:
    """The bound below which that part of the observations lies; None without any, inf beyond the last bound."""
    count = found.get(math.inf, 0.0)
    if not count:
        return None
    return min(bound for bound, seen in found.items() if seen >= part * count)


def total(metric: MetricWrapperBase, **labels: str) -> float:
    """The sum of a counter or gauge over the labels that are not named."""
    return sum(
        sample.value
        for family in metric.collect()
        for sample in family.samples
        if not sample.name.endswith(("_created", "_sum", "_bucket"))
        and all(sample.labels.get(name) == value for name, value in labels.items())
    )


class History:
    """Keeps the minutes. `depth` counts the recipients in the queue."""

    def __init__(self, metrics: Metrics, depth: Callable[[], Awaitable[int]], *, clock: Clock) -> None:
        self._metrics = metrics
        self._depth = depth
        self._clock = clock
        self._minutes: deque[Span] = deque(maxlen=MOST)
        self._began = clock.now()
        self._before = self._read()

    async def run(self) -> None:
        """Note each minute as it ends, for ever."""
        while True:
            await asyncio.sleep(MINUTE_S - self._clock.now() % MINUTE_S)
            await self.note()

    async def note(self) -> None:
        """The running minute ends here."""
        try:
            waiting = await self._depth()
        except Unavailable:
            waiting = None
        self._minutes.append(self._running(waiting))
        self._began, self._before = self._clock.now(), self._read()

    def spans(self, length_s: float, count: int) -> list[Span]:
        """The latest `count` spans of that length with the running one, oldest first, from the first minute kept."""
        minutes = [*self._minutes, self._running(None)]
        last = int(self._clock.now() // length_s)
        first = max(last - count + 1, int(minutes[0].at // length_s))
        return [
            _joined(number * length_s, [one for one in minutes if int(one.at // length_s) == number])
            for number in range(first, last + 1)
        ]

    def _running(self, waiting: int | None) -> Span:
        now = self._read()
        gained = [int(after - before) for after, before in zip(now[0], self._before[0], strict=True)]
        accept, commit = (
            {bound: seen - before.get(bound, 0.0) for bound, seen in after.items()}
            for after, before in zip(now[1], self._before[1], strict=True)
        )
        accepted, refused, delivered, put_off, failed = gained
        return Span(
            at=self._began,
            accepted=accepted,
            refused=refused,
            delivered=delivered,
            put_off=put_off,
            failed=failed,
            waiting=waiting,
            accept=accept,
            commit=commit,
        )

    def _read(self) -> tuple[Sequence[float], Sequence[Buckets]]:
        metrics = self._metrics
        counted = (
            total(metrics.messages, state="accepted"),
            total(metrics.decisions, decision="refused"),
            total(metrics.attempts, result="delivered"),
            total(metrics.attempts, result="transient"),
            total(metrics.attempts, result="permanent"),
        )
        return counted, (buckets(metrics.accept_duration), buckets(metrics.commit_duration))


def _joined(at: float, minutes: Sequence[Span]) -> Span:
    """Minutes as one span: sums, and the most that waited at the end of one."""
    waiting = [one.waiting for one in minutes if one.waiting is not None]
    return Span(
        at=at,
        accepted=sum(one.accepted for one in minutes),
        refused=sum(one.refused for one in minutes),
        delivered=sum(one.delivered for one in minutes),
        put_off=sum(one.put_off for one in minutes),
        failed=sum(one.failed for one in minutes),
        waiting=max(waiting, default=None),
        accept=_added([one.accept for one in minutes]),
        commit=_added([one.commit for one in minutes]),
    )


def _added(found: Sequence[Buckets]) -> Buckets:
    summed: dict[float, float] = {}
    for one in found:
        for bound, seen in one.items():
            summed[bound] = summed.get(bound, 0.0) + seen
    return summed
