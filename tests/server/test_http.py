"""The HTTP door: bounded, and every answer in a form that SDKs read."""

import asyncio
import base64
import hashlib
import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sesame.identities.verification import Confirmation
from sesame.observe import Log, SystemClock
from sesame.server.api import HttpResponse
from sesame.server.http import HttpDoor
from sesame.server.listener import Bounds, HttpServer, listen
from tests.support.patience import PATIENCE_S


def plain(status: int, text: str) -> HttpResponse:
    length = (b"content-length", str(len(text)).encode())
    return HttpResponse(status=status, headers=(length,), body=text.encode())


class NoApi:
    """Refuses with the error's code, and remembers the requests it got."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    async def answer(self, request: Any, peer: Any) -> Any:
        self.requests.append(request)
        return plain(
            200, f"{peer.address} {request.method}" + "x" * 100_000 * (request.raw_path == b"/large")
        )

    def refuse(self, error: Any, raw_path: bytes) -> Any:
        return plain(error.http_status, error.code)


async def confirm(token: str) -> Confirmation:
    redirect = "https://example.com/gone?a=1" if token == "custom" else None
    return Confirmation(address="news@example.com" if token == "good" else None, redirect=redirect)


def test_looking_at_a_link_does_not_redeem_it(monkeypatch: pytest.MonkeyPatch) -> None:
    redeemed: list[str] = []

    async def redeem(token: str) -> Confirmation:
        redeemed.append(token)
        return Confirmation(address="news@example.com")

    monkeypatch.setitem(globals(), "confirm", redeem)

    async def check(host: str, port: int, api: NoApi) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"HEAD /verify?token=good HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()

    with_door(check)
    assert redeemed == []


def with_door(
    check: Callable[[str, int, NoApi], Awaitable[None]],
    *,
    max_body_bytes: int = 1000,
    memory_bytes: int = 1 << 20,
    patience_s: float = 30.0,
    connections: int = 100,
    log: io.StringIO | None = None,
) -> None:
    async def session() -> None:
        api = NoApi()
        problems: dict[str, str] = {}

        async def ready() -> dict[str, str]:
            return problems

        door = HttpDoor(api, confirm=confirm, ready=ready)  # type: ignore[arg-type]
        sock = listen("127.0.0.1", 0)
        clock = SystemClock()
        bounds = Bounds(
            max_body_bytes=max_body_bytes,
            memory_bytes=memory_bytes,
            connections=connections,
            patience_s=patience_s,
        )
        lines = Log(io.StringIO() if log is None else log, as_json=True, clock=clock)
        server = HttpServer(sock, door, bounds, certificate=None, clock=clock, log=lines)
        await server.start()
        try:
            host, port = sock.getsockname()
            await check(host, port, api)
        finally:
            await server.stop()

    asyncio.run(session())


async def exchange(host: str, port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(data)
    try:
        async with asyncio.timeout(PATIENCE_S):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return head + await reader.readexactly(length)
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def test_raw_path_query_and_body_reach_the_api_unchanged() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        await exchange(
            host,
            port,
            b"POST /a%2Fb/../c?x=1&x=%20 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nContent-Length: 3\r\n\r\na=\xff",
        )
        (request,) = api.requests
        assert (request.raw_path, request.query, request.body) == (b"/a%2Fb/../c", b"x=1&x=%20", b"a=\xff")
        assert (b"x-a", b"1") in request.headers

    with_door(check)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_in_xml(data: bytes) -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await exchange(host, port, data)
        assert status(answer) == 400
        error = ElementTree.fromstring(answer.partition(b"\r\n\r\n")[2])
        assert error.tag.endswith("ErrorResponse")
        assert api.requests == []

    with_door(check)


def test_a_head_without_end_is_cut_off() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        fields = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 1000) for n in range(100))
        assert status(await exchange(host, port, b"GET / HTTP/1.1\r\n" + fields + b"\r\n")) == 400
        assert api.requests == []

    with_door(check)


def test_a_client_that_never_finishes_its_head_is_let_go() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nHost")
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()

    with_door(check, patience_s=0.05)


@pytest.mark.parametrize("begun", [b"", b"x" * 500])
def test_a_client_that_never_finishes_its_body_is_let_go(begun: bytes) -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 600\r\n\r\n" + begun)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()
        assert api.requests == []

    with_door(check, patience_s=0.05)


def test_a_body_that_trickles_in_uses_its_patience_up() -> None:
    """Each byte is worth 2 ms; a client that sends one every few milliseconds is cut off all the same."""

    async def check(host: str, port: int, api: NoApi) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n")
        ended = asyncio.ensure_future(cut_off(reader))
        for _ in range(900):
            if ended.done():
                break
            writer.write(b"x")
            await asyncio.wait([ended], timeout=0.01)
        assert await ended == b""
        writer.close()
        assert api.requests == []

    with_door(check, patience_s=0.05)


async def cut_off(reader: asyncio.StreamReader) -> bytes:
    """What is answered until the end; an end that comes as a reset, for a byte still under way, is one too."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_reaches_the_api_whole(is_chunked: bool) -> None:
    body = bytes(range(256)) * 2_000

    async def check(host: str, port: int, api: NoApi) -> None:
        head = b"POST /large HTTP/1.1\r\nHost: h\r\n"
        if is_chunked:
            data = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            data = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        assert status(await exchange(host, port, data)) == 200
        (request,) = api.requests
        assert request.body == body

    with_door(check, max_body_bytes=len(body))


