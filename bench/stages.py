"""Where the time of accepting goes: the stages of SendRawEmail in process, without sockets.

First each stage alone; then the whole server, fed by a transport that is not a socket, 16 requests at a
time. What the whole costs beyond its stages is HTTP, the loop, and the way to the writer thread.
CPU time is measured, not the clock, so that neighbours on the machine disturb less.
"""

import asyncio
import io
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.load import CONTENT_TYPE, raw_email, sign
from bench.server import DOMAIN, REGION, Key
from bench.table import Row, median
from sesame.access.authorize import SendAuthorizer
from sesame.access.directory import Directory
from sesame.access.record import decision_text
from sesame.app.foundation import Services
from sesame.app.server import Server
from sesame.aws import query, sigv4
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from sesame.config import Settings
from sesame.mail.address import identity_candidates
from sesame.model import Caller, IdentityKind
from sesame.observe import Log, SystemClock
from sesame.sending.compose import Stamp, compose
from sesame.sending.submission import RawContent, Submission
from sesame.server.listener import HttpConnection

ROUNDS, CALLS = 5, 400
REQUESTS, CONNECTIONS = 1_000, 16
ADDRESS = ("127.0.0.1", 4579)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """CPU of a message, in microseconds."""

    loop_us: float
    process_us: float


def run() -> list[Row]:
    """Microseconds of each stage, and of what is around them."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as directory:
        return uvloop.run(_measure(Path(directory)))


async def _measure(directory: Path) -> list[Row]:
    settings = Settings(data=str(directory / "data"))
    settings = msgspec.structs.replace(
        settings,
        api=msgspec.structs.replace(settings.api, port=0),
        health=msgspec.structs.replace(settings.health, enabled=False),
        console=msgspec.structs.replace(settings.console, enabled=False),
        accounts=msgspec.structs.replace(
            settings.accounts, production_max_24_hour_send=-1, production_max_send_rate=1e6
        ),
    )
    clock = SystemClock()
    server = Server(settings, log=Log(io.StringIO(), as_json=True, clock=clock), clock=clock)
    try:
        services = server.services
        keys = await services.operator.create_account("bench", production=True)
        await services.verification.vouch(keys.account_id, REGION, DOMAIN, IdentityKind.DOMAIN)
        key = Key(keys.account_id, keys.access_key_id, keys.secret_access_key)
        stages = await _stages(services, key)
        whole = await _whole(server, key)
    finally:
        server.services.close()
    rest = whole.loop_us - sum(row.figure for row in stages)
    return [
        *stages,
        Row(name="HTTP, the event loop, handing to the store, the log line", figure=rest, unit="us"),
        Row(name="all of the above: the loop's thread", figure=whole.loop_us, unit="us"),
        Row(
            name="the store's thread: commit, fsync",
            figure=whole.process_us - whole.loop_us,
            unit="us",
        ),
    ]


async def _stages(services: Services, key: Key) -> list[Row]:
    """Each stage alone."""
    request = _request(key)
    signed = sigv4.read_signature(request)
    secret = sigv4.signing_key(key.secret_access_key, signed.date, REGION, "ses")
    operation = ServiceModel.load("ses").operations["SendRawEmail"]
    raw: bytes = operation.parse(query.read_action(request).fields)["RawMessage"]["Data"]
    submission = Submission(
        operation="SendRawEmail", action="ses:SendRawEmail", api_version="1", content=RawContent(data=raw),
        source=None, destinations=(), return_path=None, source_arn=None, from_arn=None, return_path_arn=None,
        configuration_set=None, tags=(), max_bytes=10_000_000,
    )  # fmt: skip
    stamp = Stamp(message_id="id", message_id_field="<id@sesame.test>", at=1.0, new_boundary=lambda: "b")
    composed = compose(submission, stamp)
    directory = Directory(services.store, services.sealer)
    credential = await directory.credential(key.access_key_id)
    assert credential is not None
    caller = Caller(
        principal=credential.principal, access_key_id=key.access_key_id, region=REGION, source_ip="127.0.0.1",
        secure_transport=False, user_agent="bench", at=services.clock.now(), request_id="r",
    )  # fmt: skip
    authorizer = SendAuthorizer(directory, candidates=identity_candidates, owner_sandbox_counts=True)
    decision = await authorizer.decide_send(caller, composed.request)

    def verify() -> None:
        sigv4.verify(request, sigv4.read_signature(request), signing_key=secret)

    async def decide() -> None:
        await authorizer.decide_send(caller, composed.request)

    return [
        _row("check the signature (5 KB body)", verify),
        _row("read the form and its parameters", lambda: operation.parse(query.read_action(request).fields)),
        _row("compose: read, check and rewrite the message", lambda: compose(submission, stamp)),
        await _row_async("decide: identities, policies, sandbox", decide),
        _row("write the decision down", lambda: decision_text(caller, composed.request, decision)),
        _row("write the answer", lambda: query.serialise(operation, {"MessageId": "m"}, request_id="r")),
    ]


async def _whole(server: Server, key: Key) -> Cpu:
    """The server's protocol, application and store; medians over rounds, the first one to warm up."""
    measured: list[Cpu] = []
    for _ in range(ROUNDS + 1):
        waiting = iter(sign(key, ADDRESS, map(raw_email, range(REQUESTS))))
        ends = [asyncio.get_running_loop().create_future() for _ in range(CONNECTIONS)]
        process, thread = time.process_time(), time.thread_time()
        for done in ends:
            protocol = HttpConnection(server._http, ADDRESS[0], is_tls=False)
            _Transport(protocol, waiting, done).begin()
        await asyncio.gather(*ends)
        measured.append(
            Cpu(
                loop_us=(time.thread_time() - thread) / REQUESTS * 1e6,
                process_us=(time.process_time() - process) / REQUESTS * 1e6,
            )
        )
    return Cpu(
        loop_us=median([one.loop_us for one in measured[1:]]),
        process_us=median([one.process_us for one in measured[1:]]),
    )


