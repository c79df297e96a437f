"""Accepting while people read the console, on the large store: what the pages take away from it.

Rounds with and without readers alternate, first one and then the other first, and ratios are taken within a pair, so
that a machine whose speed changes disturbs both alike. Neighbours disturb the clock more than CPU time: so the loop's
thread, which is what accepting is bound by, is asked too how much of itself pages take; and what a page costs in all is
taken while nothing is accepted, which disturbs it least. Readers are a process of their own, PAGES_PER_S over all pages
of an owner, its delegate and the operator.
"""

import json
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.accept import Load, Measured, measure
from bench.console import paths_of
from bench.console_store import Filled, filled
from bench.isolation import percentile
from bench.load import raw_email
from bench.server import ACCEPT_ONLY, COMMAND, Server
from bench.table import Row, median

PAGES_PER_S = 5
PAIRS, REQUESTS = 16, 4_000
ROUNDS, IDLE_S = 3, 3.0
MOST_CPU_MS = 5.0
LEAST = 0.95
"""What accepting keeps of its rate."""
CONSOLE = ACCEPT_ONLY + "[console]\nenabled = true\nport = 0\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same load, alone and while pages are read."""

    alone: Measured
    beside: Measured
    alone_loop_s: float
    """CPU of the loop's thread."""
    beside_loop_s: float
    pages_ms: list[float]

    @property
    def kept(self) -> float:
        """Which part of its rate accepting keeps."""
        return self.beside.result.rate / self.alone.result.rate

    @property
    def of_loop(self) -> float:
        """Which part of the loop's second PAGES_PER_S pages take."""
        return (self.beside_loop_s - self.alone_loop_s) / len(self.pages_ms) * PAGES_PER_S


def run() -> list[Row]:
    """The part of its rate that accepting keeps, and what pages take meanwhile."""
    with filled() as store:
        server = Server(store.data.parent, CONSOLE, launcher=COMMAND)
        try:
            load = Load(name="SendRawEmail", connections=16, form=raw_email, key=server.account())
            jobs = _jobs(server, store)
            measure(server, load)
            pairs: list[Pair] = []
            for n in range(PAIRS):
                # Each pair's readers go on where the last ones ended: all pages are read, and not the first few again.
                begin = sum(len(pair.pages_ms) for pair in pairs)
                pairs.append(_pair(server, load, json.dumps([*jobs, begin]), is_alone_first=n % 2 == 0))
            costs = [_cost(server, jobs) for _ in range(ROUNDS)]
        finally:
            server.stop()
    pages = [one for pair in pairs for one in pair.pages_ms]
    all_ms, loop_ms = (median([cost[n] for cost in costs]) for n in (0, 1))
    return [
        Row(name="CPU of a page that is read alone, all threads", figure=all_ms, unit="ms", target=MOST_CPU_MS),
        Row(name="of it the loop's", figure=loop_ms, unit="ms"),
        Row(
            name=f"rate kept beside {PAGES_PER_S} pages/s, by CPU on one core", unit="",
            figure=1 - PAGES_PER_S * all_ms / 1000, target=LEAST, better="higher",
        ),
        Row(name="accepted alone", figure=median([pair.alone.result.rate for pair in pairs]), unit="/s"),
        Row(
            name=f"rate kept while {PAGES_PER_S} pages/s are read", unit="",
            figure=median([pair.kept for pair in pairs]), target=LEAST, better="higher",
        ),
        Row(
            name=f"of the loop's CPU {PAGES_PER_S} pages/s take", unit="%",
            figure=median([pair.of_loop for pair in pairs]) * 100, target=100 * (1 - LEAST),
        ),
        Row(name="the least of a pair", figure=min(pair.kept for pair in pairs), unit=""),
        Row(
            name="p99 of accepting beside them / alone", unit="x",
            figure=median([
                pair.beside.result.percentile_ms(0.99) / pair.alone.result.percentile_ms(0.99) for pair in pairs
            ]),
        ),
        Row(name="pages read", figure=len(pages), unit=""),
        Row(name="a page meanwhile: p50", figure=percentile(pages, 0.5), unit="ms"),
        Row(name="a page meanwhile: p95", figure=percentile(pages, 0.95), unit="ms"),
    ]  # fmt: skip


