"""Configuration sets of SES v1: between v1's words and those that are kept. Source: SES API reference."""

from typing import Any

from sesame.aws import paging
from sesame.aws.shapes import ses
from sesame.errors import InvalidParameterValue
from sesame.model import Caller
from sesame.operations.configuration_sets import ConfigurationSets, tracking_domain
from sesame.operations.table import Handlers

DEFAULT_PAGE = 1_000
_V2_EVENTS = {"renderingFailure": "RENDERING_FAILURE"}
_V1_EVENTS = {
    "SEND": "send", "REJECT": "reject", "BOUNCE": "bounce", "COMPLAINT": "complaint", "DELIVERY": "delivery",
    "OPEN": "open", "CLICK": "click", "RENDERING_FAILURE": "renderingFailure",
}  # fmt: skip
"""Those that v1 knows; a destination made by v2 may have others, which v1 leaves out."""
_V2_SOURCES = {"messageTag": "MESSAGE_TAG", "emailHeader": "EMAIL_HEADER", "linkTag": "LINK_TAG"}
_V1_SOURCES = {v2: v1 for v1, v2 in _V2_SOURCES.items()}


class ConfigurationSetOperations:
    """The operations."""

    def __init__(self, sets: ConfigurationSets) -> None:
        self._sets = sets

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateConfigurationSet": self.create,
            "DescribeConfigurationSet": self.describe,
            "ListConfigurationSets": self.list,
            "DeleteConfigurationSet": self.delete,
            "CreateConfigurationSetEventDestination": self.create_destination,
            "UpdateConfigurationSetEventDestination": self.update_destination,
            "DeleteConfigurationSetEventDestination": self.delete_destination,
            "UpdateConfigurationSetSendingEnabled": self.update_sending_enabled,
            "UpdateConfigurationSetReputationMetricsEnabled": self.update_reputation_metrics_enabled,
            "PutConfigurationSetDeliveryOptions": self.put_delivery_options,
            "CreateConfigurationSetTrackingOptions": self.create_tracking_options,
            "UpdateConfigurationSetTrackingOptions": self.update_tracking_options,
            "DeleteConfigurationSetTrackingOptions": self.delete_tracking_options,
        }

    async def create(
        self, caller: Caller, request: ses.CreateConfigurationSetRequest
    ) -> ses.CreateConfigurationSetResponse:
        """Make a set."""
        name = request["ConfigurationSet"]["Name"]
        permit = await self._sets.require(caller, "CreateConfigurationSet", name)
        await self._sets.create(permit, name)
        return {}

    async def describe(
        self, caller: Caller, request: ses.DescribeConfigurationSetRequest
    ) -> ses.DescribeConfigurationSetResponse:
        """A set with those of its attributes that are asked for."""
        name = request["ConfigurationSetName"]
        await self._sets.require(caller, "DescribeConfigurationSet", name)
        found, destinations, _ = await self._sets.get(caller, name)
        asked = request.get("ConfigurationSetAttributeNames", [])
        response: ses.DescribeConfigurationSetResponse = {"ConfigurationSet": {"Name": found.name}}
        if "eventDestinations" in asked:
            response["EventDestinations"] = [
                _v1_destination(name, definition) for name, definition in destinations.items()
            ]
        if "trackingOptions" in asked and (domain := tracking_domain(found)):
            response["TrackingOptions"] = {"CustomRedirectDomain": domain}
        if "deliveryOptions" in asked and "TlsPolicy" in found.options.get("DeliveryOptions", {}):
            response["DeliveryOptions"] = {"TlsPolicy": "Require" if found.requires_tls else "Optional"}
        if "reputationOptions" in asked:
            kept = found.options.get("ReputationOptions", {})
            response["ReputationOptions"] = {
                "SendingEnabled": found.sending_enabled,
                "ReputationMetricsEnabled": kept.get("ReputationMetricsEnabled", False),
            }
            if "LastFreshStart" in kept:
                response["ReputationOptions"]["LastFreshStart"] = kept["LastFreshStart"]
        return response

    async def list(
        self, caller: Caller, request: ses.ListConfigurationSetsRequest
    ) -> ses.ListConfigurationSetsResponse:
        """The names of the sets."""
        await self._sets.require(caller, "ListConfigurationSets")
        after = paging.after(request.get("NextToken"))
        limit = min(max(1, request.get("MaxItems", DEFAULT_PAGE)), DEFAULT_PAGE)
        names, token = paging.cut(await self._sets.names(caller, after=after, limit=limit), limit, str)
        return {"ConfigurationSets": [{"Name": name} for name in names], **paging.next_page(token)}

    async def delete(
        self, caller: Caller, request: ses.DeleteConfigurationSetRequest
    ) -> ses.DeleteConfigurationSetResponse:
        """Remove a set."""
        await self._sets.delete(caller, request["ConfigurationSetName"])
        return {}

    async def create_destination(
        self, caller: Caller, request: ses.CreateConfigurationSetEventDestinationRequest
    ) -> ses.CreateConfigurationSetEventDestinationResponse:
        """Add an event destination."""
        await self._put_destination(
            caller, request["ConfigurationSetName"], request["EventDestination"], is_new=True
        )
        return {}

    async def update_destination(
        self, caller: Caller, request: ses.UpdateConfigurationSetEventDestinationRequest
    ) -> ses.UpdateConfigurationSetEventDestinationResponse:
        """Change an event destination."""
        await self._put_destination(
            caller, request["ConfigurationSetName"], request["EventDestination"], is_new=False
        )
        return {}

    async def _put_destination(
        self, caller: Caller, name: str, destination: ses.EventDestination, *, is_new: bool
    ) -> None:
        verb = "Create" if is_new else "Update"
        permit = await self._sets.require(caller, f"{verb}ConfigurationSetEventDestination", name)
        await self._sets.put_destination(
            permit, name, destination["Name"], _v2_definition(destination), is_new=is_new
        )

    async def delete_destination(
        self, caller: Caller, request: ses.DeleteConfigurationSetEventDestinationRequest
    ) -> ses.DeleteConfigurationSetEventDestinationResponse:
        """Remove an event destination."""
        await self._sets.delete_destination(
            caller, request["ConfigurationSetName"], request["EventDestinationName"]
        )
        return {}

    async def update_sending_enabled(
        self, caller: Caller, request: ses.UpdateConfigurationSetSendingEnabledRequest
    ) -> ses.UpdateConfigurationSetSendingEnabledResponse:
        """Pause or resume a set."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "UpdateConfigurationSetSendingEnabled", name)
        await self._sets.set_sending(permit, name, enabled=request["Enabled"])
        return {}

    async def update_reputation_metrics_enabled(
        self, caller: Caller, request: ses.UpdateConfigurationSetReputationMetricsEnabledRequest
    ) -> ses.UpdateConfigurationSetReputationMetricsEnabledResponse:
        """Keep whether the set's reputation is to be measured."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "UpdateConfigurationSetReputationMetricsEnabled", name)
        await self._sets.set_reputation_metrics(permit, name, enabled=request["Enabled"])
        return {}

    async def put_delivery_options(
        self, caller: Caller, request: ses.PutConfigurationSetDeliveryOptionsRequest
    ) -> ses.PutConfigurationSetDeliveryOptionsResponse:
        """Say whether mail with this set may go in clear; v1 leaves alone what only v2 knows."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "PutConfigurationSetDeliveryOptions", name)
        found, _, _ = await self._sets.get(caller, name)
        policy = request.get("DeliveryOptions", {}).get("TlsPolicy", "Optional")
        values = {**found.options.get("DeliveryOptions", {}), "TlsPolicy": policy.upper()}
        await self._sets.put_options(permit, name, "DeliveryOptions", values)
        return {}

    async def create_tracking_options(
        self, caller: Caller, request: ses.CreateConfigurationSetTrackingOptionsRequest
    ) -> ses.CreateConfigurationSetTrackingOptionsResponse:
        """Name the domain of tracked links."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "CreateConfigurationSetTrackingOptions", name)
        await self._sets.change_tracking(
            permit, name, _tracking(request["TrackingOptions"]), must_exist=False
        )
        return {}

    async def update_tracking_options(
        self, caller: Caller, request: ses.UpdateConfigurationSetTrackingOptionsRequest
    ) -> ses.UpdateConfigurationSetTrackingOptionsResponse:
        """Name another domain of tracked links."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "UpdateConfigurationSetTrackingOptions", name)
        await self._sets.change_tracking(permit, name, _tracking(request["TrackingOptions"]), must_exist=True)
        return {}

    async def delete_tracking_options(
        self, caller: Caller, request: ses.DeleteConfigurationSetTrackingOptionsRequest
    ) -> ses.DeleteConfigurationSetTrackingOptionsResponse:
        """Name no domain of tracked links any more."""
        name = request["ConfigurationSetName"]
        permit = await self._sets.require(caller, "DeleteConfigurationSetTrackingOptions", name)
        await self._sets.change_tracking(permit, name, None, must_exist=True)
        return {}


def _tracking(options: ses.TrackingOptions) -> dict[str, Any]:
    domain = options.get("CustomRedirectDomain", "")
    if not domain:
        raise InvalidParameterValue("CustomRedirectDomain is required.")
    return {"CustomRedirectDomain": domain}


def _v2_definition(destination: ses.EventDestination) -> dict[str, Any]:
    """A destination of v1 as v2 defines it."""
    definition: dict[str, Any] = {
        "Enabled": destination.get("Enabled", False),
        "MatchingEventTypes": [
            _V2_EVENTS.get(event, event.upper()) for event in destination["MatchingEventTypes"]
        ],
    }
    if firehose := destination.get("KinesisFirehoseDestination"):
        definition["KinesisFirehoseDestination"] = {
            "IamRoleArn": firehose["IAMRoleARN"],
            "DeliveryStreamArn": firehose["DeliveryStreamARN"],
        }
    if cloud_watch := destination.get("CloudWatchDestination"):
        definition["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**one, "DimensionValueSource": _V2_SOURCES[one["DimensionValueSource"]]}
                for one in cloud_watch["DimensionConfigurations"]
            ]
        }
    if sns := destination.get("SNSDestination"):
        definition["SnsDestination"] = {"TopicArn": sns["TopicARN"]}
    return definition


def _v1_destination(name: str, definition: dict[str, Any]) -> ses.EventDestination:
    """A destination as v1 shows it."""
    found: dict[str, Any] = {
        "Name": name,
        "Enabled": definition.get("Enabled", False),
        "MatchingEventTypes": [
            _V1_EVENTS[event] for event in definition["MatchingEventTypes"] if event in _V1_EVENTS
        ],
    }
    if firehose := definition.get("KinesisFirehoseDestination"):
        found["KinesisFirehoseDestination"] = {
            "IAMRoleARN": firehose["IamRoleArn"],
            "DeliveryStreamARN": firehose["DeliveryStreamArn"],
        }
    if cloud_watch := definition.get("CloudWatchDestination"):
        found["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**one, "DimensionValueSource": _V1_SOURCES[one["DimensionValueSource"]]}
                for one in cloud_watch["DimensionConfigurations"]
            ]
        }
    if sns := definition.get("SnsDestination"):
        found["SNSDestination"] = {"TopicARN": sns["TopicArn"]}
    return found  # type: ignore[return-value]