class _Transport(asyncio.Transport):
    """Feeds a protocol one request after the other and counts its answers."""

    def __init__(
        self, protocol: asyncio.Protocol, waiting: Iterator[bytes], done: asyncio.Future[None]
    ) -> None:
        super().__init__({"peername": ADDRESS, "sockname": ADDRESS})
        self._protocol = protocol
        self._waiting = waiting
        self._done = done
        self._is_closing = False

    def begin(self) -> None:
        """Connect and send the first request."""
        self._protocol.connection_made(self)
        self._feed()

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        """Take a piece of an answer; its body ends the turn."""
        answer = bytes(data)
        if answer.startswith(b"HTTP/1.1") and not answer.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(f"refused: {answer!r}"))
        elif answer.endswith((b"Response>\n", b"Response>")):
            asyncio.get_running_loop().call_soon(self._feed)

    def _feed(self) -> None:
        request = next(self._waiting, None)
        if request is not None:
            self._protocol.data_received(request)
        elif not self._done.done():
            self._is_closing = True
            self._protocol.connection_lost(None)
            self._done.set_result(None)

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._is_closing

    def close(self) -> None:
        """End."""
        self._is_closing = True

    def pause_reading(self) -> None:
        """There is nothing to hold back."""

    def resume_reading(self) -> None:
        """There is nothing held back."""


def _request(key: Key) -> HttpRequest:
    head, _, body = sign(key, ADDRESS, [raw_email(1)])[0].partition(b"\r\n\r\n")
    fields = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    headers = [(name.lower(), value) for name, _, value in fields]
    assert (b"content-type", CONTENT_TYPE.encode()) in headers
    return HttpRequest(method="POST", raw_path=b"/", query=b"", headers=headers, body=body)


def _row(name: str, function: Callable[[], object]) -> Row:
    times = []
    for _ in range(ROUNDS + 1):
        began = time.thread_time()
        for _ in range(CALLS):
            function()
        times.append((time.thread_time() - began) / CALLS * 1e6)
    return Row(name=name, figure=median(times[1:]), unit="us")


async def _row_async(name: str, function: Callable[[], Awaitable[None]]) -> Row:
    times = []
    for _ in range(ROUNDS + 1):
        began = time.thread_time()
        for _ in range(CALLS):
            await function()
        times.append((time.thread_time() - began) / CALLS * 1e6)
    return Row(name=name, figure=median(times[1:]), unit="us")
