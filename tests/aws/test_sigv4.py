"""Reading, scope and verification of signatures, against requests that botocore signs."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from sesame.aws import sigv4
from sesame.aws.errors import (
    IncompleteSignature,
    MissingAuthenticationToken,
    RequestExpired,
    SignatureDoesNotMatch,
)
from sesame.aws.request import HttpRequest
from sesame.errors import ServiceError
from tests.aws import signing

VERIFIER = signing.Verifier()
Change = Callable[[HttpRequest], HttpRequest]


def header(request: HttpRequest, name: bytes) -> bytes:
    (value,) = [value for other, value in request.headers if other == name]
    return value


def with_header(request: HttpRequest, name: bytes, value: bytes | None) -> HttpRequest:
    """`request` with the header `name` set, or taken away."""
    kept = [(old, kept) for old, kept in request.headers if old != name]
    return replace(request, headers=kept if value is None else [*kept, (name, value)])


def edit(name: bytes, old: bytes, new: bytes) -> Change:
    """A change that replaces bytes in the header `name`."""

    def change(request: HttpRequest) -> HttpRequest:
        before = header(request, name)
        assert old in before
        return with_header(request, name, before.replace(old, new))

    return change


def set_to(name: bytes, value: bytes | None) -> Change:
    return lambda request: with_header(request, name, value)


def add(name: bytes, value: bytes) -> Change:
    return lambda request: replace(request, headers=[*request.headers, (name, value)])


def query(old: bytes, new: bytes) -> Change:
    def change(request: HttpRequest) -> HttpRequest:
        assert old in request.query
        return replace(request, query=request.query.replace(old, new))

    return change


POST = signing.signed(token="TOKEN")
PRESIGNED = signing.signed(
    method="GET", url="http://127.0.0.1:4579/?Action=GetSendQuota&Version=2010-12-01", body=b"", presign_s=60
)
AUTHORIZATION = b"authorization"
SIGNATURE = header(POST, AUTHORIZATION).rpartition(b"Signature=")[2]

NEGATIVE: dict[str, tuple[HttpRequest, Change, type[ServiceError]]] = {
    "no signature": (POST, set_to(AUTHORIZATION, None), MissingAuthenticationToken),
    "empty authorization": (POST, set_to(AUTHORIZATION, b""), IncompleteSignature),
    "basic authorization": (POST, set_to(AUTHORIZATION, b"Basic dXNlcjpwYXNz"), IncompleteSignature),
    "bearer token": (POST, set_to(AUTHORIZATION, b"Bearer abc"), IncompleteSignature),
    "algorithm only": (POST, set_to(AUTHORIZATION, b"AWS4-HMAC-SHA256"), IncompleteSignature),
    "SHA1": (POST, edit(AUTHORIZATION, b"SHA256", b"SHA1"), IncompleteSignature),
    "SigV4A": (POST, edit(AUTHORIZATION, b"HMAC", b"ECDSA-P256"), IncompleteSignature),
    "lower-case algorithm": (POST, edit(AUTHORIZATION, b"AWS4-HMAC", b"aws4-hmac"), IncompleteSignature),
    "two authorizations": (POST, add(AUTHORIZATION, header(POST, AUTHORIZATION)), IncompleteSignature),
    "two credentials": (POST, edit(AUTHORIZATION, b"Signed", b"Credential=a/b/c/d/e, Signed"), IncompleteSignature),
    "unknown part": (POST, edit(AUTHORIZATION, b"Signed", b"X=y, Signed"), IncompleteSignature),
    "no credential": (POST, edit(AUTHORIZATION, b"Credential=", b""), IncompleteSignature),
    "four elements": (POST, edit(AUTHORIZATION, b"/aws4_request", b""), IncompleteSignature),
    "six elements": (POST, edit(AUTHORIZATION, b"/ses/", b"/x/ses/"), IncompleteSignature),
    "empty region": (POST, edit(AUTHORIZATION, b"us-east-1", b""), IncompleteSignature),
    "empty signature": (POST, edit(AUTHORIZATION, SIGNATURE, b""), IncompleteSignature),
    "not ASCII": (POST, edit(AUTHORIZATION, b"AKIA", b"\xc3\x84KIA"), IncompleteSignature),
    "no date": (POST, set_to(b"x-amz-date", None), IncompleteSignature),
    "two dates": (POST, add(b"x-amz-date", b"20261120T120000Z"), IncompleteSignature),
    "extended date": (POST, set_to(b"x-amz-date", b"2026-11-20T12:00:00Z"), IncompleteSignature),
    "impossible date": (POST, set_to(b"x-amz-date", b"20261320T120000Z"), IncompleteSignature),
    "HTTP date in X-Amz-Date": (POST, set_to(b"x-amz-date", b"Fri, 20 Nov 2026 12:00:00 GMT"), IncompleteSignature),
    "two hosts": (POST, add(b"host", b"127.0.0.1:4579"), IncompleteSignature),
    "two content types": (POST, add(b"content-type", b"text/plain"), IncompleteSignature),
    "two tokens": (POST, add(b"x-amz-security-token", b"TOKEN"), IncompleteSignature),
    "other terminator": (POST, edit(AUTHORIZATION, b"aws4_request", b"aws5_request"), SignatureDoesNotMatch),
    "other region": (POST, edit(AUTHORIZATION, b"us-east-1", b"us-west-9"), SignatureDoesNotMatch),
    "other service": (POST, edit(AUTHORIZATION, b"/ses/", b"/email/"), SignatureDoesNotMatch),
    "other scope date": (POST, edit(AUTHORIZATION, b"/20261120/", b"/20261119/"), SignatureDoesNotMatch),
    "other key": (POST, edit(AUTHORIZATION, b"AKIA", b"AKIB"), SignatureDoesNotMatch),
    "other body": (POST, lambda r: replace(r, body=r.body + b"&X=y"), SignatureDoesNotMatch),
    "no body": (POST, lambda r: replace(r, body=b""), SignatureDoesNotMatch),
    "other host": (POST, set_to(b"host", b"localhost:4579"), SignatureDoesNotMatch),
    "other method": (POST, lambda r: replace(r, method="PUT"), SignatureDoesNotMatch),
    "other path": (POST, lambda r: replace(r, raw_path=b"/x"), SignatureDoesNotMatch),
    "query added": (POST, lambda r: replace(r, query=b"a=b"), SignatureDoesNotMatch),
    "token taken away": (POST, set_to(b"x-amz-security-token", None), SignatureDoesNotMatch),
    "signed header missing": (POST, set_to(b"content-type", None), SignatureDoesNotMatch),
    "unsigned x-amz header": (POST, add(b"x-amz-target", b"evil"), SignatureDoesNotMatch),
    "unsigned host": (POST, edit(AUTHORIZATION, b"host;", b""), SignatureDoesNotMatch),
    "unsigned content type": (POST, edit(AUTHORIZATION, b"content-type;", b""), SignatureDoesNotMatch),
    "unsigned date": (POST, edit(AUTHORIZATION, b"x-amz-date;", b""), SignatureDoesNotMatch),
    "header signed twice": (POST, edit(AUTHORIZATION, b"host;", b"host;host;"), SignatureDoesNotMatch),
    "other order": (POST, edit(AUTHORIZATION, b"content-type;host", b"host;content-type"), SignatureDoesNotMatch),
    "upper-case signature": (POST, edit(AUTHORIZATION, SIGNATURE, SIGNATURE.upper()), SignatureDoesNotMatch),
    "short signature": (POST, edit(AUTHORIZATION, SIGNATURE, SIGNATURE[:-1]), SignatureDoesNotMatch),
    "UNSIGNED-PAYLOAD": (POST, add(b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"), SignatureDoesNotMatch),
    "query and header": (
        POST,
        lambda r: replace(r, query=b"X-Amz-Signature=" + SIGNATURE),
        IncompleteSignature,
    ),
    "presigned, other method": (PRESIGNED, lambda r: replace(r, method="POST"), SignatureDoesNotMatch),
    "presigned with a body": (PRESIGNED, lambda r: replace(r, body=b"x"), SignatureDoesNotMatch),
    "presigned and header": (PRESIGNED, add(AUTHORIZATION, header(POST, AUTHORIZATION)), IncompleteSignature),
    "presigned, two dates": (PRESIGNED, add(b"x-amz-date", b"20261120T120000Z"), IncompleteSignature),
    "presigned, no algorithm": (PRESIGNED, query(b"X-Amz-Algorithm", b"X-Algorithm"), IncompleteSignature),
    "presigned, other algorithm": (PRESIGNED, query(b"SHA256", b"SHA512"), IncompleteSignature),
    "presigned, no expiry": (PRESIGNED, query(b"X-Amz-Expires=60", b""), IncompleteSignature),
    "presigned, longer": (PRESIGNED, query(b"Expires=60", b"Expires=61"), SignatureDoesNotMatch),
    "presigned, too long": (PRESIGNED, query(b"Expires=60", b"Expires=604801"), IncompleteSignature),
    "presigned, no time": (PRESIGNED, query(b"Expires=60", b"Expires=0"), IncompleteSignature),
    "presigned, negative": (PRESIGNED, query(b"Expires=60", b"Expires=-1"), IncompleteSignature),
    "presigned, repeated": (PRESIGNED, lambda r: replace(r, query=r.query + b"&x-amz-expires=9"), IncompleteSignature),
    "presigned, other action": (PRESIGNED, query(b"GetSendQuota", b"ListIdentities"), SignatureDoesNotMatch),
    "presigned, parameter added": (PRESIGNED, lambda r: replace(r, query=r.query + b"&A=b"), SignatureDoesNotMatch),
}  # fmt: skip


def test_what_botocore_signs_is_accepted() -> None:
    claim = VERIFIER.check(POST)
    assert (claim.access_key_id, claim.session_token) == (signing.ACCESS_KEY_ID, "TOKEN")
    assert (claim.scope, claim.amz_date) == ("20261120/us-east-1/ses/aws4_request", signing.NOW)
    assert (claim.presigned, claim.expires_s) == (False, None)


def test_what_botocore_presigns_is_accepted() -> None:
    claim = VERIFIER.check(PRESIGNED)
    assert (claim.presigned, claim.expires_s, claim.session_token) == (True, 60, None)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_request_of_any_method_may_be_signed_in_its_query(method: str) -> None:
    """boto3's `generate_presigned_url` signs the method that the model has: POST for all of v1."""
    made = signing.signed(
        method=method, url="http://127.0.0.1:4579/?Action=GetSendQuota", body=b"", presign_s=60
    )
    assert VERIFIER.check(made).presigned
    with pytest.raises(SignatureDoesNotMatch):
        VERIFIER.check(replace(made, body=b"Action=ListIdentities"))


