"""SendRawEmail beside other servers that speak SES: they neither check nor store, and answer the same requests.

Each round runs every server once, and ratios are taken within a round. `make peers` installs them; what is
not installed is left out, with a word.
"""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import uvloop

from bench.load import raw_email, send_all, sign
from bench.server import ACCEPT_ONLY, DOMAIN, REGION, Key, serving
from bench.table import Row, median

ROUNDS = 3
CONNECTIONS = 16
SESAME_REQUESTS = 1_600
LOAD_S = 60.0
START_S = 30.0

NODE_PEER = Path(__file__).with_name("peer") / "node_modules" / ".bin" / "aws-ses-v2-local"
MOTO = Path(sys.prefix) / "peers" / "bin" / "moto_server"
ANYBODY = Key("000000000000", "AKIAIOSFODNN7EXAMPLE", "anything")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server to compare with; `at_least` is what Sesame's rate is to be in its rates."""

    name: str
    command: Sequence[str]
    requests: int
    at_least: float
    keeps_connections: bool

    @property
    def is_installed(self) -> bool:
        """Whether it is on this machine."""
        return Path(self.command[-3]).exists()


def run() -> list[Row]:
    """Rates in requests a second, and Sesame's in those of each peer."""
    peers = [
        Peer(
            name="aws-ses-v2-local", command=["node", str(NODE_PEER), "--port", "{port}"], requests=1_600,
            at_least=1.0, keeps_connections=True,
        ),
        Peer(name="moto", command=[str(MOTO), "-p", "{port}"], requests=300, at_least=5.0, keeps_connections=False),
    ]  # fmt: skip
    for peer in peers:
        if not peer.is_installed:
            print(f"bench: {peer.name} is left out, it is not installed (make peers)", file=sys.stderr)
    here = [peer for peer in peers if peer.is_installed]
    rates: dict[str, list[float]] = {name: [] for name in ("Sesame", *(peer.name for peer in here))}
    with serving(ACCEPT_ONLY) as server:
        key = server.account()
        _rate(server.address, key, SESAME_REQUESTS, keep=True)
        for _ in range(ROUNDS):
            rates["Sesame"].append(_rate(server.address, key, SESAME_REQUESTS, keep=True))
            for peer in here:
                with running(peer) as address:
                    _rate(address, ANYBODY, peer.requests // 4, keep=peer.keeps_connections)
                    rates[peer.name].append(
                        _rate(address, ANYBODY, peer.requests, keep=peer.keeps_connections)
                    )
    rows = [
        Row(name=f"SendRawEmail 5 KB: {name}", figure=median(figures), unit="/s")
        for name, figures in rates.items()
    ]
    for peer in here:
        ratios = [ours / theirs for ours, theirs in zip(rates["Sesame"], rates[peer.name], strict=True)]
        rows.append(
            Row(
                name=f"Sesame / {peer.name}",
                figure=median(ratios),
                unit="x",
                target=peer.at_least,
                better="higher",
            )
        )
    return rows


@contextmanager
def running(peer: Peer) -> Iterator[tuple[str, int]]:
    """The peer on a free port, with the identity it may ask for; ended afterwards."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address: tuple[str, int] = sock.getsockname()
    command = [part.format(port=address[1]) for part in peer.command]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(address)
            ses = boto3.client(
                "ses", endpoint_url=f"http://{address[0]}:{address[1]}", region_name=REGION,
                aws_access_key_id=ANYBODY.access_key_id, aws_secret_access_key=ANYBODY.secret_access_key,
            )  # fmt: skip
            if peer.name == "moto":
                ses.verify_domain_identity(Domain=DOMAIN)
            yield address
        finally:
            process.terminate()
            process.wait(START_S)


def _wait_for(address: tuple[str, int]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(address, 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _rate(address: tuple[str, int], key: Key, requests: int, *, keep: bool) -> float:
    signed = sign(key, address, map(raw_email, range(requests)))
    if keep:
        return uvloop.run(send_all(address, signed, connections=CONNECTIONS)).rate
    return requests / uvloop.run(_send_each(address, signed))


async def _send_each(address: tuple[str, int], requests: Sequence[bytes]) -> float:
    """Seconds for all, over a connection each, for servers that close after an answer."""
    waiting = iter(requests)

    async def send_some() -> None:
        for request in waiting:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(request)
            answer = await reader.read()
            writer.close()
            if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
                raise RuntimeError(f"refused: {answer!r}")

    began = time.perf_counter()
    async with asyncio.timeout(LOAD_S), asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(send_some())
    return time.perf_counter() - began
