"""One connection of an SMTP server: moves bytes between a socket and a protocol machine.

What a password is worth and where a message goes is its session's to say. It starts TLS and keeps deadlines. Sources:
RFC 5321 section 4.5.3.2, RFC 3207.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

from sesame.observe import Log
from sesame.server.tls import Certificate
from sesame.server.turns import MUCH_BYTES, Turns
from sesame.smtp.events import (
    AddressRefused,
    AuthRequested,
    Closed,
    CommandRefused,
    Event,
    MessageReceived,
    StartTlsRequested,
)
from sesame.smtp.reply import Reply
from sesame.smtp.server import ServerConnection

LINGER_S = 2.0
"""How long the last reply may take to be fetched before the connection is cut."""

BYTES_PER_S = 500
"""Slower than this a message cannot come in without running into the deadline."""


class Session(Protocol):
    """What a door does for one connection."""

    machine: ServerConnection

    async def check_password(self, asked: AuthRequested) -> Reply | None:
        """None when the password is right, else the reply that refuses it."""

    async def take(self, message: MessageReceived) -> Reply:
        """Take a message: the 250 once it is safe (I1), or the reply that refuses it."""


@runtime_checkable
class Noting(Protocol):
    """A session that keeps what was refused without a message, where somebody has logged in to read it."""

    async def note(self, refused: AddressRefused | CommandRefused) -> None:
        """Keep it; the answer has been given."""


@runtime_checkable
class Secured(Protocol):
    """A session that keeps by which version of TLS its mail came."""

    def secured(self, version: str | None) -> None:
        """TLS is there."""


_TLS_HELLO = b"\x16\x03"
"""How a client begins that expects TLS at once (RFC 8446 section 5.1): a handshake record."""

_NO_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "UNSUPPORTED_PROTOCOL",
    "RECORD_LAYER_FAILURE",
}
"""What the TLS library calls words that are no handshake."""

_WANTS_IMPLICIT = (
    "the client expects TLS at once, and on this port TLS begins with STARTTLS: let it use STARTTLS, or a port of"
    " submission.tls_ports"
)
_WANTS_STARTTLS = (
    "on this port TLS comes first: a client that waits for a greeting, or uses STARTTLS, belongs to a port of"
    " submission.ports"
)

MOST_NOTED = 10
"""So many commands and addresses that were refused are kept of one connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listening socket, and its certificate where TLS is to be had; `is_implicit`: before the greeting."""

    sock: socket.socket
    certificate: Certificate | None = None
    is_implicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What clients may take up. `hello_s` is for everything before the password was right."""

    hello_s: float
    idle_s: float
    connections: int
    per_address: int
    memory_bytes: int
    """Of messages that are coming in or being taken, on all connections together."""


TOO_MANY = Reply(421, "Too many concurrent SMTP connections")
TOO_MUCH = Reply(421, "Too much mail at once, try again later")
STOPPING = Reply(421, "Service closing transmission channel")


class Server(Protocol):
    """What a connection asks of the server that it is one of."""

    bounds: Bounds
    log: Log
    auth_required: bool
    is_stopping: bool
    turns: Turns
    held_bytes: int
    """Of messages, on all connections together; each counts its own in and out."""
    open_session: Callable[[str, bool], Session]
    """Told the client's address and whether TLS comes first."""

    def opened(self, connection: "Connection", address: str) -> bool:
        """Count a connection in; False when there are too many."""

    def closed(self, connection: "Connection", address: str) -> None:
        """Count a connection out."""


