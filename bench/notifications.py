"""Notifications: expanding events and delivering notifications, and what that adds to accepting and delivering mail.

CPU is that of the process that tells; the endpoint and the mail server that take everything are processes of
their own.
"""

import asyncio
import multiprocessing
import multiprocessing.connection
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import uvloop

from bench.accept import rsa_signs
from bench.endpoint import Endpoint, in_a_process
from bench.load import Result, raw_email, send_all, sign
from bench.relay import sink as mail_sink
from bench.server import DOMAIN, REGION, UNLIMITED, Key, Server, Usage, serving
from bench.table import Row, median
from sesame.app.foundation import open_services
from sesame.app.notify import NotifyRole
from sesame.config import load
from sesame.db import Transaction
from sesame.model import AccountId, MessageId
from sesame.spool.put import SpooledMessage, put
from sesame.store import accounts, configuration_sets, events, subscriptions, topics
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.decisions import DecisionText
from sesame.store.events import Happened, NewEvent, Stage
from sesame.store.subscriptions import Subscription
from sesame.store.topics import Topic

EVENTS = 4_000
MESSAGES = 2_000
ROUNDS = 3
ACCOUNT = "111111111111"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:bench"
RATE = 2_000
"""Target for notifications a second of CPU, set on a core that makes 4,700 RSA-2048 signatures a second."""

SIGNATURES = 2.35
"""The same target for a core of any speed; one of them is the notification's own."""

DEARER = 1.5
"""Target for CPU with notifications of one kind to one endpoint over CPU without."""

WAIT_S = 120.0
"""How long a round may take; one that stalls fails the bench and does not hang it."""


def run() -> list[Row]:
    """Rates of notification alone, and CPU of a whole message with and without."""
    with http_sink() as sink:
        measured = [(rsa_signs(), _tell(sink)) for _ in range(ROUNDS + 1)][1:]
    rows = [
        Row(
            name="events expanded and delivered, signed, to one http endpoint", unit="/s of CPU",
            figure=median([rate for _, rate in measured]), target=RATE, better="higher",
        ),
        Row(
            name="CPU of one in signatures", figure=median([signs / rate for signs, rate in measured]),
            unit="signatures", target=SIGNATURES,
        ),
    ]  # fmt: skip
    with http_sink() as sink, mail_sink() as (smtp, delivered):
        config = UNLIMITED + (
            f'[delivery]\nrelay = "127.0.0.1:{smtp}"\nper_domain = 16\n'
            '[notify]\nallow_http = true\nallow_networks = ["127.0.0.0/8"]\n'
        )
        with serving(config) as server:
            rows += _whole(server, sink, delivered)
    return rows


def _whole(server: Server, sink: "Sink", delivered: "Count") -> list[Row]:
    key, told = server.account(), server.account()
    _identity_topic(server, told, sink)
    sets = {
        "no notifications": None,
        "Delivery told": None,
        "Send and Delivery events": _set(server, key, sink, "/all", "all", ["SEND", "DELIVERY"]),
    }
    per_message = {"Delivery told": 1, "Send and Delivery events": 2}
    rounds: list[dict[str, tuple[float, Result]]] = []
    for _ in range(ROUNDS + 1):
        found = {}
        for name, set_name in sets.items():
            goal = MESSAGES * per_message.get(name, 0)
            whose = told if name == "Delivery told" else key
            found[name] = _round(server, whose, set_name, delivered, sink.posted, goal)
        rounds.append(found)
    rows = []
    for name in sets:
        cpu = [one[name][0] for one in rounds[1:]]
        rows.append(Row(name=f"{name}: CPU s per 1000", figure=median(cpu), unit="s"))
        rows.append(
            Row(
                name=f"{name}: p99 of accepting", unit="ms",
                figure=median([one[name][1].percentile_ms(0.99) for one in rounds[1:]]),
            )
        )  # fmt: skip
    plain = "no notifications"
    for name, target in (("Delivery told", DEARER), ("Send and Delivery events", None)):
        over = [one[name][0] / one[plain][0] for one in rounds[1:]]
        rows.append(Row(name=f"CPU with {name} / without", figure=median(over), unit="x", target=target))
    return rows


