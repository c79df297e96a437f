"""What became of each recipient, in a sentence: the server's words, the times, and when it is given up."""

import datetime
import re
from typing import Any

import pytest

from sesame.console import text
from sesame.console.fates import FOLLOWED_S, Clock, goes_on, meaning, sentences
from sesame.spool.trace import Attempt, RecipientTrace, Trace
from tests.support.browser import Person, main_of, operator, root_of
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import MESSAGE, TO, Tenant
from tools.screenshots import play_recipient

NOW = datetime.datetime(2026, 11, 26, 14, 16, tzinfo=datetime.UTC).timestamp()
CLOCK = Clock(now=NOW, when=lambda at: text.when(at, now=NOW), give_up_after_s=50_400.0)


def attempt(kind: str, status: str, said: str, *, mta: str | None = "mx1.example.org") -> Attempt:
    return Attempt(
        at=NOW - 60, kind=kind, status=status, diagnostic=said, remote_mta=mta, remote_ip=None, tls=None,
        tls_verdict=None, source_ip=None,
    )  # fmt: skip


def trace_of(recipient: RecipientTrace) -> Trace:
    return Trace(
        message_id="m", account_id="1", owner_account_id="2", region="us-east-1", identity="example.com",
        source="a@example.com", return_path="", subject="", size_bytes=1, tags="{}", decision="{}",
        accepted_at=NOW - 120, recipients=(recipient,), failure=None,
    )  # fmt: skip


def said(
    *attempts: Attempt, state: str, due_at: float = 0.0, is_owner_only: bool = False, **more: Any
) -> str:
    recipient = RecipientTrace(
        address="reader@example.org", state=state, due_at=due_at, attempts=attempts, **more
    )
    trace = trace_of(recipient)
    [(_, sentence, found)] = sentences(trace, CLOCK, is_owner_only=is_owner_only)
    assert found is recipient
    return sentence


GREYLISTED = attempt("transient", "4.7.1", "451 greylisted")


def test_what_waits_is_told_with_the_next_attempt_and_the_end() -> None:
    assert said(GREYLISTED, GREYLISTED, state="queued", due_at=NOW + 240, queued_at=NOW - 120) == (
        "Waiting: mx1.example.org said “451 greylisted” (the server's policy does not let it in); next attempt"
        " 14:20:00 UTC (in 4 min), the 3rd; it is given up 27 Nov 04:14 UTC."
    )
    own_end = said(GREYLISTED, state="queued", due_at=NOW - 1, queued_at=NOW, expires_at=NOW + 3600)
    assert own_end.endswith("; it is tried again now, the 2nd; it is given up 15:16:00 UTC.")
    assert said(state="queued") == "Waiting for its first attempt."


def test_what_ended_is_told_with_the_servers_words() -> None:
    taken = attempt("delivered", "2.0.0", "250 queued as 4F2A")
    assert said(taken, state="delivered") == (
        "Delivered: 14:15:00 UTC mx1.example.org took it and said “250 queued as 4F2A”. It may be in the spam folder"
        " there; that server knows."
    )
    gone = attempt("permanent", "5.1.1", "550 5.1.1 no such user\r\n here", mta=None)
    assert said(gone, state="bounced") == (
        "Bounced: 14:15:00 UTC the server rejected it with “550 5.1.1 no such user here” (there is no such mailbox)."
    )
    assert "the last ended with “451 greylisted”" in said(GREYLISTED, state="expired")
    assert said(state="cancelled") == "Cancelled."


def test_words_of_a_server_are_shortened_and_mark_nothing() -> None:
    long = said(attempt("permanent", "5.0.0", "`rm` " + "x" * 500), state="bounced")
    assert len(long) < 300 and "`" not in long and "…" in long
    assert "with 5.0.0." in said(attempt("permanent", "5.0.0", ""), state="bounced")


@pytest.mark.parametrize(
    ("status", "means"),
    [("5.1.1", "there is no such mailbox"), ("4.2.2", "the mailbox is full"), ("2.0.0", ""), ("5.9.9", ""),
     ("", ""), ("550", ""), ("5.7.26", "several checks of who sent it fail")],
)  # fmt: skip
def test_a_status_says_what_it_means(status: str, means: str) -> None:
    assert meaning(status) == means


