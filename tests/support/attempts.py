"""Attempts at servers that follow a script, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from sesame.delivery.attempt import Asks, Deliverer
from sesame.delivery.lanes import Lanes
from sesame.delivery.pool import Pool
from sesame.delivery.route import Host, Route
from sesame.delivery.settings import OwnersSettings
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls_policy import TlsPolicy
from sesame.model import MessageId, Outcome
from sesame.observe import Clock
from sesame.spool.spool import Claim
from tests.support.clock import FakeClock
from tests.support.dns import resolver
from tests.support.patience import PATIENCE_S
from tests.support.places import place

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Script:
    """A server that answers one line after the other with what it was given; None closes."""

    replies: dict[str, str | None]
    banner: str | None = "220 hi\r\n"
    after_dot: str | None = "250 taken\r\n"
    connections: int = 0
    messages: list[bytes] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.banner is None:
            return
        writer.write(self.banner.encode("latin-1"))
        while line := await reader.readline():
            verb = line.split()[0].upper().decode("latin-1").split(":")[0] if line.split() else ""
            reply = self.replies.get(verb, "250 ok\r\n")
            if reply is None:
                return
            writer.write(reply.encode("latin-1"))
            if verb == "QUIT":
                return
            if verb == "DATA" and reply.startswith("354"):
                self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                if self.after_dot is None:
                    return
                writer.write(self.after_dot.encode("latin-1"))


GOOD: dict[str, str | None] = {"EHLO": "250 hi\r\n", "DATA": "354 go\r\n", "QUIT": "221 bye\r\n"}


class OneRoute:
    """Routes everything to the given hosts."""

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = hosts

    async def route(self, domain: str) -> Route:
        """The route."""
        return Route(domain=domain, hosts=tuple(self._hosts))


class NoSettings:
    """Stands where the owner's settings would be."""

    async def of(self, claim: Claim) -> OwnersSettings:
        """None."""
        return OwnersSettings((), None)


class NoSigning:
    """Stands where signing would be."""

    async def sign(self, message: bytes, signers: object, *, now: float) -> bytes:
        """The message as it is."""
        return message


def claim() -> Claim:
    """Of one recipient, for the first time."""
    return Claim(
        recipient_seq=1, recipient_index=0, address="x@one.test", domain="one.test", attempts=1, token=1, message_seq=1,
        message_id=MessageId("m"), account_id="1", owner_account_id="1", region="r", identity="",
        accepted_at=0.0, queued_at=0.0,
    )  # fmt: skip


def body_of(data: bytes | None) -> Callable[[Claim], Awaitable[bytes]]:
    """Reads that text, or a short one."""

    async def body(claim: Claim) -> bytes:
        return b"From: a@example.com\r\n\r\nhi\r\n" if data is None else data

    return body


def deliverer_to(
    hosts: list[Host],
    pool: Pool,
    clock: Clock,
    *,
    data: bytes | None = None,
    still_allowed: Asks | None = None,
) -> Deliverer:
    """Delivers to these hosts, in order, what needs no signature."""
    return Deliverer(
        OneRoute(hosts),  # type: ignore[arg-type]
        TlsPolicy(resolver(), sts=None, dane=False),
        pool,
        NoSettings(),  # type: ignore[arg-type]
        NoSigning(),  # type: ignore[arg-type]
        clock,
        body=body_of(data),
        return_path=lambda message_id, n, domain: f"b-{n}@bounces.test",
        still_allowed=still_allowed,
    )


async def deliver(
    *servers: Server,
    times: int = 1,
    data: bytes | None = None,
    timeout_s: float = PATIENCE_S,
    places: Lanes | None = None,
    still_allowed: Asks | None = None,
) -> list[Outcome]:
    """Attempt the same claim `times` times against hosts that run `servers`, in order."""
    talks: set[asyncio.Task[None]] = set()

    def tracked(server: Server) -> Server:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            await server(reader, writer)

        return talk

    listening = [await asyncio.start_server(tracked(server), "127.0.0.1", 0) for server in servers]
    hosts = [Host(f"h{n}.test", *server.sockets[0].getsockname()) for n, server in enumerate(listening)]
    clock = FakeClock()
    timeouts = Timeouts.scaled(timeout_s / 300.0, attempt_s=60.0)
    # A busy machine may be long about a connection to itself, and nobody here is slow to take one.
    pool = Pool(hostname="me.test", timeouts=replace(timeouts, connect_s=PATIENCE_S), clock=clock)
    deliverer = deliverer_to(hosts, pool, clock, data=data, still_allowed=still_allowed)
    try:
        return [await deliverer.attempt(claim(), place(claim(), places)) for _ in range(times)]
    finally:
        await pool.stop()
        for server in listening:
            server.close()
        if talks:
            await asyncio.wait(talks, timeout=PATIENCE_S)


def outcome_of(*servers: Server, **options: object) -> Outcome:
    """The outcome of one attempt, as `deliver` makes them."""
    return asyncio.run(deliver(*servers, **options))[0]  # type: ignore[arg-type]
