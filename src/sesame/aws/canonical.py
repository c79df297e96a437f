"""The canonical request of Signature Version 4, made from raw bytes.

Pure text work: decides nothing. Equal canonical texts must mean equal requests to whoever serves
them, so the query is read here exactly as a form is read. Source: AWS "Create a signed AWS API
request", with the test suite that botocore carries.
"""

import hashlib
from collections.abc import Iterable, Sequence
from urllib.parse import quote_from_bytes, unquote_to_bytes

_SAFE = "-_.~"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().encode()


def canonical_paths(raw_path: bytes) -> list[bytes]:
    """The texts that clients may have signed for `raw_path`, the usual one first.

    By the rule of every service but S3 the path as sent is encoded once more; some clients leave
    that out. The second reading is offered only where no `%` remains after decoding: then no other
    path has it as its first reading, and a signature cannot be carried over to that path.
    """
    if raw_path == b"/":
        return [b"/"]
    encoded_twice = canonical_path(raw_path)
    encoded_once = canonical_path(raw_path, double_encode=False)
    if encoded_once == encoded_twice or b"%" in unquote_to_bytes(raw_path):
        return [encoded_twice]
    return [encoded_twice, encoded_once]


def canonical_path(raw_path: bytes, *, double_encode: bool = True) -> bytes:
    """The path as signed: without dot segments, and encoded once more than it was sent."""
    path = _without_dot_segments(raw_path)
    if double_encode:
        return quote_from_bytes(path, safe="/" + _SAFE).encode()
    parts = [quote_from_bytes(unquote_to_bytes(part), safe=_SAFE) for part in path.split(b"/")]
    return "/".join(parts).encode()


def canonical_query(query: bytes) -> bytes:
    """The query string as signed: decoded as a form is, encoded strictly, sorted by name and value.

    `X-Amz-Signature` is left out: a presigned request cannot sign its own signature.
    """
    if not query:
        return b""
    pairs = []
    for pair in query.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        encoded = quote_from_bytes(unquote_to_bytes(name), safe=_SAFE)
        if encoded != "X-Amz-Signature":
            pairs.append((encoded, quote_from_bytes(unquote_to_bytes(value), safe=_SAFE)))
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)]).encode()


def signed_values(
    headers: Iterable[tuple[bytes, bytes]], signed_headers: Sequence[bytes]
) -> tuple[dict[bytes, bytes], list[bytes]]:
    """The values of the signed headers as signed, and the names of the headers that are not.

    White space is trimmed and collapsed; repeated headers are joined by commas in the order
    received.
    """
    values: dict[bytes, bytes] = {}
    unsigned = []
    for name, value in headers:
        if name not in signed_headers:
            unsigned.append(name)
        elif name in values:
            values[name] += b"," + b" ".join(value.split())
        else:
            values[name] = b" ".join(value.split())
    return values, unsigned


def body_hash(body: bytes | bytearray) -> bytes:
    """Hex SHA-256 of the body."""
    return hashlib.sha256(body).hexdigest().encode() if body else _EMPTY_SHA256


def _without_dot_segments(path: bytes) -> bytes:
    start = b"/" if path.startswith(b"/") else b""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    end = b"/" if kept and path.endswith(b"/") else b""
    return start + b"/".join(kept) + end
