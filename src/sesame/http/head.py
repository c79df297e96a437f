"""The head of an HTTP/1.1 request: its line and its fields, read strictly.

It decides where a body begins and how long it is, so whatever two readers could take in two ways is refused, and
never mended: another reader may stand in front of us. Sources: RFC 9110, RFC 9112 sections 2 to 7.

INVARIANT: a head has at most one Content-Length and at most one Transfer-Encoding, and not both.
"""

import re
from collections.abc import Sequence

import msgspec

MAX_HEAD_BYTES = 65_536
"""Request line and fields together; SDKs stay under 8 KB."""

LONGEST_LENGTH = 15
"""Digits of a Content-Length; more are more than any limit."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}) ([!-~]+) HTTP/1\.([01])")
_BEGINNING = re.compile(_TOKEN + rb"{1,32}(?: [!-~]?.*)?", re.DOTALL)
_FIELD = re.compile(rb"\r\n(" + _TOKEN + rb"+):([\t\x20-\x7e\x80-\xff]*)(?=\r\n|\Z)")
_HOST = re.compile(rb"[0-9A-Za-z._~!$&'()*+,;=:%\[\]-]*")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_MATTER = frozenset({b"content-length", b"transfer-encoding", b"connection", b"expect", b"host"})

Fields = list[tuple[bytes, bytes]]


class BadRequest(Exception):
    """What came is not an HTTP request that this server takes; nothing after it can be read."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class Head(msgspec.Struct, frozen=True):
    """A request but for its body.

    `raw_path` and `query` are as sent; names of fields are lower case, values as sent but for white space
    around them. `body_bytes` is None where the body comes in chunks.
    """

    method: str
    raw_path: bytes
    query: bytes
    fields: Fields
    body_bytes: int | None
    keeps_alive: bool
    expects_continue: bool
    is_http_1_0: bool


def read_head(data: bytes) -> Head:
    """The head that `data` is, without the empty line behind it. Raises `BadRequest`."""
    line = _LINE.match(data)
    if line is None or (line.end() != len(data) and data[line.end()] != 0x0D):
        raise BadRequest("The request line is malformed")
    found = _FIELD.findall(data, line.end())
    if len(found) != data.count(b"\n", line.end()) or len(found) != data.count(b"\r", line.end()):
        raise BadRequest("A header field is malformed")
    method, target, minor = line.groups()
    fields = [(name.lower(), value.strip(b" \t")) for name, value in found]
    matter: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        if name in _MATTER:
            matter.setdefault(name, []).append(value)
    is_http_1_0 = minor == b"0"
    raw_path, query = _target(method, target, _host(matter.get(b"host", ()), is_http_1_0=is_http_1_0))
    return Head(
        method=method.decode("ascii"),
        raw_path=raw_path,
        query=query,
        fields=fields,
        body_bytes=_body_bytes(matter, is_http_1_0=is_http_1_0),
        keeps_alive=_keeps_alive(matter.get(b"connection", ()), is_http_1_0=is_http_1_0),
        expects_continue=b"expect" in matter and not is_http_1_0 and _expects_continue(matter[b"expect"]),
        is_http_1_0=is_http_1_0,
    )


def check_beginning(data: bytes, at: int) -> None:
    """Refuse what cannot become a head, as soon as it shows; before `at` it was looked at before.

    A client that speaks TLS, or ends lines with a bare LF, waits for an answer and not for us to be patient.
    Raises `BadRequest`.
    """
    if len(data) > MAX_HEAD_BYTES:
        raise BadRequest("The request line and header fields are too long")
    if _BEGINNING.fullmatch(data[:33]) is None or _BARE_LINE_FEED.search(data, max(0, at - 1)):
        raise BadRequest("This is not an HTTP request")


def check_trailer(data: bytes) -> None:
    """Refuse a malformed trailer section; what it says is not used. Raises `BadRequest`."""
    found = _FIELD.findall(b"\r\n" + data)
    if len(found) != data.count(b"\n") + 1 or len(found) != data.count(b"\r") + 1:
        raise BadRequest("A trailer field is malformed")


def _host(values: Sequence[bytes], *, is_http_1_0: bool) -> bytes:
    if not values and is_http_1_0:
        return b""
    if len(values) != 1 or _HOST.fullmatch(values[0]) is None:
        raise BadRequest("A request has one Host")
    return values[0]


def _target(method: bytes, target: bytes, host: bytes) -> tuple[bytes, bytes]:
    """Path and query of the request target, in origin-form or in the absolute-form that proxies use."""
    if b"#" in target:
        raise BadRequest("The request target has a fragment")
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is not None and absolute[1].lower() == host.lower() and host:
            target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
        elif target != b"*" or method != b"OPTIONS":
            raise BadRequest("The request target is none of this server")
    raw_path, _, query = target.partition(b"?")
    return raw_path, query


def _body_bytes(matter: dict[bytes, list[bytes]], *, is_http_1_0: bool) -> int | None:
    lengths, codings = matter.get(b"content-length"), matter.get(b"transfer-encoding")
    if codings is not None:
        if lengths is not None or is_http_1_0 or len(codings) > 1:
            raise BadRequest("The length of the body is given in more than one way")
        if codings[0].lower() != b"chunked":
            raise BadRequest("The only transfer coding is chunked", status=501)
        return None
    if lengths is None:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise BadRequest("The length of the body is not one number")
    # As a number of a few digits, so that nobody makes us read a million of them.
    return int(lengths[0]) if len(lengths[0]) <= LONGEST_LENGTH else 10**LONGEST_LENGTH


def _keeps_alive(values: Sequence[bytes], *, is_http_1_0: bool) -> bool:
    options = {option.strip().lower() for value in values for option in value.split(b",")}
    if b"close" in options:
        return False
    return not is_http_1_0 or b"keep-alive" in options


def _expects_continue(values: Sequence[bytes]) -> bool:
    if [value.lower() for value in values] != [b"100-continue"]:
        raise BadRequest("The only expectation is 100-continue", status=417)
    return True
