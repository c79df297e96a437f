"""The HTTP door: a bare ASGI callable under uvicorn, in our own event loop.

A router in front of it would normalise paths, and signatures are over the raw path; it also has to
see the raw body. Besides the AWS APIs it serves the link of verification mail and health checks.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from sesame.aws.request import HttpRequest
from sesame.errors import RequestTooLarge, ServiceUnavailable
from sesame.identities.verification import Confirmation
from sesame.server.api import AwsApi, HttpResponse, Peer
from sesame.server.pages import invalid_page, redirect, verified_page
from sesame.server.topic_links import TopicLinks

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

VERIFY_PATH = b"/verify"


class BodyTooLarge(Exception):
    """The request body exceeds the configured limit."""


class TooMuchAtOnce(Exception):
    """Bodies of other requests fill the memory that there is for them."""


class ClientGone(Exception):
    """The client closed before its request was whole."""


class HttpDoor:
    """ASGI application. `confirm` redeems the token of a verification link.

    `memory_bytes` bounds all bodies together that come in pieces: those of large messages.
    """

    def __init__(
        self,
        api: AwsApi,
        *,
        confirm: Callable[[str], Awaitable[Confirmation]],
        ready: Callable[[], Awaitable[dict[str, str]]],
        links: TopicLinks | None = None,
        max_body_bytes: int,
        memory_bytes: int,
    ) -> None:
        self._api = api
        self._confirm = confirm
        self._ready = ready
        self._links = links
        self._max_body_bytes = max_body_bytes
        self._memory_bytes = memory_bytes
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            return
        held = _Held()
        try:
            body = await self._read_body(scope, receive, held)
            response = await self._answer(scope, body)
        except ClientGone:
            return
        except BodyTooLarge:
            response = self._api.refuse(
                RequestTooLarge(f"Request body is more than {self._max_body_bytes} bytes long."),
                scope["raw_path"],
            )
        except TooMuchAtOnce:
            busy = ServiceUnavailable("Too many large requests at once. Try again.")
            response = self._api.refuse(busy, scope["raw_path"])
        finally:
            self._held_bytes -= held.size
        headers = list(response.headers)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body}
        )

    async def _answer(self, scope: Scope, body: bytes) -> HttpResponse:
        raw_path: bytes = scope["raw_path"]
        query_string: bytes = scope["query_string"]
        if scope["method"] in ("GET", "HEAD"):
            if raw_path == VERIFY_PATH:
                # Mail scanners look with HEAD; only a reader's GET redeems the link.
                return await self._verify(query_string) if scope["method"] == "GET" else _plain(200, "")
            if raw_path == b"/livez":
                return _plain(200, "ok")
            if raw_path == b"/readyz":
                problems = await self._ready()
                return _plain(503 if problems else 200, json.dumps(problems))
            if scope["method"] == "GET" and self._links is not None:
                page = await self._links.page(raw_path, query_string)
                if page is not None:
                    return page
        request = HttpRequest(
            method=scope["method"], raw_path=raw_path, query=query_string, headers=scope["headers"], body=body
        )
        client = scope["client"]
        peer = Peer(address=client[0] if client else "0.0.0.0", secure_transport=scope["scheme"] == "https")
        return await self._api.answer(request, peer)

    async def _read_body(self, scope: Scope, receive: Receive, held: "_Held") -> bytes:
        for name, value in scope["headers"]:
            if name == b"content-length" and (len(value) > 15 or int(value) > self._max_body_bytes):
                raise BodyTooLarge  # said before it comes
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body_bytes:
                raise BodyTooLarge
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
            self._held_bytes += size - held.size
            held.size = size
            if self._held_bytes > self._memory_bytes:
                raise TooMuchAtOnce

    async def _verify(self, query_string: bytes) -> HttpResponse:
        token = parse_qs(query_string.decode("ascii", "replace")).get("token", [""])[0]
        confirmation = await self._confirm(token)
        if confirmation.redirect is not None:
            return redirect(confirmation.redirect)
        return invalid_page() if confirmation.address is None else verified_page(confirmation.address)


class ApiServer(uvicorn.Server):
    """uvicorn in a loop that is not its own: no signal handlers, and it tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the application."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        self.listening.set()


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(1024)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


class _Held:
    """What one request counts for among the bodies in memory."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


def _plain(status: int, text: str) -> HttpResponse:
    body = text.encode()
    headers = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()))
    return HttpResponse(status=status, headers=headers, body=body)
