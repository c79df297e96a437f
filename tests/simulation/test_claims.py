"""Claims: those that end together are replaced with one, a message alone waits for none, and no place is lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from sesame.delivery.attempt import NoPlace
from sesame.delivery.scheduler import GAP_S
from sesame.model import Outcome
from sesame.spool.settle import Settled
from sesame.spool.spool import Claim, Claimed, Settlement, Spool
from tests.simulation.test_isolation import DELIVERED, UNREACHABLE, House, simulate

STORE_S = 0.003
"""What the simulated store takes for a claim, with what is read before it."""


async def an_instant(claim: Claim) -> Outcome:
    """About as long as a server near by takes, not the same for each."""
    await asyncio.sleep(0.02 + claim.recipient_seq % 7 * 0.0001)
    return DELIVERED


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many recipients each claim took."""
    counts: list[int] = []
    inner = Spool.claim

    async def claim(self: Spool, *args: object, **named: object) -> Claimed:
        found: Claimed = await inner(self, *args, **named)  # type: ignore[arg-type]
        counts.append(len(found.claims))
        return found

    monkeypatch.setattr(Spool, "claim", claim)
    return counts


def test_attempts_that_end_together_are_replaced_with_one_claim(claimed: list[int]) -> None:
    async def story(h: House) -> None:
        h.accept("a", *(f"r{k}@good.test" for k in range(400)))
        await asyncio.sleep(3.0)

    house = simulate(story, an_instant)
    assert house.states() == {"delivered": 400}
    taken = [count for count in claimed if count]
    assert len(taken) <= 400 / 8 + 6  # its limit grows to 8 at first


def test_a_message_alone_is_claimed_at_once_and_beside_others_within_the_gap() -> None:
    async def one_hangs(claim: Claim) -> Outcome:
        await asyncio.sleep(1e6 if claim.domain.startswith("hangs") else 0.0)
        return DELIVERED

    async def story(h: House) -> None:
        for number in range(20):
            h.accept("a", f"r{number}@good.test")
            began = h.loop.time()
            await asyncio.sleep(0.1)
            assert h.waits(f"r{number}@good.test", since=began)[0] <= STORE_S * 1.01
        h.accept("b", "r@hangs.test")
        await asyncio.sleep(0.1)
        for number in range(20, 40):
            h.accept("a", f"r{number}@good.test")
            began = h.loop.time()
            await asyncio.sleep(0.1)
            assert h.waits(f"r{number}@good.test", since=began)[0] <= (STORE_S + GAP_S) * 1.01

    simulate(story, one_hangs)


def test_outcomes_are_recorded_with_the_next_claim_and_alone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[tuple[float, int]] = []
    inner = Spool.settle

    async def settle(self: Spool, settlements: Sequence[Settlement], *, at: float) -> Settled:
        commits.append((asyncio.get_running_loop().time(), len(settlements)))
        return await inner(self, settlements, at=at)

    monkeypatch.setattr(Spool, "settle", settle)

    async def story(h: House) -> None:
        h.accept("a", "r@good.test")
        await asyncio.sleep(1.0)
        assert commits == [(h.delivered_at["r@good.test"], 1)]
        commits.clear()
        h.accept("a", *(f"r{k}@good.test" for k in range(400)))
        await asyncio.sleep(3.0)
        assert h.states() == {"delivered": 401}
        assert len(commits) <= 400 / 8 + 6

    simulate(story, an_instant)


def test_a_stop_in_the_middle_gives_every_place_back() -> None:
    """Places of attempts that are broken off before they come to an address, there, and between two."""
    seen: Counter[str] = Counter()
    house: House

    async def goes_on(claim: Claim) -> Outcome:
        place = house.places[claim.recipient_seq]
        for step in range(claim.recipient_seq % 4):
            place.routed(["10.0.0.1", "10.0.0.2"])
            if not place.enter(f"10.0.0.{step % 2 + 1}"):
                raise NoPlace("full")
            await asyncio.sleep(0.3)
            if step % 2:
                place.leave()
        seen[str(place.address)] += 1
        await asyncio.sleep(1e6)
        return UNREACHABLE

    async def story(h: House) -> None:
        nonlocal house
        house = h
        h.accept("a", *(f"r{number}-{k}@d{number}.test" for number in range(60) for k in range(2)))
        await asyncio.sleep(20.0)
        assert h.lanes.free < 200
        assert set(seen) == {"None", "10.0.0.1"}
        await h.stop()
        assert h.lanes.free == 200
        assert h.lanes._addresses == {}
        h.start()

    simulate(story, goes_on)