def _pair(server: Server, load: Load, jobs: str, *, is_alone_first: bool) -> Pair:
    found: dict[bool, Measured] = {}
    loop_s: dict[bool, float] = {}
    pages: list[float] = []
    for is_alone in (is_alone_first, not is_alone_first):
        before = _loop_s(server)
        if is_alone:
            found[True] = measure(server, load, requests=REQUESTS)
        else:
            with _readers(jobs) as pages:
                found[False] = measure(server, load, requests=REQUESTS)
        loop_s[is_alone] = _loop_s(server) - before
    pair = Pair(
        alone=found[True],
        beside=found[False],
        alone_loop_s=loop_s[True],
        beside_loop_s=loop_s[False],
        pages_ms=pages,
    )
    print(
        f"  {pair.alone.result.rate:6.0f}/s alone, {pair.beside.result.rate:6.0f}/s beside {len(pages)} pages:"
        f" {pair.kept:.3f}; CPU of a message {pair.alone.cpu_ms:.3f}, {pair.beside.cpu_ms:.3f} ms;"
        f" of the loop {100 * pair.of_loop:.1f} %",
        flush=True,
    )
    return pair


def _cost(server: Server, jobs: tuple[str, list[tuple[str, str]]]) -> tuple[float, float]:
    """CPU milliseconds that a page takes while nothing is accepted, each page being read once: of all, of the loop."""
    began = server.usage().total_s, _loop_s(server)
    with _readers(json.dumps([*jobs, 0])) as pages:
        time.sleep(len(jobs[1]) / PAGES_PER_S)
    ended = server.usage().total_s, _loop_s(server)
    time.sleep(IDLE_S)
    idle = (server.usage().total_s - ended[0]) / IDLE_S, (_loop_s(server) - ended[1]) / IDLE_S
    seconds = len(jobs[1]) / PAGES_PER_S
    all_s, loop_s = (ended[n] - began[n] - idle[n] * seconds for n in (0, 1))
    return all_s / len(pages) * 1000, loop_s / len(pages) * 1000


def _loop_s(server: Server) -> float:
    """CPU seconds of the thread that the loop runs on, which is the process's first."""
    pid = server.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def _readers(jobs: str) -> Iterator[list[float]]:
    """Readers at work; afterwards the list holds what each page took, in milliseconds."""
    took: list[float] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.reading"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(jobs + "\n")
    process.stdin.flush()
    if process.stdout.readline() != "reading\n":
        raise RuntimeError("the readers did not begin")
    yield took
    took += json.loads(process.communicate("\n", timeout=60)[0])


def _jobs(server: Server, store: Filled) -> tuple[str, list[tuple[str, str]]]:
    """All pages, with the cookie of who reads each, in an order that mixes them."""
    jobs: list[tuple[str, str]] = []
    base = ""
    for who, paths in zip((store.owner, store.delegate, ""), paths_of(store), strict=True):
        more = ("--account", who) if who else ()
        link = json.loads(server.run("console", "login", *more, "--json"))["link"]
        base = link.partition("/link/")[0]
        with httpx.Client() as client:
            token = re.search(r'name="token" value="([^"]+)"', client.get(link).text)
            assert token, "the page of a link has a form"
            client.post(link, data={"token": token[1]}, headers={"origin": base})
            jobs += [(client.cookies["sesame"], path) for path in paths]
    return base, sorted(jobs, key=lambda job: hash_of(job[1]))


def hash_of(path: str) -> int:
    """A number that mixes paths, the same in each run."""
    return int.from_bytes(path.encode()[-8:], "big") * 2_654_435_761 % 2**32


def read_pages() -> None:
    """The readers: pages at their times, until a line comes in."""
    base, jobs, begin = json.loads(sys.stdin.readline())
    took: list[float] = []
    with httpx.Client(base_url=base, timeout=30) as client:
        client.get(jobs[0][1], headers={"cookie": f"sesame={jobs[0][0]}"})
        print("reading", flush=True)
        began = time.monotonic()
        number = 0
        while True:
            wait = began + number / PAGES_PER_S - time.monotonic()
            if select.select([sys.stdin], [], [], max(0.0, wait))[0]:
                break
            cookie, path = jobs[(begin + number) % len(jobs)]
            asked = time.perf_counter()
            answer = client.get(path, headers={"cookie": f"sesame={cookie}"})
            took.append((time.perf_counter() - asked) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code}")
            number += 1
    print(json.dumps(took))


if __name__ == "__main__":
    read_pages()
