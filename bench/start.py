"""From the start of the process to the first accepted message, in the development profile."""

import configparser
import tempfile
import time
from pathlib import Path

import boto3

from bench.server import COMMAND, REGION, Server
from bench.table import Row, median

ROUNDS = 3
PROFILE = """
[dns]
resolver = "local"
auto_publish = true
[accounts]
demo = true
[mailbox]
enabled = true
[delivery]
allow_networks = ["127.0.0.0/8"]
"""


def run() -> list[Row]:
    """The time of a first start, with its accounts made and its first message accepted."""
    times, listens = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="sesame-bench-") as directory:
            began = time.monotonic()
            server = Server(Path(directory), PROFILE, launcher=COMMAND)
            try:
                listens.append(server.start_s)
                credentials = configparser.ConfigParser()
                credentials.read(Path(directory) / "data" / "credentials")
                paused = time.monotonic()
                client = boto3.client(
                    "ses", endpoint_url=server.api, region_name=REGION,
                    aws_access_key_id=credentials["owner"]["aws_access_key_id"],
                    aws_secret_access_key=credentials["owner"]["aws_secret_access_key"],
                )  # fmt: skip
                client_s = time.monotonic() - paused  # the client's own start is not ours
                client.verify_domain_identity(Domain="example.com")
                client.send_email(
                    Source="news@example.com",
                    Destination={"ToAddresses": ["reader@customers.example"]},
                    Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
                )
                times.append(time.monotonic() - began - client_s)
            finally:
                server.stop()
    return [
        Row(name="start to listening", figure=median(listens), unit="s"),
        Row(name="start to first accepted message", figure=median(times), unit="s", target=2.0),
    ]
