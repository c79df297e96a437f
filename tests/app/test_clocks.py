"""Clocks that nobody's setting of the wall clock misleads: that of delivery, and that by which old things go."""

import io
from pathlib import Path

import pytest

from sesame.app.audit import AuditUpkeep
from sesame.config import Audit
from sesame.db.sqlite import SqliteStore
from sesame.observe import SETTLED_S, Log, SettledClock, SteadyClock
from tests.admin.test_audit import KEY, fill, with_store

YEAR_S = 365 * 86_400.0


class TwoClocks:
    """A wall clock that somebody sets, beside one that runs on."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.time = 50.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.time += seconds


def settled(clock: TwoClocks) -> SettledClock:
    return SettledClock(clock, SteadyClock(clock))


@pytest.mark.parametrize("step_s", [3_600.0, YEAR_S])
def test_a_clock_that_is_set_ahead_by_mistake_makes_nothing_old(step_s: float) -> None:
    clock = TwoClocks()
    ages = settled(clock)
    before = ages.now()
    clock.wall += step_s
    assert ages.now() == pytest.approx(before)
    clock.advance(SETTLED_S - 60.0)
    assert ages.now() == pytest.approx(before + SETTLED_S - 60.0)
    clock.wall -= step_s
    clock.advance(120.0)
    assert ages.now() == pytest.approx(before + SETTLED_S + 60.0) == pytest.approx(clock.wall)


def test_a_correction_counts_once_it_has_stood_for_a_day() -> None:
    """A machine that began in 1970 and has learnt the time since lets go of old things too."""
    clock = TwoClocks()
    ages = settled(clock)
    clock.wall += YEAR_S
    ages.now()
    clock.advance(SETTLED_S)
    assert ages.now() == clock.wall


def test_a_clock_that_is_set_back_counts_at_once_and_a_slow_correction_is_none() -> None:
    clock = TwoClocks()
    ages = settled(clock)
    clock.wall -= YEAR_S
    assert ages.now() == clock.wall
    clock = TwoClocks()
    ages = settled(clock)
    for _ in range(100):
        clock.advance(60.0)
        clock.wall += 0.01
        assert ages.now() == clock.wall


def test_the_audit_log_is_not_emptied_by_setting_the_clock(tmp_path: Path) -> None:
    async def check(store: SqliteStore) -> None:
        clock = TwoClocks()
        ages = settled(clock)
        await fill(store)
        log = Log(io.StringIO(), as_json=True, clock=clock)
        upkeep = AuditUpkeep(store, KEY, Audit(retention_days=30), clock=clock, ages=ages, log=log)
        rows = await store.read(lambda tx: tx.all("SELECT COUNT(*) FROM audit_row"))
        clock.wall += YEAR_S
        await upkeep.prune()
        assert await store.read(lambda tx: tx.all("SELECT COUNT(*) FROM audit_row")) == rows
        clock.advance(SETTLED_S)
        await upkeep.prune()
        assert await store.read(lambda tx: tx.all("SELECT COUNT(*) FROM audit_row")) != rows

    with_store(tmp_path, check)
