"""Every event of every account goes to the operator's NATS JetStream: in order, once, whatever the server does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sesame.cli.main import BAD_CONFIGURATION
from sesame.db import Transaction
from tests.support.endpoint import listening
from tests.support.nats_server import SUBJECT, Kept, NatsServer, needs_nats
from tests.support.process import Account, SesameProcess, running, wait_until

TO = ("success@simulator.amazonses.com", "bounce@simulator.amazonses.com")


@dataclass
class World:
    """A server that publishes to a stream, its owner's and a delegate's accounts."""

    nats: NatsServer
    sesame: SesameProcess
    owner: Account
    delegate: Account
    arn: str

    def send(self, account: Account, to: str, **given: Any) -> str:
        sent = self.sesame.client("ses", account).send_email(
            Source="news@example.com",
            Destination={"ToAddresses": [to]},
            Message={"Subject": {"Data": "é"}, "Body": {"Text": {"Data": "t"}}},
            **given,
        )
        return str(sent["MessageId"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    needs_nats()
    nats = NatsServer(tmp_path / "nats")
    nats.start()
    nats.make_stream()
    settings = {"SESAME_NOTIFY__NATS_SERVERS": nats.url, "SESAME_NOTIFY__NATS_SUBJECT": SUBJECT}
    try:
        with running(tmp_path / "data", **settings) as sesame:
            owner, delegate = sesame.create_account(), sesame.create_account()
            ses = sesame.client("ses", owner)
            ses.verify_domain_identity(Domain="example.com")
            arn = f"arn:aws:ses:us-east-1:{owner.account_id}:identity/example.com"
            allow = {
                "Effect": "Allow", "Principal": {"AWS": delegate.account_id}, "Action": "ses:SendEmail",
                "Resource": arn,
            }  # fmt: skip
            policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
            ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=policy)
            yield World(nats, sesame, owner, delegate, arn)
    finally:
        nats.stop()


def events(kept: list[Kept]) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in kept]


def types(kept: list[Kept], message_id: str) -> list[str]:
    return [one["eventType"] for one in events(kept) if one["mail"]["messageId"] == message_id]


def test_every_event_of_every_account_is_published_with_whose_it_is(world: World) -> None:
    """Also of mail without a configuration set, and of a delegate's; Sesame's own mail is nobody's."""
    plain = world.send(world.owner, TO[0])
    lent = world.send(world.delegate, TO[1], SourceArn=world.arn)
    world.sesame.client("ses", world.owner).verify_email_identity(EmailAddress="a@people.test")
    kept = world.nats.wait_for(4)
    assert types(kept, plain) == ["Send", "Delivery"]
    assert types(kept, lent) == ["Send", "Bounce"]
    assert len(kept) == 4 and len({one.message_id for one in kept}) == 4
    parties = {
        (one["mail"]["messageId"], one["account"], one["identityOwner"], one["mail"]["sendingAccountId"])
        for one in events(kept)
    }
    owner, delegate = world.owner.account_id, world.delegate.account_id
    assert parties == {(plain, owner, owner, owner), (lent, delegate, owner, delegate)}
    for one in kept:
        assert (
            one.body.startswith(b'{"eventType":"') and one.body.endswith(b'"}') and "é".encode() in one.body
        )


def test_it_is_the_event_of_a_destination_and_whose_it_is(world: World) -> None:
    ses, sns = world.sesame.client("ses", world.owner), world.sesame.client("sns", world.owner)
    with listening() as endpoint:
        topic = sns.create_topic(Name="t")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
        endpoint.confirm()
        ses.create_configuration_set(ConfigurationSet={"Name": "set"})
        destination = {
            "Name": "d", "Enabled": True, "MatchingEventTypes": ["send", "bounce"],
            "SNSDestination": {"TopicARN": topic},
        }  # fmt: skip
        ses.create_configuration_set_event_destination(
            ConfigurationSetName="set", EventDestination=destination
        )
        world.send(world.owner, TO[1], ConfigurationSetName="set")
        texts = [one.envelope["Message"] for one in endpoint.wait_for(3)]
    posted = [
        json.loads(text) for text in texts if text.startswith("{")
    ]  # the topic's validation is in no order
    streamed = events(world.nats.wait_for(2))
    assert [list(one)[-2:] for one in streamed] == [["account", "identityOwner"]] * 2
    for one in streamed:
        del one["account"], one["identityOwner"]
    assert streamed == posted


