"""kill -9 at named points, and a store that says "unavailable" at each kind of write: what is accepted arrives, once.

One data directory for all of them: each kill falls into a server that goes on with what the last one left. An
independent checker reads the clients' ledger, the receiver's and the database.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.world import (
    Findings,
    World,
    check_database,
    check_delivered,
    count_held,
    recorded,
    wait_until_empty,
)
from bench.receiver import Receiver, receiving
from bench.table import Row

SPOOL, SEND = "sesame.spool.spool:Spool", "sesame.sending.send"
STORE = "sesame.db.sqlite:SqliteStore"
DELIVERY = "sesame.delivery"
POINTS: Sequence[tuple[str, int]] = (
    (f"{SPOOL}.take_over", 1),
    (f"{SPOOL}.sweep", 2),
    (f"{SPOOL}.claim", 4),
    (f"{SPOOL}.body", 30),
    (f"{SPOOL}.settle", 4),
    (f"{SPOOL}.drop_pieces", 1),
    ("sesame.spool.pieces:Staging.stage", 2),
    ("sesame.spool.spool:_lease", 5),
    ("sesame.spool.settle:settle", 3),
    ("sesame.spool.settle:end_recipients", 4),
    ("sesame.spool.settle:drop_bodies", 3),
    ("sesame.sending.accept:load", 6),
    ("sesame.sending.accept:put_all", 5),
    ("sesame.store.events:record", 9),
    (f"{SEND}:accept", 4),
    (f"{SEND}:Sender.send", 40),
    (f"{SEND}:Sender._accept", 25),
    (f"{STORE}._begin_at_once", 20),
    (f"{STORE}._commit", 12),
    (f"{STORE}._finish", 15),
    (f"{STORE}._done", 18),
    (f"{DELIVERY}.session:Session.send", 25),
    (f"{DELIVERY}.session:Session.data_received", 60),
    (f"{DELIVERY}.attempt:Deliverer.attempt", 20),
    (f"{DELIVERY}.settling:Settling.add", 15),
    (f"{DELIVERY}.settling:Settling._write", 3),
    (f"{DELIVERY}.scheduler:Scheduler._next", 8),
    (f"{DELIVERY}.pool:Pool.give_back", 14),
    ("sesame.server.listener:HttpConnection._write", 35),
    ("sesame.feedback.react:Reactor.react", 3),
    ("sesame.notify.expand:Expander.expand", 3),
)
"""Where the process is killed, and at which call."""

WRITES = (
    r"sending\.accept", "Spool.claim", "Spool.settle", "Spool.take_over", "Spool.put_back", "Spool.renew",
    "Spool.expire", "pieces.drop", "Staging.stage", "Reactor.react", "expand", "steady",
)  # fmt: skip
"""The writes that fail in turn, by their names (regular expressions)."""

MESSAGES = 240
EMPTY_S = 60.0


@dataclass(slots=True)
class Result:
    """What was found, and how often."""

    kills: int = 0
    missed: list[str] = field(default_factory=list)
    """Points that were never come to."""
    findings: Findings = field(default_factory=Findings)
    acknowledged: int = 0
    unknown: int = 0
    held: int = 0
    """Recipients that were held as what ends its process, as they should be, and then released."""


def faulty(spec: object) -> list[str]:
    """What starts a server with faults."""
    return [sys.executable, "-m", "bench.faults.process", json.dumps(spec)]


def kill_at(world: World, receiver: Receiver, points: Sequence[tuple[str, str, int]]) -> Result:
    """Kill a server at each of the points, one after the other, and let a sound one finish."""
    result = Result()
    once: dict[str, float] = {}
    for point, when, number in points:
        if world.start(faulty({"kill": [point, when, number]})):
            world.send(MESSAGES)
            deadline = time.monotonic() + 5.0
            while world.is_alive and time.monotonic() < deadline:  # it may come to the point a little later
                time.sleep(0.02)
            if world.is_alive:
                result.missed.append(f"{when} {point}")
                world.kill()
        result.kills += 1
        look(world, result, once)
    finish(world, receiver, result, once)
    return result


def fail_writes(world: World, receiver: Receiver, writes: Sequence[tuple[str, str, int]]) -> Result:
    """Let each kind of write fail in turn, and a sound server finish."""
    result = Result()
    once: dict[str, float] = {}
    for name, when, every in writes:
        world.start(faulty({"store": [name, when, every]}))
        world.send(MESSAGES // 2)
        world.stop()
        look(world, result, once)
    finish(world, receiver, result, once)
    return result


def look(world: World, result: Result, once: dict[str, float]) -> None:
    """Hold the database to the ledger, and note when each message was first seen in it."""
    now = time.monotonic()
    for subject in recorded(world.database):
        once.setdefault(subject, now)
    result.findings.broken += check_database(world.database, world.ledger).broken


def finish(world: World, receiver: Receiver, result: Result, once: dict[str, float]) -> None:
    """Let a sound server deliver what is left, and hold the ledgers to each other."""
    world.start()
    left = wait_until_empty(world.database, within_s=EMPTY_S)
    if held := count_held(world.database):  # the process was killed during attempts for them too often
        world.run("queue", "release", "--all", "--reason", "the kills are over")
        result.held = held
        left = wait_until_empty(world.database, within_s=EMPTY_S)
    world.stop()
    findings = result.findings
    findings.add(check_database(world.database, world.ledger))
    findings.add(check_delivered(world.ledger, receiver))
    if left:
        findings.broken.append(f"{left} recipients were never settled")
    findings.repeated = sorted(
        {
            str(row["subject"])
            for row in receiver.read()
            if float(str(row["at"])) > once.get(str(row["subject"]), float("inf"))
        }
    )
    result.acknowledged, result.unknown = len(world.ledger.acknowledged), len(world.ledger.unknown)


def run() -> list[Row]:
    """All points, before and after; all kinds of writes, before they are done and after."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as name:
        directory = Path(name)
        with receiving(directory, {}) as receiver:
            points = [(point, when, number) for point, number in POINTS for when in ("before", "after")]
            killed = kill_at(_world(directory / "kills", receiver), receiver, points)
        with receiving(directory, {}) as receiver:
            writes = [(write, when, 3) for write in WRITES for when in ("before", "after")]
            failed = fail_writes(_world(directory / "writes", receiver), receiver, writes)
    print(
        *killed.missed, *killed.findings.broken[:20], *failed.findings.broken[:20], sep="\n", file=sys.stderr
    )
    return [*_rows("kill -9", killed, len(points)), *_rows("failing writes", failed, len(writes))]


def _world(directory: Path, receiver: Receiver) -> World:
    directory.mkdir()
    return World(directory, receiver.port)


def _rows(name: str, result: Result, count: int) -> list[Row]:
    findings = result.findings
    return [
        Row(name=f"{name}: points", figure=count - len(result.missed), unit="", target=count, better="higher"),
        Row(name=f"{name}: acknowledged", figure=result.acknowledged, unit="messages"),
        Row(name=f"{name}: answered with unavailable, or not at all", figure=result.unknown, unit="messages"),
        Row(name=f"{name}: acknowledged and never delivered", figure=len(findings.lost), unit="", target=0),
        Row(name=f"{name}: refused and delivered", figure=len(findings.refused), unit="", target=0),
        Row(name=f"{name}: delivered again after it was recorded", figure=len(findings.repeated), unit="", target=0),
        Row(name=f"{name}: faults of the database", figure=len(findings.broken), unit="", target=0),
    ]  # fmt: skip
