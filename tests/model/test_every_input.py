"""Whatever comes in, the answer is one that botocore reads: a success or a modelled 4xx, never a fault of ours.

For every operation of the four services: least, missing, wrongly typed, too long and out-of-enum input,
signed; and thousands of requests that are no requests. Inputs are made from botocore's own models.
"""

import random
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.parsers import create_parser

from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess
from tests.support.signed_client import Reply, SignedClient

SERVICES = ("ses", "iam", "sts", "sns")
MALFORMED = 1500
NOT_SERVED = "NotImplemented"
_SESSION = botocore.session.get_session()


def operations() -> list[tuple[str, str]]:
    return [(name, op) for name in SERVICES for op in _SESSION.get_service_model(name).operation_names]


def least(shape: Any) -> Any:
    """The smallest value a shape allows."""
    match shape.type_name:
        case "structure":
            return {name: least(shape.members[name]) for name in shape.required_members}
        case "list":
            return [least(shape.member)] * max(1, shape.metadata.get("min", 1))
        case "map":
            return {least(shape.key): least(shape.value)}
        case "string":
            return (
                shape.enum[0] if getattr(shape, "enum", None) else "x" * max(1, shape.metadata.get("min", 1))
            )
        case "boolean":
            return True
        case "integer" | "long":
            return max(1, shape.metadata.get("min", 1))
        case "blob":
            return b"x"
        case _:
            return 1


def wire(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """A value in the form of the Query protocol."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from wire(item, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for number, item in enumerate(value, start=1):
            yield from wire(item, f"{prefix}.member.{number}")
    elif isinstance(value, bool):
        yield prefix, "true" if value else "false"
    else:
        yield prefix, "eA==" if isinstance(value, bytes) else str(value)


def variants(shape: Any) -> Iterator[list[tuple[str, str]]]:
    """Least input; without each required member; each member wrong in every way."""
    if shape is None:
        yield []
        yield [("Unknown", "x")]
        return
    base = least(shape)
    yield list(wire(base, ""))
    for name in shape.required_members:
        yield list(wire({key: value for key, value in base.items() if key != name}, ""))
    for name, member in shape.members.items():
        rest = list(wire({key: value for key, value in base.items() if key != name}, ""))
        for wrong in (
            "",
            "x" * 300,
            "x" * 140_000,
            "-1",
            "99999999999999999999",
            "\ud7ff\x7f",
            "not-in-enum",
            "True",
        ):
            yield [*rest, (name, wrong)]
        yield [*rest, (f"{name}.member.1", "x"), (f"{name}.member.3", "y"), (f"{name}.entry.1.key", "k")]
        if member.type_name == "string" and member.metadata.get("max"):
            yield [*rest, (name, "x" * (member.metadata["max"] + 1))]


def check(reply: Reply, service: str, operation: str) -> str:
    """The reply is what botocore reads and what the model or AWS's common errors name; its code."""
    model = _SESSION.get_service_model(service)
    parser = create_parser(model.protocol)
    answer = {"status_code": reply.status, "headers": {}, "body": reply.body}
    parsed = parser.parse(answer, model.operation_model(operation).output_shape)
    if reply.status < 300:
        return "ok"
    error = parsed["Error"]
    assert error["Code"], reply.body
    assert error["Message"], reply.body
    assert reply.status < 500 or error["Code"] == NOT_SERVED, (operation, reply.status, reply.body)
    return str(error["Code"])


@pytest.fixture(scope="module")
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account()


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_answers_every_input(service: str, sesame: SesameProcess, account: Account) -> None:
    model = _SESSION.get_service_model(service)
    codes: Counter[str] = Counter()
    with SignedClient(sesame.api, account, service) as client:
        for operation in model.operation_names:
            for number, parameters in enumerate(variants(model.operation_model(operation).input_shape)):
                code = check(client.call(operation, parameters), service, operation)
                codes[code] += 1
                if code == NOT_SERVED and number >= 2:
                    break
    assert codes[NOT_SERVED] > 0
    assert codes["ok"] > 0
    assert codes["ValidationError"] > 0 or service in ("sts", "sns")
    assert "internal_failure" not in sesame.log_path.read_text()


def malformed(draw: random.Random, host: str) -> bytes:
    """One request that is wrong somewhere: line, header, form, signature or all of it."""
    method = draw.choice(
        [
            "POST",
            "POST",
            "POST",
            "GET",
            "GET",
            "PUT",
            "DELETE",
            "PATCH",
            "OPTIONS",
            "HEAD",
            "post",
            "BREW",
            "",
        ]
    )
    path = draw.choice(
        [
            "/",
            "/",
            "/",
            "/",
            "//",
            "/%",
            "/%zz",
            "/../..",
            "/v2/email/identities/%00",
            "/a?Action=SendEmail&&=&",
            "*",
            "x",
        ]
    )
    authorization = draw.choice(
        [
            "", "AWS4-HMAC-SHA256", "Basic eDp5", "AWS4-HMAC-SHA256 Credential=A/20261120/us-east-1/ses/aws4_request",
            "AWS4-HMAC-SHA256 Credential=A/1/r/ses/x, SignedHeaders=host, Signature=" + "0" * 64,
            "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=zz", "\xff" * 20, "A" * 70_000,
        ]
    )  # fmt: skip
    body = draw.choice(
        [
            b"", b"Action=SendEmail", b"Action=SendEmail&Action=SendEmail", b"%", b"Action=%ff", b"\x00" * 50,
            b"Action=SendEmail&Version=1", b"{}", b"<a/>", draw.randbytes(200), b"&" * 5000, b"a.member.999999999=1",
        ]
    )  # fmt: skip
    headers = [f"Host: {host}", f"Content-Length: {draw.choice([len(body), len(body), len(body), 0])}"]
    if authorization:
        headers.append(f"Authorization: {authorization}")
    headers += draw.sample(
        ["X-Amz-Date: 20261120T000000Z", "X-Amz-Date: x", "Content-Type: text/\xe4",
         "Transfer-Encoding: x", "Expect: no",
         "X-Amz-Security-Token: t", "Upgrade: websocket", "Connection: upgrade", " : ", "No colon"],
        draw.randrange(4),
    )  # fmt: skip
    return (
        f"{method} {path} HTTP/1.1\r\n{chr(13) + chr(10)}".encode("latin-1")[:-2]
        + "".join(f"{line}\r\n" for line in headers).encode("latin-1")
        + b"\r\n"
        + body
    )


def answers(address: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = bytearray()
        while data := connection.recv(65536):
            received += data
    return bytes(received)


def test_what_is_no_request_is_never_our_fault(sesame: SesameProcess) -> None:
    parts = urlsplit(sesame.api)
    address = (parts.hostname or "", parts.port or 0)
    draw = random.Random(7)
    statuses: Counter[int] = Counter()
    parser = create_parser("query")
    for _ in range(MALFORMED):
        request = malformed(draw, parts.netloc)
        try:
            received = answers(address, request)
        except ConnectionError:
            continue  # refused while we were still sending
        head, _, body = received.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 "):
            assert received == b"", received[:200]
            continue
        status = int(head.split()[1])
        statuses[status] += 1
        assert status < 500 or status == 501, (request[:300], received[:500])
        if body and b"text/xml" in head and not request.startswith(b"HEAD"):
            parsed = parser.parse(
                {"status_code": status, "headers": {}, "body": body.partition(b"HTTP/1.1")[0]}, None
            )
            assert parsed["Error"]["Code"]
    assert statuses[403] > 50, statuses
    assert statuses[400] > 50, statuses
    assert "internal_failure" not in sesame.log_path.read_text()
