"""Signature Version 4: reads a signature, checks its scope, verifies it over the raw request.

In this order, each a function: `read_signature` (what is claimed), `check_scope` (is it for us and
for now), `verify` (is it true, given the caller's signing key). Knows no accounts and no clock.
Sources: AWS "Create a signed AWS API request" and "Authenticating requests: query parameters";
texts observed.

INVARIANT: what is not signed does not count. Host and every x-amz-* header must be signed, an unsigned
content-type is left out of what the codecs see (`without_unsigned_type`), the body's hash is always computed
anew, and one request carries one signature.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import unquote_to_bytes

import msgspec

from sesame.aws.canonical import (
    body_hash,
    canonical_paths,
    canonical_query,
    signed_values,
)
from sesame.aws.errors import (
    IncompleteSignature,
    MissingAuthenticationToken,
    RequestExpired,
    SignatureDoesNotMatch,
)
from sesame.aws.request import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
LONGEST_PRESIGNED_S = 7 * 24 * 3600
_BASIC_ISO_8601 = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_BASIC_FORMAT = "%Y%m%dT%H%M%SZ"
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|[+-]0000)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ONCE = frozenset({b"host", b"content-type", b"authorization", b"date"})
_USUAL = re.compile(
    ALGORITHM + r" +Credential=([^/, ]+)/([^/, ]+)/([^/, ]+)/([^/, ]+)/([^/, ]+),"
    r" *SignedHeaders=([^, ]+), *Signature=([^, ]+)"
)
_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARAMETERS = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a request's signature claims. Nothing in it is checked but its form.

    `date` is the scope's yyyymmdd; `timestamp` the time of signing as signed (yyyymmddThhmmssZ) and
    `amz_date` the same in Unix seconds; `signed_headers` are lower case, in the order signed;
    `expires_s` counts from `amz_date` and is there for a presigned request only.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    timestamp: str
    amz_date: float
    signed_headers: tuple[bytes, ...]
    signature: str
    session_token: str | None
    expires_s: int | None = None

    @property
    def presigned(self) -> bool:
        """Whether the signature is in the query string."""
        return self.expires_s is not None

    @property
    def scope(self) -> str:
        """The credential scope, without the access key."""
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


def read_signature(request: HttpRequest) -> SignedRequest:
    """Read the Authorization header, or the X-Amz-* query parameters of a presigned request.

    Raises MissingAuthenticationToken when there is neither, IncompleteSignature when a part is
    missing, malformed or there twice.
    """
    headers = _headers_that_count(request)
    parameters = _query_parameters(request.query) if request.query else {}
    if (authorization := headers.get(b"authorization")) is None:
        if not parameters:
            raise MissingAuthenticationToken()
        return _read_presigned(headers, parameters)
    if parameters:
        raise IncompleteSignature(
            "A request must be signed in its Authorization header or its query, not in both"
        )
    return _read_header(authorization, headers)


def without_unsigned_type(request: HttpRequest, signed: SignedRequest) -> HttpRequest:
    """The request as its signer meant it: a content-type that is not signed is anybody's, and is left out.

    The AWS SDKs for PHP and for JavaScript (v2), aws4fetch and curl sign none; their bodies are then read as the
    protocol's own type.
    """
    if b"content-type" in signed.signed_headers:
        return request
    return msgspec.structs.replace(
        request, headers=[header for header in request.headers if header[0] != b"content-type"]
    )


def check_scope(
    signed: SignedRequest, *, now: float, skew_s: float, regions: Callable[[str], bool], service: str
) -> None:
    """Check that the signature is for this service, a region of ours, and for now.

    `skew_s` is how far the client's clock may be off either way; a presigned request is good until
    it expires. Raises SignatureDoesNotMatch with every fault of the scope in its text, or
    RequestExpired.
    """
    faults = []
    if signed.terminator != TERMINATOR:
        faults.append(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{signed.terminator}'."
        )
    if signed.date != signed.timestamp[:8]:
        faults.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{signed.date}' != '{signed.timestamp[:8]}', from '{signed.timestamp}'."
        )
    if not regions(signed.region):
        faults.append(f"Credential should be scoped to a valid region, not '{signed.region}'.")
    if signed.service != service:
        faults.append(f"Credential should be scoped to correct service: '{service}'.")
    if faults:
        raise SignatureDoesNotMatch(" ".join(faults))
    _check_time(signed, now, skew_s)


def verify(
    request: HttpRequest, signed: SignedRequest, *, signing_key: bytes, payload_hash: bytes | None = None
) -> None:
    """Check the signature over the request as received; raises SignatureDoesNotMatch.

    `payload_hash` is `body_hash` of its body, where that has been made already.
    """
    values = _covered_values(request, signed)
    payload_hash = body_hash(request.body) if payload_hash is None else payload_hash
    # UNSIGNED-PAYLOAD and STREAMING-… end here too: they are no hash of anything.
    if values.get(b"x-amz-content-sha256", payload_hash) != payload_hash:
        raise SignatureDoesNotMatch(
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    for path in canonical_paths(request.raw_path):
        to_sign = string_to_sign(signed, canonical_request(request, signed, path, values, payload_hash))
        expected = hmac.digest(signing_key, to_sign, "sha256").hex()
        if hmac.compare_digest(expected, signed.signature):
            return
    raise SignatureDoesNotMatch()


def canonical_request(
    request: HttpRequest,
    signed: SignedRequest,
    path: bytes,
    values: Mapping[bytes, bytes],
    payload_hash: bytes,
) -> bytes:
    """The canonical request of a canonical `path` and the `values` of the signed headers.

    Raises SignatureDoesNotMatch when a signed header is not there.
    """
    names = signed.signed_headers
    if len(values) != len(names):
        raise SignatureDoesNotMatch()
    return b"\n".join(
        (
            request.method.encode(),
            path,
            canonical_query(request.query),
            *[name + b":" + values[name] for name in names],
            b"",
            b";".join(names),
            payload_hash,
        )
    )


def string_to_sign(signed: SignedRequest, canonical: bytes) -> bytes:
    """The text that the signing key signs."""
    return f"{ALGORITHM}\n{signed.timestamp}\n{signed.scope}\n{sha256(canonical).hexdigest()}".encode()


def signing_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    """The key for one day (yyyymmdd), region and service; callers keep it for that day."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _headers_that_count(request: HttpRequest) -> dict[bytes, bytes]:
    """The headers that authentication reads; each must be there once."""
    found: dict[bytes, bytes] = {}
    for name, value in request.headers:
        if name in _ONCE or name.startswith(b"x-amz-"):
            if name in found:
                raise IncompleteSignature(f"The header '{name.decode('latin-1')}' occurs twice")
            found[name] = value.strip(b" \t")
    return found


