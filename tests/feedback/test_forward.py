"""Feedback forwarding: who is told by mail of what, and who never is."""

import email
import email.policy
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sesame.db import Transaction
from sesame.feedback.forward import Forwarder, ForwardingNames
from sesame.model import SYSTEM_ACCOUNT, Outcome, OutcomeKind
from sesame.reports.read import read_report
from sesame.sending.system_mail import SystemMail
from sesame.store import configuration_sets, events, notifications
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.events import Happened, NewEvent
from tests.feedback.test_counts import create
from tests.feedback.test_receive import NOW, message_id
from tests.support.clock import FakeClock
from tests.support.reacting import react
from tests.support.spooled import BOUNCED, DELAYED, DELIVERED, OWNER, REGION, Fixture, message, with_spool

DELEGATE = "333333333333"
ARN = f"arn:aws:ses:{REGION}:{OWNER}:identity/example.com"
TOPIC = "arn:aws:sns:us-east-1:222222222222:t"
COMPLAINED = "complained"
EXPIRED = replace(DELAYED, diagnostic="421 4.4.0 no")


def forwarder() -> Forwarder:
    numbers = itertools.count(1_000)
    mail = SystemMail(
        from_address="no-reply@sesame.test",
        message_id_domain="sesame.test",
        new_id=lambda at, region: message_id(at, next(numbers)),  # type: ignore[arg-type,return-value]
        random_hex=lambda n: "b" * n,
        steady=FakeClock(NOW),
    )
    names = ForwardingNames(
        hostname="sesame.test",
        return_path_domain="bounces.test",
        feedback_addresses=frozenset({"fbl@sesame.test"}),
    )
    return Forwarder(mail, names)


async def happen(f: Fixture, what: Outcome | str, **changes: Any) -> None:
    """Send a message as example.com, and let `what` become of it."""
    fields = {"owner_account_id": OWNER, "account_id": OWNER, "return_path": "feedback@example.com"} | changes
    await f.put(message(message_id(n=1), "x@one.test", at=NOW, **fields))
    (claim,) = await f.claim(now=NOW)
    outcome = DELIVERED if isinstance(what, str) else what
    await f.settle(claim, outcome, now=NOW)
    if what == COMPLAINED:
        detail = {
            "by": "report",
            "complaintFeedbackType": "abuse",
            "userAgent": "Reader/1.0",
            "arrivalDate": "2027-01-15T08:00:00.000Z",
        }
        event = NewEvent(
            message_seq=1, key="0/complaint", what=Happened.COMPLAINED, at=NOW, n=0, detail=detail
        )
        await f.store.write(lambda tx: events.record(tx, [event]))


async def spooled(f: Fixture) -> list[tuple[str, str, bytes]]:
    """The forwarded messages, taken out of the spool: recipient, envelope sender, content."""
    claims = await f.claim(now=NOW + 1)
    assert {claim.account_id for claim in claims} <= {SYSTEM_ACCOUNT}
    return [(one.address, "" if one.is_from_nobody else "somebody", await f.data(one)) for one in claims]


def forwarding(tmp_path: Path, check: Callable[[Fixture], Awaitable[None]]) -> None:
    async def run(f: Fixture) -> None:
        await create(f, OWNER, DELEGATE)
        await check(f)

    with_spool(tmp_path, run)


