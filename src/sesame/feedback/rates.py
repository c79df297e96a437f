"""Bounce and complaint rates of an account, and what they lead to: review, then a pause.

SES makes its rates of a *representative volume*: recent mail, as much as the account typically sends. Here that is the
latest mail that comes to at least `volume` recipients and at least the average of a day; who has not sent so much is
not judged. The verdict gets better again only up to what the service itself did: a pause ends by the operator's hand.
Source: SES developer guide, "Monitoring your sender reputation".
"""

from collections.abc import Sequence

from sesame.config.feedback import Reputation
from sesame.db import Transaction
from sesame.model import Rates
from sesame.observe import Log
from sesame.store import enforcement, tallies
from sesame.store.enforcement import Change, Enforcement, EnforcementState
from sesame.store.tallies import Counts

WINDOW_DAYS = 14
DAY_S = 86_400.0


def rates_of(quarters: Sequence[Counts], *, volume: int) -> Rates:
    """The rates over the latest of `quarters`, which are in order and of `WINDOW_DAYS` at most."""
    average = sum(one.rated_sends for one in quarters) / WINDOW_DAYS
    wanted = max(volume, round(average))
    sends = bounces = complaints = 0
    for one in reversed(quarters):
        sends += one.rated_sends
        bounces += one.rated_bounces
        complaints += one.rated_complaints
        if sends >= wanted:
            break
    return Rates(sends=sends, bounces=bounces, complaints=complaints, is_representative=sends >= volume)


def verdict(rates: Rates, thresholds: Reputation) -> tuple[Enforcement, str]:
    """What the rates come to, and why."""
    if not rates.is_representative:
        return "HEALTHY", ""
    limits: tuple[tuple[Enforcement, str, float, float], ...] = (
        ("SHUTDOWN", "bounce rate", rates.bounce_rate, thresholds.bounce_pause),
        ("SHUTDOWN", "complaint rate", rates.complaint_rate, thresholds.complaint_pause),
        ("PROBATION", "bounce rate", rates.bounce_rate, thresholds.bounce_review),
        ("PROBATION", "complaint rate", rates.complaint_rate, thresholds.complaint_review),
    )
    for became, name, rate, limit in limits:
        if limit and rate >= limit:
            return became, f"{name} {rate:.2%} of {rates.sends} recipients, from {limit:.2%} on"
    return "HEALTHY", "the rates are below the limits"


async def current(
    tx: Transaction, account_id: str, region: str, *, now: float, volume: int
) -> tuple[EnforcementState, Rates]:
    """The verdict on an account and its rates now."""
    state = await enforcement.state(tx, account_id, region)
    since = max(now - WINDOW_DAYS * DAY_S, state.rated_since * float(tallies.QUARTER_HOUR_S))
    quarters = await tallies.rated_by_quarter(tx, account_id, region, since=since)
    return state, rates_of(quarters, volume=volume)


async def judge(
    tx: Transaction, account_id: str, region: str, *, now: float, thresholds: Reputation
) -> Change | None:
    """Change the verdict on an account where its rates say so; the change, or None."""
    state, rates = await current(tx, account_id, region, now=now, volume=thresholds.volume)
    became, reason = verdict(rates, thresholds)
    was = state.enforcement
    if became == was or was == "SHUTDOWN" or (became == "HEALTHY" and not rates.is_representative):
        return None
    change = Change(
        account_id=account_id, region=region, at=now, was=was, became=became, who="sesame", reason=reason
    )
    await enforcement.put(tx, change)
    return change


def log_change(log: Log, change: Change) -> None:
    """Tell the operator of a verdict that changed."""
    fields = {
        "account_id": change.account_id,
        "region": change.region,
        "was": change.was,
        "became": change.became,
        "reason": change.reason,
    }
    if change.became == "HEALTHY":
        log.event("account_enforcement", **fields)
    else:
        log.error("account_enforcement", **fields)
