"""kill -9 between every two steps from a report to who is told of it: each event told, each counted once (I6, I8)."""

import json
import smtplib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sesame.app.foundation import Services
from sesame.db import Transaction
from sesame.mail.return_path import make_return_path
from tests.crash.dying import POINTS
from tests.feedback.test_receive import bounce, complaint
from tests.support.endpoint import Endpoint, listening
from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess, wait_until

TYPES = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT"]


@dataclass
class DyingProcess(SesameProcess):
    """A server that kills itself at the step whose name is in `orders`."""

    @property
    def orders(self) -> Path:
        return self.data.parent / "orders"

    def _begin(self, command: list[str], output: int) -> "subprocess.Popen[bytes]":
        dying = [sys.executable, "-m", "tests.crash.dying", str(self.orders), *command]
        return subprocess.Popen(dying, stdout=output, stderr=output, env=self._environ())

    def wait_for_death(self) -> None:
        """Until it has killed itself; afterwards it may be started again, and lives."""
        assert self.process is not None
        assert self.process.wait(PATIENCE_S) == -9
        self.orders.unlink()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DyingProcess]:
    server = DyingProcess(tmp_path / "data")
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


@dataclass
class World:
    """One account whose events go to one endpoint, and a ledger of what happened."""

    server: DyingProcess
    account: Account
    endpoint: Endpoint
    ses: Any
    return_path_key: bytes
    sent: list[str] = field(default_factory=list)

    def send(self) -> str:
        message_id: str = self.ses.send_email(
            Source="news@example.com",
            Destination={"ToAddresses": [f"r{len(self.sent)}@elsewhere.test"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            ConfigurationSetName="set",
        )["MessageId"]
        self.sent.append(message_id)
        return message_id

    def told(self) -> dict[tuple[str, str], set[str]]:
        """By message and type of event the ids of the notifications that came."""
        found: dict[tuple[str, str], set[str]] = {}
        for posted in self.endpoint.of_type("Notification"):
            if not posted.envelope["Message"].startswith("{"):
                continue  # that the topic may be published to
            event = json.loads(posted.envelope["Message"])
            key = event["mail"]["messageId"], event["eventType"]
            found.setdefault(key, set()).add(posted.envelope["MessageId"])
        return found

    def wait_for(self, wanted: set[tuple[str, str]]) -> None:
        """Until all of these were told."""
        wait_until(lambda: wanted <= self.told().keys())

    def is_recorded(self) -> bool:
        """Whether the server has noted of all that was told that it was."""

        async def waiting(services: Services) -> bool:
            async def run(tx: Transaction) -> bool:
                return await tx.one("SELECT 1 FROM outbox WHERE state = ?", "waiting") is None

            return await services.store.read(run)

        return self.server.operate(waiting)

    def report(self, message_id: str, kind: str) -> None:
        """Hand in a report; once more after a server that died at it is back, as a sending server does."""
        to = make_return_path(self.return_path_key, message_id, 0, domain="bounces.sesame.localhost")
        data = bounce(to, "x@one.test") if kind == "Bounce" else complaint(to)
        host, _, port = self.server.inbound.rpartition(":")
        for _ in range(2):
            try:
                with smtplib.SMTP(host, int(port), timeout=PATIENCE_S) as client:
                    client.sendmail("", [to], data)
                return
            except (OSError, smtplib.SMTPException):
                self.server.wait_for_death()
                self.server.start()
                host, _, port = self.server.inbound.rpartition(":")
        raise AssertionError("the report was not taken twice")


async def key(services: Services) -> bytes:
    return services.return_path_key


@pytest.fixture
def world(server: DyingProcess) -> Iterator[World]:
    account = server.create_account()
    server.vouch(account, "example.com")
    with listening() as endpoint:
        sns, sesv2 = server.client("sns", account), server.client("sesv2", account)
        topic = sns.create_topic(Name="t")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
        endpoint.confirm()
        sesv2.create_configuration_set(ConfigurationSetName="set")
        sesv2.create_configuration_set_event_destination(
            ConfigurationSetName="set",
            EventDestinationName="d",
            EventDestination={
                "Enabled": True, "MatchingEventTypes": TYPES, "SnsDestination": {"TopicArn": topic},
            },
        )  # fmt: skip
        yield World(server, account, endpoint, server.client("ses", account), server.operate(key))


def test_kill_9_between_any_two_steps_loses_no_event_and_counts_none_twice(world: World) -> None:
    wanted: set[tuple[str, str]] = set()
    for number, point in enumerate(POINTS):
        kind = "Complaint" if number % 2 else "Bounce"
        message_id = world.send()
        wanted |= {(message_id, "Send"), (message_id, "Delivery")}
        world.wait_for(wanted)
        wait_until(world.is_recorded)
        world.server.orders.write_text(point)
        world.report(message_id, kind)
        wanted.add((message_id, kind))
        if world.server.orders.exists():  # it took the report, and dies at what follows
            world.server.wait_for_death()
            world.server.start()
        world.wait_for(wanted)
    told = world.told()
    assert told.keys() == wanted
    assert {key: len(ids) for key, ids in told.items() if len(ids) > 1} == {}
    assert_counts(world)
    times = Counter(
        posted.envelope["MessageId"] for posted in world.endpoint.of_type("Notification")
    )  # told again is what was posted and not recorded: at two of the points one each
    assert sum(times.values()) - len(times) <= 2


def assert_counts(world: World) -> None:
    """What the account reads of itself is what happened."""
    bounces = len(POINTS) - len(POINTS) // 2

    def sums() -> dict[str, int]:
        points = world.ses.get_send_statistics()["SendDataPoints"]
        return {
            name: sum(int(point[name]) for point in points)
            for name in ("DeliveryAttempts", "Bounces", "Complaints", "Rejects")
        }

    want = {
        "DeliveryAttempts": len(POINTS), "Bounces": bounces, "Complaints": len(POINTS) // 2, "Rejects": 0,
    }  # fmt: skip
    wait_until(lambda: sums()["DeliveryAttempts"] >= len(POINTS))
    assert sums() == want
    sesv2 = world.server.client("sesv2", world.account)
    summaries = sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert len(summaries) == len({one["EmailAddress"] for one in summaries})
