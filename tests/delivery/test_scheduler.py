"""The scheduler: everything due is attempted once, within its bounds, and settled."""

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from sesame.access.redecide import Again, Ruling
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.delivery.authority import NotAllowed
from sesame.delivery.dial import OutOfResources
from sesame.delivery.lanes import Lanes, Limits, Place
from sesame.delivery.retry import RetryPolicy
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.settling import Settling
from sesame.errors import StoreUnavailable
from sesame.mail.header import MessageError
from sesame.metrics import Metrics
from sesame.model import MessageId, Outcome, OutcomeKind
from sesame.observe import Log
from sesame.smtp.errors import LocalProtocolError, MessageDefect
from sesame.spool.pieces import BEGINNING_BYTES, Staging
from sesame.spool.put import SpooledMessage, put
from sesame.spool.settle import Settled
from sesame.spool.spool import Claim, Settlement, Spool
from sesame.spool.trace import RecipientTrace, trace
from sesame.store.decisions import DecisionText
from tests.support.attempts import claim
from tests.support.clock import FakeClock
from tests.support.patience import PATIENCE_S
from tests.support.quiet import Nothing

DELIVERED = Outcome(kind=OutcomeKind.DELIVERED, status="2.0.0", diagnostic="250 Ok")
IN_DOUBT = Outcome(
    kind=OutcomeKind.TRANSIENT, status="4.5.0", diagnostic="body: no reply", remote_mta="m", ambiguous=True
)
DELAYED = Outcome(kind=OutcomeKind.TRANSIENT, status="4.2.0", diagnostic="450 later")


class Deliverer:
    """Counts what is under way and answers with what `decide` says."""

    def __init__(self, decide: Callable[[Claim], Awaitable[Outcome]]) -> None:
        self._decide = decide
        self.attempts: list[str] = []
        self.transferring = True
        self.in_doubt: set[str] = set()
        self._address: dict[int, str] = {}
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def is_in_doubt(self, recipient_seq: int) -> bool:
        return self._address[recipient_seq] in self.in_doubt

    def is_transferring(self, recipient_seq: int) -> bool:
        return self.transferring

    async def refresh(self, claims: Sequence[Claim]) -> None:
        return None

    async def attempt(self, claim: Claim, place: Place) -> Outcome:
        domain = claim.address.rpartition("@")[2]
        self.attempts.append(claim.address)
        self._address[claim.recipient_seq] = claim.address
        self.now[domain] += 1
        self.most[domain] = max(self.most[domain], self.now[domain])
        try:
            return await self._decide(claim)
        finally:
            self.now[domain] -= 1


class Fixture:
    """A scheduler on a fresh spool."""

    def __init__(self, store: SqliteStore, decide: Callable[[Claim], Awaitable[Outcome]]) -> None:
        self.store = store
        self.clock = FakeClock(1000.0)
        self.deliverer = Deliverer(decide)
        self.scheduler = Scheduler(
            Spool(store), self.deliverer, Nothing(), Nothing(),  # type: ignore[arg-type]
            RetryPolicy(first_delay_s=60, longest_delay_s=3600, give_up_after_s=10_000),
            Lanes(Limits(places=16, per_domain=4, per_address=4)),
            clock=self.clock, wall=self.clock, log=Log(sys.stderr, as_json=True, clock=self.clock), metrics=Metrics(),
            draw=lambda: 0.0, holder="me", lease_s=600,
        )  # fmt: skip

    async def put(
        self, message_id: str, *recipients: str, data: bytes = b"", is_staged: bool = False
    ) -> None:
        message = SpooledMessage(
            message_id=MessageId(message_id), account_id="1", owner_account_id="1", region="r", identity="",
            source="s@a.test", return_path="s@a.test", subject="", tags={}, decision=DecisionText(shared="{}"),
            accepted_at=self.clock.now(), recipients=recipients, data=data, is_staged=is_staged,
        )  # fmt: skip
        await self.store.write(lambda tx: put(tx, message))
        self.scheduler.wake("1", recipients)

    async def states(self, message_id: str) -> list[str]:
        found = await trace(self.store, message_id, viewer=None)
        assert found is not None
        return [recipient.state for recipient in found.recipients]

    async def recipient(self, message_id: str) -> RecipientTrace:
        found = await trace(self.store, message_id, viewer=None)
        assert found is not None
        return found.recipients[0]

    async def due_at(self, message_id: str) -> float:
        found = await trace(self.store, message_id, viewer=None)
        assert found is not None
        return found.recipients[0].due_at

    async def until_attempted(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.deliverer.attempts) < count:  # noqa: ASYNC110 - an attempt tells nobody
                await asyncio.sleep(0.005)

    async def until_settled(self, message_id: str) -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            while "queued" in (states := await self.states(message_id)):  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.005)
        return states


