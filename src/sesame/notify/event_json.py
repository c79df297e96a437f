"""The JSON that tells of an event: SES's identity notification, and what it publishes for a configuration set.

Pure: an event of the log and the facts of its message in, text out. Key order, types and forms are those of real
payloads, not of the guide where the two differ. Sources: SES developer guide, "Notification contents", "Contents of
event data that Amazon SES publishes to Amazon SNS", held against captured payloads.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from sesame.aws.arn import identity_arn
from sesame.aws.moments import milliseconds, timestamp
from sesame.mail.status import parse_status
from sesame.notify.head import common_headers, headers, is_truncated
from sesame.reports.diagnosis import reason_for
from sesame.reports.report import Reason
from sesame.store import global_suppression
from sesame.store.events import Event, Happened
from sesame.store.message_facts import MessageFacts

SUBJECT = "Amazon SES Email Event Notification"
"""The subject of what is published for a configuration set; an identity notification has none."""

SIMULATOR = "Amazon SES Mailbox Simulator"
"""Who reports complaints of the mailbox simulator."""

VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
"""What a topic gets when an event destination is made of it."""


class EventType(Enum):
    """What an event is called: in a configuration set (the v2 API's name), and in JSON."""

    SEND = "SEND", "Send", "send"
    REJECT = "REJECT", "Reject", "reject"
    BOUNCE = "BOUNCE", "Bounce", "bounce"
    COMPLAINT = "COMPLAINT", "Complaint", "complaint"
    DELIVERY = "DELIVERY", "Delivery", "delivery"
    OPEN = "OPEN", "Open", "open"
    CLICK = "CLICK", "Click", "click"
    RENDERING_FAILURE = "RENDERING_FAILURE", "Rendering Failure", "failure"
    DELIVERY_DELAY = "DELIVERY_DELAY", "DeliveryDelay", "deliveryDelay"
    SUBSCRIPTION = "SUBSCRIPTION", "Subscription", "subscription"

    @property
    def in_set(self) -> str:
        """The name among MatchingEventTypes."""
        return self.value[0]

    @property
    def title(self) -> str:
        """The value of `eventType` or `notificationType`."""
        return self.value[1]

    @property
    def key(self) -> str:
        """The key of its object."""
        return self.value[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What of this server is said: its name as a sending host, and how long it tries, in seconds."""

    hostname: str
    give_up_after_s: float


_TYPES = {
    Happened.ACCEPTED: EventType.SEND,
    Happened.REJECTED: EventType.REJECT,
    Happened.RENDERING_FAILED: EventType.RENDERING_FAILURE,
    Happened.DELIVERED: EventType.DELIVERY,
    Happened.DELAYED: EventType.DELIVERY_DELAY,
    Happened.BOUNCED: EventType.BOUNCE,
    Happened.EXPIRED: EventType.BOUNCE,
    Happened.COMPLAINED: EventType.COMPLAINT,
    Happened.OPENED: EventType.OPEN,
    Happened.CLICKED: EventType.CLICK,
    Happened.SUBSCRIBED: EventType.SUBSCRIPTION,
}

NOTIFIED = frozenset({EventType.BOUNCE, EventType.COMPLAINT, EventType.DELIVERY})
"""What an identity's topics are notified of."""


def event_type(event: Event) -> EventType:
    """What an event is published as; a suppressed recipient bounces, or complains if it is listed for that."""
    if event.what is Happened.SUPPRESSED:
        is_complaint = event.detail.get("reason") == "COMPLAINT"
        return EventType.COMPLAINT if is_complaint else EventType.BOUNCE
    return _TYPES[event.what]


def identity_notification(event: Event, message: MessageFacts, house: House, *, with_headers: bool) -> str:
    """What the topic of an identity gets: no newline, no tags; headers only if they are asked for."""
    kind = event_type(event)
    mail: dict[str, Any] = {
        **_mail_start(message, with_arn=True),
        "sourceIp": message.passage.source_ip,
        "callerIdentity": message.passage.caller_identity,
        "sendingAccountId": message.account_id,
        "messageId": message.message_id,
        "destination": message.destination,
    }
    if with_headers:
        mail["headersTruncated"] = is_truncated(message)
        mail["headers"] = headers(message)
        mail["commonHeaders"] = common_headers(message, message_id=None)
    what = _object(kind, event, message, house)
    if kind is EventType.BOUNCE:
        what["timestamp"] = f"{what['timestamp'][:-5]}.000Z"  # whole seconds here, milliseconds in events
    return _written("notificationType", kind, mail, what)


def published_event(event: Event, message: MessageFacts, house: House) -> str:
    """What a destination of a configuration set gets, with the newline at its end."""
    kind = event_type(event)
    with_arn = kind not in (EventType.OPEN, EventType.CLICK)
    mail: dict[str, Any] = {
        **_mail_start(message, with_arn=with_arn),
        "sendingAccountId": message.account_id,
        "messageId": message.message_id,
        "destination": message.destination,
        "headersTruncated": False,
    }
    if kind not in (EventType.RENDERING_FAILURE, EventType.DELIVERY_DELAY):
        mail["headersTruncated"] = is_truncated(message)
        mail["headers"] = headers(message)
        mail["commonHeaders"] = common_headers(message, message_id=message.message_id)
    mail["tags"] = _tags(kind, event, message)
    return _written("eventType", kind, mail, _object(kind, event, message, house)) + "\n"


def streamed_event(event: Event, message: MessageFacts, house: House) -> str:
    """What the operator's stream gets: what a configuration set's destination would, and whose it is."""
    whose = _text({"account": message.account_id, "identityOwner": message.owner_account_id})
    published = published_event(event, message, house).removesuffix("\n")
    return f"{published[:-1]},{whose[1:]}"


def event_object(event: Event, message: MessageFacts, house: House) -> Mapping[str, Any]:
    """What is said of the event alone: the object `bounce`, `delivery`, … of what is published."""
    return _object(event_type(event), event, message, house)


def event_tags(event: Event, message: MessageFacts) -> Mapping[str, list[str]]:
    """The tags that an event is published with: the automatic ones, then the message's own."""
    return _tags(event_type(event), event, message)


def subscribed_topic(topic_arn: str, kind: str, identity: str) -> str:
    """What a topic gets when it becomes that of an identity for one kind of notification."""
    return (
        _text(
            {
                "notificationType": "AmazonSnsSubscriptionSucceeded",
                "message": f"You have successfully subscribed your Amazon SNS topic '{topic_arn}' to receive '{kind}'"
                f" notifications from Amazon SES for identity '{identity}'.",
            }
        )
        + "\n"
    )


def notification_test(kind: str, identity: str) -> str:
    """What a test publishes: no notification of SES's, and of no mail, so that nobody counts it as one."""
    return _text(
        {
            "notificationType": "TestNotification",
            "message": f"This is a test of '{kind}' notifications for identity '{identity}'. It is about no message:"
            " nothing was sent, and nothing came back.",
        }
    )


def _written(type_key: str, kind: EventType, mail: Mapping[str, Any], what: Mapping[str, Any]) -> str:
    if kind in (EventType.BOUNCE, EventType.COMPLAINT):
        return _text({type_key: kind.title, kind.key: what, "mail": mail})
    return _text({type_key: kind.title, "mail": mail, kind.key: what})


def _text(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _mail_start(message: MessageFacts, *, with_arn: bool) -> dict[str, Any]:
    start: dict[str, Any] = {"timestamp": timestamp(message.accepted_at), "source": message.source}
    if with_arn:
        start["sourceArn"] = identity_arn(message.region, message.owner_account_id, message.identity)
    return start


def _tags(kind: EventType, event: Event, message: MessageFacts) -> dict[str, list[str]]:
    passage = message.passage
    automatic = {
        "ses:source-tls-version": passage.tls_version,
        "ses:operation": passage.operation,
        "ses:configuration-set": message.configuration_set or "",
        "ses:outgoing-tls-version": event.tls or "" if kind is EventType.DELIVERY else "",
        "ses:source-ip": passage.source_ip,
        "ses:from-domain": passage.from_domain,
        "ses:caller-identity": passage.caller_identity,
        "ses:outgoing-ip": event.source_ip or "" if kind is EventType.DELIVERY else "",
    }
    return {name: [value] for name, value in {**automatic, **message.tags}.items() if value}


def _object(kind: EventType, event: Event, message: MessageFacts, house: House) -> dict[str, Any]:
    match kind:
        case EventType.SEND:
            return {}
        case EventType.BOUNCE:
            return _bounce(event, message, house)
        case EventType.COMPLAINT:
            return _complaint(event)
        case EventType.DELIVERY:
            return _delivery(event, message, house)
        case EventType.DELIVERY_DELAY:
            return _delay(event, message, house)
        case EventType.REJECT:
            return {"reason": event.detail.get("reason", "Bad content")}
        case EventType.RENDERING_FAILURE:
            return {key: event.detail.get(key, "") for key in ("errorMessage", "templateName")}
        case EventType.OPEN:
            return {"timestamp": timestamp(event.at), **_reader(event, ("userAgent", "ipAddress"))}
        case EventType.CLICK:
            tags = event.detail.get("linkTags")
            return {
                "timestamp": timestamp(event.at),
                **_reader(event, ("ipAddress", "userAgent", "link")),
                "linkTags": None if tags is None else json.loads(tags),
            }
        case EventType.SUBSCRIPTION:
            return {
                "contactList": event.detail.get("contactList", ""),
                "timestamp": timestamp(event.at),
                "source": event.detail.get("source", ""),
                **{
                    name: json.loads(event.detail.get(name, "{}"))
                    for name in ("newTopicPreferences", "oldTopicPreferences")
                },
            }


def _reader(event: Event, names: tuple[str, ...]) -> dict[str, str]:
    return {name: event.detail.get(name, "") for name in names}


def _delivery(event: Event, message: MessageFacts, house: House) -> dict[str, Any]:
    found: dict[str, Any] = {
        "timestamp": timestamp(event.at),
        # Not below nothing: the clock may have been set back in between.
        "processingTimeMillis": max(0, milliseconds(event.at) - milliseconds(message.accepted_at)),
        "recipients": [event.recipient or ""],
        "smtpResponse": event.diagnostic or "",
    }
    if event.remote_ip is not None:
        found["remoteMtaIp"] = event.remote_ip
    return {**found, "reportingMTA": house.hostname}


_ON_ACCOUNT_LIST = (
    "Amazon SES did not send the message to this address because it is on the suppression list for your account."
    " For more information about removing addresses from the suppression list, see the Amazon SES Developer Guide at"
    " https://docs.aws.amazon.com/ses/latest/DeveloperGuide/sending-email-suppression-list.html"
)
_ON_GLOBAL_LIST = (
    "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid"
    " address. For more information about how to remove an address from the suppression list, see the Amazon SES"
    " Developer Guide: http://docs.aws.amazon.com/ses/latest/DeveloperGuide/remove-from-suppressionlist.html "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """Why one recipient got nothing; what is None is left out."""

    bounce_type: str = "Permanent"
    sub_type: str = "General"
    action: str | None = "failed"
    status: str | None = None
    diagnostic: str | None = None
    remote_ip: str | None = None
    reporting_mta: str | None = None


def _failure(event: Event, message: MessageFacts, house: House) -> _Failure:
    detail = event.detail
    if event.what is Happened.SUPPRESSED:
        is_for_all = detail.get("reason") == global_suppression.REASON
        return _Failure(
            sub_type="Suppressed" if is_for_all else "OnAccountSuppressionList",
            status="5.1.1",
            diagnostic=_ON_GLOBAL_LIST if is_for_all else _ON_ACCOUNT_LIST,
            reporting_mta="dns; amazonses.com",
        )
    if "by" in detail:  # a report that came back, as it was read
        return _Failure(
            bounce_type=detail.get("bounceType", "Undetermined"),
            sub_type=detail.get("bounceSubType", "Undetermined"),
            action=detail.get("action"),
            status=detail.get("status"),
            diagnostic=detail.get("diagnosticCode"),
            reporting_mta=detail.get("reportingMTA"),
        )
    here = f"dns; {house.hostname}"
    if event.what is Happened.EXPIRED:
        minutes = max(0, round((event.at - message.accepted_at) / 60))
        last = event.diagnostic or "no attempt was answered"
        return _Failure(
            bounce_type="Transient",
            status="4.4.7",
            diagnostic=f"smtp; 554 4.4.7 Message expired: unable to deliver in {minutes} minutes.<{last}>",
            remote_ip=event.remote_ip,
            reporting_mta=here,
        )
    return _Failure(
        status=event.status or "5.0.0",
        diagnostic=f"smtp; {event.diagnostic}" if event.diagnostic else None,
        remote_ip=event.remote_ip,
        reporting_mta=here,
    )


def _bounce(event: Event, message: MessageFacts, house: House) -> dict[str, Any]:
    why = _failure(event, message, house)
    recipient = {"emailAddress": event.recipient or ""}
    if why.status is not None:
        recipient |= {"action": why.action or "failed", "status": why.status}
        if why.diagnostic is not None:
            recipient["diagnosticCode"] = why.diagnostic
    found: dict[str, Any] = {
        "feedbackId": event.feedback_id,
        "bounceType": why.bounce_type,
        "bounceSubType": why.sub_type,
        "bouncedRecipients": [recipient],
        "timestamp": timestamp(event.at),
    }
    if why.remote_ip is not None:
        found["remoteMtaIp"] = why.remote_ip
    if why.reporting_mta is not None:
        found["reportingMTA"] = why.reporting_mta
    return found


def _complaint(event: Event) -> dict[str, Any]:
    is_listed = event.what is Happened.SUPPRESSED
    found: dict[str, Any] = {
        "feedbackId": event.feedback_id,
        "complaintSubType": "OnAccountSuppressionList" if is_listed else None,
        "complainedRecipients": [{"emailAddress": event.recipient or ""}],
        "timestamp": timestamp(event.at),
    }
    details = {name: event.detail.get(name) for name in ("userAgent", "complaintFeedbackType", "arrivalDate")}
    if details["userAgent"] == SIMULATOR:
        # Both are one moment there, and the date of a report has no milliseconds.
        details["arrivalDate"] = found["timestamp"]
    return found | {name: value for name, value in details.items() if value}


_DELAY_TYPES: Mapping[Reason, str] = {
    "mailbox-full": "MailboxFull",
    "spam": "SpamDetected",
    "reputation": "IPFailure",
    "network": "TransientCommunicationFailure",
    "system": "RecipientServerError",
}


def _delay(event: Event, message: MessageFacts, house: House) -> dict[str, Any]:
    status = event.status or event.detail.get("status") or "4.0.0"
    diagnostic = event.detail.get("diagnosticCode") or f"smtp; {event.diagnostic or ''}"
    life_s = house.give_up_after_s if message.max_delivery_s is None else message.max_delivery_s
    return {
        "timestamp": timestamp(event.at),
        "delayType": _DELAY_TYPES.get(reason_for(diagnostic, parse_status(status)), "General"),
        "expirationTime": timestamp(message.accepted_at + life_s),
        "delayedRecipients": [
            {
                "emailAddress": event.recipient or "",
                "status": status,
                "diagnosticCode": diagnostic,
            }
        ],
        "reportingMTA": event.detail.get("reportingMTA") or f"dns; {house.hostname}",
    }
