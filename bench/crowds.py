"""Crowds: what one account's large backlog, and many retries that are due at once, cost the mail of others.

`BENCH_CROWD` is how many recipients wait (200,000, and a tenth of them as retries, unless it says otherwise).
"""

import base64
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import uvloop

from bench.isolation import MANY, Sender, Turns, beside_rows, sample, wait_for, watched
from bench.load import raw_email, send_all, sign
from bench.receiver import Manner, Receiver, receiving
from bench.server import DELIVERY, UNLIMITED, Key, Server, publish, serving, write
from bench.table import Row
from sesame.db import Transaction

CROWD = int(os.environ.get("BENCH_CROWD", "200000"))
EACH = 50
"""Recipients of a message, the most that SES takes."""
BETWEEN_S = 1.0
WITHIN_S = 600.0


def crowd_email(n: int, domains: tuple[str, ...]) -> dict[str, str]:
    """SendRawEmail of a 5 KB message to `EACH` recipients, of each domain as many."""
    to = ", ".join(f"r{n}-{k}@{domains[k % len(domains)]}" for k in range(EACH))
    form = raw_email(n)
    text = base64.b64decode(form["RawMessage.Data"])
    text = text.replace(
        f"To: reader{n}@customers.example".encode(), b"To: " + to.replace(", ", ",\r\n ").encode()
    )
    return {**form, "RawMessage.Data": base64.b64encode(text).decode()}


def send_crowd(server: Server, key: Key, count: int, domains: tuple[str, ...]) -> float:
    """Have so many recipients accepted; the seconds that took."""
    began = time.monotonic()
    for first in range(0, count // EACH, 200):
        forms = [crowd_email(n, domains) for n in range(first, min(first + 200, count // EACH))]
        uvloop.run(send_all(server.address, sign(key, server.address, forms), connections=8))
    return time.monotonic() - began


def to_good(receiver: Receiver, server: Server, key: Key, name: str) -> float:
    """Send ten messages to a good destination; the seconds until the last has arrived."""
    forms = []
    for n in range(10):
        form = raw_email(n)
        text = base64.b64decode(form["RawMessage.Data"]).replace(
            b"Subject: Message", f"Subject: {name}".encode()
        )
        text = text.replace(b"@customers.example", b"@good.example")
        forms.append({**form, "RawMessage.Data": base64.b64encode(text).decode()})
    began = time.monotonic()
    uvloop.run(send_all(server.address, sign(key, server.address, forms), connections=2))
    wait_for(receiver, [f"{name} {n}" for n in range(10)])
    return time.monotonic() - began


def zone(*domains: str) -> list[tuple[str, str, str]]:
    """An MX at an address of its own for each."""
    records = []
    for n, domain in enumerate((*domains, "good.example")):
        records += [(domain, "MX", f"10 mx.{domain}"), (f"mx.{domain}", "A", f"127.0.1.{n + 1}")]
    return records


def backlog(*, count: int = CROWD) -> list[Row]:
    """Account A has a backlog of which half goes to a server that never answers; B's ten do not wait for it."""
    manners = {"127.0.1.1": Manner(replies=((".", ""),))}
    with (
        tempfile.TemporaryDirectory(prefix="sesame-bench-") as name,
        receiving(Path(name), manners) as receiver,
        serving(UNLIMITED + DELIVERY.format(port=receiver.port, more="")) as server,
    ):
        a, b = server.account(), server.account()
        publish(server.data, server.config, zone("slow.example", "fast.example"))
        accepted_s = send_crowd(server, a, count, ("slow.example", "fast.example"))
        left = waiting(server)
        seconds = []
        for n in range(5):
            seconds.append(to_good(receiver, server, b, f"mine{n}"))
            time.sleep(BETWEEN_S)
        return [
            Row(name=f"A's {count:,} recipients accepted", figure=accepted_s, unit="s"),
            Row(name="of which waited when B began", figure=left, unit=""),
            Row(
                name="B's 10 messages meanwhile, longest of 5 times", figure=max(seconds), unit="s", target=5
            ),
            Row(name="peak memory", figure=server.peak_mb(), unit="MB", target=200),
        ]


def waiting(server: Server, where: str = "1 = 1") -> int:
    """How many recipients are queued."""

    async def run(tx: Transaction) -> int:
        row = await tx.one(f"SELECT COUNT(*) FROM queue WHERE {where}")
        assert row is not None
        return int(row[0])

    return write(server.data, server.config, run)


def retries(*, count: int = CROWD // 10) -> list[Row]:
    """So many retries at one destination, which puts all of them off again, are due at once."""
    manners = {"127.0.1.1": Manner(replies=(("RCPT", "451 4.7.1 Greylisted\r\n"),))}
    with (
        tempfile.TemporaryDirectory(prefix="sesame-bench-") as name,
        receiving(Path(name), manners) as receiver,
    ):
        turns, twins = Path(name) / "turns", Path(name) / "twins"
        config = UNLIMITED + DELIVERY.format(port=receiver.port, more="first_delay_s = 3000\n")
        with (
            serving(config, launcher=watched(turns)) as server,
            serving(config, launcher=watched(twins)) as twin,
        ):
            for one in (server, twin):
                publish(one.data, one.config, zone("later.example"))
            senders = [
                Sender(server, server.account(), Turns(turns), "beside"),
                Sender(twin, twin.account(), Turns(twins), "alone"),
            ]
            send_crowd(server, server.account(), count, ("later.example",))
            deadline = time.monotonic() + WITHIN_S
            while waiting(server, "attempts = 0"):
                if time.monotonic() > deadline:
                    raise RuntimeError("first attempts take too long")
                time.sleep(BETWEEN_S)
            sample([replace(sender, name=f"warm {sender.name}") for sender in senders], receiver)

            async def all_due(tx: Transaction) -> int:
                return await tx.execute("UPDATE queue SET due_at = 0 WHERE domain = 'later.example'")

            due = write(server.data, server.config, all_due)
            time.sleep(BETWEEN_S)
            under, base = sample(senders, receiver, least=MANY)
            rows = beside_rows(f"{due:,} retries due at once", under, base, server)
            return [
                *rows,
                Row(name="of them not tried again yet", figure=waiting(server, "attempts = 1"), unit=""),
            ]


def run() -> list[Row]:
    """Both."""
    return [*backlog(), *retries()]
