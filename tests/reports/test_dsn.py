"""Delivery status notifications: every field, every action, however the blocks are parted."""

import pytest

from sesame.reports.dsn import RECIPIENT_LIMIT, parse_delivery_status
from sesame.reports.read import read_report
from sesame.reports.report import Report

HEAD = (
    "From: MAILER-DAEMON@mx.example.net\nTo: b@example.com\nSubject: Undelivered\nContent-Type: "
    "multipart/report; "
)
MESSAGE = "Reporting-MTA: dns; mx.example.net\nArrival-Date: Tue, 2 Jun 2026 10:00:00 +0000\n\n"
ANN = "Final-Recipient: rfc822; ann@example.org\nOriginal-Recipient: rfc822;a@example.org\n"


def dsn(
    status: str, *, text: str = "Sorry.", part: str = "message/delivery-status", original: str = ""
) -> Report:
    body = (
        f"--b\n\n{text}\n--b\nContent-Type: {part}\n\n{status}\n--b\n{original or 'Content-Type: text/plain'}\n"
        "\n--b--\n"
    )
    return read_report(f"{HEAD}report-type=delivery-status; boundary=b\n\n{body}".encode())


def test_every_field_of_a_report_is_read() -> None:
    report = dsn(
        f"{MESSAGE}{ANN}Action: Failed\nStatus: 5.1.1 (bad mailbox)\nRemote-MTA: dns; mx.example.org\n"
        "Diagnostic-Code: smtp; 550 5.1.1\n unknown user\n",
        original="Content-Type: text/rfc822-headers\n\nReturn-Path: <vv@bounce.example.com>\nMessage-ID: "
        "<1@x>\nTo: ann@example.org\n",
    )
    [recipient] = report.recipients
    assert report.kind == "bounce" and report.by == "dsn"
    assert report.reporting_mta == "dns; mx.example.net"
    assert report.arrival_date == "Tue, 2 Jun 2026 10:00:00 +0000"
    assert (recipient.final_recipient, recipient.original_recipient) == ("ann@example.org", "a@example.org")
    assert (recipient.action, recipient.status, recipient.reply_code) == ("Failed", "5.1.1", 550)
    assert recipient.diagnostic_code == "smtp; 550 5.1.1 unknown user"
    assert recipient.remote_mta == "dns; mx.example.org"
    assert (recipient.reason, recipient.hard) == ("no-mailbox", True)
    assert (report.bounce_type, report.bounce_sub_type) == ("Permanent", "General")
    assert report.original.message_id == "<1@x>"
    assert "vv@bounce.example.com" in report.return_paths


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "Delivered", "deliverable"])
def test_success_is_no_bounce(action: str) -> None:
    report = dsn(
        f"{MESSAGE}{ANN}Action: {action}\nStatus: 2.0.0\nDiagnostic-Code: smtp; 250 2.1.5 user "
        "unknown to fame\n"
    )
    assert report.kind == "delivered"
    assert [(r.hard, r.reason, r.status) for r in report.recipients] == [(False, "other", "2.1.5")]
    assert report.bounce_type == "Undetermined"


def test_a_delay_is_neither_a_bounce_nor_hard() -> None:
    report = dsn(
        f"{MESSAGE}{ANN}Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n"
    )
    assert report.kind == "delay"
    assert [r.hard for r in report.recipients] == [False]
    assert report.bounce_type == "Undetermined"


def test_one_failure_among_successes_is_a_bounce() -> None:
    report = dsn(
        f"{MESSAGE}Final-Recipient: rfc822; bob@example.org\nAction: relayed\nStatus: 2.0.0\n\n"
        f"Final-Recipient: rfc822; c@example.org\nAction: delayed\nStatus: 4.0.0\n\n{ANN}Action: "
        "failed\nStatus: 5.2.2\n"
    )
    assert report.kind == "bounce"
    assert [r.final_recipient for r in report.recipients] == [
        "bob@example.org",
        "c@example.org",
        "ann@example.org",
    ]
    assert (report.bounce_type, report.bounce_sub_type) == ("Transient", "MailboxFull")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("utf-8; \u00e5sa@example.org", "\u00e5sa@example.org"),
        ("utf-8; \\x{E5}sa@example.org", "\u00e5sa@example.org"),
        ("utf-8; \\x{D800}sa@example.org", "\\x{D800}sa@example.org"),
        ("rfc822;<ann@example.org>", "ann@example.org"),
        ("RFC822; ann@example.org (Ann)", "ann@example.org"),
        ("ann@example.org", "ann@example.org"),
        ("rfc822; @relay.example:ann@example.org", "ann@example.org"),
        ("x400; /G=Ann/S=B/", "/G=Ann/S=B/"),
    ],
)
def test_addresses_of_every_type_are_read(written: str, address: str) -> None:
    report = dsn(f"{MESSAGE}Final-Recipient: {written}\nAction: failed\nStatus: 5.1.1\n")
    read = report.recipients[0].final_recipient
    assert read == address or ("\\x" in address and read.endswith("sa@example.org"))


def test_the_global_type_is_read_too() -> None:
    report = dsn(f"{MESSAGE}{ANN}Action: failed\nStatus: 5.6.7\n", part="message/global-delivery-status")
    assert report.kind == "bounce"


