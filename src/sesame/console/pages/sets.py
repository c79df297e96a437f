"""Configuration sets: what each changes, for which mail, and whom it tells."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.errors import AccessDenied, ServiceError
from sesame.operations.set_view import DAYS, set_view
from sesame.store.configuration_sets import MAX_DESTINATIONS

PAGE = 50
EVENTS = {
    "SEND": "accepted",
    "DELIVERY": "delivered",
    "BOUNCE": "bounced",
    "COMPLAINT": "complained of",
    "DELIVERY_DELAY": "delayed",
    "REJECT": "rejected",
    "RENDERING_FAILURE": "template not filled in",
    "SUBSCRIPTION": "unsubscribed",
    "OPEN": "opened",
    "CLICK": "clicked",
}
REASONS = ("BOUNCE", "COMPLAINT")


async def show_list(visit: Visit) -> Response:
    """The sets by name."""
    return await _list(visit)


async def _list(visit: Visit, problem: str = "", status: int = 200, name: str = "") -> Response:
    after = visit.query.get("after", "")
    answer = await visit.listed("ListConfigurationSets", after=after, size=PAGE)
    names = answer["ConfigurationSets"]
    return visit.page(
        "sets.html",
        status=status,
        problem=problem,
        given=name,
        names=names,
        more=names[-1] if answer.get("NextToken") and names else None,
        is_first=not after,
    )


async def create(visit: Visit) -> Response:
    """Make an empty set."""
    name = visit.form.get("name", "").strip()
    try:
        await visit.call("sesv2", "CreateConfigurationSet", {"ConfigurationSetName": name})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _list(visit, error.message, error.http_status, name)
    return visit.go(_here(visit, name))


def _here(visit: Visit, name: str) -> str:
    return visit.here(f"/configuration-sets/{quote(name, safe='')}")


async def show(visit: Visit) -> Response:
    """One set, whole."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200, secret: str = "") -> Response:
    backing, name = visit.backing, visit.path_values["name"]
    view = await set_view(backing.store, backing.authorizer, visit.me, name, now=visit.now)
    return visit.page(
        "set.html",
        status=status,
        problem=problem,
        secret=secret,
        name=name,
        view=view,
        found=view.found,
        days=DAYS,
        events=EVENTS,
        may_add=len(view.destinations) < MAX_DESTINATIONS,
    )


async def _try(visit: Visit, operation: str, request: Mapping[str, Any]) -> Response:
    name = visit.path_values["name"]
    try:
        await visit.call("sesv2", operation, {"ConfigurationSetName": name, **request})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _page(visit, error.message, error.http_status)
    return visit.go(_here(visit, name), said="set")


async def set_sending(visit: Visit) -> Response:
    """Refuse what is sent with it, or accept it again."""
    return await _try(
        visit, "PutConfigurationSetSendingOptions", {"SendingEnabled": visit.form.get("enabled") == "yes"}
    )


async def set_delivery(visit: Visit) -> Response:
    """Whether mail goes out over TLS alone."""
    policy = "REQUIRE" if visit.form.get("tls") == "on" else "OPTIONAL"
    return await _try(visit, "PutConfigurationSetDeliveryOptions", {"TlsPolicy": policy})


async def set_suppression(visit: Visit) -> Response:
    """For which reasons this set keeps mail back, in place of the account's."""
    reasons = [reason for reason in REASONS if visit.form.get(reason) == "on"]
    return await _try(visit, "PutConfigurationSetSuppressionOptions", {"SuppressedReasons": reasons})


async def add_destination(visit: Visit) -> Response:
    """Tell a topic of some kinds of events."""
    form = visit.form
    request = {
        "EventDestinationName": form.get("destination", "").strip(),
        "EventDestination": {
            "Enabled": True,
            "MatchingEventTypes": [kind for kind in EVENTS if form.get(kind) == "on"],
            "SnsDestination": {"TopicArn": form.get("topic", "").strip()},
        },
    }
    return await _try(visit, "CreateConfigurationSetEventDestination", request)


async def add_webhook(visit: Visit) -> Response:
    """Tell a program at an address; what signs what it is told is shown this once."""
    name, form = visit.path_values["name"], visit.form
    request = {
        "ConfigurationSetName": name,
        "EventDestinationName": form.get("destination", "").strip(),
        "Url": form.get("url", "").strip(),
        "MatchingEventTypes": [kind for kind in EVENTS if form.get(kind) == "on"],
    }
    return await _with_secret(visit, "CreateWebhook", request)


async def rotate_secret(visit: Visit) -> Response:
    """Give a webhook another secret; the one before signs as well for a day."""
    wanted = {"EventDestinationName": visit.form.get("destination", "")}
    request = {"ConfigurationSetName": visit.path_values["name"], **wanted}
    return await _with_secret(visit, "RotateWebhookSecret", request)


async def _with_secret(visit: Visit, operation: str, request: Mapping[str, Any]) -> Response:
    try:
        made = await visit.call("sesame", operation, request)
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _page(visit, error.message, error.http_status)
    return await _page(visit, secret=made["Secret"])


async def change_destination(visit: Visit) -> Response:
    """Switch a destination on or off, or remove it."""
    name, wanted = visit.path_values["name"], visit.form.get("destination", "")
    if visit.form.get("do") == "remove":
        return await _try(visit, "DeleteConfigurationSetEventDestination", {"EventDestinationName": wanted})
    told = await visit.call("sesv2", "GetConfigurationSetEventDestinations", {"ConfigurationSetName": name})
    found = next((one for one in told["EventDestinations"] if one["Name"] == wanted), None)
    if found is None:
        return await _page(visit, f"There is no destination {wanted}.", 404)
    request = {
        "EventDestinationName": wanted,
        "EventDestination": {
            "MatchingEventTypes": found["MatchingEventTypes"],
            "Enabled": visit.form.get("do") == "enable",
        },
    }
    return await _try(visit, "UpdateConfigurationSetEventDestination", request)


async def delete(visit: Visit) -> Response:
    """Remove the set, once its name is typed."""
    name = visit.path_values["name"]
    if visit.form.get("name", "").strip() != name:
        return await _page(visit, "That is not its name.", 400)
    await visit.call("sesv2", "DeleteConfigurationSet", {"ConfigurationSetName": name})
    return visit.go(visit.here("/configuration-sets"), said="gone")


_ONE = "/{region}/configuration-sets/{name}"
PAGES = (
    Page(path="/{region}/configuration-sets", handler=show_list, leave="ses:ListConfigurationSets"),
    Page(path="/{region}/configuration-sets", handler=create, method="POST"),
    Page(path=_ONE, handler=show),
    Page(path=f"{_ONE}/sending", handler=set_sending, method="POST"),
    Page(path=f"{_ONE}/delivery", handler=set_delivery, method="POST"),
    Page(path=f"{_ONE}/suppression", handler=set_suppression, method="POST"),
    Page(path=f"{_ONE}/destinations", handler=add_destination, method="POST"),
    Page(path=f"{_ONE}/webhooks", handler=add_webhook, method="POST", is_grave=True),
    Page(path=f"{_ONE}/webhooks/secret", handler=rotate_secret, method="POST", is_grave=True),
    Page(path=f"{_ONE}/destinations/change", handler=change_destination, method="POST"),
    Page(path=f"{_ONE}/delete", handler=delete, method="POST"),
)
