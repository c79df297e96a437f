"""Metrics and health on a listener of their own, for operators and their monitors.

Answered by threads beside the event loop, so that it can also tell that the loop no longer turns. `/healthz`
says whether the process lives, `/readyz` whether a send would be accepted now; each answers JSON with a
reason for each part that fails, and 503. `/metrics` is in Prometheus's text format.
"""

import asyncio
import concurrent.futures
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Problems = dict[str, str]
"""What fails, by part; empty when nothing does."""

LOOP_TURN_S = 5.0
"""How long the loop may take for a turn, and a probe for its answer."""

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


class HealthServer:
    """Serves on `sock` from `start` to `stop`.

    `metrics` gives the exposition, after `refresh` has run in the loop; `ready` runs in the loop too.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        metrics: Callable[[], bytes],
        refresh: Callable[[], Awaitable[None]],
        ready: Callable[[], Awaitable[Problems]],
        turn_s: float = LOOP_TURN_S,
    ) -> None:
        self._sock = sock
        self._metrics = metrics
        self._refresh = refresh
        self._ready = ready
        self._turn_s = turn_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """How monitors reach it."""
        host, port = self._sock.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to answer; called in the loop that is watched."""
        self._loop = asyncio.get_running_loop()
        door = self

        class Handler(_Handler):
            answer = staticmethod(door.answer)

        self._sock.setblocking(True)
        server = ThreadingHTTPServer(self._sock.getsockname()[:2], Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = self._sock
        server.daemon_threads = True
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a GET of `path`; on one of the server's threads."""
        match path.partition("?")[0]:
            case "/metrics":
                self._in_loop(self._refresh)
                return 200, TEXT_FORMAT, self._metrics()
            case "/healthz":
                return _verdict(self._in_loop(_nothing))
            case "/readyz":
                return _verdict(self._in_loop(self._ready))
            case _:
                return 404, "text/plain; charset=utf-8", b"try /metrics, /healthz or /readyz\n"

    def _in_loop(self, probe: Callable[[], Awaitable[Problems | None]]) -> Problems:
        """Run a probe in the loop; a loop that does not come to it is what is wrong."""
        assert self._loop is not None

        async def run() -> Problems | None:
            return await probe()

        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            return future.result(self._turn_s) or {}
        except concurrent.futures.TimeoutError:
            future.cancel()
            return {"loop": f"no answer within {self._turn_s:g} s"}
        except Exception as error:
            return {"probe": str(error) or type(error).__name__}


class _Handler(BaseHTTPRequestHandler):
    """One request of a monitor."""

    server_version, sys_version = "Sesame", ""
    timeout = 10  # seconds a monitor may take for its request
    answer: Callable[[str], tuple[int, str, bytes]]

    def do_GET(self) -> None:
        """Answer, with the body."""
        self.wfile.write(self._head())

    def do_HEAD(self) -> None:
        """Answer without it."""
        self._head()

    def _head(self) -> bytes:
        status, content_type, body = self.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line."""


async def _nothing() -> None:
    """A turn of the loop."""


def _verdict(problems: Problems) -> tuple[int, str, bytes]:
    return 503 if problems else 200, "application/json", json.dumps(problems).encode() + b"\n"
