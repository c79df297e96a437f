"""Configuration sets: what each changes, for which mail, and whom it tells."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sesame.console.calls import Call, Sample, call, sample
from sesame.console.fates import STATES, TONES
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.operations.set_sends import LOOKED_AT
from sesame.operations.set_view import DAYS, MOST_TOPICS, SetView, set_view
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
WEBHOOK = "WebhookDestination"


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
        calls=[
            sample("List the sets", call("sesv2", "ListConfigurationSets")),
            sample("Create a configuration set", _creation(name or "newsletter")),
        ],
    )


def _creation(name: str) -> Call:
    return call("sesv2", "CreateConfigurationSet", ConfigurationSetName=name)


async def create(visit: Visit) -> Response:
    """Make an empty set."""
    name = visit.form.get("name", "").strip()
    try:
        await visit.do(_creation(name))
    except ServiceError as error:
        return await _list(visit, *problem_of(error), name)
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
        looked_at=LOOKED_AT,
        states=STATES,
        tones=TONES,
        events=EVENTS,
        most_topics=MOST_TOPICS,
        may_add=len(view.destinations) < MAX_DESTINATIONS,
        calls=_calls(name, view),
    )


def _calls(name: str, view: SetView) -> list[Sample]:
    """What the page reads and its buttons do."""
    found, topic = view.found, (*view.topics.items, "arn:aws:sns:us-east-1:111122223333:events")[0]
    kinds = ("DELIVERY", "BOUNCE", "COMPLAINT")
    reasons = REASONS if found.suppressed_reasons is None else found.suppressed_reasons
    return [
        sample("Read the set", _of(name, "GetConfigurationSet")),
        *(
            [sample("List the webhooks", call("sesame", "ListWebhooks"))]
            if any(WEBHOOK in one for one in view.destinations.values())
            else []
        ),
        sample("Add a topic", _topic(name, "events", topic, kinds)),
        sample("Add a webhook", _webhook(name, "program", "https://example.com/events", kinds)),
        *(
            sample(title, made)
            for key, one in list(view.destinations.items())[:1]
            for title, made in (
                (f"Switch {key} {'off' if one['Enabled'] else 'on'}", _switch(name, key, one)),
                *([(f"Give {key} a new secret", _rotation(name, key))] if WEBHOOK in one else []),
                (f"Remove {key}", _removal(name, key)),
            )
        ),
        sample(
            "Refuse mail with this set" if found.sending_enabled else "Accept mail with this set again",
            _sending(name, enabled=not found.sending_enabled),
        ),
        sample("Save TLS", _delivery(name, requires_tls=found.requires_tls)),
        sample("Save reasons", _suppression(name, reasons)),
        *(
            [sample("Use the account's reasons", _suppression(name, None))]
            if found.suppressed_reasons is not None
            else []
        ),
        sample("Delete this set", _of(name, "DeleteConfigurationSet")),
    ]


def _of(name: str, operation: str, **more: Any) -> Call:
    return call("sesv2", operation, ConfigurationSetName=name, **more)


def _sending(name: str, *, enabled: bool) -> Call:
    return _of(name, "PutConfigurationSetSendingOptions", SendingEnabled=enabled)


def _delivery(name: str, *, requires_tls: bool) -> Call:
    return _of(
        name, "PutConfigurationSetDeliveryOptions", TlsPolicy="REQUIRE" if requires_tls else "OPTIONAL"
    )


def _suppression(name: str, reasons: Iterable[str] | None) -> Call:
    """Give reasons in place of the account's; None: go back to those."""
    given = {} if reasons is None else {"SuppressedReasons": list(reasons)}
    return _of(name, "PutConfigurationSetSuppressionOptions", **given)


def _topic(name: str, destination: str, topic: str, kinds: Iterable[str]) -> Call:
    definition: dict[str, object] = {
        "Enabled": True,
        "MatchingEventTypes": list(kinds),
        "SnsDestination": {"TopicArn": topic},
    }
    return _of(
        name,
        "CreateConfigurationSetEventDestination",
        EventDestinationName=destination,
        EventDestination=definition,
    )


def _webhook(name: str, destination: str, url: str, kinds: Iterable[str]) -> Call:
    return call(
        "sesame",
        "CreateWebhook",
        ConfigurationSetName=name,
        EventDestinationName=destination,
        Url=url,
        MatchingEventTypes=list(kinds),
    )


