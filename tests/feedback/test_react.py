"""Reacting to bounces: who is suppressed, and that a crash loses and repeats nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sesame.db import Transaction
from sesame.errors import StoreUnavailable
from sesame.model import SYSTEM_ACCOUNT, Outcome
from sesame.notify.event_json import published_event
from sesame.store import (
    accounts,
    configuration_sets,
    events,
    global_suppression,
    message_facts,
    suppression,
)
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.events import Happened, NewEvent, Stage
from tests.support.counts import total
from tests.support.happenings import HOUSE
from tests.support.patience import PATIENCE_S
from tests.support.reacting import react, reactor
from tests.support.spooled import ACCOUNT, BOUNCED, DELAYED, DELIVERED, REGION, Fixture, message, with_spool
from tests.support.stored_accounts import an_account


async def create(f: Fixture) -> None:
    account = an_account(ACCOUNT)
    await f.store.write(lambda tx: accounts.create(tx, account))


async def listed(f: Fixture) -> list[tuple[str, str | None]]:
    async def run(tx: Transaction) -> list[tuple[str, str | None]]:
        rows = await suppression.page(
            tx, ACCOUNT, REGION, reasons=suppression.REASONS, since=0, until=1e9, after="", limit=10
        )
        return [(entry.address, entry.message_id) for entry in rows]

    return await f.store.read(run)


async def settle(f: Fixture, outcome: Outcome, address: str = "x@one.test", **changes: Any) -> None:
    await f.put(message("m1", address, **changes))
    (claim,) = await f.claim()
    await f.settle(claim, outcome, retry_at=999.0 if outcome is DELAYED else None)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.10"])
def test_an_address_that_does_not_exist_is_suppressed(tmp_path: Path, status: str) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, replace(BOUNCED, status=status))
        assert await listed(f) == []
        assert await react(f) == 2
        assert await listed(f) == [("x@one.test", "m1")]
        assert await reactor(f).react() == 0

    with_spool(tmp_path, check)


@pytest.mark.parametrize("what", ["bounce", "complaint"])
def test_the_list_has_the_id_under_which_the_feedback_is_told(tmp_path: Path, what: str) -> None:
    """As a notification, the trace of the message and the list itself have it."""

    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, BOUNCED if what == "bounce" else DELIVERED)
        if what == "complaint":
            complaint = NewEvent(
                message_seq=1,
                key="0/complaint",
                what=Happened.COMPLAINED,
                at=2.5,
                n=0,
                detail={"by": "report"},
            )
            await f.store.write(lambda tx: events.record(tx, [complaint]))
        await react(f)
        entry = await f.store.read(lambda tx: suppression.get(tx, ACCOUNT, REGION, "x@one.test"))
        message_facts_of = await f.store.read(lambda tx: message_facts.of_messages(tx, ["m1"]))
        happened = await f.store.read(lambda tx: events.of_message(tx, "m1"))
        told = [json.loads(published_event(one, message_facts_of["m1"], HOUSE)) for one in happened]
        ids = [one[what]["feedbackId"] for one in told if what in one]
        assert entry is not None
        assert [entry.feedback_id] == ids
        by_hand = suppression.Suppressed(address="x@one.test", reason="BOUNCE", updated_at=3, message_id=None)
        await f.store.write(lambda tx: suppression.put(tx, ACCOUNT, REGION, by_hand))
        entry = await f.store.read(lambda tx: suppression.get(tx, ACCOUNT, REGION, "x@one.test"))
        assert entry == by_hand

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    ("outcome", "address", "changes"),
    [
        (DELIVERED, "x@one.test", {}),
        (DELAYED, "x@one.test", {}),
        (replace(BOUNCED, status="5.7.1"), "x@one.test", {}),
        (replace(BOUNCED, status="5.1.8"), "x@one.test", {}),
        (replace(BOUNCED, status="5.4.1"), "x@one.test", {}),
        (replace(BOUNCED, stage="mail"), "x@one.test", {}),
        (BOUNCED, "bounce@Simulator.amazonses.com", {}),
        (BOUNCED, "x@one.test", {"account_id": SYSTEM_ACCOUNT}),
        (BOUNCED, "x@one.test", {"configuration_set": "lenient"}),
    ],
)
def test_nobody_else_is_suppressed(
    tmp_path: Path, outcome: Outcome, address: str, changes: dict[str, Any]
) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        lenient = ConfigurationSet(
            account_id=ACCOUNT,
            region=REGION,
            name="lenient",
            options={"SuppressionOptions": {"SuppressedReasons": ["COMPLAINT"]}},
        )
        await f.store.write(lambda tx: configuration_sets.put(tx, lenient))
        await settle(f, outcome, address, **changes)
        await reactor(f).react()
        assert await listed(f) == []
        assert await f.store.read(lambda tx: events.waiting(tx, Stage.NEW)) == 0

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    ("detail", "is_listed"),
    [
        ({"status": "5.1.1", "hard": "1"}, True),
        ({"status": "5.1.1"}, False),
        ({"status": "5.1.1", "hard": "0"}, False),
        ({"status": "5.1.10", "hard": "1"}, True),
        ({"status": "5.4.1", "hard": "1"}, True),
        ({"status": "5.4.1"}, False),
        ({"status": "5.2.1", "hard": "1"}, False),
        ({"hard": "1"}, False),
    ],
)
def test_a_report_suppresses_only_by_a_sure_word_about_this_address(
    tmp_path: Path, detail: dict[str, str], is_listed: bool
) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, DELIVERED)
        bounce = NewEvent(
            message_seq=1, key="0/bounce", what=Happened.BOUNCED, at=2.0, n=0,
            detail={"by": "report", "bounceType": "Permanent", **detail},
        )  # fmt: skip
        await f.store.write(lambda tx: events.record(tx, [bounce]))
        await reactor(f).react()
        assert await listed(f) == ([("x@one.test", "m1")] if is_listed else [])

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    ("feedback_type", "counted"),
    [
        ("abuse", 1), ("fraud", 1), ("virus", 1), ("other", 1), ("opt-out", 1), (None, 1),
        ("not-spam", 0), ("Not-Spam", 0), ("auth-failure", 0),
    ],
)  # fmt: skip
def test_a_report_that_is_no_complaint_of_its_recipient_counts_for_nothing(
    tmp_path: Path, feedback_type: str | None, counted: int
) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, DELIVERED, "x@one.test")
        detail = {"by": "report"} | (
            {} if feedback_type is None else {"complaintFeedbackType": feedback_type}
        )
        complaint = NewEvent(
            message_seq=1, key="0/complaint", what=Happened.COMPLAINED, at=2.0, n=0, detail=detail
        )
        await f.store.write(lambda tx: events.record(tx, [complaint]))
        await reactor(f).react()
        assert len(await listed(f)) == counted
        counts = await f.store.read(lambda tx: total(tx, ACCOUNT))
        assert (counts.complaints, counts.rated_complaints) == (counted, counted)

    with_spool(tmp_path, check)


def test_the_list_of_all_takes_what_its_own_server_says_is_not_there_and_nothing_else(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        lenient = ConfigurationSet(
            account_id=ACCOUNT, region=REGION, name="lenient",
            options={"SuppressionOptions": {"SuppressedReasons": []}},
        )  # fmt: skip
        await f.store.write(lambda tx: configuration_sets.put(tx, lenient))
        await settle(f, BOUNCED, "Gone@ONE.test", configuration_set="lenient")
        for number, (outcome, address) in enumerate(
            [
                (DELIVERED, "fine@one.test"),
                (replace(BOUNCED, status="5.7.1"), "blocked@one.test"),
                (replace(BOUNCED, stage="mail"), "sender@one.test"),
                (BOUNCED, "bounce@simulator.amazonses.com"),
            ]
        ):
            await f.put(message(f"n{number}", address))
            (claim,) = await f.claim()
            await f.settle(claim, outcome)
        claimed = await f.store.read(
            lambda tx: tx.all("SELECT message_seq, n FROM recipient WHERE address = 'fine@one.test'")
        )
        reported = events.NewEvent(
            message_seq=claimed[0][0], key="0/bounce/report", what=events.Happened.BOUNCED, at=200.0, n=0,
            detail={"by": "report", "bounceType": "Permanent", "hard": "1", "status": "5.1.1"},
        )  # fmt: skip
        await f.store.write(lambda tx: events.record(tx, [reported]))
        await react(f, listed_for_s=60.0)
        page = await f.store.read(lambda tx: global_suppression.page(tx, now=0, after="", limit=9))
        assert [one.address for one in page] == ["Gone@one.test"]
        assert page[0].until - page[0].since == 60
        until = await f.store.read(
            lambda tx: global_suppression.until_of(tx, ["Gone@One.TEST", "gone@one.test", "fine@one.test"])
        )
        assert until == dict.fromkeys(("Gone@One.TEST", "gone@one.test"), page[0].until)
        assert (
            await f.store.write(lambda tx: global_suppression.purge_before(tx, page[0].until - 1, limit=9))
            == 0
        )
        assert (
            await f.store.write(lambda tx: global_suppression.purge_before(tx, page[0].until, limit=9)) == 1
        )

    with_spool(tmp_path, check)


def test_without_a_list_of_all_nobody_is_on_it(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, BOUNCED)
        await react(f)
        assert await f.store.read(lambda tx: global_suppression.page(tx, now=0, after="", limit=9)) == []

    with_spool(tmp_path, check)


def test_an_account_that_keeps_no_bounces_suppresses_nobody(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        await f.store.write(lambda tx: suppression.set_account_reasons(tx, ACCOUNT, REGION, ["COMPLAINT"]))
        await settle(f, BOUNCED)
        await reactor(f).react()
        assert await listed(f) == []

    with_spool(tmp_path, check)


def test_a_reaction_that_is_cut_off_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows and the stage are one commit: nothing of the first try counts, all of the second does."""

    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, BOUNCED)
        move_on = events.move_on

        async def broken(*_: object, **__: object) -> int:
            raise StoreUnavailable("power cut")

        monkeypatch.setattr(events, "move_on", broken)
        with pytest.raises(StoreUnavailable):
            await reactor(f).react()
        assert await listed(f) == []
        monkeypatch.setattr(events, "move_on", move_on)
        assert await reactor(f).react() == 2
        assert await listed(f) == [("x@one.test", "m1")]

    with_spool(tmp_path, check)


