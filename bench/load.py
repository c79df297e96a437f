"""A load of signed requests: made before the clock starts, sent over connections that stay open."""

import asyncio
import base64
import datetime
import hashlib
import hmac
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from bench.server import DOMAIN, REGION, Key
from sesame.aws.sigv4 import signing_key

CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
BODY = ("x" * 76 + "\r\n") * 62
"""With its header a message of 5 KB."""

LOAD_S = 60.0
"""How long one load may take; a server that stalls fails the bench and does not hang it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a load brought."""

    requests: int
    seconds: float
    latencies_ms: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` of the requests stayed under."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def raw_email(n: int, *, source_arn: str | None = None) -> dict[str, str]:
    """SendRawEmail of a 5 KB message to one recipient."""
    message = (
        f"From: News <news@{DOMAIN}>\r\nTo: reader{n}@customers.example\r\nSubject: Message {n}\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{BODY}"
    )
    form = {"Action": "SendRawEmail", "RawMessage.Data": base64.b64encode(message.encode()).decode()}
    return form if source_arn is None else {**form, "SourceArn": source_arn}


def simple_email(n: int) -> dict[str, str]:
    """SendEmail of a 5 KB text to one recipient."""
    return {
        "Action": "SendEmail",
        "Source": f"News <news@{DOMAIN}>",
        "Destination.ToAddresses.member.1": f"reader{n}@customers.example",
        "Message.Subject.Data": f"Message {n}",
        "Message.Body.Text.Data": BODY,
    }


def sign(key: Key, address: tuple[str, int], forms: Iterable[Mapping[str, str]]) -> list[bytes]:
    """Whole HTTP requests, signed for now."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{REGION}/ses/aws4_request"
    secret = signing_key(key.secret_access_key, now[:8], REGION, "ses")
    host = f"{address[0]}:{address[1]}"
    signed = "content-type;host;x-amz-date"
    requests = []
    for form in forms:
        body = urlencode({**form, "Version": "2010-12-01"}).encode()
        canonical = (
            f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{now}\n\n{signed}\n"
            f"{hashlib.sha256(body).hexdigest()}"
        )
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()
        head = (
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Date: {now}\r\n"
            f"User-Agent: bench\r\nAuthorization: AWS4-HMAC-SHA256 Credential={key.access_key_id}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


class _Client(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last one is whole."""

    def __init__(
        self, waiting: Iterator[bytes], latencies_ms: list[float], done: asyncio.Future[None]
    ) -> None:
        self._waiting = waiting
        self._latencies_ms = latencies_ms
        self._done = done
        self._answer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, _, body = self._answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not length or len(body) < int(length):
            return
        self._latencies_ms.append((time.perf_counter() - self._began) * 1000)
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(RuntimeError(f"refused: {self._answer!r}"))
            return
        self._answer = b""
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(RuntimeError(f"the connection was closed: {exc}"))

    def _send_next(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self._end(None)
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        self._transport.close()
        if self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)


async def send_all(address: tuple[str, int], requests: Sequence[bytes], *, connections: int) -> Result:
    """Send every request once, each connection one after the other; raises when one is refused."""
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    latencies_ms: list[float] = []
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    began = time.perf_counter()
    async with asyncio.timeout(LOAD_S):
        for done in ends:
            await loop.create_connection(lambda done=done: _Client(waiting, latencies_ms, done), *address)  # type: ignore[misc]
        await asyncio.gather(*ends)
    return Result(requests=len(requests), seconds=time.perf_counter() - began, latencies_ms=latencies_ms)
