"""Notifications as whole messages: of whom, how it counts, what was said, and by which server."""

import pytest

from sesame.feedback.receive import find
from sesame.reports.read import read_report
from sesame.reports.report import ReportedRecipient
from tests.reports.forms import ORIGINAL
from tests.reports.whole_forms import ANN, DIRECTORY, WHOLE, Whole

BY_NAME = pytest.mark.parametrize("whole", WHOLE, ids=[one.name for one in WHOLE])


def address_of(recipient: ReportedRecipient) -> str:
    return recipient.final_recipient or recipient.original_recipient


def test_each_file_has_a_row() -> None:
    assert sorted(path.stem for path in DIRECTORY.iterdir()) == sorted(one.name for one in WHOLE)


@BY_NAME
def test_each_notification_is_read(whole: Whole) -> None:
    report = read_report(whole.message)
    assert report.kind == whole.kind
    assert tuple((address_of(one), one.status, one.hard) for one in report.recipients) == whole.want
    assert f"{report.bounce_type}/{report.bounce_sub_type}" == whole.type
    assert report.reporting_mta == whole.mta
    assert whole.says in (report.recipients[0].diagnostic_code if report.recipients else "")


@BY_NAME
def test_line_ends_make_no_difference(whole: Whole) -> None:
    data = whole.message
    assert read_report(data.replace(b"\n", b"\r\n")) == read_report(data)


@BY_NAME
def test_nothing_but_a_hard_word_about_this_very_address_can_suppress_it(whole: Whole) -> None:
    report = read_report(whole.message)
    finding = find(report, ANN, is_from_nobody=True)
    is_hard = finding is not None and finding.detail.get("hard") == "1"
    named = [one.hard for one in report.recipients if ANN in (one.final_recipient, one.original_recipient)]
    assert is_hard == (whole.kind == "bounce" and any(named))
    assert find(report, "somebody@example.org", is_from_nobody=True) is None or (
        "hard" not in find(report, "somebody@example.org", is_from_nobody=True).detail  # type: ignore[union-attr]
    )


SUMMARY = "From: vv@bounce.example.com\nTo: ann@example.org\nSubject: Offer\n"
REASONS = {
    "550 5.2.2 mailbox full": "mailbox-full",
    "Reason: the recipient's mailbox is full.": "mailbox-full",
    "The message contains a virus.": "virus",
    "It was blocked for its attachment, which is not permitted.": "attachment",
}


@pytest.mark.parametrize("said", REASONS)
@pytest.mark.parametrize(
    "summary", [SUMMARY, f"Message: 0001.mml\n{SUMMARY}", f"{SUMMARY}Date: Tue, 2 Jun 2026 10:00:00 +0000\n"]
)
def test_the_reason_behind_a_summary_of_the_message_is_read(summary: str, said: str) -> None:
    text = f"Your message could not be delivered:\n\n{summary}\n{said}\n"
    report = read_report(f"From: MAILER-DAEMON@example.org\nSubject: Failure notice\n\n{text}".encode())
    assert [(one.final_recipient, one.reason) for one in report.recipients] == [(ANN, REASONS[said])]


@pytest.mark.parametrize("said", REASONS)
def test_what_stands_in_the_returned_message_is_no_reason(said: str) -> None:
    """It has fields that no summary has, or the reason stood before it."""
    for text in (
        f"<{ANN}>: 550 5.1.1 no such user (in reply to RCPT TO command)\n\n{SUMMARY}\n{said}\n",
        f"<{ANN}>: 550 5.1.1 no such user (in reply to RCPT TO command)\n\n{ORIGINAL}\n{said}\n",
    ):
        report = read_report(f"From: MAILER-DAEMON@example.org\nSubject: Failure notice\n\n{text}".encode())
        assert [(one.reason, one.hard) for one in report.recipients] == [("no-mailbox", True)]