def test_a_presigned_request_with_a_token_is_accepted() -> None:
    request = signing.signed(method="GET", body=b"", presign_s=60, token="TO/KEN+=")
    assert VERIFIER.check(request).session_token == "TO/KEN+="


@pytest.mark.parametrize(
    "path", ["/", "/v2/email/identities/a%40b.example", "/v2/a%2Fb", "/a@b", "/ä", "/a%20b/"]
)
@pytest.mark.parametrize("query_", ["", "?b=2&a=1", "?a=%2F%20~", "?a=2&a=1", "?a=&b=%E2%82%AC"])
def test_paths_and_queries_as_botocore_signs_them_are_accepted(path: str, query_: str) -> None:
    assert VERIFIER.accepts(signing.signed(method="GET", url=f"http://127.0.0.1{path}{query_}", body=b""))


def test_a_path_signed_as_it_is_sent_is_accepted() -> None:
    """Some clients do not encode the path a second time."""
    request = signing.signed(method="GET", url="http://127.0.0.1/v2/a@b", body=b"")
    assert VERIFIER.accepts(replace(request, raw_path=b"/v2/a%40b"))


def test_a_correct_content_hash_is_accepted_and_any_other_refused() -> None:
    body = b"Action=GetSendQuota"
    for declared, accepted in (
        (hashlib.sha256(body).hexdigest(), True),
        (hashlib.sha256(b"").hexdigest(), False),
        (hashlib.sha256(body).hexdigest().upper(), False),
        ("UNSIGNED-PAYLOAD", False),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", False),
    ):
        request = signing.signed(body=body, headers={"X-Amz-Content-Sha256": declared})
        assert VERIFIER.accepts(request) is accepted, declared