def with_scheduler(
    tmp_path: Path,
    decide: Callable[[Claim], Awaitable[Outcome]],
    check: Callable[[Fixture], Awaitable[None]],
) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        fixture = Fixture(store, decide)
        running = asyncio.ensure_future(fixture.scheduler.run())
        try:
            await check(fixture)
        finally:
            fixture.scheduler.stop()
            await running
            store.close()

    asyncio.run(session())


async def deliver(claim: Claim) -> Outcome:
    return DELIVERED


def test_every_recipient_is_attempted_once_and_settled(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        addresses = [f"r{n}@d{n % 7}.test" for n in range(50)]
        await f.put("m1", *addresses)
        assert await f.until_settled("m1") == ["delivered"] * 50
        assert sorted(f.deliverer.attempts) == sorted(addresses)

    with_scheduler(tmp_path, deliver, check)


def test_the_pieces_of_a_large_message_go_once_it_has_settled(tmp_path: Path) -> None:
    data = b"x" * (BEGINNING_BYTES + 1)

    async def pieces(f: Fixture) -> int:
        async def count(tx: Transaction) -> int:
            row = await tx.one("SELECT COUNT(*) FROM body_piece")
            assert row is not None
            return int(row[0])

        return await f.store.read(count)

    async def check(f: Fixture) -> None:
        await Staging(f.store).stage(MessageId("m1"), data, at=0.0)
        assert await pieces(f) == 1
        await f.put("m1", "a@one.test", "b@two.test", data=data, is_staged=True)
        async with asyncio.timeout(PATIENCE_S):
            while await pieces(f):  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.005)
        assert await f.states("m1") == ["delivered"] * 2

    with_scheduler(tmp_path, deliver, check)


def test_a_slow_destination_holds_no_more_than_its_places(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(claim: Claim) -> Outcome:
        if claim.address.endswith("@slow.test"):
            await release.wait()
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("slow", *(f"r{n}@slow.test" for n in range(40)))
        await f.put("fast", *(f"r{n}@fast.test" for n in range(20)))
        assert await f.until_settled("fast") == ["delivered"] * 20
        assert f.deliverer.most["slow.test"] <= 4
        release.set()
        assert await f.until_settled("slow") == ["delivered"] * 40

    with_scheduler(tmp_path, slow, check)


def test_a_delay_is_tried_again_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    outcomes = [DELAYED, DELAYED, DELIVERED]

    async def decide(claim: Claim) -> Outcome:
        return outcomes[claim.attempts - 1]

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")
        for due in (1060.0, 1180.0):
            async with asyncio.timeout(PATIENCE_S):
                while await f.due_at("m1") != due:  # noqa: ASYNC110 - the store tells nobody
                    await asyncio.sleep(0.005)
            f.clock.time = due
            f.scheduler.wake()
        assert await f.until_settled("m1") == ["delivered"]
        assert len(f.deliverer.attempts) == 3

    with_scheduler(tmp_path, decide, check)


@pytest.mark.parametrize("last", [DELAYED, IN_DOUBT], ids=["refused", "in doubt"])
def test_who_expires_after_a_doubt_is_told_that_it_may_have_been_delivered(
    tmp_path: Path, last: Outcome
) -> None:
    async def decide(claim: Claim) -> Outcome:
        return IN_DOUBT if claim.attempts == 1 else last

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")
        async with asyncio.timeout(PATIENCE_S):
            while not (await f.recipient("m1")).attempts:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.005)
        f.clock.time = 10_999.0
        f.scheduler.wake()
        assert await f.until_settled("m1") == ["expired"]
        told = (await f.recipient("m1")).attempts[-1]
        assert "may have been delivered" in told.diagnostic and last.diagnostic in told.diagnostic
        details = await f.store.read(lambda tx: tx.all("SELECT detail FROM event_log WHERE kind = 'expired'"))
        assert ["mayHaveBeenDelivered" in str(row[0]) for row in details] == [True]

    with_scheduler(tmp_path, decide, check)


