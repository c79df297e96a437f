"""A day of delivery with every fault that the dice know, and what must be true after it.

The checker looks at the servers' ledger, the clients' list and the event log, not at the service's own counters. A
failure prints its seed: `run(seed)` plays it again.
"""

import asyncio
import os
from typing import Any

import pytest

from sesame.delivery import retry
from sesame.delivery.retry import DOUBT_FACTOR
from sesame.delivery.settling import Settling
from sesame.errors import Unavailable
from sesame.observe import SteadyClock
from tests.simulation.world import HOUR, POLICY, POLL_S, World, simulated

SEEDS = range(int(os.environ.get("SESAME_SIMULATION_SEEDS", "100")))
END = 30 * HOUR
FINAL = {"delivered", "bounced", "expired"}


async def play(world: World) -> list[str]:
    """Accept mail over some hours among faults, then let it end; the recipients."""
    rng = world.rng
    await world.start()
    accepted: list[str] = []
    number = 0
    troubled_until = rng.choice([0.0, 1.0, 4.0]) * HOUR
    while world.loop.time() < 2 * HOUR or world.loop.time() < troubled_until:
        for _ in range(rng.choice([0, 1, 2, 8])):
            if len(accepted) < 60:
                domains = rng.sample(sorted(world.domains), rng.choice([1, 1, 3]))
                who = "nobody" if rng.random() < 0.1 else "r"
                addresses = [f"{who}{number}@{domain}" for domain in domains]
                await world.accept(number, *addresses)
                accepted += addresses
                number += 1
        await asyncio.sleep(rng.choice([0.1, 5.0, 60.0, 900.0]))
        if world.loop.time() < troubled_until:
            await disturb(world)
    world.store_fault_rate = 0.0
    world.network.files = 10_000
    while world.loop.time() < END and any(state == "queued" for state in world.states().values()):  # noqa: ASYNC110 - time is simulated
        await asyncio.sleep(300.0)
    await world.stop()
    return accepted


async def disturb(world: World) -> None:
    """Something happens to the machine."""
    rng = world.rng
    match rng.choice(["kill", "stop", "clock", "store", "files", "nothing"]):
        case "kill":
            await world.kill()
            await world.start()
        case "stop":
            await world.stop()
            await world.start()
        case "clock":
            world.wall.offset += rng.choice([-15 * HOUR, -HOUR, HOUR, 15 * HOUR])
        case "store":
            world.store_fault_rate = rng.choice([0.0, 0.05, 0.5])
        case "files":
            world.network.files = rng.choice([2, 10_000])
    world.disturbances += 1


def check(world: World, accepted: list[str]) -> None:
    """What must be true (I1, I2, I8, and no copy without an excuse)."""
    states = world.states()
    assert sorted(states) == sorted(accepted)
    for address in accepted:
        state, copies = states[address], world.ledger.copies.get(address, [])
        assert state in FINAL or (state == "held" and world.kills >= 3), (address, state)
        unexcused = [copy for copy in copies[:-1] if copy.is_told and not copy.is_excused]
        assert not unexcused, f"{address} was delivered again after a recorded 250"
        assert state != "delivered" or copies, f"{address} is said to be delivered and was not"
        assert (state == "bounced") == (address in world.ledger.refused) or state == "held", (address, state)
        assert not (copies and copies[-1].is_told and not copies[-1].is_excused) or state == "delivered", (
            address
        )
        check_expired(world, address, state)
        check_retries(world, address)
    check_events(world, states)
    left = world.database.rows("SELECT seq FROM queue WHERE hold IS NULL")
    assert left == [], "the queue holds what is settled"
    bodies = world.database.rows("SELECT COUNT(*) FROM body")[0][0]
    assert bodies == len(
        world.database.rows("SELECT DISTINCT message_seq FROM recipient WHERE state = 'held'")
    )
    assert world.network.most_open <= 16 + 6 + 64


def check_expired(world: World, address: str, state: str) -> None:
    """Nothing expires before its time, whatever the wall clock says."""
    if state != "expired":
        return
    ended = world.ledger.ended.get(address, [])
    doubts = sum(outcome.ambiguous for _, outcome in ended) + sum(
        not copy.is_told for copy in world.ledger.copies.get(address, [])
    )
    begun = world.ledger.begun.get(address)
    assert begun, f"{address} expired and was never tried"
    first = begun[0]
    assert doubts >= retry.MAX_DOUBTS or world.loop.time() - first >= POLICY.give_up_after_s / 2, address


def check_retries(world: World, address: str) -> None:
    """No retry waits longer than 1.25 times its delay, where no other mail waits for the same destination."""
    domain = address.partition("@")[2]
    alone = sum(other.endswith(f"@{domain}") for other in world.states()) == 1
    if world.disturbances or not alone:
        return
    begun, ended = world.ledger.begun[address], world.ledger.ended[address]
    doubts = 0
    for number, ((at, outcome), again) in enumerate(zip(ended, begun[1:], strict=False)):
        doubts += outcome.ambiguous
        delay = min(POLICY.first_delay_s * 2**number * DOUBT_FACTOR**doubts, POLICY.longest_delay_s)
        assert delay - 1e-6 <= again - at <= 1.25 * delay + POLL_S, (address, number, again - at)


def check_events(world: World, states: dict[str, str]) -> None:
    """Each recipient has exactly one event of its end, the right one, after that of its acceptance (I8)."""
    rows = world.database.rows(
        "SELECT r.address, e.kind FROM event_log e JOIN recipient r"
        " ON r.message_seq = e.message_seq AND r.n = e.n ORDER BY e.seq"
    )
    ends = {address: [kind for to, kind in rows if to == address and kind in FINAL] for address in states}
    assert ends == {address: [state] if state in FINAL else [] for address, state in states.items()}


def run(seed: int) -> World:
    """Play one seed."""
    try:
        with simulated() as loop:
            world = World(seed, loop)
            accepted = loop.run_until_complete(play(world))
            check(world, accepted)
            return world
    except BaseException as error:
        error.add_note(f"seed {seed}: tests.simulation.test_simulation.run({seed})")
        raise


@pytest.mark.parametrize("first", range(0, len(SEEDS), 20))
def test_a_day_of_faults_loses_nothing_and_doubles_nothing(first: int) -> None:
    for seed in SEEDS[first : first + 20]:
        run(seed)


def is_red(seed: int) -> bool:
    """Whether the checker finds something."""
    try:
        run(seed)
    except AssertionError:
        return True
    return False


def test_the_checker_sees_an_outcome_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Settling._write

    async def forgetful(self: Settling) -> None:
        batch: Any = dict(self._done)
        try:
            await write(self)
        except Unavailable:
            for seq in batch:
                self._done.pop(seq, None)
            raise

    monkeypatch.setattr(Settling, "_write", forgetful)
    assert any(map(is_red, range(12)))


def test_the_checker_sees_a_clock_that_follows_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SteadyClock, "now", lambda self: self._clock.now())
    assert any(map(is_red, range(12)))
