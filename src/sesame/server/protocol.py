"""HTTP/1.1 as uvicorn reads it, with the bounds and the error form that this door needs.

uvicorn's httptools reader keeps header fields without limit, waits for them and for the body without end, and
answers what it cannot read with plain text, which no AWS SDK can parse.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sesame.server.api import unreadable_request

MAX_HEAD_BYTES = 65_536
"""Request line and header fields together; SDKs stay under 8 KB."""

PATIENCE_S = 30.0
"""How long a client may take to send them, and how long it may then be silent until the body is whole."""

BYTES_PER_S = 500
"""A body that comes in more slowly than that uses its patience up, as on the SMTP door."""


class HeadTooLarge(Exception):
    """The request line and header fields exceed `MAX_HEAD_BYTES`; the reader turns it into a 400."""


class ApiProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_bytes = 0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio: the connection is up."""
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._head_bytes = 0
        self._expect_request()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """httptools: a piece of the request target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header field."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of the body."""
        longest = self.loop.time() + PATIENCE_S
        self._deadline = min(self._deadline + len(body) / BYTES_PER_S, longest)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        self._disarm()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read as HTTP, in the form of the Query protocol, and close."""
        self._disarm()
        body = unreadable_request(msg)
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/xml\r\nconnection: close\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise HeadTooLarge

    def _expect_request(self) -> None:
        self._disarm()
        self._deadline = self.loop.time() + PATIENCE_S
        self._timer = self.loop.call_at(self._deadline, self._look_at_deadline)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at_deadline(self) -> None:
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look_at_deadline)
        else:
            self.transport.close()
