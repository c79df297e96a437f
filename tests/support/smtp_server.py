"""A loopback SMTP server around `ServerConnection`, for tests that need real sockets.

Takes any password but `wrong` and keeps every message. The door of the service is
`sesame.server.submission`; this one is only as large as a test needs.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sesame.smtp.events import AuthRequested, Event, MessageReceived, StartTlsRequested
from sesame.smtp.reply import Reply
from sesame.smtp.server import ServerConnection


@dataclass(slots=True)
class Inbox:
    """Where a served machine's messages go."""

    port: int = 0
    messages: list[MessageReceived] = field(default_factory=list)


def answer(machine: ServerConnection, event: Event, inbox: Inbox) -> list[Event]:
    """Answer one event; what follows from the answer."""
    if isinstance(event, AuthRequested):
        return machine.auth_failed() if event.password == "wrong" else machine.auth_succeeded()
    if isinstance(event, MessageReceived):
        if b"refuse me" in event.data:
            return machine.message_refused(Reply(554, "Message rejected: it asked for it"))
        inbox.messages.append(event)
        return machine.message_accepted(f"Ok {len(inbox.messages)}")
    return []


class _Served(asyncio.Protocol):
    def __init__(self, machine: ServerConnection, inbox: Inbox, tls: ssl.SSLContext | None) -> None:
        self._machine = machine
        self._inbox = inbox
        self._tls = tls
        self._upgrade: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._machine.data_to_send())

    def data_received(self, data: bytes) -> None:
        events = self._machine.receive_data(data)
        while events:
            event = events.pop(0)
            if isinstance(event, StartTlsRequested):
                self._transport.pause_reading()
                self._upgrade = asyncio.create_task(self._start_tls())
            events += answer(self._machine, event, self._inbox)
        self._transport.write(self._machine.data_to_send())
        if self._machine.is_closed:
            self._transport.close()

    async def _start_tls(self) -> None:
        assert self._tls
        transport = await asyncio.get_running_loop().start_tls(
            self._transport, self, self._tls, server_side=True
        )
        assert transport
        self._transport = transport
        self._machine.tls_started()


@asynccontextmanager
async def serving(
    make: Callable[[], ServerConnection], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Inbox]:
    """Serve what `make` makes, one for each connection, on a free port of the loopback."""
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Served(make(), inbox, tls), "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield inbox
