"""The account's suppression list in SES v2. Source: SES API v2 reference; observed words."""

from typing import Any

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, NotImplementedByService, ServiceError
from sesame.identities.names import address_name
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.table import Handlers
from sesame.store import suppression

MOST_A_PAGE = 1_000
_FOREVER = 1e12


class SuppressedDestinationDoesNotExist(ServiceError):
    """The address is not on the list."""

    code = "SuppressedDestinationDoesNotExist"


class InvalidNextToken(InvalidParameterValue):
    """A page token that is none of ours; of all lists of v2 this one has an error for it."""

    v2_code = "InvalidNextTokenException"


class SuppressionOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "PutAccountSuppressionAttributes": self.put_account_attributes,
            "PutSuppressedDestination": self.put,
            "GetSuppressedDestination": self.get,
            "DeleteSuppressedDestination": self.delete,
            "ListSuppressedDestinations": self.list,
        }

    async def put_account_attributes(
        self, caller: Caller, request: sesv2.PutAccountSuppressionAttributesRequest
    ) -> sesv2.PutAccountSuppressionAttributesResponse:
        """Say for which reasons the account suppresses, an empty list: for none; without a list they stay."""
        permit = await self._authorizer.require(caller, "ses:PutAccountSuppressionAttributes")
        if request.get("ValidationAttributes"):
            raise NotImplementedByService(
                "The parameter ValidationAttributes is not implemented by this service."
            )
        reasons = list(dict.fromkeys(request.get("SuppressedReasons", [])))

        async def run(tx: Transaction) -> None:
            if "SuppressedReasons" in request:
                await suppression.set_account_reasons(tx, caller.principal.account_id, caller.region, reasons)

        await permit.apply(run)
        return {}

    async def put(
        self, caller: Caller, request: sesv2.PutSuppressedDestinationRequest
    ) -> sesv2.PutSuppressedDestinationResponse:
        """Add an address, or give it another reason."""
        permit = await self._require(caller, "PutSuppressedDestination", request)
        entry = suppression.Suppressed(
            address=address_name(request["EmailAddress"].strip()),
            reason=request["Reason"],
            updated_at=self._clock.now(),
            message_id=None,
        )

        async def run(tx: Transaction) -> None:
            await suppression.put(tx, caller.principal.account_id, caller.region, entry)

        await permit.apply(run)
        return {}

    async def get(
        self, caller: Caller, request: sesv2.GetSuppressedDestinationRequest
    ) -> sesv2.GetSuppressedDestinationResponse:
        """One address."""
        await self._require(caller, "GetSuppressedDestination", request)

        async def run(tx: Transaction) -> suppression.Suppressed | None:
            return await suppression.get(
                tx, caller.principal.account_id, caller.region, request["EmailAddress"]
            )

        found = await self._store.read(run)
        if found is None:
            raise _missing(request["EmailAddress"])
        shape: dict[str, Any] = _as_shape(found)
        if found.message_id is not None:
            shape["Attributes"] = {"MessageId": found.message_id} | (
                {} if found.feedback_id is None else {"FeedbackId": found.feedback_id}
            )
        return {"SuppressedDestination": shape}  # type: ignore[typeddict-item]

    async def delete(
        self, caller: Caller, request: sesv2.DeleteSuppressedDestinationRequest
    ) -> sesv2.DeleteSuppressedDestinationResponse:
        """Remove an address."""
        permit = await self._require(caller, "DeleteSuppressedDestination", request)

        async def run(tx: Transaction) -> bool:
            return await suppression.delete(
                tx, caller.principal.account_id, caller.region, request["EmailAddress"]
            )

        if not await permit.apply(run):
            raise _missing(request["EmailAddress"])
        return {}

    async def list(
        self, caller: Caller, request: sesv2.ListSuppressedDestinationsRequest
    ) -> sesv2.ListSuppressedDestinationsResponse:
        """The addresses, by reason and date."""
        await self._require(caller, "ListSuppressedDestinations", request)
        after = paging.decode(request.get("NextToken"), lambda: InvalidNextToken("Invalid NextToken."))
        limit = paging.checked(request.get("PageSize") or MOST_A_PAGE, MOST_A_PAGE)

        async def run(tx: Transaction) -> list[suppression.Suppressed]:
            return await suppression.page(
                tx,
                caller.principal.account_id,
                caller.region,
                reasons=request.get("Reasons") or suppression.REASONS,
                since=request.get("StartDate", 0.0),
                until=request.get("EndDate", _FOREVER),
                after=after,
                limit=limit + 1,
            )

        entries, token = paging.cut(await self._store.read(run), limit, lambda entry: entry.address)
        summaries: Any = [_as_shape(entry) for entry in entries]
        return {"SuppressedDestinationSummaries": summaries, **paging.next_page(token)}

    async def _require(self, caller: Caller, operation: str, request: Any) -> Permit:
        permit = await self._authorizer.require(caller, f"ses:{operation}")
        if request.get("TenantName"):
            raise NotImplementedByService("The parameter TenantName is not implemented by this service.")
        return permit


def _missing(address: str) -> SuppressedDestinationDoesNotExist:
    return SuppressedDestinationDoesNotExist(
        f"Email address {suppression.normal(address)} does not exist on your suppression list."
    )


def _as_shape(entry: suppression.Suppressed) -> dict[str, Any]:
    return {"EmailAddress": entry.address, "Reason": entry.reason, "LastUpdateTime": entry.updated_at}
