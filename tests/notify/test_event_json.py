"""The JSON of events and notifications: every type and form; held against real payloads."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from sesame.aws.moments import timestamp
from sesame.notify import event_json
from sesame.notify.event_json import (
    SIMULATOR,
    EventType,
    event_type,
    identity_notification,
    published_event,
    subscribed_topic,
)
from sesame.store.events import Event, Happened
from sesame.store.message_facts import Passage
from tests.support.happenings import HOUSE, MESSAGE_ID, event, facts
from tests.support.payloads import Sample, samples

CLICKED = event(
    Happened.CLICKED,
    detail={
        "ipAddress": "192.0.2.1",
        "userAgent": "M",
        "link": "https://l.test/",
        "linkTags": '{"k": ["v"]}',
    },
)
PREFERENCES = (
    '{"unsubscribeAll":true,"topicSubscriptionStatus":[{"topicName":"T","subscriptionStatus":"OptOut"}]}'
)
EVENTS: dict[EventType, Event] = {
    EventType.SEND: event(Happened.ACCEPTED),
    EventType.REJECT: event(Happened.REJECTED),
    EventType.BOUNCE: event(Happened.BOUNCED),
    EventType.COMPLAINT: event(
        Happened.COMPLAINED,
        detail={
            "by": "report",
            "userAgent": "Yahoo!-Mail-Feedback/2.0",
            "complaintFeedbackType": "abuse",
            "arrivalDate": "2026-07-27T15:09:37.000Z",
        },
    ),
    EventType.DELIVERY: event(Happened.DELIVERED, source_ip="192.0.2.99"),
    EventType.OPEN: event(Happened.OPENED, detail={"userAgent": "Mozilla/5.0", "ipAddress": "192.0.2.1"}),
    EventType.CLICK: CLICKED,
    EventType.RENDERING_FAILURE: event(
        Happened.RENDERING_FAILED, detail={"templateName": "t", "errorMessage": "no `name`"}
    ),
    EventType.DELIVERY_DELAY: event(Happened.DELAYED),
    EventType.SUBSCRIPTION: event(
        Happened.SUBSCRIBED,
        detail={
            "contactList": "l",
            "source": "UnsubscribeHeader",
            "newTopicPreferences": PREFERENCES,
            "oldTopicPreferences": PREFERENCES,
        },
    ),
}
MAIL_ORDER = [
    "timestamp",
    "source",
    "sourceArn",
    "sourceIp",
    "callerIdentity",
    "sendingAccountId",
    "messageId",
    "destination",
    "headersTruncated",
    "headers",
    "commonHeaders",
    "tags",
]


def test_an_identity_is_told_of_these_three() -> None:
    assert {kind.title for kind in event_json.NOTIFIED} == {"Bounce", "Complaint", "Delivery"}


def told(event: Event, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(published_event(event, facts(**changes), HOUSE))
    return found


@pytest.mark.parametrize("kind", list(EventType))
def test_an_event_begins_with_its_type_and_ends_with_a_newline(kind: EventType) -> None:
    text = published_event(EVENTS[kind], facts(), HOUSE)
    assert text.endswith("}\n") and text.count("\n") == 1
    found = json.loads(text)
    last = [kind.key, "mail"] if kind in (EventType.BOUNCE, EventType.COMPLAINT) else ["mail", kind.key]
    assert list(found) == ["eventType", *last]
    assert found["eventType"] == kind.title
    is_known = [key for key in MAIL_ORDER if key in found["mail"]]
    assert list(found["mail"]) == is_known
    assert ("sourceArn" in found["mail"]) == (kind not in (EventType.OPEN, EventType.CLICK))
    assert ("headers" in found["mail"]) == (
        kind not in (EventType.RENDERING_FAILURE, EventType.DELIVERY_DELAY)
    )
    assert found["mail"]["headersTruncated"] is False
    assert not {"sourceIp", "callerIdentity"} & found["mail"].keys()


@pytest.mark.parametrize("kind", [EventType.BOUNCE, EventType.COMPLAINT, EventType.DELIVERY])
@pytest.mark.parametrize("with_headers", [False, True])
def test_a_notification_has_no_newline_no_tags_and_headers_only_when_asked_for(
    kind: EventType, with_headers: bool
) -> None:
    text = identity_notification(EVENTS[kind], facts(), HOUSE, with_headers=with_headers)
    assert "\n" not in text and '": ' not in text
    found = json.loads(text)
    assert next(iter(found.items())) == ("notificationType", kind.title)
    mail = found["mail"]
    wanted = MAIL_ORDER[:11] if with_headers else MAIL_ORDER[:8]
    assert list(mail) == wanted
    assert mail["sourceArn"] == "arn:aws:ses:us-east-1:222222222222:identity/example.com"
    assert (mail["sendingAccountId"], mail["sourceIp"], mail["callerIdentity"]) == (
        "111111111111", "192.0.2.7", "robot",
    )  # fmt: skip
    if with_headers:
        assert mail["commonHeaders"]["messageId"] == "<mine@example.com>"


def test_headers_are_told_as_they_were_submitted() -> None:
    mail = told(EVENTS[EventType.SEND])["mail"]
    assert [header["name"] for header in mail["headers"]][:7] == [
        "X-SES-CONFIGURATION-SET", "From", "Reply-To", "To", "Cc", "Bcc", "Subject",
    ]  # fmt: skip
    values = {header["name"]: header["value"] for header in mail["headers"]}
    assert values["From"] == "Zoë <zoe@example.com>"
    assert values["Content-Type"] == 'multipart/alternative;  boundary="x"'
    assert list(mail["commonHeaders"].items()) == [
        ("from", ["Zoë <zoe@example.com>"]),
        ("replyTo", ["a@r.test", "b@r.test"]),
        ("date", "Tue, 4 Feb 2020 17:45:39 -0300"),
        ("to", ["reader@one.test"]),
        ("cc", ["Other <other@two.test>"]),
        ("bcc", ["secret@three.test"]),
        ("messageId", MESSAGE_ID),
        ("subject", "Sü"),
    ]
    assert '"Zoë <zoe@example.com>"' in published_event(EVENTS[EventType.SEND], facts(), HOUSE)


def test_what_we_put_on_a_message_is_not_told_as_its_senders() -> None:
    mail = told(EVENTS[EventType.SEND], is_built=True)["mail"]
    assert not {"Date", "Message-ID"} & {header["name"] for header in mail["headers"]}
    assert "date" not in mail["commonHeaders"]
    built = identity_notification(EVENTS[EventType.BOUNCE], facts(is_built=True), HOUSE, with_headers=True)
    assert "messageId" not in json.loads(built)["mail"]["commonHeaders"]


def test_a_head_that_is_gone_leaves_the_types_as_they_are() -> None:
    mail = told(EVENTS[EventType.BOUNCE], head=None)["mail"]
    assert (mail["headersTruncated"], mail["headers"]) == (False, [])
    assert mail["commonHeaders"] == {"messageId": MESSAGE_ID}


def test_a_head_that_is_cut_off_says_so_and_has_whole_fields_only() -> None:
    head = (b"From: a@example.com\r\n" + b"X-Long: " + b"y" * 11_000)[: 10 * 1024]
    mail = told(EVENTS[EventType.SEND], head=head)["mail"]
    assert mail["headersTruncated"] is True
    assert mail["headers"] == [{"name": "From", "value": "a@example.com"}]


@pytest.mark.parametrize(
    ("name", "shown"), [("Plain", "Plain <a@b.test>"), ('"Last, First"', '"Last, First" <a@b.test>')]
)
def test_a_display_name_is_quoted_where_it_would_read_as_something_else(name: str, shown: str) -> None:
    mail = told(EVENTS[EventType.SEND], head=f"From: {name} <a@b.test>\r\n".encode())["mail"]
    assert mail["commonHeaders"]["from"] == [shown]


def test_an_address_list_that_cannot_be_read_is_told_as_it_is_written() -> None:
    mail = told(EVENTS[EventType.SEND], head=b"From: a@b.test\r\nTo: undisclosed recipients <\r\n")["mail"]
    assert mail["commonHeaders"]["to"] == ["undisclosed recipients <"]


def test_tags_are_those_of_the_message_among_the_automatic_ones() -> None:
    passage = Passage(
        operation="SendSmtpEmail", source_ip="192.0.2.7", caller_identity="root", from_domain=""
    )
    assert told(EVENTS[EventType.DELIVERY], passage=passage)["mail"]["tags"] == {
        "ses:operation": ["SendSmtpEmail"],
        "ses:configuration-set": ["set"],
        "ses:outgoing-tls-version": ["TLSv1.3"],
        "ses:source-ip": ["192.0.2.7"],
        "ses:caller-identity": ["root"],
        "ses:outgoing-ip": ["192.0.2.99"],
        "campaign": ["spring"],
    }
    bounce = told(EVENTS[EventType.BOUNCE])["mail"]["tags"]
    assert bounce["ses:source-tls-version"] == ["TLSv1.3"]
    assert not bounce.keys() & {"ses:outgoing-tls-version", "ses:outgoing-ip"}


def test_nothing_took_less_than_no_time_though_the_clock_was_set_back() -> None:
    early = EVENTS[EventType.DELIVERY].at - 86_400.0
    delivered = told(replace(EVENTS[EventType.DELIVERY], at=early))["delivery"]
    assert delivered["processingTimeMillis"] == 0
    expired = told(replace(EVENTS[EventType.BOUNCE], what=Happened.EXPIRED, at=early))["bounce"]
    assert "in 0 minutes" in expired["bouncedRecipients"][0]["diagnosticCode"]


def test_the_reply_of_a_delivery_and_how_long_it_took() -> None:
    assert list(told(EVENTS[EventType.DELIVERY])["delivery"].items()) == [
        ("timestamp", "2020-09-13T12:26:41.500Z"),
        ("processingTimeMillis", 1250),
        ("recipients", ["reader@one.test"]),
        ("smtpResponse", "250 2.0.0 OK"),
        ("remoteMtaIp", "198.51.100.3"),
        ("reportingMTA", "mx.sesame.test"),
    ]


@pytest.mark.parametrize(
    ("what", "changes", "kind", "recipient", "rest"),
    [
        (
            Happened.BOUNCED,
            {},
            ("Permanent", "General"),
            {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"},
            {"remoteMtaIp": "198.51.100.3", "reportingMTA": "dns; mx.sesame.test"},
        ),
        (
            Happened.EXPIRED,
            {"at": 1_600_050_400.25},
            ("Transient", "General"),
            {
                "action": "failed",
                "status": "4.4.7",
                "diagnosticCode": "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes."
                "<421 4.4.1 Unable to connect to remote host>",
            },
            {"remoteMtaIp": "198.51.100.3", "reportingMTA": "dns; mx.sesame.test"},
        ),
        (
            Happened.SUPPRESSED,
            {"detail": {"reason": "BOUNCE"}},
            ("Permanent", "OnAccountSuppressionList"),
            {"action": "failed", "status": "5.1.1", "diagnosticCode": event_json._ON_ACCOUNT_LIST},
            {"reportingMTA": "dns; amazonses.com"},
        ),
        (
            Happened.SUPPRESSED,
            {"detail": {"reason": "GLOBAL"}},
            ("Permanent", "Suppressed"),
            {"action": "failed", "status": "5.1.1", "diagnosticCode": event_json._ON_GLOBAL_LIST},
            {"reportingMTA": "dns; amazonses.com"},
        ),
        (
            Happened.BOUNCED,
            {
                "remote_ip": None,
                "detail": {
                    "by": "report",
                    "bounceType": "Transient",
                    "bounceSubType": "MailboxFull",
                    "action": "Failed",
                    "status": "4.2.2",
                    "diagnosticCode": "smtp;452 4.2.2 full",
                    "reportingMTA": "dns;MB03.example",
                },
            },
            ("Transient", "MailboxFull"),
            {"action": "Failed", "status": "4.2.2", "diagnosticCode": "smtp;452 4.2.2 full"},
            {"reportingMTA": "dns;MB03.example"},
        ),
        (
            Happened.BOUNCED,
            {"detail": {"by": "auto-reply", "bounceType": "Transient", "bounceSubType": "General"}},
            ("Transient", "General"),
            {},
            {"remoteMtaIp": None, "reportingMTA": None},
        ),
    ],
)
def test_each_failure_has_its_bounce(
    what: Happened,
    changes: dict[str, Any],
    kind: tuple[str, str],
    recipient: dict[str, str],
    rest: dict[str, str | None],
) -> None:
    found = told(event(what, **changes))["bounce"]
    assert (found["bounceType"], found["bounceSubType"]) == kind
    assert list(found["bouncedRecipients"][0].items()) == [
        ("emailAddress", "reader@one.test"),
        *recipient.items(),
    ]
    assert {key: found.get(key) for key in rest} == rest


def test_who_is_listed_for_a_complaint_complains_and_the_sub_type_is_always_there() -> None:
    suppressed = event(Happened.SUPPRESSED, detail={"reason": "COMPLAINT"})
    assert event_type(suppressed) is EventType.COMPLAINT
    assert told(suppressed)["complaint"]["complaintSubType"] == "OnAccountSuppressionList"
    assert told(EVENTS[EventType.COMPLAINT])["complaint"]["complaintSubType"] is None


def test_a_complaint_says_what_the_report_said() -> None:
    found = told(EVENTS[EventType.COMPLAINT])["complaint"]
    assert list(found.items())[4:] == [
        ("userAgent", "Yahoo!-Mail-Feedback/2.0"),
        ("complaintFeedbackType", "abuse"),
        ("arrivalDate", "2026-07-27T15:09:37.000Z"),
    ]
    simulated = event(
        Happened.COMPLAINED,
        detail={"by": "report", "userAgent": SIMULATOR, "arrivalDate": "2020-09-13T12:26:41.000Z"},
    )
    assert told(simulated)["complaint"]["arrivalDate"] == told(simulated)["complaint"]["timestamp"]
    silent = event(Happened.COMPLAINED, detail={"by": "report"})
    assert list(told(silent)["complaint"]) == [
        "feedbackId", "complaintSubType", "complainedRecipients", "timestamp",
    ]  # fmt: skip


def test_a_delay_says_until_when_it_is_tried() -> None:
    delay = told(EVENTS[EventType.DELIVERY_DELAY], max_delivery_s=600)["deliveryDelay"]
    assert (delay["delayType"], delay["expirationTime"]) == (
        "TransientCommunicationFailure", "2020-09-13T12:36:40.250Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "reply", "delay_type"),
    [
        ("4.4.1", "421 4.4.1 Unable to connect to remote host", "TransientCommunicationFailure"),
        ("4.4.0", "421 4.4.0 Unable to lookup DNS for d.example", "TransientCommunicationFailure"),
        ("4.2.2", "452 4.2.2 The mailbox is over quota", "MailboxFull"),
        ("4.0.0", "452 mailbox full", "MailboxFull"),
        ("4.3.1", "452 4.3.1 Insufficient system storage", "RecipientServerError"),
        ("4.7.0", "421 4.7.0 suspected spam", "SpamDetected"),
        (
            "4.7.28",
            "421-4.7.28 unusual rate of unsolicited mail originating from your IP address",
            "IPFailure",
        ),
        ("4.7.1", "450 4.7.1 Greylisted, try again", "General"),
        ("4.2.1", "450 4.2.1 The user is receiving mail too quickly", "General"),
    ],
)
def test_a_delay_is_of_the_type_that_its_words_and_code_mean(
    status: str, reply: str, delay_type: str
) -> None:
    delayed = event(Happened.DELAYED, status=status, diagnostic=reply)
    assert told(delayed)["deliveryDelay"]["delayType"] == delay_type
    reported = event(
        Happened.DELAYED,
        attempt_seq=None,
        detail={"by": "report", "status": status, "diagnosticCode": f"smtp; {reply}"},
        status=None,
        diagnostic=None,
    )
    assert told(reported)["deliveryDelay"]["delayType"] == delay_type


def test_a_bounces_time_is_in_whole_seconds_in_notifications_alone() -> None:
    notification = identity_notification(EVENTS[EventType.BOUNCE], facts(), HOUSE, with_headers=False)
    assert json.loads(notification)["bounce"]["timestamp"] == "2020-09-13T12:26:41.000Z"
    assert told(EVENTS[EventType.BOUNCE])["bounce"]["timestamp"] == "2020-09-13T12:26:41.500Z"


def test_a_feedback_id_is_of_the_events_time_and_stays_the_same() -> None:
    found = told(EVENTS[EventType.BOUNCE])["bounce"]["feedbackId"]
    assert found == told(EVENTS[EventType.BOUNCE])["bounce"]["feedbackId"]
    assert len(found) == 60 and int(found[4:16], 16) == 1_600_000_001_500
    assert found != told(event(Happened.BOUNCED, event_id=f"{MESSAGE_ID}/1/1"))["bounce"]["feedbackId"]


def test_a_time_has_three_decimals_and_z() -> None:
    assert timestamp(1_600_000_000) == "2020-09-13T12:26:40.000Z"
    assert timestamp(0.9999) == "1970-01-01T00:00:00.999Z"


# The captured payloads


def order_of(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where the payload has what ours has not, in another order or of another type."""
    if type(ours) is not type(theirs):
        return [f"{path}: {type(ours).__name__} for {type(theirs).__name__}"]
    if isinstance(theirs, dict):
        missing = [f"{path}/{key} is missing" for key in theirs if key not in ours]
        common = [key for key in theirs if key in ours]
        if path.endswith("tags"):
            common = [key for key in common if key.startswith("ses:")]
        mine = [key for key in ours if key in common]
        wrong = [] if mine == common else [f"{path}: {mine} for {common}"]
        return (
            missing
            + wrong
            + [line for key in common for line in order_of(ours[key], theirs[key], f"{path}/{key}")]
        )
    if isinstance(theirs, list) and theirs:
        return order_of(ours[0], theirs[0], f"{path}[]") if ours else [f"{path} is empty"]
    return []


