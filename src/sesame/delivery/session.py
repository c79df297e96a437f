"""One SMTP connection to one host: moves the bytes that `smtp.client` decides about.

The demand says how far TLS goes (`tls`); a connection that does not meet it is not handed out. Every wait
has its time limit (RFC 5321 section 4.5.3.2).
"""

import asyncio
import ssl
from typing import Any, Self, cast

from sesame.delivery.dial import OURS, Dial, OutOfResources, dial
from sesame.delivery.route import Host
from sesame.delivery.timeouts import Timeouts
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
from sesame.smtp.data import BLOCK_BYTES, MailText
from sesame.smtp.dialogue import Dialogue
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

    def __init__(self, host: Host, client: ClientConnection, *, timeouts: Timeouts) -> None:
        self.host = host
        self.key: object = None
        """What the pool keeps it under."""
        self.tls: str | None = None
        self.verdict = ""
        """How the connection is secured, in words."""
        self.tls_failure: TlsFailed | None = None
        """What a stricter demand had to fall back from."""
        self.source_ip: str | None = None if host.source is None else host.source.address
        """The address of ours that it comes from, as others see it."""
        self.messages = 0
        self.was_in_doubt = False
        """It was broken off while the server may have taken the message."""
        self.idle_since = 0.0
        self._client = client
        self._timeouts = timeouts
        self._is_refusing = False
        self._is_blocked = False
        self._unwritten = memoryview(b"")
        """Of a large message what is still to be written, a block each turn of the loop."""
        self._is_writing = False
        self._is_cut_off = False
        """It was decided about a message of which the rest was not written, and is not any more."""
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
        timeouts: Timeouts,
        contexts: TlsContexts,
        demand: TlsDemand,
        now: float,
        dial: Dial = dial,
        dialogue: Dialogue | None = None,
    ) -> Self:
        """Connect, greet, encrypt as `demand` says, and log in where the host wants it; `dialogue` notes what is said.

        `now` is Unix seconds, for certificates. Raises OSError, TimeoutError, `HostRefused`, `TlsFailed`,
        `OutOfResources`, `SourceUnusable` or `RemoteProtocolError`.
        """
        session = cls(host, ClientConnection(hostname=hostname), timeouts=timeouts)
        session.notes_in(dialogue)
        if dialogue is not None:
            dialogue.add(Stage.CONNECT, f"(connecting to {host.address} port {host.port})")
        try:
            ready = await session._secured(contexts, demand, now=now, dial=dial)
            if isinstance(ready, Refused):
                raise HostRefused(ready.stage, ready.reply)
            if host.login is not None:
                await session._log_in(host.login.user, host.login.password)
        except OSError as error:
            session.abort()
            if error.errno in OURS:
                raise OutOfResources(f"no connection can be opened: {error.strerror}") from error
            raise
        except BaseException:
            session.abort()
            raise
        return session

    def notes_in(self, dialogue: Dialogue | None) -> None:
        """Note what is said from now on there; nowhere for None."""
        self._client.dialogue = dialogue

    async def send(self, mail_from: str, recipient: str, data: bytes | MailText) -> RecipientResult:
        """Hand over one message for one recipient; the reply that decided.

        A reply that was read counts, whatever becomes of the connection after it. Raises `MessageNotSendable` with
        the connection intact, `RemoteProtocolError` with it lost.
        """
        self._require_open()
        self._client.send_message(mail_from, [recipient], data)
        try:
            self._flush()
            done = await self._until(TransactionDone)
        except (RemoteProtocolError, OSError) as error:  # TimeoutError is one
            settled, stage, was_in_doubt = self._client.settled, self._client.stage, self.is_in_doubt
            if stage is Stage.IDLE and isinstance(error, RemoteProtocolError):
                stage = error.stage  # the dialogue is over, and what was wrong with it stands in the error
            self.abort()
            if settled:
                return settled[0]
            what = str(error) if isinstance(error, RemoteProtocolError) else f"{stage.value}: {error}"
            raise RemoteProtocolError(
                what.removeprefix(f"{stage.value}: ") or type(error).__name__,
                stage=stage,
                ambiguous=was_in_doubt,
            ) from error
        except BaseException:
            self.was_in_doubt = self.is_in_doubt or self._is_taken
            self.abort()
            raise
        assert isinstance(done, TransactionDone)
        self.messages += 1
        if self._is_cut_off:
            self.abort()
        result = done.results[0]
        if not result.reply.is_positive and (not result.reply.is_permanent or result.stage is Stage.MAIL):
            self._is_refusing = True
        return result

    @property
    def is_in_doubt(self) -> bool:
        """The server has, as far as we can tell, the whole message, and has not said that it took it."""
        has_all = not (self._is_blocked or self._unwritten or self._is_cut_off)
        return self._client.is_ambiguous and has_all

    @property
    def tls_object(self) -> Any:
        """The connection's `ssl.SSLObject`, None in clear."""
        return None if self._transport is None else self._transport.get_extra_info("ssl_object")

    @property
    def is_transferring(self) -> bool:
        """The message's text is on its way, or there and not answered, or the answer has not been heard yet."""
        return self._client.is_ambiguous or any(isinstance(event, TransactionDone) for event in self._events)

    @property
    def _is_taken(self) -> bool:
        """The server has said that it took the message, which nobody has heard yet."""
        return any(map(_is_delivery, self._events))

    def overdue(self) -> None:
        """The attempt has taken its time: break it off, unless it is the server's turn to say that it took it."""
        if not self.is_in_doubt and self._error is None:
            self._error = RemoteProtocolError("the attempt took too long", stage=self._client.stage)
            self._cut_off()
            self._wake()

    @property
    def extensions(self) -> Extensions:
        """What the server offers."""
        return self._client.extensions

    @property
    def is_usable(self) -> bool:
        """Whether another message can be sent: to one that has begun to refuse none is."""
        return not self._is_refusing and self.is_open

    @property
    def is_open(self) -> bool:
        """Whether the peer would hear a command."""
        return self._error is None and self._transport is not None and self._client.is_ready

    async def close(self) -> None:
        """Say QUIT, wait a moment, close."""
        if self.is_open:
            self._client.quit()
            try:
                self._flush()
                await self._until(Closed)
            except (TimeoutError, OSError, SesameError):
                pass
            finally:
                self.abort()
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._unwritten = memoryview(b"")
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def _secured(self, contexts: TlsContexts, demand: TlsDemand, *, now: float, dial: Dial) -> Event:
        """Connect and come as far as the server's EHLO on a connection that meets the demand."""
        context = contexts.of(demand)
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                await dial(
                    lambda: self,
                    self.host.address,
                    self.host.port,
                    ssl=context if demand.is_implicit else None,
                    server_hostname=self.host.name if demand.is_implicit else None,
                    bind=None if self.host.source is None else self.host.source.bind,
                )
        except TimeoutError:
            raise TimeoutError(f"no connection to {self.host.address} in time") from None
        except ssl.SSLError as error:
            raise handshake_failure(error, self.host.name) from error
        if demand.is_implicit:
            self._note_tls(demand, now=now)
            return await self._until(Ready, Refused)
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
        self._require_open()
        self._client.start_tls()
        self._flush()
        if isinstance(await self._until(TlsReady, TlsRefused), TlsRefused):
            return None
        name = demand.names[0] if demand.mode is TlsMode.DANE else self.host.name
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._connected,
                self,
                context,
                server_hostname=name,
                ssl_handshake_timeout=self._timeouts.handshake_s,
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
        tls = self._connected.get_extra_info("ssl_object")
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

    def _require_open(self) -> None:
        """Raise `RemoteProtocolError` if the server has gone since it was last heard of."""
        if not self.is_open:
            last = next((event.reply for event in self._events if isinstance(event, Closed)), None)
            self.abort()
            raise RemoteProtocolError(f"closed: {last.diagnostic}" if last else "closed", stage=Stage.IDLE)

    @property
    def _connected(self) -> asyncio.Transport:
        """The connection. Raises what ended it: the last event before that may have been waited for."""
        if self._transport is None:
            raise self._error or RemoteProtocolError("closed", stage=self._client.stage)
        return self._transport

    async def _until(self, *wanted: type[Event]) -> Event:
        """The next event of a wanted kind; raises what ended the connection instead.

        The time runs for each stage by itself, from its beginning and not from the last byte of a slow reply.
        """
        loop = asyncio.get_running_loop()
        stage, since, unsent = self._client.stage, loop.time(), self._unsent
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, wanted):
                    return event
                if isinstance(event, Closed):
                    self._error = self._error or RemoteProtocolError("closed", stage=Stage.QUIT)
            if self._error is not None:
                raise self._error
            if self._client.stage is not stage or self._unsent < unsent:
                stage, since, unsent = self._client.stage, loop.time(), self._unsent
            limit_s = self._timeouts.block_s if self._unsent else self._timeouts.of(stage)
            left_s = since + limit_s - loop.time()
            if left_s <= 0:
                raise TimeoutError(f"no reply to {stage.value} in time")
            # While text is on its way nobody wakes us: look whether the peer takes any.
            await self._woken(min(left_s, self._timeouts.block_s / 20) if self._unsent else left_s)

    async def _woken(self, within_s: float) -> None:
        """Wait for something to happen, or for so long; a timer costs half of what `asyncio.timeout` does here."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(within_s, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()

    @property
    def _unsent(self) -> int:
        """Bytes that the peer has not made room for yet."""
        if self._transport is None:
            return 0
        return self._transport.get_write_buffer_size() + len(self._unwritten)

    def _flush(self) -> None:
        if self._transport is not None and (data := self._client.data_to_send()):
            if len(data) <= BLOCK_BYTES and not self._unwritten:
                self._transport.write(data)
                return
            self._unwritten = memoryview(bytes(self._unwritten) + data if self._unwritten else data)
            if not self._is_writing:
                self._write_block()

    def _write_block(self) -> None:
        """Write the next block of a large message, if the peer has room; the others have their turn between blocks."""
        self._is_writing = False
        if self._transport is None or self._is_blocked or not self._unwritten:
            return
        block, self._unwritten = self._unwritten[:BLOCK_BYTES], self._unwritten[BLOCK_BYTES:]
        self._transport.write(block)
        self._is_writing = True
        asyncio.get_running_loop().call_soon(self._write_block)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is up (again after TLS)."""
        # uvloop's transports have the interface of asyncio.Transport, not the class.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)
        if self.source_ip is None and (name := transport.get_extra_info("sockname")):
            self.source_ip = str(name[0])

    def pause_writing(self) -> None:
        """asyncio: the peer makes no room for what we have written."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """asyncio: all that we have written is gone."""
        self._is_blocked = False
        if not self._is_writing:
            self._write_block()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes from the server."""
        has_unsent = self._unsent > 0
        try:
            events = self._client.receive_data(data)
            if has_unsent and any(map(_is_delivery, events)):
                # It speaks of something else, or throws away what it has not seen.
                raise RemoteProtocolError("server took the message before it had all of it", stage=Stage.BODY)
            if any(isinstance(event, TransactionDone) for event in events):
                self._cut_off()
            self._events += events
            self._flush()
        except SesameError as error:
            self._error = error
            self._cut_off()
        self._wake()

    def _cut_off(self) -> None:
        """Write no more of a large message, its last dot least of all: its fate is settled."""
        self._is_cut_off = self._is_cut_off or bool(self._unwritten)
        self._unwritten = memoryview(b"")

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


def _is_delivery(event: Event) -> bool:
    return isinstance(event, TransactionDone) and any(result.is_delivered for result in event.results)