def test_repeated_other_headers_are_signed_joined() -> None:
    """As the AWS suite has it; botocore itself sends no header twice."""
    request = signing.signed(headers={"My-Header": "a,b"})
    split = with_header(request, b"my-header", b"a")
    assert VERIFIER.accepts(replace(split, headers=[*split.headers, (b"my-header", b"b")]))


def test_the_parts_of_the_header_may_come_in_any_order_and_spacing() -> None:
    algorithm, _, rest = header(POST, AUTHORIZATION).partition(b" ")
    usual = sigv4.read_signature(POST)
    for order in permutations(rest.split(b", ")):
        for comma in (b",", b", ", b" ,  "):
            request = with_header(POST, AUTHORIZATION, algorithm + b" " + comma.join(order))
            assert sigv4.read_signature(request) == usual
            assert VERIFIER.accepts(request)


@pytest.mark.parametrize("name", NEGATIVE)
def test_every_negative_case_is_refused(name: str) -> None:
    request, change, error = NEGATIVE[name]
    with pytest.raises(error):
        VERIFIER.check(change(request))


def signed_by_hand(headers: dict[bytes, bytes], names: bytes, body: bytes = b"Action=A") -> HttpRequest:
    """A request whose signature is right and covers just the headers `names`."""
    scope = f"{signing.ACCESS_KEY_ID}/20261120/{signing.REGION}/ses/aws4_request".encode()
    claim = b"AWS4-HMAC-SHA256 Credential=" + scope + b", SignedHeaders=" + names + b", Signature="
    listed = [*headers.items(), (AUTHORIZATION, claim + b"0")]
    request = HttpRequest("POST", b"/", b"", listed, body)
    read = sigv4.read_signature(request)
    to_sign = sigv4.string_to_sign(read, signing.canonical_request(request, read))
    key = sigv4.signing_key(signing.SECRET, read.date, read.region, read.service)
    return with_header(request, AUTHORIZATION, claim + hmac.digest(key, to_sign, "sha256").hex().encode())


