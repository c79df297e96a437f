"""How the account's mail is received: rates with their limits, by day, by identity and by delegate."""

from urllib.parse import urlencode

from starlette.responses import Response

from sesame.config.feedback import Reputation
from sesame.console.calls import call, sample
from sesame.console.charts import Chart, RateChart, bars, rates
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit
from sesame.operations.sender_reputation import ACTION, DAYS, PICTURE_DAYS, SenderReputation
from sesame.store.tallies import Counts


async def show(visit: Visit) -> Response:
    """The page."""
    desk = visit.backing.reputations
    after = {name: _key(visit.query.get(name, "")) for name in ("identity", "delegate")}
    found = await desk.of(visit.me, after_identity=after["identity"], after_delegate=after["delegate"])
    return visit.page(
        "reputation.html",
        found=found,
        limits=desk.limits,
        days=DAYS,
        picture_days=PICTURE_DAYS,
        by_rate=_rates(found, desk.limits),
        by_day=_days(found),
        by_hour=_hours(found),
        is_first=not any(any(key) for key in after.values()),
        more_identities=_more("identity", found.more_identities),
        more_delegates=_more("delegate", found.more_delegates),
        calls=[sample("Read what was counted", call("ses", "GetSendStatistics"))],
    )


def _key(text: str) -> tuple[str, str]:
    first, _, second = text.partition("/")
    return first, second


def _more(name: str, key: tuple[str, str] | None) -> str | None:
    return None if key is None else urlencode({name: "/".join(key)})


def _days(found: SenderReputation) -> Chart:
    """A bar a day."""
    return bars(
        "Recipients by day; the table below has the numbers",
        [_bar(exactly(at)[:10], c) for at, c in found.days],
    )


def _rates(found: SenderReputation, limits: Reputation) -> list[tuple[str, RateChart]]:
    """Both rates by day, with the limits as lines."""
    kinds = (
        ("Hard bounces", "rated_bounces", limits.bounce_review, limits.bounce_pause),
        ("Complaints", "rated_complaints", limits.complaint_review, limits.complaint_pause),
    )
    return [
        (
            name,
            rates(
                f"{name}, a bar a day, against the limits; the table below has the numbers",
                [
                    (
                        _rate(exactly(at)[:10], getattr(c, part), c.rated_sends),
                        getattr(c, part),
                        c.rated_sends,
                    )
                    for at, c in found.days
                ],
                [(f"review from {review:.2%}", review), (f"pause from {pause:.2%}", pause)],
            ),
        )
        for name, part, review, pause in kinds
    ]


def _rate(day: str, part: int, whole: int) -> str:
    return f"{day}: {part:,} of {whole:,}" + (f" ({part / whole:.2%})" if whole else "")


def _hours(found: SenderReputation) -> Chart:
    """A bar an hour."""
    return bars(
        "Recipients by hour; the list below has the numbers",
        [_bar(f"{exactly(at)[:13]} h", c) for at, c in found.hours],
    )


def _bar(when: str, counts: Counts) -> tuple[str, int, int]:
    """What was sent, and of it what bounced or was complained of."""
    title = (
        f"{when}: {counts.sends:,} sent, {counts.permanent_bounces:,} bounced,"
        f" {counts.complaints:,} complaints"
    )
    return title, counts.sends, counts.permanent_bounces + counts.complaints


PAGES = (Page(path="/{region}/reputation", handler=show, leave=ACTION),)
