"""One SMTP connection to one host: moves the bytes that `smtp.client` decides about.

The demand says how far TLS goes (`tls`); a connection that does not meet it is not handed out. Every wait
has its time limit (RFC 5321 section 4.5.3.2).
"""

import asyncio
import ssl
from typing import Self, cast

from sesame.delivery.route import Host
from sesame.delivery.tls import TlsContexts, TlsDemand, TlsFailed, TlsMode, check_dane, handshake_failure
from sesame.errors import SesameError
from sesame.smtp.client import (
    Authenticated,
    AuthRefused,
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
from sesame.smtp.errors import LocalProtocolError, RemoteProtocolError, Stage
from sesame.smtp.extensions import Extensions
from sesame.smtp.reply import Reply


class HostRefused(SesameError):
    """The host will not talk to us; `reply` are its words."""

    def __init__(self, stage: Stage, reply: Reply) -> None:
        super().__init__(f"{stage.value}: {reply.diagnostic}")
        self.stage = stage
        self.reply = reply


class Session(asyncio.Protocol):
    """A connection that is ready for messages. Make it with `Session.open`."""

    def __init__(self, host: Host, client: ClientConnection, *, timeout_s: float) -> None:
        self.host = host
        self.tls: str | None = None
        self.verdict = ""
        """How the connection is secured, in words."""
        self.tls_failure: TlsFailed | None = None
        """What a stricter demand had to fall back from."""
        self.messages = 0
        self.idle_since = 0.0
        self._client = client
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._events: list[Event] = []
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    @classmethod
    async def open(
        cls,
        host: Host,
        *,
        hostname: str,
        timeout_s: float,
        contexts: TlsContexts,
        demand: TlsDemand,
        now: float,
    ) -> Self:
        """Connect, greet, encrypt as `demand` says, and log in where the host wants it.

        `now` is Unix seconds, for certificates. Raises OSError, TimeoutError, `HostRefused`, `TlsFailed` or
        `RemoteProtocolError`.
        """
        session = cls(host, ClientConnection(hostname=hostname), timeout_s=timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                ready = await session._secured(contexts, demand, now=now)
                if isinstance(ready, Refused):
                    raise HostRefused(ready.stage, ready.reply)
                if host.login is not None:
                    await session._log_in(host.login.user, host.login.password)
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
    def extensions(self) -> Extensions:
        """What the server offers."""
        return self._client.extensions

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

    async def _secured(self, contexts: TlsContexts, demand: TlsDemand, *, now: float) -> Event:
        """Connect and come as far as the server's EHLO on a connection that meets the demand."""
        loop = asyncio.get_running_loop()
        context = contexts.of(demand)
        if demand.is_implicit:
            try:
                await loop.create_connection(
                    lambda: self,
                    self.host.address,
                    self.host.port,
                    ssl=context,
                    server_hostname=self.host.name,
                )
            except ssl.SSLError as error:
                raise handshake_failure(error, self.host.name) from error
            self._note_tls(demand, now=now)
            return await self._until(Ready, Refused)
        await loop.create_connection(lambda: self, self.host.address, self.host.port)
        ready = await self._until(Ready, Refused)
        if isinstance(ready, Refused) or demand.mode is TlsMode.CLEAR:
            self.verdict = "in clear"
            return ready
        assert isinstance(ready, Ready)
        event = await self._start_tls(context, demand, now=now) if ready.extensions.has_starttls else None
        if event is not None:
            return event
        if demand.mode is not TlsMode.OPPORTUNISTIC:
            raise TlsFailed("starttls-not-supported", f"`{self.host.name}` offers no TLS")
        self.verdict = "in clear: the server offers no TLS"
        return ready

    async def _start_tls(self, context: ssl.SSLContext, demand: TlsDemand, *, now: float) -> Event | None:
        """TLS by STARTTLS and the EHLO behind it; None if the server does not want to."""
        self._client.start_tls()
        self._flush()
        if isinstance(await self._until(TlsReady, TlsRefused), TlsRefused):
            return None
        assert self._transport is not None
        name = demand.names[0] if demand.mode is TlsMode.DANE else self.host.name
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                context,
                server_hostname=name,
                ssl_handshake_timeout=self._timeout_s / 2,
            )
        except (OSError, ValueError) as error:  # ValueError: a name from DNS that TLS cannot say
            raise handshake_failure(error, self.host.name) from error
        if transport is None:
            raise TlsFailed("validation-failure", f"TLS handshake with `{self.host.name}` failed: closed")
        self._transport = transport
        self._note_tls(demand, now=now)
        self._client.tls_started()
        self._flush()
        return await self._until(Ready, Refused)

    def _note_tls(self, demand: TlsDemand, *, now: float) -> None:
        """Hold the certificate to the demand where the handshake did not, and say what it came to."""
        assert self._transport is not None
        tls = self._transport.get_extra_info("ssl_object")
        match demand.mode:
            case TlsMode.DANE:
                checked = f"certificate as TLSA {check_dane(demand, tls, now=now)} says"
            case TlsMode.VERIFIED:
                checked = f"certificate good for {self.host.name}"
            case _:
                checked = "certificate not checked"
        self.tls = tls.version()
        self.verdict = f"{self.tls}, {checked}" + (f" ({demand.reason})" if demand.reason else "")

    async def _log_in(self, user: str, password: str) -> None:
        if self.tls is None:
            raise TlsFailed(
                "starttls-not-supported", f"`{self.host.name}` offers no TLS, which a password needs"
            )
        try:
            self._client.authenticate(user, password)
        except LocalProtocolError as error:
            raise RemoteProtocolError(str(error), stage=Stage.AUTH) from error
        self._flush()
        event = await self._until(Authenticated, AuthRefused)
        if isinstance(event, AuthRefused):
            raise HostRefused(Stage.AUTH, event.reply)

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
