"""Many destinations: a connection for each, servers that are slow to say goodbye, and few files to do it with."""

import base64
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import uvloop

from bench.isolation import wait_for
from bench.load import raw_email, send_all, sign
from bench.receiver import Manner, Receiver, receiving
from bench.server import COMMAND, DELIVERY, UNLIMITED, Key, Server, publish, serving
from bench.table import Row

PER_S = 60
SECONDS = int(os.environ.get("BENCH_SECONDS", "100"))
"""Then there are 6,000 of them."""
FILES = 1_024
QUIT_S = 0.1
IDLE = 1_000
RESTARTS = 100


def limited(files: int) -> list[str]:
    """Starts `sesame` with so many files, and no way to get more."""
    return ["/bin/sh", "-c", f'ulimit -n {files}; exec "$0" "$@"', *COMMAND]


@contextmanager
def receiver_of(manner: Manner) -> Iterator[tuple[Path, Receiver]]:
    """Receivers that all behave so, and a directory for the while."""
    with (
        tempfile.TemporaryDirectory(prefix="sesame-bench-") as name,
        receiving(Path(name), {"*": manner}) as receiver,
    ):
        yield Path(name), receiver


def zone(count: int) -> list[tuple[str, str, str]]:
    """As many domains, each with one MX at an address of its own."""
    records = []
    for n in range(count):
        records.append((f"d{n}.example", "MX", f"10 mx.d{n}.example"))
        records.append((f"mx.d{n}.example", "A", f"127.{10 + n // 60_000}.{n // 250 % 250}.{n % 250 + 1}"))
    return records


def forms(count: int, first: int = 0) -> list[dict[str, str]]:
    """A message to each of the domains."""
    found = []
    for n in range(first, first + count):
        form = raw_email(n)
        text = base64.b64decode(form["RawMessage.Data"]).replace(b"@customers.example", b"@d%d.example" % n)
        found.append({**form, "RawMessage.Data": base64.b64encode(text).decode()})
    return found


def files_of(server: Server) -> int:
    """How many files the process has open."""
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


@contextmanager
def watching(look: Callable[[], None], every_s: float) -> Iterator[None]:
    """Look again and again until the end of the block."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def many(*, per_s: int = PER_S, seconds: int = SECONDS) -> list[Row]:
    """So many messages a second, each to another domain."""
    count = per_s * seconds
    files: list[int] = []
    turned_away = 0
    with receiver_of(Manner(quit_s=QUIT_S)) as (_, receiver):
        config = UNLIMITED + DELIVERY.format(port=receiver.port, more="")
        with serving(config, launcher=limited(FILES)) as server:
            key = server.account()
            publish(server.data, server.config, zone(count))

            def look() -> None:
                nonlocal turned_away
                files.append(files_of(server))
                try:
                    with socket.create_connection(server.address, timeout=5) as client:
                        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                        turned_away += not client.recv(64).startswith(b"HTTP/1.1 200")
                except OSError:
                    turned_away += 1

            began = time.monotonic()
            with watching(look, 0.1):
                for second in range(seconds):
                    requests = sign(key, server.address, forms(per_s, second * per_s))
                    uvloop.run(send_all(server.address, requests, connections=4))
                    time.sleep(max(0.0, began + second + 1 - time.monotonic()))
                sent_s = time.monotonic() - began
                wait_for(receiver, [f"Message {n}" for n in range(count)])
            late_s = time.monotonic() - began - sent_s
            log = (server.data.parent / "log").read_text()
    return [
        Row(name=f"{per_s} messages/s to {count} domains: files open", figure=max(files), unit="", target=600),
        Row(name="new clients turned away", figure=turned_away, unit=f"of {len(files)}", target=0),
        Row(name="times that files ran out", figure=log.count("out_of_resources"), unit="", target=0),
        Row(name="last message arrived after the last was sent", figure=late_s, unit="s", target=5),
    ]  # fmt: skip


def stop(*, idle: int = IDLE) -> list[Row]:
    """A stop with many connections whose peers ignore QUIT."""
    with receiver_of(Manner(quit_s=-1)) as (_, receiver):
        more = f"idle_connections = {idle}\nworkers = 400\n"
        with serving(UNLIMITED + DELIVERY.format(port=receiver.port, more=more)) as server:
            key = server.account()
            publish(server.data, server.config, zone(idle))
            requests = sign(key, server.address, forms(idle))
            uvloop.run(send_all(server.address, requests, connections=8))
            wait_for(receiver, [f"Message {n}" for n in range(idle)])
            kept = receiver.counts().open
            began = time.monotonic()
            server.process.terminate()
            server.process.wait(60)
            seconds = time.monotonic() - began
    return [
        Row(name="connections kept when told to stop", figure=kept, unit="", target=idle * 0.9, better="higher"),
        Row(name="stopped after, with peers that ignore QUIT", figure=seconds, unit="s", target=15),
    ]  # fmt: skip


def restarts(*, count: int = RESTARTS) -> list[Row]:
    """Orderly restarts while mail is with a server that hangs: nobody bounces, and it arrives in the end."""
    with receiver_of(Manner(is_silent=True)) as (parent, receiver):
        directory = parent / "server"
        directory.mkdir()
        config = UNLIMITED + DELIVERY.format(
            port=receiver.port, more="first_delay_s = 0.5\nlongest_delay_s = 1\n"
        )
        server = Server(directory, config, launcher=COMMAND)
        key: Key = server.account()
        publish(server.data, server.config, zone(4))
        ids = _send(server, key, 4)
        longest = 0.0
        for _ in range(count):
            connections = receiver.counts().connections
            deadline = time.monotonic() + 10
            while receiver.counts().connections == connections and time.monotonic() < deadline:
                time.sleep(0.02)
            began = time.monotonic()
            server.stop()
            longest = max(longest, time.monotonic() - began)
            server = Server(directory, config, launcher=COMMAND)
        receiver.behave({})
        server.stop()
        server = Server(directory, config, launcher=COMMAND)
        wait_for(receiver, [f"Message {n}" for n in range(4)])
        time.sleep(0.5)
        events = [
            event for one in ids for event in json.loads(server.run("trace", one, "--json"))["recipients"]
        ]
        server.stop()
        copies = len(receiver.read())
    return [
        Row(
            name=f"{count} restarts: not delivered", figure=sum(one["state"] != "delivered" for one in events),
            unit="", target=0,
        ),
        Row(name=f"{count} restarts: copies", figure=copies, unit="of 4", target=4),
        Row(name="longest stop with a server that hangs", figure=longest, unit="s", target=15),
    ]  # fmt: skip


def _send(server: Server, key: Key, count: int) -> list[str]:
    ses = boto3.client(
        "ses", endpoint_url=server.api, region_name="us-east-1", aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )  # fmt: skip
    return [
        ses.send_raw_email(RawMessage={"Data": base64.b64decode(form["RawMessage.Data"])})["MessageId"]
        for form in forms(count)
    ]


def run() -> list[Row]:
    """All of it."""
    if shutil.which("sh") is None:
        print("bench: there is no shell to limit files with", file=sys.stderr)
        return []
    return [*many(), *stop(), *restarts()]