def rebuilt(sample: Sample) -> str:
    """What we tell when that happened."""
    theirs = sample.message
    kind = next(
        kind for kind in EventType if kind.title in (theirs.get("eventType"), theirs.get("notificationType"))
    )
    mail, what = theirs["mail"], theirs[kind.key]
    head = "".join(f"{header['name']}: {header['value']}\r\n" for header in mail.get("headers", ()))
    tags = mail.get("tags", {})
    message = facts(
        head=head.encode(),
        is_built=False,
        source=mail["source"],
        destination=tuple(mail["destination"]),
        tags={name: value[0] for name, value in tags.items() if not name.startswith("ses:")},
        passage=Passage(
            operation=tags.get("ses:operation", [""])[0],
            source_ip=mail.get("sourceIp", tags.get("ses:source-ip", [""])[0]),
            caller_identity=mail.get("callerIdentity", tags.get("ses:caller-identity", [""])[0]),
            from_domain=tags.get("ses:from-domain", [""])[0],
            tls_version=tags.get("ses:source-tls-version", [""])[0],
        ),
    )
    happened = EVENTS[kind]
    if kind is EventType.BOUNCE:
        first = what["bouncedRecipients"][0]
        happened = event(
            Happened.BOUNCED,
            **({} if "remoteMtaIp" in what else {"remote_ip": None}),
            **({} if "diagnosticCode" in first else {"diagnostic": None}),
        )
        if "status" not in first:
            happened = event(
                Happened.BOUNCED,
                attempt_seq=None,
                detail={"bounceType": "Transient", "bounceSubType": "General"},
            )
    if kind is EventType.CLICK and what["linkTags"] is None:
        happened = event(Happened.CLICKED, detail={"link": "l"})
    if "eventType" in theirs:
        return published_event(happened, message, HOUSE)
    return identity_notification(happened, message, HOUSE, with_headers="headers" in mail)


