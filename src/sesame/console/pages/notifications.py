"""Notifications of an identity: who is told of what, by which way, and setting it."""

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


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    name = visit.path_values["name"]
    backing = visit.backing
    found = await notification_map(backing.store, backing.authorizer, visit.me, name)
    topics, hidden = found.topics.items, found.topics.refused
    asked_for = [way for way in found.ways if way.problem != NOT_ASKED]
    told_of = {way.kind for way in asked_for}
    kept = [arn for arn in found.settings.topics.values() if arn not in topics]
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
        calls=[
            sample(
                "Read who is notified", call("ses", "GetIdentityNotificationAttributes", Identities=[name])
            ),
            *(
                sample(
                    f"Save the topic of mail that was {word}",
                    *_topic(
                        name,
                        kind,
                        found.settings.topics.get(kind) or (*topics, "")[0],
                        headers=kind in found.settings.with_headers,
                    ),
                )
                for kind, word in KINDS.items()
            ),
            sample(
                "Stop mailing bounces and complaints" if found.settings.is_forwarding else "Mail them",
                _forwarding(name, on=not found.settings.is_forwarding),
            ),
        ],
    )


def _topic(name: str, kind: str, topic: str, *, headers: bool) -> list[Call]:
    """Set the topic of one kind of mail, or none, and whether it is told with the message's header."""
    which = {"Identity": name, "NotificationType": kind}
    setting = call("ses", "SetIdentityNotificationTopic", **which, **({"SnsTopic": topic} if topic else {}))
    if not topic:
        return [setting]
    return [setting, call("ses", "SetIdentityHeadersInNotificationsEnabled", **which, Enabled=headers)]


def _forwarding(name: str, *, on: bool) -> Call:
    return call("ses", "SetIdentityFeedbackForwardingEnabled", Identity=name, ForwardingEnabled=on)


async def _try(visit: Visit, *calls: Call) -> Response:
    name = visit.path_values["name"]
    try:
        for one in calls:
            await visit.do(one)
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return visit.go(visit.here(f"/identities/{name}/notifications"), said="set")


async def set_topic(visit: Visit) -> Response:
    """The topic that is told of one kind, or none, and whether with the message's header."""
    kind, topic = visit.form.get("kind", ""), visit.form.get("topic", "").strip()
    headers = visit.form.get("headers") == "on"
    return await _try(visit, *_topic(visit.path_values["name"], kind, topic, headers=headers))


async def set_forwarding(visit: Visit) -> Response:
    """Whether bounces and complaints are mailed to the return path."""
    on = visit.form.get("enabled") == "yes"
    return await _try(visit, _forwarding(visit.path_values["name"], on=on))


_HERE = "/{region}/identities/{name}/notifications"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=f"{_HERE}/topic", handler=set_topic, method="POST"),
    Page(path=f"{_HERE}/forwarding", handler=set_forwarding, method="POST"),
)
