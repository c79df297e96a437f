"""The account's sending quota and switch, in the region of the call. Source: SES API reference."""

from sesame.access.permission import Authorizer
from sesame.aws.shapes import ses
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.account_state import account_state, set_sending_enabled
from sesame.operations.table import Handlers
from sesame.store import tallies

STATISTICS_DAYS = 14


class AccountOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "GetSendQuota": self.get_send_quota,
            "GetSendStatistics": self.get_send_statistics,
            "GetAccountSendingEnabled": self.get_account_sending_enabled,
            "UpdateAccountSendingEnabled": self.update_account_sending_enabled,
        }

    async def get_send_quota(
        self, caller: Caller, request: ses.GetSendQuotaRequest
    ) -> ses.GetSendQuotaResponse:
        """Limits, and the recipients of the last 24 hours."""
        await self._authorizer.require(caller, "ses:GetSendQuota")
        state = await account_state(self._store, caller, self._clock)
        return {
            "Max24HourSend": state.max_24_hour_send,
            "MaxSendRate": state.max_send_rate,
            "SentLast24Hours": float(state.sent_last_24_hours),
        }

    async def get_send_statistics(
        self, caller: Caller, request: ses.GetSendStatisticsRequest
    ) -> ses.GetSendStatisticsResponse:
        """What became of the mail of the last 14 days, by quarter hours."""
        await self._authorizer.require(caller, "ses:GetSendStatistics")
        since = self._clock.now() - STATISTICS_DAYS * 86_400

        async def run(tx: Transaction) -> list[tuple[float, tallies.Counts]]:
            return await tallies.by_quarter(tx, caller.principal.account_id, caller.region, since=since)

        return {
            "SendDataPoints": [
                {
                    "Timestamp": at,
                    "DeliveryAttempts": counts.sends,
                    "Bounces": counts.permanent_bounces,
                    "Complaints": counts.complaints,
                    "Rejects": counts.rejects,
                }
                for at, counts in await self._store.read(run)
            ]
        }

    async def get_account_sending_enabled(
        self, caller: Caller, request: ses.GetAccountSendingEnabledRequest
    ) -> ses.GetAccountSendingEnabledResponse:
        """Whether the account may send."""
        await self._authorizer.require(caller, "ses:GetAccountSendingEnabled")
        state = await account_state(self._store, caller, self._clock)
        return {"Enabled": state.sending_enabled}

    async def update_account_sending_enabled(
        self, caller: Caller, request: ses.UpdateAccountSendingEnabledRequest
    ) -> ses.UpdateAccountSendingEnabledResponse:
        """Pause or resume the account's sending; Enabled absent means false, as its type's default."""
        permit = await self._authorizer.require(caller, "ses:UpdateAccountSendingEnabled")
        await set_sending_enabled(permit, enabled=request.get("Enabled", False))
        return {}
