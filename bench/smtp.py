"""SMTP submission with STARTTLS and AUTH: over connections that stay, and with a new one for each message.

Beside Postfix on the same machine, where it is installed: the same client, the same certificate, a queue
on the same disk; what Postfix accepts it holds, so that neither delivers. Every round runs both, and
ratios are taken within a round.
"""

import asyncio
import base64
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import postfix
from bench.load import BODY
from bench.server import ACCEPT_ONLY, DOMAIN, REGION, Usage, serving
from bench.table import Row, median
from sesame.aws.smtp_password import smtp_password
from sesame.server.tls import development_files

ROUNDS = 3
CONNECTIONS = 16
REUSED, FRESH = 1_600, 240
LOAD_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to send to."""

    port: int
    user: str
    password: str
    usage: Callable[[], Usage]


@dataclass(frozen=True, slots=True)
class Measured:
    """Messages a second, and CPU seconds of a thousand."""

    rate: float
    cpu_s: float


class Smtp:
    """One client connection that waits for each reply, as clients of SES do."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    async def open(self, target: Target) -> None:
        """Connect, STARTTLS, AUTH."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", target.port)
        self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._reply(b"220")
        await self._command(b"EHLO bench.test", b"250")
        await self._command(b"STARTTLS", b"220")
        await self._writer.start_tls(self._context, server_hostname="localhost")
        await self._command(b"EHLO bench.test", b"250")
        secret = base64.b64encode(f"\0{target.user}\0{target.password}".encode())
        await self._command(b"AUTH PLAIN " + secret, b"235")

    async def send(self, message: bytes, n: int) -> None:
        """Send one message."""
        await self._command(b"MAIL FROM:<news@" + DOMAIN.encode() + b">", b"250")
        await self._command(b"RCPT TO:<reader%d@customers.example>" % n, b"250")
        await self._command(b"DATA", b"354")
        self._writer.write(message + b".\r\n")
        await self._reply(b"250")

    async def quit(self) -> None:
        """End the session."""
        await self._command(b"QUIT", b"221")
        self._writer.close()

    async def _command(self, line: bytes, expected: bytes) -> None:
        self._writer.write(line + b"\r\n")
        await self._reply(expected)

    async def _reply(self, expected: bytes) -> None:
        while True:
            line = await self._reader.readline()
            if not line.startswith(expected):
                raise RuntimeError(f"expected {expected!r}, got {line!r}")
            if line[3:4] != b"-":
                return


def run() -> list[Row]:
    """Rates and CPU by SMTP, and their ratios to Postfix's."""
    reason = postfix.missing()
    if reason:
        print(f"bench: Postfix is left out, {reason}", file=sys.stderr)
    rounds: dict[str, list[Measured]] = {}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sesame-bench-tls-")))
        ca, chain, key = development_files(directory, ["localhost"], now=time.time())
        submission = (
            f'[submission]\nenabled = true\ntls_certificate = "{chain}"\ntls_private_key = "{key}"\n'
            "connections_per_address = 1000\n"
        )
        server = stack.enter_context(serving(ACCEPT_ONLY + submission))
        account = server.account()
        targets = {
            "Sesame": Target(
                port=server.smtp_port, user=account.access_key_id,
                password=smtp_password(account.secret_access_key, REGION), usage=server.usage,
            )
        }  # fmt: skip
        if not reason:
            peer = stack.enter_context(postfix.running(chain, key, free_port()))
            targets["Postfix"] = Target(
                port=peer.port, user=postfix.USER, password=postfix.PASSWORD, usage=peer.usage
            )
        context = ssl.create_default_context(cafile=str(ca))
        for number in range(ROUNDS + 1):
            for name, target in targets.items():
                for kind, load in (("reused", _reused), ("fresh", _fresh)):
                    measured = uvloop.run(load(target, context))
                    if number:  # the first round warms up
                        rounds.setdefault(f"{name} {kind}", []).append(measured)
    return _rows(rounds)


def _rows(rounds: dict[str, list[Measured]]) -> list[Row]:
    words = {"reused": "connections reused", "fresh": "a new connection each"}
    rows = []
    for name, measured in rounds.items():
        who, kind = name.split()
        label = f"{who}, {words[kind]}"
        rows.append(Row(name=f"{label}: accepted", figure=median([one.rate for one in measured]), unit="/s"))
        rows.append(
            Row(name=f"{label}: CPU s per 1000", figure=median([one.cpu_s for one in measured]), unit="s")
        )
    if "Postfix reused" not in rounds:
        return rows

    def ratio(kind: str, figure: Callable[[Measured], float]) -> float:
        pairs = zip(rounds[f"Sesame {kind}"], rounds[f"Postfix {kind}"], strict=True)
        return median([figure(ours) / figure(theirs) for ours, theirs in pairs])

    return [
        *rows,
        Row(
            name="Sesame / Postfix, connections reused: rate", figure=ratio("reused", lambda m: m.rate), unit="x",
            target=1.5, better="higher",
        ),
        Row(
            name="Sesame / Postfix, connections reused: CPU", figure=ratio("reused", lambda m: m.cpu_s), unit="x",
            target=0.4,
        ),
        Row(
            name="Sesame / Postfix, a new connection each: rate", figure=ratio("fresh", lambda m: m.rate), unit="x",
            target=1.0, better="higher",
        ),
    ]  # fmt: skip


async def _reused(target: Target, context: ssl.SSLContext) -> Measured:
    """Connections are opened before the clock starts."""
    clients = [Smtp(context) for _ in range(CONNECTIONS)]
    for client in clients:
        await client.open(target)
    waiting = iter(range(REUSED))

    async def send_some(client: Smtp) -> None:
        for n in waiting:
            await client.send(message(n), n)

    began, before = time.perf_counter(), target.usage()
    async with asyncio.timeout(LOAD_S), asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(send_some(client))
    measured = _measured(REUSED, began, target.usage().since(before))
    for client in clients:
        await client.quit()
    return measured


async def _fresh(target: Target, context: ssl.SSLContext) -> Measured:
    waiting = iter(range(FRESH))

    async def send_some() -> None:
        for n in waiting:
            client = Smtp(context)
            await client.open(target)
            await client.send(message(n), n)
            await client.quit()

    began, before = time.perf_counter(), target.usage()
    async with asyncio.timeout(LOAD_S), asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(send_some())
    return _measured(FRESH, began, target.usage().since(before))


def _measured(messages: int, began: float, usage: Usage) -> Measured:
    seconds = time.perf_counter() - began
    return Measured(messages / seconds, usage.total_s / messages * 1000)


def message(n: int) -> bytes:
    """5 KB of text."""
    return (
        f"From: News <news@{DOMAIN}>\r\nTo: reader{n}@customers.example\r\nSubject: Message {n}\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{BODY}"
    ).encode()


def free_port() -> int:
    """A port of the loopback that nobody has."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