def test_large_bodies_together_are_bounded_and_the_room_is_given_back() -> None:
    """The third of three that do not fit together is told to try again; afterwards there is room."""
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n"

    async def check(host: str, port: int, api: NoApi) -> None:
        async with asyncio.timeout(PATIENCE_S):
            waiting = [await asyncio.open_connection(host, port) for _ in range(3)]
            answered = {asyncio.ensure_future(reader.readuntil(b"\r\n\r\n")) for reader, _ in waiting}
            for _, writer in waiting:
                writer.write(head + b"x" * 50_000)
            done, still = await asyncio.wait(answered, return_when=asyncio.FIRST_COMPLETED)
            assert [status(answer.result()) for answer in done] == [503]
            for _, writer in waiting:
                writer.write(b"x" * 10_000)
            assert [status(await answer) for answer in still] == [200, 200]
            again = await exchange(host, port, head + b"x" * 60_000)
            assert status(again) == 200
            for _, writer in waiting:
                writer.close()

    with_door(check, max_body_bytes=60_000, memory_bytes=120_000)


def test_a_body_over_the_limit_is_refused() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001
        answer = await exchange(host, port, request)
        assert (status(answer), answer.endswith(b"RequestEntityTooLarge")) == (413, True)
        assert api.requests == []

    with_door(check)


@pytest.mark.parametrize(
    ("target", "expected", "words"),
    [
        (b"/verify?token=good", 200, b"news@example.com"),
        (b"/verify?token=bad", 404, b"not valid"),
        (b"/verify", 404, b"not valid"),
        (b"/verify?token=%3Cscript%3E", 404, b"not valid"),
        (b"/livez", 200, b"ok"),
        (b"/readyz", 200, b"{}"),
    ],
)
def test_pages_beside_the_api(target: bytes, expected: int, words: bytes) -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await exchange(host, port, b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (status(answer), words in answer) == (expected, True)
        assert api.requests == []

    with_door(check)


def test_a_link_of_a_custom_mail_leads_on() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await exchange(host, port, b"GET /verify?token=custom HTTP/1.1\r\nHost: h\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert (status(answer), body) == (302, b"")
        assert b"\r\nlocation: https://example.com/gone?a=1\r\n" in head.lower() + b"\r\n"
        assert b"no-store" in head

    with_door(check)


def test_the_pages_run_and_load_nothing() -> None:
    """The one style sheet is allowed by its hash; there is no script, frame, form or outer resource."""

    async def check(host: str, port: int, api: NoApi) -> None:
        for token in (b"good", b"bad"):
            answer = await exchange(
                host, port, b"GET /verify?token=" + token + b" HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            head, _, body = answer.partition(b"\r\n\r\n")
            style = body.partition(b"<style>")[2].partition(b"</style>")[0]
            digest = base64.b64encode(hashlib.sha256(style).digest())
            assert b"default-src 'none'; style-src 'sha256-%b'; base-uri 'none'" % digest in head
            assert not re.search(rb"<script|<link|<iframe|<form|src=|href=|url\(|style=", body)

    with_door(check)


@pytest.mark.parametrize("length", [b"1001", b"99999999999999", b"9" * 18])
def test_a_body_announced_as_too_large_is_refused_before_it_comes(length: bytes) -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await exchange(
            host, port, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + length + b"\r\n\r\n"
        )
        assert status(answer) == 413
        assert api.requests == []

    with_door(check)
