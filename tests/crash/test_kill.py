"""kill -9 while mail is accepted: what was acknowledged is delivered, what was refused is not (I1, I2)."""

import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess, read_header, running, wait_until
from tests.support.signed_client import SignedClient, simple_email

ROUNDS = 4
THREADS = 8
ENOUGH = 120
"""Acknowledged messages in a round before the server is killed."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SesameProcess]:
    with running(tmp_path / "data") as process:
        yield process


class Load:
    """Clients that send until the server is gone, and their ledger by subject."""

    def __init__(self, server: SesameProcess, account: Account) -> None:
        self._server = server
        self._account = account
        self._lock = threading.Lock()
        self.acknowledged: dict[str, str] = {}
        self.refused: set[str] = set()
        self.unknown: set[str] = set()

    def run(self, name: str) -> None:
        """One round: send with all threads, kill in the middle of it, wait for the threads."""
        before = len(self.acknowledged)
        threads = [
            threading.Thread(target=self._send, args=(f"{name}-{number}",)) for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(self.acknowledged) >= before + ENOUGH)
        self._server.kill()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def _send(self, name: str) -> None:
        with SignedClient(self._server.api, self._account) as client:
            for number in range(100_000):
                subject = f"{name}-{number}"
                forged = number % 5 == 4
                source = "somebody@forged.test" if forged else "news@example.com"
                try:
                    reply = client.call("SendEmail", simple_email(source=source, subject=subject))
                except (OSError, HTTPException):
                    self.unknown.add(subject)
                    return
                assert (reply.status == 200) is not forged, reply
                with self._lock:
                    if forged:
                        self.refused.add(subject)
                    else:
                        self.acknowledged[subject] = reply.message_id


def test_acknowledged_mail_survives_kill_9(server: SesameProcess) -> None:
    account = server.create_account()
    server.vouch(account, "example.com")
    load = Load(server, account)
    for number in range(ROUNDS):
        load.run(f"round{number}")
        server.start()
    assert len(load.acknowledged) >= ROUNDS * ENOUGH and load.refused

    def arrived() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for mail in server.mail():
            header = read_header(mail)
            message_id = str(header["message-id"]).strip("<>").partition("@")[0]
            found.setdefault(str(header["subject"]), set()).add(message_id)
        return found

    def lost() -> set[str]:
        found = arrived()
        return {
            subject
            for subject, message_id in load.acknowledged.items()
            if message_id not in found.get(subject, ())
        }

    wait_until(lambda: not lost())
    found = arrived()
    assert not load.refused & found.keys()
    # A message that arrived was acknowledged, or its answer was lost with the server.
    assert found.keys() <= load.acknowledged.keys() | load.unknown
    # Delivered again after a crash it is the same message, not another one.
    assert all(len(message_ids) == 1 for message_ids in found.values())
    counted = server.client("ses", account).get_send_quota()["SentLast24Hours"]
    assert len(load.acknowledged) <= counted <= len(load.acknowledged) + len(load.unknown)

    def in_sums() -> int:
        points = server.client("ses", account).get_send_statistics()["SendDataPoints"]
        return sum(int(point["DeliveryAttempts"]) for point in points)

    # Nor do the kills between an event and what is counted of it lose or repeat anything.
    wait_until(lambda: in_sums() >= counted)
    assert in_sums() == counted
