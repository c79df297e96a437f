"""The account in SES v2: GetAccount and what changes it.

Production access is the operator's to give: PutAccountDetails keeps what the account says, `sesame
account list` shows who asks, `sesame account leave-sandbox` grants and `refuse-production` denies.
Source: SES API v2 reference.
"""

from sesame.access.permission import Authorizer
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.account_state import account_state, set_sending_enabled
from sesame.operations.sesv2.vdm import checked_vdm
from sesame.operations.table import Handlers
from sesame.store import account_details, egress, enforcement, suppression


class AccountV2Operations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "GetAccount": self.get_account,
            "PutAccountDetails": self.put_account_details,
            "PutAccountSendingAttributes": self.put_account_sending_attributes,
            "PutAccountVdmAttributes": self.put_account_vdm_attributes,
        }

    async def get_account(self, caller: Caller, request: sesv2.GetAccountRequest) -> sesv2.GetAccountResponse:
        """Quota, sandbox and sending switch in the region of the call."""
        await self._authorizer.require(caller, "ses:GetAccount")
        state = await account_state(self._store, caller, self._clock)

        async def run(
            tx: Transaction,
        ) -> tuple[
            account_details.AccountDetails | None,
            tuple[suppression.Reason, ...],
            enforcement.EnforcementState,
            bool,
        ]:
            where = caller.principal.account_id, caller.region
            return (
                await account_details.get(tx, *where),
                await suppression.account_reasons(tx, *where),
                await enforcement.state(tx, *where),
                await egress.is_auto_warmup(tx, *where),
            )

        submitted, reasons, enforcement_state, is_auto_warmup = await self._store.read(run)
        response: sesv2.GetAccountResponse = {
            "DedicatedIpAutoWarmupEnabled": is_auto_warmup,
            "EnforcementStatus": enforcement_state.enforcement,
            "ProductionAccessEnabled": state.production,
            "SendQuota": {
                "Max24HourSend": state.max_24_hour_send,
                "MaxSendRate": state.max_send_rate,
                "SentLast24Hours": float(state.sent_last_24_hours),
            },
            "SendingEnabled": state.sending_enabled,
            "VdmAttributes": {"VdmEnabled": "DISABLED"},  # there is no Virtual Deliverability Manager here
        }
        response["SuppressionAttributes"] = {"SuppressedReasons": [*reasons]}
        if submitted is not None:
            details: sesv2.AccountDetails = {**submitted.details}  # type: ignore[typeddict-item]
            if submitted.wants_production:
                status = "GRANTED" if state.production else submitted.answer or "PENDING"
                details["ReviewDetails"] = {"Status": status}
            response["Details"] = details
        return response

    async def put_account_vdm_attributes(
        self, caller: Caller, request: sesv2.PutAccountVdmAttributesRequest
    ) -> sesv2.PutAccountVdmAttributesResponse:
        """Take a Virtual Deliverability Manager that is to be off, which it is; refuse one that is to be on."""
        permit = await self._authorizer.require(caller, "ses:PutAccountVdmAttributes")
        checked_vdm(request["VdmAttributes"])

        async def run(tx: Transaction) -> None:
            """There is nothing to keep."""

        await permit.apply(run)
        return {}

    async def put_account_details(
        self, caller: Caller, request: sesv2.PutAccountDetailsRequest
    ) -> sesv2.PutAccountDetailsResponse:
        """Keep what the account says of itself, and whether it asks for production access."""
        permit = await self._authorizer.require(caller, "ses:PutAccountDetails")
        details = {name: value for name, value in request.items() if name != "ProductionAccessEnabled"}
        submitted = account_details.AccountDetails(
            details=details,
            wants_production=request.get("ProductionAccessEnabled", False),
            submitted_at=self._clock.now(),
        )

        async def run(tx: Transaction) -> None:
            await account_details.put(tx, caller.principal.account_id, caller.region, submitted)

        await permit.apply(run)
        return {}

    async def put_account_sending_attributes(
        self, caller: Caller, request: sesv2.PutAccountSendingAttributesRequest
    ) -> sesv2.PutAccountSendingAttributesResponse:
        """Pause or resume the account's sending; SendingEnabled absent means false, its type's default."""
        permit = await self._authorizer.require(caller, "ses:PutAccountSendingAttributes")
        await set_sending_enabled(permit, enabled=request.get("SendingEnabled", False))
        return {}
