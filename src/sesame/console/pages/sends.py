"""Sends as an identity: who sent as it, accepted and refused, and how it came out, as its owner may see it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.charts import STEP, Chart, bars
from sesame.console.domains import as_stored
from sesame.console.fates import STATES, TONES
from sesame.console.pages.messages import OUTCOMES, read_key, written
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit
from sesame.operations.identity_sends import SendsFilter, SendsPage
from sesame.store.hourly import Hours

DAYS = 14


def wanted_of(query: Mapping[str, str]) -> SendsFilter:
    """Which sends a query asks for."""
    outcome = query.get("outcome", "")
    return SendsFilter(
        outcome=outcome if outcome in dict(OUTCOMES) else "",
        sender=query.get("by", "").strip(),
        source=as_stored(query.get("from", "").strip()),
    )


async def show(visit: Visit) -> Response:
    """The newest first."""
    name = visit.path_values["name"]
    wanted, after = wanted_of(visit.query), read_key(visit.query.get("after", ""))
    page = await visit.backing.identities.sends.page(
        visit.me, name, wanted, after, since=visit.now - DAYS * 86_400.0 if after is None else None
    )
    filters = {"outcome": wanted.outcome, "by": wanted.sender, "from": wanted.source}
    kept = {key: value for key, value in filters.items() if value}
    more = None if page.next is None else urlencode({**kept, "after": written(page.next)})
    return visit.page(
        "sends.html",
        name=name,
        page=page,
        sentence=sentence(name, page, own=visit.me.principal.account_id),
        filters=filters,
        is_filtered=bool(kept),
        is_first=after is None,
        more=more,
        last=None if page.last is None else urlencode({**kept, "after": written(page.last)}),
        kept=urlencode({"identity": name, **kept}),
        outcomes=OUTCOMES,
        states=STATES,
        tones=TONES,
        days=DAYS,
        by_hour=None if page.hours is None else _picture(name, page.hours),
    )


def _picture(name: str, hours: Hours) -> Chart:
    """What was accepted and what bounced in each hour."""
    return bars(
        f"Sent as {name} by hour, and what bounced; the table below has the numbers",
        [
            (
                f"{exactly(one.at)[:13]} h: {one.accepted:,} accepted, {one.bounced:,} bounced",
                one.accepted,
                one.bounced,
            )
            for one in hours.hours
        ],
        width=28 * STEP,
    )


def sentence(name: str, page: SendsPage, *, own: str) -> str:
    """Who sent as it, in a line."""
    others = [account for account, _ in page.senders if account != own]
    count = len(others) + page.more_senders
    if not page.senders:
        return f"What was sent as {name}, or was to be: accepted and refused, whoever sent."
    total = sum(counts.sends for _, counts in page.senders)
    whom = "to 1 recipient" if total == 1 else f"to {total:,} recipients"
    if not others:
        return f"Only this account sent as {name} in {DAYS} days, {whom}."
    who = "1 other account" if count == 1 else f"{count:,} other accounts"
    is_own = len(others) < len(page.senders)
    beside = f"This account and {who}" if is_own else who.capitalize()
    return f"{beside} sent as {name} in {DAYS} days, {whom}{' and more' if page.more_senders else ''}."


PAGES = (Page(path="/{region}/identities/{name}/sends", handler=show),)