HOST, DATE = (b"host", b"127.0.0.1:4579"), (b"x-amz-date", b"20261120T120000Z")


def test_a_signature_made_by_hand_is_accepted() -> None:
    assert VERIFIER.accepts(signed_by_hand(dict([HOST, DATE]), b"host;x-amz-date"))


@pytest.mark.parametrize(
    ("headers", "names", "missing"),
    [
        ([HOST, DATE], b"x-amz-date", "host"),
        ([DATE], b"x-amz-date", "host"),
        ([HOST, DATE], b"host", "x-amz-date"),
        ([HOST, (b"date", b"Fri, 20 Nov 2026 12:00:00 GMT")], b"host", "x-amz-date"),
        ([HOST, DATE, (b"x-amz-target", b"a")], b"host;x-amz-date", "x-amz-target"),
        ([HOST, DATE, (b"x-amz-security-token", b"a")], b"host;x-amz-date", "x-amz-security-token"),
    ],
)
def test_a_right_signature_that_covers_too_little_is_refused(
    headers: list[tuple[bytes, bytes]], names: bytes, missing: str
) -> None:
    with pytest.raises(SignatureDoesNotMatch) as refused:
        VERIFIER.check(signed_by_hand(dict(headers), names))
    assert refused.value.message == f"'{missing}' must be a 'SignedHeader' in the AWS Authorization."


@pytest.mark.parametrize("content_type", [b"text/plain", b"application/x-www-form-urlencoded", b"\xff", b""])
def test_a_content_type_that_is_not_signed_does_not_count(content_type: bytes) -> None:
    """curl, aws4fetch and the AWS SDKs for PHP and JavaScript v2 sign none."""
    request = signed_by_hand(dict([HOST, DATE, (b"content-type", content_type)]), b"host;x-amz-date")
    seen = sigv4.without_unsigned_type(request, VERIFIER.check(request))
    assert [name for name, _ in seen.headers] == [b"host", b"x-amz-date", AUTHORIZATION]
    assert seen.body == request.body


def test_a_content_type_that_is_signed_counts() -> None:
    request = signed_by_hand(
        dict([HOST, DATE, (b"content-type", b"text/plain")]), b"content-type;host;x-amz-date"
    )
    assert sigv4.without_unsigned_type(request, VERIFIER.check(request)) == request


