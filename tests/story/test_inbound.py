"""The listener for reports, over real sockets: what it takes, what it refuses at RCPT, that it answers nobody."""

import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from sesame.app.foundation import Services
from sesame.db import Transaction
from sesame.mail.return_path import make_return_path
from tests.feedback.test_receive import bounce
from tests.story.test_simulator import send, settled
from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess, running, wait_until
from tests.support.tenant import Tenant


def path_of(sesame: SesameProcess, message_id: str, n: int = 0) -> str:
    async def make(services: Services) -> str:
        return make_return_path(services.return_path_key, message_id, n, domain="bounces.sesame.localhost")

    return sesame.operate(make)


@pytest.fixture
def client(sesame: SesameProcess) -> Iterator[smtplib.SMTP]:
    host, _, port = sesame.inbound.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=PATIENCE_S) as client:
        yield client


def test_a_report_is_taken_over_tls_and_seen_in_the_trace(
    sesame: SesameProcess, tenant: Tenant, client: smtplib.SMTP
) -> None:
    message_id = send(tenant, "somebody@elsewhere.test")
    settled(sesame, message_id, "delivered")
    to = path_of(sesame, message_id)
    client.starttls(context=ssl.create_default_context(cafile=sesame.ca))
    for _ in range(2):
        client.sendmail("", [to], bounce(to, "somebody@elsewhere.test"))
    found = settled(sesame, message_id, "delivered", came_back=1)
    assert found["reported"][0]["status"] == "5.1.1"
    assert (
        "Final-Recipient: rfc822; somebody@elsewhere.test"
        in sesame.run("feedback", "show", message_id).stdout
    )
    shown = sesame.run("trace", message_id).stdout
    assert "came back" in shown
    assert "550 5.1.1 no such user" in shown


def test_nobody_else_is_received_for_and_nothing_is_said_back(
    sesame: SesameProcess, tenant: Tenant, client: smtplib.SMTP
) -> None:
    addresses = (
        "a@example.com",
        "postmaster@sesame.localhost",
        f"{'a' * 64}@bounces.sesame.localhost",
        "Postmaster",
    )

    def kept() -> list[int]:
        """The mail for them: what other tests sent may come in at any time."""
        return [mail.seq for mail in sesame.mail() if set(mail.rcpt_to) & {*addresses, ""}]

    before = kept()
    client.ehlo()
    assert not client.has_extn("auth")
    client.mail("<>")
    for address in addresses:
        code, text = client.rcpt(f"<{address}>")
        assert (code, text[:5]) == (550, b"5.1.1")
    assert client.docmd("DATA")[0] == 503
    assert kept() == before


def test_a_report_larger_than_may_be_is_refused(
    sesame: SesameProcess, tenant: Tenant, client: smtplib.SMTP
) -> None:
    message_id = send(tenant, "somebody@elsewhere.test")
    settled(sesame, message_id, "delivered")
    to = path_of(sesame, message_id)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        client.sendmail("", [to], bounce(to) + b"x\r\n" * 400_000)
    assert refused.value.smtp_code == 552


def test_a_permanent_bounce_that_comes_later_suppresses(
    sesame: SesameProcess, tenant: Tenant, client: smtplib.SMTP
) -> None:

    message_id = send(tenant, "gone@elsewhere.test")
    settled(sesame, message_id, "delivered")
    to = path_of(sesame, message_id)
    client.sendmail("", [to], bounce(to, "gone@elsewhere.test"))
    sesv2 = sesame.client("sesv2", tenant.account)
    wait_until(lambda: sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"])
    (entry,) = sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert (entry["EmailAddress"], entry["Reason"]) == ("gone@elsewhere.test", "BOUNCE")


def test_reports_are_read_from_a_pipe_a_file_and_a_maildir(
    sesame: SesameProcess, tenant: Tenant, tmp_path: Path
) -> None:
    ids = [send(tenant, f"r{n}@elsewhere.test") for n in range(3)]
    for message_id in ids:
        settled(sesame, message_id, "delivered")
    paths = [path_of(sesame, message_id) for message_id in ids]
    report = tmp_path / "report.eml"
    report.write_bytes(bounce(paths[0]))
    (first,) = sesame.run_json("feedback", "read", str(report), "--recipient", paths[0], "--sender", "")
    assert (first["kind"], first["fates"], first["message_ids"]) == ("bounce", ["recorded"], [ids[0]])
    again = sesame.run("feedback", "read", str(report), "--recipient", paths[0])
    assert "repeated" in again.stdout
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1.a").write_bytes(
        f"Delivered-To: {paths[1]}\r\n".encode() + bounce("x@y.test")
    )
    (tmp_path / "box" / "new" / "2.b").write_bytes(b"Subject: an offer\r\n\r\nbuy\r\n")
    found = sesame.run_json("feedback", "read", str(tmp_path / "box"))
    assert [one["fates"] for one in found] == [["recorded"], ["not ours"]]
    assert list((tmp_path / "box" / "new").iterdir()) == []
    assert sesame.run_json("feedback", "read", str(tmp_path / "box")) == []