Count = Callable[[], int]


def _round(
    server: Server, key: Key, set_name: str | None, delivered: Count, posted: Count, goal: int
) -> tuple[float, Result]:
    """Send MESSAGES, and wait until they are delivered and told; CPU seconds of a thousand, and the load's result."""

    def form(n: int) -> Mapping[str, str]:
        return raw_email(n) | ({} if set_name is None else {"ConfigurationSetName": set_name})

    requests = sign(key, server.address, map(form, range(MESSAGES)))
    goals = ((delivered, delivered() + MESSAGES), (posted, posted() + goal))
    before, began = server.usage(), time.perf_counter()
    result = uvloop.run(send_all(server.address, requests, connections=16))
    for count, wanted in goals:
        while count() < wanted:
            if time.perf_counter() - began > WAIT_S:
                raise RuntimeError(f"{wanted - count()} were not seen")
            time.sleep(0.01)
    used: Usage = server.usage().since(before)
    return used.total_s / MESSAGES * 1000, result


def _identity_topic(server: Server, key: Key, sink: "Sink") -> None:
    """Have deliveries of the benched identity told by its topic."""
    sns, ses = _client(server, key, "sns"), _client(server, key, "ses")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{sink.port}/told")
    sns.confirm_subscription(TopicArn=topic, Token=sink.tokens.get(timeout=WAIT_S))
    before, began = sink.posted(), time.perf_counter()
    ses.set_identity_notification_topic(Identity=DOMAIN, NotificationType="Delivery", SnsTopic=topic)
    while sink.posted() == before:  # the topic is told that it was chosen
        if time.perf_counter() - began > WAIT_S:
            raise RuntimeError("the topic was not told that it was chosen")
        time.sleep(0.01)


def _client(server: Server, key: Key, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=server.api, region_name=REGION, aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
    )  # fmt: skip


def _set(server: Server, key: Key, sink: "Sink", path: str, name: str, types: Sequence[str]) -> str:
    """A configuration set whose events of some types go to a path of the sink; its name."""
    sns, sesv2 = _client(server, key, "sns"), _client(server, key, "sesv2")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{sink.port}{path}")
    sns.confirm_subscription(TopicArn=topic, Token=sink.tokens.get(timeout=WAIT_S))
    sesv2.create_configuration_set(ConfigurationSetName=name)
    sesv2.create_configuration_set_event_destination(
        ConfigurationSetName=name,
        EventDestinationName="d",
        EventDestination={
            "Enabled": True, "MatchingEventTypes": list(types), "SnsDestination": {"TopicArn": topic},
        },
    )  # fmt: skip
    return name


