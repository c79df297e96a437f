"""Feedback that a relay tells as JSON in a mail: SES's notifications, sent by an SNS email subscription.

For instances that send through SES: reads Bounce, Complaint and Delivery, in the notification's and the
event's spelling, whether the mail holds the message alone or the SNS envelope around it. Source: SES
developer guide, contents of notifications.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

RECIPIENT_LIMIT = 100
_KINDS: dict[str, Literal["bounce", "complaint", "delivery"]] = {
    "bounce": "bounce",
    "complaint": "complaint",
    "delivery": "delivery",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedRecipient:
    """One recipient of a notification; empty text where it says nothing."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedFeedback:
    """What a notification says."""

    kind: Literal["bounce", "complaint", "delivery"]
    recipients: tuple[RelayedRecipient, ...]
    feedback_type: str = ""
    user_agent: str = ""
    arrival_date: str = ""
    reporting_mta: str = ""
    source: str = ""
    bounce_type: str = ""
    bounce_sub_type: str = ""


def find_ses_json(text: str) -> RelayedFeedback | None:
    """The notification that a text begins with, or None."""
    text = text.lstrip()
    if not text.startswith("{") or ('"mail' not in text and '\\"mail' not in text):
        return None
    read = _read(text) or _read(text.replace("!\n ", ""))  # sendmail breaks lines over 990 characters so
    inner = read.get("Message")
    if isinstance(inner, str):
        read = _read(inner)
    kind = _KINDS.get((_text(read, "notificationType") or _text(read, "eventType")).lower())
    if kind is None:
        return None
    feedback = _object(read, kind)
    listed = {"bounce": "bouncedRecipients", "complaint": "complainedRecipients", "delivery": "recipients"}[
        kind
    ]
    return RelayedFeedback(
        kind=kind,
        recipients=tuple(_recipients(feedback.get(listed), _text(feedback, "smtpResponse")))[
            :RECIPIENT_LIMIT
        ],
        feedback_type=_text(feedback, "complaintFeedbackType"),
        user_agent=_text(feedback, "userAgent"),
        arrival_date=_text(feedback, "arrivalDate"),
        reporting_mta=_text(feedback, "reportingMTA"),
        source=_text(_object(read, "mail"), "source"),
        bounce_type=_text(feedback, "bounceType"),
        bounce_sub_type=_text(feedback, "bounceSubType"),
    )


def _read(text: str) -> dict[str, object]:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _object(value: dict[str, object], name: str) -> dict[str, object]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: dict[str, object], name: str) -> str:
    """A member that is text; half characters do not come out of it."""
    found = value.get(name)
    return found.encode("utf-8", "replace").decode("utf-8")[:2000] if isinstance(found, str) else ""


def _recipients(listed: object, response: str) -> Iterator[RelayedRecipient]:
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, str):
            yield RelayedRecipient(
                address=_text({"a": one}, "a"), action="delivered", diagnostic_code=response
            )
        elif isinstance(one, dict) and (address := _text(one, "emailAddress")):
            yield RelayedRecipient(
                address=address,
                action=_text(one, "action"),
                status=_text(one, "status"),
                diagnostic_code=_text(one, "diagnosticCode"),
            )