def test_what_cannot_be_taken_now_is_to_be_tried_again(tmp_path: Path) -> None:
    missing = SesameProcess(tmp_path / "nowhere")
    (tmp_path / "report.eml").write_bytes(b"x")
    done = missing.run("feedback", "read", str(tmp_path / "report.eml"), check=False)
    assert done.returncode == 75


def test_a_paused_account_does_not_send_until_it_is_reinstated(sesame: SesameProcess, tenant: Tenant) -> None:
    account = tenant.account.account_id
    send(tenant, "success@simulator.amazonses.com")
    sesame.run("account", "pause", account, "--region", "us-east-1", "--reason", "complaints by telephone")
    with pytest.raises(tenant.ses.exceptions.AccountSendingPausedException):
        send(tenant, "success@simulator.amazonses.com")
    sesv2 = sesame.client("sesv2", tenant.account)
    assert sesv2.get_account()["EnforcementStatus"] == "SHUTDOWN"
    assert sesv2.get_account()["SendingEnabled"] is False
    tenant.ses.update_account_sending_enabled(Enabled=True)  # which is not the account's to say
    with pytest.raises(tenant.ses.exceptions.AccountSendingPausedException):
        send(tenant, "success@simulator.amazonses.com")
    sesame.run("account", "reinstate", account, "--region", "us-east-1", "--reason", "spoke with them")
    send(tenant, "success@simulator.amazonses.com")
    found = sesame.run_json("account", "reputation", account)
    assert found["enforcement"] == "HEALTHY"
    assert [(one["was"], one["became"], one["who"]) for one in found["changes"]] == [
        ("HEALTHY", "SHUTDOWN", "operator"),
        ("SHUTDOWN", "HEALTHY", "operator"),
    ]
    assert "spoke with them" in sesame.run("account", "reputation", account, "--by", "identity").stdout


def messages_of(sesame: SesameProcess) -> tuple[int, int]:
    """How many messages it ever accepted or wrote, and how many of their recipients are not settled."""

    async def count(services: Services) -> tuple[int, int]:
        async def run(tx: Transaction) -> tuple[int, int]:
            row = await tx.one(
                "SELECT (SELECT COUNT(*) FROM message), (SELECT COUNT(*) FROM recipient WHERE state = 'queued')"
            )
            assert row is not None
            return int(row[0]), int(row[1])

        return await services.store.read(run)

    return sesame.operate(count)


def test_two_servers_that_bounce_at_each_other_stop_after_the_first_report(tmp_path: Path) -> None:
    """All mail of one goes to the listener of the other, which takes none: one message, one report, and no more."""
    with (
        running(tmp_path / "one") as one,
        running(tmp_path / "two", SESAME_DELIVERY__RELAY=one.inbound) as two,
    ):
        two.vouch(account := two.create_account(), "example.com")
        sender = Tenant(two, account)
        for to in ("x@one.test", "fbl@sesame.localhost", f"{'a' * 64}@bounces.one.test"):
            before, _ = messages_of(two)
            first = send(sender, to)
            settled(two, first, "bounced")
            wait_until(lambda before=before: messages_of(two) == (before + 2, 0))
        wait_until(lambda: messages_of(two) == (6, 0))
        assert messages_of(one) == (0, 0)
