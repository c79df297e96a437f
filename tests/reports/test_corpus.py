"""The corpus of real bounces is read as well as promised, whatever its line ends."""

from collections import Counter
from pathlib import Path

import pytest

from sesame.reports.read import read_report
from sesame.reports.report import Report, ReportedRecipient
from tests.reports.corpus import Corpus, Label, find_corpus
from tests.support.mbox import split_mbox

CORPUS = find_corpus()
pytestmark = pytest.mark.skipif(CORPUS is None, reason="the corpus of bounces is not beside the repository")


@pytest.fixture
def corpus() -> Corpus:
    assert CORPUS is not None
    return CORPUS


def read(path: Path) -> Report:
    return read_report(path.read_bytes())


def bounces(corpus: Corpus, folder: str) -> list[tuple[Path, Report]]:
    others = ("feedback", "vacation", "delivered")
    return [
        (path, read(path))
        for path in corpus.files(folder)
        if corpus.reason(path.name) not in others and not path.name.startswith("arf")
    ]


def belongs(report: Report, corpus: Corpus, name: str, at: int) -> ReportedRecipient | None:
    """The recipient of a report that the label at an index is about."""
    named = corpus.named.get(name, [])
    if at < len(named) and len(named) == len(corpus.labels[name]):
        wanted = named[at]["recipient"].lower()
        for recipient in report.recipients:
            if wanted in (recipient.final_recipient.lower(), recipient.original_recipient.lower()):
                return recipient
    return report.recipients[min(at, len(report.recipients) - 1)] if report.recipients else None


def status_agrees(status: str, label: Label) -> bool:
    """Codes `x.0.9nn` are the other reader's own for "no code": there the class must be the same."""
    if label["status"][1:5] == ".0.9":
        return status[:1] == label["status"][:1]
    return status == label["status"]


@pytest.mark.parametrize("folder", ["maildir/bsd", "maildir/dos", "maildir/mac"])
def test_bounces_are_recognised_and_their_codes_and_recipients_read(corpus: Corpus, folder: str) -> None:
    found = bounces(corpus, folder)
    counts: Counter[str] = Counter()
    for path, report in found:
        counts["files"] += 1
        counts["recognised"] += report.kind in ("bounce", "delay")
        wanted = {one["recipient"].lower() for one in corpus.named.get(path.name, [])}
        read_ = {
            address.lower()
            for r in report.recipients
            for address in (r.final_recipient, r.original_recipient)
        }
        counts["named"] += bool(wanted)
        counts["hit"] += bool(wanted & read_)
        counts["wrong"] += bool(wanted) and not wanted & read_
        for at, label in enumerate(corpus.labels.get(path.name, [])):
            recipient = belongs(report, corpus, path.name, at)
            counts["labels"] += 1
            counts["status"] += recipient is not None and status_agrees(recipient.status, label)
            hard = recipient is not None and recipient.hard
            counts[f"{'hard' if label['hardbounce'] else 'soft'} read {'hard' if hard else 'soft'}"] += 1
    assert counts["recognised"] >= 0.97 * counts["files"], counts
    assert counts["status"] >= 0.93 * counts["labels"], counts
    assert counts["hit"] >= (0.95 if folder.endswith("bsd") else 0.93) * counts["named"], counts
    right, missed, false = (counts[key] for key in ("hard read hard", "hard read soft", "soft read hard"))
    assert right >= 0.95 * (right + false), counts
    assert right >= 0.85 * (right + missed), counts


def test_complaints_are_all_found_with_their_type(corpus: Corpus) -> None:
    files = [
        p
        for p in corpus.files("maildir/bsd")
        if corpus.reason(p.name) == "feedback" or p.name.startswith("arf")
    ]
    reports = [read(path) for path in files]
    assert len(reports) >= 6
    assert [report.kind for report in reports] == ["complaint"] * len(reports)
    assert all(report.feedback_type for report in reports)


def test_auto_replies_are_never_bounces(corpus: Corpus) -> None:
    files = [path for path in corpus.files("maildir/bsd") if corpus.reason(path.name) == "vacation"]
    assert len(files) >= 3
    assert {read(path).kind for path in files} == {"auto-reply"}


def test_a_report_of_delivery_is_no_bounce(corpus: Corpus) -> None:
    files = [path for path in corpus.files("maildir/bsd") if corpus.reason(path.name) == "delivered"]
    assert len(files) >= 2
    assert {read(path).kind for path in files} == {"delivered"}


def test_ordinary_mail_and_empty_files_are_not_bounces(corpus: Corpus) -> None:
    files = [*corpus.files("maildir/not"), *corpus.files("mailbox")]
    reports = [read(path) for path in files if not path.name.startswith("mbox")]
    assert {report.kind for report in reports} == {"unknown"}


def test_a_mailbox_of_bounces_is_read_message_by_message(corpus: Corpus) -> None:
    messages = list(split_mbox((corpus.folder / "mailbox/mbox-0").read_bytes()))
    assert len(messages) == 37
    assert {read_report(message).kind for message in messages} == {"bounce"}


def test_what_others_could_not_read_is_read(corpus: Corpus) -> None:
    folder = corpus.folder / "to-be-debugged-because"
    files = [*folder.glob("*/*.eml"), *corpus.files("maildir/err", "maildir/tmp")]
    assert {read(path).kind for path in files} == {"bounce"}
