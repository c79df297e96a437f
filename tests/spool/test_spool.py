"""The spool: put, claim, settle, and what a crash or a late worker may not do."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sesame.db import Store, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.model import MessageId, Outcome, OutcomeKind
from sesame.spool.put import SpooledMessage, put
from sesame.spool.spool import Claim, Settlement, Spool
from sesame.spool.trace import Trace, trace

DELIVERED = Outcome(kind=OutcomeKind.DELIVERED, status="2.0.0", diagnostic="250 Ok")
BOUNCED = Outcome(kind=OutcomeKind.PERMANENT, status="5.1.1", diagnostic="550 no such user")
DELAYED = Outcome(kind=OutcomeKind.TRANSIENT, status="4.7.1", diagnostic="451 later")


def message(message_id: str = "m1", *recipients: str, at: float = 100.0) -> SpooledMessage:
    return SpooledMessage(
        message_id=MessageId(message_id),
        account_id="111111111111",
        owner_account_id="222222222222",
        region="us-east-1",
        identity="example.com",
        source="a@example.com",
        return_path="a@example.com",
        subject="s",
        tags={},
        decision="{}",
        accepted_at=at,
        recipients=recipients or ("x@one.test",),
        data=b"From: a@example.com\r\n\r\nhi\r\n",
    )


class Fixture:
    """A spool on a fresh store."""

    def __init__(self, store: SqliteStore) -> None:
        self.store: Store = store
        self.spool = Spool(store)

    async def put(self, spooled: SpooledMessage) -> None:
        await self.store.write(lambda tx: put(tx, spooled))

    async def claim(self, lease: str = "w", *, now: float = 100.0, **options: object) -> list[Claim]:
        return await self.spool.claim(now=now, limit=100, lease=lease, lease_s=60.0, **options)  # type: ignore[arg-type]

    async def settle(
        self, claim: Claim, outcome: Outcome, *, retry_at: float | None = None, now: float = 101.0
    ) -> int:
        return await self.spool.settle([Settlement(claim=claim, outcome=outcome, retry_at=retry_at)], now=now)

    async def events(self) -> list[tuple[str, str | None]]:
        async def run(tx: Transaction) -> list[tuple[str, str | None]]:
            return [
                (row[0], row[1]) for row in await tx.all("SELECT kind, recipient FROM event ORDER BY seq")
            ]

        return await self.store.read(run)

    async def bodies(self) -> int:
        async def run(tx: Transaction) -> int:
            row = await tx.one("SELECT COUNT(*) FROM body")
            assert row is not None
            return int(row[0])

        return await self.store.read(run)

    async def trace(self, message_id: str = "m1") -> Trace:
        found = await trace(self.store, message_id)
        assert found is not None
        return found


def with_spool(tmp_path: Path, function: Callable[[Fixture], Awaitable[None]]) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            await function(Fixture(store))
        finally:
            store.close()

    asyncio.run(session())


def test_a_claimed_recipient_is_nobody_elses_until_its_lease_ends(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        first = await f.claim("one", now=100.0)
        assert [claim.address for claim in first] == ["x@one.test"]
        assert await f.claim("two", now=159.0) == []
        again = await f.claim("two", now=161.0)
        assert [claim.attempts for claim in again] == [2]

    with_spool(tmp_path, check)


def test_a_worker_that_lost_its_lease_cannot_settle(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (late,) = await f.claim("one", now=100.0)
        (current,) = await f.claim("two", now=200.0)
        assert await f.settle(late, BOUNCED) == 0
        assert await f.settle(current, DELIVERED) == 1
        assert [r.state for r in (await f.trace()).recipients] == ["delivered"]

    with_spool(tmp_path, check)


def test_settling_twice_changes_nothing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        assert [await f.settle(claim, DELIVERED), await f.settle(claim, BOUNCED)] == [1, 0]
        assert await f.events() == [("Send", None), ("Delivery", "x@one.test")]

    with_spool(tmp_path, check)


def test_each_recipient_ends_in_its_own_state_and_the_body_goes_with_the_last(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@one.test", "b@one.test", "c@one.test"))
        a, b, c = await f.claim()
        await f.settle(a, DELIVERED)
        await f.settle(b, BOUNCED)
        await f.settle(c, DELAYED, retry_at=300.0)
        assert [r.state for r in (await f.trace()).recipients] == ["delivered", "bounced", "queued"]
        assert await f.bodies() == 1
        assert await f.claim("later", now=299.0) == []
        (c,) = await f.claim("later", now=301.0)
        await f.settle(c, DELAYED, retry_at=None)
        assert [r.state for r in (await f.trace()).recipients] == ["delivered", "bounced", "expired"]
        assert await f.bodies() == 0
        assert await f.claim("later", now=9_999.0) == []
        kinds = [kind for kind, _ in await f.events()]
        assert kinds == ["Send", "Delivery", "Bounce", "DeliveryDelay", "Bounce"]

    with_spool(tmp_path, check)


def test_attempts_are_traced_with_the_remotes_words(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim(now=100.0)
        await f.settle(claim, DELAYED, retry_at=150.0)
        (claim,) = await f.claim(now=151.0)
        await f.settle(claim, DELIVERED)
        (recipient,) = (await f.trace()).recipients
        assert [(a.kind, a.diagnostic) for a in recipient.attempts] == [
            ("transient", "451 later"),
            ("delivered", "250 Ok"),
        ]

    with_spool(tmp_path, check)


def test_a_full_destination_is_passed_over(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@Slow.test", "b@slow.test", "c@slow.test", "d@fast.test"))
        claims = await f.claim(per_domain=3, active={"slow.test": 1})
        assert [claim.address for claim in claims] == ["a@Slow.test", "b@slow.test", "d@fast.test"]
        assert await f.claim(per_domain=3, active={"slow.test": 3}) == []
        assert [claim.address for claim in await f.claim()] == ["c@slow.test"]

    with_spool(tmp_path, check)


def test_a_restart_makes_what_was_leased_due_again(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (lost,) = await f.claim("before", now=100.0)
        assert await f.spool.release_all(now=105.0) == 1
        assert await f.settle(lost, DELIVERED) == 0
        assert [claim.attempts for claim in await f.claim("after", now=105.0)] == [2]

    with_spool(tmp_path, check)


def test_purging_leaves_what_is_still_queued(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("old-done", at=10.0))
        await f.put(message("old-queued", "q@one.test", at=10.0))
        await f.put(message("new-done", "n@one.test", at=500.0))
        for claim in await f.claim(now=600.0):
            if claim.message_id != "old-queued":
                await f.settle(claim, DELIVERED, now=600.0)
        assert await f.spool.purge_before(400.0) == 1
        assert await trace(f.store, "old-done") is None
        assert (await f.trace("old-queued")).recipients[0].state == "queued"
        assert (await f.trace("new-done")).recipients[0].state == "delivered"

    with_spool(tmp_path, check)


def test_depth_and_next_due_time_follow_the_queue(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        assert (await f.spool.depth(), await f.spool.next_due_at()) == ((0, None), None)
        await f.put(message("m1", "a@one.test", "b@one.test"))
        assert (await f.spool.depth(), await f.spool.next_due_at()) == ((2, 100.0), 100.0)
        for claim in await f.claim():
            await f.settle(claim, DELIVERED)
        assert (await f.spool.depth(), await f.spool.next_due_at()) == ((0, None), None)

    with_spool(tmp_path, check)


def test_a_message_that_ends_its_process_three_times_is_given_up(tmp_path: Path) -> None:
    """The count of attempts is stored before the work, so a death leaves its mark."""

    async def check(f: Fixture) -> None:
        await f.put(message("m1", "poison@one.test", "fine@one.test"))
        for now in (100.0, 200.0, 300.0):
            _, fine = await f.claim(now=now)
            await f.settle(fine, DELAYED, retry_at=now + 50.0)  # the worker dies before it settles `poison`
        assert [claim.address for claim in await f.claim(now=400.0)] == ["fine@one.test"]
        assert [r.state for r in (await f.trace()).recipients] == ["bounced", "queued"]
        assert ("Bounce", "poison@one.test") in await f.events()

    with_spool(tmp_path, check)
