"""The socket side of the HTTP door: accepts connections and moves bytes between them, the reader and the door.

It bounds what clients may take up: connections, the memory of bodies that come in pieces, and time. Requests of a
connection are answered one after the other, in order. Sources: RFC 9112 section 9.
"""

import asyncio
import socket
import ssl
import traceback
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, cast

import msgspec

from sesame.http.answer import CONTINUE, answer_bytes, http_date
from sesame.http.head import MAX_HEAD_BYTES, BadRequest
from sesame.http.reader import BodyTooLarge, Request, RequestReader
from sesame.observe import Clock, Log
from sesame.server.api import HttpResponse, Peer, unreadable_request
from sesame.server.ending import end_all
from sesame.server.tls import Certificate
from sesame.server.turns import MUCH_BYTES, Turns

BACKLOG = 1_024
"""Connections that the system holds until they are accepted."""

ACCEPTED_AT_ONCE = 64
"""Connections taken in one turn of the loop, so that those there are get theirs."""

ACCEPT_AGAIN_S = 0.5
"""How long to wait when no file descriptor is free for a connection."""

LINGER_S = 2.0
"""How long a client that is still sending what was refused may take to see why, before the connection is cut."""

BYTES_PER_S = 500
"""A body that comes in more slowly than that uses its patience up, as on the SMTP door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What clients may take up."""

    max_body_bytes: int
    memory_bytes: int
    """Of bodies that come in pieces, on all connections together."""
    connections: int
    patience_s: float = 30.0
    """For a head, and for a TLS handshake; and how long a client may then be silent until the body is whole."""
    keep_alive_s: float = 65.0
    """Between requests."""


class Door(Protocol):
    """What answers the requests of a listener; `answer` may raise, the others say what is wrong with one."""

    async def answer(self, request: Request, peer: Peer) -> HttpResponse:
        """Answer one request."""

    def too_large(self, raw_path: bytes, *, max_body_bytes: int) -> HttpResponse:
        """The answer to a request whose body is not read to its end."""

    def busy(self, raw_path: bytes) -> HttpResponse:
        """The answer when other requests' bodies fill the memory that there is for them."""

    def failed(self, raw_path: bytes) -> HttpResponse:
        """The answer when an answer could not be made."""