def _query_parameters(query: bytes) -> dict[str, str]:
    """The X-Amz-* parameters; each must be there once, whatever the case of its letters."""
    found: dict[str, str] = {}
    seen = set()
    for pair in query.replace(b"+", b" ").split(b"&"):
        name, _, value = pair.partition(b"=")
        text = unquote_to_bytes(name).decode("latin-1")
        if text[:6].lower() == "x-amz-":
            if text.lower() in seen:
                raise IncompleteSignature(f"The parameter '{text}' occurs twice")
            seen.add(text.lower())
            found[_ascii(text.encode("latin-1"))] = _ascii(unquote_to_bytes(value))
    return found


def _read_header(authorization: bytes, headers: Mapping[bytes, bytes]) -> SignedRequest:
    text = _ascii(authorization)
    date = headers.get(b"x-amz-date", headers.get(b"date"))
    usual = _USUAL.fullmatch(text)
    # The second way takes the parts in any order, and says what is wrong.
    parts = _read_parts(text, has_date=date is not None) if usual is None or date is None else usual.groups()
    token = headers.get(b"x-amz-security-token")
    return _signed(
        parts,
        timestamp=_timestamp(_ascii(date or b""), is_http_date=b"x-amz-date" not in headers),
        session_token=None if token is None else _ascii(token),
    )


def _read_parts(text: str, *, has_date: bool) -> Sequence[str]:
    algorithm, _, rest = text.partition(" ")
    if algorithm.startswith("AWS4-") and algorithm != ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm': '{algorithm[:64]}'.")
    found: dict[str, str] = {}
    for part in rest.split(",") if algorithm == ALGORITHM and rest else ():
        name, _, value = part.strip(" \t").partition("=")
        if name not in _HEADER_PARTS or name in found:
            raise IncompleteSignature("The Authorization header must consist of " + ", ".join(_HEADER_PARTS))
        found[name] = value
    faults = [
        f"Authorization header requires '{name}' parameter." for name in _HEADER_PARTS if not found.get(name)
    ]
    if not has_date:
        faults.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if faults:
        # The header may hold somebody's password: only its hash is shown.
        digest = b64encode(sha256(text.encode()).digest()).decode("ascii")
        faults.append(f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}")
        raise IncompleteSignature(" ".join(faults))
    return [*_elements(found["Credential"]), found["SignedHeaders"], found["Signature"]]


