"""Endpoints that are down, hang, drip, never end, lead elsewhere or are gone for a day, on real sockets.

Whatever they do: each event arrives where it can, once where nothing went wrong, in order; a good endpoint beside
them never waits; what is held in memory and in descriptors is bounded. Time is the clock's.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from sesame.dns.port import Resolver
from sesame.dns.public import AddressGuard
from sesame.notify.http_client import IDLE_IN_ALL, IDLE_PER_HOST, Answer, HttpClient
from sesame.notify.url import Endpoint
from tests.notify.test_http_client import Zone
from tests.notify.test_outbox import World
from tests.support.certificates import make_ca, make_leaf
from tests.support.patience import PATIENCE_S
from tests.support.spooled import Fixture, with_spool

SHORT_S = 0.3
"""Real seconds: how long one post to an endpoint may take of which nothing comes."""


class Hasty(HttpClient):
    """A client that has no patience with some endpoints, by port, and with all others much."""

    ports: frozenset[int] = frozenset()

    async def _exchange(self, endpoint: Endpoint, request: bytes) -> Answer:
        async with asyncio.timeout(SHORT_S if endpoint.port in self.ports else None):
            return await super()._exchange(endpoint, request)


def be_hasty(w: World, *ports: int) -> None:
    """Have no patience with these endpoints alone."""
    cast(Hasty, w.notifier._ways._http).ports = frozenset(ports)


Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Taker:
    """Takes what is posted, and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            self.bodies.append(await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    @property
    def told(self) -> list[tuple[str, str]]:
        """Message and type of each event that came, in the order in which it came."""
        read = [json.loads(json.loads(body)["Message"]) for body in self.bodies]
        return [(one["mail"]["messageId"], one["eventType"]) for one in read]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def never_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def endless_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Field: " + b"y" * 1_000 + b"\r\n")
        await writer.drain()


async def continues(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def talks_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.example ESMTP\r\n")
    await reader.read()


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    writer.close()


class Redirects:
    """Leads elsewhere; and whether anybody followed."""

    def __init__(self, where: str) -> None:
        self._where = where

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 307 T\r\nLocation: {self._where}\r\nContent-Length: 0\r\n\r\n".encode())


HOSTILE: dict[str, Behave] = {
    "hangs": hang,
    "drips": drip,
    "never ends": never_ends,
    "endless header": endless_header,
    "continues": continues,
    "resets": resets,
    "talks SMTP": talks_smtp,
    "half an answer": half_an_answer,
}


@asynccontextmanager
async def serving(behave: Behave, port: int = 0, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on loopback; the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await behave(reader, writer)
        except (EOFError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def world(f: Fixture, **bounds: int) -> World:
    """Expander and notifier with a client that posts for real."""
    w = World(f, **bounds)
    w.notifier._ways._http = Hasty(
        cast(Resolver, Zone()),
        AddressGuard(["127.0.0.0/8"]),
        ssl.create_default_context(),
        clock=w.clock,
        timeout_s=PATIENCE_S,
    )
    return w


async def turn(w: World) -> None:
    """Deliver what is due now, until nothing is, without letting time pass."""
    while claimed := await w.claim():
        assert w.notifier._endpoints.free >= 0
        await w.attempt(claimed)


async def send(w: World, *names: str) -> list[tuple[str, str]]:
    """Send and deliver messages, of which Send and Delivery are told; those events."""
    for name in names:
        await w.send(name)
    await w.expand()
    return [(name, kind) for name in names for kind in ("Send", "Delivery")]


def by_message(told: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for message_id, kind in told:
        found.setdefault(message_id, []).append(kind)
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_endpoint_holds_up_no_other_and_gets_all_once_it_behaves(tmp_path: Path, name: str) -> None:
    async def run(f: Fixture) -> None:
        w, good, tamed = world(f), Taker(), Taker()
        await w.begin()
        async with serving(good) as good_port:
            async with serving(HOSTILE[name]) as port:
                be_hasty(w, port)
                await subscribe_only(w, good_port, port)
                wanted = await send(w, "m1", "m2", "m3")
                await turn(w)
                assert sorted(good.told) == sorted(wanted)  # with the other one failing beside it
                for _ in range(3):
                    w.clock.advance(100)
                    await turn(w)
                assert len(good.told) == len(wanted)
            be_hasty(w)
            async with serving(tamed, port):
                for _ in range(8):
                    w.clock.advance(3_600)
                    await turn(w)
        assert by_message(tamed.told) == {m: ["Send", "Delivery"] for m in ("m1", "m2", "m3")}
        assert by_message(good.told) == by_message(tamed.told)
        assert {state for state, _ in await w.rows()} == {"told"}
        w.notifier._ways._http.close()

    with_spool(tmp_path, run)


async def subscribe_only(w: World, *ports: int) -> None:
    """These, and not the one that the world begins with."""
    await w.f.store.write(lambda tx: tx.execute("DELETE FROM subscription"))
    for port in ports:
        await w.subscribe(f"http://127.0.0.1:{port}/", "http")


def test_an_endpoint_that_is_gone_for_a_day_gets_everything_in_order_when_it_is_back(tmp_path: Path) -> None:
    async def run(f: Fixture) -> None:
        w, back = world(f), Taker()
        await w.begin()
        async with serving(hang) as port:
            pass  # now nobody listens there
        await subscribe_only(w, port)
        wanted: list[tuple[str, str]] = []
        for hour in range(24):
            wanted += await send(w, *(f"m{hour}-{number}" for number in range(5)))
            await turn(w)
            w.clock.advance(3_600)
        attempts = [count for _, count in await w.rows()]
        assert len(attempts) == 240 and sum(attempts) <= 24 * 16  # a probe now and then, no storm
        assert len(w.notifier._endpoints._active) == 0 and len(w.notifier._done) == 0
        async with serving(back, port):
            for _ in range(10):
                await turn(w)
                w.clock.advance(3_600)
        assert sorted(back.told) == sorted(wanted)
        assert all(kinds == ["Send", "Delivery"] for kinds in by_message(back.told).values())
        assert {state for state, _ in await w.rows()} == {"told"}
        w.notifier._ways._http.close()

    with_spool(tmp_path, run)


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    async def run(f: Fixture) -> None:
        w, elsewhere = world(f), Taker()
        await w.begin()
        async with serving(elsewhere) as inside, serving(Redirects(f"http://127.0.0.1:{inside}/")) as port:
            await subscribe_only(w, port)
            await send(w, "m1")
            await turn(w)
        assert elsewhere.bodies == []
        assert await w.rows() == [("waiting", 1), ("waiting", 0)]
        w.notifier._ways._http.close()

    with_spool(tmp_path, run)


def test_a_certificate_that_is_not_good_gets_nothing(tmp_path: Path) -> None:
    context = make_leaf("other.test", ca=make_ca()).server_context(tmp_path)

    async def run(f: Fixture) -> None:
        w, wrong, plain = world(f), Taker(), Taker()
        await w.begin()
        async with serving(wrong, context=context) as tls_port, serving(plain) as plain_port:
            be_hasty(w, plain_port)  # which waits for a request, as TLS does for its answer
            await w.f.store.write(lambda tx: tx.execute("DELETE FROM subscription"))
            for port in (tls_port, plain_port):
                await w.subscribe(f"https://127.0.0.1:{port}/", "https")
            await send(w, "m1")
            await turn(w)
        assert wrong.bodies == plain.bodies == []
        problems = await w.f.store.read(
            lambda tx: tx.all("SELECT problem FROM outbox WHERE attempts > 0 ORDER BY seq")
        )
        assert len(problems) == 2 and any("certificate" in row[0] for row in problems)
        w.notifier._ways._http.close()

    with_spool(tmp_path, run)


def test_many_that_hang_leave_a_good_one_its_places(tmp_path: Path) -> None:
    async def run(f: Fixture) -> None:
        w, good, enough = world(f, workers=16, per_endpoint=4), Taker(), asyncio.Event()

        async def hang_long(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await enough.wait()

        await w.begin()
        async with AsyncExitStack() as stack:
            good_port = await stack.enter_async_context(serving(good))
            await subscribe_only(w, good_port)
            await send(w, "proven")
            await turn(w)
            for _ in range(40):
                port = await stack.enter_async_context(serving(hang_long))
                await w.subscribe(f"http://127.0.0.1:{port}/", "http")
            wanted = await send(w, "m1", "m2", "m3")
            first = await w.claim()
            mine = [one for one in first if one.endpoint.endswith(f":{good_port}/")]
            assert len(first) - len(mine) == 8 and len(mine) == 3
            under_way = asyncio.gather(*(w.notifier._attempt(one) for one in first if one not in mine))
            await w.attempt(mine)
            while claimed := await w.claim():
                await w.attempt(claimed)
            assert sorted(good.told[2:]) == sorted(wanted)
            assert not under_way.done()
            enough.set()
            await under_way
            w.notifier._ways._http.close()

    with_spool(tmp_path, run)


def test_connections_that_are_kept_open_are_bounded_in_all_and_go_when_idle(tmp_path: Path) -> None:
    async def run(f: Fixture) -> None:
        w = world(f)
        http, taker = w.notifier._ways._http, Taker()
        async with AsyncExitStack() as stack:
            ports = [await stack.enter_async_context(serving(taker)) for _ in range(IDLE_IN_ALL + 20)]
            for port in ports:
                await http.post(f"http://127.0.0.1:{port}/", [], b"{}")
            assert len(http._kept) == IDLE_IN_ALL == len(http._idle)
            await asyncio.gather(
                *(http.post(f"http://127.0.0.1:{ports[0]}/", [], b"{}") for _ in range(IDLE_PER_HOST + 4))
            )
            assert max(len(kept) for kept in http._idle.values()) == IDLE_PER_HOST
            w.clock.advance(60)
            await http.post(f"http://127.0.0.1:{ports[1]}/", [], b"{}")
            assert len(http._kept) == 1
            http.close()

    with_spool(tmp_path, run)
