"""Posts to URLs that strangers name, in their own time: what a webhook costs us is bounded, where it leads is vetted.

The name is looked up, every address of it is held to the guard, and the connection goes to the address that was vetted:
a second answer of DNS changes nothing. No redirect is followed, no proxy used, the answer is read to a bound and shown
to nobody. Connections stay open for the next message. Sources: RFC 9110, RFC 9112 (through httptools).
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple, cast

import httptools

from sesame.dns.port import DnsFailure, DomainNotFound, Resolver
from sesame.dns.public import AddressGuard, is_literal
from sesame.notify.url import Endpoint, PostFailed, read_url
from sesame.observe import Clock

MAX_ADDRESSES = 3
MAX_HEADER_BYTES = 32_768
IDLE_S = 10.0
IDLE_PER_HOST = 16
IDLE_IN_ALL = 256


class Answer(NamedTuple):
    """What came back; `retry_after` is the value of that header field, if there was one."""

    status: int
    body: bytes
    retry_after: str | None = None


class _Connection(asyncio.Protocol):
    """One connection, kept between requests; httptools calls the `on_` methods.

    What comes while nothing was asked ends it, as does an answer that is longer than `max_bytes` or is no HTTP.
    """

    def __init__(self, max_bytes: int) -> None:
        self.idle_since = 0.0
        self.is_kept = False
        """Whether it may be used again, once an answer is whole."""
        self._max_bytes = max_bytes
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answered: asyncio.Future[Answer] | None = None
        self._begin()

    def _begin(self) -> None:
        self._header_bytes = 0
        self._left = MAX_HEADER_BYTES + 2 * self._max_bytes
        """So much is read of an answer in all: the parser puts a field together from all its pieces each time, and what
        never ends would cost more and more."""
        self._body = bytearray()
        self._is_complete = False
        self._is_too_long = False
        self._has_head = False
        self._retry_after: str | None = None
        self._is_framed = False
        """Whether the head says where the body ends; if not, the connection's end does (RFC 9112 section 6.3)."""

    async def ask(self, request: bytes) -> Answer:
        """Send a request; its answer. Raises `OSError`, `EOFError`, `ValueError`."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise EOFError("the connection was closed")
        self._begin()
        self.is_kept = False
        self._parser = httptools.HttpResponseParser(self)
        self._answered = asyncio.get_running_loop().create_future()
        transport.write(request)
        try:
            return await self._answered
        finally:
            self._answered = self._parser = None

    def close(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended it."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        parser, answered = self._parser, self._answered
        if parser is None or answered is None or answered.done():
            self.close()
            return
        try:
            parser.feed_data(data[: self._left])
        except httptools.HttpParserCallbackError as error:
            self._fail(ValueError(str(error.__context__ or error)))
            return
        except httptools.HttpParserError as error:
            self._fail(error)
            return
        self._left -= len(data)
        if self._is_complete and parser.get_status_code() < 200:  # the answer is still to come
            self._is_complete = self._has_head = self._is_framed = False
        if self._left <= 0 and not self._is_complete:
            if not self._has_head:
                self._fail(ValueError("the answer does not end"))
                return
            self._is_too_long = True
        if self._is_complete or self._is_too_long:
            self._end(parser)

    def eof_received(self) -> bool:
        self._ended(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)
        self._transport = None

    def _ended(self, exc: Exception | None) -> None:
        if self._parser is not None and exc is None and self._has_head and not self._is_framed:
            self.is_kept = False
            self._end(self._parser)
        else:
            self._fail(exc or EOFError("the connection ended before the answer did"))

    def _end(self, parser: httptools.HttpResponseParser) -> None:
        self.is_kept = self.is_kept and not self._is_too_long
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(Answer(parser.get_status_code(), bytes(self._body), self._retry_after))

    def _fail(self, error: Exception) -> None:
        self.is_kept = False
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._is_framed = self._is_framed or name.lower() in (b"content-length", b"transfer-encoding")
        if name.lower() == b"retry-after":
            self._retry_after = value[:64].decode("latin-1")
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("header too long")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > self._max_bytes:
            self._is_too_long = True
        else:
            self._body += body

    def on_message_complete(self) -> None:
        self._is_complete = True
        if self._parser is not None:  # it knows now and not afterwards
            self.is_kept = self._parser.should_keep_alive()


class HttpClient:
    """Posts. `timeout_s` bounds one post with all it needs, `max_bytes` what is read of an answer."""

    def __init__(
        self,
        resolver: Resolver,
        guard: AddressGuard,
        context: ssl.SSLContext,
        *,
        clock: Clock,
        may_be_plain: bool = True,
        timeout_s: float = 15.0,
        max_bytes: int = 65_536,
    ) -> None:
        self._resolver = resolver
        self._guard = guard
        self._context = context
        self._clock = clock
        self._may_be_plain = may_be_plain
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._idle: dict[tuple[bool, str, int], list[_Connection]] = {}
        self._kept: OrderedDict[_Connection, tuple[bool, str, int]] = OrderedDict()
        """The same connections, longest idle first."""

    def close(self) -> None:
        """Close what is kept open."""
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()
        self._kept.clear()

    async def post(self, url: str, fields: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Post a body; the answer. Raises `PostFailed`."""
        endpoint = read_url(url)
        if not endpoint.is_tls and not self._may_be_plain:
            raise PostFailed("plain HTTP is not allowed here; use https")
        request = self._request(endpoint, fields, body)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(endpoint, request)
        except ssl.SSLCertVerificationError as error:
            raise PostFailed(f"the certificate is refused: {error.verify_message}") from error
        except TimeoutError:
            raise PostFailed(f"no answer within {self._timeout_s:g} seconds") from None
        except (OSError, EOFError, ValueError, httptools.HttpParserError) as error:
            raise PostFailed(f"{error or type(error).__name__}"[:300]) from error

    @staticmethod
    def _request(endpoint: Endpoint, fields: Sequence[tuple[str, str]], body: bytes) -> bytes:
        lines = [
            f"POST {endpoint.path} HTTP/1.1",
            f"Host: {endpoint.authority}",
            f"Content-Length: {len(body)}",
        ]
        if endpoint.authorization is not None:
            lines.append(f"Authorization: {endpoint.authorization}")
        if not "".join([value for _, value in fields]).isprintable():
            name = next(name for name, value in fields if not value.isprintable())
            raise PostFailed(f"the field {name} has characters that none has")
        lines += [f"{name}: {value}" for name, value in fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    async def _exchange(self, endpoint: Endpoint, request: bytes) -> Answer:
        kept = self._take(endpoint)
        if kept is not None:
            try:
                return await self._ask(endpoint, kept, request)
            except (OSError, EOFError):
                pass  # the other side let go of it meanwhile
        return await self._ask(endpoint, await self._connect(endpoint), request)

    def _take(self, endpoint: Endpoint) -> _Connection | None:
        key = (endpoint.is_tls, endpoint.host, endpoint.port)
        while kept := self._idle.get(key):
            connection = kept[-1]
            self._forget(connection)
            if self._clock.monotonic() - connection.idle_since < IDLE_S and connection.is_open:
                return connection
            connection.close()
        return None

    def _keep(self, endpoint: Endpoint, connection: _Connection) -> None:
        key = (endpoint.is_tls, endpoint.host, endpoint.port)
        now = self._clock.monotonic()
        while self._kept:
            longest = next(iter(self._kept))
            if len(self._kept) < IDLE_IN_ALL and now - longest.idle_since < IDLE_S:
                break
            self._forget(longest)
            longest.close()
        kept = self._idle.setdefault(key, [])
        if len(kept) >= IDLE_PER_HOST:
            connection.close()
            return
        connection.idle_since = now
        kept.append(connection)
        self._kept[connection] = key

    def _forget(self, connection: _Connection) -> None:
        key = self._kept.pop(connection)
        self._idle[key].remove(connection)
        if not self._idle[key]:
            del self._idle[key]

    async def _addresses(self, host: str) -> list[str]:
        """The addresses of a host that may be connected to."""
        if is_literal(host):
            found = [host]
        elif host == "localhost" or host.endswith(".localhost"):
            found = ["127.0.0.1"]  # RFC 6761 section 6.3: no question for DNS
        else:
            try:
                found = await self._resolver.addresses(host)
            except (DnsFailure, DomainNotFound) as error:
                raise PostFailed(str(error)) from error
        refusals = {address: self._guard.refusal(address) for address in found}
        open_ = [address for address, refusal in refusals.items() if refusal is None]
        if not open_:
            why = next(iter(refusals.values()), None) or "no address"
            raise PostFailed(f"`{host}` may not be connected to: {why}")
        return open_[:MAX_ADDRESSES]

    async def _connect(self, endpoint: Endpoint) -> _Connection:
        failure: OSError = OSError("no address")
        for address in await self._addresses(endpoint.host):
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(self._max_bytes),
                    address,
                    endpoint.port,
                    ssl=self._context if endpoint.is_tls else None,
                    server_hostname=endpoint.host if endpoint.is_tls else None,
                )
                return connection
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:
                failure = error
        raise failure

    async def _ask(self, endpoint: Endpoint, connection: _Connection, request: bytes) -> Answer:
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_kept and connection.is_open:
            self._keep(endpoint, connection)
        else:
            connection.close()
        return answer