def _elements(credential: str) -> list[str]:
    elements = credential.split("/")
    if len(elements) != 5 or not all(elements):
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential[:256]}'"
        )
    return elements


def _read_presigned(headers: Mapping[bytes, bytes], parameters: Mapping[str, str]) -> SignedRequest:
    faults = [
        f"AWS query-string parameters must include 'X-Amz-{name}'. Re-examine the query-string parameters."
        for name in _QUERY_PARAMETERS
        if not parameters.get(f"X-Amz-{name}")
    ]
    if faults:
        raise IncompleteSignature(" ".join(faults))
    if parameters["X-Amz-Algorithm"] != ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm': '{parameters['X-Amz-Algorithm'][:64]}'.")
    for name in parameters:
        if name.lower().encode("latin-1") in headers:
            raise IncompleteSignature(f"'{name}' is both a header and a parameter")
    expires = parameters["X-Amz-Expires"]
    if not (expires.isascii() and expires.isdecimal() and len(expires) <= 6):
        raise IncompleteSignature("X-Amz-Expires should be a number")
    if not 1 <= int(expires) <= LONGEST_PRESIGNED_S:
        raise IncompleteSignature(f"X-Amz-Expires must be between 1 and {LONGEST_PRESIGNED_S} seconds")
    return _signed(
        [
            *_elements(parameters["X-Amz-Credential"]),
            parameters["X-Amz-SignedHeaders"],
            parameters["X-Amz-Signature"],
        ],
        timestamp=_timestamp(parameters["X-Amz-Date"], is_http_date=False),
        session_token=parameters.get("X-Amz-Security-Token"),
        expires_s=int(expires),
    )


def _signed(
    parts: Sequence[str],
    *,
    timestamp: tuple[str, float],
    session_token: str | None,
    expires_s: int | None = None,
) -> SignedRequest:
    access_key_id, date, region, service, terminator, signed_headers, signature = parts
    return SignedRequest(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        terminator=terminator,
        timestamp=timestamp[0],
        amz_date=timestamp[1],
        signed_headers=tuple(signed_headers.encode().split(b";")),
        signature=signature,
        session_token=session_token,
        expires_s=expires_s,
    )


def _ascii(value: bytes) -> str:
    """A header or parameter of the signature as text; nothing in one goes beyond ASCII."""
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise IncompleteSignature("A part of the signature is not ASCII") from error


def _timestamp(text: str, *, is_http_date: bool) -> tuple[str, float]:
    """The time of signing in basic ISO 8601 form, and in Unix seconds."""
    try:
        if _BASIC_ISO_8601.fullmatch(text):
            return text, datetime.fromisoformat(text).timestamp()
        if is_http_date and (found := _HTTP_DATE.fullmatch(text)):
            day, month, year, *clock = found.groups()
            text = f"{year}{_MONTHS.index(month) + 1:02}{day}T{''.join(clock)}Z"
            return text, datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    raise IncompleteSignature(
        f"Date must be in ISO-8601 'basic format'. Got '{text[:64]}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


def _check_time(signed: SignedRequest, now: float, skew_s: float) -> None:
    if signed.amz_date > now + skew_s:
        limit = f"{_basic(now + skew_s)} ({_basic(now)} + {skew_s / 60:g} min.)"
        raise SignatureDoesNotMatch(
            f"Signature not yet current: {signed.timestamp} is still later than {limit}"
        )
    if signed.expires_s is not None:
        if now > signed.amz_date + signed.expires_s:
            raise RequestExpired()
    elif signed.amz_date < now - skew_s:
        limit = f"{_basic(now - skew_s)} ({_basic(now)} - {skew_s / 60:g} min.)"
        raise SignatureDoesNotMatch(f"Signature expired: {signed.timestamp} is now earlier than {limit}")


def _basic(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(_BASIC_FORMAT)


def _covered_values(request: HttpRequest, signed: SignedRequest) -> dict[bytes, bytes]:
    """The signed headers' values; raises SignatureDoesNotMatch when one that counts is not signed."""
    values, unsigned = signed_values(request.headers, signed.signed_headers)
    if b"host" not in values:
        unsigned.append(b"host")
    if not signed.presigned and b"x-amz-date" not in values and b"date" not in values:
        unsigned.append(b"x-amz-date")
    for name in unsigned:
        if name == b"host" or name.startswith(b"x-amz-"):
            raise SignatureDoesNotMatch(
                f"'{name.decode('latin-1')}' must be a 'SignedHeader' in the AWS Authorization."
            )
    return values
