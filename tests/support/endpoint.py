"""An HTTP endpoint that keeps what is posted to it: a subscriber in the place of somebody's program."""

import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.patience import PATIENCE_S
from tests.support.process import wait_until


@dataclass(frozen=True, slots=True)
class Posted:
    """One POST."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Endpoint:
    """Where it listens and what came. `answers` are the next statuses; then 200."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def of_type(self, kind: str) -> list[Posted]:
        """What came of one `x-amz-sns-message-type`."""
        return [one for one in list(self.posted) if one.headers.get("x-amz-sns-message-type") == kind]

    def wait_for(self, count: int, kind: str = "Notification") -> list[Posted]:
        """What came of a type, once there are `count`."""
        wait_until(lambda: len(self.of_type(kind)) >= count)
        return self.of_type(kind)

    def confirm(self) -> str:
        """Follow the link of the last confirmation; what was answered."""
        found = self.wait_for(1, "SubscriptionConfirmation")[-1].envelope
        return get(found["SubscribeURL"])


def get(url: str, context: ssl.SSLContext | None = None) -> str:
    """GET a link; the body of the answer, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S, context=context) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    return body.decode()


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint on loopback, gone at the end."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.posted.append(Posted(self.path, headers, body))
            self.send_response(endpoint.answers.pop(0) if endpoint.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
