"""The metric catalogue: every metric Sesame exposes, with its unit and its labels.

Declared here and nowhere else; `docs/reference/metrics.md` is made from it. No label holds an address, a
domain, an account or a message: those are in the log. A file of its own rather than part of `observe`,
since prometheus-client takes 80 ms to load and most commands need no metrics.
Source: Prometheus, "Metric and label naming".
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.samples import Sample

FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Bounds of what a client waits for."""
SLOW_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0)
"""Bounds of what another server takes its time for."""
AGE_S = (0.1, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 14_400.0, 50_400.0)
"""Bounds of how long mail waits."""
BATCH = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """One process's metrics, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of_the_doors()
        self._of_accepting()
        self._of_delivery()
        self._of_the_process()

    def _of_the_doors(self) -> None:
        self.api_requests = self._counter(
            "sesame_api_requests",
            "API calls answered, by service, operation and error code.",
            "service",
            "operation",
            "code",
        )
        self.api_request_duration = self._histogram(
            "sesame_http_request_duration_seconds",
            "Time from the complete request to its response.",
            FAST_S,
            "service",
        )
        self.smtp_messages = self._counter(
            "sesame_smtp_messages", "Messages answered after DATA by SMTP submission, by reply code.", "code"
        )
        self.smtp_logins_refused = self._counter(
            "sesame_smtp_logins_refused", "Failed AUTH attempts, by reason.", "reason"
        )
        self.connections = self._gauge("sesame_connections", "Open connections.", "door")
        self.connections_refused = self._counter(
            "sesame_connections_refused", "Connections refused, by door and reason.", "door", "reason"
        )

    def _of_accepting(self) -> None:
        self.decisions = self._counter(
            "sesame_authz_decisions", "Decisions about sends, by outcome and error code.", "decision", "code"
        )
        self.refusals_unlisted = self._counter(
            "sesame_refusals_unlisted",
            "Refused sends that an identity's owner finds by their request ids alone, as more came from one account"
            " than are listed in a minute.",
        )
        self.decide_duration = self._histogram(
            "sesame_authz_decision_duration_seconds", "Time to decide one send, including look-ups.", FAST_S
        )
        self.accept_duration = self._histogram(
            "sesame_accept_duration_seconds", "Time from a parsed request to the durable commit.", FAST_S
        )
        self.messages = self._counter(
            "sesame_messages",
            "Recipients by recorded state: accepted; then one of delivered, bounced, expired, suppressed and cancelled;"
            " after that possibly bounced_later (reported by mail, including auto-replies) and complained.",
            "state",
        )
        self.commit_duration = self._histogram(
            "sesame_commit_duration_seconds", "Time of one commit, including its fsync.", FAST_S
        )
        self.commit_batch = self._histogram(
            "sesame_commit_batch_size", "Number of transactions that shared a commit.", BATCH
        )

    def _of_delivery(self) -> None:
        self.queue_depth = self._gauge("sesame_queue_depth", "Recipients in the spool.", "state")
        self.queue_oldest_age = self._gauge(
            "sesame_queue_oldest_age_seconds", "Age of the oldest queued recipient."
        )
        self.queue_wait = self._histogram(
            "sesame_queue_wait_seconds", "Time from acceptance to the first delivery attempt.", AGE_S
        )
        self.attempts = self._counter(
            "sesame_delivery_attempts",
            "Delivery attempts, by result and class of the enhanced status code.",
            "result",
            "class",
        )
        self.attempt_duration = self._histogram(
            "sesame_delivery_duration_seconds", "Time of one delivery attempt.", SLOW_S
        )
        self.out_of_resources = self._counter(
            "sesame_out_of_resources",
            "Number of times delivery ran out of file descriptors or ports and paused.",
        )
        self.deliveries_open = self._gauge(
            "sesame_delivery_connections", "Idle connections to other servers, kept for the next message."
        )
        self.notifications = self._counter(
            "sesame_notifications",
            "Attempts to deliver a notification: delivered, retried (to be tried again) or dead (given up on).",
            "outcome",
        )
        self.notifications_waiting = self._gauge(
            "sesame_notifications_waiting", "Notifications waiting to be delivered."
        )

    def _of_the_process(self) -> None:
        self.disk_free = self._gauge(
            "sesame_disk_free_bytes", "Free disk space on the database's file system."
        )
        self.loop_lag = self._gauge(
            "sesame_event_loop_lag_seconds", "Delay with which the event loop ran its last timer."
        )

    def text(self) -> bytes:
        """All metrics in the text exposition format."""
        return generate_latest(self.registry)

    def catalogue(self) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
        """Each metric: name as exposed, type, labels, what it says."""
        for metric in vars(self).values():
            if isinstance(metric, MetricWrapperBase):
                described = next(iter(metric.describe()))
                suffix = "_total" if described.type == "counter" else ""
                labels: tuple[str, ...] = metric._labelnames
                yield f"{described.name}{suffix}", described.type, labels, described.documentation

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return _quick(_Counter(name, what, labels, registry=self.registry))

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return _quick(Gauge(name, what, labels, registry=self.registry))

    def _histogram(self, name: str, what: str, bounds: tuple[float, ...], *labels: str) -> Histogram:
        return _quick(_Histogram(name, what, labels, buckets=bounds, registry=self.registry))


class _Counter(Counter):
    """Counts without a lock, since each metric is counted by one thread; any may read it.

    A message is counted ten times, each of which would take a lock.
    """

    def _metric_init(self) -> None:
        super()._metric_init()
        self._many = 0.0

    def inc(self, amount: float = 1) -> None:  # type: ignore[override]
        self._many += amount

    def _child_samples(self) -> Iterable[Sample]:
        self._value.set(self._many)
        return super()._child_samples()


class _Histogram(Histogram):
    """As `_Counter`."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self._counts = [0] * len(self._upper_bounds)
        self._total = 0.0

    def observe(self, amount: float) -> None:  # type: ignore[override]
        self._counts[bisect_left(self._upper_bounds, amount)] += 1
        self._total += amount

    def _child_samples(self) -> Iterable[Sample]:
        self._sum.set(self._total)
        for bucket, count in zip(self._buckets, self._counts, strict=True):
            bucket.set(count)
        return super()._child_samples()


M = TypeVar("M", bound=MetricWrapperBase)
MOST_CHILDREN = 2_000


def _quick(metric: M) -> M:
    """Let a metric remember its children by their labels: it looks them up by text, under a lock, at each call."""
    if metric._labelnames:
        metric.labels = lru_cache(maxsize=MOST_CHILDREN)(metric.labels)  # type: ignore[method-assign]
    return metric