class Connection(asyncio.Protocol):
    """Moves bytes between one socket and one protocol machine."""

    def __init__(self, server: Server, listener: Listener) -> None:
        self._server = server
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._work: asyncio.Task[None] | None = None
        self._refused: deque[AddressRefused | CommandRefused] = deque()
        self._noted = 0
        self._note: asyncio.Task[None] | None = None
        self._is_lost = False
        self._is_starting_tls = False
        self._has_spoken = False
        self._may_write = True
        self._waits_for_turn = False
        self._held_bytes = 0
        self._now = asyncio.get_running_loop().time
        self._is_known = not server.auth_required
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface of asyncio.Transport, not the class.
        self._transport = cast(asyncio.Transport, transport)
        is_welcome = True
        if self._listener.is_implicit:  # it was counted in before the handshake
            self._is_starting_tls = False
            self._work = None
        else:
            peer = transport.get_extra_info("peername")
            self._address = str(peer[0]) if peer else ""
            is_welcome = self._server.opened(self, self._address)
        self._session = self._server.open_session(self._address, self._listener.is_implicit)
        self._note_tls(transport)
        self._deadline = self._now() + (
            self._server.bounds.idle_s if self._is_known else self._server.bounds.hello_s
        )
        self._timer = asyncio.get_running_loop().call_at(self._deadline, self._look_at_deadline)
        if not is_welcome:
            self._handle(self._session.machine.close(TOO_MANY, reason="too many connections"))
        else:
            self._flush()
        self._stop_if_due()

    def data_received(self, data: bytes) -> None:
        if not self._has_spoken:
            self._has_spoken = True
            if data.startswith(_TLS_HELLO):  # of a client's own accord, in place of EHLO
                self._tls_failed("a handshake before STARTTLS", _WANTS_IMPLICIT)
        if self._is_known:
            # What came earns patience, but never more than a silence may last.
            longest = self._now() + self._server.bounds.idle_s
            self._deadline = min(self._deadline + len(data) / BYTES_PER_S, longest)
        events = self._session.machine.receive_data(data)
        taken = sum(len(event.data) for event in events if isinstance(event, MessageReceived))
        self._hold(self._session.machine.held_bytes + taken)
        if self._server.held_bytes > self._server.bounds.memory_bytes and not taken:
            self._server.log.event("smtp_memory_limit_reached", address=self._address)
            events = self._session.machine.close(TOO_MUCH, reason="too much mail at once", is_refusal=True)
        if len(data) >= MUCH_BYTES and not self._waits_for_turn:
            self._waits_for_turn = True
            self._server.turns.wait(self._read_on)
        self._handle(events)

    def _read_on(self) -> None:
        self._waits_for_turn = False
        if not self._is_starting_tls:
            self._set_reading()

    def _hold(self, held_bytes: int) -> None:
        """Count what this connection holds of messages."""
        self._server.held_bytes += held_bytes - self._held_bytes
        self._held_bytes = held_bytes

    def pause_writing(self) -> None:
        self._may_write = False
        self._set_reading()

    def resume_writing(self) -> None:
        self._may_write = True
        self._set_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.ended.done() or self._is_lost:
            return
        self._is_lost = True
        self._transport = None
        if self._work is None:
            self._hold(0)
        if self._timer is not None:
            self._timer.cancel()
        self._server.closed(self, self._address)
        if self._note is None:
            self.ended.set_result(None)

    # What the server asks

    def stop(self) -> None:
        """Close, after the answer that is being made."""
        if self._is_starting_tls:
            self.abort()
        elif self._work is None:
            self._handle(self._session.machine.close(STOPPING, reason="stopping"))

    def abort(self) -> None:
        """Cut the connection."""
        if self._work is not None:
            self._work.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._is_starting_tls:
            # The loop does not tell us of a connection that is lost in the handshake.
            self.connection_lost(None)

    # The machine's events

    def _handle(self, events: list[Event]) -> None:
        if self._transport is None:
            return
        is_closing = False
        for event in events:
            match event:
                case StartTlsRequested():
                    self._flush()
                    self._start_tls()
                    return
                case AuthRequested():
                    self._work = asyncio.get_running_loop().create_task(self._check_password(event))
                case MessageReceived():
                    self._work = asyncio.get_running_loop().create_task(self._take(event))
                case AddressRefused() | CommandRefused():
                    self._note_later(event)
                case Closed():
                    is_closing = True
        self._flush()
        if is_closing:
            self._close()
        else:
            self._set_reading()

    def _note_tls(self, transport: asyncio.BaseTransport) -> None:
        """Tell the session the version of TLS, where there is TLS."""
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and isinstance(self._session, Secured):
            self._session.secured(tls.version())

    def _note_later(self, refused: AddressRefused | CommandRefused) -> None:
        """Have it kept while the dialogue goes on: one after the other, and not more than `MOST_NOTED`."""
        if self._noted >= MOST_NOTED or not isinstance(self._session, Noting):
            return
        self._noted += 1
        self._refused.append(refused)
        if self._note is None:
            self._note = asyncio.get_running_loop().create_task(self._keep_refused(self._session))

    async def _keep_refused(self, session: Noting) -> None:
        try:
            while self._refused:
                await session.note(self._refused.popleft())
        finally:
            self._note = None
            if self._is_lost and not self.ended.done():
                self.ended.set_result(None)

    async def _check_password(self, asked: AuthRequested) -> None:
        refusal = await self._session.check_password(asked)
        self._work = None
        if refusal is None:
            self._is_known = True
            self._handle(self._session.machine.auth_succeeded())
        else:
            self._handle(self._session.machine.auth_failed(refusal))
        self._stop_if_due()

    async def _take(self, message: MessageReceived) -> None:
        reply = await self._session.take(message)
        self._work = None
        self._hold(0)
        if reply.code == 250:
            self._handle(self._session.machine.message_accepted(reply.text))
        else:
            self._handle(self._session.machine.message_refused(reply))
        self._stop_if_due()

    def _stop_if_due(self) -> None:
        if self._server.is_stopping and self._work is None:
            self.stop()

    def _start_tls(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()
        self._is_starting_tls = True
        self._work = asyncio.get_running_loop().create_task(self._shake_hands())

    def begin_in_tls(self, sock: socket.socket, address: str) -> None:
        """Take an accepted socket into TLS; one too many is closed: no words without a handshake."""
        self._address = address
        self._is_starting_tls = True
        if self._server.opened(self, address):
            self._work = asyncio.get_running_loop().create_task(self._open_in_tls(sock))
        else:
            sock.close()
            self.abort()

    def _tls_failed(self, reason: str, cause: str | None) -> None:
        self._server.log.event("smtp_tls_failed", address=self._address, reason=reason, cause=cause)

    async def _open_in_tls(self, sock: socket.socket) -> None:
        assert self._listener.certificate is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self, sock, ssl=self._listener.certificate.context(),
                ssl_handshake_timeout=self._server.bounds.hello_s,
            )  # fmt: skip
        except (OSError, ssl.SSLError, ConnectionError) as error:
            is_no_tls = not isinstance(error, ssl.SSLError) or error.reason in _NO_TLS
            self._tls_failed(str(error) or "no handshake", _WANTS_STARTTLS if is_no_tls else None)
            self.connection_lost(None)

    async def _shake_hands(self) -> None:
        """Go on inside TLS; what the client sent in clear before is not looked at."""
        assert self._listener.certificate is not None
        if self._transport is None:  # gone before the task began
            return
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, self._listener.certificate.context(), server_side=True,
                ssl_handshake_timeout=self._server.bounds.hello_s,
            )  # fmt: skip
        except (OSError, ssl.SSLError, ConnectionError) as error:
            self._tls_failed(str(error) or "no handshake", None)
            self._work = None
            self.abort()
            return
        self._work = None
        self._is_starting_tls = False
        if transport is None or transport.is_closing():
            self.connection_lost(None)
            return
        self._transport = transport
        self._note_tls(transport)
        self._session.machine.tls_started()
        self._set_reading()
        self._stop_if_due()

    # The socket

    def _flush(self) -> None:
        if self._transport is not None and (data := self._session.machine.data_to_send()):
            self._transport.write(data)
            if self._is_known:
                self._deadline = self._now() + self._server.bounds.idle_s

    def _set_reading(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._session.machine.wants_data and self._may_write and not self._waits_for_turn:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self.abort)

    # Deadlines

    def _look_at_deadline(self) -> None:
        """One timer a connection, set anew only when it fires: data comes far more often."""
        if self._transport is None:
            return
        loop = asyncio.get_running_loop()
        if self._now() < self._deadline:
            self._timer = loop.call_at(self._deadline, self._look_at_deadline)
            return
        if self._is_starting_tls:
            self.abort()
            return
        self._handle(self._session.machine.idle_timeout())
        if not self._session.machine.is_closed:  # it is we who owe an answer
            self._deadline = self._now() + self._server.bounds.idle_s
            self._timer = loop.call_at(self._deadline, self._look_at_deadline)
