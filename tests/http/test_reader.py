"""Requests are read strictly, alike however they are cut, and never in two ways."""

import random
from itertools import pairwise
from typing import Any

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesame.http.head import MAX_HEAD_BYTES, BadRequest
from sesame.http.reader import PIECE_BYTES, BodyTooLarge, Request, RequestReader

MAX_BODY = 100
HEAD = b"POST /a%2Fb?x=%20 HTTP/1.1\r\nHost: h:1\r\n"
H2C = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"

GOOD: dict[str, tuple[bytes, list[bytes]]] = {
    "no body": (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", [b""]),
    "length": (HEAD + b"Content-Length: 3\r\n\r\na=\xff", [b"a=\xff"]),
    "length 0": (HEAD + b"Content-Length: 0\r\n\r\n", [b""]),
    "chunks": (
        HEAD + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA ; x=y\r\n0123\r\n6789\r\n0\r\n\r\n",
        [b"abc0123\r\n6789"],
    ),
    "trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: b\r\nY: c\r\n\r\n", [b"a"]),
    "no chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n000\r\n\r\n", [b""]),
    "two requests": (HEAD + b"Content-Length: 1\r\n\r\naGET / HTTP/1.1\r\nHost: h\r\n\r\n", [b"a", b""]),
    "empty lines between": (b"\r\n\r\n" + GET + b"\r\n" + GET, [b"", b""]),
    "upgrade with a body": (HEAD + H2C + b"Content-Length: 3\r\n\r\nabc", [b"abc"]),
    "upgrade with chunks": (HEAD + H2C + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", [b"a"]),
    "upgrade, the body a request": (
        HEAD + H2C + b"Content-Length: 27\r\n\r\n" + GET,
        [GET],
    ),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", [b""]),
    "white space around a value": (b"GET / HTTP/1.1\r\nHost: \t h \t \r\nX:\r\n\r\n", [b""]),
}  # fmt: skip

BAD: dict[str, bytes] = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no target": b"HELLO\r\n\r\n",
    "other version": b"GET / HTTP/9.9\r\n\r\n",
    "HTTP/1.10": b"GET / HTTP/1.10\r\nHost: h\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n",
    "blank in the target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
    "fragment": b"GET /#a HTTP/1.1\r\nHost: h\r\n\r\n",
    "authority": b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
    "another's absolute target": b"GET http://x/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "star": b"GET * HTTP/1.1\r\nHost: h\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: h\n\n",
    "a bare line feed": b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
    "blank before the colon": b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "folded first": b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    "host with a blank": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "one length twice": HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": HEAD + b"Content-Length: 1, 1\r\n\r\na",
    "signed length": HEAD + b"Content-Length: +1\r\n\r\na",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\na",
    "hexadecimal length": HEAD + b"Content-Length: 0x1\r\n\r\na",
    "empty length": HEAD + b"Content-Length:\r\n\r\n",
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    "almost chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, quoted": HEAD + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank before a coding's colon": HEAD + b"Transfer-Encoding : chunked\r\nContent-Length: 1\r\n\r\na",
    "chunk size signed": HEAD + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    "chunk size 0x1": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "chunk size empty": HEAD + b"Transfer-Encoding: chunked\r\n\r\n\r\na\r\n0\r\n\r\n",
    "chunk size endless": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 2000,
    "chunk too long": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "chunk ended by a line feed": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n",
    "chunk size ended by a line feed": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
    "trailer malformed": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
    "other expectation": HEAD + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\na",
    "a long head": b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
    "a long head without end": b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_HEAD_BYTES,
    "a long method": b"G" * 33,
}  # fmt: skip

LARGE: dict[str, bytes] = {
    "announced": HEAD + b"Content-Length: 101\r\n\r\n",
    "announced and there": HEAD + b"Content-Length: 101\r\n\r\n" + b"x" * 101,
    "announced beyond all": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "one chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n65\r\n",
    "many chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 101,
    "a chunk beyond all": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
}


def read(pieces: list[bytes]) -> list[Request]:
    reader = RequestReader(max_body_bytes=MAX_BODY)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next()) is not None:
            found.append(request)
    return found


