"""What providers document that they answer is understood, and sentences nobody has written down yet."""

from itertools import product

import pytest

from sesame.reports.absence import WORD_LIMIT, find_absence
from sesame.reports.bounce_type import bounce_type
from sesame.reports.diagnosis import diagnose
from sesame.reports.report import ReportedRecipient
from tests.reports.answers import ANSWERS, Answer, Meaning

SUB_TYPES: dict[Meaning, str] = {
    "gone": "General",
    "full": "MailboxFull",
    "size": "MessageTooLarge",
    "content": "ContentRejected",
    "attachment": "AttachmentRejected",
}


@pytest.mark.parametrize("answer", ANSWERS, ids=[f"{a.system}: {a.text[6:60]}" for a in ANSWERS])
def test_what_a_provider_answers_is_understood(answer: Answer) -> None:
    found = diagnose(answer.text, stated=answer.stated)
    assert found.hard == (answer.meaning == "gone")
    read = ReportedRecipient(reason=found.reason, status=str(found.status or "5.0.0"), hard=found.hard)
    type_, sub_type = bounce_type(read)
    assert (type_ == "Permanent") == (found.hard or found.reason == "suppressed")
    if (want := SUB_TYPES.get(answer.meaning)) and sub_type != "NoEmail":
        assert sub_type == want


NOUNS = ("user", "recipient", "mailbox", "account", "e-mail address", "alias", "local part", "addressee")
SAYINGS = (
    "no such {}",
    "unknown {}",
    "{} unknown",
    "the {} was not found",
    "sorry, this {} could not be found on our system",
    "{} does not exist here",
    "{} doesn't exist",
    "the {} you wrote to is not known",
    "{} not recognized",
    "{} isn't listed in our directory",
    "that {} no longer exists",
    "there is no {} by that name",
    "invalid {}",
    "{} <ann@example.org> is not registered",
    "could not find {}",
    "cannot find any {} of that name",
    "{} is not valid",
    "non-existent {}",
)


@pytest.mark.parametrize(("saying", "noun"), list(product(SAYINGS, NOUNS)))
def test_no_such_mailbox_is_understood_however_it_is_said(saying: str, noun: str) -> None:
    found = diagnose(f"smtp; 550 {saying.format(noun)} (in reply to RCPT TO command)")
    assert (found.reason, found.hard) == ("no-mailbox", True)


@pytest.mark.parametrize("noun", ["domain", "host", "mail domain", "destination host"])
@pytest.mark.parametrize(
    "saying", ["no such {}", "unknown {}", "the {} could not be found", "{} does not exist"]
)
def test_no_such_domain_is_understood_however_it_is_said(saying: str, noun: str) -> None:
    found = diagnose(f"smtp; 550 5.1.2 {saying.format(noun)}")
    assert (found.reason, found.hard) == ("no-domain", True)


@pytest.mark.parametrize(
    "text",
    [
        "The user is not allowed to send to this address.",
        "Your address does not exist.",
        "Sender address not found.",
        "The account may not exist.",
        "Check that the recipient exists; not all do.",
        "No account limits are set for this user.",
        "The address certificate is not valid.",
        "Mailbox busy. Not found wanting.",
        "The user is not available right now.",
        "Reverse host name not found.",
        "No password found for the account.",
        "The mailing list does not exist.",
        "",
        "@ @ @",
    ],
)
def test_other_things_that_are_missing_are_no_mailbox(text: str) -> None:
    assert find_absence(text) is None


def test_words_far_away_or_beyond_the_limit_say_nothing_of_the_recipient() -> None:
    assert find_absence("the user has asked us to tell you that his other house is unknown") is None
    assert find_absence(f"{'word ' * WORD_LIMIT}user unknown") is None
    assert find_absence("mailbox. unknown") is None


def test_the_clause_about_a_domain_counts_before_one_about_a_mailbox() -> None:
    assert find_absence("user unknown; domain example does not exist") == "no-domain"
