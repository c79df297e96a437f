"""Posting to strangers' URLs: where it may lead, what is taken of the answer, what is kept open."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from sesame.dns.port import DnsFailure, DomainNotFound
from sesame.dns.public import AddressGuard
from sesame.notify.http_client import HttpClient, _Connection
from sesame.notify.url import PostFailed, read_url
from tests.support.certificates import make_ca, make_leaf, pem
from tests.support.clock import FakeClock

LOOPBACK = AddressGuard(["127.0.0.0/8"])


class Zone:
    """A resolver that knows what it is told; each name has its answers, one after the other."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def addresses(self, name: str) -> list[str]:
        self.asked.append(name)
        if name not in self.answers:
            raise DomainNotFound(f"`{name}` does not exist")
        if not self.answers[name]:
            raise DnsFailure("no answer")
        given = self.answers[name]
        return given.pop(0) if len(given) > 1 else given[0]


class Server:
    """Answers each request with the next of its answers and keeps what it got; `None` closes the connection."""

    def __init__(self, *answers: bytes | None, closes: bool = False) -> None:
        self.answers = list(answers)
        self.closes = closes
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
                if self.closes:
                    return
        except (EOFError, OSError, IndexError):
            pass
        finally:
            writer.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def client(zone: Zone | None = None, guard: AddressGuard = LOOPBACK, **options: object) -> HttpClient:
    context = options.pop("context", None) or ssl.create_default_context()
    return HttpClient(zone or Zone(), guard, context, clock=FakeClock(), **options)  # type: ignore[arg-type]


def with_server(
    server: Server, check: Callable[[int], Awaitable[None]], context: ssl.SSLContext | None = None
) -> None:
    async def session() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        async with listening:
            await check(listening.sockets[0].getsockname()[1])

    asyncio.run(session())


def test_a_post_is_answered_and_the_connection_stays_open() -> None:
    server = Server(OK, OK, OK)

    async def check(port: int) -> None:
        zone = Zone(hook_test=[["127.0.0.1"]])
        posting = client(zone)
        url = f"http://user:p%40ss@hook.test:{port}/path?q=1"
        for body in (b"one", b"two"):
            assert (await posting.post(url, [("X-A", "b")], body))[:2] == (200, b"ok")
        posting.close()
        assert (await posting.post(url, [], b"three"))[0] == 200
        posting.close()
        assert zone.asked == ["hook.test"] * 2
        first = server.requests[0].decode()
        assert first.startswith(f"POST /path?q=1 HTTP/1.1\r\nHost: hook.test:{port}\r\n")
        assert "Authorization: Basic dXNlcjpwQHNz\r\n" in first
        assert first.endswith("X-A: b\r\n\r\none")
        assert server.connections == 2

    with_server(server, check)


def test_a_connection_that_the_other_side_closed_is_opened_again() -> None:
    server = Server(OK, None, OK)

    async def check(port: int) -> None:
        posting = client()
        url = f"http://127.0.0.1:{port}/"
        assert (await posting.post(url, [], b"one"))[0] == 200
        assert (await posting.post(url, [], b"two"))[0] == 200
        posting.close()
        assert server.connections == 2

    with_server(server, check)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 500),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000, 200),
    ],
)
def test_an_answer_is_read_to_a_bound_and_followed_nowhere(answer: bytes, status: int) -> None:
    server = Server(answer)

    async def check(port: int) -> None:
        posting = client()
        assert (await posting.post(f"http://127.0.0.1:{port}/", [], b""))[0] == status
        posting.close()
        assert len(server.requests) == 1

    with_server(server, check)


def test_what_an_endpoint_asks_for_by_retry_after_comes_with_its_own_answer_alone() -> None:
    later = b"HTTP/1.1 503 Later\r\nRETRY-AFTER: 120\r\nContent-Length: 0\r\n\r\n"
    long = b"HTTP/1.1 429 No\r\nRetry-After: " + b"9" * 500 + b"\r\nContent-Length: 0\r\n\r\n"
    server = Server(later, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", long)

    async def check(port: int) -> None:
        posting = client()
        found = [(await posting.post(f"http://127.0.0.1:{port}/", [], b"")).retry_after for _ in range(3)]
        assert found == ["120", None, "9" * 64]
        posting.close()

    with_server(server, check)


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        (b"HTTP/1.0 200 OK\r\nServer: BaseHTTP\r\n\r\n", (200, b"")),
        (b"HTTP/1.0 500 No\r\n\r\nsorry", (500, b"sorry")),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", (200, b"ok")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok", (200, b"ok")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", None),
        (b"HTTP/1.1 200 OK\r\nServer: x\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
    ],
)
def test_an_answer_without_a_length_ends_with_its_connection(
    answer: bytes, want: tuple[int, bytes] | None
) -> None:
    """RFC 9112 section 6.3: what has neither length nor chunks is all that comes until the connection is closed."""
    server = Server(answer, answer, closes=True)

    async def check(port: int) -> None:
        posting = client()
        for _ in range(2):
            if want is None:
                with pytest.raises(PostFailed):
                    await posting.post(f"http://127.0.0.1:{port}/", [], b"")
            else:
                assert (await posting.post(f"http://127.0.0.1:{port}/", [], b""))[:2] == want
        posting.close()
        assert len(server.requests) == server.connections == 2

    with_server(server, check)


