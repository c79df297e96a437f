"""Accepting and delivering beside an endpoint that misbehaves, compared with the same beside one that works.

The same mail is sent for a set whose events go to the endpoint that works, and for sets whose events go to one that is
down, hangs, is slow, answers without end, redirects, fails or is gone, in turn. What is compared is how many messages
are accepted in a second of the server's CPU while they are sent (its events and deliveries included), and how long a
message takes from its 200 to its delivery.
"""

import asyncio
import multiprocessing
import multiprocessing.connection
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import boto3
import uvloop

from bench.endpoint import Endpoint, in_a_process
from bench.load import raw_email, send_all, sign
from bench.relay import sink as mail_sink
from bench.server import REGION, UNLIMITED, Key, Server, serving
from bench.table import Row, median

MESSAGES = 400
ROUNDS = 4
WAIT_S = 120.0
SLOW_S = 3.0
RATE, LATENCY = 0.95, 1.2
"""Targets: accept rate at least, p99 of delivery at most, times that beside the endpoint that works."""

WORKS = "works"
BAD = ("down", "hangs", "slow", "endless", "redirects", "fails", "gone")

Count = Callable[[], int]


def run() -> list[Row]:
    """For each kind of bad endpoint both ratios."""
    with endpoints() as (ports, tokens), mail_sink() as (smtp, delivered):
        config = UNLIMITED + (
            f'[delivery]\nrelay = "127.0.0.1:{smtp}"\nper_domain = 16\n'
            '[notify]\nallow_http = true\nallow_networks = ["127.0.0.0/8"]\n'
        )
        with serving(config) as server:
            key = server.account()
            for name in (WORKS, *BAD):
                port = ports[1] if name == "down" else ports[0]
                _set(server, key, name, f"http://127.0.0.1:{port}/{name}", tokens)
            return _rows(partial(_round, server, key, delivered=delivered))


def _rows(measure: Callable[[str], tuple[float, float]]) -> list[Row]:
    measure(WORKS)  # what is loaded and looked up once
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in BAD}
    for number in range(ROUNDS):
        before = measure(WORKS)
        bad = {name: measure(name) for name in (BAD if number % 2 else reversed(BAD))}
        after = measure(WORKS)
        good_rate, good_p99 = ((one + other) / 2 for one, other in zip(before, after, strict=True))
        for name, (rate, p99) in bad.items():
            found[name].append((rate / good_rate, p99 / good_p99))
    rows = []
    for name, ratios in found.items():
        rows += [
            Row(
                name=f"one that {_SAID[name]} / one that works: accepted per CPU", unit="x", target=RATE,
                figure=median([rate for rate, _ in ratios]), better="higher",
            ),
            Row(
                name=f"one that {_SAID[name]} / one that works: p99 of delivery", unit="x", target=LATENCY,
                figure=median([p99 for _, p99 in ratios]),
            ),
        ]  # fmt: skip
    return rows


_SAID = {name: f"is {name}" if name in ("down", "slow", "gone") else name for name in BAD} | {
    "endless": "answers without end"
}


def _round(server: Server, key: Key, set_name: str, *, delivered: Count) -> tuple[float, float]:
    """Send MESSAGES and wait until they are delivered; accepted per CPU second, and the p99 of delivery."""

    def form(n: int) -> Mapping[str, str]:
        return raw_email(n) | {"ConfigurationSetName": set_name}

    requests = sign(key, server.address, map(form, range(MESSAGES)))
    goal, last, began = delivered() + MESSAGES, _newest(server), time.perf_counter()
    before = server.usage()
    uvloop.run(send_all(server.address, requests, connections=16))
    used = server.usage().since(before).total_s
    while delivered() < goal or (found := _latencies(server, last)) is None:
        if time.perf_counter() - began > WAIT_S:
            raise RuntimeError(f"{goal - delivered()} were not delivered")
        time.sleep(0.02)
    time.sleep(0.3)  # what is still under way ends beside nobody
    return MESSAGES / used, found[int(len(found) * 0.99)]


