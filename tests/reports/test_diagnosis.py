"""Codes and reasons in what servers answer, and which of them end an address."""

import pytest

from sesame.reports.bounce_type import bounce_type
from sesame.reports.diagnosis import diagnose, find_reply, find_stage
from sesame.reports.phrases import Said, compile_phrases
from sesame.reports.reasons import find_reason
from sesame.reports.report import ReportedRecipient


@pytest.mark.parametrize(
    ("text", "stated", "status", "reason", "hard"),
    [
        ("smtp; 550 5.1.1 <ann@example.org>... User unknown", "5.0.0", "5.1.1", "no-mailbox", True),
        ("smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", "", "5.1.1", "no-mailbox", True),
        (
            "550-5.1.1 The email account that you tried to reach\n550 5.1.1 does not exist",
            "",
            "5.1.1",
            "no-mailbox",
            True,
        ),
        ("550 #5.1.0 Address rejected.", "5.0.0", "5.1.0", "no-mailbox", True),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", "", "5.1.10", "no-mailbox", True),
        ("550 5.4.1 Recipient address rejected: Access denied.", "", "5.4.1", "no-mailbox", True),
        ("550 User unknown (in reply to RCPT TO command)", "5.0.0", "5.0.0", "no-mailbox", True),
        ("550 User unknown (in reply to end of DATA command)", "5.0.0", "5.0.0", "recipient-refuses", False),
        ("550 User unknown", "5.0.0", "5.0.0", "no-mailbox", False),
        ("550 5.2.1 User unknown", "5.2.1", "5.2.1", "recipient-refuses", False),
        ("User unknown", "", "", "no-mailbox", False),
        ("The recipient name is not recognized", "", "", "no-mailbox", True),
        ("550 5.1.2 Host unknown", "", "5.1.2", "no-domain", True),
        ("450 4.1.2 Host not found, try again", "", "4.1.2", "network", False),
        (
            "Host or domain name not found. Name service error: Host not found",
            "5.4.4",
            "5.4.4",
            "no-domain",
            True,
        ),
        (
            "Host or domain name not found. Name service error: Host not found",
            "4.4.3",
            "4.4.3",
            "no-domain",
            False,
        ),
        ("551 5.1.6 User has moved", "", "5.1.6", "moved", True),
        ("556 5.1.10 Recipient domain has a null MX", "", "5.1.10", "accepts-no-mail", True),
        ("550 5.1.1 sender address rejected: user unknown", "", "5.1.1", "sender-refused", False),
        (
            "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org",
            "",
            "5.7.1",
            "reputation",
            False,
        ),
        ("552 5.2.2 <ann@example.org>: user is over quota", "", "5.2.2", "mailbox-full", False),
        ("452 4.2.2 over quota", "", "4.2.2", "mailbox-full", False),
        ("552 5.3.4 Message size exceeds fixed maximum", "", "5.3.4", "too-large", False),
        ("554 5.6.0 Message content rejected", "", "5.6.0", "content", False),
        ("550 5.7.0 attachment type not allowed", "", "5.7.0", "attachment", False),
        ("554 rejected: this looks like spam", "", "5.0.0", "spam", False),
        ("550 Virus found", "", "5.0.0", "virus", False),
        (
            "550 5.7.26 unauthenticated email is not accepted due to the domain's DMARC policy",
            "",
            "5.7.26",
            "authentication",
            False,
        ),
        (
            "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
            "",
            "5.7.1",
            "recipient-refuses",
            False,
        ),
        ("554 5.7.1 Relay access denied", "", "5.7.1", "relay-denied", False),
        ("421 4.7.0 too many connections", "", "4.7.0", "rate", False),
        ("connect to mx.example.org[192.0.2.1]:25: Connection timed out", "4.4.1", "4.4.1", "expired", False),
        ("554 5.4.6 Too many hops", "", "5.4.6", "loop", False),
        ("503 5.5.1 bad sequence of commands", "", "5.5.1", "syntax", False),
        ("550 5.7.1 Denied", "", "5.7.1", "policy", False),
        ("", "5.1.1", "5.1.1", "no-mailbox", True),
        ("", "4.1.1", "4.1.1", "other", False),
        ("", "5.2.2 (mailbox full)", "5.2.2", "mailbox-full", False),
        ("", "5.7.1", "5.7.1", "policy", False),
        ("", "5.4.4", "5.4.4", "no-domain", True),
        ("", "5.4.6", "5.4.6", "loop", False),
        ("", "", "", "other", False),
        (
            "smtp; 5.1.0 - Unknown address error 550-'5.7.1 <a@example.org>... Access denied'",
            "5.0.0",
            "5.7.1",
            "policy",
            False,
        ),
        (
            "smtp; 554 delivery error: dd This user doesn't have a yahoo.com account (a) [0]",
            "5.0.0",
            "5.0.0",
            "no-mailbox",
            True,
        ),
        ("smtp; 542 <a@example.org> Rejected", "5.0.0", "5.0.0", "no-mailbox", True),
        ("smtp;550 Requested action not taken: mailbox unavailable", "5.5.0", "5.5.0", "no-mailbox", True),
        ("550 Requested action not taken: mailbox unavailable", "", "5.0.0", "no-mailbox", False),
        ("550 5.1.8 Domain does not exist", "", "5.1.8", "sender-refused", False),
        # Domino's sentence is the frame of any reply: it says nothing of the address.
        (
            "Error transferring to MX.EXAMPLE.ORG; SMTP Protocol Returned a Permanent Error 550 5.7.1 Message rejected",
            "5.0.0",
            "5.7.1",
            "policy",
            False,
        ),
        ("SMTP Protocol Returned a Permanent Error 554 Service rejected", "", "5.0.0", "policy", False),
        ("SMTP Protocol Returned a Permanent Error 421 busy", "4.0.0", "4.0.0", "other", False),
        (
            "Error transferring to MX.EXAMPLE.ORG; SMTP Protocol Returned a Permanent Error 550 5.1.1 User unknown",
            "5.0.0",
            "5.1.1",
            "no-mailbox",
            True,
        ),
        ("SMTP Protocol Returned a Permanent Error", "5.0.0", "5.0.0", "accepts-no-mail", True),
        # Exchange Online puts a code of its own before the reply that it got.
        (
            "smtp;550 5.0.350 Remote server returned an error -> 550 5.1.1 <ann@example.org>: User unknown",
            "5.0.350",
            "5.1.1",
            "no-mailbox",
            True,
        ),
        (
            "smtp;550 5.0.350 Remote server returned an error -> 552 5.2.2 Mailbox full",
            "5.0.350",
            "5.2.2",
            "mailbox-full",
            False,
        ),
        (
            "smtp;550 5.0.350 Remote server returned an error -> 550 User unknown",
            "5.0.350",
            "5.0.350",
            "no-mailbox",
            False,
        ),
        (
            "550 5.4.300 Message expired -> 451 4.7.1 Greylisted",
            "4.4.7",
            "5.4.300",
            "recipient-refuses",
            False,
        ),
        # A rule of the organisation is a policy, whatever it looks at.
        (
            "smtp;550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
            "5.7.1",
            "5.7.1",
            "policy",
            False,
        ),
        # Yahoo puts off what many complain about; GMX refuses by policy in the words of a missing mailbox.
        (
            "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints - 4.16",
            "",
            "4.7.0",
            "rate",
            False,
        ),
        (
            "421 4.7.0 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.",
            "",
            "4.7.0",
            "rate",
            False,
        ),
        (
            "550 Requested action not taken: mailbox unavailable (gmx.net) Reject due to policy restrictions.",
            "",
            "5.0.0",
            "policy",
            False,
        ),
        ("550 5.1.1 L'utilisateur n'existe pas", "", "5.1.1", "no-mailbox", True),
        ("550 5.0.0 l’adresse est inconnue (in reply to RCPT TO command)", "", "5.0.0", "no-mailbox", True),
        ("550 5.0.0 l'utente non esiste (in reply to RCPT TO command)", "", "5.0.0", "no-mailbox", True),
        ("550 Domain not found (in reply to MAIL FROM command)", "", "5.0.0", "sender-refused", False),
        ("550 5.4.310 DNS domain does not exist", "", "5.4.310", "no-domain", True),
        ("550 5.1.1 inactive email address", "", "5.1.1", "no-mailbox", True),
        ("550 5.2.1 account disabled", "", "5.2.1", "disabled", False),
        ("delivered to mx 192.0.2.5.1.1 by Exim 4.96.1", "", "", "other", False),
    ],
)
def test_a_diagnostic_is_understood(text: str, stated: str, status: str, reason: str, hard: bool) -> None:
    found = diagnose(text, stated=stated)
    assert (str(found.status or ""), found.reason, found.hard) == (status, reason, hard)