def test_a_fault_in_one_attempt_leaves_the_others_alone(tmp_path: Path) -> None:
    async def decide(claim: Claim) -> Outcome:
        if claim.address == "bad@a.test":
            raise ZeroDivisionError("a bug")
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("bad", "bad@a.test")
        await f.put("good", "good@a.test")
        assert await f.until_settled("good") == ["delivered"]
        assert await f.states("bad") == ["queued"]

    with_scheduler(tmp_path, decide, check)


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("a bug"), ValueError("Illegal header 'Date'."), MessageError("Illegal header 'Date'."),
              LocalProtocolError("not its turn"), MessageDefect("reverse-path is not a mailbox", status="5.1.7"),
              TimeoutError("inside")],
    ids=repr,
)  # fmt: skip
def test_a_fault_of_ours_is_logged_and_no_remote_servers_word(
    tmp_path: Path, fault: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    async def decide(claim: Claim) -> Outcome:
        raise fault

    async def check(f: Fixture) -> None:
        await f.put("m", "x@a.test")
        async with asyncio.timeout(PATIENCE_S):
            while not (await f.recipient("m")).attempts:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.005)
        recipient = await f.recipient("m")
        assert recipient.state == "queued"
        [told] = recipient.attempts
        assert (told.status, told.diagnostic) == ("4.3.0", "internal fault of the sending service")
        assert (told.remote_mta, told.remote_ip) == (None, None)

    with_scheduler(tmp_path, decide, check)
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    faults = [line for line in logged if line["event"] == "attempt_failed"]
    assert [line["level"] for line in faults] == ["error"]
    assert repr(fault).partition("(")[0] in faults[0]["trace"]


def test_stopping_waits_for_what_is_under_way(tmp_path: Path) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def decide(claim: Claim) -> Outcome:
        begun.set()
        await finish.wait()
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")
        await begun.wait()
        f.scheduler.stop()
        asyncio.get_running_loop().call_later(0.01, finish.set)

    with_scheduler(tmp_path, decide, check)

    async def afterwards() -> None:
        store = SqliteStore(tmp_path / "db")
        found = await trace(store, "m1", viewer=None)
        store.close()
        assert found is not None
        assert [recipient.state for recipient in found.recipients] == ["delivered"]

    asyncio.run(afterwards())


def test_a_stop_waits_only_for_those_whose_text_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sesame.delivery.scheduler.GRACE_S", 0.01)
    monkeypatch.setattr("sesame.delivery.scheduler.STOP_S", 3_600.0)

    async def decide(claim: Claim) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError("the server hangs")

    async def check(f: Fixture) -> None:
        f.deliverer.transferring = False
        await f.put("m1", "r@a.test")
        await f.until_attempted(1)
        f.deliverer.in_doubt = {"r@a.test"}  # its text left as it was broken off
        f.scheduler.stop()

    with_scheduler(tmp_path, decide, check)
    assert rows(tmp_path, "SELECT attempts, doubts, holder, due_at FROM queue") == [(0, 1, None, 0)]


def test_a_stop_waits_for_a_text_that_is_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sesame.delivery.scheduler.GRACE_S", 0.0)
    finish = asyncio.Event()

    async def decide(claim: Claim) -> Outcome:
        await finish.wait()
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")
        await f.until_attempted(1)
        f.scheduler.stop()
        asyncio.get_running_loop().call_later(0.05, finish.set)

    with_scheduler(tmp_path, decide, check)
    assert rows(tmp_path, "SELECT state FROM recipient") == [("delivered",)]


