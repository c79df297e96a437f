"""Nobody's trouble is everybody's: destinations that hang, dead addresses, large senders, restarts, clocks."""

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pytest

from sesame.db.sqlite import SqliteTransaction, _drive
from sesame.delivery.attempt import NoPlace
from sesame.delivery.lanes import Lanes, Limits, Place
from sesame.delivery.scheduler import Scheduler
from sesame.metrics import Metrics
from sesame.model import MessageId, Outcome, OutcomeKind
from sesame.observe import Log, SteadyClock
from sesame.spool.put import SpooledMessage, put_all
from sesame.spool.spool import Claim, Spool
from sesame.store.decisions import DecisionText
from tests.simulation.world import HOUR, POLICY, Database, Loop, ProcessStore, Wall, simulated
from tests.support.quiet import Nothing

DELIVERED = Outcome(kind=OutcomeKind.DELIVERED, status="2.0.0", diagnostic="250 ok", remote_mta="mx")
UNREACHABLE = Outcome(
    kind=OutcomeKind.TRANSIENT, status="4.4.1", diagnostic="no route to host", is_unreachable=True
)
HANGS_S = 300.0


class House:
    """A scheduler whose attempts take what `behaves` says; `domain` tells it which server that is."""

    def __init__(self, loop: Loop, behaves: Callable[[Claim], Awaitable[Outcome]], *, poll_s: float) -> None:
        self.loop = loop
        self.wall = Wall(loop)
        self.database = Database()
        self.behaves = behaves
        self.begun: Counter[str] = Counter()
        self.places: dict[int, Place] = {}
        """Of attempts under way, by recipient."""
        self.delivered_at: dict[str, float] = {}
        self.under_way = 0
        self.poll_s = poll_s
        self.most = 0
        self._number = 0

    def is_in_doubt(self, recipient_seq: int) -> bool:
        return False

    def is_transferring(self, recipient_seq: int) -> bool:
        return True

    async def refresh(self, claims: Sequence[Claim]) -> None:
        return None

    async def attempt(self, claim: Claim, place: Place) -> Outcome:
        self.begun[claim.address] += 1
        self.places[claim.recipient_seq] = place
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            found = await self.behaves(claim)
        finally:
            self.under_way -= 1
            del self.places[claim.recipient_seq]
        if found.kind is OutcomeKind.DELIVERED:
            self.delivered_at[claim.address] = self.loop.time()
        return found

    def start(self) -> None:
        self.steady = SteadyClock(self.wall)
        self.lanes = Lanes(Limits(places=200, per_domain=8, per_address=20))
        store = ProcessStore(self.database, fails=lambda: "")
        self._number += 1
        self.scheduler = Scheduler(
            Spool(store), self, Nothing(), Nothing(), POLICY, self.lanes,  # type: ignore[arg-type]
            clock=self.steady, wall=self.wall, log=Log(io.StringIO(), as_json=True, clock=self.wall),
            metrics=Metrics(), draw=lambda: 0.5, holder=f"process {self._number}", lease_s=900.0, poll_s=self.poll_s,
        )  # fmt: skip
        self.process = self.loop.create_task(self.scheduler.run())

    async def stop(self) -> None:
        self.scheduler.stop()
        await self.process

    def accept(self, account_id: str, *addresses: str) -> None:
        """One message to each address."""
        messages = [
            SpooledMessage(
                message_id=MessageId(address), account_id=account_id, owner_account_id="9", region="r", identity="",
                source="s@a.test", return_path="s@a.test", subject="", tags={}, decision=DecisionText(shared="{}"),
                accepted_at=self.wall.now(), queued_at=self.steady.now(), recipients=(address,), data=b"x\r\n",
            )
            for address in addresses
        ]  # fmt: skip
        connection = self.database.connection
        connection.execute("BEGIN")
        _drive(lambda tx: put_all(tx, messages), SqliteTransaction(connection))
        connection.execute("COMMIT")
        self.scheduler.wake(account_id, addresses)

    def waits(self, *addresses: str, since: float) -> list[float]:
        """How long each took from `since`."""
        return sorted(self.delivered_at.get(address, float("inf")) - since for address in addresses)

    def states(self) -> Counter[str]:
        return Counter(row[0] for row in self.database.rows("SELECT state FROM recipient"))


