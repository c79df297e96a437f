"""Outcomes are written soon and together, and none is forgotten."""

import asyncio
import io
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from sesame.delivery.settling import Settling
from sesame.metrics import Metrics
from sesame.observe import Log
from sesame.spool.hold import Held
from sesame.spool.settle import Settled
from sesame.spool.spool import Settlement, Spool
from tests.support.clock import FakeClock
from tests.support.spooled import DELIVERED, Fixture, message, with_spool


class Counted(Spool):
    """Says how many outcomes each commit had."""

    def __init__(self, f: Fixture) -> None:
        super().__init__(f.store)
        self.commits: list[int] = []
        self.is_done = asyncio.Event()

    async def settle(self, settlements: Sequence[Settlement], *, at: float) -> Settled:
        settled = await super().settle(settlements, at=at)
        self.commits.append(settled.recorded)
        self.is_done.set()
        return settled


def test_outcomes_share_a_commit_that_is_made_when_it_is_hastened(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        for n in range(6):
            await f.put(message(f"m{n}"))
        spool, settling = of(f, gap_s=3_600.0)
        running = asyncio.ensure_future(settling.run())
        settling.hasten()  # there is nothing to write
        first, *others = (
            Settlement(claim=claim, outcome=DELIVERED, retry_at=None) for claim in await f.claim()
        )
        settling.add(first)
        settling.hasten()
        await spool.is_done.wait()
        for one in others:
            settling.add(one)
            await asyncio.sleep(0)
        assert spool.commits == [1]
        spool.is_done.clear()
        settling.hasten()
        await spool.is_done.wait()
        assert spool.commits == [1, 5]
        assert await f.bodies() == 0
        running.cancel()

    with_spool(tmp_path, check)


def test_an_outcome_that_nobody_hastens_is_written_when_its_time_is_up(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m"))
        spool, settling = of(f, gap_s=0.001)
        running = asyncio.ensure_future(settling.run())
        (claim,) = await f.claim()
        settling.add(Settlement(claim=claim, outcome=DELIVERED, retry_at=None))
        await spool.is_done.wait()
        running.cancel()

    with_spool(tmp_path, check)


def test_what_is_left_is_written_at_the_end(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m"))
        spool, settling = of(f, gap_s=3_600.0)
        running = asyncio.ensure_future(settling.run())
        (claim,) = await f.claim()
        settling.add(Settlement(claim=claim, outcome=DELIVERED, retry_at=None))
        await asyncio.sleep(0)
        assert spool.commits == []
        running.cancel()
        await settling.rest()
        assert spool.commits == [1]
        assert await f.bodies() == 0

    with_spool(tmp_path, check)


@pytest.mark.parametrize("can_hold", [True, False])
def test_an_outcome_that_cannot_be_written_lets_nothing_be_tried_again(
    tmp_path: Path, can_hold: bool
) -> None:
    """It is held, and what shared its commit is recorded; what cannot be held either goes in under its next claim."""

    async def check(f: Fixture) -> None:
        for n in range(3):
            await f.put(message(f"m{n}"))
        spool, settling = of(f, gap_s=0.001)
        claims = await f.claim()
        broken, settle, hold = claims[1].recipient_seq, spool.settle, spool.hold
        is_mended = False

        async def settles(settlements: Sequence[Settlement], *, at: float) -> Settled:
            if not is_mended and any(one.claim.recipient_seq == broken for one in settlements):
                raise sqlite3.IntegrityError("no such thing")
            return await settle(settlements, at=at)

        async def holds(seqs: Sequence[int], reason: str, *, at: float) -> list[Held]:
            if not can_hold:
                raise RuntimeError("of ours")
            return await hold(seqs, reason, at=at)

        spool.settle = settles  # type: ignore[method-assign]
        spool.hold = holds  # type: ignore[method-assign]
        for claim in claims:
            settling.add(Settlement(claim=claim, outcome=DELIVERED, retry_at=None))
        await settling._write()
        states = await f.store.read(lambda tx: tx.all("SELECT state FROM recipient ORDER BY seq"))
        assert [row[0] for row in states] == ["delivered", "held" if can_hold else "queued", "delivered"]
        (row,) = await f.store.read(lambda tx: tx.all("SELECT hold FROM queue"))
        if can_hold:
            assert row[0] == "its outcome cannot be recorded: delivered, 2.0.0"
            assert not settling.adopt(claims[1])
            return
        assert settling.adopt(claims[1])
        is_mended = True
        await settling._write()
        assert not settling.adopt(claims[1])
        assert await f.store.read(lambda tx: tx.all("SELECT hold FROM queue")) == []

    with_spool(tmp_path, check)


def of(f: Fixture, *, gap_s: float) -> tuple[Counted, Settling]:
    """A spool that counts, and what writes into it."""
    spool, clock = Counted(f), FakeClock()
    settling = Settling(
        spool, clock=clock, log=Log(io.StringIO(), as_json=True, clock=clock), metrics=Metrics(),
        recorded=lambda _: None, pause_s=1.0, gap_s=gap_s,
    )  # fmt: skip
    return spool, settling
