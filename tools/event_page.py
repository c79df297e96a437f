"""docs/reference/events.md: the JSON in which events are published, made by the code that publishes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.aws.sns.message import Kind, SnsMessage, envelope, http_fields
from sesame.notify.event_json import (
    NOTIFIED,
    SUBJECT,
    VALIDATED,
    EventType,
    House,
    event_type,
    identity_notification,
    notification_test,
    published_event,
    subscribed_topic,
)
from sesame.store.events import Event, Happened
from sesame.store.message_facts import MessageFacts, Passage

HOUSE = House(hostname="mail.example.net", give_up_after_s=50_400.0)
ACCEPTED_AT = 1_767_225_600.25
ID = "0100019b7720dcfa-1b2c3d4e-5f60-4718-9a2b-0123456789ab-000000"
HEAD = (
    b"From: News <news@example.com>\r\nTo: reader@example.org\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n"
)
MESSAGE = MessageFacts(
    message_id=ID,
    account_id="222222222222",
    owner_account_id="111111111111",
    region="us-east-1",
    identity="example.com",
    source="News <news@example.com>",
    accepted_at=ACCEPTED_AT,
    max_delivery_s=None,
    configuration_set="receipts",
    tags={"campaign": "spring"},
    destination=("reader@example.org",),
    head=HEAD,
    is_built=False,
    passage=Passage(
        operation="SendRawEmail",
        source_ip="192.0.2.7",
        caller_identity="mailer",
        from_domain="example.com",
        tls_version="TLSv1.3",
    ),
)
TOPIC = "arn:aws:sns:us-east-1:222222222222:mail"


def _event(what: Happened, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "seq": 1, "event_id": f"{ID}/0/1", "what": what, "at": ACCEPTED_AT + 1.5, "message_id": ID,
        "account_id": MESSAGE.account_id, "owner_account_id": MESSAGE.owner_account_id, "region": MESSAGE.region,
        "configuration_set": MESSAGE.configuration_set, "recipient": "reader@example.org", "status": None,
        "diagnostic": None, "remote_mta": None,
    }  # fmt: skip
    return Event(**fields | changes)


def _attempted(what: Happened, status: str, diagnostic: str, **changes: Any) -> Event:
    words = {
        "status": status,
        "diagnostic": diagnostic,
        "remote_mta": "mx.example.org",
        "remote_ip": "198.51.100.3",
    }
    return _event(what, **words, **changes)


def samples() -> list[tuple[str, Event]]:
    """Every way in which something is told, each with what it is about."""
    preferences = {"unsubscribeAll": False, "topicSubscriptionStatus": []}
    read = {"userAgent": "Mozilla/5.0", "ipAddress": "203.0.113.9"}
    report = {
        "by": "report", "bounceType": "Permanent", "bounceSubType": "General", "action": "failed",
        "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user", "reportingMTA": "dns; mx.example.org",
    }  # fmt: skip
    complaint = {
        "by": "report", "userAgent": "Example-Feedback/1.0", "complaintFeedbackType": "abuse",
        "arrivalDate": "2026-01-01T00:00:02.000Z",
    }  # fmt: skip
    failure = {
        "errorMessage": "Attribute 'name' is not present in the rendering data.",
        "templateName": "hello",
    }
    return [
        ("The message was accepted.", _event(Happened.ACCEPTED, recipient=None)),
        ("The recipient's server accepted it.", _attempted(Happened.DELIVERED, "2.0.0", "250 2.0.0 OK")),
        (
            "An attempt failed and another will be made.",
            _attempted(Happened.DELAYED, "4.2.2", "452 4.2.2 mailbox full"),
        ),
        (
            "The recipient's server refused it for good.",
            _attempted(Happened.BOUNCED, "5.1.1", "550 5.1.1 no such user"),
        ),
        (
            "No attempt succeeded before the message expired.",
            _attempted(Happened.EXPIRED, "4.4.1", "421 4.4.1 try later", at=ACCEPTED_AT + 50_400.0),
        ),
        ("A report came back later.", _event(Happened.BOUNCED, detail=report)),
        (
            "The address is on the account's suppression list.",
            _event(Happened.SUPPRESSED, detail={"reason": "BOUNCE"}),
        ),
        (
            "The address is on the global suppression list, if the operator keeps one.",
            _event(Happened.SUPPRESSED, detail={"reason": "GLOBAL"}),
        ),
        ("The recipient complained.", _event(Happened.COMPLAINED, detail=complaint)),
        (
            "The address is on the list because of a complaint.",
            _event(Happened.SUPPRESSED, detail={"reason": "COMPLAINT"}),
        ),
        ("The message's tracking image was requested.", _event(Happened.OPENED, detail=read)),
        (
            "A link was followed.",
            _event(
                Happened.CLICKED,
                detail={**read, "link": "https://shop.example/", "linkTags": '{"genre": ["fiction"]}'},
            ),
        ),
        (
            "The template could not be rendered; nothing is sent.",
            _event(Happened.RENDERING_FAILED, recipient=None, detail=failure),
        ),
        ("Sesame does not emit this event yet.", _event(Happened.REJECTED, recipient=None)),
        (
            "Sesame does not emit this event yet.",
            _event(
                Happened.SUBSCRIBED,
                detail={
                    "contactList": "readers",
                    "source": "UnsubscribeHeader",
                    "newTopicPreferences": json.dumps(preferences),
                    "oldTopicPreferences": json.dumps(preferences),
                },
            ),
        ),
    ]


def _fenced(text: str, language: str = "json") -> list[str]:
    return [f"```{language}", *text.rstrip("\n").split("\n"), "```", ""]


def _shown(value: object) -> list[str]:
    return _fenced(json.dumps(value, indent=2, ensure_ascii=False).replace('"mail": "…"', '"mail": {…}'))


def _without_mail(text: str, whole: Mapping[str, Any]) -> list[str]:
    """An event with its mail left out, and what that one does not have."""
    told = json.loads(text)
    missing = [f"`{name}`" for name in whole if name not in told["mail"]]
    note = [f"Its `mail` has no {' and no '.join(missing)}.", ""] if missing else []
    return [*_shown({**told, "mail": "…"}), *note]


def _fields(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return _fenced("\n".join(f"{name}: {value}" for name, value in pairs), "text")


def events_page() -> str:
    """Every event as it is published, and as identities are notified of it."""
    lines = [
        "# Events",
        "",
        "What is published to the topics of identities and to the event destinations of configuration sets. Line",
        "breaks are added for readability. [Get notified](../howto/notifications.md) says how to set them up.",
        "",
        "* *Events* go to the destinations of the sender's configuration set. Their `Message` ends with one line feed.",
        "* *Notifications* of Bounce, Complaint and Delivery go to the topics that the identity's owner and the",
        "  sender have each set for the identity. They have no tags, no line feed, and headers only if enabled.",
        "* Every event is published at least once, always with the same id (SNS's `MessageId`, `webhook-id`).",
        "* `headers` contains up to 10 KB of the header block as submitted; it is empty once that has been deleted",
        "  (`retention_headers_days`).",
        "",
        "## Events by type",
        "",
    ]
    mail = json.loads(published_event(samples()[0][1], MESSAGE, HOUSE))["mail"]
    lines += ["### The message", "", "The member `mail` of the events below.", "", *_shown(mail)]
    seen: dict[EventType, list[str]] = {kind: [] for kind in EventType}
    for when, event in samples():
        text = published_event(event, MESSAGE, HOUSE)
        seen[event_type(event)].extend([when, "", *_without_mail(text, mail)])
    for kind, found in seen.items():
        lines += [
            f"### {kind.title}",
            "",
            f"`{kind.in_set}` in `MatchingEventTypes` of a destination.",
            "",
            *found,
        ]
    lines += ["## Notifications of identities", ""]
    mail = {}
    for _, event in samples():
        kind = event_type(event)
        if kind not in NOTIFIED or kind not in seen:
            continue
        del seen[kind]
        text = identity_notification(event, MESSAGE, HOUSE, with_headers=True)
        if not mail:
            mail = json.loads(text)["mail"]
            lines += ["### The message, with headers", "", *_shown(mail)]
        lines += [f"### {kind.title} of an identity", "", *_without_mail(text, mail)]
    lines += [
        "### When a topic is set",
        "",
        *_shown(json.loads(subscribed_topic(TOPIC, "Bounce", "example.com"))),
        "A test that a person sends from the console:",
        "",
        *_shown(json.loads(notification_test("Bounce", "example.com"))),
        "An event destination's topic gets a plain text instead:",
        "",
        *_fenced(VALIDATED, "text"),
        *_envelope(),
        *_webhook(),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _envelope() -> list[str]:
    message = SnsMessage(
        kind=Kind.NOTIFICATION, message_id="8b0c9d4e-53f5-5d0e-8f39-6f2f5f6c1a77", topic_arn=TOPIC, message="{…}\n",
        at=ACCEPTED_AT + 2, subject=SUBJECT,
    )  # fmt: skip
    text = envelope(
        message,
        signature="…",
        certificate_url="https://ses.example.net/SimpleNotificationService-….pem",
        unsubscribe_url=f"https://ses.example.net/?Action=Unsubscribe&SubscriptionArn={TOPIC}:…",
    )
    fields = http_fields(message, subscription_arn=f"{TOPIC}:…", is_raw=False)
    return [
        "## The envelope of SNS",
        "",
        "Posted to `http` and `https` subscriptions, and put into queues. `Subject` is absent from notifications of",
        "identities. With raw delivery the body is the `Message` alone.",
        "",
        *_fields(fields),
        *_fenced(text),
    ]


def _webhook() -> list[str]:
    return [
        "## Webhooks",
        "",
        "The body is the event without the final line feed; the signature follows Standard Webhooks.",
        "",
        *_fields(
            [
                ("Content-Type", "application/json"),
                ("webhook-id", "8b0c9d4e-53f5-5d0e-8f39-6f2f5f6c1a77"),
                ("webhook-timestamp", str(int(ACCEPTED_AT) + 2)),
                ("webhook-signature", "v1,…"),
            ]
        ),
    ]
