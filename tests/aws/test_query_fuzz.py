"""INVARIANT: whatever bytes a form holds, it is read or refused with a 4xx, quickly."""

import random
import string
import time

import pytest

from sesame.aws import query, sigv4
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from sesame.errors import ServiceError
from tests.aws.botocore_side import MODELS, OPERATIONS, read_reply

NAMES = [
    "Action", "Version", "Source", "Destinations", "RawMessage", "Data", "Tags", "Name", "Value", "member", "entry",
    "1", "2", "0", "-1", "999999999", "99999999999999999999", "Message", "Body", "Text", "Identities", "UserName",
    "PolicyNames", "MaxItems", "X-Amz-Date", "", "é", "%00", "%", "+",
]  # fmt: skip
VALUES = [
    "", "a", "SendRawEmail", "2010-12-01", "true", "1", "-1", "1e309", "9" * 30, "YQ==", "YQ", "%", "%zz", "%C3%28",
    "%00", "a@b", "é", "\ud7ff", "<&>", "a" * 300, "{}", "Active", "/",
]  # fmt: skip
ALPHABET = b"&&&===%%%+.;\x00\xff\xc3\r\n" + string.ascii_letters.encode()


def random_form(rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        return bytes(rng.choices(ALPHABET, k=rng.randrange(60)))
    pairs = []
    for _ in range(rng.randrange(8)):
        name = ".".join(rng.choices(NAMES, k=rng.randrange(1, 6)))
        pairs.append(f"{name}={rng.choice(VALUES)}")
    form = "&".join(pairs).encode()
    if form and rng.random() < 0.3:
        at = rng.randrange(len(form))
        form = form[:at] + bytes([rng.randrange(256)]) + form[at + 1 :]
    return form


def call(service: ServiceModel, request: HttpRequest) -> ServiceError | None:
    """The refusal of `request`, None if it is read; any other error fails the test."""
    try:
        form = query.read_action(request)
        query.find_operation(service, form).parse(form.fields)
    except ServiceError as error:
        return error
    return None


def test_random_forms_are_read_or_refused() -> None:
    rng = random.Random(20261120)
    refused = 0
    for _ in range(10_000):
        service, action = rng.choice(OPERATIONS)
        form = f"Action={action}&".encode() * rng.randrange(2) + random_form(rng)
        error = call(MODELS[service], HttpRequest("POST", b"/", b"", [], form))
        if error is not None:
            refused += 1
            assert 400 <= error.http_status < 500 or error.code == "NotImplemented"
            body = query.serialise_error(MODELS[service], error, request_id="id")
            assert read_reply(service, None, body, error.http_status)["Error"]["Code"] == error.code
    assert 1_000 < refused < 10_000


def test_random_signatures_are_read_or_refused() -> None:
    rng = random.Random(20261120)
    parts = [
        b"AWS4-HMAC-SHA256", b" ", b",", b"=", b"/", b"Credential=", b"SignedHeaders=", b"Signature=", b"AWS4-",
        b"A/20260101/r/s/t", b"host;x-amz-date", b";", b"0" * 64, b"\xff", b"\x00", b"X-Amz-", b"&", b"%", b"Date=",
    ]  # fmt: skip
    for _ in range(10_000):
        blob = b"".join(rng.choices(parts, k=rng.randrange(12)))
        headers = [(b"authorization", blob), (b"x-amz-date", b"20260101T000000Z")][rng.randrange(2) :]
        request = HttpRequest("GET", b"/" + blob, rng.choice([b"", blob]), [(b"host", b"h"), *headers], b"")
        try:
            claim = sigv4.read_signature(request)
            sigv4.check_scope(claim, now=claim.amz_date, skew_s=300, regions=bool, service="s")
            sigv4.verify(request, claim, signing_key=bytes(32))
        except ServiceError as error:
            assert 400 <= error.http_status < 500
        else:
            raise AssertionError(request)


@pytest.mark.parametrize(
    "form",
    [
        b"Action=SendRawEmail&" + b"&".join(b"Tags.member.%d.Name=a" % n for n in range(1, 9_000)),
        b"Action=SendRawEmail&" + b"&".join(b"Destinations.member.%d=a" % n for n in range(1, 9_000)),
        b"Action=SendEmail&Message" + b".Body" * 200_000 + b"=1",
        b"Action=SendEmail&" + b"%41" * 300_000 + b"=1",
        b"Action=SendEmail&" + b"&" * 1_000_000,
        b"Action=SendEmail&Source=" + b"%F0%9F%98%80" * 100_000,
        b"Action=SendRawEmail&RawMessage.Data=" + b"A" * 1_000_001,
        b"Action=SendRawEmail&RawMessage.Data=" + b"\n" * 1_000_000,
    ],
    ids=["tags", "destinations", "deep", "escapes", "pairs", "emoji", "base64", "folded"],
)
def test_large_forms_take_time_in_proportion(form: bytes) -> None:
    begin = time.thread_time()
    call(MODELS["ses"], HttpRequest("POST", b"/", b"", [], form))
    assert time.thread_time() - begin < 1.0
