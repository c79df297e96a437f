"""The walk of the README, run as it stands there: refused, one policy, accepted, delivered and signed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, SesameProcess, running, wait_until

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    with running(tmp_path_factory.mktemp("walk") / "data") as process:
        yield process


def run_python(server: SesameProcess, program: str, *arguments: str) -> str:
    """What a program prints that reaches the server as the README says."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "AWS_SHARED_CREDENTIALS_FILE": str(server.data / "credentials"),
            "AWS_ENDPOINT_URL": server.api,
            "AWS_DEFAULT_REGION": REGION,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def walked(server: SesameProcess) -> list[str]:
    """The lines that the README's example prints."""
    example = README.read_text().partition("<!-- example: walk -->\n```python\n")[2].partition("```")[0]
    assert example
    return run_python(server, example).splitlines()


@pytest.fixture(scope="module")
def parties(walked: list[str]) -> tuple[str, str]:
    """Account ids of the owner and the delegate, as the refusal names them."""
    found = re.fullmatch(
        r"refused:  An error occurred \(AccessDenied\) when calling the SendEmail operation: User "
        r"`arn:aws:iam::(\d{12}):user/admin' is not authorized to perform `ses:SendEmail' on resource "
        r"`arn:aws:ses:us-east-1:(\d{12}):identity/example\.com'",
        walked[0],
    )
    assert found is not None, walked[0]
    return found[2], found[1]


@pytest.fixture(scope="module")
def message_id(walked: list[str]) -> str:
    found = re.fullmatch(
        r"accepted: ([0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000)", walked[1]
    )
    assert found is not None, walked
    return found[1]


def delivered(server: SesameProcess, message_id: str) -> dict[str, Any]:
    """The message as it arrived; it carries its SES message id."""
    mark = f"<{message_id}@".encode()
    seq = wait_until(lambda: next((one.seq for one in server.mail() if mark in one.data), None))
    mail: dict[str, Any] = server.run_json("mail", "show", str(seq))
    return mail


def zone(server: SesameProcess) -> Callable[..., bytes]:
    """Looks up TXT records for dkimpy in what `sesame dns list` prints."""
    records = {(record["name"], record["type"]): record["value"] for record in server.run_json("dns", "list")}

    def txt(name: bytes, timeout: int = 5) -> bytes:
        host = name.decode().rstrip(".")
        host = records.get((host, "CNAME"), host)
        return str(records.get((host, "TXT"), "")).encode()

    return txt


def test_what_arrives_is_signed_by_the_owners_domain(server: SesameProcess, message_id: str) -> None:
    mail = delivered(server, message_id)
    assert mail["to"] == ["you@elsewhere.test"]
    assert mail["from"] == "News <news@example.com>"
    data = mail["data"].encode()
    assert b" d=example.com;" in data.partition(b"\r\n\r\n")[0]
    lookup = zone(server)
    assert dkim.verify(data, dnsfunc=lookup)
    assert not dkim.verify(data.replace(b"Sent by a delegate", b"Sent by somebody"), dnsfunc=lookup)
    assert [(line["domain"], line["result"]) for line in mail["dkim"]] == [("example.com", "pass")]


def test_trace_tells_who_sent_as_whom_by_which_statement(
    server: SesameProcess, parties: tuple[str, str], message_id: str
) -> None:
    owner, delegate = parties
    delivered(server, message_id)
    trace = wait_until(
        lambda: (
            (found := server.run_json("trace", message_id))["recipients"][0]["state"] == "delivered" and found
        )
    )
    arn = f"arn:aws:ses:us-east-1:{owner}:identity/example.com"
    assert (trace["account_id"], trace["owner_account_id"]) == (delegate, owner)
    assert (trace["identity"], trace["source"]) == ("example.com", "news@example.com")
    assert trace["decision"]["principal"] == f"arn:aws:iam::{delegate}:user/admin"
    [check] = trace["decision"]["checks"]
    assert (check["arn"], check["outcome"]) == (arn, "allow")
    assert {"kind": "identity", "policy": "news", "statement": "#1"} in check["deciding"]
    [recipient] = trace["recipients"]
    [attempt] = recipient["attempts"]
    assert (attempt["kind"], attempt["status"][0]) == ("delivered", "2")
    assert attempt["diagnostic"].startswith("250")
    told = server.run("trace", message_id).stdout
    for words in (delegate, arn, "identity policy `news`, statement #1", "you@elsewhere.test: delivered"):
        assert words in told


@pytest.mark.parametrize("viewer", [0, 1], ids=["owner", "delegate"])
def test_decisions_tell_both_sides_why_the_first_send_was_refused(
    server: SesameProcess, parties: tuple[str, str], message_id: str, viewer: int
) -> None:
    owner, delegate = parties
    found = server.run_json("decisions", parties[viewer])
    accepted, refused = found[-2:]  # the oldest two; other tests send as well
    assert accepted["message_id"] == message_id
    assert (refused["code"], refused["sender"]) == ("AccessDenied", delegate)
    assert refused["principal"] == f"arn:aws:iam::{delegate}:user/admin"
    [check] = refused["checks"]
    assert check["outcome"] == "implicit deny"
    assert check["arn"] == f"arn:aws:ses:us-east-1:{owner}:identity/example.com"
    told = [
        "denied: no policy of the identity allows `ses:SendEmail`",
        "denied: the owner of the identity does not allow",
    ]
    assert refused["reason"].startswith(f"{check['arn']}: {told[viewer]}")
    assert refused["causes"][0]["code"] == "SA201"


def test_the_log_tells_of_the_refusal_and_of_no_secret(server: SesameProcess, message_id: str) -> None:
    log = server.log_path.read_text()
    [refusal] = [json.loads(line) for line in log.splitlines() if '"send_refused"' in line]
    assert refusal["code"] == "AccessDenied" and "identity/example.com" in refusal["reason"]
    secrets = re.findall(r"aws_secret_access_key = (\S+)", (server.data / "credentials").read_text())
    assert len(secrets) == 2
    for secret in secrets:
        assert secret not in log


def test_a_restart_keeps_everything(server: SesameProcess, parties: tuple[str, str], message_id: str) -> None:
    before = delivered(server, message_id)
    records, trace = server.run_json("dns", "list"), server.run_json("trace", message_id)
    assert server.stop() == 0
    server.start()
    assert delivered(server, message_id) == before
    assert server.run_json("dns", "list") == records
    assert server.run_json("trace", message_id)["decision"] == trace["decision"]
    assert [record["code"] for record in server.run_json("decisions", parties[0])][1:] == ["AccessDenied"]
    keys = (server.data / "credentials").read_text()
    run_python(server, _SEND_AGAIN, parties[0])  # the same keys, the policy still allows
    wait_until(lambda: len(server.mail()) == 2)
    again = server.run_json("mail", "show", "latest")
    assert dkim.verify(again["data"].encode(), dnsfunc=zone(server))
    assert (server.data / "credentials").read_text() == keys


_SEND_AGAIN = """
import boto3, sys
arn = f"arn:aws:ses:us-east-1:{sys.argv[1]}:identity/example.com"
boto3.Session(profile_name="delegate").client("ses").send_email(
    Source="news@example.com", SourceArn=arn, Destination={"ToAddresses": ["you@elsewhere.test"]},
    Message={"Subject": {"Data": "Again"}, "Body": {"Text": {"Data": "x"}}})
"""
