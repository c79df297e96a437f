"""Isolation: what large messages, hostile servers and other accounts' backlogs cost the mail of those who behave.

The machine may be shared, so what counts are ratios to a baseline of the same run, and the loop's longest turn in CPU
time of its own thread.
"""

import asyncio
import base64
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.load import raw_email, send_all, sign
from bench.receiver import Manner, Receiver, receiving
from bench.server import DELIVERY, DOMAIN, UNLIMITED, Key, Server, publish, serving
from bench.table import Row

LARGE = 32
SENDERS = 8
"""Clients that send them; more at once than the API has memory for would be told to try again."""
LARGE_BYTES = 9_500_000
LARGE_PER_S = 3_000_000
"""How fast the receiver takes each large message; the 32 of them are under way for a while."""
SMALL = 150
PAUSE_S = 0.01
"""Between small messages, so that they are a sample and no load."""
WITHIN_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Small messages while something goes on: how long each took to be accepted, and to arrive."""

    accept_ms: Sequence[float]
    arrive_ms: Sequence[float]
    turn_cpu_ms: float
    turn_wall_ms: float

    @property
    def accept_p50_ms(self) -> float:
        """Half are accepted within this."""
        return percentile(self.accept_ms, 0.5)

    @property
    def arrive_p99_ms(self) -> float:
        """Nearly all have arrived within this."""
        return percentile(self.arrive_ms, 0.99)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them stay under."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Turns:
    """The loop's turns, as `watched` writes them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def longest(self, since: float) -> tuple[float, float]:
        """The longest since then, in milliseconds of CPU and of the clock."""
        rows = [json.loads(line) for line in self._path.read_text().splitlines() if line.endswith("}")]
        found = [row for row in rows if row["at"] >= since]
        return max(row["cpu_ms"] for row in found), max(row["wall_ms"] for row in found)


def sample(
    server: Server, key: Key, receiver: Receiver, turns: Turns, name: str, *, while_: Callable[[], bool]
) -> Sample:
    """Send small messages one after the other, SMALL of them and as long as `while_` says."""
    accept_ms: list[float] = []
    sent: dict[str, float] = {}
    began, number = time.monotonic(), 0
    while number < SMALL or (while_() and time.monotonic() - began < WITHIN_S):
        subject = f"{name}-{number}"
        form = raw_email(number)
        text = base64.b64decode(form["RawMessage.Data"]).replace(
            b"Subject: Message", b"Subject: " + subject.encode()
        )
        text = text.replace(b"@customers.example", b"@good.example")
        form["RawMessage.Data"] = base64.b64encode(text).decode()
        requests = sign(key, server.address, [form])
        sent[f"{subject} {number}"] = time.monotonic()
        result = uvloop.run(send_all(server.address, requests, connections=1))
        accept_ms += result.latencies_ms
        number += 1
        time.sleep(PAUSE_S)
    arrived = wait_for(receiver, sent)
    cpu_ms, wall_ms = turns.longest(began)
    return Sample(
        accept_ms=accept_ms,
        arrive_ms=[(arrived[subject] - at) * 1000 for subject, at in sent.items()],
        turn_cpu_ms=cpu_ms,
        turn_wall_ms=wall_ms,
    )


def wait_for(receiver: Receiver, subjects: "Sequence[str] | dict[str, float]") -> dict[str, float]:
    """When each had come; raises when one has not in time."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        arrived = {str(row["subject"]): float(str(row["at"])) for row in receiver.read()}
        missing = [subject for subject in subjects if subject not in arrived]
        if not missing:
            return arrived
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(missing)} messages have not arrived, the first: {missing[0]}")
        time.sleep(0.02)


def large_email(n: int) -> dict[str, str]:
    """SendRawEmail of a large message to a destination of its own."""
    line = bytes(b"x" * 76 + b"\r\n")
    head = (
        f"From: News <news@{DOMAIN}>\r\nTo: reader@large{n % 4}.example\r\nSubject: large-{n}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
    ).encode()
    text = head + line * ((LARGE_BYTES - len(head)) // len(line))
    return {"Action": "SendRawEmail", "RawMessage.Data": base64.b64encode(text).decode()}


def large() -> list[Row]:
    """32 large messages that are accepted and delivered side by side, and small ones meanwhile."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as name:
        directory = Path(name)
        manners = {f"127.0.1.{n + 1}": Manner(bytes_per_s=LARGE_PER_S) for n in range(4)}
        with receiving(directory, manners) as receiver:
            routes = [
                ("good.example", "127.0.0.1"),
                *((f"large{n}.example", f"127.0.1.{n + 1}") for n in range(4)),
            ]
            with serving(
                UNLIMITED + delivery(receiver.port, routes),
                launcher=[sys.executable, "-m", "bench.watched", str(directory / "turns")],
            ) as server:
                return _large(server, receiver, Turns(directory / "turns"))


