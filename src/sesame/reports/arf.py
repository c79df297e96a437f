"""Complaints: feedback reports (RFC 5965), and the older forms that providers still send.

Finds a `message/feedback-report` part, one that was labelled as plain text, or the mail of a provider
that only sends the message back (Hotmail's junk mail reporting). Reports may be redacted or carry
headers only. Sources: RFC 5965 sections 3 and 4, RFC 6591 (auth-failure), RFC 6650.
"""

from dataclasses import dataclass

from sesame.reports.addresses import find_addresses, first_address
from sesame.reports.entity import Entity, read_fields

RECIPIENT_LIMIT = 100
_HOTMAIL_SENDERS = ("staff@hotmail.com", "staff@outlook.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A complaint's fields; empty text where it says nothing."""

    feedback_type: str
    user_agent: str = ""
    arrival_date: str = ""
    reporting_mta: str = ""
    mail_from: str = ""
    recipients: tuple[str, ...] = ()


def find_feedback(message: Entity, parts: list[Entity]) -> Feedback | None:
    """The complaint that a message is, or None. `parts` are its parts, embedded messages left out."""
    for part in parts:
        if part.media_type == "message/feedback-report":
            return _fields(part.body)
    if message.parameters.get("report-type", "").lower() == "feedback-report":
        for part in parts:
            if b"eedback-" in part.body[:4096] and (found := _fields(part.body)).feedback_type:
                return found
        return Feedback(feedback_type="")
    for part in parts:  # a report that no label announces: its first line is one of its fields
        first = part.body[:4096].lstrip().partition(b":")[0].lower()
        if (
            first in (b"feedback-type", b"user-agent", b"version")
            and (found := _fields(part.body)).feedback_type
        ):
            return found
    return _hotmail(message, parts)


def _fields(body: bytes) -> Feedback:
    fields = read_fields(body.lstrip(b"\n").replace(b"\n\n", b"\n"))
    one = dict(reversed(fields))
    recipients = [
        address
        for name in ("original-rcpt-to", "removal-recipient")
        for key, value in fields
        if key == name and (address := first_address(value))
    ]
    return Feedback(
        feedback_type=one.get("feedback-type", "").partition(";")[0].strip().lower()[:40],
        user_agent=one.get("user-agent", "")[:200],
        arrival_date=one.get("arrival-date", "") or one.get("received-date", ""),
        reporting_mta=one.get("reporting-mta", ""),
        mail_from=first_address(one.get("original-mail-from", "")),
        recipients=tuple(dict.fromkeys(recipients))[:RECIPIENT_LIMIT],
    )


def _hotmail(message: Entity, parts: list[Entity]) -> Feedback | None:
    embedded = [inner for part in parts for inner in part.parts if part.media_type == "message/rfc822"]
    named = [value for inner in embedded for value in inner.get_all("x-hmxmroriginalrecipient")]
    by_staff = first_address(message.get("from")).lower() in _HOTMAIL_SENDERS
    if not named and not (by_staff and message.get("subject").lower().startswith("complaint about message")):
        return None
    recipients = tuple(address for value in named for _, _, address in find_addresses(value))
    return Feedback(feedback_type="abuse", arrival_date=message.get("date"), recipients=recipients)
