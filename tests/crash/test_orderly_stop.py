"""A real process with servers that hang: orderly restarts bounce nothing, and an attempt outlives its lease once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.destinations import forms, zone
from bench.receiver import Manner, Receiver, receiving
from bench.server import DELIVERY, UNLIMITED, publish
from tests.support.process import Account, SesameProcess, wait_until
from tests.support.signed_client import SignedClient


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path, {}) as running:
        yield running


class Running:
    """A server on a configuration of its own, which may be stopped and started again."""

    def __init__(self, directory: Path, receiver: Receiver, more: str) -> None:
        config = directory / "sesame.toml"
        config.write_text(UNLIMITED + DELIVERY.format(port=receiver.port, more=more))
        self.sesame = SesameProcess(directory / "data", config=config)
        self.account: Account = self.sesame.create_account()
        self.sesame.vouch(self.account, "bench.example")
        publish(self.sesame.data, config, zone(2))
        self.sesame.start()

    def send(self) -> str:
        with SignedClient(self.sesame.api, self.account) as client:
            (form,) = forms(1)
            return client.call("SendRawEmail", {k: v for k, v in form.items() if k != "Action"}).message_id

    def states(self, message_id: str) -> list[str]:
        return [one["state"] for one in self.sesame.run_json("trace", message_id)["recipients"]]


def test_mail_that_is_with_a_server_that_hangs_survives_restarts_and_arrives_once(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.behave({"*": Manner(is_silent=True)})
    running = Running(tmp_path, receiver, "first_delay_s = 0.1\nlongest_delay_s = 0.2\n")
    message_id = running.send()
    for _ in range(2):
        before = receiver.counts().connections
        wait_until(lambda before=before: receiver.counts().connections > before or receiver.counts().open)
        assert running.sesame.stop() == 0
        running.sesame.start()
    receiver.behave({})
    assert running.sesame.stop() == 0
    running.sesame.start()
    wait_until(lambda: running.states(message_id) == ["delivered"])
    assert running.sesame.stop() == 0
    assert len(receiver.read()) == 1


def test_an_attempt_that_outlives_its_lease_delivers_one_copy(tmp_path: Path, receiver: Receiver) -> None:
    receiver.behave({"*": Manner(dot_s=3.0)})
    running = Running(tmp_path, receiver, "lease_s = 0.6\n")
    message_id = running.send()
    wait_until(lambda: running.states(message_id) == ["delivered"])
    assert running.sesame.stop() == 0
    assert len(receiver.read()) == 1