def _switch(name: str, destination: str, found: Mapping[str, Any], *, on: bool | None = None) -> Call:
    """Switch a destination on or off, without `on` the other way."""
    definition: dict[str, object] = {
        "MatchingEventTypes": list(found["MatchingEventTypes"]),
        "Enabled": not found["Enabled"] if on is None else on,
    }
    return _of(
        name,
        "UpdateConfigurationSetEventDestination",
        EventDestinationName=destination,
        EventDestination=definition,
    )


def _removal(name: str, destination: str) -> Call:
    return _of(name, "DeleteConfigurationSetEventDestination", EventDestinationName=destination)


def _wrong(message: str) -> tuple[str, ...]:
    """The field that an error is about, if it names its parameter and not what stands in it."""
    said = {
        "a name is": "destination",
        "topicArn": "topic",
        "matchingEventTypes": "kinds",
        "event type": "kinds",
        "URL": "url",
    }
    return tuple(field for words, field in said.items() if words in message)


async def _try(visit: Visit, made: Call) -> Response:
    name = visit.path_values["name"]
    try:
        await visit.do(made)
    except ServiceError as error:
        visit.wrong = _wrong(error.message)
        return await _page(visit, *problem_of(error))
    return visit.go(_here(visit, name), said="set")


async def set_sending(visit: Visit) -> Response:
    """Refuse what is sent with it, or accept it again."""
    return await _try(visit, _sending(visit.path_values["name"], enabled=visit.form.get("enabled") == "yes"))


async def set_delivery(visit: Visit) -> Response:
    """Whether mail goes out over TLS alone."""
    return await _try(visit, _delivery(visit.path_values["name"], requires_tls=visit.form.get("tls") == "on"))


async def set_suppression(visit: Visit) -> Response:
    """For which reasons this set keeps mail back, in place of the account's, or for those again."""
    reasons = [reason for reason in REASONS if visit.form.get(reason) == "on"]
    wanted = None if visit.form.get("do") == "account" else reasons
    return await _try(visit, _suppression(visit.path_values["name"], wanted))


async def add_destination(visit: Visit) -> Response:
    """Tell a topic of some kinds of events."""
    name, form = visit.path_values["name"], visit.form
    kinds = [kind for kind in EVENTS if form.get(kind) == "on"]
    made = _topic(name, form.get("destination", "").strip(), form.get("topic", "").strip(), kinds)
    return await _try(visit, made)


async def add_webhook(visit: Visit) -> Response:
    """Publish to a program at an address; the secret that signs is shown this once."""
    name, form = visit.path_values["name"], visit.form
    kinds = [kind for kind in EVENTS if form.get(kind) == "on"]
    made = _webhook(name, form.get("destination", "").strip(), form.get("url", "").strip(), kinds)
    return await _with_secret(visit, made)


async def rotate_secret(visit: Visit) -> Response:
    """Give a webhook another secret; the one before signs as well for a day."""
    return await _with_secret(visit, _rotation(visit.path_values["name"], visit.form.get("destination", "")))


def _rotation(name: str, destination: str) -> Call:
    return call("sesame", "RotateWebhookSecret", ConfigurationSetName=name, EventDestinationName=destination)


async def _with_secret(visit: Visit, made: Call) -> Response:

    async def secret() -> Mapping[str, Any]:
        return {"Secret": (await visit.do(made))["Secret"]}

    try:
        answer = await visit.once(secret)
    except ServiceError as error:
        visit.wrong = _wrong(error.message)
        return await _page(visit, *problem_of(error))
    return await _page(visit, secret=answer["Secret"])


async def change_destination(visit: Visit) -> Response:
    """Switch a destination on or off, or remove it."""
    name, wanted = visit.path_values["name"], visit.form.get("destination", "")
    if visit.form.get("do") == "remove":
        return await _try(visit, _removal(name, wanted))
    answer = await visit.do(_of(name, "GetConfigurationSetEventDestinations"))
    found = next((one for one in answer["EventDestinations"] if one["Name"] == wanted), None)
    if found is None:
        return await _page(visit, f"There is no destination {wanted}.", 404)
    return await _try(visit, _switch(name, wanted, found, on=visit.form.get("do") == "enable"))


async def delete(visit: Visit) -> Response:
    """Remove the set, once its name is typed."""
    name = visit.path_values["name"]
    if visit.form.get("name", "").strip() != name:
        visit.wrong = ("name",)
        return await _page(visit, "That is not its name.", 400)
    await visit.do(_of(name, "DeleteConfigurationSet"))
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
