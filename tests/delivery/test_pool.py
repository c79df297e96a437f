"""Kept connections: bounded in all, shared by address, closed side by side, never handed out when they are no good."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from msgspec import structs

from sesame.delivery.dial import OutOfResources
from sesame.delivery.pool import Pool
from sesame.delivery.route import Host
from sesame.delivery.session import Session
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import CLEAR, OPPORTUNISTIC
from sesame.smtp.errors import RemoteProtocolError
from tests.support.attempts import GOOD, Script, Server
from tests.support.clock import FakeClock
from tests.support.talks import Talks

CONTENT = b"From: a@example.com\r\n\r\nhi\r\n"
FAST = replace(Timeouts.scaled(1 / 60, attempt_s=60.0), connect_s=60.0)
"""Of which nothing but connecting has to be waited for: many that connect at once may have to try again."""


class Fixture:
    """A server and a pool of connections to it, under as many addresses as wanted."""

    def __init__(self, pool: Pool, clock: FakeClock, port: int) -> None:
        self.pool = pool
        self.clock = clock
        self._port = port

    def host(self, number: int = 1, name: str = "mx.test") -> Host:
        return Host(name, f"127.0.0.{number}", self._port, CLEAR)

    async def send(self, host: Host) -> Session:
        session = await self.pool.borrow(host)
        await session.send("a@b.test", "c@d.test", CONTENT)
        self.pool.give_back(session)
        return session


def with_pool(script: Server, check: Callable[[Fixture], Awaitable[None]], *, max_idle: int = 200) -> None:
    async def session() -> None:
        clock, talks = FakeClock(), Talks()
        server = await asyncio.start_server(talks.of(script), "0.0.0.0", 0, backlog=256)
        pool = Pool(hostname="me.test", timeouts=FAST, clock=clock, max_idle=max_idle)
        try:
            await check(Fixture(pool, clock, server.sockets[0].getsockname()[1]))
        finally:
            await pool.stop()
            server.close()
            await talks.end()

    asyncio.run(session())


def test_a_connection_serves_every_name_that_leads_to_its_address() -> None:
    script = Script(GOOD)

    async def check(f: Fixture) -> None:
        for number in range(10):
            await f.send(f.host(name=f"mx{number}.test"))

    with_pool(script, check)
    assert (script.connections, len(script.messages)) == (1, 10)


def test_kept_connections_are_bounded_in_all_and_the_longest_idle_goes_first() -> None:
    script = Script(GOOD)

    async def check(f: Fixture) -> None:
        sessions = []
        for number in range(1, 11):
            sessions.append(await f.send(f.host(number)))
            f.clock.advance(1.0)
            assert f.pool.idle <= 4
        assert [session.is_usable for session in sessions[-4:]] == [True] * 4
        before = script.connections
        await f.send(f.host(10))
        assert script.connections == before
        await f.send(f.host(1))
        assert script.connections == before + 1

    with_pool(script, check, max_idle=4)


def test_a_connection_that_has_been_idle_for_long_is_not_used() -> None:
    script = Script(GOOD)

    async def check(f: Fixture) -> None:
        await f.send(f.host())
        f.clock.advance(30.0)
        f.pool.close_idle()
        assert f.pool.idle == 0
        await f.send(f.host())
        f.clock.advance(30.0)
        await f.send(f.host())

    with_pool(script, check)
    assert script.connections == 3


def test_one_that_begins_to_refuse_is_not_used_on() -> None:
    script = Script({**GOOD, "MAIL": "451 4.3.2 too much\r\n"})

    async def check(f: Fixture) -> None:
        await f.send(f.host())
        assert f.pool.idle == 0

    with_pool(script, check)


def test_all_are_told_quit_side_by_side_and_none_is_waited_for_alone() -> None:
    told, most = 0, 0

    async def ignores_quit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal told, most
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line == b"QUIT\r\n":
                told += 1
                most = max(most, told)
            else:
                writer.write(b"250 hi\r\n")
        told -= 1
        writer.close()

    async def check(f: Fixture) -> None:
        sessions = await asyncio.gather(*(f.pool.borrow(f.host(number)) for number in range(1, 101)))
        for session in sessions:
            f.pool.give_back(session)
        assert f.pool.idle == 100
        await f.pool.stop()
        assert not any(session.is_open for session in sessions)

    with_pool(ignores_quit, check)
    assert most == 100


def test_one_that_comes_back_while_others_are_closed_is_kept_track_of() -> None:
    script = Script({**GOOD, "QUIT": ""})

    async def check(f: Fixture) -> None:
        out = await f.pool.borrow(f.host(1))
        f.pool.give_back(await f.pool.borrow(f.host(2)))
        stopping = asyncio.ensure_future(f.pool.stop())
        await asyncio.sleep(0)
        f.pool.give_back(out)
        await stopping
        assert f.pool.idle == 0
        await asyncio.gather(*f.pool._closing)
        assert not out.is_open

    with_pool(script, check)


def test_running_out_of_files_is_told_as_ours() -> None:
    async def check() -> None:
        async def dial(*_: object, **__: object) -> None:
            raise OSError(24, "Too many open files")

        pool = Pool(hostname="me.test", timeouts=FAST, clock=FakeClock(), dial=dial)
        try:
            await pool.borrow(Host("mx.test", "127.0.0.1", 1, CLEAR))
        except OutOfResources as error:
            assert "Too many open files" in str(error)
        else:
            raise AssertionError("nobody was told")

    asyncio.run(check())


def test_a_connection_that_was_opened_for_less_is_not_used_for_more() -> None:
    script = Script(GOOD)

    async def check(f: Fixture) -> None:
        await f.send(f.host())
        secured = structs.replace(f.host(), tls=OPPORTUNISTIC)
        await f.send(secured)
        await f.send(f.host())
        await f.send(secured)

    with_pool(script, check)
    assert script.connections == 2


def test_a_connection_carries_so_many_messages_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sesame.delivery.pool.MAX_MESSAGES", 2)
    script = Script(GOOD)

    async def check(f: Fixture) -> None:
        for _ in range(5):
            await f.send(f.host())

    with_pool(script, check)
    assert (script.connections, len(script.messages)) == (3, 5)


@pytest.mark.parametrize("banner", [None, "what?\r\n", "220 hi\r\n\0"])
def test_what_is_no_fault_of_tls_is_not_tried_again_in_clear(banner: str | None) -> None:
    script = Script({**GOOD, "EHLO": None}, banner=banner)

    async def check(f: Fixture) -> None:
        with pytest.raises((RemoteProtocolError, OSError)):
            await f.pool.borrow(structs.replace(f.host(), tls=OPPORTUNISTIC))

    with_pool(script, check)
    assert script.connections == 1
