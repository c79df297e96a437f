"""The queue with very many recipients due for one destination that takes nothing: what others' claims and accepts cost.

On the store alone, without sockets; CPU time of the calling thread and of the store's readers is what the figures are,
but for the claims' own, which are by the clock, since a claim holds up whoever waits for it.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.isolation import percentile
from bench.table import Row
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.delivery.lanes import Lanes, Limits
from sesame.mail.address import domain_of
from sesame.model import MessageId, Outcome, OutcomeKind
from sesame.spool.expiry import START
from sesame.spool.put import SpooledMessage, put
from sesame.spool.queue import Lane, Position
from sesame.spool.spool import Settlement, Spool
from sesame.store.decisions import DecisionText

SIZES = tuple(map(int, os.environ.get("BENCH_QUEUE", "1000000").split(",")))
"""`BENCH_QUEUE=10000000` takes minutes and 3 GB of the disk."""
SAMPLES = 400
HOLDER, LEASE_S = "bench", 900.0
BLOCKED, CROWD = "blocked.example", "111111111111"


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each call."""

    sweeps: Sequence[float]
    claims: Sequence[float]
    puts: Sequence[float]
    overdue: Sequence[float]


async def fill(store: SqliteStore, count: int) -> None:
    """Queue recipients of one account for the destination that takes nothing, all due."""

    async def run(tx: Transaction) -> None:
        await put(tx, _message("crowd", 1, f"r0@{BLOCKED}", account_id=CROWD))
        row = await tx.one("SELECT MAX(seq) FROM message")
        assert row is not None
        await tx.execute(
            "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < ?)"
            " INSERT INTO recipient (seq, message_seq, n, address, domain, state, due_at)"
            " SELECT 1000 + k, ?, k, 'r' || k || ?, ?, 'queued', 0 FROM n",
            count, row[0], f"@{BLOCKED}", BLOCKED,
        )  # fmt: skip
        await tx.execute(
            "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < ?)"
            " INSERT INTO queue (seq, message_seq, n, account_id, region, domain, queued_at, due_at)"
            " SELECT 1000 + k, ?, k, ?, 'us-east-1', ?, 1.0, 1.0 + k * 0.000001 FROM n",
            count, row[0], CROWD, BLOCKED,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO queue_pause (domain, paused_at, reason) VALUES (?, 0, 'bench')", BLOCKED
        )

    await store.write(run, is_long=True)


async def measure(store: SqliteStore) -> Measured:
    """Put, find, claim and settle messages to good destinations, one after the other."""
    spool, lanes = Spool(store), Lanes(Limits(places=64, per_domain=8, per_address=64))
    position, now = Position(), 1_000.0
    sweeps: list[float] = []
    claims: list[float] = []
    puts: list[float] = []
    overdue: list[float] = []
    after = START
    for number in range(SAMPLES):
        address = f"r@good{number % 50}.example"
        began = time.perf_counter()
        await store.write(lambda tx, n=number, to=address: put(tx, _message(f"m{n}", now, to)))  # type: ignore[misc]
        puts.append((time.perf_counter() - began) * 1000)
        if not number % 4:
            began = time.perf_counter()
            swept, paused = await spool.sweep(position)
            sweeps.append((time.perf_counter() - began) * 1000)
            position = swept.position
            lanes.pause(paused)
            for lane, due_at in swept.lanes:
                lanes.offer(lane, due_at, now=now)
            began = time.perf_counter()
            after = await spool.expire({}, after=after, now=now, life_s=50_400, at=now)
            overdue.append((time.perf_counter() - began) * 1000)
        lanes.offer(Lane("222222222222", domain_of(address)), 0.0, now=now)
        asks = lanes.choose(now=now)
        began = time.perf_counter()
        claimed = await spool.claim(asks, now=now, holder=HOLDER, lease_s=LEASE_S)
        claims.append((time.perf_counter() - began) * 1000)
        for ask, count in zip(asks, claimed.counts, strict=True):
            lanes.took(ask, count)
        delivered = Outcome(kind=OutcomeKind.DELIVERED, status="2.0.0", diagnostic="250 Ok")
        settlements = [Settlement(claim=claim, outcome=delivered, retry_at=None) for claim in claimed.claims]
        await spool.settle(settlements, at=now)
    return Measured(sweeps, claims, puts, overdue)


def _message(
    message_id: str, at: float, *recipients: str, account_id: str = "222222222222"
) -> SpooledMessage:
    return SpooledMessage(
        message_id=MessageId(message_id), account_id=account_id, owner_account_id=account_id, region="us-east-1",
        identity="bench.example", source="a@bench.example", return_path="a@bench.example", subject="s", tags={},
        decision=DecisionText(shared="{}"), accepted_at=at, recipients=recipients,
        data=b"From: a@bench.example\r\n\r\n" + b"x" * 5_000 + b"\r\n",
    )  # fmt: skip


def run() -> list[Row]:
    """An empty queue, and full ones."""

    async def one(size: int) -> Measured:
        with tempfile.TemporaryDirectory(prefix="sesame-bench-") as name:
            store = SqliteStore(Path(name) / "db")
            try:
                if size:
                    await fill(store, size)
                return await measure(store)
            finally:
                store.close()

    empty = asyncio.run(one(0))
    rows = [
        Row(name="empty queue: claim p50", figure=percentile(empty.claims, 0.5), unit="ms"),
        Row(name="empty queue: claim p99", figure=percentile(empty.claims, 0.99), unit="ms"),
        Row(name="empty queue: put p50", figure=percentile(empty.puts, 0.5), unit="ms"),
    ]
    for size in SIZES:
        full = asyncio.run(one(size))
        name = f"{size:,} due for one blocked destination"
        rows += [
            Row(name=f"{name}: claim p50", figure=percentile(full.claims, 0.5), unit="ms"),
            Row(
                name=f"{name}: claim p50, full / empty",
                figure=percentile(full.claims, 0.5) / percentile(empty.claims, 0.5), unit="x", target=1.5,
            ),
            Row(name=f"{name}: claim p99", figure=percentile(full.claims, 0.99), unit="ms", target=5),
            Row(name=f"{name}: sweep p99", figure=percentile(full.sweeps, 0.99), unit="ms"),
            Row(name=f"{name}: looking for the overdue, p99", figure=percentile(full.overdue, 0.99), unit="ms"),
            Row(
                name=f"{name}: put p50, empty / full", figure=percentile(empty.puts, 0.5) / percentile(full.puts, 0.5),
                unit="x", target=0.9, better="higher",
            ),
        ]  # fmt: skip
    return rows