def test_a_delay_is_never_hard() -> None:
    assert not diagnose("550 5.1.1 user unknown", delayed=True).hard


@pytest.mark.parametrize("name", ["user-unknown@example.org", "virus@quota.example", "spam@example.org"])
def test_words_of_an_address_or_a_url_are_no_reason(name: str) -> None:
    assert diagnose(f"550 <{name}> see https://example.org/mailbox-full/{name}").reason == "other"


def test_a_host_in_a_url_that_lists_senders_is_one() -> None:
    assert (
        diagnose("553 http://www.spamhaus.org/query/bl?ip=192.0.2.222", stated="5.1.3").reason == "reputation"
    )


def test_codes_are_found_as_pairs_and_never_within_numbers() -> None:
    assert find_reply("host said: 550-5.1.1 x") == (550, (5, 1, 1))
    assert find_reply("250 ok then 550 no") == (550, None)
    assert find_reply("451 4.7.1 later, 550 5.1.1 never") == (451, (4, 7, 1))
    assert find_reply("550 4.7.1 two classes") == (550, None)
    assert find_reply("port 10.0.5.50 at 1550 bytes, id 550.1") == (None, None)


def test_the_command_that_was_answered_is_found_in_a_transcript() -> None:
    assert find_stage(">>> MAIL From:<a>\n<<< 250 ok\n>>> RCPT To:<b>\n<<< 550 no") == "rcpt"
    assert find_stage(">>> RCPT To:<b>\n<<< 250 ok\n>>> DATA\n<<< 554 no") == "data"
    assert find_stage("<<< 550 no") == ""


