"""The event log: recorded once, claimed by one at a time, moved on once."""

from pathlib import Path

import pytest

from sesame.db import Transaction
from sesame.store import events
from sesame.store.events import Event, Happened, NewEvent, Stage
from tests.support.spooled import ACCOUNT, BOUNCED, DELIVERED, OWNER, Fixture, message, with_spool


def test_the_same_event_is_recorded_once(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        bounce = NewEvent(message_seq=1, key="0/dsn", what=Happened.BOUNCED, at=5.0, n=0)
        for _ in range(2):
            await f.store.write(lambda tx: events.record(tx, [bounce, bounce]))
        later = NewEvent(message_seq=1, key="0/dsn", what=Happened.COMPLAINED, at=9.0, n=0, stage=Stage.NEW)
        await f.store.write(lambda tx: events.record(tx, [later]))
        assert await f.events() == [("accepted", None), ("bounced", "x@one.test")]
        kept = await f.store.read(lambda tx: tx.all("SELECT at FROM event_log WHERE key = '0/dsn'"))
        assert kept == [(5.0,)]

    with_spool(tmp_path, check)


async def bounce_all(f: Fixture, count: int) -> None:
    await f.put(message("m1", *(f"r{n}@one.test" for n in range(count))))
    await f.tell_all()
    for claim in await f.claim():
        await f.settle(claim, BOUNCED)


async def claim(f: Fixture, lease: str, *, now: float, limit: int = 10) -> list[Event]:
    async def run(tx: Transaction) -> list[Event]:
        return await events.claim_stage(tx, Stage.NEW, now=now, lease=lease, limit=limit)

    return await f.store.write(run)


def test_claimed_events_are_nobody_elses_until_the_lease_ends(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await bounce_all(f, 5)
        first = await claim(f, "a", now=200.0, limit=3)
        assert [event.recipient for event in first] == ["r0@one.test", "r1@one.test", "r2@one.test"]
        assert [event.recipient for event in await claim(f, "b", now=201.0)] == ["r3@one.test", "r4@one.test"]
        assert await claim(f, "c", now=202.0) == []
        assert [event.recipient for event in await claim(f, "c", now=260.0)] == [e.recipient for e in first]

    with_spool(tmp_path, check)


def test_a_clock_that_was_set_back_keeps_no_event_claimed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await bounce_all(f, 1)
        assert len(await claim(f, "a", now=1_000_000.0)) == 1
        assert await claim(f, "b", now=999_995.0) == []
        assert len(await claim(f, "b", now=200.0)) == 1
        assert await claim(f, "c", now=201.0) == []

    with_spool(tmp_path, check)


def test_who_lost_the_lease_moves_nothing_on(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await bounce_all(f, 2)
        late = await claim(f, "late", now=200.0)
        current = await claim(f, "current", now=300.0)
        assert await f.store.write(lambda tx: events.move_on(tx, late, lease="late", to=Stage.PUBLISHED)) == 0
        assert await f.store.read(lambda tx: events.waiting(tx, Stage.NEW)) == 2
        for moved in (2, 0):
            assert (
                await f.store.write(
                    lambda tx: events.move_on(tx, current, lease="current", to=Stage.PUBLISHED)
                )
                == moved
            )
        assert await f.store.read(lambda tx: events.waiting(tx, Stage.NEW)) == 0
        assert await claim(f, "next", now=999.0) == []

    with_spool(tmp_path, check)


def test_an_event_knows_its_message_recipient_and_attempt(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await bounce_all(f, 1)
        (event,) = await claim(f, "a", now=200.0)
        assert event == Event(
            seq=event.seq,
            event_id="m1/0/1",
            what=Happened.BOUNCED,
            at=101.0,
            message_id="m1",
            account_id=ACCOUNT,
            owner_account_id=OWNER,
            region="us-east-1",
            configuration_set=None,
            recipient="r0@one.test",
            status="5.1.1",
            diagnostic="550 no such user",
            remote_mta="mx.one.test",
            stage="rcpt",
            attempt_seq=1,
            n=0,
            message_seq=1,
            identity="example.com",
            return_path="a@example.com",
        )

    with_spool(tmp_path, check)


@pytest.mark.parametrize("suppressed", [{}, {"x@one.test": "BOUNCE"}])
def test_a_suppressed_recipient_has_its_event(tmp_path: Path, suppressed: dict[str, str]) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "x@one.test", "y@one.test", suppressed=suppressed))
        expected = [("accepted", None), *(("suppressed", address) for address in suppressed)]
        assert await f.events() == expected
        for one in await f.claim():
            await f.settle(one, DELIVERED)
        assert (await f.events())[-1] == ("delivered", "y@one.test")

    with_spool(tmp_path, check)