def _tell(sink: "Sink") -> float:
    """Expand and deliver EVENTS events; notifications a second of this process's CPU."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as directory:
        return uvloop.run(_tell_all(Path(directory), sink))


async def _tell_all(directory: Path, sink: "Sink") -> float:
    overrides = {
        "SESAME_NOTIFY__ALLOW_HTTP": "true",
        "SESAME_NOTIFY__ALLOW_NETWORKS": "127.0.0.0/8",
        "SESAME_LOG_FORMAT": "json",
    }
    settings = load(None, environ=overrides, flags={"data": str(directory / "data")})
    async with open_services(settings) as services:
        await services.store.write(lambda tx: _set_up(tx, sink.port))
        for first in range(0, EVENTS // 2, 500):
            await services.store.write(lambda tx, first=first: _happen(tx, first, first + 500))  # type: ignore[misc]
        notify = NotifyRole(services, public_url="http://127.0.0.1:1", mailed=lambda: None)
        await notify.start()
        goal = sink.posted() + EVENTS
        began, cpu = time.perf_counter(), time.process_time()
        roles = notify.roles()
        tasks = [asyncio.create_task(_until_cancelled(roles[name])) for name in ("expanding", "notifying")]
        while sink.posted() < goal:
            if time.perf_counter() - began > WAIT_S:
                raise RuntimeError(f"{goal - sink.posted()} were not told")
            await asyncio.sleep(0.02)
        used = time.process_time() - cpu
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return EVENTS / used


async def _until_cancelled(role: Callable[[], Awaitable[None]]) -> None:
    await role()


async def _set_up(tx: Transaction, port: int) -> None:
    await accounts.create(
        tx,
        accounts.Account(
            account_id=AccountId(ACCOUNT), name="", production=True, max_24_hour_send=-1, max_send_rate=1_000,
            created_at=0,
        ),
    )  # fmt: skip
    await topics.put(tx, Topic(account_id=ACCOUNT, region=REGION, name="bench", attributes={}, created_at=0))
    held = ConfigurationSet(account_id=ACCOUNT, region=REGION, name="set")
    await configuration_sets.put(tx, held)
    definition = {
        "Enabled": True,
        "MatchingEventTypes": ["SEND", "DELIVERY"],
        "SnsDestination": {"TopicArn": TOPIC},
    }
    await configuration_sets.put_destination(tx, held, "d", definition)
    subscription = Subscription(
        arn=f"{TOPIC}:1", topic_arn=TOPIC, account_id=ACCOUNT, protocol="http",
        endpoint=f"http://127.0.0.1:{port}/", attributes={}, created_at=0, confirmed_at=1,
    )  # fmt: skip
    await subscriptions.put(tx, subscription)


async def _happen(tx: Transaction, first: int, end: int) -> None:
    """Messages of 5 KB that were sent and delivered."""
    data = raw_email(0)["RawMessage.Data"].encode()
    for number in range(first, end):
        await put(
            tx,
            SpooledMessage(
                message_id=MessageId(f"0100019d27e16045-{number:08}-5f60-4718-9a2b-000000000008-000000"),
                account_id=ACCOUNT, owner_account_id=ACCOUNT, region=REGION, identity=DOMAIN,
                source=f"news@{DOMAIN}", return_path=f"news@{DOMAIN}", subject="s", tags={},
                decision=DecisionText(shared='{"context":{}}'), accepted_at=time.time(),
                recipients=(f"reader{number}@customers.example",), data=data, configuration_set="set",
            ),
        )  # fmt: skip
    rows = await tx.all("SELECT MAX(seq) FROM message")
    last = int(rows[0][0])
    await events.record(
        tx,
        [
            NewEvent(message_seq=last - back, key="0/delivered", what=Happened.DELIVERED, at=time.time(), n=0)
            for back in range(end - first)
        ],
    )
    waiting = await events.claim_stage(tx, Stage.NEW, now=0.0, lease="x", limit=EVENTS)
    await events.move_on(tx, waiting, lease="x", to=Stage.REACTED)


class Sink:
    """An endpoint in a process of its own: where, how much it took, and tokens of confirmations it was asked for."""

    def __init__(self, port: int, taken: Any, tokens: Any) -> None:
        self.port = port
        self._taken = taken
        self.tokens = tokens

    def posted(self) -> int:
        """How many notifications it took."""
        return int(self._taken.value)


@contextmanager
def http_sink() -> Iterator[Sink]:
    """A sink that takes all."""
    taken = multiprocessing.Value("l", 0)
    with in_a_process(_serve, taken) as (port, tokens):
        yield Sink(port, taken, tokens)


class _Endpoint(Endpoint):
    """Counts posts."""

    def __init__(self, taken: Any, tokens: Any) -> None:
        super().__init__(tokens)
        self._taken = taken

    def posted(self, head: bytes, body: bytes) -> None:
        self._taken.value += 1
        self.answer("200 OK")


def _serve(pipe: multiprocessing.connection.Connection, tokens: object, taken: object) -> None:
    async def session() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Endpoint(taken, tokens), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(session())
