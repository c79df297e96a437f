"""The account: may it send, how much, and its request for production access with the operator's answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.charts import RateChart, bars, rates
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit, problem_of
from sesame.db import Transaction
from sesame.errors import ServiceError
from sesame.store import account_details, accounts, tallies
from sesame.store.tallies import Counts

HOURS, HOUR_S = 24, 3_600
MINUTES = 60
EXAMPLE = {
    "kind": "TRANSACTIONAL",
    "website": "https://example.com",
    "description": "Receipts and resets of passwords, to people with an account.",
}
"""A request, for the calls that are shown before one is typed."""


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit, {})


async def _page(visit: Visit, given: Mapping[str, str], problem: str = "", status: int = 200) -> Response:
    answer = await visit.call("sesv2", "GetAccount", {})
    account_id, first = visit.me.principal.account_id, int(visit.now // HOUR_S) - HOURS + 1

    async def run(
        tx: Transaction,
    ) -> tuple[account_details.AccountDetails | None, dict[int, int], list[tuple[float, Counts]]]:
        used = await accounts.use_by_minute(tx, account_id, visit.region, since=float(first * HOUR_S))
        since = float((first - HOURS) * HOUR_S)
        return (
            await account_details.get(tx, account_id, visit.region),
            used,
            await tallies.by_quarter(tx, account_id, visit.region, since=since),
        )

    asked, by_minute, counted = await visit.backing.store.read(run)
    used = Counter[int]()
    for minute, recipients in by_minute.items():
        used[minute * 60 // HOUR_S] += recipients
    hours = [(float(hour * HOUR_S), used[hour]) for hour in range(first, first + HOURS)]
    details: Mapping[str, Any] = answer.get("Details", {})
    fields = given or {
        "kind": details.get("MailType", ""),
        "website": details.get("WebsiteURL", ""),
        "description": details.get("UseCaseDescription", ""),
        "contacts": ", ".join(details.get("AdditionalContactEmailAddresses", ())),
    }
    quota = answer["SendQuota"]
    return visit.page(
        "limits.html",
        status=status,
        problem=problem,
        answer=answer,
        quota=quota,
        review=details.get("ReviewDetails", {}).get("Status", ""),
        asked=asked,
        hours=hours,
        by_hour=bars(
            "Recipients by hour; the table below has the numbers",
            [(f"{exactly(at)[:13]} h: {count:,}", count, 0) for at, count in hours],
        ),
        minutes=_minutes(by_minute, visit.now),
        by_minute=_rate(_minutes(by_minute, visit.now), float(quota["MaxSendRate"])),
        given=fields,
        against_quota=_against_quota(counted, first, int(quota["Max24HourSend"])),
        part=min(1.0, quota["SentLast24Hours"] / quota["Max24HourSend"])
        if quota["Max24HourSend"] > 0
        else 0.0,
        calls=[
            sample("Read the account", call("sesv2", "GetAccount")),
            sample("Ask for production access", _asking(fields if any(fields.values()) else EXAMPLE)),
            sample(
                "Switch sending off" if answer["SendingEnabled"] else "Switch sending on",
                _switching(on=not answer["SendingEnabled"]),
            ),
        ],
    )


def _against_quota(counted: Sequence[tuple[float, Counts]], first: int, quota: int) -> RateChart | None:
    """What was accepted in the 24 hours up to the end of each hour, against the quota; None without one."""
    if quota <= 0 or not any(counts.sends for _, counts in counted):
        return None
    by_hour = Counter[int]()
    for at, counts in counted:
        by_hour[int(at // HOUR_S)] += counts.sends
    rows = []
    for hour in range(first, first + HOURS):
        used = sum(by_hour[one] for one in range(hour - HOURS + 1, hour + 1))
        until = exactly(float((hour + 1) * HOUR_S))[:16]
        rows.append((f"24 hours until {until} UTC: {used:,} of {quota:,}", used, quota))
    return rates("Use of the quota by hour; the titles have the numbers", rows, [("the quota", 1.0)])


def _minutes(used: Mapping[int, int], now: float) -> list[tuple[float, int]]:
    """The last minutes with the one that runs: when each began, and its recipients."""
    last = int(now // 60)
    return [(float(one * 60), used.get(one, 0)) for one in range(last - MINUTES + 1, last + 1)]


def _rate(minutes: Sequence[tuple[float, int]], limit: float) -> RateChart | None:
    """Recipients a second, as the mean of each minute, against the rate that is allowed; None without any."""
    if not any(count for _, count in minutes):
        return None
    rows = [
        (f"{exactly(at)[11:16]} UTC: {count / 60:.2f} a second, {count:,} in the minute", count, 60)
        for at, count in minutes
    ]
    lines = [(f"the limit of {limit:,.12g} a second", limit)] if limit > 0 else []
    return rates("Recipients a second by minute; the table below has the numbers", rows, lines)


def _asking(form: Mapping[str, str]) -> Call:
    """The request for production access that a form makes."""
    request: dict[str, Any] = {
        "MailType": form.get("kind", ""),
        "WebsiteURL": form.get("website", "").strip(),
        "ContactLanguage": "EN",
        "ProductionAccessEnabled": True,
    }
    if form.get("description", "").strip():
        request["UseCaseDescription"] = form["description"].strip()
    if contacts := form.get("contacts", "").replace(",", " ").split():
        request["AdditionalContactEmailAddresses"] = contacts
    return call("sesv2", "PutAccountDetails", **request)


def _switching(*, on: bool) -> Call:
    return call("sesv2", "PutAccountSendingAttributes", SendingEnabled=on)


async def ask(visit: Visit) -> Response:
    """Ask for production access, or change what was said."""
    form = visit.form
    try:
        await visit.do(_asking(form))
    except ServiceError as error:
        given = {name: form.get(name, "") for name in ("kind", "website", "description", "contacts")}
        return await _page(visit, given, *problem_of(error))
    return visit.go(visit.here("/account"), said="asked")


async def switch(visit: Visit) -> Response:
    """Stop all sending of the account in this region, or go on."""
    await visit.do(_switching(on=visit.form.get("enabled") == "yes"))
    return visit.go(visit.here("/account"), said="set")


PAGES = (
    Page(path="/{region}/account", handler=show, leave="ses:GetAccount"),
    Page(path="/{region}/account", handler=ask, method="POST"),
    Page(path="/{region}/account/sending", handler=switch, method="POST"),
)