def test_a_server_that_is_gone_holds_up_nobody_and_gets_all_once_when_it_is_back(world: World) -> None:
    sent = [world.send(world.owner, TO[0])]
    world.nats.wait_for(2)
    world.nats.stop()
    with listening() as endpoint:
        account_id = world.owner.account_id
        world.sesame.client("ses", world.owner).create_configuration_set(ConfigurationSet={"Name": "set"})
        world.sesame.run(
            "webhook", "create", account_id, "set", "hook", endpoint.url, "--events", "SEND,DELIVERY"
        )
        sent += [world.send(world.owner, TO[0], ConfigurationSetName="set") for _ in range(3)]
        wait_until(lambda: len(endpoint.posted) >= 6)
    world.nats.start()
    world.sesame.stop()
    world.sesame.operate(lambda services: services.store.write(_all_due))
    world.sesame.start()
    kept = world.nats.wait_for(8)
    assert len(kept) == len({one.message_id for one in kept}) == 8
    for message_id in sent:
        assert types(kept, message_id) == ["Send", "Delivery"]


async def _all_due(tx: Transaction) -> None:
    """As if the time to try again had come."""
    await tx.execute("UPDATE outbox SET due_at = 0 WHERE state = 'waiting'")


def test_what_no_stream_took_is_listed_and_sent_again(tmp_path: Path) -> None:
    needs_nats()
    nats = NatsServer(tmp_path / "nats")
    nats.start()
    settings = {
        "SESAME_NOTIFY__NATS_SERVERS": nats.url,
        "SESAME_NOTIFY__NATS_SUBJECT": SUBJECT,
        "SESAME_NOTIFY__GIVE_UP_AFTER_S": "0.001",
    }
    try:
        with running(tmp_path / "data", **settings) as sesame:
            account = sesame.create_account()
            sesame.client("ses", account).verify_domain_identity(Domain="example.com")
            message_id = World(nats, sesame, account, account, "").send(account, TO[0])
            dead = wait_until(lambda: len(found := sesame.run_json("events", "dead")) == 2 and found)
            assert {one["problem"] for one in dead} == {f"no JetStream stream has the subject `{SUBJECT}`"}
            assert sesame.run_json("events", "dead", "--account", account.account_id) == []
            assert f"nats {SUBJECT}: no JetStream" in sesame.run("trace", message_id).stdout
            nats.make_stream()
            assert sesame.run_json("events", "retry", "--all") == {"retried": 2}
            assert types(nats.wait_for(2), message_id) == ["Send", "Delivery"]
    finally:
        nats.stop()


def test_the_map_names_the_stream_for_every_type(world: World) -> None:
    mapped = world.sesame.run_json("notifications", "map", world.arn)
    streamed = [one for one in mapped if one["way"] == "stream"]
    assert len(streamed) == 10 and all(one["account"] == "operator" for one in streamed)
    assert {tuple(one["endpoints"]) for one in streamed} == {(f"nats {SUBJECT}",)}


def test_without_the_extra_the_server_says_so_and_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "nats.py").write_text("raise ModuleNotFoundError('nats')\n")
    sesame = SesameProcess(
        tmp_path / "data",
        environ={
            "SESAME_NOTIFY__NATS_SERVERS": "nats://127.0.0.1:4222",
            "PYTHONPATH": f"{tmp_path}:{Path(__file__).resolve().parents[2] / 'src'}",
        },
    )
    done = sesame.spawn("serve", check=False)
    assert done.returncode == BAD_CONFIGURATION
    assert "pip install 'sesame-ses[nats]'" in done.stderr and "Traceback" not in done.stderr
