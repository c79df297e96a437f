"""From accepted to delivered: claim, sign with RSA-2048, hand over by SMTP, settle."""

import asyncio
import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvloop

from bench import relay_smtp
from bench.accept import rsa_signs
from bench.load import raw_email, send_all, sign
from bench.server import UNLIMITED, Key, Server, Usage, serving
from bench.table import Row, median

MESSAGES = 3_000
ROUNDS = 3
CPU_S = 1.2
"""Target for CPU seconds per 1000, set on a core that makes 4,700 RSA-2048 signatures a second."""

SIGNATURES = 5.6
"""The same target for a core of any speed."""

DELIVERY_S = 60.0
"""How long a round may take; a delivery that stalls fails the bench and does not hang it."""


def run() -> list[Row]:
    """Server CPU and rate for messages that come by API and go by SMTP, signed; the first round warms up."""
    rounds: list[tuple[float, Usage]] = []
    signs: list[float] = []
    with sink() as (port, delivered):
        config = UNLIMITED + f'[delivery]\nrelay = "127.0.0.1:{port}"\nper_domain = 16\n'
        with serving(config) as server:
            key = server.account()
            for _ in range(ROUNDS + 1):
                signs.append(rsa_signs())
                rounds.append(_round(server, key, delivered))
            peak_mb = server.peak_mb()
        by_smtp = relay_smtp.run(port, delivered)
    counted = rounds[1:]
    cpu_ms = [usage.total_s / MESSAGES * 1000 for _, usage in counted]
    in_signatures = [ms / 1000 * rate for ms, rate in zip(cpu_ms, signs[1:], strict=True)]
    name = "accepted and delivered with DKIM"
    return [
        Row(name=name, figure=median([MESSAGES / seconds for seconds, _ in counted]), unit="/s"),
        Row(name=f"{name}: CPU s per 1000", figure=median(cpu_ms), unit="s", target=CPU_S),
        Row(
            name=f"{name}: of it in the kernel", unit="s",
            figure=median([usage.system_s / MESSAGES * 1000 for _, usage in counted]),
        ),
        Row(name=f"{name}: CPU in signatures", figure=median(in_signatures), unit="signatures", target=SIGNATURES),
        Row(name="peak memory", figure=peak_mb, unit="MB", target=200),
        *by_smtp,
    ]  # fmt: skip


def _round(server: Server, key: Key, delivered: Callable[[], int]) -> tuple[float, Usage]:
    """Send MESSAGES and wait until the sink has them; seconds and CPU."""
    requests = sign(key, server.address, map(raw_email, range(MESSAGES)))
    goal = delivered() + MESSAGES
    before, began = server.usage(), time.perf_counter()
    uvloop.run(send_all(server.address, requests, connections=16))
    while delivered() < goal:
        if time.perf_counter() - began > DELIVERY_S:
            raise RuntimeError(f"{goal - delivered()} messages were not delivered")
        time.sleep(0.01)
    return time.perf_counter() - began, server.usage().since(before)


@contextmanager
def sink() -> Iterator[tuple[int, Callable[[], int]]]:
    """A receiving server in a process of its own: its port, and how many messages it has taken."""
    here, there = multiprocessing.Pipe()
    count = multiprocessing.Value("l", 0)
    process = multiprocessing.Process(target=_serve, args=(there, count), daemon=True)
    process.start()
    try:
        yield here.recv(), lambda: int(count.value)
    finally:
        process.terminate()
        process.join()


class _Sink(asyncio.Protocol):
    """Just enough of RFC 5321, with PIPELINING, to take mail from one client that behaves."""

    def __init__(self, count: "object") -> None:
        self._count = count
        self._buffer = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        out = []
        while True:
            end = self._buffer.find(b"\r\n.\r\n" if self._in_data else b"\r\n")
            if end < 0:
                break
            if self._in_data:
                self._buffer = self._buffer[end + 5 :]
                self._in_data = False
                self._count.value += 1  # type: ignore[attr-defined]
                out.append(b"250 2.0.0 Ok\r\n")
                continue
            line, self._buffer = self._buffer[:end].upper(), self._buffer[end + 2 :]
            if line.startswith(b"EHLO"):
                out.append(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif line.startswith(b"DATA"):
                self._in_data = True
                out.append(b"354 go\r\n")
            elif line.startswith(b"QUIT"):
                out.append(b"221 bye\r\n")
            else:
                out.append(b"250 ok\r\n")
        self._transport.write(b"".join(out))  # type: ignore[attr-defined]


def _serve(pipe: multiprocessing.connection.Connection, count: object) -> None:
    async def session() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Sink(count), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(session())
