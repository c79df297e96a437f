"""Whatever octets come, there is a report: bounded, of values that can be stored, and none is raised."""

import random

from hypothesis import given
from hypothesis import strategies as st

from sesame.reports.dsn import RECIPIENT_LIMIT
from sesame.reports.original import CANDIDATE_LIMIT
from sesame.reports.read import read_report
from sesame.reports.report import Report
from tests.reports.answers import ANSWERS
from tests.reports.forms import FORMS, Form
from tests.reports.hostile import hostile_messages
from tests.reports.more_forms import MORE_FORMS
from tests.support.mbox import split_mbox

LINES = [
    b"From: MAILER-DAEMON@x",
    b"Return-Path: <>",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    b"--b",
    b"--b--",
    b"Content-Type: message/delivery-status",
    b"Content-Type: message/feedback-report",
    b"",
    b"",
    b"Content-Type: message/rfc822",
    b"Content-Type: text/html",
    b"Content-Transfer-Encoding: base64",
    b"Final-Recipient: rfc822; a@b.org",
    b"Final-Recipient: utf-8; \\x{110000}@\\x{D800}",
    b"Action: failed",
    b"Status: 5.1.1",
    b"Diagnostic-Code: smtp; 550 5.1.1 no such user",
    b"Original-Rcpt-To: <",
    b"Feedback-Type: abuse",
    b"<a@b.org>: 550 user unknown",
    b"Subject: =?utf-8?b?/w==?=",
    b" folded",
    b"\xff\0@\xfe",
    b'{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"\\ud800@b"}]},"mail":{}}',
    b"X-Failed-Recipients: a@b, c@d",
    b"----- Original message -----",
    b">>> RCPT To:<a@b.org>",
    b"<<< 550 no",
    b"From x 10:00 2026",
    b"\xed\xa0\x80",
]


def check(data: bytes) -> Report:
    report = read_report(data)
    assert len(report.recipients) <= RECIPIENT_LIMIT
    assert len(report.return_paths) <= CANDIDATE_LIMIT
    texts = [
        *report.return_paths,
        report.arrival_date,
        report.reporting_mta,
        report.feedback_type,
        report.user_agent,
    ]
    for recipient in report.recipients:
        texts += [
            recipient.final_recipient,
            recipient.original_recipient,
            recipient.diagnostic_code,
            recipient.action,
        ]
        assert not (recipient.hard and report.kind not in ("bounce",))
    for text in texts:
        assert "\n" not in text.strip() or text in (r.diagnostic_code for r in report.recipients)
        assert "\0" not in text
        text.encode()
    assert (report.bounce_type == "Undetermined") == (report.bounce_sub_type == "Undetermined")
    return report


@given(st.binary(max_size=2_000))
def test_any_octets_are_read(data: bytes) -> None:
    check(data)
    for message in split_mbox(data):
        check(message)


@given(st.lists(st.sampled_from(LINES), max_size=40), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_order_of_the_lines_of_reports_is_read(lines: list[bytes], newline: bytes) -> None:
    check(newline.join(lines))


@given(st.sampled_from((*FORMS, *MORE_FORMS)), st.integers(0, 2**32))
def test_a_form_with_octets_changed_is_read(form: Form, seed: int) -> None:
    draw = random.Random(seed)
    data = bytearray(form.message)
    for _ in range(draw.randrange(12)):
        at = draw.randrange(len(data))
        data[at : at + draw.randrange(3)] = bytes(draw.randrange(256) for _ in range(draw.randrange(3)))
        data = data or bytearray(b"x")
    check(bytes(data))


@given(st.lists(st.sampled_from([answer.text for answer in ANSWERS]), max_size=6), st.integers(0, 2**32))
def test_answers_run_together_and_cut_are_read(texts: list[str], seed: int) -> None:
    draw = random.Random(seed)
    text = "\n".join(texted[draw.randrange(len(texted)) :] for texted in texts)
    check(f"From: MAILER-DAEMON@x\nSubject: Returned mail\n\n<a@b.org>:\n{text}".encode())


def test_messages_made_to_be_slow_to_read_are_read() -> None:
    for message in hostile_messages():
        check(message)
