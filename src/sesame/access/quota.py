"""Quota and rate, counted in the transaction that accepts the message (I5).

Both count recipients. A message goes through whole when any capacity is left, even if it overshoots:
for the rate that leaves a debt which later sends wait for. For the 24 hours the documented rule is
the same, but then the quota would be exceeded; I5 is stronger, so an overshooting message is refused.
Source: SES developer guide, "Managing sending quotas".
"""

from sesame.db import Transaction
from sesame.errors import DailyQuotaExceeded, InternalFailure, Throttling
from sesame.store import accounts

UNLIMITED = -1


class Quota:
    """Reserves recipients against an account's limits."""

    def __init__(self) -> None:
        self._expired_at: dict[tuple[str, str], int] = {}

    async def reserve(
        self, tx: Transaction, account_id: str, region: str, *, recipients: int, to_quota: int, now: float
    ) -> accounts.RegionState:
        """Charge a message or raise `Throttling`; the state before. Part of the accept transaction.

        `to_quota` of the `recipients` count towards the 24 hours (simulator addresses do not).
        """
        minute = int(now // 60)
        if self._expired_at.get((account_id, region)) != minute:
            await accounts.expire_usage(tx, account_id, region, now=now)
            if len(self._expired_at) >= 100_000:
                self._expired_at.clear()
            self._expired_at[account_id, region] = minute
        state = await accounts.region_state(tx, account_id, region, now=now)
        if state is None:
            raise InternalFailure
        limit = state.max_24_hour_send
        if limit != UNLIMITED and to_quota and state.sent_last_24_hours + to_quota > limit:
            raise DailyQuotaExceeded("Daily message quota exceeded.")
        if state.tokens <= 0:
            raise Throttling("Maximum sending rate exceeded.")
        await accounts.count_usage(
            tx, account_id, region, state=state, recipients=recipients, to_quota=to_quota, now=now
        )
        return state
