"""One SMTP connection to one host: moves the bytes that `smtp.client` decides about.

TLS is opportunistic (RFC 3207, RFC 7435): taken when offered, certificate not checked, and where the
handshake fails the caller may connect again without. Every wait has its time limit (RFC 5321
section 4.5.3.2).
"""

import asyncio
import ssl
from typing import Self, cast

from sesame.delivery.route import Host
from sesame.errors import SesameError
from sesame.smtp.client import (
    ClientConnection,
    Closed,
    Event,
    Ready,
    RecipientResult,
    Refused,
    TlsReady,
    TlsRefused,
    TransactionDone,
)
from sesame.smtp.errors import RemoteProtocolError, Stage
from sesame.smtp.reply import Reply


class HostRefused(SesameError):
    """The host will not talk to us; `reply` are its words."""

    def __init__(self, stage: Stage, reply: Reply) -> None:
        super().__init__(f"{stage.value}: {reply.diagnostic}")
        self.stage = stage
        self.reply = reply


class TlsFailed(SesameError):
    """The host offered TLS and the handshake failed; it may be tried in clear."""


class Session(asyncio.Protocol):
    """A connection that is ready for messages. Make it with `Session.open`."""

    def __init__(self, host: Host, client: ClientConnection, *, timeout_s: float) -> None:
        self.host = host
        self.tls: str | None = None
        self.messages = 0
        self.idle_since = 0.0
        self._client = client
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._events: list[Event] = []
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @classmethod
    async def open(cls, host: Host, *, hostname: str, timeout_s: float, tls: ssl.SSLContext | None) -> Self:
        """Connect, greet and, if `tls` is given and offered, encrypt.

        Raises OSError, TimeoutError, `HostRefused`, `TlsFailed` or `RemoteProtocolError`.
        """
        session = cls(host, ClientConnection(hostname=hostname), timeout_s=timeout_s)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                await loop.create_connection(lambda: session, host.address, host.port)
                ready = await session._until(Ready, Refused)
                if tls is not None and isinstance(ready, Ready) and ready.extensions.has_starttls:
                    ready = await session._start_tls(tls)
            if isinstance(ready, Refused):
                raise HostRefused(ready.stage, ready.reply)
        except BaseException:
            session.abort()
            raise
        return session

    async def send(self, mail_from: str, recipient: str, data: bytes) -> RecipientResult:
        """Hand over one message for one recipient; the reply that decided.

        Raises `MessageNotSendable` with the connection intact, `RemoteProtocolError` or TimeoutError
        with it lost.
        """
        self._client.send_message(mail_from, [recipient], data)
        try:
            async with asyncio.timeout(self._timeout_s):
                self._flush()
                done = await self._until(TransactionDone)
        except TimeoutError:
            ambiguous, stage = self._client.is_ambiguous, self._client.stage
            self.abort()
            raise RemoteProtocolError("no reply in time", stage=stage, ambiguous=ambiguous) from None
        except BaseException:
            self.abort()
            raise
        assert isinstance(done, TransactionDone)
        self.messages += 1
        return done.results[0]

    @property
    def is_usable(self) -> bool:
        """Whether another message can be sent."""
        return self._error is None and self._transport is not None and self._client.is_ready

    async def close(self) -> None:
        """Say QUIT, wait a moment, close."""
        if self.is_usable:
            self._client.quit()
            try:
                async with asyncio.timeout(min(5.0, self._timeout_s)):
                    self._flush()
                    await self._until(Closed)
            except (TimeoutError, OSError, SesameError):
                pass
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def _start_tls(self, context: ssl.SSLContext) -> Event:
        self._client.start_tls()
        self._flush()
        event = await self._until(TlsReady, TlsRefused)
        if isinstance(event, TlsRefused):
            return Ready(extensions=self._client.extensions)
        assert self._transport is not None
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, context, server_hostname=self.host.name
            )
        except (OSError, ValueError) as error:  # ValueError: a name from DNS that TLS cannot say
            raise TlsFailed(f"TLS handshake with `{self.host.name}` failed: {error}") from error
        if transport is None:
            raise TlsFailed(f"TLS handshake with `{self.host.name}` failed: connection lost")
        self._transport = transport
        self.tls = transport.get_extra_info("ssl_object").version()
        self._client.tls_started()
        self._flush()
        return await self._until(Ready, Refused)

    async def _until(self, *wanted: type[Event]) -> Event:
        """The next event of a wanted kind; raises what ended the connection instead."""
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, wanted):
                    return event
                if isinstance(event, Closed):
                    self._error = self._error or RemoteProtocolError("closed", stage=Stage.QUIT)
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _flush(self) -> None:
        if self._transport is not None and (data := self._client.data_to_send()):
            self._transport.write(data)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is up (again after TLS)."""
        # uvloop's transports have the interface of asyncio.Transport, not the class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes from the server."""
        try:
            self._events += self._client.receive_data(data)
            self._flush()
        except SesameError as error:
            self._error = error
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        if self._error is None:
            try:
                self._events += self._client.receive_eof()
            except SesameError as error:
                self._error = error
            self._error = self._error or RemoteProtocolError("closed", stage=Stage.IDLE)
        self._transport = None
        self._wake()
