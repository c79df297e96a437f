"""From which address an attempt goes: of the right family, the same again for a recipient, within the day's room."""

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sesame.access.egress import WarmupPlan
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.delivery.attempt import Deliverer, _Message, _Work
from sesame.delivery.dial import SourceUnusable
from sesame.delivery.egress import NoSource, Sources
from sesame.delivery.route import Host, Route
from sesame.delivery.session import Session
from sesame.delivery.tls import OPPORTUNISTIC
from sesame.delivery.tls_policy import Wishes
from sesame.model import MessageId, SourceAddress
from sesame.observe import Log
from sesame.smtp.dialogue import Dialogue
from sesame.spool.spool import Claim
from sesame.store import egress
from tests.support.attempts import body_of
from tests.support.clock import FakeClock
from tests.support.quiet import Nothing

V4, V6 = "192.0.2.200", "2001:db8::200"


def source(address: str, *accounts: str, is_warm: bool = True) -> SourceAddress:
    return SourceAddress(
        address=address, bind=address, hello=f"{address}.test", accounts=accounts, is_warm=is_warm
    )


def claim(seq: int = 0, *, account: str = "1", pool: str = "") -> Claim:
    return Claim(
        recipient_seq=seq, recipient_index=0, address="r@d.test", domain="d.test", attempts=1, token=1,
        message_seq=1, message_id=MessageId("m"), account_id=account, owner_account_id=account, region="r",
        identity="", accepted_at=0.0, queued_at=0.0, pool=pool,
    )  # fmt: skip


class World:
    """Sources on a fresh store, and a clock to turn."""

    def __init__(self, store: SqliteStore, *addresses: SourceAddress, first: int = 2) -> None:
        self.store = store
        self.clock = FakeClock(20_000 * egress.DAY_S + 100.0)
        self.addresses = addresses
        self.plan = WarmupPlan(first=first, last=1000)
        self.restart()

    def restart(self) -> None:
        log = Log(io.StringIO(), as_json=True, clock=self.clock)
        self.sources = Sources(self.addresses, self.store, plan=self.plan, clock=self.clock, log=log)

    async def take(self, one: Claim, host: str = V4) -> str | None:
        """The address that the claim's host is tried from."""
        await self.sources.refresh([one])
        taken = await self.sources.take(one, host)
        return None if taken.source is None else taken.source.address


def with_world(tmp_path: Path, check: Callable[[World], Awaitable[None]], *addresses: SourceAddress) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            world = World(store, *addresses)
            await world.sources.start()
            await check(world)
        finally:
            store.close()

    asyncio.run(session())