async def behaves(claim: Claim) -> Outcome:
    """By the first letters of the destination."""
    if claim.domain.startswith("hangs"):
        await asyncio.sleep(HANGS_S)
        return UNREACHABLE
    if claim.domain.startswith("dead"):
        await asyncio.sleep(0.01)
        return UNREACHABLE
    await asyncio.sleep(0.05)
    return DELIVERED


def simulate(
    story: Callable[[House], Awaitable[None]],
    behaves: Callable[[Claim], Awaitable[Outcome]] = behaves,
    *,
    poll_s: float = 1.0,
) -> House:
    with simulated() as loop:
        house = House(loop, behaves, poll_s=poll_s)

        async def session() -> None:
            house.start()
            await story(house)
            await house.stop()

        loop.run_until_complete(session())
        return house


@pytest.mark.parametrize(("hanging", "each"), [(4, 100), (64, 20), (300, 2)])
@pytest.mark.parametrize("is_known", [True, False])
def test_destinations_that_hang_hold_nobody_up(hanging: int, each: int, is_known: bool) -> None:
    async def story(h: House) -> None:
        if is_known:
            h.accept("b", "first@good.test")
            await asyncio.sleep(1.0)
        for number in range(hanging):
            h.accept(f"a{number % 5}", *(f"r{k}@hangs{number}.test" for k in range(each)))
        await asyncio.sleep(5.0)
        good = [f"r{k}@good.test" for k in range(20)]
        for address in good:
            h.accept("b", address)
            await asyncio.sleep(0.2)
        await asyncio.sleep(1.0)
        assert all(address in h.delivered_at for address in good)
        assert h.most <= 200

    house = simulate(story)
    assert house.begun["r5@good.test"] == 1


def test_one_dead_address_behind_a_thousand_domains_holds_nobody_up() -> None:
    house: House
    futile: Counter[str] = Counter()

    async def one_address(claim: Claim) -> Outcome:
        if claim.domain == "good.test":
            return await behaves(claim)
        place = house.places[claim.recipient_seq]
        place.routed(["10.0.0.1"])
        if not place.enter("10.0.0.1"):
            futile[claim.domain] += 1
            raise NoPlace("full")
        try:
            await asyncio.sleep(5.0)
            return UNREACHABLE
        finally:
            place.leave()

    async def story(h: House) -> None:
        nonlocal house
        house = h
        h.accept("a", *(f"r@d{number}.test" for number in range(1_000)))
        await asyncio.sleep(2.0)
        good = [f"r{k}@good.test" for k in range(10)]
        h.accept("a", *good)
        began = h.loop.time()
        await asyncio.sleep(5.0)
        assert h.waits(*good, since=began)[-1] <= 2.0
        assert h.under_way == 20
        await asyncio.sleep(600.0)
        assert set(h.begun) >= {f"r@d{number}.test" for number in range(1_000)}
        assert max(futile.values()) == 1  # only those of which nothing was known are begun to find no place

    simulate(story, one_address)


def test_domains_whose_name_servers_hang_hold_nobody_up_at_the_server_that_they_had() -> None:
    house: House
    hang_from = 60.0

    async def one_server(claim: Claim) -> Outcome:
        place = house.places[claim.recipient_seq]
        if claim.domain.startswith("hangs") and house.loop.time() >= hang_from:
            await asyncio.sleep(30.0)
            place.routed(())
            return Outcome(kind=OutcomeKind.TRANSIENT, status="4.4.3", diagnostic="no name server answers")
        place.routed(["10.0.0.1"])
        if not place.enter("10.0.0.1"):
            raise NoPlace("full")
        await asyncio.sleep(0.05)
        place.leave()
        return DELIVERED

    async def story(h: House) -> None:
        nonlocal house
        house = h
        hanging = [f"hangs{number}.test" for number in range(60)]
        for domain in (*hanging, "good.test"):
            h.accept("a", f"first@{domain}")
        await asyncio.sleep(hang_from)
        assert h.states() == {"delivered": 61}
        for number, domain in enumerate(hanging):
            h.accept(f"b{number % 5}", *(f"r{k}@{domain}" for k in range(4)))
        await asyncio.sleep(0.5)
        good = [f"r{k}@good.test" for k in range(20)]
        began = h.loop.time()
        h.accept("a", *good)
        await asyncio.sleep(10.0)
        assert h.waits(*good, since=began)[-1] <= 5.0

    simulate(story, one_server)


