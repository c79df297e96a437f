"""Webhooks of configuration sets: the operations of Sesame's own API, for the account that has the set.

Each is authorised by the caller's IAM policies on the set's ARN (`sesame:CreateWebhook`, and so on), as at AWS.
"""

from collections.abc import Awaitable
from typing import TypeVar

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.admin.accounts import OperatorError
from sesame.admin.webhooks import (
    OVERLAP_S,
    DestinationExists,
    NoSuchWebhook,
    TooManyDestinations,
    Webhooks,
    WebhookView,
)
from sesame.aws.shapes import sesame
from sesame.errors import InvalidParameterValue, LimitExceeded, ServiceError
from sesame.model import Caller
from sesame.operations.table import Handlers
from sesame.store.configuration_sets import configuration_set_arn
from sesame.store.webhooks import WebhookKey

T = TypeVar("T")


class WebhookDoesNotExist(ServiceError):
    """The account has no such configuration set in the region, or the set no such webhook."""

    code = "WebhookDoesNotExist"


class WebhookAlreadyExists(ServiceError):
    """The set has an event destination of that name."""

    code = "WebhookAlreadyExists"


class WebhookOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, authorizer: Authorizer, webhooks: Webhooks) -> None:
        self._authorizer = authorizer
        self._webhooks = webhooks

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateWebhook": self.create_webhook,
            "RotateWebhookSecret": self.rotate_webhook_secret,
            "DeleteWebhook": self.delete_webhook,
            "ListWebhooks": self.list_webhooks,
        }

    async def create_webhook(
        self, caller: Caller, request: sesame.CreateWebhookRequest
    ) -> sesame.CreateWebhookResponse:
        """Make a webhook; its secret is in this answer alone."""
        key = _key(caller, request["ConfigurationSetName"], request["EventDestinationName"])
        permit = await self._require(caller, "CreateWebhook", key.set_name)
        types = list(dict.fromkeys(request["MatchingEventTypes"]))
        return {"Secret": await _answered(self._webhooks.create(key, request["Url"], types, by=permit))}

    async def rotate_webhook_secret(
        self, caller: Caller, request: sesame.RotateWebhookSecretRequest
    ) -> sesame.RotateWebhookSecretResponse:
        """Exchange a secret; the new one is in this answer alone."""
        key = _key(caller, request["ConfigurationSetName"], request["EventDestinationName"])
        permit = await self._require(caller, "RotateWebhookSecret", key.set_name)
        overlap_s = float(request.get("OverlapSeconds", OVERLAP_S))
        return {"Secret": await _answered(self._webhooks.rotate(key, overlap_s=overlap_s, by=permit))}

    async def delete_webhook(
        self, caller: Caller, request: sesame.DeleteWebhookRequest
    ) -> sesame.DeleteWebhookResponse:
        """Remove a webhook."""
        key = _key(caller, request["ConfigurationSetName"], request["EventDestinationName"])
        permit = await self._require(caller, "DeleteWebhook", key.set_name)
        await _answered(self._webhooks.delete(key, by=permit))
        return {}

    async def list_webhooks(
        self, caller: Caller, request: sesame.ListWebhooksRequest
    ) -> sesame.ListWebhooksResponse:
        """The account's webhooks in the region of the call."""
        await self._authorizer.require(caller, "sesame:ListWebhooks", "*")
        found = await self._webhooks.list(caller.principal.account_id)
        return {"Webhooks": [_as_shape(one) for one in found if one.key.region == caller.region]}

    async def _require(self, caller: Caller, operation: str, set_name: str) -> Permit:
        arn = configuration_set_arn(caller.region, caller.principal.account_id, set_name)
        return await self._authorizer.require(caller, f"sesame:{operation}", arn)


def _key(caller: Caller, set_name: str, name: str) -> WebhookKey:
    return WebhookKey(
        account_id=caller.principal.account_id, region=caller.region, set_name=set_name, name=name
    )


async def _answered(doing: Awaitable[T]) -> T:
    """What is wrong with a request, in the errors of the API."""
    try:
        return await doing
    except NoSuchWebhook as error:
        raise WebhookDoesNotExist(str(error)) from error
    except DestinationExists as error:
        raise WebhookAlreadyExists(str(error)) from error
    except TooManyDestinations as error:
        raise LimitExceeded(str(error)) from error
    except OperatorError as error:
        raise InvalidParameterValue(str(error)) from error


def _as_shape(one: WebhookView) -> sesame.Webhook:
    found: sesame.Webhook = {
        "ConfigurationSetName": one.key.set_name,
        "EventDestinationName": one.key.name,
        "Url": one.url,
        "MatchingEventTypes": list(one.event_types),  # type: ignore[arg-type]  # as they were checked
        "Enabled": one.is_enabled,
        "CreatedTimestamp": one.created_at,
    }
    if one.previous_until is not None:
        found["PreviousSecretUntil"] = one.previous_until
    return found