def test_a_right_signature_beside_a_wrong_content_hash_is_refused() -> None:
    headers = dict([HOST, (b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"), DATE])
    with pytest.raises(SignatureDoesNotMatch, match="'x-amz-content-sha256' header does not match"):
        VERIFIER.check(signed_by_hand(headers, b"host;x-amz-content-sha256;x-amz-date"))


def test_there_are_at_least_40_negative_cases() -> None:
    assert len(NEGATIVE) >= 40


def test_the_date_header_serves_where_there_is_no_x_amz_date() -> None:
    request = signing.signed(headers={"Date": "Fri, 20 Nov 2026 12:00:00 GMT", "Content-Type": signing.FORM})
    assert b"x-amz-date" not in dict(request.headers)
    claim = VERIFIER.check(request)
    assert (claim.timestamp, claim.amz_date) == ("20261120T120000Z", signing.NOW)


@pytest.mark.parametrize(
    "date", ["20 Nov 2026 12:00:00 GMT", "Fri, 20 Nop 2026 12:00:00 GMT", "Fri, 31 Nov 2026 12:00:00 GMT"]
)
def test_a_date_that_cannot_be_read_is_refused(date: str) -> None:
    request = with_header(with_header(POST, b"date", date.encode()), b"x-amz-date", None)
    with pytest.raises(IncompleteSignature, match="basic format"):
        sigv4.read_signature(request)


def test_an_unsigned_date_header_does_not_serve() -> None:
    request = with_header(POST, b"date", b"Fri, 20 Nov 2026 12:00:00 GMT")
    with pytest.raises(SignatureDoesNotMatch):
        VERIFIER.check(with_header(request, b"x-amz-date", None))


@pytest.mark.parametrize("off_s", [-301, -300, -299, 0, 299, 300, 301])
def test_the_clock_may_be_off_by_the_skew_and_not_more(off_s: int) -> None:
    request = signing.signed(at=signing.SIGNED_AT + timedelta(seconds=off_s))
    assert VERIFIER.accepts(request) is (abs(off_s) <= signing.SKEW_S)


def test_the_texts_for_a_wrong_clock_are_those_of_aws() -> None:
    claim = sigv4.read_signature(POST)
    with pytest.raises(SignatureDoesNotMatch) as late:
        sigv4.check_scope(claim, now=signing.NOW + 3600, skew_s=900, regions=bool, service="ses")
    assert late.value.message == (
        "Signature expired: 20261120T120000Z is now earlier than 20261120T124500Z (20261120T130000Z - 15 min.)"
    )
    with pytest.raises(SignatureDoesNotMatch) as early:
        sigv4.check_scope(claim, now=signing.NOW - 3600, skew_s=900, regions=bool, service="ses")
    assert early.value.message == (
        "Signature not yet current: 20261120T120000Z is still later than 20261120T111500Z "
        "(20261120T110000Z + 15 min.)"
    )


@pytest.mark.parametrize(
    ("after_s", "error"), [(60, None), (61, RequestExpired), (-301, SignatureDoesNotMatch)]
)
def test_a_presigned_request_lives_until_it_expires(after_s: int, error: type[ServiceError] | None) -> None:
    verifier = signing.Verifier(now=signing.NOW + after_s)
    if error is None:
        assert verifier.accepts(PRESIGNED)
    else:
        with pytest.raises(error):
            verifier.check(PRESIGNED)


def test_the_texts_for_a_wrong_scope_are_those_of_aws() -> None:
    changed = edit(AUTHORIZATION, b"/20261120/us-east-1/ses/aws4_request", b"/20261119/us-west-9/email/aws3")(
        POST
    )
    with pytest.raises(SignatureDoesNotMatch) as refused:
        VERIFIER.check(changed)
    assert refused.value.message == (
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3'. "
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        "'20261119' != '20261120', from '20261120T120000Z'. "
        "Credential should be scoped to a valid region, not 'us-west-9'. "
        "Credential should be scoped to correct service: 'ses'."
    )


def test_an_incomplete_header_is_told_what_it_lacks_without_showing_it() -> None:
    request = with_header(with_header(POST, AUTHORIZATION, b"Basic dXNlcjpwYXNz"), b"x-amz-date", None)
    with pytest.raises(IncompleteSignature) as refused:
        sigv4.read_signature(request)
    shown = base64.b64encode(hashlib.sha256(b"Basic dXNlcjpwYXNz").digest()).decode()
    assert refused.value.message == (
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. "
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        f"(Hashed with SHA-256 and encoded with Base64) Authorization={shown}"
    )


def test_an_incomplete_presigned_request_is_told_what_it_lacks() -> None:
    with pytest.raises(IncompleteSignature) as refused:
        sigv4.read_signature(replace(PRESIGNED, query=PRESIGNED.query.replace(b"X-Amz-Date", b"X-Date")))
    assert refused.value.message == (
        "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."
    )
