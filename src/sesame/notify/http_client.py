"""Posts to URLs that strangers name, in their own time: what a webhook costs us is bounded, where it leads is vetted.

The name is looked up, every address of it is held to the guard, and the connection goes to the address that was vetted:
a second answer of DNS changes nothing. No redirect is followed, no proxy used, the answer is read to a bound and shown
to nobody. Connections stay open for the next message. Sources: RFC 9110, RFC 9112 (through httptools).
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Sequence

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


class _Answer:
    """Collects one response; httptools calls the `on_` methods."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._header_bytes = 0
        self.body = bytearray()
        self.is_complete = False
        self.is_too_long = False
        self.is_kept = False
        self.has_head = False
        self.is_framed = False
        """Whether the head says where the body ends; if not, the connection's end does (RFC 9112 section 6.3)."""
        self.parser: httptools.HttpResponseParser | None = None

    def wants_more(self) -> bool:
        """Whether the answer is not whole, nor too long to be read to its end."""
        return not self.is_complete and not self.is_too_long

    def begins_anew(self) -> None:
        """What came was but an interim answer."""
        self.is_complete = self.has_head = self.is_framed = False

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.is_framed = self.is_framed or name.lower() in (b"content-length", b"transfer-encoding")
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("header too long")

    def on_body(self, body: bytes) -> None:
        if len(self.body) + len(body) > self._max_bytes:
            self.is_too_long = True
        else:
            self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True
        if self.parser is not None:  # it knows now and not afterwards
            self.is_kept = self.parser.should_keep_alive()


class _Connection:
    """One connection, kept between requests."""

    __slots__ = ("idle_since", "reader", "writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.idle_since = 0.0

    def close(self) -> None:
        self.writer.transport.abort()


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

    async def post(self, url: str, fields: Sequence[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        """Post a body; the status of the answer and its body. Raises `PostFailed`."""
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

    async def _exchange(self, endpoint: Endpoint, request: bytes) -> tuple[int, bytes]:
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
            if self._clock.monotonic() - connection.idle_since < IDLE_S and not connection.reader.at_eof():
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
                reader, writer = await asyncio.open_connection(
                    address,
                    endpoint.port,
                    ssl=self._context if endpoint.is_tls else None,
                    server_hostname=endpoint.host if endpoint.is_tls else None,
                )
                return _Connection(reader, writer)
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:
                failure = error
        raise failure

    async def _ask(self, endpoint: Endpoint, connection: _Connection, request: bytes) -> tuple[int, bytes]:
        answer = _Answer(self._max_bytes)
        try:
            status = await self._read(connection, request, answer)
        except BaseException:
            connection.close()
            raise
        if answer.is_complete and answer.is_kept:
            self._keep(endpoint, connection)
        else:
            connection.close()
        return status, bytes(answer.body)

    @staticmethod
    async def _read(connection: _Connection, request: bytes, answer: _Answer) -> int:
        parser = answer.parser = httptools.HttpResponseParser(answer)
        try:
            connection.writer.write(request)
            while answer.wants_more():
                data = await connection.reader.read(16_384)
                if not data and answer.has_head and not answer.is_framed:
                    return parser.get_status_code()
                if not data:
                    raise EOFError("the connection ended before the answer did")
                try:
                    parser.feed_data(data)
                except httptools.HttpParserCallbackError as error:
                    raise ValueError(str(error.__context__ or error)) from error
                if answer.is_complete and parser.get_status_code() < 200:  # the answer is still to come
                    answer.begins_anew()
            return parser.get_status_code()
        finally:
            answer.parser = None