def test_it_runs_until_cancelled_and_reacts_to_what_comes(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        running = reactor(f)
        task = asyncio.ensure_future(running.run())
        await settle(f, BOUNCED)
        running.wake()
        async with asyncio.timeout(PATIENCE_S):
            while not await listed(f):  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    with_spool(tmp_path, check)


def test_an_event_that_cannot_be_reacted_to_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours about one address: the others are suppressed, and the reactor lives."""

    async def check(f: Fixture) -> None:
        await create(f)
        put = suppression.put

        async def faulty(
            tx: Transaction, account_id: str, region: str, entry: suppression.Suppressed
        ) -> None:
            if entry.address == "r1@one.test":
                raise ZeroDivisionError
            await put(tx, account_id, region, entry)

        monkeypatch.setattr(suppression, "put", faulty)
        await f.put(message("m1", *(f"r{n}@one.test" for n in range(3))))
        for claim in await f.claim():
            await f.settle(claim, BOUNCED)
        running = reactor(f)
        task = asyncio.ensure_future(running.run())
        async with asyncio.timeout(PATIENCE_S):
            while len(await listed(f)) < 2:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0)
        assert [address for address, _ in await listed(f)] == ["r0@one.test", "r2@one.test"]
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})

    with_spool(tmp_path, check)


def test_a_recipient_that_bounced_for_good_twice_is_rated_once(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f)
        await settle(f, BOUNCED)
        again = NewEvent(
            message_seq=1, key="0/bounce", what=Happened.BOUNCED, at=2.0, n=0,
            detail={"by": "report", "bounceType": "Permanent"},
        )  # fmt: skip
        await f.store.write(lambda tx: events.record(tx, [again]))
        await reactor(f).react()
        counts = await f.store.read(lambda tx: total(tx, ACCOUNT))
        assert (counts.permanent_bounces, counts.rated_bounces) == (2, 1)
        assert await f.count("rated_recipient") == 1

    with_spool(tmp_path, check)
