"""Configuration sets of SES v2. Source: SES API v2 reference."""

from typing import Any

from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import sesv2
from sesame.db import Transaction
from sesame.errors import NotImplementedByService
from sesame.identities.policies import IdentityMissing
from sesame.model import Caller
from sesame.operations.configuration_sets import (
    ConfigurationSets,
    check_delivery,
    check_suppression,
    missing,
)
from sesame.operations.resource_tags import listed_tags, read_tags
from sesame.operations.sesv2.vdm import checked_vdm
from sesame.operations.table import Handlers
from sesame.store import configuration_sets, identities

MOST_A_PAGE = 1_000
NOT_SERVED = ("ArchivingOptions", "MessageSecurityOptions")
_ALWAYS: dict[str, dict[str, Any]] = {
    "ReputationOptions": {"ReputationMetricsEnabled": False},
    "TrackingOptions": {"CustomRedirectDomain": ""},
}
"""What is shown of a block that does not say."""
BLOCKS = ("DeliveryOptions", "ReputationOptions", "SuppressionOptions", "TrackingOptions", "VdmOptions")


class ConfigurationSetV2Operations:
    """The operations."""

    def __init__(self, sets: ConfigurationSets, authorizer: Authorizer) -> None:
        self._sets = sets
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateConfigurationSet": self.create,
            "GetConfigurationSet": self.get,
            "ListConfigurationSets": self.list,
            "DeleteConfigurationSet": self.delete,
            "PutConfigurationSetSendingOptions": self.put_sending_options,
            "PutConfigurationSetSuppressionOptions": self.put_suppression_options,
            "PutConfigurationSetReputationOptions": self.put_reputation_options,
            "PutConfigurationSetDeliveryOptions": self.put_delivery_options,
            "PutConfigurationSetTrackingOptions": self.put_tracking_options,
            "PutConfigurationSetVdmOptions": self.put_vdm_options,
            "CreateConfigurationSetEventDestination": self.create_destination,
            "GetConfigurationSetEventDestinations": self.get_destinations,
            "UpdateConfigurationSetEventDestination": self.update_destination,
            "DeleteConfigurationSetEventDestination": self.delete_destination,
            "PutEmailIdentityConfigurationSetAttributes": self.put_identity_attributes,
        }

    async def create(
        self, caller: Caller, request: sesv2.CreateConfigurationSetRequest
    ) -> sesv2.CreateConfigurationSetResponse:
        """Make a set with all its options."""
        name = request["ConfigurationSetName"]
        given = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        permit = await self._sets.require_creation(caller, name, given)
        for unserved in NOT_SERVED:
            if request.get(unserved):
                raise NotImplementedByService(f"The parameter {unserved} is not implemented by this service.")
        options: dict[str, Any] = {}
        if "DeliveryOptions" in request:
            options["DeliveryOptions"] = check_delivery(request["DeliveryOptions"])
        if "SuppressionOptions" in request:
            options["SuppressionOptions"] = check_suppression(request["SuppressionOptions"])
        if "TrackingOptions" in request:
            options["TrackingOptions"] = dict(request["TrackingOptions"])
        if "VdmOptions" in request:
            options["VdmOptions"] = checked_vdm(request["VdmOptions"])
        if "ReputationOptions" in request:
            options["ReputationOptions"] = _reputation(request["ReputationOptions"])
        await self._sets.create(
            permit,
            name,
            sending_enabled=request.get("SendingOptions", {}).get("SendingEnabled", True),
            options=options,
            labels=read_tags(request.get("Tags", ())),
        )
        return {}

    async def get(
        self, caller: Caller, request: sesv2.GetConfigurationSetRequest
    ) -> sesv2.GetConfigurationSetResponse:
        """A set with all its options."""
        name = request["ConfigurationSetName"]
        await self._sets.require(caller, "GetConfigurationSet", name)
        found, _, labels = await self._sets.get(caller, name)
        response: dict[str, Any] = {
            "ConfigurationSetName": found.name,
            "SendingOptions": {"SendingEnabled": found.sending_enabled},
            "ReputationOptions": _ALWAYS["ReputationOptions"],
            "Tags": listed_tags(labels),
        }
        for block in BLOCKS:
            if found.options.get(block):
                response[block] = {**_ALWAYS.get(block, {}), **found.options[block]}
        return response  # type: ignore[return-value]

    async def list(
        self, caller: Caller, request: sesv2.ListConfigurationSetsRequest
    ) -> sesv2.ListConfigurationSetsResponse:
        """The names of the sets."""
        await self._sets.require(caller, "ListConfigurationSets")
        after = paging.after(request.get("NextToken"))
        limit = paging.checked(request.get("PageSize") or MOST_A_PAGE, MOST_A_PAGE)
        containing = {str(key): value for key, value in request.get("Filter", {}).items()}
        found = await self._sets.names(
            caller, after=after, limit=limit, containing=containing.get("CONFIGURATION_SET_NAME_CONTAINS", "")
        )
        names, token = paging.cut(found, limit, str)
        return {"ConfigurationSets": [*names], **paging.next_page(token)}

    async def delete(
        self, caller: Caller, request: sesv2.DeleteConfigurationSetRequest
    ) -> sesv2.DeleteConfigurationSetResponse:
        """Remove a set."""
        await self._sets.delete(caller, request["ConfigurationSetName"])
        return {}

    async def put_sending_options(
        self, caller: Caller, request: sesv2.PutConfigurationSetSendingOptionsRequest
    ) -> sesv2.PutConfigurationSetSendingOptionsResponse:
        """Pause or resume a set; SendingEnabled absent means false, its type's default."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "PutConfigurationSetSendingOptions", name)
        await self._sets.set_sending(permit, name, enabled=request.get("SendingEnabled", False))
        return {}

    async def put_suppression_options(
        self, caller: Caller, request: sesv2.PutConfigurationSetSuppressionOptionsRequest
    ) -> sesv2.PutConfigurationSetSuppressionOptionsResponse:
        """Give reasons in place of the account's, or go back to those; an empty list: nobody is suppressed."""
        await self._put(caller, request, "SuppressionOptions", check_suppression(request) or None)
        return {}

    async def put_reputation_options(
        self, caller: Caller, request: sesv2.PutConfigurationSetReputationOptionsRequest
    ) -> sesv2.PutConfigurationSetReputationOptionsResponse:
        """Keep whether the set's reputation is to be measured."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "PutConfigurationSetReputationOptions", name)
        await self._sets.set_reputation_metrics(
            permit, name, enabled=request.get("ReputationMetricsEnabled", False)
        )
        return {}

    async def put_delivery_options(
        self, caller: Caller, request: sesv2.PutConfigurationSetDeliveryOptionsRequest
    ) -> sesv2.PutConfigurationSetDeliveryOptionsResponse:
        """Say whether mail may go in clear, and how long it is tried."""
        await self._put(caller, request, "DeliveryOptions", check_delivery(request))
        return {}

    async def put_tracking_options(
        self, caller: Caller, request: sesv2.PutConfigurationSetTrackingOptionsRequest
    ) -> sesv2.PutConfigurationSetTrackingOptionsResponse:
        """Name the domain of tracked links; without one there is none any more."""
        options = {key: request[key] for key in ("CustomRedirectDomain", "HttpsPolicy") if request.get(key)}
        await self._put(caller, request, "TrackingOptions", options or None)
        return {}

    async def put_vdm_options(
        self, caller: Caller, request: sesv2.PutConfigurationSetVdmOptionsRequest
    ) -> sesv2.PutConfigurationSetVdmOptionsResponse:
        """Keep that the Virtual Deliverability Manager does nothing for the set; without options nothing is kept."""
        await self._put(caller, request, "VdmOptions", checked_vdm(request.get("VdmOptions", {})) or None)
        return {}

    async def create_destination(
        self, caller: Caller, request: sesv2.CreateConfigurationSetEventDestinationRequest
    ) -> sesv2.CreateConfigurationSetEventDestinationResponse:
        """Add an event destination."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "CreateConfigurationSetEventDestination", name)
        await self._sets.put_destination(
            permit,
            name,
            request["EventDestinationName"],
            {"Enabled": False, **request["EventDestination"]},
            is_new=True,
        )
        return {}

    async def update_destination(
        self, caller: Caller, request: sesv2.UpdateConfigurationSetEventDestinationRequest
    ) -> sesv2.UpdateConfigurationSetEventDestinationResponse:
        """Change an event destination; what is not named stays."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "UpdateConfigurationSetEventDestination", name)
        await self._sets.put_destination(
            permit, name, request["EventDestinationName"], {**request["EventDestination"]}, is_new=False
        )
        return {}

    async def get_destinations(
        self, caller: Caller, request: sesv2.GetConfigurationSetEventDestinationsRequest
    ) -> sesv2.GetConfigurationSetEventDestinationsResponse:
        """The set's event destinations."""
        name = request["ConfigurationSetName"]
        await self._sets.require(caller, "GetConfigurationSetEventDestinations", name)
        _, destinations, _ = await self._sets.get(caller, name)
        found: Any = [{"Name": name, **definition} for name, definition in destinations.items()]
        return {"EventDestinations": found}

    async def delete_destination(
        self, caller: Caller, request: sesv2.DeleteConfigurationSetEventDestinationRequest
    ) -> sesv2.DeleteConfigurationSetEventDestinationResponse:
        """Remove an event destination."""
        await self._sets.delete_destination(
            caller, request["ConfigurationSetName"], request["EventDestinationName"]
        )
        return {}

    async def put_identity_attributes(
        self, caller: Caller, request: sesv2.PutEmailIdentityConfigurationSetAttributesRequest
    ) -> sesv2.PutEmailIdentityConfigurationSetAttributesResponse:
        """Give an identity a default set; an empty name takes it away."""
        name = normal_name(request["EmailIdentity"])
        account_id, region = caller.principal.account_id, caller.region
        permit = await self._authorizer.require(
            caller, "ses:PutEmailIdentityConfigurationSetAttributes", identity_arn(region, account_id, name)
        )
        wanted = request.get("ConfigurationSetName") or None

        async def run(tx: Transaction) -> None:
            identity = await identities.get(tx, account_id, region, name)
            if identity is None:
                raise IdentityMissing(name)
            if wanted is not None and await configuration_sets.get(tx, account_id, region, wanted) is None:
                raise missing(wanted)
            await configuration_sets.set_default(tx, identity, wanted)

        await permit.apply(run)
        return {}

    async def _put(self, caller: Caller, request: Any, block: str, values: dict[str, Any] | None) -> None:
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, f"PutConfigurationSet{block}", name)
        await self._sets.put_options(permit, name, block, values)


def _reputation(options: Any) -> dict[str, Any]:
    """The block as it is kept; when the set's reputation was given a fresh start is kept as it is given."""
    kept = {"ReputationMetricsEnabled": options.get("ReputationMetricsEnabled", False)}
    if "LastFreshStart" in options:
        kept["LastFreshStart"] = options["LastFreshStart"]
    return kept