def test_a_small_senders_mail_goes_within_seconds_beside_a_backlog_of_which_half_is_slow() -> None:
    async def story(h: House) -> None:
        for number in range(40):
            kind = "hangs" if number % 2 else "good"
            h.accept("large", *(f"r{k}@{kind}{number}.test" for k in range(250)))
        await asyncio.sleep(30.0)
        small = [f"r{k}@small{k}.test" for k in range(10)]
        began = h.loop.time()
        h.accept("small", *small)
        await asyncio.sleep(10.0)
        assert h.waits(*small, since=began)[-1] <= 5.0

    simulate(story)


def test_twenty_thousand_retries_due_at_once_for_a_dead_destination_delay_nobody() -> None:
    async def story(h: House) -> None:
        for number in range(20):
            h.accept("a", *(f"r{number}-{k}@dead.test" for k in range(1_000)))
        await asyncio.sleep(600.0)
        good = [f"r{k}@good.test" for k in range(20)]
        began = h.loop.time()
        h.accept("a", *good)
        await asyncio.sleep(5.0)
        assert h.waits(*good, since=began)[-1] <= 2.0
        attempts = sum(count for address, count in h.begun.items() if address.endswith("@dead.test"))
        assert attempts < 100

    simulate(story)


def test_an_attempt_that_outlives_its_lease_is_made_once() -> None:
    async def takes_hours(claim: Claim) -> Outcome:
        await asyncio.sleep(3 * HOUR)
        return DELIVERED

    async def story(h: House) -> None:
        h.accept("a", "r@slow.test")
        await asyncio.sleep(4 * HOUR)

    house = simulate(story, takes_hours)
    assert (house.begun["r@slow.test"], house.states()) == (1, {"delivered": 1})


def test_a_hundred_orderly_restarts_bounce_nothing_that_hangs() -> None:
    async def story(h: House) -> None:
        h.accept("a", *(f"r{k}@hangs.test" for k in range(5)))
        for _ in range(100):
            await asyncio.sleep(2.0)
            await h.stop()
            h.start()
            assert h.states() == {"queued": 5}
        rows = h.database.rows("SELECT deaths, doubts, attempts FROM queue")
        assert all(deaths == doubts == 0 and attempts <= 1 for deaths, doubts, attempts in rows)

    simulate(story)


@pytest.mark.parametrize("step_s", [-15 * HOUR, -HOUR, HOUR, 15 * HOUR])
def test_a_step_of_the_clock_neither_expires_mail_nor_makes_it_wait(step_s: float) -> None:
    opens_at = 1_000.0

    async def opens(claim: Claim) -> Outcome:
        await asyncio.sleep(0.01)
        return DELIVERED if asyncio.get_running_loop().time() >= opens_at else UNREACHABLE

    async def story(h: House) -> None:
        h.accept("a", "before@one.test", "too@two.test")
        await asyncio.sleep(100.0)
        h.wall.offset += step_s
        h.accept("a", "after@three.test")
        await asyncio.sleep(2_000.0)

    house = simulate(story, opens)
    assert house.states() == {"delivered": 3}
    assert max(house.begun.values()) <= 6
    assert max(house.delivered_at.values()) <= opens_at + 1.25 * 960.0


def test_what_cannot_be_delivered_expires_when_its_time_is_over_and_not_before() -> None:
    async def story(h: House) -> None:
        h.accept("a", *(f"r{k}@dead.test" for k in range(300)))
        await asyncio.sleep(13.9 * HOUR)
        # The last retry of some may lie behind the end of their lives.
        assert h.states()["queued"] >= 250
        await asyncio.sleep(0.5 * HOUR)
        assert h.states() == {"expired": 300}

    simulate(story, poll_s=30.0)
