"""How the account's mail is received: rates with their limits, by day, by identity and by delegate."""

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.operations.sender_reputation import ACTION, DAYS, SenderReputation

BAR, HIGH = 26, 90
"""Width and height of the picture's bars, in its own units."""


async def show(visit: Visit) -> Response:
    """The page."""
    desk = visit.backing.reputations
    found = await desk.of(visit.me)
    return visit.page(
        "reputation.html", found=found, limits=desk.limits, days=DAYS, bars=_bars(found), high=HIGH
    )


def _bars(found: SenderReputation) -> list[dict[str, object]]:
    """A bar a day: what was delivered or waits, and what bounced or was complained of, on it."""
    most = max((counts.sends for _, counts in found.days), default=0)
    bars = []
    for n, (at, counts) in enumerate(found.days):
        whole = _height(counts.sends, most)
        bad = min(whole, _height(counts.permanent_bounces + counts.complaints, most))
        bars.append(
            {
                "x": n * BAR,
                "width": BAR - 6,
                "at": at,
                "counts": counts,
                "whole": whole,
                "bad": bad,
            }
        )
    return bars


def _height(count: int, most: int) -> int:
    return max(1, round(HIGH * count / most)) if count and most else 0


PAGES = (Page(path="/{region}/reputation", handler=show, leave=ACTION),)