@pytest.mark.parametrize(
    "answer",
    [None, b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", b"HTTP/1.1 20"],
)
def test_what_is_no_answer_fails(answer: bytes | None) -> None:
    async def check(port: int) -> None:
        with pytest.raises(PostFailed):
            await client(timeout_s=0.2).post(f"http://127.0.0.1:{port}/", [], b"")

    with_server(Server(answer), check)


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0", "::1", "fd00::1", "fe80::1",
    "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_that_is_not_public_is_connected_to(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    for url, zone in (
        (f"http://{literal}/", Zone()),
        ("http://hook.test/", Zone(hook_test=[[address]])),
        ("https://hook.test/", Zone(hook_test=[[address]])),
    ):
        with pytest.raises(PostFailed, match="may not be connected to"):
            asyncio.run(client(zone, AddressGuard()).post(url, [], b""))


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    with pytest.raises(PostFailed, match="may not be connected to"):
        asyncio.run(client(Zone(), AddressGuard()).post(f"http://{host}/", [], b""))


def test_the_address_that_was_vetted_is_connected_to_whatever_dns_says_next() -> None:
    server = Server(OK)

    async def check(port: int) -> None:
        zone = Zone(hook_test=[["127.0.0.1"], ["10.0.0.1"]])
        posting = client(zone)
        assert (await posting.post(f"http://hook.test:{port}/", [], b""))[0] == 200
        posting.close()
        with pytest.raises(PostFailed, match="private use"):
            await posting.post(f"http://hook.test:{port}/", [], b"")

    with_server(server, check)


@pytest.mark.parametrize(
    "url",
    ["ftp://a.test/", "http:///x", "http://a b.test/", "http://a.test\r\nX: y/", "http://a.test:99999/", "//a.test/",
     "http://ü.test/", "http://[::1/", "http://a..test/", "javascript:1", ""],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(PostFailed):
        read_url(url)


@pytest.mark.parametrize("zone", [Zone(), Zone(hook_test=[])])
def test_a_name_without_an_answer_fails(zone: Zone) -> None:
    with pytest.raises(PostFailed):
        asyncio.run(client(zone).post("http://hook.test/", [], b""))


def test_plain_http_only_where_it_is_allowed() -> None:
    with pytest.raises(PostFailed, match="use https"):
        asyncio.run(client(may_be_plain=False).post("http://127.0.0.1/", [], b""))


@pytest.mark.parametrize(("names", "is_good"), [(["hook.test"], True), (["other.test"], False)])
def test_a_certificate_must_be_good_for_the_name(tmp_path: Path, names: Sequence[str], is_good: bool) -> None:
    ca = make_ca()
    serving = make_leaf(*names, ca=ca).server_context(tmp_path)
    trusting = ssl.create_default_context(cadata=pem(ca.certificate).decode())

    async def check(port: int) -> None:
        posting = client(Zone(hook_test=[["127.0.0.1"]]), context=trusting)
        posted = posting.post(f"https://hook.test:{port}/", [], b"")
        if is_good:
            assert (await posted)[0] == 200
        else:
            with pytest.raises(PostFailed, match="certificate"):
                await posted
        posting.close()

    with_server(Server(OK), check, serving)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "a\0b", "a\u2028b"])
def test_the_value_of_a_field_cannot_write_another(value: str) -> None:
    server = Server(OK)

    async def check(port: int) -> None:
        with pytest.raises(PostFailed, match="X-Given"):
            await client().post(f"http://127.0.0.1:{port}/", [("X-Fine", "b"), ("X-Given", value)], b"x")

    with_server(server, check)
    assert (server.connections, server.requests) == (0, [])


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "a field's value": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "a field's name": (b"HTTP/1.1 200 OK\r\n", b"a"),
    "fields": (b"HTTP/1.1 200 OK\r\n", b"A:\r\n"),
    "a reason": (b"HTTP/1.1 200 ", b"a"),
    "an answer to come": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk's extension": (CHUNKED + b"1;", b"a"),
    "a field behind the body": (CHUNKED + b"0\r\nX-A: ", b"a"),
    "small chunks": (CHUNKED, b"1\r\na\r\n"),
}


@pytest.mark.parametrize("piece_bytes", [1_000, 65_536, 262_144])
@pytest.mark.parametrize("name", ENDLESS)
def test_of_what_does_not_end_so_much_is_read(name: str, piece_bytes: int) -> None:
    """The parser puts a field together again with each piece: eleven megabytes of one take it seconds."""

    async def session() -> None:
        connection = _Connection(max_bytes=65_536)
        connection.connection_made(FakeTransport())
        asking = asyncio.ensure_future(connection.ask(b""))
        await asyncio.sleep(0)
        first, more = ENDLESS[name]
        connection.data_received(first or more)
        pieces = 0
        while connection._answered is not None and not connection._answered.done():
            connection.data_received(more * (piece_bytes // len(more)))
            pieces += 1
            assert pieces * piece_bytes < 1_000_000
        if name in ("a chunk's extension", "a field behind the body", "small chunks"):
            assert (await asking).status == 200  # the status counts, and nobody sees the rest
        else:
            with pytest.raises(ValueError, match=r"too long|does not end"):
                await asking
        assert not connection.is_kept

    asyncio.run(session())


class FakeTransport(asyncio.Transport):
    """Takes what is written."""

    def write(self, data: object) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        pass