def test_without_addresses_the_machine_chooses(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        assert await world.take(claim()) is None

    with_world(tmp_path, check)


def test_hosts_are_tried_from_an_address_of_their_family(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        assert await world.take(claim()) == "192.0.2.1"
        assert await world.take(claim(), V6) == "2001:db8::1"
        assert await world.take(claim(account="2"), V6) is None, "nothing is shared in that family"
        assert await world.take(claim(account="3")) == "192.0.2.3"
        with pytest.raises(NoSource, match="`ses-default-dedicated-pool` has no IPv6 address"):
            await world.take(claim(account="3"), V6)

    with_world(
        tmp_path, check, source("192.0.2.1", "1"), source("2001:db8::1", "1"), source("192.0.2.2"),
        source("192.0.2.3", "3"),
    )  # fmt: skip


def test_an_account_without_addresses_has_the_shared_ones_and_no_other_has_them_first(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        assert {await world.take(claim(n, account="2")) for n in range(9)} == {"192.0.2.2", "192.0.2.3"}
        assert {await world.take(claim(n)) for n in range(9)} == {"192.0.2.1"}
        assert await world.take(claim(pool="ses-shared-pool")) in ("192.0.2.2", "192.0.2.3")

    with_world(tmp_path, check, source("192.0.2.1", "1"), source("192.0.2.2"), source("192.0.2.3"))


def test_recipients_are_spread_evenly_and_each_is_tried_from_the_same_address_again(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        first = [await world.take(claim(n)) for n in range(90)]
        assert [await world.take(claim(n)) for n in range(90)] == first
        assert sorted(Counter(first).values()) == [30, 30, 30]

    with_world(tmp_path, check, *(source(f"192.0.2.{n}", "1") for n in (1, 2, 3)))


def test_a_pool_that_is_changed_is_so_for_mail_that_waits(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.store.write(
            lambda tx: egress.put_pool(tx, "1", "r", "p", scaling_mode="STANDARD", at=0.0)
        )
        with pytest.raises(NoSource, match="pool `p` has no address"):
            await world.take(claim(pool="p"))
        await world.store.write(lambda tx: egress.assign(tx, "1", "r", "192.0.2.2", pool="p"))
        assert {await world.take(claim(n, pool="p")) for n in range(4)} == {"192.0.2.2"}
        assert {await world.take(claim(n)) for n in range(4)} == {"192.0.2.1"}
        await world.store.write(lambda tx: egress.delete_pool(tx, "1", "r", "p"))
        assert {await world.take(claim(n, pool="p")) for n in range(4)} == {"192.0.2.1", "192.0.2.2"}

    with_world(tmp_path, check, source("192.0.2.1", "1"), source("192.0.2.2", "1"), source("192.0.2.9"))


def test_a_pool_of_an_account_without_addresses_has_nobody_elses(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.store.write(lambda tx: egress.put_pool(tx, "2", "r", "p", scaling_mode="MANAGED", at=0.0))
        with pytest.raises(NoSource, match="pool `p` has no address"):
            await world.take(claim(account="2", pool="p"))

    with_world(tmp_path, check, source("192.0.2.1", "1"), source("192.0.2.9"))


def test_the_rooms_of_a_day_are_used_up_come_back_with_the_next_and_outlive_a_restart(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        found = [await world.take(claim(n)) for n in range(6)]
        assert found == ["192.0.2.1", "192.0.2.1", *["192.0.2.9"] * 4]
        await world.store.write(lambda tx: egress.count(tx, {"192.0.2.1": 1}, at=world.clock.now()))
        world.restart()
        assert [await world.take(claim(n)) for n in range(2)] == ["192.0.2.1", "192.0.2.9"]
        world.clock.advance(egress.DAY_S)
        assert [await world.take(claim(n)) for n in range(3)] == ["192.0.2.1", "192.0.2.1", "192.0.2.9"]

    with_world(tmp_path, check, source("192.0.2.1", "1", is_warm=False), source("192.0.2.9"))


def test_what_went_nowhere_takes_no_room(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.sources.refresh([claim()])
        for _ in range(5):
            taken = await world.sources.take(claim(), V4)
            assert taken.source is not None and taken.is_warming
            world.sources.give_back(taken)
        assert [await world.take(claim(n)) for n in range(3)] == ["192.0.2.1", "192.0.2.1", "192.0.2.9"]

    with_world(tmp_path, check, source("192.0.2.1", "1", is_warm=False), source("192.0.2.9"))


def test_an_address_that_cannot_be_used_is_left_alone_for_a_while(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        first, second = world.addresses
        world.sources.unusable(first, "Cannot assign requested address")
        assert {await world.take(claim(n)) for n in range(4)} == {second.address}
        world.sources.unusable(second, "Cannot assign requested address")
        with pytest.raises(NoSource, match="no IPv4 address that can be used"):
            await world.take(claim())
        world.clock.advance(61)
        assert {await world.take(claim(n)) for n in range(4)} == {first.address, second.address}

    with_world(tmp_path, check, source("192.0.2.1", "1"), source("192.0.2.2", "1"))


def test_a_second_look_at_the_day_takes_back_nothing_that_was_given_away_meanwhile(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        inner, gates = world.store, [asyncio.Event(), asyncio.Event()]
        waiting = iter(gates)

        class Slow:
            async def read(
                self, function: Callable[[Transaction], Awaitable[object]], *, is_short: bool = False
            ) -> object:
                gate = next(waiting)
                found = await inner.read(function)
                await gate.wait()
                return found

        log = Log(io.StringIO(), as_json=True, clock=world.clock)
        sources = Sources(world.addresses, Slow(), plan=world.plan, clock=world.clock, log=log)  # type: ignore[arg-type]
        looks = [asyncio.ensure_future(sources.refresh([claim()])) for _ in gates]
        await asyncio.sleep(0)
        gates[0].set()
        await looks[0]
        for n in range(2):
            assert (await sources.take(claim(n), V4)).is_warming
        gates[1].set()
        await looks[1]
        assert not (await sources.take(claim(), V4)).is_warming

    with_world(tmp_path, check, source("192.0.2.1", "1", is_warm=False), source("192.0.2.9"))


@pytest.mark.parametrize("fault", [SourceUnusable("no such address"), RuntimeError("of ours")])
def test_an_attempt_that_never_left_takes_no_room(tmp_path: Path, fault: Exception) -> None:
    """Neither where the address cannot be used nor where something of ours broke before a connection was there."""

    class Broken:
        async def borrow(
            self, host: Host, *, is_fresh: bool = False, dialogue: Dialogue | None = None
        ) -> Session:
            raise fault

    async def check(world: World) -> None:
        (first,) = world.addresses
        host = Host("mx.test", V4, 25)
        wishes = Wishes(route=Route(domain="d.test", hosts=(host,)), floor=OPPORTUNISTIC)
        deliverer = Deliverer(
            Nothing(), Nothing(), Broken(), Nothing(), Nothing(), world.clock,  # type: ignore[arg-type]
            sources=world.sources,
            body=body_of(None), return_path=lambda message_id, n, domain: "",
        )  # fmt: skip
        message = _Message(b"", (), Nothing(), trace_field=b"")  # type: ignore[arg-type]
        await world.sources.refresh([claim()])
        until = asyncio.get_running_loop().time() + 60.0
        work = _Work(claim=claim(), message=message, mail_from="", wishes=wishes, until=until)
        with pytest.raises(NoSource if isinstance(fault, SourceUnusable) else RuntimeError):
            await deliverer._try_from(host, work, Dialogue())
        world.clock.advance(61)
        assert [await world.take(claim(n)) for n in range(2)] == [first.address] * 2

    with_world(tmp_path, check, source("192.0.2.1", "1", is_warm=False))
