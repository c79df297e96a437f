"""Power cuts: a server's writes are recorded with their syncs, and the disk is looked at as cuts would leave it.

A cut falls between any two writes. What had been synced by then is there, of the rest what chance lets arrive, torn
perhaps; every message whose 200 a client had read by then must be in the database, and the database whole. Two
controls show that a loss would be seen: a store that does not wait for the disk, and a disk that says "done" too early.
"""

import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.faults import disk
from bench.faults.world import Findings, World, check_database
from bench.server import COMMAND
from bench.table import Row

ROUNDS = 20
CUTS = 10
MESSAGES = 5_000
CONTROL_MESSAGES = 400
SOME = 12
GOES_ON_WITHIN_S = 120.0
SEED = 1
WITHOUT_FSYNC = [sys.executable, "-m", "bench.without_fsync"]


@dataclass(slots=True)
class Cuts:
    """What a number of cuts came to."""

    acknowledged: int = 0
    cuts: int = 0
    cuts_with_a_loss: int = 0
    findings: Findings | None = None
    refused: int = 0


def cut(
    directory: Path,
    library: Path,
    *,
    messages: int,
    cuts: int,
    seed: int,
    launcher: list[str] = COMMAND,
    lies: bool = False,
    fault: str = "",
) -> Cuts:
    """Run a server under load, kill it, and look at its disk as `cuts` moments would have left it.

    `fault` as in `disk.c`: those calls fail. What the last moment left is where a next server can be started.
    """
    world = World(directory, 9, delivers=False)
    base = world.database.read_bytes()
    journal = directory / "journal"
    environ = {"LD_PRELOAD": str(library), "DISK_JOURNAL": str(journal)}
    if lies:
        environ["DISK_LIES"] = "1"
    if fault:
        environ["DISK_FAULT"] = fault
    world.start(launcher, environ=environ)
    began = time.monotonic()
    world.send(messages, within_s=240.0)
    while fault and not _saw_both(world) and time.monotonic() < began + GOES_ON_WITHIN_S:
        world.send(SOME, within_s=240.0)
    world.kill()
    draw = random.Random(seed)
    count = sum(1 for operation in disk.read(journal) if operation.at >= began)
    moments = {draw.randrange(max(1, count)) for _ in range(cuts - 1)} | {count - 1}
    found = Cuts(
        acknowledged=len(world.ledger.acknowledged), refused=len(world.ledger.unknown), findings=Findings()
    )
    image, number, now = directory / "image", 0, disk.Disk(base)
    image.mkdir()
    for operation in disk.read(journal):
        now.take(operation)
        if operation.at < began:
            continue
        if number in moments:
            now.cut(image, draw)
            findings = check_database(image / "sesame.db", world.ledger, before=operation.at)
            found.cuts += 1
            found.cuts_with_a_loss += bool(findings.lost)
            assert found.findings is not None
            found.findings.add(findings)
        number += 1
    return found


def _saw_both(world: World) -> bool:
    """Whether some messages met the fault and others did not: it may begin before the first or last beyond all."""
    return bool(world.ledger.acknowledged and world.ledger.unknown)


def run() -> list[Row]:
    """200 cuts, and the controls; nothing where there is no C compiler."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as name:
        library = disk.build(Path(name))
        if library is None:
            print("bench: power cuts are left out, there is no C compiler", file=sys.stderr)
            return []
        total = Cuts(findings=Findings())
        assert total.findings is not None
        for number in range(ROUNDS):
            done = _round(Path(name), library, messages=MESSAGES, cuts=CUTS, seed=SEED + number)
            total.acknowledged += done.acknowledged
            total.cuts += done.cuts
            assert done.findings is not None
            total.findings.add(done.findings)
        without = _round(
            Path(name), library, messages=CONTROL_MESSAGES, cuts=CUTS, seed=SEED, launcher=WITHOUT_FSYNC
        )
        lying = _round(Path(name), library, messages=CONTROL_MESSAGES, cuts=CUTS, seed=SEED, lies=True)
        failing = _round(
            Path(name), library, messages=CONTROL_MESSAGES, cuts=CUTS, seed=SEED, fault="sync:5:40:20"
        )
        full = _round(
            Path(name), library, messages=CONTROL_MESSAGES, cuts=CUTS, seed=SEED, fault="write:28:200:60"
        )
    assert failing.findings is not None and full.findings is not None
    return [
        Row(
            name="acknowledged", figure=total.acknowledged, unit="messages",
            target=ROUNDS * MESSAGES * 0.99, better="higher",
        ),
        Row(name="power cuts", figure=total.cuts, unit=""),
        Row(name="acknowledged and lost", figure=len(total.findings.lost), unit="messages", target=0),
        Row(name="databases that were not whole", figure=len(total.findings.broken), unit="faults", target=0),
        Row(
            name="control without fsync: share of cuts with a loss", figure=without.cuts_with_a_loss / without.cuts,
            unit="", target=0.3, better="higher",
        ),
        Row(
            name="control on a disk that lies: share of cuts with a loss",
            figure=lying.cuts_with_a_loss / lying.cuts, unit="", target=0.3, better="higher",
        ),
        Row(name="a sync that fails (EIO): acknowledged and lost", figure=failing.findings.count, unit="", target=0),
        Row(
            name="a sync that fails: answered with unavailable", figure=failing.refused, unit="messages",
            target=1, better="higher",
        ),
        Row(name="a disk that is full (ENOSPC): acknowledged and lost", figure=full.findings.count, unit="", target=0),
        Row(
            name="a disk that is full: answered with unavailable", figure=full.refused, unit="messages",
            target=1, better="higher",
        ),
    ]  # fmt: skip


def _round(
    parent: Path, library: Path, *, messages: int, cuts: int, seed: int, launcher: list[str] = COMMAND,
    lies: bool = False, fault: str = "",
) -> Cuts:  # fmt: skip
    directory = parent / f"round-{time.monotonic_ns()}"
    directory.mkdir()
    try:
        return cut(
            directory,
            library,
            messages=messages,
            cuts=cuts,
            seed=seed,
            launcher=launcher,
            lies=lies,
            fault=fault,
        )
    finally:
        shutil.rmtree(directory)
