"""Complaints: feedback reports whole, redacted, of headers only, and the forms of single providers."""

import json

import pytest

from sesame.reports.read import read_report
from sesame.reports.report import Report

REPORT = "Feedback-Type: abuse\nUser-Agent: Some-FBL/1.0\nVersion: 1\n"
RETURNED = "Return-Path: <vv@bounce.example.com>\nTo: ann@example.org\nMessage-ID: <1@example.com>\n\nHello\n"


def arf(
    report: str,
    *,
    returned: str = RETURNED,
    kind: str = "message/rfc822",
    part: str = "message/feedback-report",
) -> Report:
    body = (
        f"--b\n\nA complaint.\n--b\nContent-Type: {part}\n\n{report}\n--b\nContent-Type: {kind}\n\n"
        f"{returned}\n--b--\n"
    )
    head = "From: fbl@isp.example\nTo: x@example.com\nSubject: FW: Offer\n"
    return read_report(
        f'{head}Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n{body}'.encode()
    )


def test_every_field_of_a_complaint_is_read() -> None:
    report = arf(
        f"{REPORT}Original-Mail-From: <ww@bounce.example.com>\nOriginal-Rcpt-To: <ann@example.org>\n"
        "Original-Rcpt-To: bob@example.org\n"
        "Arrival-Date: Tue, 2 Jun 2026 10:00:00 +0000\nReporting-MTA: dns; isp.example\n"
    )
    assert report.kind == "complaint" and report.by == "arf"
    assert report.feedback_type == "abuse"
    assert report.user_agent == "Some-FBL/1.0"
    assert report.arrival_date == "Tue, 2 Jun 2026 10:00:00 +0000"
    assert report.reporting_mta == "dns; isp.example"
    assert [r.original_recipient for r in report.recipients] == ["ann@example.org", "bob@example.org"]
    assert report.return_paths[:3] == ("x@example.com", "ww@bounce.example.com", "vv@bounce.example.com")
    assert report.original.message_id == "<1@example.com>"
    assert not any(r.hard for r in report.recipients)


@pytest.mark.parametrize(
    "kind", ["text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers"]
)
def test_headers_alone_are_enough(kind: str) -> None:
    report = arf(REPORT, returned=RETURNED.partition("\n\n")[0], kind=kind)
    assert report.original.return_path == "vv@bounce.example.com"


def test_a_redacted_report_is_a_complaint_still() -> None:
    report = arf(REPORT, returned="REDACTED")
    assert report.kind == "complaint"
    assert report.recipients == () and report.return_paths == ("x@example.com",)


@pytest.mark.parametrize(
    "kind", ["abuse", "fraud", "virus", "not-spam", "other", "auth-failure", "Abuse", "opt-out"]
)
def test_the_type_is_told_in_lower_case(kind: str) -> None:
    assert arf(f"Feedback-Type: {kind}\n").feedback_type == kind.lower()


def test_a_report_that_is_labelled_as_text_is_read() -> None:
    assert arf(REPORT, part="text/plain").feedback_type == "abuse"


def test_a_report_that_nothing_announces_is_read() -> None:
    body = (
        f"--b\n\nA complaint.\n--b\nContent-Type: text/plain\n\n{REPORT}\n--b\nContent-Type: "
        f"message/rfc822\n\n{RETURNED}\n--b--\n"
    )
    report = read_report(
        f"From: fbl@isp.example\nContent-Type: multipart/mixed; boundary=b\n\n{body}".encode()
    )
    assert (report.kind, report.feedback_type) == ("complaint", "abuse")
    assert read_report(b"Subject: x\n\nVersion: 1 of the text\n").kind == "unknown"


def test_a_report_without_its_part_is_a_complaint_of_no_type() -> None:
    report = read_report(
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nhm\n--b--\n"
    )
    assert (report.kind, report.feedback_type) == ("complaint", "")


@pytest.mark.parametrize("name", ["X-HmXmrOriginalRecipient: ann@example.org\n", ""])
def test_a_message_sent_back_by_junk_mail_reporting_is_a_complaint(name: str) -> None:
    report = read_report(
        "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\nContent-Type: "
        "multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{name}{RETURNED}\n--b--\n".encode()
    )
    assert (report.kind, report.feedback_type) == ("complaint", "abuse")
    assert [r.original_recipient for r in report.recipients] == (["ann@example.org"] if name else [])
    assert "vv@bounce.example.com" in report.return_paths


def relayed(told: dict[str, object], *, envelope: bool = False) -> Report:
    text = json.dumps(told)
    text = json.dumps({"Type": "Notification", "Message": text}) if envelope else text
    return read_report(
        f"From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n\n{text}\n\n"
        "--\nIf you wish".encode()
    )


@pytest.mark.parametrize("envelope", [False, True])
def test_feedback_that_a_relay_tells_as_json_is_read(envelope: bool) -> None:
    mail = {"source": "vv@bounce.example.com"}
    complaint = relayed(
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": "a@b.org"}],
                "complaintFeedbackType": "abuse",
            },
            "mail": mail,
        },
        envelope=envelope,
    )
    assert (complaint.kind, complaint.feedback_type, complaint.by) == ("complaint", "abuse", "json")
    bounced = {
        "emailAddress": "a@b.org",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    bounce = relayed(
        {"notificationType": "Bounce", "bounce": {"bouncedRecipients": [bounced, 7, {}]}, "mail": mail},
        envelope=envelope,
    )
    assert [(r.final_recipient, r.status, r.hard) for r in bounce.recipients] == [("a@b.org", "5.1.1", True)]
    done = relayed(
        {
            "notificationType": "Delivery",
            "delivery": {"recipients": ["a@b.org"], "smtpResponse": "250 2.6.0 ok"},
            "mail": mail,
        },
        envelope=envelope,
    )
    assert (done.kind, done.recipients[0].status) == ("delivered", "2.6.0")


@pytest.mark.parametrize(
    "text", ['{"mail', '{"mail": 1}', '{"mail": 1, "eventType": "Send"}', '{"mail' + '[{"a":' * 9000]
)
def test_other_json_is_nothing(text: str) -> None:
    assert read_report(f"Subject: x\n\n{text}".encode()).kind == "unknown"
