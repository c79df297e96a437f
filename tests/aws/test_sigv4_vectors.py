"""The AWS Signature Version 4 test suite (tests/vectors/sigv4)."""

from pathlib import Path

import pytest

from sesame.aws import sigv4
from sesame.aws.errors import SignatureDoesNotMatch
from sesame.aws.request import HttpRequest
from tests.aws.signing import canonical_request

VECTORS = Path(__file__).parents[1] / "vectors" / "sigv4"
CASES = sorted(VECTORS.rglob("*.sreq"))
KEY = sigv4.signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "service")
AT = 1440938160.0

# Its .sreq holds a made-up signature; its .authz has the right one.
MADE_UP_SIGNATURE = "get-vanilla-with-session-token"
# Adds its x-amz-security-token after signing, where we ask for every x-amz-* header to be signed.
UNSIGNED_TOKEN = "post-sts-header-after"


def read_request(path: Path) -> HttpRequest:
    """The request in a .req or .sreq file; folded header lines are joined as HTTP/1.1 once did."""
    head, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    request_line, *lines = head.split(b"\n")
    method, _, rest = request_line.partition(b" ")
    path_bytes, _, query = rest.removesuffix(b" HTTP/1.1").partition(b"?")
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            name, value = headers.pop()
            headers.append((name, value + b" " + line))
        elif line:
            name, _, value = line.partition(b":")
            headers.append((name.lower(), value))
    return HttpRequest(method.decode(), path_bytes, query, headers, body)


def wanted(case: Path, suffix: str) -> bytes:
    return case.with_suffix(suffix).read_bytes().replace(b"\r\n", b"\n")


def with_authorization(request: HttpRequest, value: bytes, *, drop: bytes) -> HttpRequest:
    headers = [(name, old) for name, old in request.headers if name not in (b"authorization", drop)]
    headers.append((b"authorization", value))
    return HttpRequest(request.method, request.raw_path, request.query, headers, request.body)


def test_the_suite_has_34_cases() -> None:
    assert len(CASES) == 34


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_canonical_request_and_string_to_sign_are_the_suites(case: Path) -> None:
    request = read_request(case)
    claim = sigv4.read_signature(request)
    canonical = canonical_request(request, claim)
    assert canonical == wanted(case, ".creq")
    assert sigv4.string_to_sign(claim, canonical) == wanted(case, ".sts")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_suites_signatures_are_accepted(case: Path) -> None:
    drop = b"x-amz-security-token" if case.stem == UNSIGNED_TOKEN else b""
    request = with_authorization(read_request(case), wanted(case, ".authz"), drop=drop)
    claim = sigv4.read_signature(request)
    sigv4.check_scope(claim, now=AT, skew_s=0, regions="us-east-1".__eq__, service="service")
    sigv4.verify(request, claim, signing_key=KEY)


def test_a_token_added_after_signing_is_refused() -> None:
    (case,) = [case for case in CASES if case.stem == UNSIGNED_TOKEN]
    request = read_request(case)
    with pytest.raises(SignatureDoesNotMatch, match="'x-amz-security-token' must be"):
        sigv4.verify(request, sigv4.read_signature(request), signing_key=KEY)


def test_the_made_up_signature_is_refused() -> None:
    (case,) = [case for case in CASES if case.stem == MADE_UP_SIGNATURE]
    request = read_request(case)
    with pytest.raises(SignatureDoesNotMatch, match="The request signature we calculated"):
        sigv4.verify(request, sigv4.read_signature(request), signing_key=KEY)
