"""HTTPS to hosts that strangers name: policy hosts of MTA-STS and addresses for TLS reports.

The address is vetted before it is connected to, no redirect is followed, and what comes back is bounded in
size and time. Sources: RFC 8461 section 3.3, RFC 8460 section 3, RFC 9112 (through httptools).
"""

import asyncio
import ssl

import httptools

from sesame.delivery.mta_sts import Fetched, FetchFailed
from sesame.dns.port import DnsFailure, DomainNotFound, Resolver
from sesame.dns.public import AddressGuard, is_literal

MAX_ADDRESSES = 3
MAX_HEADER_BYTES = 32_768
READ_BYTES = 16_384


class _Response:
    """Collects one response; httptools calls the `on_` methods."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._header_bytes = 0
        self.content_type = ""
        self.body = bytearray()
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("header too long")
        if name.lower() == b"content-type":
            self.content_type = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body
        if len(self.body) > self._max_bytes:
            raise ValueError(f"more than {self._max_bytes} octets")

    def on_message_complete(self) -> None:
        self.is_complete = True


class HttpsClient:
    """One request a connection. `timeout_s` bounds all of it."""

    def __init__(
        self,
        resolver: Resolver,
        guard: AddressGuard,
        context: ssl.SSLContext,
        *,
        port: int = 443,
        timeout_s: float = 15.0,
        max_bytes: int = 65_536,
    ) -> None:
        self._resolver = resolver
        self._guard = guard
        self._context = context
        self._port = port
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    async def get(self, host: str, path: str) -> Fetched:
        """GET a path. Raises `FetchFailed`."""
        return await self._request(host, self._head("GET", host, path))

    async def post(self, host: str, path: str, body: bytes, *, content_type: str) -> Fetched:
        """POST a body to a path. Raises `FetchFailed`."""
        fields = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        return await self._request(host, self._head("POST", host, path, fields) + body)

    @staticmethod
    def _head(method: str, host: str, path: str, fields: str = "") -> bytes:
        if not path.isascii() or not path.isprintable() or " " in path or not host.isascii():
            raise FetchFailed("sts-policy-fetch-error", "the URL has characters that none has")
        text = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sesame\r\nConnection: close\r\n{fields}\r\n"
        return text.encode("ascii")

    async def _request(self, host: str, request: bytes) -> Fetched:
        try:
            async with asyncio.timeout(self._timeout_s):
                addresses = await self._addresses(host)
                return await self._try_each(host, addresses, request)
        except ssl.SSLCertVerificationError as error:
            raise FetchFailed(
                "sts-webpki-invalid", f"the certificate of `{host}` is refused: {error.verify_message}"
            ) from error
        except TimeoutError as error:
            raise FetchFailed("sts-policy-fetch-error", f"`{host}` takes too long") from error
        except (OSError, EOFError, ValueError, httptools.HttpParserError) as error:
            raise FetchFailed("sts-policy-fetch-error", f"`{host}` cannot be asked: {error}"[:300]) from error

    async def _addresses(self, host: str) -> list[str]:
        if is_literal(host):
            raise FetchFailed("sts-policy-fetch-error", f"`{host}` is an address, not a name")
        try:
            found = await self._resolver.addresses(host)
        except (DnsFailure, DomainNotFound) as error:
            raise FetchFailed("sts-policy-fetch-error", str(error)) from error
        public = [address for address in found if self._guard.refusal(address) is None]
        if not public:
            raise FetchFailed("sts-policy-fetch-error", f"`{host}` has no public address")
        return public[:MAX_ADDRESSES]

    async def _try_each(self, host: str, addresses: list[str], request: bytes) -> Fetched:
        failure: Exception = OSError("no address")
        for address in addresses:
            try:
                reader, writer = await asyncio.open_connection(
                    address, self._port, ssl=self._context, server_hostname=host
                )
            except ssl.SSLCertVerificationError:
                raise
            except OSError as error:
                failure = error
                continue
            try:
                writer.write(request)
                return await self._read(reader)
            finally:
                transport = writer.transport
                transport.abort()
        raise failure

    async def _read(self, reader: asyncio.StreamReader) -> Fetched:
        response = _Response(self._max_bytes)
        parser = httptools.HttpResponseParser(response)
        # The parser puts a field together from all its pieces each time: what never ends would cost more and more.
        left = MAX_HEADER_BYTES + 2 * self._max_bytes
        try:
            while not response.is_complete:
                data = await reader.read(READ_BYTES)
                if not data:
                    raise EOFError("the connection ended before the answer did")
                left -= len(data)
                if left < 0:
                    raise ValueError("the answer does not end")
                parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            raise ValueError(str(error.__context__ or error)) from error
        return Fetched(
            status=parser.get_status_code(), content_type=response.content_type, body=bytes(response.body)
        )
