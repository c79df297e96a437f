"""Whatever single byte is changed in a signed request, it is refused or still means the same.

What a request means is written down here once more, from the words of HTTP and of the signing
specification. The spellings that they hold to be equal, and that a signature therefore does not
tell apart, are EQUIVALENT; nothing else may be accepted.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from msgspec.structs import replace

from sesame.aws.request import HttpRequest
from tests.aws import signing

# What a change must be called to be accepted.
EQUIVALENT = {
    "none: the changed header is not signed",
    "none: letter case of a header's name",
    "white space beside or within a signed header's value",
    "letter case of a percent escape in the query",
    "an empty parameter in the query (&&)",
    "a repeated slash or a dot segment in the path",
}
SPECIAL = tuple(b" \t+%&=/.,;0Aa\x00\xff")
FORM_POST = signing.signed(
    headers={"Content-Type": signing.FORM, "User-Agent": "Boto3/1.44", "X-Amz-Meta": "two  words"},
    token="IQoJb3JpZ2luX2VjEXAMPLE",
)
PRESIGNED = signing.signed(
    method="GET",
    url="http://127.0.0.1:4579/?Action=ListIdentities&Version=2010-12-01&NextToken=a%2Fb%20c",
    body=b"",
    presign_s=60,
)
JSON_PUT = signing.signed(
    method="PUT",
    url="http://127.0.0.1:4579/v2/email/identities/user%40example.com/dkim?x=a%2Fb&a=1",
    headers={"Content-Type": "application/json"},
    body=b'{"SigningEnabled":true}',
)


def parts(request: HttpRequest) -> Iterator[tuple[str, bytes]]:
    """Every run of bytes in `request`, with the name that `with_part` takes."""
    yield "method", request.method.encode()
    yield "path", request.raw_path
    yield "query", request.query
    yield "body", bytes(request.body)
    for index, (name, value) in enumerate(request.headers):
        yield f"name {index}", name
        yield f"value {index}", value


def with_part(request: HttpRequest, part: str, data: bytes) -> HttpRequest:
    """`request` with one part replaced, header names lower-cased as the server does."""
    match part.split():
        case ["method"]:
            return replace(request, method=data.decode("latin-1"))
        case ["path"]:
            return replace(request, raw_path=data)
        case ["query"]:
            return replace(request, query=data)
        case ["body"]:
            return replace(request, body=data)
        case [kind, index]:
            headers = list(request.headers)
            name, value = headers[int(index)]
            headers[int(index)] = (data.lower(), value) if kind == "name" else (name, data)
            return replace(request, headers=headers)
    raise AssertionError(part)


def mutations(data: bytes, substitutes: Iterable[int]) -> Iterator[bytes]:
    """`data` with one byte replaced, flipped, deleted, doubled or inserted."""
    for at, byte in enumerate(data):
        head, tail = data[:at], data[at + 1 :]
        yield head + tail
        for other in {*substitutes, *(byte ^ (1 << bit) for bit in range(8))} - {byte}:
            yield head + bytes([other]) + tail
        for inserted in {byte, *SPECIAL}:
            yield head + bytes([inserted]) + data[at:]
    for inserted in SPECIAL:
        yield data + bytes([inserted])


def meaning(request: HttpRequest) -> tuple[object, ...]:
    """All that a server acts upon, in one spelling."""
    authorization = b" ".join(value for name, value in request.headers if name == b"authorization")
    claim = re.split(rb"[ \t,]+", authorization.strip(b" \t"))
    query = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    found = re.search(r"SignedHeaders=([^, \t]*)", authorization.decode("latin-1"))
    names = found.group(1) if found else dict(query).get("X-Amz-SignedHeaders", "")
    path = re.sub(rb"/(\.?(/|$))+", b"/", request.raw_path)
    segments = [unquote_to_bytes(segment) for segment in path.split(b"/")]
    headers = sorted(
        (name, re.sub(rb"[ \t\r\n\v\f]+", b" ", value).strip())
        for name, value in request.headers
        if name.decode("latin-1") in names.split(";")
    )
    return request.method, segments, sorted(query), headers, claim, request.body


def kind(request: HttpRequest, part: str, changed: HttpRequest) -> str:
    """What the accepted change is called; the empty text for what has no name."""
    if part == "query":
        if changed.query.replace(b"&&", b"&").strip(b"&") == request.query:
            return "an empty parameter in the query (&&)"
        if changed.query.lower() == request.query.lower():
            return "letter case of a percent escape in the query"
    if part == "path" and re.sub(rb"/(\.?(/|$))+", b"/", changed.raw_path) == request.raw_path:
        return "a repeated slash or a dot segment in the path"
    if changed.headers == request.headers:
        return "none: letter case of a header's name" if part.startswith("name") else ""
    if not part.startswith(("name", "value")):
        return ""
    name, value = request.headers[int(part.split()[1])]
    if name in (b"user-agent", b"content-length"):
        return "none: the changed header is not signed"
    _, other = changed.headers[int(part.split()[1])]
    if other.split() == value.split() or other.replace(b" ", b"") == value.replace(b" ", b""):
        return "white space beside or within a signed header's value"
    return ""


@pytest.mark.parametrize(
    ("request_", "substitutes"),
    [(FORM_POST, range(256)), (PRESIGNED, SPECIAL), (JSON_PUT, SPECIAL)],
    ids=["form", "presigned", "json"],
)
def test_a_changed_byte_is_refused_unless_it_changes_nothing(
    request_: HttpRequest, substitutes: Iterable[int]
) -> None:
    verifier = signing.Verifier()
    assert verifier.accepts(request_)
    original, tried, wrong = meaning(request_), 0, []
    for part, data in parts(request_):
        for mutated in mutations(data, substitutes):
            tried += 1
            changed = with_part(request_, part, mutated)
            if verifier.accepts(changed) and (
                kind(request_, part, changed) not in EQUIVALENT or meaning(changed) != original
            ):
                wrong.append((part, mutated))
    assert wrong == []
    assert tried > 10_000


def test_a_path_cannot_borrow_the_signature_of_another_path() -> None:
    verifier = signing.Verifier()
    for path, other in ((b"/a%40b", b"/a%2540b"), (b"/a@b", b"/a%40b"), (b"/a%2540b", b"/a%40b")):
        signed = signing.signed(url=f"http://127.0.0.1:4579{path.decode()}")
        assert verifier.accepts(signed)
        carried = replace(signed, raw_path=other)
        assert not verifier.accepts(carried) or unquote_to_bytes(path) == unquote_to_bytes(other)
