"""How the account's mail is received: rates with their limits, by day, by identity and by delegate."""

from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.operations.sender_reputation import ACTION, DAYS, SenderReputation

BAR, HIGH = 26, 90
"""Width and height of the picture's bars, in its own units."""


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
        bars=_bars(found),
        high=HIGH,
        is_first=not any(any(key) for key in after.values()),
        more_identities=_more("identity", found.more_identities),
        more_delegates=_more("delegate", found.more_delegates),
    )


def _key(text: str) -> tuple[str, str]:
    first, _, second = text.partition("/")
    return first, second


def _more(name: str, key: tuple[str, str] | None) -> str | None:
    return None if key is None else urlencode({name: "/".join(key)})


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
