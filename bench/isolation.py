"""Isolation: what large messages, hostile servers and other accounts' backlogs cost the mail of those who behave.

The machine may be shared, so what counts are ratios to a baseline of the same run, and the loop's longest turn in CPU
time of its own thread.
"""

import base64
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import uvloop

from bench.load import raw_email, send_all, sign
from bench.receiver import Manner, Receiver, receiving
from bench.server import DELIVERY, DOMAIN, UNLIMITED, Key, Server, publish, serving
from bench.table import Row

LARGE = 32
ROUNDS = 4
"""In which small messages are sent alone, and then beside a part of the large ones."""
SENDERS = 8
"""Clients that send them; more at once than the API has memory for would be told to try again."""
LARGE_BYTES = 9_500_000
LARGE_PER_S = 3_000_000
"""How fast the receiver takes each large message; the 32 of them are under way for a while."""
SMALL = 150
MANY = 600
"""Where a 99th percentile is compared."""
PAUSE_S = 0.01
"""Between small messages, so that they are a sample and no load."""
WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
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


def watched(turns: Path) -> list[str]:
    """Starts `sesame` with a watch on its loop that writes to `turns`."""
    return [sys.executable, "-m", "bench.watched", str(turns)]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends small messages where; `name` is in their subjects."""

    server: Server
    key: Key
    turns: Turns
    name: str


def sample(
    senders: Sequence[Sender],
    receiver: Receiver,
    *,
    least: int = SMALL,
    while_: Callable[[], bool] = lambda: False,
) -> list[Sample]:
    """Send small messages one after the other, the senders in turn, `least` of each and as long as `while_` says.

    Senders that take turns have met the same machine, whatever else it did meanwhile.
    """
    accept_ms: list[list[float]] = [[] for _ in senders]
    sent: list[dict[str, float]] = [{} for _ in senders]
    began, number = time.monotonic(), 0
    while number < least or (while_() and time.monotonic() - began < WITHIN_S):
        for n, sender in enumerate(senders):
            form = raw_email(number)
            text = base64.b64decode(form["RawMessage.Data"])
            text = text.replace(b"Subject: Message", f"Subject: {sender.name}-{number}".encode())
            text = text.replace(b"@customers.example", b"@good.example")
            form["RawMessage.Data"] = base64.b64encode(text).decode()
            requests = sign(sender.key, sender.server.address, [form])
            sent[n][f"{sender.name}-{number} {number}"] = time.monotonic()
            accept_ms[n] += uvloop.run(send_all(sender.server.address, requests, connections=1)).latencies_ms
            time.sleep(PAUSE_S)
        number += 1
    arrived = wait_for(receiver, [subject for one in sent for subject in one])
    found = []
    for n, sender in enumerate(senders):
        cpu_ms, wall_ms = sender.turns.longest(began)
        arrive_ms = [(arrived[subject] - at) * 1000 for subject, at in sent[n].items()]
        found.append(Sample(accept_ms[n], arrive_ms, cpu_ms, wall_ms))
    return found


def together(samples: Sequence[Sample]) -> Sample:
    """Several samples as one."""
    return Sample(
        [value for one in samples for value in one.accept_ms],
        [value for one in samples for value in one.arrive_ms],
        max(one.turn_cpu_ms for one in samples),
        max(one.turn_wall_ms for one in samples),
    )


def wait_for(receiver: Receiver, subjects: Sequence[str]) -> dict[str, float]:
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
        # Who takes the large messages, and who sends them, are processes of their own: what small ones are told by
        # has nothing else to do.
        with receiving(directory, {}) as receiver, receiving(directory, manners) as slow:
            routes = [
                ("good.example", f"127.0.0.1:{receiver.port}"),
                *((f"large{n}.example", f"127.0.1.{n + 1}:{slow.port}") for n in range(4)),
            ]
            with serving(
                UNLIMITED + delivery(routes),
                launcher=watched(directory / "turns"),
            ) as server:
                return _large(server, receiver, slow, Turns(directory / "turns"))


def _large(server: Server, receiver: Receiver, slow: Receiver, turns: Turns) -> list[Row]:
    key = server.account()
    sample([Sender(server, key, turns, "warm")], receiver)
    memory_mb = server.peak_mb()
    alone: list[Sample] = []
    beside: list[Sample] = []
    seconds = 0.0
    for n in range(ROUNDS):
        alone += sample([Sender(server, key, turns, f"alone{n}")], receiver)
        numbers = range(n * LARGE // ROUNDS, (n + 1) * LARGE // ROUNDS)
        requests = sign(key, server.address, map(large_email, numbers))
        began = time.monotonic()
        with background(partial(send_all, server.address, requests, connections=SENDERS)):
            beside += sample(
                [Sender(server, key, turns, f"beside{n}")], receiver,
                while_=lambda until=numbers[-1] + 1: (  # type: ignore[misc]
                    len(slow.read()) < until
                ),
            )  # fmt: skip
        wait_for(slow, [f"large-{number}" for number in numbers])
        seconds += time.monotonic() - began
    base, under = together(alone), together(beside)
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
        Row(name="seconds that large ones were under way", figure=seconds, unit="s"),
        Row(name="small messages sent meanwhile", figure=len(under.accept_ms), unit=""),
        Row(name="peak memory before", figure=memory_mb, unit="MB"),
        Row(name="peak memory", figure=server.peak_mb(), unit="MB", target=600),
    ]  # fmt: skip


def delivery(routes: Sequence[tuple[str, str]]) -> str:
    """The settings that lead each domain to its relay."""
    tables = "".join(
        f'[[delivery.routes]]\ndomain = "{domain}"\nrelay = "{relay}"\n' for domain, relay in routes
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
        turns, twins = Path(name) / "turns", Path(name) / "twins"
        config = UNLIMITED + DELIVERY.format(port=receiver.port, more="")
        with (
            serving(config, launcher=watched(turns)) as server,
            serving(config, launcher=watched(twins)) as twin,
        ):
            records = [(domain, "MX", f"10 mx.{domain}") for domain in (*places, "good.example")]
            records += [(f"mx.{domain}", "A", place) for domain, place in places.items()]
            records.append(("mx.good.example", "A", "127.0.0.1"))
            for one in (server, twin):
                publish(one.data, one.config, records)
            senders = [
                Sender(server, server.account(), Turns(turns), "beside"),
                Sender(twin, twin.account(), Turns(twins), "alone"),
            ]
            sample([replace(sender, name=f"warm {sender.name}") for sender in senders], receiver)
            other = server.account()
            bad = [_to(n, domain) for n in range(HOSTILE_MAIL) for domain in places]
            uvloop.run(send_all(server.address, sign(other, server.address, bad), connections=4))
            under, base = sample(senders, receiver, least=MANY)
            return beside_rows(f"{len(places)} hostile servers", under, base, server)


def beside_rows(what: str, under: Sample, base: Sample, server: Server) -> list[Row]:
    """What small messages took beside that, and at the same time in a server of their own."""
    return [
        Row(
            name=f"beside {what}: accept p50, beside / alone", figure=under.accept_p50_ms / base.accept_p50_ms,
            unit="x", target=1.5,
        ),
        Row(name="arrive p50 alone", figure=percentile(base.arrive_ms, 0.5), unit="ms"),
        Row(name="arrive p50 beside", figure=percentile(under.arrive_ms, 0.5), unit="ms"),
        Row(name="arrive p99 alone", figure=base.arrive_p99_ms, unit="ms"),
        Row(name="arrive p99 beside", figure=under.arrive_p99_ms, unit="ms"),
        Row(name="arrive p99, beside / alone", figure=under.arrive_p99_ms / base.arrive_p99_ms, unit="x", target=1.5),
        Row(name="longest turn of the loop beside: CPU", figure=under.turn_cpu_ms, unit="ms", target=15.0),
        Row(name="peak memory", figure=server.peak_mb(), unit="MB", target=200),
    ]  # fmt: skip


def _to(n: int, domain: str) -> dict[str, str]:
    form = raw_email(n)
    text = base64.b64decode(form["RawMessage.Data"]).replace(b"@customers.example", b"@" + domain.encode())
    return {**form, "RawMessage.Data": base64.b64encode(text).decode()}


@contextmanager
def background(make: Callable[[], Coroutine[object, object, object]]) -> Iterator[None]:
    """Runs a coroutine in a process of its own until the end of the block."""
    process = multiprocessing.Process(target=_run, args=(make,))
    process.start()
    try:
        yield
    finally:
        process.join()
    if process.exitcode:
        raise RuntimeError("what ran beside has failed")


def _run(make: Callable[[], Coroutine[object, object, object]]) -> None:
    uvloop.run(make())


def run() -> list[Row]:
    """Each kind in turn."""
    return [*large(), *hostile()]
