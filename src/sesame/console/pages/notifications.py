"""Notifications of an identity: who is told of what, by which way, and setting it."""

from collections.abc import Mapping

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.operations.notification_map import NOT_ASKED, notification_map
from sesame.operations.set_view import MOST_TOPICS

KINDS = {"Bounce": "bounced", "Complaint": "complained of", "Delivery": "delivered"}


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


Topics = Mapping[str, tuple[str, bool]]
"""For each kind the topic, or "", and whether it is told with the message's header."""


async def _page(visit: Visit, problem: str = "", status: int = 200, given: Topics | None = None) -> Response:
    """`given` is what a form that failed asked for."""
    name = visit.path_values["name"]
    backing = visit.backing
    found = await notification_map(backing.store, backing.authorizer, visit.me, name)
    topics, hidden = found.topics.items, found.topics.refused
    asked_for = [way for way in found.ways if way.problem != NOT_ASKED]
    told_of = {way.kind for way in asked_for}
    settings = found.settings
    typed = [topic for topic, _ in (given or {}).values() if topic]
    kept = [arn for arn in (*settings.topics.values(), *typed) if arn not in topics]
    shown = {kind: (settings.topics.get(kind, ""), kind in settings.with_headers) for kind in KINDS}
    first = next(iter(topics), "")
    usual = {kind: (topic or first, headers) for kind, (topic, headers) in shown.items()}
    return visit.page(
        "notifications.html",
        status=status,
        problem=problem,
        name=name,
        found=found,
        asked_for=asked_for,
        unasked=dict.fromkeys(way.kind.title for way in found.ways if way.kind not in told_of),
        topics=[*topics, *dict.fromkeys(kept)],
        most_topics=MOST_TOPICS,
        hidden=hidden,
        kinds=KINDS,
        shown=shown,
        given={**shown, **(given or {})},
        calls=[
            sample(
                "Read who is notified", call("ses", "GetIdentityNotificationAttributes", Identities=[name])
            ),
            sample(
                "Save topics", *(_changes(name, shown, usual) or _topic(name, "Bounce", *shown["Bounce"]))
            ),
            sample(
                "Stop mailing bounces and complaints" if settings.is_forwarding else "Mail them",
                _forwarding(name, on=not settings.is_forwarding),
            ),
        ],
    )


def _changes(name: str, before: Topics, wanted: Topics) -> list[Call]:
    """Set the topics of those kinds of which something is to change."""
    return [
        one for kind, asked in wanted.items() if asked != before[kind] for one in _topic(name, kind, *asked)
    ]


def _topic(name: str, kind: str, topic: str, headers: bool) -> list[Call]:
    """Set the topic of one kind of mail, or none, and whether it is told with the message's header."""
    which = {"Identity": name, "NotificationType": kind}
    setting = call("ses", "SetIdentityNotificationTopic", **which, **({"SnsTopic": topic} if topic else {}))
    if not topic:
        return [setting]
    return [setting, call("ses", "SetIdentityHeadersInNotificationsEnabled", **which, Enabled=headers)]


def _forwarding(name: str, *, on: bool) -> Call:
    return call("ses", "SetIdentityFeedbackForwardingEnabled", Identity=name, ForwardingEnabled=on)


async def _try(visit: Visit, *calls: Call, given: Topics | None = None) -> Response:
    name = visit.path_values["name"]
    try:
        for one in calls:
            await visit.do(one)
    except ServiceError as error:
        return await _page(visit, *problem_of(error), given)
    return visit.go(visit.here(f"/identities/{name}/notifications"), said="set")


async def set_topics(visit: Visit) -> Response:
    """The topics that are told of each kind; what the page had shown and is still asked for stays as it is."""
    form = visit.form
    shown = {kind: (form.get(f"was-{kind}", ""), form.get(f"had-{kind}") == "on") for kind in KINDS}
    asked = {
        kind: (form.get(f"topic-{kind}", "").strip(), form.get(f"headers-{kind}") == "on")
        for kind in KINDS
        if f"topic-{kind}" in form
    }
    return await _try(visit, *_changes(visit.path_values["name"], shown, asked), given=asked)


async def set_forwarding(visit: Visit) -> Response:
    """Whether bounces and complaints are mailed to the return path."""
    on = visit.form.get("enabled") == "yes"
    return await _try(visit, _forwarding(visit.path_values["name"], on=on))


_HERE = "/{region}/identities/{name}/notifications"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=f"{_HERE}/topics", handler=set_topics, method="POST"),
    Page(path=f"{_HERE}/forwarding", handler=set_forwarding, method="POST"),
)