def comparable(sample: Sample) -> bool:
    """Real ones, of a time from which on the order is today's; of those never captured, the guide's."""
    never_captured = sample.type in ("event:Reject", "event:DeliveryDelay", "event:Subscription")
    return never_captured or (sample.is_real and (sample.date >= "2021" or not sample.date))


SAMPLES = [
    sample
    for sample in (*samples("event:"), *samples("notification:"))
    if comparable(sample) and "AmazonSns" not in sample.type
]


@pytest.mark.skipif(not SAMPLES, reason="the captured payloads are not beside this repository")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_keys_are_in_the_order_and_of_the_types_of_real_payloads(sample: Sample) -> None:
    ours = json.loads(rebuilt(sample))
    assert order_of(ours, sample.message) == []
    newer = {"remoteMtaIp", "reportingMTA"}
    kind = next(key for key in ours if key not in ("eventType", "notificationType", "mail"))
    assert ours[kind].keys() - sample.message[kind].keys() <= newer


@pytest.mark.skipif(not SAMPLES, reason="the captured payloads are not beside this repository")
@pytest.mark.parametrize("sample", samples("notification:AmazonSns"), ids=lambda sample: sample.name)
def test_a_topic_is_told_that_it_was_chosen_in_the_words_of_a_real_payload(sample: Sample) -> None:
    words = sample.message["message"].split("'")
    ours = subscribed_topic(words[1], words[3], words[5])
    assert ours.endswith("}\n")
    assert list(json.loads(ours).items()) == list(sample.message.items())
