"""A receiving server that keeps what it is given, byte for byte, by the token in the message."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.shapes import TOKEN_FIELD

_TOKEN = re.compile(rb"^" + TOKEN_FIELD + rb": ([^\r\n]+)\r$", re.MULTILINE | re.IGNORECASE)
_REPLIES = {b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}


class Capture:
    """What has come in; `port` is where."""

    def __init__(self) -> None:
        self.port = 0
        self.kept: dict[str, list[bytes]] = {}
        self.strays = 0

    def keep(self, message: bytes) -> None:
        """Keep a message, its dots taken off."""
        found = _TOKEN.search(message.partition(b"\r\n\r\n")[0] + b"\r\n")
        if found is None:
            self.strays += 1
        else:
            self.kept.setdefault(found[1].decode(), []).append(message)

    def wait_for(self, tokens: set[str], *, within_s: float) -> set[str]:
        """Those that have not come within a time; the time runs anew while some come."""
        seen, deadline = 0, time.monotonic() + within_s
        while missing := tokens.difference(self.kept):
            if len(self.kept) > seen:
                seen, deadline = len(self.kept), time.monotonic() + within_s
            if time.monotonic() > deadline:
                return missing
            time.sleep(0.05)
        return set()


class _Connection(asyncio.Protocol):
    """Enough of RFC 5321, with PIPELINING, 8BITMIME and SIZE."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._buffer = bytearray()
        self._is_in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client is there."""
        self._transport = transport
        self._write(b"220 capture.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes of it."""
        self._buffer += data
        while True:
            if self._is_in_data:
                if self._buffer.startswith(b".\r\n"):
                    text, length = b"", 3
                elif (end := self._buffer.find(b"\r\n.\r\n")) >= 0:
                    text, length = bytes(self._buffer[: end + 2]), end + 5
                else:
                    return
                del self._buffer[:length]
                self._is_in_data = False
                self._capture.keep(re.sub(rb"^\.", b"", text, flags=re.MULTILINE))
                self._write(b"250 2.0.0 Ok\r\n")
                continue
            end = self._buffer.find(b"\r\n")
            if end < 0:
                return
            verb = bytes(self._buffer[:4]).upper()
            del self._buffer[: end + 2]
            self._is_in_data = verb == b"DATA"
            extended = b"250-capture.test\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250 8BITMIME\r\n"
            self._write(extended if verb == b"EHLO" else _REPLIES.get(verb, b"250 2.0.0 Ok\r\n"))

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]


@contextmanager
def capturing() -> Iterator[Capture]:
    """Run one on the loopback, in a thread, until the end of the block."""
    capture, loop, started = Capture(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: _Connection(capture), "127.0.0.1", 0)
        capture.port = server.sockets[0].getsockname()[1]
        started.set()
        await server.serve_forever()

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    task = loop.create_task(serve())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield capture
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
