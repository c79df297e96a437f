"""Connections of the HTTP door: one answer a request, in order, whatever stands around it on the wire."""

import asyncio
import io
import json
import re
import resource
import socket
from email.utils import parsedate_to_datetime

import pytest

from tests.server.test_http import NoApi, exchange, status, with_door
from tests.support.patience import PATIENCE_S

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"


async def everything(host: str, port: int, *pieces: bytes, then_eof: bool = False) -> bytes:
    """All that comes back until the server closes; each piece is a segment of its own."""
    reader, writer = await asyncio.open_connection(host, port)
    async with asyncio.timeout(PATIENCE_S):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)  # so that they are not read at once; nothing rests on it
        if then_eof:
            writer.write_eof()
        answer = await reader.read()
    writer.close()
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize(
    "garbage", [b"garbage\r\n\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\nHost: h\n\n", b"}" * 40]
)
def test_garbage_behind_a_request_does_not_cost_it_its_answer(garbage: bytes) -> None:
    """It was done: who is told otherwise does it again."""

    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await everything(host, port, POST + b"\r\nabc" + garbage)
        assert statuses(answer) == [200, 400]
        assert [request.body for request in api.requests] == [b"abc"]

    with_door(check)


@pytest.mark.parametrize("segments", [1, 2])
def test_an_offer_to_upgrade_changes_nothing(segments: int) -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        body = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        head = b"POST /b HTTP/1.1\r\nHost: h\r\n" + H2C + b"Content-Length: %d\r\n\r\n" % len(body)
        pieces = [head + body + LAST] if segments == 1 else [head, body + LAST]
        answer = await everything(host, port, *pieces)
        assert statuses(answer) == [200, 200]
        assert [(request.raw_path, request.body) for request in api.requests] == [
            (b"/b", body),
            (b"/last", b""),
        ]

    with_door(check)


@pytest.mark.parametrize(
    "data",
    [GET, b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /verify HTTP/1.1\r\nHost: h\r\n\r\n", b"nonsense\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n"],
)  # fmt: skip
def test_every_answer_has_a_date(data: bytes) -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        head = (await exchange(host, port, data)).partition(b"\r\n\r\n")[0].decode()
        (date,) = re.findall(r"(?m)^date: (.*)\r?$", head)
        assert parsedate_to_datetime(date.strip()).tzinfo is not None

    with_door(check)


def test_requests_sent_at_once_are_answered_in_order() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        data = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(200)) + LAST
        answer = await everything(host, port, data)
        assert statuses(answer) == [200] * 201
        assert [request.raw_path for request in api.requests] == [*(b"/%d" % n for n in range(200)), b"/last"]

    with_door(check)


def test_a_client_that_reads_no_answers_is_not_answered_without_end() -> None:
    """What it sent waits in the system's buffers instead, and the others are served."""

    count = 1_000

    async def check(host: str, port: int, api: NoApi) -> None:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (host, port))
        sending = asyncio.ensure_future(loop.sock_sendall(client, GET.replace(b"/a", b"/large") * count))
        before = -1
        async with asyncio.timeout(PATIENCE_S):
            while len(api.requests) != before:  # it gets nowhere any more but for our own
                before = len(api.requests)
                await asyncio.wait([sending], timeout=0.1)
                assert status(await exchange(host, port, GET)) == 200
                before += 1 if len(api.requests) == before + 1 else 0
        assert len(api.requests) < count
        sending.cancel()
        client.close()

    with_door(check)


def test_a_client_that_has_said_all_gets_its_answers() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        assert statuses(await everything(host, port, GET + GET, then_eof=True)) == [200, 200]

    with_door(check)


def test_a_client_is_told_to_go_on_before_its_body() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        async with asyncio.timeout(PATIENCE_S):
            writer.write(POST + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"abc")
            assert statuses(await reader.read()) == [200]
        writer.close()
        refused = await exchange(
            host, port, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert statuses(refused) == [413]

    with_door(check)


def test_http_1_0_is_answered_and_closed_unless_it_asks_otherwise() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await everything(host, port, b"GET /a HTTP/1.0\r\n\r\n")
        assert statuses(answer) == [200] and b"connection: close" in answer
        both = await everything(host, port, b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + LAST)
        assert statuses(both) == [200, 200] and b"connection: keep-alive" in both

    with_door(check)


def test_an_answer_to_head_has_no_body() -> None:
    async def check(host: str, port: int, api: NoApi) -> None:
        answer = await everything(host, port, b"HEAD /livez HTTP/1.1\r\nHost: h\r\n\r\n" + LAST)
        first, _, rest = answer.partition(b"\r\n\r\n")
        assert b"content-length: 2" in first and rest.startswith(b"HTTP/1.1 200")

    with_door(check)


def test_who_sends_what_is_refused_still_reads_why() -> None:
    """A connection closed on unread data would be reset, and the answer lost."""

    async def check(host: str, port: int, api: NoApi) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        async with asyncio.timeout(PATIENCE_S):
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000)
            assert statuses(await reader.read()) == [413]
        writer.close()

    with_door(check)


def test_more_connections_than_there_may_be_close_the_idle_ones() -> None:
    log = io.StringIO()

    async def check(host: str, port: int, api: NoApi) -> None:
        idle = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(GET)
            await reader.readuntil(b"GET")
            idle.append((reader, writer))
        async with asyncio.timeout(PATIENCE_S):
            assert status(await exchange(host, port, GET)) == 200
            assert await idle[0][0].read() == b"", "the one that was idle longest made room"
        for _, writer in idle:
            writer.close()

    with_door(check, connections=3, log=log)
    assert [json.loads(line)["reason"] for line in log.getvalue().splitlines()] == ["too many connections"]


def test_without_file_descriptors_connections_wait_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = io.StringIO()

    async def check(host: str, port: int, api: NoApi) -> None:
        client = socket.socket()
        client.setblocking(False)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = [socket.socket() for _ in range(3)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1].fileno() + 1, hard))
        try:
            await asyncio.get_running_loop().sock_connect(client, (host, port))
            await asyncio.get_running_loop().sock_sendall(client, GET)
            async with asyncio.timeout(PATIENCE_S):
                while "api_not_accepting" not in log.getvalue():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                turns = await turns_of_the_loop(0.7)  # one more try at least, which is not told of
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for one in taken:
                one.close()
        assert turns < 200, "a loop that spins makes thousands"
        async with asyncio.timeout(PATIENCE_S):
            assert (await asyncio.get_running_loop().sock_recv(client, 100)).startswith(b"HTTP/1.1 200")
        client.close()

    with_door(check, log=log)
    assert log.getvalue().count("api_not_accepting") == 1


async def turns_of_the_loop(seconds: float) -> int:
    """How often the loop's selector came back within that time."""
    loop = asyncio.get_running_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    select, turns = selector.select, 0

    def counted(timeout: float | None = None) -> object:
        nonlocal turns
        turns += 1
        return select(timeout)

    selector.select = counted
    await asyncio.sleep(seconds)
    selector.select = select
    return turns
