"""Notifications of an identity: who is told of what, by which way, what went out last, setting it, and tests."""

from collections.abc import Mapping

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.operations.notification_map import (
    MOST_PLACES,
    NOT_ASKED,
    NotificationMap,
    body_of_test,
    notification_map,
)
from sesame.operations.set_view import MOST_TOPICS
from sesame.store.told import Told

TEST_EVERY_S = 10.0
"""A person tests a kind of an identity once in as long: whoever asks again is shown the same test."""
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
    found = await _map(visit)
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
        last=(last := _last(found)),
        waits=any(one.state == "waiting" for _, told, _ in last if told for one in told.places),
        most_places=MOST_PLACES,
        once=visit.form.get("once", "") or backing.logins.random_token(),
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
            *(
                sample("Send a test", _test(name, kind, topic))
                for kind, (topic, _) in list(shown.items())
                if topic
            ),
        ],
    )


async def _map(visit: Visit) -> NotificationMap:
    backing = visit.backing
    return await notification_map(
        backing.store,
        backing.authorizer,
        visit.me,
        visit.path_values["name"],
        test=visit.query.get("test", "")[:64],
    )


def _last(found: NotificationMap) -> list[tuple[str, Told | None, bool]]:
    """For each kind that has a topic the test, if there is one, and what was told last; whether it is the test."""
    rows: list[tuple[str, Told | None, bool]] = []
    for kind in KINDS:
        if kind not in found.settings.topics:
            continue
        if found.test is not None and found.test[0] == kind:
            rows.append((kind, found.test[1], True))
        rows.append((kind, found.last.get(kind), False))
    return rows


def _test(name: str, kind: str, topic: str) -> Call:
    """Publish a test of a kind."""
    return call("sns", "Publish", TopicArn=topic, Message=body_of_test(kind, name))


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


async def send_test(visit: Visit) -> Response:
    """Publish a test to the topic of a kind, with the rights of who asks; the page then shows what became of it."""
    assert visit.login is not None
    name, kind = visit.path_values["name"], visit.form.get("kind", "")
    found = await _map(visit)
    if (why := found.why_nobody(kind)) is not None:
        word = KINDS.get(kind, kind)
        return await _page(
            visit, f"No test was sent: of mail that was {word} nobody is notified by a topic ({why}).", 400
        )
    made = _test(name, kind, found.settings.topics[kind])
    key = (visit.login.digest, f"{visit.path} {kind} {visit.now // TEST_EVERY_S}")

    async def published() -> str:
        return str((await visit.do(made))["MessageId"])

    async def sent() -> Mapping[str, str]:
        return {"MessageId": await visit.backing.once.run(key, published)}

    try:
        answer = await visit.once(sent)
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return visit.go(visit.here(f"/identities/{name}/notifications?test={answer['MessageId']}"))


_HERE = "/{region}/identities/{name}/notifications"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=f"{_HERE}/topics", handler=set_topics, method="POST"),
    Page(path=f"{_HERE}/forwarding", handler=set_forwarding, method="POST"),
    Page(path=f"{_HERE}/test", handler=send_test, method="POST"),
)
