"""The development profile's mailbox server: takes mail for any address and keeps it for reading.

It is a plain receiving SMTP server, so the same delivery code runs as in production; it also plays
the part of SES's mailbox simulator (`bounce@simulator.amazonses.com` bounces). Nothing is kept
before the keeper says it is safe, and only then acknowledged.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import cast

from sesame.errors import SesameError
from sesame.smtp.profile import MAIL_EXCHANGER
from sesame.smtp.reply import Reply
from sesame.smtp.server import Closed, Event, Limits, MessageReceived, ServerConnection

Keep = Callable[[str, tuple[str, ...], bytes], Awaitable[None]]

IDLE_S = 300.0
MESSAGE_BYTES = 64 * 1024 * 1024
_BOUNCING = "bounce@simulator.amazonses.com"


class MailboxServer:
    """Listens on `sock`; hands each message to `keep`."""

    def __init__(self, sock: socket.socket, keep: Keep, *, hostname: str) -> None:
        self._sock = sock
        self._keep = keep
        self._hostname = hostname
        self._connections: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        port: int = self._sock.getsockname()[1]
        return port

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            server = await loop.create_server(lambda: _Connection(self, tasks), sock=self._sock)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()
                for connection in list(self._connections):
                    connection.abort()

    def machine(self) -> ServerConnection:
        """A fresh protocol machine for one connection."""
        return ServerConnection(
            hostname=self._hostname,
            profile=MAIL_EXCHANGER,
            limits=Limits(size_bytes=MESSAGE_BYTES),
            tls="none",
            auth="none",
        )

    async def answer(self, machine: ServerConnection, message: MessageReceived) -> list[Event]:
        """Keep a message, or play the simulator."""
        if any(_simulated_bounce(recipient) for recipient in message.recipients):
            return machine.message_refused(Reply(550, "5.1.1 user unknown"))
        try:
            await self._keep(message.mail_from, message.recipients, message.data)
        except SesameError:
            return machine.message_refused(Reply(451, "4.3.0 message could not be kept, try again"))
        return machine.message_accepted("2.0.0 Ok, kept")

    def opened(self, connection: "_Connection") -> None:
        """Count a connection in, to be closed with the server."""
        self._connections.add(connection)

    def closed(self, connection: "_Connection") -> None:
        """Count a connection out."""
        self._connections.discard(connection)


class _Connection(asyncio.Protocol):
    """Moves bytes between one socket and one protocol machine."""

    def __init__(self, server: MailboxServer, tasks: asyncio.TaskGroup) -> None:
        self._server = server
        self._tasks = tasks
        self._machine = server.machine()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface of asyncio.Transport, not the class.
        self._transport = cast(asyncio.Transport, transport)
        self._server.opened(self)
        self._flush()
        self._restart_clock()

    def data_received(self, data: bytes) -> None:
        self._handle(self._machine.receive_data(data))
        self._restart_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.closed(self)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, MessageReceived):
                self._tasks.create_task(self._answer(event))
        self._flush()
        if self._transport is None:
            return
        if any(isinstance(event, Closed) for event in events):
            self._transport.close()
        elif self._machine.wants_data:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    async def _answer(self, message: MessageReceived) -> None:
        self._handle(await self._server.answer(self._machine, message))

    def _flush(self) -> None:
        if self._transport is not None and (data := self._machine.data_to_send()):
            self._transport.write(data)

    def _restart_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(IDLE_S, self._time_out)

    def _time_out(self) -> None:
        self._handle(self._machine.idle_timeout())
        if not self._machine.is_closed:  # it is we who owe an answer
            self._restart_clock()


def _simulated_bounce(recipient: str) -> bool:
    local_part, _, domain = recipient.rpartition("@")
    return f"{local_part.partition('+')[0]}@{domain}".lower() == _BOUNCING
