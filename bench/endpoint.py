"""An HTTP endpoint in a process of its own, for one client that behaves: whole posts, and tokens of confirmations."""

import asyncio
import json
import multiprocessing
import multiprocessing.connection
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

CONFIRMATION = b": SubscriptionConfirmation"
"""In the head of a post that asks whether a subscription is wanted."""


class Endpoint(asyncio.Protocol):
    """Just enough of HTTP/1.1 to be posted to; `posted` says what becomes of a whole post."""

    def __init__(self, tokens: Any) -> None:
        self._tokens = tokens
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]) if end else 0
        if not end or len(body) < length:
            return
        self._buffer = b""
        if CONFIRMATION in head:
            self.answer("200 OK")
            self._tokens.put(json.loads(body)["Token"])
        else:
            self.posted(head, body)

    def posted(self, head: bytes, body: bytes) -> None:
        """Answer a post that is no confirmation."""
        self.answer("200 OK")

    def answer(self, status: str, fields: str = "") -> None:
        """Answer without a body."""
        self.transport.write(f"HTTP/1.1 {status}\r\n{fields}Content-Length: 0\r\n\r\n".encode())


@contextmanager
def in_a_process(
    serve: Callable[..., None], *args: object
) -> Iterator[tuple[Any, "multiprocessing.Queue[str]"]]:
    """Run `serve(pipe, tokens, *args)` beside this process; what it first sends, and the tokens that come."""
    here, there = multiprocessing.Pipe()
    tokens: multiprocessing.Queue[str] = multiprocessing.Queue()
    process = multiprocessing.Process(target=serve, args=(there, tokens, *args), daemon=True)
    process.start()
    try:
        yield here.recv(), tokens
    finally:
        process.terminate()
        process.join()