def test_phrases_match_whole_beginnings_of_words_in_order() -> None:
    phrases = compile_phrases("ip*rejected | over quota")
    assert Said("your IP  was\nrejected").has_any(phrases)
    assert not Said("recipient address rejected").has_any(phrases)
    assert not Said("rejected: ip").has_any(phrases)
    assert not Said("moreover quota").has_any(phrases)
    assert not Said(f"ip {'x' * 200} rejected").has_any(phrases)
    assert find_reason("") is None


@pytest.mark.parametrize(
    ("recipient", "want"),
    [
        (ReportedRecipient(), ("Undetermined", "Undetermined")),
        (ReportedRecipient(status="5.0.0"), ("Transient", "General")),
        (ReportedRecipient(reason="no-mailbox", status="5.1.1", hard=True), ("Permanent", "General")),
        (ReportedRecipient(reason="no-mailbox", status="5.1.10", hard=True), ("Permanent", "NoEmail")),
        (ReportedRecipient(reason="no-mailbox", status="5.0.0"), ("Transient", "General")),
        (ReportedRecipient(reason="no-domain", hard=True), ("Permanent", "General")),
        (ReportedRecipient(reason="mailbox-full"), ("Transient", "MailboxFull")),
        (ReportedRecipient(reason="too-large"), ("Transient", "MessageTooLarge")),
        (ReportedRecipient(reason="spam"), ("Transient", "ContentRejected")),
        (ReportedRecipient(reason="attachment"), ("Transient", "AttachmentRejected")),
        (ReportedRecipient(reason="suppressed", status="5.1.1"), ("Permanent", "Suppressed")),
        (
            ReportedRecipient(reason="account-suppressed", status="5.1.1"),
            ("Permanent", "OnAccountSuppressionList"),
        ),
        (ReportedRecipient(reason="disabled", status="5.2.1"), ("Transient", "General")),
        (ReportedRecipient(reason="policy", status="5.7.1"), ("Transient", "General")),
    ],
)
def test_the_bounce_type_follows_the_reason(recipient: ReportedRecipient, want: tuple[str, str]) -> None:
    assert bounce_type(recipient) == want
