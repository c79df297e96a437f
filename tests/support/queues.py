"""An SQS-compatible server of somebody else's making (moto), in a process of its own, with unmodified boto3 for it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.process import REGION, wait_until

STRANGER = "123456789012"
"""An account that has nothing to do with the test's."""


@dataclass(frozen=True, slots=True)
class Queues:
    """Where it listens, and a client."""

    url: str
    sqs: Any

    def create(self, name: str, account_id: str = STRANGER) -> str:
        """Make a queue; its ARN as one of that account, which this server does not mind."""
        self.sqs.create_queue(QueueName=name)
        return f"arn:aws:sqs:{REGION}:{account_id}:{name}"

    def messages(self, arn: str) -> list[dict[str, Any]]:
        """What is in a queue now; what is read goes."""
        url = self.sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        found: list[dict[str, Any]] = []
        while more := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for one in more:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
            found += more
        return found

    def wait_for(self, arn: str, count: int) -> list[dict[str, Any]]:
        """What is in a queue once there are `count`."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            found.extend(self.messages(arn))
            return len(found) >= count

        wait_until(enough)
        return found


def envelope(message: dict[str, Any]) -> dict[str, Any]:
    """A message's body as JSON."""
    found: dict[str, Any] = json.loads(message["Body"])
    return found


@contextmanager
def queues() -> Iterator[Queues]:
    """The server, gone at the end."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin"},
    )
    try:
        wait_until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, "the server with queues did not start"
        url = f"http://127.0.0.1:{port}"
        yield Queues(
            url,
            boto3.client(
                "sqs", endpoint_url=url, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
            ),
        )
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
