"""Mail on its real way: DNS proves the domain, MX hosts take the mail by preference, failures are told apart.

A production profile with the local zone in place of the internet, and a receiving server of another make.
"""

import email
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dkim
import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.store import development
from tests.support.process import Account, SesameProcess, wait_until
from tests.support.smtp_sink import Sink, listening

PROFILE = """
log_format = "json"
[delivery]
hostname = "mx1.sesame.test"
mx_port = {port}
allow_networks = ["127.0.0.0/8"]
first_delay_s = 0.1
longest_delay_s = 0.2
give_up_after_s = 60
return_path_domain = "bounces.sesame.test"
[dns]
resolver = "local"
"""
ZONE = [
    ("two.test", "MX", "20 mx.sink.test"),
    ("two.test", "MX", "10 down.sink.test"),
    ("null.test", "MX", "0 ."),
    ("inside.test", "MX", "10 mx.inside.test"),
    ("down.sink.test", "A", "127.0.0.9"),
    ("mx.sink.test", "A", "127.0.0.1"),
    ("mx.inside.test", "A", "10.1.2.3"),
]


def answer(recipient: str, asked: int) -> str:
    """How the sink answers RCPT, by the local part."""
    local_part = recipient.partition("@")[0]
    return {
        "nobody": "550 5.1.1 No such user",
        "full": "552 5.2.2 Mailbox full",
        "grey": "451 4.7.1 Come back" if asked < 3 else "250 Ok",
        "never": "451 4.3.0 Not now",
    }.get(local_part, "250 Ok")


@dataclass
class World:
    """A production server that delivers to the sink, and an account with a proven domain."""

    sesame: SesameProcess
    sink: Sink
    account: Account

    def send(self, *recipients: str) -> str:
        """Send a message; its id."""
        answer = self.sesame.client("ses", self.account).send_email(
            Source="News <news@example.com>",
            Destination={"ToAddresses": list(recipients)},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "Hello.\n.\n..\n"}}},
        )
        return str(answer["MessageId"])

    def copies(self, message_id: str) -> list[Any]:
        """Its copies that the sink received: reports about another test's mail may come at any time."""
        return [
            copy
            for copy in self.sink.received
            if str(email.message_from_bytes(copy.content)["message-id"]).startswith(f"<{message_id}")
        ]

    def restart(self, **environ: str) -> None:
        """Stop the server and start it with these variables over its file."""
        assert self.sesame.stop() == 0
        self.sesame.environ = environ
        self.sesame.start()

    def settled(self, message_id: str) -> dict[str, Any]:
        """Its recipients by address, once none is queued."""

        def recipients() -> dict[str, Any]:
            return {r["address"]: r for r in self.sesame.run_json("trace", message_id)["recipients"]}

        found: dict[str, Any] = wait_until(
            lambda: (now := recipients()) and all(r["state"] != "queued" for r in now.values()) and now
        )
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory: Path = tmp_path_factory.mktemp("delivery")
    with listening(Sink(answer=answer)) as sink:
        config = directory / "sesame.toml"
        config.write_text(PROFILE.format(port=sink.port))
        sesame = SesameProcess(directory / "data", config=config)
        account = sesame.create_account()

        async def publish(services: Services) -> None:
            await services.store.write(lambda tx: development.publish(tx, ZONE))

        sesame.operate(publish)
        sesame.start()
        try:
            yield World(sesame, sink, account)
        finally:
            assert sesame.stop() == 0


@pytest.fixture(scope="module", autouse=True)
def proven(world: World) -> None:
    """The domain waits for its records, and is good once they are published."""
    ses = world.sesame.client("ses", world.account)
    ses.verify_domain_dkim(Domain="example.com")
    ask = {"Identities": ["example.com"]}

    def status() -> str:
        found = ses.get_identity_verification_attributes(**ask)["VerificationAttributes"]
        return str(found["example.com"]["VerificationStatus"])

    assert status() == "Pending"
    with pytest.raises(ClientError, match=r"not verified.*news@example\.com"):
        world.send("r@one.test")
    world.sesame.run("dns", "publish", "example.com")
    assert status() == "Success"
    assert ses.get_identity_dkim_attributes(**ask)["DkimAttributes"]["example.com"][
        "DkimVerificationStatus"
    ] == ("Success")