def _large(server: Server, receiver: Receiver, turns: Turns) -> list[Row]:
    key = server.account()
    requests = sign(key, server.address, map(large_email, range(LARGE)))
    sample(server, key, receiver, turns, "warm", while_=lambda: False)
    base = sample(server, key, receiver, turns, "base", while_=lambda: False)
    memory_mb = server.peak_mb()
    began = time.monotonic()
    with background(lambda: send_all(server.address, requests, connections=SENDERS)) as sending:
        under = sample(
            server, key, receiver, turns, "under",
            while_=lambda: sum(str(row["subject"]).startswith("large") for row in receiver.read()) < LARGE,
        )  # fmt: skip
    wait_for(receiver, [f"large-{n}" for n in range(LARGE)])
    seconds = time.monotonic() - began
    assert sending.result is not None
    return [
        Row(name="small messages alone: accept p50", figure=base.accept_p50_ms, unit="ms"),
        Row(name="beside 32 x 9.5 MB: accept p50", figure=under.accept_p50_ms, unit="ms"),
        Row(name="accept p50, beside / alone", figure=under.accept_p50_ms / base.accept_p50_ms, unit="x", target=2.0),
        Row(name="small messages alone: arrive p50", figure=percentile(base.arrive_ms, 0.5), unit="ms"),
        Row(name="small messages alone: arrive p99", figure=base.arrive_p99_ms, unit="ms"),
        Row(name="beside 32 x 9.5 MB: arrive p50", figure=percentile(under.arrive_ms, 0.5), unit="ms"),
        Row(name="beside 32 x 9.5 MB: arrive p99", figure=under.arrive_p99_ms, unit="ms"),
        Row(name="arrive p99, beside / alone", figure=under.arrive_p99_ms / base.arrive_p99_ms, unit="x", target=1.5),
        Row(name="longest turn of the loop alone: CPU", figure=base.turn_cpu_ms, unit="ms"),
        Row(name="longest turn of the loop beside: CPU", figure=under.turn_cpu_ms, unit="ms", target=15.0),
        Row(name="longest turn of the loop beside: clock", figure=under.turn_wall_ms, unit="ms"),
        Row(name="seconds until the last large one arrived", figure=seconds, unit="s"),
        Row(name="small messages sent meanwhile", figure=len(under.accept_ms), unit=""),
        Row(name="peak memory before", figure=memory_mb, unit="MB"),
        Row(name="peak memory", figure=server.peak_mb(), unit="MB", target=600),
    ]  # fmt: skip


def delivery(port: int, routes: Sequence[tuple[str, str]]) -> str:
    """The settings that lead each domain to its address."""
    tables = "".join(
        f'[[delivery.routes]]\ndomain = "{domain}"\nrelay = "{address}:{port}"\n'
        for domain, address in routes
    )
    return f'[delivery]\nallow_networks = ["127.0.0.0/8"]\nmta_sts = false\ndane = false\ntls_reports = false\n{tables}'


HOSTILE = {
    "hang": Manner(is_silent=True),
    "drip": Manner(banner_byte_s=1.0),
    "endless": Manner(banner_byte_s=0.001, is_endless=True, banner=""),
    "421-at-dot": Manner(replies=((".", "421 4.3.2 Closing\r\n"),)),
    "deaf": Manner(bytes_per_s=10.0),
    "mute-at-dot": Manner(replies=((".", ""),)),
    "long-words": Manner(replies=(("RCPT", "550 5.1.1 " + "x" * 60_000 + "\r\n"),)),
    **{f"close-{at}": Manner(close_at=at) for at in ("banner", "EHLO", "MAIL", "RCPT", "DATA", ".")},
}
"""Servers that nobody wants to talk to."""
SERVERS_OF_A_KIND = 12
HANGING = 64
HOSTILE_MAIL = 8
"""Messages to each of their domains."""


