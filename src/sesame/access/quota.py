"""Quota and rate: what a message is charged, and when it is too much (I5). Rules alone, no store.

Both count recipients. A message goes through whole when any capacity is left, even if it overshoots: for the rate that
leaves a debt which later sends wait for; a rate of 0 lets nothing through. For the 24 hours the documented rule is the
same, but then the quota would be exceeded; I5 is stronger, so an overshooting message is refused.
Usage is kept by minute: a message leaves the window 24 hours after its minute ended, so the quota is never
exceeded and is given back at most 60 s late.
Source: SES developer guide, "Managing sending quotas"; the token bucket with debt is as observed.
"""

from collections.abc import Iterable
from dataclasses import replace

from sesame.db import Transaction
from sesame.errors import DailyQuotaExceeded, Throttling
from sesame.store import accounts
from sesame.store.accounts import Place, RegionState, Used

UNLIMITED = -1

DAY_S = 86_400

OUT_OF_ORDER_S = 60.0
"""How much later than another a request may commit that came in before it."""


def minute_of(at: float) -> int:
    """The minute that usage at `at` is kept under."""
    return int(at // 60)


def last_expired(now: float) -> int:
    """The last minute that is out of the window at `now`."""
    return minute_of(now - DAY_S) - 1


def charge(state: RegionState, used: Used, *, recipients: int, to_quota: int, now: float) -> Used:
    """What an account has used once a message is charged. Raises `Throttling` when it is too much.

    `used` is what it had used, in the limits of `state`; `to_quota` of the `recipients` count towards the 24 hours
    (simulator addresses do not).
    """
    limit = state.max_24_hour_send
    if limit != UNLIMITED and to_quota and not used.sent_last_24_hours + to_quota <= limit:
        raise DailyQuotaExceeded("Daily message quota exceeded.")
    rate, tokens_at = state.max_send_rate, used.tokens_at
    capacity = max(rate, 1.0)
    tokens = capacity
    if used.tokens is not None:
        tokens = min(capacity, used.tokens + max(0.0, now - tokens_at) * rate)
    if not (rate > 0 and tokens > 0):
        raise Throttling("Maximum sending rate exceeded.")
    # Requests commit out of order: the time up to `tokens_at` is credited, and not again (I5). What is
    # further ahead was written before the clock was set back.
    is_credited = 0 < tokens_at - now <= OUT_OF_ORDER_S
    return Used(used.sent_last_24_hours + to_quota, tokens - recipients, tokens_at if is_credited else now)


def without(used: Used, recipients: Iterable[int]) -> Used:
    """What is used once these have left the window."""
    gone = sum(recipients)
    return used._replace(sent_last_24_hours=used.sent_last_24_hours - gone) if gone else used


async def current_state(tx: Transaction, place: Place, *, now: float) -> RegionState | None:
    """Limits of an account and what counts at `now`: what has left the window is not counted, though it is kept."""
    state = (await accounts.region_states(tx, [place])).get(place)
    until = last_expired(now)
    if state is None or state.oldest_minute is None or state.oldest_minute > until:
        return state
    expired = await accounts.recipients_until(tx, place, until=until)
    return replace(state, used=without(state.used, [expired]))
