"""Pictures of the instance: what its metrics gained in each minute of the last day."""

import asyncio
import math

from sesame.console.history import MOST, History, buckets, quantile_of
from sesame.errors import Unavailable
from sesame.metrics import Metrics
from tests.support.browser import operator, words
from tests.support.clock import FakeClock
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant

START = 1_795_953_600.0


class Depths:
    """What waits, one number a question."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = list(numbers)

    async def __call__(self) -> int:
        if not self._numbers:
            raise Unavailable("the store is away")
        return self._numbers.pop(0)


def test_minutes_are_what_was_gained_in_them_and_join_to_spans() -> None:
    metrics, clock = Metrics(), FakeClock(START)
    metrics.messages.labels("accepted").inc(100)  # before it began

    async def session() -> None:
        history = History(metrics, Depths(3, 7), clock=clock)
        for gained, took_s in ((5, 0.001), (2, 0.2)):
            metrics.messages.labels("accepted").inc(gained)
            metrics.decisions.labels("refused", "SA201").inc()
            metrics.attempts.labels("delivered", "2").inc(gained)
            metrics.attempts.labels("permanent", "5").inc()
            metrics.commit_duration.observe(took_s)
            clock.advance(60)
            await history.note()
        metrics.messages.labels("accepted").inc(11)
        first, second, running = history.spans(60.0, 10)
        assert [one.at for one in (first, second, running)] == [START, START + 60, START + 120]
        assert [(one.accepted, one.waiting) for one in (first, second, running)] == [
            (5, 3),
            (2, 7),
            (11, None),
        ]
        assert (first.commit_s(0.99), second.commit_s(0.99), running.commit_s(0.99)) == (0.001, 0.25, None)
        (hour,) = history.spans(3_600.0, 24)
        assert (hour.accepted, hour.refused, hour.delivered, hour.failed, hour.waiting) == (18, 2, 7, 2, 7)
        assert (hour.commit_s(0.5), hour.commit_s(0.99)) == (0.001, 0.25)
        clock.advance(60)
        await history.note()
        assert history.spans(60.0, 2)[0].waiting is None, "the store could not say"

    asyncio.run(session())


def test_no_more_than_a_day_is_kept_and_a_pause_leaves_empty_spans() -> None:
    metrics, clock = Metrics(), FakeClock(START)

    async def session() -> None:
        history = History(metrics, Depths(*range(MOST + 50)), clock=clock)
        for _ in range(MOST + 50):
            clock.advance(60)
            await history.note()
        found = history.spans(60.0, 10_000)
        assert (len(found), found[0].at) == (MOST + 1, START + 50 * 60)
        clock.advance(600)
        assert [one.accepted for one in history.spans(60.0, 5)] == [0] * 5

    asyncio.run(session())


def test_a_histogram_without_observations_says_nothing() -> None:
    metrics = Metrics()
    assert quantile_of(buckets(metrics.commit_duration), 0.5) is None
    metrics.commit_duration.observe(1e6)
    assert quantile_of(buckets(metrics.commit_duration), 0.5) == math.inf


def test_the_instance_is_shown_in_pictures_with_their_numbers(sesame: SesameProcess, tenant: Tenant) -> None:
    tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": ["reader@example.net"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )
    page = operator(sesame).get("/operator/instance").text
    assert page.count('<svg class="bars"') + page.count("Nothing in this time.") == 4
    assert "accepted," in page and "rejected</title>" in page
    assert "The last 24 hours" in words(page)