def hostile() -> list[Row]:
    """64 domains that hang and twelve servers of each hostile kind, all with mail, and small messages meanwhile."""
    kinds = [(kind, n) for kind in HOSTILE for n in range(HANGING if kind == "hang" else SERVERS_OF_A_KIND)]
    places = {f"k{at}.example": f"127.5.{at // 200}.{at % 200 + 1}" for at in range(len(kinds))}
    manners = {place: HOSTILE[kind] for (kind, _), place in zip(kinds, places.values(), strict=True)}
    with (
        tempfile.TemporaryDirectory(prefix="sesame-bench-") as name,
        receiving(Path(name), manners) as receiver,
    ):
        turns = Path(name) / "turns"
        launcher = [sys.executable, "-m", "bench.watched", str(turns)]
        with serving(UNLIMITED + DELIVERY.format(port=receiver.port, more=""), launcher=launcher) as server:
            key = server.account()
            records = [(domain, "MX", f"10 mx.{domain}") for domain in (*places, "good.example")]
            records += [(f"mx.{domain}", "A", place) for domain, place in places.items()]
            publish(server.data, server.config, [*records, ("mx.good.example", "A", "127.0.0.1")])
            sample(server, key, receiver, Turns(turns), "warm", while_=lambda: False)
            base = sample(server, key, receiver, Turns(turns), "base", while_=lambda: False)
            other = server.account()
            bad = [_to(n, domain) for n in range(HOSTILE_MAIL) for domain in places]
            uvloop.run(send_all(server.address, sign(other, server.address, bad), connections=4))
            under = sample(server, key, receiver, Turns(turns), "under", while_=lambda: False)
            return [
                Row(
                    name=f"beside {len(places)} hostile servers: accept p50, beside / alone",
                    figure=under.accept_p50_ms / base.accept_p50_ms, unit="x", target=1.5,
                ),
                Row(name="small messages alone: arrive p50, p99", figure=base.arrive_p99_ms, unit="ms"),
                Row(name="beside hostile servers: arrive p50", figure=percentile(under.arrive_ms, 0.5), unit="ms"),
                Row(name="beside hostile servers: arrive p99", figure=under.arrive_p99_ms, unit="ms"),
                Row(
                    name="arrive p99, beside / alone", figure=under.arrive_p99_ms / base.arrive_p99_ms,
                    unit="x", target=1.5,
                ),
                Row(name="longest turn of the loop beside: CPU", figure=under.turn_cpu_ms, unit="ms", target=15.0),
                Row(name="peak memory", figure=server.peak_mb(), unit="MB", target=200),
            ]  # fmt: skip


def _to(n: int, domain: str) -> dict[str, str]:
    form = raw_email(n)
    text = base64.b64decode(form["RawMessage.Data"]).replace(b"@customers.example", b"@" + domain.encode())
    return {**form, "RawMessage.Data": base64.b64encode(text).decode()}


BACKLOG = 20_000
"""Messages of the large sender; `make bench` leaves it at a tenth of what it is asked for elsewhere."""


def backlog() -> list[Row]:
    """Account A has a backlog of which half goes to a slow destination; B's ten messages do not wait for it."""
    manners = {"127.0.1.1": Manner(replies=((".", ""),))}
    with (
        tempfile.TemporaryDirectory(prefix="sesame-bench-") as name,
        receiving(Path(name), manners) as receiver,
        serving(UNLIMITED + DELIVERY.format(port=receiver.port, more="")) as server,
    ):
        a, b = server.account(), server.account()
        records = [("slow.example", "MX", "10 mx.slow.example"), ("mx.slow.example", "A", "127.0.1.1")]
        records += [("fast.example", "MX", "10 mx.fast.example"), ("mx.fast.example", "A", "127.0.1.2")]
        records += [("good.example", "MX", "10 mx.good.example"), ("mx.good.example", "A", "127.0.0.1")]
        publish(server.data, server.config, records)
        domains = ("slow.example", "fast.example")
        forms = (_to(n, domains[n % 2]) for n in range(BACKLOG))
        requests = sign(a, server.address, forms)
        with background(lambda: send_all(server.address, requests, connections=16)):
            time.sleep(3.0)
            mine = [_to(n, "good.example") for n in range(10)]
            for n, form in enumerate(mine):
                text = base64.b64decode(form["RawMessage.Data"]).replace(
                    b"Subject: Message", b"Subject: mine"
                )
                mine[n] = {**form, "RawMessage.Data": base64.b64encode(text).decode()}
            began = time.monotonic()
            uvloop.run(send_all(server.address, sign(b, server.address, mine), connections=2))
            wait_for(receiver, [f"mine {n}" for n in range(10)])
            seconds = time.monotonic() - began
    return [
        Row(name="B's 10 messages beside A's backlog, half of it slow", figure=seconds, unit="s", target=5)
    ]


class background:
    """Runs a coroutine in a thread of its own until the end of the block."""

    def __init__(self, make: Callable[[], object]) -> None:
        self.result: object = None
        self._make = make
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.result = asyncio.run(self._make())  # type: ignore[arg-type]

    def __enter__(self) -> "background":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()


def run() -> list[Row]:
    """Each kind in turn."""
    return [*large(), *hostile(), *backlog()]
