"""At which stage the event of an attempt begins: nobody claims one that means nothing to them (I8)."""

from pathlib import Path
from typing import Any

import pytest

from sesame.db import Transaction
from sesame.model import SYSTEM_ACCOUNT, Outcome
from sesame.spool.put import RenderingFailure
from sesame.spool.settle import Settled
from sesame.spool.spool import Settlement, Spool
from sesame.store import accounts, events, notifications
from sesame.store.events import Stage
from tests.support.counts import total
from tests.support.spooled import ACCOUNT, BOUNCED, DELAYED, DELIVERED, REGION, Fixture, message, with_spool
from tests.support.stored_accounts import an_account

OWNER = "222222222222"
STRANGER = "333333333333"
ARN = f"arn:aws:ses:{REGION}:{OWNER}:identity/example.com"
LENT: dict[str, Any] = {"owner_account_id": OWNER, "identity": "example.com"}


async def settle(f: Fixture, outcome: Outcome, *, streams: bool = False, **changes: Any) -> frozenset[Stage]:
    await f.put(message("m1", **LENT | changes))
    await f.tell_all()
    (claim,) = await f.claim()
    retry_at = 900.0 if outcome is DELAYED else None
    spool = Spool(f.store, streams_events=streams)
    settled = await spool.settle([Settlement(claim=claim, outcome=outcome, retry_at=retry_at)], at=101.0)
    assert (settled.recorded, settled.delivered) == (1, int(outcome is DELIVERED))
    waiting = {
        stage
        for stage in (Stage.NEW, Stage.REACTED)
        if await f.store.read(lambda tx, stage=stage: events.waiting(tx, stage))  # type: ignore[misc]
    }
    assert waiting == settled.stages - {Stage.PUBLISHED}
    return settled.stages


async def want(f: Fixture, account_id: str, kind: str = "Delivery", arn: str = ARN) -> None:
    topic = f"arn:aws:sns:{REGION}:{account_id}:t"

    async def run(tx: Transaction) -> None:
        await accounts.create(tx, an_account(account_id))
        await notifications.set_topic(tx, account_id, arn, kind, topic)

    await f.store.write(run)


@pytest.mark.parametrize(
    ("outcome", "options", "stage"),
    [
        (DELIVERED, {}, Stage.PUBLISHED),
        (DELAYED, {}, Stage.PUBLISHED),
        (BOUNCED, {}, Stage.NEW),
        (DELIVERED, {"configuration_set": "s"}, Stage.REACTED),
        (DELAYED, {"configuration_set": "s"}, Stage.REACTED),
        (BOUNCED, {"configuration_set": "s"}, Stage.NEW),
        (DELIVERED, {"streams": True}, Stage.REACTED),
        (DELAYED, {"streams": True}, Stage.REACTED),
        (BOUNCED, {"streams": True}, Stage.NEW),
        (DELIVERED, {"account_id": SYSTEM_ACCOUNT}, Stage.PUBLISHED),
    ],
)
def test_an_event_begins_behind_all_to_whom_it_means_nothing(
    tmp_path: Path, outcome: Outcome, options: dict[str, Any], stage: Stage
) -> None:
    async def check(f: Fixture) -> None:
        assert await settle(f, outcome, **options) == {stage}

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    ("account_id", "kind", "arn", "stage"),
    [
        (OWNER, "Delivery", ARN, Stage.REACTED),
        (ACCOUNT, "Delivery", ARN, Stage.REACTED),
        (STRANGER, "Delivery", ARN, Stage.PUBLISHED),
        (OWNER, "Bounce", ARN, Stage.PUBLISHED),
        (OWNER, "Delivery", ARN.replace("example.com", "a@example.com"), Stage.PUBLISHED),
        (OWNER, "Delivery", ARN.replace(REGION, "eu-north-1"), Stage.PUBLISHED),
        (ACCOUNT, "Delivery", ARN.replace(OWNER, ACCOUNT), Stage.PUBLISHED),
    ],
)
def test_a_delivery_waits_to_be_told_where_the_owner_or_the_sender_wants_that(
    tmp_path: Path, account_id: str, kind: str, arn: str, stage: Stage
) -> None:
    async def check(f: Fixture) -> None:
        await want(f, account_id, kind, arn)
        assert await settle(f, DELIVERED) == {stage}

    with_spool(tmp_path, check)


def test_a_topic_that_was_taken_back_wants_nothing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await want(f, OWNER)
        await f.store.write(lambda tx: notifications.set_topic(tx, OWNER, ARN, "Delivery", None))
        assert await settle(f, DELIVERED) == {Stage.PUBLISHED}

    with_spool(tmp_path, check)


def test_each_of_a_batch_begins_at_its_own_stage_and_is_counted_for_its_sender(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await want(f, OWNER)
        await f.put(message("m1", "a@one.test", "b@one.test", "c@one.test", **LENT))
        await f.put(message("m2", "d@one.test", account_id=STRANGER, identity="other.test"))
        await f.put(message("m3", "e@one.test", account_id=SYSTEM_ACCOUNT, identity="other.test"))
        await f.tell_all()
        outcomes = {"a": DELIVERED, "b": DELAYED, "c": BOUNCED, "d": DELIVERED, "e": DELIVERED}
        settled = await f.spool.settle(
            [
                Settlement(
                    claim=claim,
                    outcome=outcomes[claim.address[0]],
                    retry_at=900.0 if "b" in claim.address else None,
                )
                for claim in await f.claim()
            ],
            at=101.0,
        )
        assert settled == Settled(5, 3, frozenset({Stage.NEW, Stage.REACTED, Stage.PUBLISHED}))

        async def rows(tx: Transaction) -> dict[str, int]:
            found = await tx.all(
                "SELECT r.address, e.stage FROM event_log e JOIN recipient r ON r.message_seq = e.message_seq"
                " AND r.n = e.n"
            )
            return {address[0]: stage for address, stage in found}

        assert await f.store.read(rows) == {"a": 1, "b": 2, "c": 0, "d": 2, "e": 2}

        async def counts(tx: Transaction) -> dict[str, tuple[int, int]]:
            found = {one: await total(tx, one) for one in (ACCOUNT, STRANGER, OWNER, SYSTEM_ACCOUNT)}
            return {one: (counts.deliveries, counts.delays) for one, counts in found.items()}

        assert await f.store.read(counts) == {
            ACCOUNT: (1, 1), STRANGER: (1, 0), OWNER: (0, 0), SYSTEM_ACCOUNT: (0, 0),
        }  # fmt: skip

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    "changes",
    [
        {"acceptance_stage": stage, **more}
        for stage in Stage
        for more in (
            {},
            {"suppressed": {"x@one.test": "BOUNCE"}},
            {"failure": RenderingFailure(template="t", message="m")},
        )
    ],
)
def test_an_acceptance_says_where_its_events_wait(tmp_path: Path, changes: dict[str, Any]) -> None:
    async def check(f: Fixture) -> None:
        spooled = message("m1", **changes)
        await f.put(spooled)

        async def rows(tx: Transaction) -> set[Stage]:
            return {Stage(row[0]) for row in await tx.all("SELECT stage FROM event_log")}

        assert await f.store.read(rows) == spooled.stages

    with_spool(tmp_path, check)