def rows(directory: Path, sql: str) -> list[tuple[object, ...]]:
    """What is left in the store."""
    with closing(sqlite3.connect(directory / "db")) as connection:
        return connection.execute(sql).fetchall()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the store alone knows."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.005)


def test_an_outcome_that_cannot_be_written_is_not_delivered_again_when_its_lease_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes in under the new claim: a 250 is not asked for twice because our disk was full."""
    settle, is_full = Spool.settle, True

    async def full(self: Spool, *args: Any, **named: Any) -> Any:
        if is_full:
            raise StoreUnavailable("disk full")
        return await settle(self, *args, **named)

    monkeypatch.setattr(Spool, "settle", full)

    async def check(f: Fixture) -> None:
        nonlocal is_full
        await f.put("m1", "r@a.test")
        await f.until_attempted(1)
        f.clock.advance(601.0)
        f.scheduler.wake()

        async def is_claimed_anew() -> bool:
            return await f.store.read(lambda tx: tx.all("SELECT token FROM queue")) == [(2,)]

        await until(is_claimed_anew)
        is_full = False
        assert await f.until_settled("m1") == ["delivered"]
        assert f.deliverer.attempts == ["r@a.test"]

    with_scheduler(tmp_path, deliver, check)
    assert rows(tmp_path, "SELECT COUNT(*) FROM attempt") == [(1,)]


def test_who_has_lost_its_claim_ends_unless_a_server_may_have_the_message(tmp_path: Path) -> None:
    ended: list[str] = []

    async def decide(claim: Claim) -> Outcome:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(claim.address)
        raise AssertionError("the server hangs")

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test", "s@b.test")
        await f.until_attempted(2)
        await f.store.write(lambda tx: tx.execute("UPDATE queue SET token = token + 1"))
        f.deliverer.in_doubt = {"r@a.test"}
        f.clock.advance(300.0)
        await f.scheduler._renew(f.clock.now())
        await asyncio.sleep(0)
        assert ended == ["s@b.test"]
        f.deliverer.transferring = False

    with_scheduler(tmp_path, decide, check)
    assert rows(tmp_path, "SELECT attempts, doubts FROM queue") == [(1, 0)] * 2


def test_an_outcome_that_was_adopted_while_it_was_written_is_written_again(tmp_path: Path) -> None:
    is_written, written = asyncio.Event(), list[int]()

    class Slow:
        """A spool that takes its time, and meanwhile somebody claims anew."""

        async def settle(self, batch: Sequence[Settlement], *, at: float) -> Settled:
            written.extend(one.claim.token for one in batch)
            await is_written.wait()
            return Settled(0, 0, frozenset())

    async def run() -> None:
        clock = FakeClock()
        settling = Settling(
            Slow(), clock=clock, log=Log(sys.stderr, as_json=True, clock=clock), metrics=Metrics(),  # type: ignore[arg-type]
            recorded=lambda stage: None, pause_s=1.0,
        )  # fmt: skip
        one = claim()
        settling.add(Settlement(claim=one, outcome=DELIVERED, retry_at=None))
        running = asyncio.ensure_future(settling.run())
        while not written:  # noqa: ASYNC110 - a turn of the loop is what it takes
            await asyncio.sleep(0)
        assert settling.adopt(structs.replace(one, token=2))
        is_written.set()
        while len(written) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        running.cancel()
        assert not settling.adopt(one)

    asyncio.run(asyncio.wait_for(run(), PATIENCE_S))
    assert written == [1, 2]


def without_running(tmp_path: Path, check: Callable[[Fixture], None]) -> None:
    async def run() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            check(Fixture(store, deliver))
        finally:
            store.close()

    asyncio.run(run())


@pytest.mark.parametrize(("doubts", "is_last"), [(0, False), (3, False), (4, True)])
def test_the_fifth_doubt_is_the_last(tmp_path: Path, doubts: int, is_last: bool) -> None:
    def check(f: Fixture) -> None:
        one = structs.replace(claim(), doubts=doubts, queued_at=f.clock.now())
        f.scheduler._done(one, IN_DOUBT, 0.0)
        settlement = f.scheduler._settling._done[one.recipient_seq]
        assert (settlement.retry_at is None) is is_last
        assert ("may have been delivered" in settlement.outcome.diagnostic) is is_last

    without_running(tmp_path, check)


@pytest.mark.parametrize(
    ("max_delivery_s", "retry_at"), [(None, 1060.0), (300, 1060.0), (61, 1060.0), (60, None), (10, None)]
)
def test_a_sender_who_gives_less_time_is_heeded(
    tmp_path: Path, max_delivery_s: int | None, retry_at: float | None
) -> None:
    def check(f: Fixture) -> None:
        one = structs.replace(claim(), max_delivery_s=max_delivery_s, queued_at=f.clock.now())
        f.scheduler._done(one, DELAYED, 0.0)
        assert f.scheduler._settling._done[one.recipient_seq].retry_at == retry_at

    without_running(tmp_path, check)


def test_a_refusal_that_is_out_of_date_is_decided_again_at_once(tmp_path: Path) -> None:
    asked = 0

    async def decide(claim: Claim) -> Outcome:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise NotAllowed(Again(ruling=Ruling.REFUSED, epochs={"identities:1:r": 7}))
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")
        assert await f.until_settled("m1") == ["delivered"]

    with_scheduler(tmp_path, decide, check)
    assert (asked, rows(tmp_path, "SELECT attempts FROM recipient")) == (2, [(1,)])


def test_who_is_out_of_files_rests_and_the_try_does_not_count(tmp_path: Path) -> None:
    asked = 0

    async def decide(claim: Claim) -> Outcome:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OutOfResources("Too many open files")
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")

        async def is_put_back() -> bool:
            return await f.store.read(lambda tx: tx.all("SELECT holder, attempts FROM queue")) == [(None, 0)]

        await f.until_attempted(1)
        await until(is_put_back)
        assert f.scheduler._rest_until > f.clock.now()
        f.clock.advance(5.0)
        f.scheduler.wake()
        assert await f.until_settled("m1") == ["delivered"]

    with_scheduler(tmp_path, decide, check)
    assert (asked, rows(tmp_path, "SELECT attempts FROM recipient")) == (2, [(1,)])


@pytest.mark.parametrize(
    ("outcome", "failures", "is_proven"),
    [
        (structs.replace(DELIVERED, remote_mta="m"), 0, True),
        (structs.replace(DELAYED, remote_mta="m"), 0, True),
        (structs.replace(DELAYED, remote_mta="m", is_unreachable=True), 1, False),
        (DELAYED, 0, False),
    ],
)
def test_what_an_attempt_says_about_its_destination(
    tmp_path: Path, outcome: Outcome, failures: int, is_proven: bool
) -> None:
    """A server that answered is good, whatever it said; one that was not there is bad; our own faults are neither."""

    async def decide(claim: Claim) -> Outcome:
        return outcome

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")

        async def is_over() -> bool:
            return await f.store.read(lambda tx: tx.all("SELECT COUNT(*) FROM attempt")) == [(1,)]

        await until(is_over)
        found = f.scheduler._lanes._destinations["a.test"]
        assert (found.failures, found.is_proven) == (failures, is_proven)

    with_scheduler(tmp_path, decide, check)


def test_a_stop_is_noted_before_attempts_end(tmp_path: Path) -> None:
    """Whoever loses patience and kills the process has not seen it die by a message."""
    finish = asyncio.Event()

    async def decide(claim: Claim) -> Outcome:
        await finish.wait()
        return DELIVERED

    async def check(f: Fixture) -> None:
        await f.put("m1", "r@a.test")
        await f.until_attempted(1)
        f.scheduler.stop()

        async def is_noted() -> bool:
            return await f.store.read(lambda tx: tx.all("SELECT holder FROM queue_stop")) == [("me",)]

        await until(is_noted)
        assert f.deliverer.now["a.test"] == 1
        finish.set()

    with_scheduler(tmp_path, decide, check)
