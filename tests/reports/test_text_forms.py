"""Bounces without a standard part: each shape is read, and what is not a bounce is left alone."""

import pytest

from sesame.reports.entity import read_entity
from sesame.reports.read import read_report
from sesame.reports.text import without_markup
from tests.reports.forms import DAEMON, FORMS, ORIGINAL, Form
from tests.reports.more_forms import MORE_FORMS
from tests.support.mbox import split_mbox

ALL_FORMS = (*FORMS, *MORE_FORMS)


@pytest.mark.parametrize("form", ALL_FORMS, ids=[form.name for form in ALL_FORMS])
def test_each_form_is_read(form: Form) -> None:
    report = read_report(form.message)
    assert report.kind == form.kind
    got = tuple((r.final_recipient, r.status, r.reason, r.hard) for r in report.recipients)
    assert got == form.want
    assert report.by in ("text", "failed-recipients")
    assert {r.action for r in report.recipients} == {"delayed" if form.kind == "delay" else "failed"}


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
@pytest.mark.parametrize("form", ALL_FORMS, ids=[form.name for form in ALL_FORMS])
def test_line_ends_make_no_difference(form: Form, newline: bytes) -> None:
    assert read_report(form.message.replace(b"\n", newline)) == read_report(form.message)


def test_the_returned_message_is_described_and_its_return_path_handed_on() -> None:
    report = read_report(FORMS[0].message)
    assert report.original.message_id == "<one@example.com>"
    assert report.original.return_path == "sender@example.com"
    assert report.original.addresses == ("ann@example.org",)
    assert "sender@example.com" in report.return_paths


@pytest.mark.parametrize(
    "message",
    [
        b"From: ann@example.org\nSubject: lunch\n\nShall we?\n",
        b"From: ann@example.org\nSubject: your question\n\nbob@example.org: I do not know.\n",
        b"From: ann@example.org\nSubject: FW: Offer\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nlook at this\n"
        b"--b\nContent-Type: message/rfc822\n\n" + ORIGINAL.encode() + b"\n--b--\n",
        b"From: news@example.org\nSubject: Storage\n\nNew: the mailbox is full of offers.\n",
        b"",
        b"\n",
        b"\xff\xfe\x00",
    ],
)
def test_ordinary_mail_is_unknown(message: bytes) -> None:
    report = read_report(message)
    assert report.kind == "unknown"
    assert report.recipients == ()


def test_a_bounce_that_somebody_forwarded_is_read() -> None:
    quoted = "".join(
        f"> {line}\n"
        for line in (
            "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>",
            "To: sender@example.com",
            "Subject: Returned mail: see transcript",
            "",
            "   ----- The following addresses had permanent fatal errors -----",
            "<ann@example.org>",
            "    (reason: 550 5.1.1 User unknown)",
        )
    )
    report = read_report(f"From: b@example.com\nSubject: Fwd: Returned mail\n\nFYI\n\n{quoted}".encode())
    assert [(r.final_recipient, r.hard) for r in report.recipients] == [("ann@example.org", True)]


def test_html_alone_is_read() -> None:
    body = (
        "<p>Delivery has failed to these recipients:</p><p>ann@example.org</p><p>550 5.2.2 mailbox full</p>"
    )
    report = read_report(f"{DAEMON}Subject: Undeliverable\nContent-Type: text/html\n\n{body}".encode())
    assert [(r.final_recipient, r.reason) for r in report.recipients] == [("ann@example.org", "mailbox-full")]
    assert "<" not in without_markup("a<br>b&lt;c".replace("&lt;", ""))


def test_a_report_inside_a_notification_of_another_system_is_read() -> None:
    inner = (
        "From: MAILER-DAEMON@inner.example\nContent-Type: multipart/report; boundary=i\n\n--i\n\nsorry\n--i\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; inner.example\n\n"
        "Final-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 5.1.1\n\n--i--\n"
    )
    outer = (
        f"{DAEMON}Subject: Returned mail\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\n"
        f"The following addresses had permanent errors\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    )
    report = read_report(outer.encode())
    assert [(r.final_recipient, r.status, r.hard) for r in report.recipients] == [
        ("ann@example.org", "5.1.1", True)
    ]


def test_an_mbox_is_split_at_its_lines_alone() -> None:
    first, second = b"Subject: a\n\nx\n>From y\n", b"Subject: b\n\nFrom here on\n"
    line = b"From MAILER-DAEMON Tue Jun  2 10:00:00 2026\n"
    assert list(split_mbox(line + first + b"\n" + line + second)) == [
        first.replace(b">From", b"From") + b"\n",
        second,
    ]
    assert list(split_mbox(second)) == [second]
    assert list(split_mbox(b" \n")) == []
    assert list(split_mbox(b"From somebody\n" + second)) == [second]
    assert list(split_mbox(b"From somebody")) == []
    assert read_entity(line + first).get("subject") == "a"


def test_a_header_at_the_end_is_the_returned_message_and_an_attachment_is_no_notice() -> None:
    header = "From: sender@example.com\nTo: ann@example.org\nSubject: Offer\nMessage-ID: <1@example.com>"
    failed = "The following recipients returned permanent errors: ann@example.org: 550 5.1.1 user unknown"
    for body in (f"\n{failed}\n\n{header}", ATTACHED.format(failed=failed, header=header)):
        report = read_report(f"{DAEMON}Subject: Returned mail\n{body}".encode())
        assert [(r.final_recipient, r.hard) for r in report.recipients] == [("ann@example.org", True)]


ATTACHED = (
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsorry\n--b\n\n{failed}\n--b\n"
    'Content-Type: text/plain; name="headers.txt"\n\n{header}\nX: bob@example.net spam\n--b--\n'
)
