"""Writes what comes back: reports of bounces and of complaints, and the reply of a program that answers for a person.

Fields in the order in which SES writes them (recorded mail). Of the message that is reported on they give back the
header alone. Chooses nothing: others say who is notified of what. Sources: RFC 3462, RFC 3464, RFC 5965, RFC 3834, RFC
6533.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.mail import header
from sesame.mail.address import parse_mailbox
from sesame.mail.message import stamp

_MOST_OF_A_FIELD = 900
"""Characters of a field that a remote server wrote; lines are 998 octets at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every report has: from whom to whom, its id and time, and a boundary that nobody can guess."""

    from_address: str
    to: str
    message_id_field: str
    at: float
    boundary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecipient:
    """One recipient of a bounce report; empty text for what is not known."""

    address: str
    action: str = "failed"
    status: str = ""
    diagnostic_code: str = ""


def bounce_report(
    frame: Frame, recipients: Sequence[FailedRecipient], *, reporting_mta: str, returned: bytes
) -> bytes:
    """A delivery-status report; `returned` is the header block of the message."""
    text = (
        "An error occurred while trying to deliver the mail to the following recipients:\r\n"
        + "\r\n".join(_escaped(one.address) for one in recipients)
    )
    blocks = [_fields(("Reporting-MTA", f"dns; {reporting_mta}"))]
    blocks += [
        _fields(
            ("Action", one.action),
            ("Final-Recipient", _typed(one.address)),
            ("Diagnostic-Code", one.diagnostic_code),
            ("Status", one.status),
        )
        for one in recipients
    ]
    parts = [
        _part("text/plain; charset=us-ascii", "Notification", text.encode("ascii") + b"\r\n"),
        _part("message/delivery-status", "Delivery Status Notification", b"\r\n".join(blocks)),
        _part("text/rfc822-headers", "Undelivered Message", _header_of(returned)),
    ]
    return _report(frame, "Delivery Status Notification (Failure)", "delivery-status", parts)


def complaint_report(
    frame: Frame,
    recipient: str,
    *,
    subject: str,
    feedback_type: str,
    user_agent: str,
    original_mail_from: str,
    arrival_date: str,
    returned: bytes,
) -> bytes:
    """A feedback report; empty text for what is not known."""
    text = f"This is an email abuse report for a message that was sent to {_escaped(recipient)}.\r\n"
    block = _fields(
        ("Feedback-Type", feedback_type or "abuse"),
        ("User-Agent", user_agent or "Sesame"),
        ("Version", "1"),
        ("Original-Mail-From", f"<{original_mail_from}>" if original_mail_from else ""),
        ("Original-Rcpt-To", _escaped(recipient)),
        ("Arrival-Date", arrival_date),
    )
    parts = [
        _part("text/plain; charset=us-ascii", "Notification", text.encode("ascii")),
        _part("message/feedback-report", "Feedback Report", block),
        _part("text/rfc822-headers", "Reported Message", _header_of(returned)),
    ]
    return _report(frame, subject, "feedback-report", parts)


def auto_reply(frame: Frame, *, subject: str, text: str, in_reply_to: str) -> bytes:
    """A vacation notice (RFC 3834)."""
    head = _head(frame, f"Auto: {_printable(subject)}")
    if in_reply_to:
        head += _fields(("In-Reply-To", in_reply_to))
    head += (
        b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
    )
    return head + b"\r\n" + _printable(text).encode("ascii") + b"\r\n"


def _report(frame: Frame, subject: str, kind: str, parts: Sequence[bytes]) -> bytes:
    boundary = frame.boundary.encode("ascii")
    head = _head(frame, _printable(subject))
    head += b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
    head += b'Content-Type: multipart/report;\r\n boundary="%b";\r\n report-type=%b\r\n' % (
        boundary,
        kind.encode(),
    )
    body = b"".join(b"--%b\r\n%b" % (boundary, part) for part in parts)
    return head + b"\r\n" + body + b"--%b--\r\n" % boundary


def _head(frame: Frame, subject: str) -> bytes:
    return (
        stamp(at=frame.at, message_id_field=frame.message_id_field)
        + header.address_field("From", (parse_mailbox(frame.from_address),))
        + header.address_field("To", (parse_mailbox(frame.to),))
        + header.folded("Subject", subject.split(" "))
    )


def _part(content_type: str, description: str, body: bytes) -> bytes:
    fields = (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: 7bit\r\n"
        f"Content-Description: {description}\r\n"
    )
    end = b"" if body.endswith(b"\r\n") else b"\r\n"
    return fields.encode("ascii") + b"\r\n" + body + end


def _fields(*fields: tuple[str, str]) -> bytes:
    printable_fields = [(name, _printable(value)) for name, value in fields]
    return "".join(f"{name}: {value}\r\n" for name, value in printable_fields if value).encode("ascii")


def _printable(text: str) -> str:
    """One line of printable ASCII."""
    line = " ".join(text.split())
    return "".join(char if " " <= char <= "~" else "?" for char in line)[:_MOST_OF_A_FIELD]


def _escaped(address: str) -> str:
    """An address in ASCII, what is not escaped as RFC 6533 section 3 has it."""
    return _printable("".join(char if char.isascii() else f"\\x{{{ord(char):X}}}" for char in address))


def _typed(address: str) -> str:
    return f"{'rfc822' if address.isascii() else 'utf-8'}; {_escaped(address)}"


_LONG_LINE = re.compile(rb"[^\r\n]{998}[^\r\n]+")


def _header_of(returned: bytes) -> bytes:
    """A header block that can stand in a part with the encoding 7bit."""
    block = returned.partition(b"\r\n\r\n")[0]
    ascii_only = bytes(octet if octet < 128 and octet else ord("?") for octet in block)
    return _LONG_LINE.sub(lambda line: line[0][:998], ascii_only).rstrip(b"\r\n") + b"\r\n"