def _newest(server: Server) -> int:
    return int(_read(server, "SELECT COALESCE(MAX(seq), 0) FROM message")[0][0])


def _latencies(server: Server, after: int) -> list[float] | None:
    """Seconds from acceptance to delivery of the messages behind `after`, shortest first; None: not all are settled."""
    rows = _read(
        server,
        "SELECT e.at - m.accepted_at FROM message m JOIN event_log e ON e.message_seq = m.seq AND e.kind = 'delivered'"
        " WHERE m.seq > ? ORDER BY 1",
        after,
    )
    return [row[0] for row in rows] if len(rows) >= MESSAGES else None


def _read(server: Server, sql: str, *values: int) -> list[tuple[Any, ...]]:
    (path,) = (one for one in server.data.iterdir() if one.suffix in (".db", ".sqlite", ".sqlite3"))
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(sql, values).fetchall()


def _set(server: Server, key: Key, name: str, url: str, tokens: "multiprocessing.Queue[str]") -> None:
    """A configuration set whose Send and Delivery events go to a URL."""
    of = {
        "endpoint_url": server.api, "region_name": REGION, "aws_access_key_id": key.access_key_id,
        "aws_secret_access_key": key.secret_access_key,
    }  # fmt: skip
    sns, sesv2 = boto3.client("sns", **of), boto3.client("sesv2", **of)
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
    sns.confirm_subscription(TopicArn=topic, Token=tokens.get(timeout=WAIT_S))
    sesv2.create_configuration_set(ConfigurationSetName=name)
    sesv2.create_configuration_set_event_destination(
        ConfigurationSetName=name,
        EventDestinationName="d",
        EventDestination={
            "Enabled": True, "MatchingEventTypes": ["SEND", "DELIVERY"], "SnsDestination": {"TopicArn": topic},
        },
    )  # fmt: skip


@contextmanager
def endpoints() -> Iterator[tuple[tuple[int, int], "multiprocessing.Queue[str]"]]:
    """Endpoints of every kind in a process of their own: two ports, and tokens of confirmations that came.

    The second port is closed once it has taken a confirmation.
    """
    with in_a_process(_serve) as (ports, tokens):
        yield ports, tokens


class _Endpoint(Endpoint):
    """The path of a post says how it is answered."""

    def __init__(self, tokens: Any, close: Callable[[], None]) -> None:
        super().__init__(tokens)
        self._close = close

    def posted(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode().strip("/")
        if b"Successfully validated" in body:
            self.answer("200 OK")
            if path == "down":
                self._close()
            return
        loop = asyncio.get_running_loop()
        match path:
            case "hangs":
                pass
            case "slow":
                loop.call_later(SLOW_S, self.answer, "200 OK")
            case "endless":
                self.transport.write(b"HTTP/1.1 200 OK\r\n")
                self._drip()
            case "redirects":
                self.answer("302 Found", "Location: http://127.0.0.1/\r\n")
            case "fails":
                self.answer("500 Internal Server Error")
            case "gone":
                self.answer("410 Gone")
            case _:
                self.answer("200 OK")

    def _drip(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"X-More: more\r\n")
            asyncio.get_running_loop().call_later(0.05, self._drip)


def _serve(pipe: multiprocessing.connection.Connection, tokens: object) -> None:
    async def session() -> None:
        loop = asyncio.get_running_loop()

        def close() -> None:
            second.close()

        first = await loop.create_server(lambda: _Endpoint(tokens, lambda: None), "127.0.0.1", 0)
        second = await loop.create_server(lambda: _Endpoint(tokens, close), "127.0.0.1", 0)
        pipe.send(tuple(one.sockets[0].getsockname()[1] for one in (first, second)))
        await first.serve_forever()

    uvloop.run(session())