def test_a_bounce_is_told_by_a_report_from_nobody(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await happen(f, BOUNCED, data=b"From: a@example.com\r\nSubject: hello\r\n\r\nhi\r\n")
        await react(f, forwarder=forwarder())
        ((to, sender, data),) = await spooled(f)
        assert (to, sender) == ("feedback@example.com", "")
        read = email.message_from_bytes(data, policy=email.policy.default)
        assert read["From"] == "MAILER-DAEMON@sesame.test"
        assert read["Subject"] == "Delivery Status Notification (Failure)"
        assert read["Auto-Submitted"] == "auto-generated"
        assert read.get_content_type() == "multipart/report"
        assert read.get_param("report-type") == "delivery-status"
        kinds = [part.get_content_type() for part in read.iter_parts()]
        assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
        assert b"Subject: hello" in data
        report = read_report(data)
        assert report.kind == "bounce"
        (recipient,) = report.recipients
        assert (recipient.final_recipient, recipient.status) == ("x@one.test", "5.1.1")
        assert "550 no such user" in recipient.diagnostic_code
        assert await react(f, forwarder=forwarder()) == 0  # once

    forwarding(tmp_path, check)


def test_a_complaint_is_told_by_a_feedback_report(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await happen(f, COMPLAINED)
        await react(f, forwarder=forwarder())
        ((to, _, data),) = await spooled(f)
        assert to == "feedback@example.com"
        report = read_report(data)
        assert (report.kind, report.feedback_type, report.user_agent) == ("complaint", "abuse", "Reader/1.0")
        assert report.arrival_date == "Fri, 15 Jan 2027 08:00:00 +0000"

    forwarding(tmp_path, check)


def test_what_ran_out_of_time_is_told_as_that(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await happen(f, EXPIRED)
        await react(f, forwarder=forwarder())
        ((_, _, data),) = await spooled(f)
        assert b"\r\nStatus: 4.4.7\r\n" in data
        assert b"554 4.4.7 Message expired: unable to deliver in time.<421 4.4.0 no>" in data

    forwarding(tmp_path, check)


# By the reference: the owner's switch decides; switched off, mail goes all the same when neither owner nor sender
# has another way of being told of that kind; deliveries are never told by mail.
MATRIX = [
    (what, sender, is_on, owners, senders, has_set)
    for what in (BOUNCED, COMPLAINED, DELIVERED)
    for sender in (OWNER, DELEGATE)
    for is_on in (True, False)
    for owners in (False, True)
    for senders in (False, True)
    for has_set in (False, True)
    if sender == DELEGATE or not senders
]


def expected(what: Any, is_on: bool, owners: bool, senders: bool, has_set: bool) -> bool:
    if what is DELIVERED:
        return False
    return is_on or not (owners or senders or has_set)


def test_the_matrix_of_who_is_told_by_mail(tmp_path: Path) -> None:
    """Every cell; what a delegate says of the identity never switches the owner's forwarding, nor the owner's sets."""
    for number, (what, sender, is_on, owners, senders, has_set) in enumerate(MATRIX):
        kind = "Complaint" if what == COMPLAINED else "Bounce"

        async def check(
            f: Fixture,
            what: Any = what,
            sender: str = sender,
            is_on: bool = is_on,
            owners: bool = owners,
            senders: bool = senders,
            has_set: bool = has_set,
            kind: str = kind,
        ) -> None:
            async def run(tx: Transaction) -> None:
                await notifications.set_forwarding(tx, OWNER, ARN, enabled=is_on)
                if sender != OWNER:  # which is not the delegate's to say
                    await notifications.set_forwarding(tx, DELEGATE, ARN, enabled=not is_on)
                if owners:
                    await notifications.set_topic(tx, OWNER, ARN, kind, TOPIC)
                if senders:
                    await notifications.set_topic(tx, DELEGATE, ARN, kind, TOPIC)
                for account_id in (OWNER, DELEGATE):
                    found = ConfigurationSet(account_id=account_id, region=REGION, name="s")
                    await configuration_sets.put(tx, found)
                    definition = {"Enabled": True, "MatchingEventTypes": [kind.upper()]}
                    if account_id == sender and has_set:
                        await configuration_sets.put_destination(tx, found, "d", definition)
                    elif account_id != sender:
                        await configuration_sets.put_destination(tx, found, "others", definition)

            await f.store.write(run)
            await happen(f, what, account_id=sender, configuration_set="s")
            await react(f, forwarder=forwarder())
            told = [to for to, _, _ in await spooled(f)]
            want = ["feedback@example.com"] if expected(what, is_on, owners, senders, has_set) else []
            assert told == want, (what, sender, is_on, owners, senders, has_set)

        directory = tmp_path / str(number)
        directory.mkdir()
        forwarding(directory, check)


@pytest.mark.parametrize(
    "definition",
    [{"Enabled": False, "MatchingEventTypes": ["BOUNCE"]}, {"Enabled": True, "MatchingEventTypes": ["SEND"]}],
)
def test_a_destination_that_does_not_tell_of_it_is_none(tmp_path: Path, definition: dict[str, Any]) -> None:
    async def check(f: Fixture) -> None:
        async def run(tx: Transaction) -> None:
            await notifications.set_forwarding(tx, OWNER, ARN, enabled=False)
            found = ConfigurationSet(account_id=OWNER, region=REGION, name="s")
            await configuration_sets.put(tx, found)
            await configuration_sets.put_destination(tx, found, "d", definition)

        await f.store.write(run)
        await happen(f, BOUNCED, configuration_set="s")
        await react(f, forwarder=forwarder())
        assert len(await spooled(f)) == 1

    forwarding(tmp_path, check)


@pytest.mark.parametrize(
    "changes",
    [
        {"return_path": ""},
        {"data": b"From: a@example.com\r\nAuto-Submitted: auto-replied\r\n\r\nhi\r\n"},
        {"data": b"From: a@example.com\r\nauto-submitted:\r\n auto-generated (x)\r\n\r\nhi\r\n"},
        {"account_id": SYSTEM_ACCOUNT, "owner_account_id": SYSTEM_ACCOUNT},
        {"return_path": "somebody@Bounces.test"},
        {"return_path": "fbl@sesame.test"},
        {"return_path": "not an address"},
    ],
)
def test_reports_about_these_go_to_nobody(tmp_path: Path, changes: dict[str, Any]) -> None:
    async def check(f: Fixture) -> None:
        await happen(f, BOUNCED, **changes)
        await react(f, forwarder=forwarder())
        assert await spooled(f) == []

    forwarding(tmp_path, check)


def test_a_message_that_says_it_is_not_automatic_is_told_of(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await happen(f, BOUNCED, data=b"From: a@example.com\r\nAuto-Submitted: no\r\n\r\nhi\r\n")
        await react(f, forwarder=forwarder())
        assert len(await spooled(f)) == 1

    forwarding(tmp_path, check)


def test_a_report_that_bounces_makes_no_other(tmp_path: Path) -> None:
    """However often: what two servers say to each other ends with the first report."""

    async def check(f: Fixture) -> None:
        await happen(f, BOUNCED)
        for _ in range(5):
            await react(f, forwarder=forwarder())
            for claim in await f.claim(now=NOW + 1):
                assert claim.is_from_nobody
                await f.settle(claim, replace(BOUNCED, kind=OutcomeKind.PERMANENT), now=NOW + 1)
        assert await f.count("message") == 2

    forwarding(tmp_path, check)


def test_words_of_the_remote_cannot_write_fields_or_parts(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        evil = "550 no\r\n------=_Part_bbbbbbbbbbbb\r\nBcc: victim@two.test\r\n\x00\xff" + "x" * 5_000
        await happen(
            f,
            replace(BOUNCED, diagnostic=evil),
            data=b"From: a@example.com\r\nX: \xff" + b"y" * 3_000 + b"\r\n\r\nhi",
        )
        await react(f, forwarder=forwarder())
        ((_, _, data),) = await spooled(f)
        assert data.isascii()
        assert max(map(len, data.split(b"\r\n"))) <= 998
        assert b"\nBcc:" not in data
        read = email.message_from_bytes(data, policy=email.policy.default)
        assert len(list(read.iter_parts())) == 3

    forwarding(tmp_path, check)