@pytest.mark.parametrize("number", [2, 3, 4, 11, 12, 13, 21, 22, 23, 101, 111])
def test_attempts_are_numbered_as_people_do(number: int) -> None:
    tries = tuple(GREYLISTED for _ in range(number - 1))
    wanted = {2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 22: "22nd",
              23: "23rd", 101: "101st", 111: "111th"}[number]  # fmt: skip
    assert f", the {wanted}" in said(*tries, state="queued", due_at=NOW + 5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 ms"), (0.0123, "12 ms"), (1.44, "1.4 s"), (59.9, "59.9 s"), (61.0, "1 min"), (7_300.0, "2 h")],
)
def test_how_long_an_attempt_took_is_written_short(seconds: float, words: str) -> None:
    assert text.took(seconds) == words


def test_the_life_of_a_message_says_how_long_each_attempt_took(tenant: Tenant, person: Person) -> None:
    sent = tenant.ses.send_email(Source="news@example.com", Destination=TO, Message=MESSAGE)
    path = f"/{REGION}/messages/{sent['MessageId']}"
    told = re.compile(r"Delivered for reader@elsewhere.test .* after [0-9]+ s, took [0-9.]+ m?s ")
    wait_until(lambda: told.search(main_of(person.get(path))))


def test_an_attempt_that_failed_shows_why_there_and_what_was_said(
    tenant: Tenant, person: Person, sesame: SesameProcess
) -> None:
    to = {"ToAddresses": ["bounce@simulator.amazonses.com"]}
    sent = tenant.ses.send_email(Source="news@example.com", Destination=to, Message=MESSAGE)
    path = f"/{REGION}/messages/{sent['MessageId']}"
    wait_until(lambda: "What was said" in person.get(path).text)
    page = main_of(person.get(path))
    assert "Server chosen: " in page
    shown = page.partition("What was said")[2]
    assert "> RCPT TO:<bounce@simulator.amazonses.com>" in shown
    assert "> MAIL FROM:<...@" in shown
    assert "Subject: Hello" not in shown
    assert "What was said" in operator(sesame).get(f"/operator/messages/{sent['MessageId']}").text


@pytest.mark.parametrize(("state", "waits"), [("queued", True), ("delivered", False), ("held", False)])
def test_a_message_is_followed_while_something_is_due_or_may_come_back(state: str, waits: bool) -> None:
    trace = trace_of(RecipientTrace(address="reader@example.org", state=state, due_at=0.0, attempts=()))
    assert goes_on(trace, trace.accepted_at + FOLLOWED_S - 1)
    assert goes_on(trace, trace.accepted_at + FOLLOWED_S) is waits


@pytest.mark.parametrize(
    ("scenario", "says"),
    [
        ("complaint", "complained complaint@simulator.amazonses.com — A complaint came back at"),
        ("ooto", "answered ooto@simulator.amazonses.com — An automatic answer came back at"),
    ],
)
def test_what_comes_back_after_delivery_is_said(
    tenant: Tenant, person: Person, scenario: str, says: str
) -> None:
    """To the sender, and to the operator, who looks at all."""
    sent = tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": [f"{scenario}@simulator.amazonses.com"]},
        Message=MESSAGE,
    )["MessageId"]
    wait_until(lambda: says in main_of(person.get(f"/{REGION}/messages/{sent}")))
    assert says in main_of(operator(tenant.sesame).get(f"/operator/messages/{sent}"))


def test_a_report_of_a_bounce_that_comes_late_is_said_in_its_words(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    sent = tenant.ses.send_email(
        Source="news@example.com", Destination={"ToAddresses": ["late@example.net"]}, Message=MESSAGE
    )["MessageId"]
    play_recipient(sesame, "late@example.net", "bounce")
    path = f"/{REGION}/messages/{sent}"
    wait_until(
        lambda: (
            "bounced late@example.net — A report that it bounced came back at" in main_of(person.get(path))
        )
    )
    assert "which says “" in main_of(person.get(path))
