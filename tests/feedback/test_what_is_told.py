"""What a report said is what people are told: the words in which it is recorded are those in which it is read."""

import json
from typing import Any

from sesame.feedback.receive import find
from sesame.notify.event_json import published_event
from sesame.reports.read import read_report
from tests.support.happenings import HOUSE, event, facts

ADDRESS = "reader@one.test"


def told(report: bytes) -> dict[str, Any]:
    """What is published of a report that came to the return path of `ADDRESS`."""
    finding = find(read_report(report), ADDRESS, is_from_nobody=True)
    assert finding is not None
    attempt: dict[str, Any] = {"status": None, "diagnostic": None, "remote_mta": None, "remote_ip": None}
    text = published_event(event(finding.what, detail=finding.detail, **attempt), facts(), HOUSE)
    found: dict[str, Any] = json.loads(text)
    return found


def report_of(kind: str, *parts: str, subject: str = "s") -> bytes:
    body = "".join(f"--b\r\n{part}\r\n" for part in parts)
    head = f"From: x@one.test\r\nSubject: {subject}\r\nContent-Type: multipart/report; report-type={kind}; boundary=b"
    return f"{head}\r\n\r\n{body}--b--\r\n".encode()


DSN = (
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.one.test\r\n\r\nFinal-Recipient: rfc822; "
    f"{ADDRESS}\r\nAction: {{action}}\r\nStatus: {{status}}\r\nDiagnostic-Code: smtp; {{words}}\r\n"
)


def test_a_bounce_that_comes_back_is_told_with_its_type_and_words() -> None:
    dsn = DSN.format(action="failed", status="5.1.1", words="550 5.1.1 no such user")
    found = told(report_of("delivery-status", "Content-Type: text/plain\r\n\r\nSorry.", dsn))["bounce"]
    assert (found["bounceType"], found["bounceSubType"]) == ("Permanent", "General")
    assert found["bouncedRecipients"] == [
        {
            "emailAddress": ADDRESS,
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 no such user",
        }
    ]
    assert found["reportingMTA"] == "dns; mx.one.test"


def test_a_delay_that_is_reported_is_told_with_its_words() -> None:
    dsn = DSN.format(action="delayed", status="4.2.2", words="452 4.2.2 full")
    found = told(report_of("delivery-status", "Content-Type: text/plain\r\n\r\nLater.", dsn))["deliveryDelay"]
    assert found["delayType"] == "MailboxFull" and found["reportingMTA"] == "dns; mx.one.test"
    assert found["delayedRecipients"][0]["diagnosticCode"] == "smtp; 452 4.2.2 full"
    assert found["delayedRecipients"][0]["status"] == "4.2.2"


def test_a_complaint_is_told_with_who_reports_and_what() -> None:
    arf = (
        "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Example/1.0\r\nVersion: 1\r\n"
        "Arrival-Date: Mon, 27 Jul 2026 17:09:37 +0200\r\n"
    )
    original = "Content-Type: message/rfc822\r\n\r\nFrom: a@b.test\r\n\r\nx"
    found = told(report_of("feedback-report", "Content-Type: text/plain\r\n\r\nSee.", arf, original))[
        "complaint"
    ]
    assert found["userAgent"] == "Example/1.0" and found["complaintFeedbackType"] == "abuse"
    assert found["arrivalDate"] == "2026-07-27T15:09:37.000Z"


def test_a_notice_of_absence_is_told_as_a_transient_bounce() -> None:
    away = b"From: x@one.test\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday.\r\n"
    found = told(away)["bounce"]
    assert (found["bounceType"], found["bounceSubType"]) == ("Transient", "General")
    assert found["bouncedRecipients"] == [{"emailAddress": ADDRESS}]