def in_ones(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("name", GOOD)
def test_requests_are_read_alike_whole_by_byte_and_in_two(name: str) -> None:
    data, bodies = GOOD[name]
    whole = read([data])
    assert [request.body for request in whole] == bodies
    assert read(in_ones(data)) == whole
    for cut in range(len(data)):
        assert read([data[:cut], data[cut:]]) == whole


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("size", [1, 7_001, 65_536, 200_000])
def test_a_large_body_stays_in_pieces_of_a_good_size(size: int, is_chunked: bool) -> None:
    body = random.Random(size).randbytes(400_001)
    framed = HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if is_chunked:
        framed = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        for at in range(0, len(body), 50_000):
            framed += b"%x\r\n%b\r\n" % (len(body[at : at + 50_000]), body[at : at + 50_000])
        framed += b"0\r\n\r\n"
    data = framed + GET
    reader = RequestReader(max_body_bytes=len(body))
    found = []
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
        while (request := reader.next()) is not None:
            found.append(request)
    large, small = found
    assert large.body == b"" and b"".join(large.pieces) == body
    assert len(large.pieces) <= len(body) // PIECE_BYTES + 1
    assert (small.method, small.body, small.pieces) == ("GET", b"", ())


def test_what_follows_a_body_waits_however_it_comes() -> None:
    reader = RequestReader(max_body_bytes=MAX_BODY)
    for piece in (HEAD + b"Content-Length: 3\r\n\r\na", b"b"):
        reader.feed(piece)
        assert reader.next() is None
    for piece in (b"c" + GET[:5], GET[5:9], GET[9:]):
        reader.feed(piece)
    first, second = reader.next(), reader.next()
    assert first is not None and first.body == b"abc"
    assert second is not None and second.method == "GET"


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("cut", [lambda data: [data], in_ones], ids=["whole", "by byte"])
def test_what_could_be_read_in_two_ways_is_refused(name: str, cut: Any) -> None:
    with pytest.raises(BadRequest):
        read(cut(BAD[name]))


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_does_not_spoil_the_request_before_it(name: str) -> None:
    reader = RequestReader(max_body_bytes=MAX_BODY)
    reader.feed(HEAD + b"Content-Length: 1\r\n\r\na" + BAD[name])
    first = reader.next()
    assert first is not None and first.body == b"a"
    with pytest.raises(BadRequest):
        reader.next()


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("cut", [lambda data: [data], in_ones], ids=["whole", "by byte"])
def test_a_body_that_is_too_large_is_refused_as_soon_as_that_shows(name: str, cut: Any) -> None:
    with pytest.raises(BodyTooLarge) as refused:
        read(cut(LARGE[name]))
    assert refused.value.head.raw_path == b"/a%2Fb"


def test_target_and_fields_are_as_sent() -> None:
    (request,) = read([b"GET /a%2Fb/../c?x=1&x=%20?y HTTP/1.1\r\nHOST: h\r\nX-A: 1  2 \r\nx-a: \xff\r\n\r\n"])
    assert (request.method, request.raw_path, request.query) == ("GET", b"/a%2Fb/../c", b"x=1&x=%20?y")
    assert request.fields == [(b"host", b"h"), (b"x-a", b"1  2"), (b"x-a", b"\xff")]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://h/a?b", b"/a"),
        (b"HTTPS://H", b"/"),
        (b"http://h?b", b"/"),
        (b"/", b"/"),
        (b"//x/y", b"//x/y"),
    ],
)
def test_proxies_may_name_the_host_in_the_target(target: bytes, path: bytes) -> None:
    (request,) = read([b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n"])
    assert request.raw_path == path


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"close", False),
        (b"1.1", b"Keep-Alive, CLOSE", False),
        (b"1.1", b"Upgrade, HTTP2-Settings", True),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_who_keeps_a_connection(version: bytes, connection: bytes, keeps: bool) -> None:
    (request,) = read([b"GET / HTTP/%b\r\nHost: h\r\nConnection: %b\r\n\r\n" % (version, connection)])
    assert request.keeps_alive is keeps


@pytest.mark.parametrize(("begun", "owes"), [(b"", True), (b"a", False)])
def test_a_client_that_waits_to_be_told_to_go_on_is_told_once(begun: bytes, owes: bool) -> None:
    reader = RequestReader(max_body_bytes=MAX_BODY)
    reader.feed(HEAD + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n" + begun)
    assert reader.next() is None
    assert [reader.owes_continue() for _ in range(2)] == [owes, False]
    assert reader.held_bytes == len(begun)


class Oracle:
    """llhttp, the reader of Node.js, as httptools has it."""

    def __init__(self) -> None:
        self.found: list[tuple[bytes, list[tuple[bytes, bytes]], bytes]] = []
        self._parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self._url, self._body = b"", b""
        self._fields: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.lower(), value.strip(b" \t")))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.found.append((self._url, self._fields, self._body))

    def read(self, data: bytes) -> list[tuple[bytes, list[tuple[bytes, bytes]], bytes]]:
        self._parser.feed_data(data)
        return self.found


PARTS = st.sampled_from(
    [
        b"GET", b"POST", b" ", b" / HTTP/1.1\r\n", b"/", b"HTTP/1.0", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b":", b",",
        b"Host: h\r\n", b"Content-Length: ", b"3\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:",
        b"chunked", b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n", b";", b"\t", b"X: y\r\n", b"\0", b"\xff",
        b"Connection: close\r\n", HEAD,
    ]
)  # fmt: skip


@example(parts=[b"\r\n", HEAD, b"\r\n"], cuts=[])
@given(parts=st.lists(PARTS, max_size=12), cuts=st.lists(st.integers(0, 200), max_size=4))
def test_whatever_is_taken_another_reader_reads_alike(parts: list[bytes], cuts: list[int]) -> None:
    """However it is cut we find the same; and what we take, llhttp takes, for the same requests."""
    data = b"POST / HTTP/1.1\r\nHost: h\r\n" + b"".join(parts)
    reader = RequestReader(max_body_bytes=MAX_BODY)
    found: list[Request] = []
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    try:
        for start, end in pairwise(edges):
            reader.feed(data[start:end])
            while (request := reader.next()) is not None:
                found.append(request)
    except (BadRequest, BodyTooLarge):
        pass
    consumed = RequestReader(max_body_bytes=MAX_BODY)
    consumed.feed(data)
    again: list[Request] = []
    try:
        while (request := consumed.next()) is not None:
            again.append(request)
    except (BadRequest, BodyTooLarge):
        pass
    assert again == found
    if found and all(request.keeps_alive for request in found):
        oracle = Oracle()
        try:
            oracle.read(data)
        except httptools.HttpParserError:
            pass
        ours = [(request.raw_path, request.query, request.fields, request.body) for request in found]
        theirs = [(*url.partition(b"?")[::2], fields, body) for url, fields, body in oracle.found]
        assert theirs[: len(ours)] == ours