def test_each_recipient_gets_a_copy_signed_for_the_domain(world: World) -> None:
    message_id = world.send("a@one.test", "b@one.test", "c@two.test")
    recipients = world.settled(message_id)
    assert {r["state"] for r in recipients.values()} == {"delivered"}
    copies = world.copies(message_id)
    assert sorted(rcpt for copy in copies for rcpt in copy.rcpt_tos) == [
        "a@one.test",
        "b@one.test",
        "c@two.test",
    ]
    assert len({copy.mail_from for copy in copies}) == 3, "a return path for each recipient"
    for copy in copies:
        assert copy.mail_from.endswith("@bounces.sesame.test")
        assert dkim.verify(copy.content, dnsfunc=world.sesame.txt)
        assert copy.content.endswith(b"\r\n\r\nHello.\r\n.\r\n..\r\n")


def test_the_next_mx_takes_what_the_first_cannot(world: World) -> None:
    """MX 10 of two.test refuses connections; MX 20 is the sink."""
    [recipient] = world.settled(world.send("r@two.test")).values()
    assert recipient["state"] == "delivered"
    last = recipient["attempts"][-1]
    assert last["remote_mta"] == "mx.sink.test"
    assert last["chosen"].startswith("MX 20, 2 of 2; before it down.sink.test [127.0.0.9] (MX 10, 1 of 2): ")
    assert last["dialogue"] is None


def test_refusals_are_settled_for_each_recipient_by_itself(world: World) -> None:
    message_id = world.send("ok@one.test", "nobody@one.test", "full@one.test", "grey@one.test")
    recipients = world.settled(message_id)
    assert {address.partition("@")[0]: r["state"] for address, r in recipients.items()} == {
        "ok": "delivered",
        "nobody": "bounced",
        "full": "bounced",
        "grey": "delivered",
    }
    last = {name.partition("@")[0]: r["attempts"][-1] for name, r in recipients.items()}
    assert (last["nobody"]["status"], last["full"]["status"]) == ("5.1.1", "5.2.2")
    assert "No such user" in last["nobody"]["diagnostic"]
    dialogue = last["nobody"]["dialogue"].splitlines()
    assert "> RCPT TO:<nobody@one.test>" in dialogue
    assert "< 550 5.1.1 No such user" in dialogue
    assert not any("Hello" in line or "News" in line for line in dialogue)
    assert [last[name]["dialogue"] for name in ("ok", "grey")] == [None, None]
    plain = world.sesame.run("trace", message_id).stdout
    assert "RCPT TO" not in plain
    assert "took " in plain
    assert "> RCPT TO:<nobody@one.test>" in world.sesame.run("trace", message_id, "--dialogue").stdout
    assert [attempt["kind"] for attempt in recipients["grey@one.test"]["attempts"]] == [
        "transient",
        "transient",
        "delivered",
    ]
    delivered = [rcpt for copy in world.copies(message_id) for rcpt in copy.rcpt_tos]
    assert sorted(delivered) == ["grey@one.test", "ok@one.test"]


def test_what_never_gets_through_expires(world: World) -> None:
    """Tried for as long as the setting says, which a restart may shorten."""
    message_id = world.send("never@one.test")
    wait_until(lambda: world.sink.asked.get("never@one.test", 0) >= 3)
    world.restart(SESAME_DELIVERY__GIVE_UP_AFTER_S="0.1")
    [recipient] = world.settled(message_id).values()
    assert recipient["state"] == "expired"
    assert len(recipient["attempts"]) >= 3
    world.restart()


def test_domains_that_take_no_mail_or_lead_inside_bounce_without_a_connection(world: World) -> None:
    recipients = world.settled(world.send("a@null.test", "b@inside.test"))
    assert {r["state"] for r in recipients.values()} == {"bounced"}
    assert recipients["a@null.test"]["attempts"][-1]["status"] == "5.1.10"
    assert "not public" in recipients["b@inside.test"]["attempts"][-1]["diagnostic"]
    assert not {"a@null.test", "b@inside.test"} & world.sink.asked.keys()


def test_a_restart_goes_on_with_what_is_queued(world: World) -> None:
    """Stopped between two attempts; afterwards the greylisted recipient still arrives, once."""
    message_id = world.send("grey@later.test")
    wait_until(lambda: world.sink.asked.get("grey@later.test"))
    world.restart()
    [recipient] = world.settled(message_id).values()
    assert recipient["state"] == "delivered"
    copies = [copy for copy in world.sink.received if "grey@later.test" in copy.rcpt_tos]
    assert len(copies) == 1
