"""TLS sessions are taken up again where no certificate is checked, and nowhere else."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop
from cryptography.hazmat.primitives.serialization import Encoding

from sesame.delivery.pool import Pool
from sesame.delivery.route import Host
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import OPPORTUNISTIC, TlsContexts, TlsDemand, TlsMode
from sesame.dns.port import Tlsa
from tests.support.certificates import make_ca, make_leaf, pem
from tests.support.clock import FakeClock

CA = make_ca()
LEAF = make_leaf("mx.one.test", "mx.two.test", ca=CA)
CONTENT = b"From: a@example.com\r\n\r\nhi\r\n"
VERIFIED = TlsDemand(mode=TlsMode.VERIFIED)
ENCRYPTED = TlsDemand(mode=TlsMode.ENCRYPTED)


@dataclass
class Server:
    """A server with STARTTLS that notes of each connection whether a session was taken up again."""

    context: ssl.SSLContext
    reused: list[bool] = field(default_factory=list)
    hates_old_sessions: bool = False
    in_clear: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        is_secure = False
        while line := await reader.readline():
            verb = line.split()[0].upper()
            if verb == b"STARTTLS":
                writer.write(b"220 go\r\n")
                await writer.start_tls(self.context)
                is_secure = True
                self.reused.append(writer.get_extra_info("ssl_object").session_reused)
                if self.hates_old_sessions and self.reused[-1]:
                    break
            elif verb == b"EHLO":
                writer.write(b"250 hi\r\n" if is_secure else b"250-hi\r\n250 STARTTLS\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.in_clear += not is_secure
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


@dataclass
class World:
    server: Server
    pool: Pool
    clock: FakeClock
    port: int

    async def send(self, name: str = "mx.one.test", demand: TlsDemand = OPPORTUNISTIC) -> None:
        """One message over a connection of its own."""
        session = await self.pool.borrow(Host(name, "127.0.0.1", self.port, demand))
        await session.send("a@b.test", "c@d.test", CONTENT)
        self.pool.give_back(session)
        self.clock.advance(3_600.0)
        self.pool.close_idle()


def with_world(
    tmp_path: Path,
    check: Callable[[World], Awaitable[None]],
    *,
    most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    run: Callable[..., None] = asyncio.run,
) -> None:
    async def session() -> None:
        context = LEAF.server_context(tmp_path)
        context.maximum_version = most
        ca_file = tmp_path / "ca.pem"
        ca_file.write_bytes(pem(CA.certificate))
        server, clock = Server(context), FakeClock()
        listening = await asyncio.start_server(server, "127.0.0.1", 0)
        pool = Pool(
            hostname="me.test",
            timeouts=Timeouts.scaled(1 / 60, attempt_s=60.0),
            clock=clock,
            contexts=TlsContexts(str(ca_file)),
        )
        try:
            await check(World(server, pool, clock, listening.sockets[0].getsockname()[1]))
        finally:
            await pool.stop()
            listening.close()

    run(session())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_next_connection_takes_the_session_up_again(
    tmp_path: Path, most: ssl.TLSVersion, run: Callable[..., None]
) -> None:
    async def check(world: World) -> None:
        for _ in range(3):
            await world.send()
        await world.send(demand=ENCRYPTED)
        assert world.server.reused == [False, True, True, True]

    with_world(tmp_path, check, most=most, run=run)


def test_a_session_belongs_to_the_name_that_it_was_made_with(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.send("mx.one.test")
        await world.send("mx.two.test")
        assert world.server.reused == [False, False]

    with_world(tmp_path, check)


@pytest.mark.parametrize("first", [OPPORTUNISTIC, None])
@pytest.mark.parametrize("mode", [TlsMode.VERIFIED, TlsMode.DANE])
def test_where_a_certificate_is_checked_it_is_shown_each_time(
    tmp_path: Path, mode: TlsMode, first: TlsDemand | None
) -> None:
    record = Tlsa(3, 0, 0, LEAF.certificate.public_bytes(Encoding.DER))
    demand = TlsDemand(mode=mode, tlsa=(record,), names=("mx.one.test",))

    async def check(world: World) -> None:
        if first is not None:
            await world.send(demand=first)
        for _ in range(2):
            await world.send(demand=demand)
        assert not any(world.server.reused)
        await world.send()
        assert world.server.reused[-1] is (first is not None)

    with_world(tmp_path, check)


def test_a_server_that_cannot_take_it_up_gets_a_new_one_and_never_the_text_in_clear(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.send()
        world.server.hates_old_sessions = True
        await world.send()
        assert world.server.reused == [False, True, False]
        assert world.server.in_clear == 0

    with_world(tmp_path, check)