@pytest.mark.parametrize(
    "status",
    [
        f"Reporting-MTA: dns; mx.example.net\n{ANN}Action: failed\nStatus: 5.1.1\n",
        f"{MESSAGE}\n\n{ANN}Action: failed\nStatus: 5.1.1\n",
        f"{MESSAGE}{ANN}\nAction: failed\nStatus: 5.1.1\n",
        f"{MESSAGE}Action: failed\nStatus: 5.1.1\n{ANN}",
        f"\n{MESSAGE}junk line\n{ANN}Action : failed\nStatus: 5.1.1\n",
    ],
)
def test_blocks_are_read_however_they_are_parted(status: str) -> None:
    report = dsn(status)
    assert [(r.final_recipient, r.action, r.status) for r in report.recipients] == [
        ("ann@example.org", "failed", "5.1.1")
    ]


def test_two_recipients_in_one_block_are_two() -> None:
    report = dsn(
        f"{MESSAGE}{ANN}Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; b@example.org\nAction: "
        "failed\nStatus: 5.2.2\n"
    )
    assert [(r.final_recipient, r.status) for r in report.recipients] == [
        ("ann@example.org", "5.1.1"),
        ("b@example.org", "5.2.2"),
    ]


def test_a_report_of_very_many_recipients_is_cut() -> None:
    rows = "".join(
        f"Final-Recipient: rfc822; u{n}@example.org\nAction: failed\n\n" for n in range(RECIPIENT_LIMIT * 3)
    )
    assert len(dsn(MESSAGE + rows).recipients) == RECIPIENT_LIMIT


def test_a_part_without_a_recipient_is_no_report() -> None:
    assert parse_delivery_status(b"Reporting-MTA: dns; x\n") is None
    assert dsn("Reporting-MTA: dns; x\n", text="nothing").recipients[0].reason == "other"


def test_a_status_that_is_missing_is_told_by_the_action() -> None:
    assert dsn(f"{MESSAGE}{ANN}Action: failed\n").recipients[0].status == "5.0.0"
    assert dsn(f"{MESSAGE}{ANN}Action: delayed\n").recipients[0].status == "4.0.0"
    assert dsn(f"{MESSAGE}{ANN}Action: relayed\n").recipients[0].status == "2.0.0"


def test_the_text_beside_gives_the_reason_that_the_block_lacks() -> None:
    report = dsn(
        f"{MESSAGE}{ANN}Action: failed\nStatus: 5.0.0\n",
        text="<ann@example.org>: 550 user unknown (in reply to RCPT TO command)",
    )
    assert [(r.reason, r.hard) for r in report.recipients] == [("no-mailbox", True)]


def test_a_text_that_says_otherwise_makes_it_soft() -> None:
    report = dsn(
        f"{MESSAGE}{ANN}Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n",
        text="Your message was rejected: the mailbox is full.",
    )
    assert [r.hard for r in report.recipients] == [False]


def test_a_final_recipient_without_a_name_is_found_in_the_text() -> None:
    report = dsn(
        f"{MESSAGE}Final-Recipient: rfc822; @mx.example.org\nAction: failed\nStatus: 5.1.2\n",
        text="<ann@example.org>\n (reason: 550 Host unknown)",
    )
    assert [r.final_recipient for r in report.recipients] == ["ann@example.org"]


def test_a_status_written_into_the_text_is_read() -> None:
    text = (
        f"Technical report:\n\nReporting-MTA: dsn; mx.example.net\n\nAction: failed\n{ANN}Diagnostic-Code: "
        "smtp; 552 5.2.2 full\nStatus: 5.2.2\n"
    )
    report = read_report(
        f"From: MAILER-DAEMON@x.example\nSubject: Delivery Status Notification\n\n{text}".encode()
    )
    assert [(r.final_recipient, r.status, r.reason) for r in report.recipients] == [
        ("ann@example.org", "5.2.2", "mailbox-full")
    ]
    assert report.by == "dsn"


def test_a_receipt_is_no_bounce() -> None:
    body = (
        "--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; "
        "a@b.org\nDisposition: manual-action/x; displayed\n--b--\n"
    )
    report = read_report(f"{HEAD}report-type=disposition-notification; boundary=b\n\n{body}".encode())
    assert report.kind == "receipt" and report.recipients == ()


@pytest.mark.parametrize("media_type", ["text/plain; name=details.txt", "application/octet-stream"])
def test_a_delivery_status_that_a_gateway_gave_another_type_is_one(media_type: str) -> None:
    """Exchange and others hand it on as an attached text."""
    report = read_report(
        (
            "Return-Path: <>\nFrom: postmaster@mx.example.net\nSubject: Undeliverable\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nDelivery failed.\n--b\n"
            f"Content-Type: {media_type}\n\n\nReporting-MTA: dns; mx.example.net\n\nfinal-recipient: rfc822; "
            "ann@example.org\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
        ).encode()
    )
    assert (report.kind, report.reporting_mta, report.by) == ("bounce", "dns; mx.example.net", "dsn")
    assert [(r.final_recipient, r.status, r.hard) for r in report.recipients] == [
        ("ann@example.org", "5.1.1", True)
    ]


def test_a_text_that_speaks_of_fields_is_no_delivery_status() -> None:
    for text in (
        "Reporting-MTA: is a field, and so is Final-Recipient: both are in RFC 3464.",
        "Reporting-MTA: x\n\nHi",
    ):
        report = read_report(f"From: ann@example.org\nSubject: RFC 3464\n\n{text}\n".encode())
        assert report.kind == "unknown"