class HttpServer:
    """Serves one listening socket, in TLS where it has a certificate; its `bounds` may be set anew.

    `large` is where large bodies are put together (None: on a thread of the loop's). `refused` is told why, for each
    time that connections have to wait or one is closed for another.
    """

    def __init__(
        self,
        sock: socket.socket,
        door: Door,
        bounds: Bounds,
        *,
        certificate: Certificate | None,
        clock: Clock,
        log: Log,
        large: Executor | None = None,
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._refused = refused
        self._large = large
        self.door = door
        self.bounds = bounds
        self.log = log
        self.is_stopping = False
        self.held_bytes = 0
        self.turns = Turns()
        self.sock = sock
        self._certificate = certificate
        self._clock = clock
        self._date = (0, b"")
        self._opening: set[asyncio.Task[None]] = set()
        self._connections: set[HttpConnection] = set()
        self._idle: OrderedDict[HttpConnection, None] = OrderedDict()
        self._is_accepting = False
        self._is_short = False
        self._again: asyncio.TimerHandle | None = None

    @property
    def connection_count(self) -> int:
        """Connections open now."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to accept connections."""
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is accepted inherits it
        self.sock.listen(BACKLOG)
        self._accept_on()

    async def stop(self, *, within_s: float = 10.0) -> None:
        """Accept no more, let requests under way be answered, close."""
        self.is_stopping = True
        self._accept_off()
        if self._again is not None:
            self._again.cancel()
        self.sock.close()
        for opening in self._opening:
            opening.cancel()
        await end_all(self._connections, within_s=within_s)

    async def with_body(self, request: Request) -> Request:
        """A request with its large body put together, away from the loop."""
        together = partial(bytearray().join, request.pieces)
        body = await asyncio.get_running_loop().run_in_executor(self._large, together)
        return msgspec.structs.replace(request, body=body, pieces=())

    def date(self) -> bytes:
        """The `Date` field of an answer that is given now; made once a second."""
        second = int(self._clock.now())
        if self._date[0] != second:
            self._date = second, http_date(second)
        return self._date[1]

    # Connections

    def opened(self, connection: "HttpConnection") -> None:
        """Count a connection in."""
        self._connections.add(connection)

    def closed(self, connection: "HttpConnection") -> None:
        """Count a connection out, and let the next one in where there were too many."""
        self._connections.discard(connection)
        self._idle.pop(connection, None)
        if not self._is_accepting and self._again is None and not self.is_stopping:
            self._accept_on()

    def is_idle(self, connection: "HttpConnection", *, now: bool) -> None:
        """A connection waits for its client to ask; the one that waits longest makes room for another."""
        if now:
            self._idle[connection] = None
        else:
            self._idle.pop(connection, None)

    # Accepting

    def _accept_on(self) -> None:
        self._is_accepting = True
        asyncio.get_running_loop().add_reader(self.sock, self._accept)

    def _accept_off(self) -> None:
        if self._is_accepting:
            self._is_accepting = False
            asyncio.get_running_loop().remove_reader(self.sock)

    def _accept(self) -> None:
        for count in range(ACCEPTED_AT_ONCE):
            if len(self._connections) + len(self._opening) >= self.bounds.connections:
                if not count:  # we were called, so somebody waits
                    self._make_room()
                return
            try:
                sock, peer = self.sock.accept()
            except BlockingIOError:
                self._is_short = False
                return
            except ConnectionError:  # gone before it was accepted
                continue
            except OSError as error:  # no descriptor is free
                self._wait_for_room(str(error))
                return
            sock.setblocking(False)
            opening = asyncio.get_running_loop().create_task(self._open(sock, str(peer[0])))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def _make_room(self) -> None:
        """End the connection that has been idle longest; when one is gone the next is accepted."""
        self._refused("limit")
        self._say_short("too many connections")
        self._accept_off()
        if self._idle:
            self._idle.popitem(last=False)[0].stop()

    def _wait_for_room(self, reason: str) -> None:
        """Leave connections to the system's queue for a while."""
        self._refused("descriptors")
        self._say_short(reason)
        self._accept_off()
        self._again = asyncio.get_running_loop().call_later(ACCEPT_AGAIN_S, self._accept_again)

    def _say_short(self, reason: str) -> None:
        """Say once that connections wait, until a time when none did."""
        if not self._is_short:
            self._is_short = True
            self.log.error("api_not_accepting", reason=reason, connections=len(self._connections))

    def _accept_again(self) -> None:
        self._again = None
        if not self.is_stopping:
            self._accept_on()

    async def _open(self, sock: socket.socket, address: str) -> None:
        loop, certificate = asyncio.get_running_loop(), self._certificate
        context = None if certificate is None else certificate.context()
        try:
            await loop.connect_accepted_socket(
                lambda: HttpConnection(self, address, is_tls=context is not None), sock, ssl=context,
                ssl_handshake_timeout=None if context is None else self.bounds.patience_s,
            )  # fmt: skip
        except asyncio.CancelledError:
            sock.close()
            raise
        except (OSError, ssl.SSLError) as error:
            sock.close()
            if context is not None:
                self.log.event("api_tls_failed", peer=address, reason=str(error))


class HttpConnection(asyncio.Protocol):
    """Moves bytes between one socket, its reader and the door."""

    def __init__(self, server: HttpServer, address: str, *, is_tls: bool) -> None:
        self._server = server
        self._peer = Peer(address=address, secure_transport=is_tls)
        self._reader = RequestReader(max_body_bytes=server.bounds.max_body_bytes)
        self._transport: asyncio.Transport | None = None
        self._work: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._may_write = True
        self._is_reading = True
        self._is_begun = True
        """Whether bytes of a request have come, or the first one is waited for."""
        self._is_eof = False
        self._is_last = False
        self._is_closing = False
        self._held_bytes = 0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[None] = self._loop.create_future()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface of asyncio.Transport, not the class.
        self._transport = cast(asyncio.Transport, transport)
        if self._peer.secure_transport:
            tls = transport.get_extra_info("ssl_object")
            self._peer = replace(self._peer, tls_version=tls.version() if tls else None)
        self._server.opened(self)
        self._wait_until(self._loop.time() + self._server.bounds.patience_s)
        if self._server.is_stopping:
            self.stop()

    def data_received(self, data: bytes) -> None:
        if self._is_closing:  # what was refused, or comes behind the last request
            return
        self._reader.feed(data)
        if self._work is not None or not self._may_write:
            if self._reader.waiting_bytes > MAX_HEAD_BYTES:
                self._is_reading = False
                self._wire.pause_reading()
        else:
            self._advance(len(data))
            if len(data) >= MUCH_BYTES and self._is_reading and not self._is_closing:
                self._is_reading = False
                self._wire.pause_reading()
                self._server.turns.wait(self._read_on)

    def _read_on(self) -> None:
        """It is this connection's turn; while a request is being answered its end will see to it."""
        if self._transport is not None and self._work is None and not self._is_reading:
            self._is_reading = True
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """The client sends no more; it still gets the answers to what it sent (in TLS both ways end at once)."""
        self._is_eof = True
        return self._work is not None and not self._peer.secure_transport

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        if self._work is None and not self._is_closing:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._work is None:
            self._hold(0)
        self._server.closed(self)
        if not self.ended.done():
            self.ended.set_result(None)

    # What the server asks

    def stop(self) -> None:
        """Close, after the answer that is being made and the request that is coming."""
        self._is_last = True
        if self._work is None and self._reader.is_between_requests:
            self._close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._work is not None:
            self._work.cancel()
        if self._transport is not None:
            self._transport.abort()

    # Requests

    def _advance(self, came: int) -> None:
        """Answer the next request if it is whole, else wait for more of it."""
        reader, server = self._reader, self._server
        try:
            request = reader.next()
        except BadRequest as error:
            server.log.event("api_unreadable", peer=self._peer.address, reason=error.reason)
            self._refuse(unreadable_request(error.status, error.reason))
            return
        except BodyTooLarge as error:
            bound = server.bounds.max_body_bytes
            self._refuse(server.door.too_large(error.head.raw_path, max_body_bytes=bound))
            return
        if request is not None:
            server.is_idle(self, now=False)
            self._work = self._loop.create_task(self._answer(request))
            return
        if reader.owes_continue():
            self._wire.write(CONTINUE)
        if reader.head is not None:
            self._hold(reader.held_bytes)
            if server.held_bytes > server.bounds.memory_bytes:
                self._refuse(server.door.busy(reader.head.raw_path))
                return
        if not reader.is_between_requests:
            self._be_patient(came)

    def _be_patient(self, came: int) -> None:
        """A request has one term from its first byte; its body earns more, never more than a silence may last."""
        longest = self._loop.time() + self._server.bounds.patience_s
        if not self._is_begun:
            self._is_begun = True
            self._server.is_idle(self, now=False)
            self._wait_until(longest)
        elif self._reader.head is not None:
            self._wait_until(min(self._deadline + came / BYTES_PER_S, longest))

    async def _answer(self, request: Request) -> None:
        door = self._server.door
        try:
            if request.pieces:
                request = await self._server.with_body(request)
            response = await door.answer(request, self._peer)
        except Exception:
            self._server.log.error("internal_failure", peer=self._peer.address, trace=traceback.format_exc())
            response = door.failed(request.raw_path)
        self._work = None
        self._hold(0)
        if self._transport is None:  # the client is gone; what it asked is done all the same
            return
        if self._is_last or not request.keeps_alive:
            self._write(response, connection=b"close", with_body=request.method != "HEAD")
            self._close()
            return
        self._write(
            response,
            connection=b"keep-alive" if request.is_http_1_0 else b"",
            with_body=request.method != "HEAD",
        )
        self._is_begun = False
        self._deadline = self._loop.time() + self._server.bounds.keep_alive_s
        if self._may_write:
            self._go_on()

    def _go_on(self) -> None:
        """Look at what came while an answer was made."""
        if not self._reader.is_between_requests:
            self._advance(0)
        if self._work is not None or self._transport is None or self._is_closing:
            return
        if self._is_eof:
            self._close()
            return
        if not self._is_reading:
            self._is_reading = True
            self._wire.resume_reading()
        if self._reader.is_between_requests:
            self._server.is_idle(self, now=True)

    # The socket

    @property
    def _wire(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def _write(self, response: HttpResponse, *, connection: bytes, with_body: bool = True) -> None:
        self._wire.write(
            answer_bytes(
                response.status, response.headers, response.body if with_body else b"",
                date=self._server.date(), connection=connection,
            )
        )  # fmt: skip

    def _refuse(self, response: HttpResponse) -> None:
        """Answer what is not read to its end, and close; the client may still be sending it.

        Closing at once would reset the connection, and with it the answer (RFC 9112 section 9.6).
        """
        self._hold(0)
        self._server.is_idle(self, now=False)
        self._reader = RequestReader(max_body_bytes=0)
        self._write(response, connection=b"close")
        self._is_closing = True
        if not self._is_reading:
            self._is_reading = True
            self._wire.resume_reading()
        if self._wire.can_write_eof():
            self._wire.write_eof()
        self._wait_until(self._loop.time() + LINGER_S)

    def _close(self) -> None:
        """Close once what is written has been sent, which may take a moment and no more."""
        self._is_closing = True
        self._server.is_idle(self, now=False)
        if self._transport is not None:
            self._transport.close()
            self._wait_until(self._loop.time() + LINGER_S)

    def _hold(self, held_bytes: int) -> None:
        """Count what this connection holds of bodies that came in pieces."""
        self._server.held_bytes += held_bytes - self._held_bytes
        self._held_bytes = held_bytes

    # Deadlines

    def _wait_until(self, deadline: float) -> None:
        """One timer a connection, set anew when it fires or would fire too late: data comes far more often."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._timer = None
        if self._transport is None:
            return
        if self._work is not None:  # it is we who owe an answer
            self._wait_until(self._loop.time() + self._server.bounds.patience_s)
        elif self._loop.time() < self._deadline:
            self._wait_until(self._deadline)
        else:
            self._transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
