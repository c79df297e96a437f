"""Outcomes are written soon and together, and none is forgotten."""

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path

from sesame.delivery.settling import Settling
from sesame.metrics import Metrics
from sesame.observe import Log
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


def of(f: Fixture, *, gap_s: float) -> tuple[Counted, Settling]:
    """A spool that counts, and what writes into it."""
    spool, clock = Counted(f), FakeClock()
    settling = Settling(
        spool, clock=clock, log=Log(io.StringIO(), as_json=True, clock=clock), metrics=Metrics(),
        recorded=lambda _: None, pause_s=1.0, gap_s=gap_s,
    )  # fmt: skip
    return spool, settling
