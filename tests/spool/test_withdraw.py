"""What may not be delivered is held or cancelled while what that was decided on is so, and by its claim alone."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from sesame.db import bump, epoch
from sesame.spool.spool import Spool
from sesame.spool.withdraw import Withdrawal
from tests.support.spooled import DELIVERED, Fixture, message, with_spool

SCOPE = "identities:111111111111:us-east-1"


@pytest.mark.parametrize(("is_final", "state"), [(True, "cancelled"), (False, "held")])
def test_a_claimed_recipient_is_cancelled_or_held_with_its_reason_and_no_attempt(
    tmp_path: Path, is_final: bool, state: str
) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        spool = Spool(f.store)
        done = await spool.withdraw(claim, {SCOPE: 0}, reason="because", is_final=is_final, at=101.0)
        assert done is Withdrawal.DONE
        (recipient,) = (await f.trace()).recipients
        assert (recipient.state, recipient.reason, recipient.attempts) == (state, "because", ())
        assert await f.settle(claim, DELIVERED) == 0
        assert [kind for kind, _ in await f.events()] == ["accepted", state]

    with_spool(tmp_path, check)


def test_nothing_is_done_when_what_it_was_decided_on_has_changed_since(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        await f.store.write(lambda tx: bump(tx, SCOPE))
        spool = Spool(f.store)
        for is_final in (True, False):
            done = await spool.withdraw(claim, {SCOPE: 0}, reason="r", is_final=is_final, at=101.0)
            assert done is Withdrawal.STALE
        assert [kind for kind, _ in await f.events()] == ["accepted"]
        now = await f.store.read(lambda tx: epoch(tx, SCOPE))
        done = await spool.withdraw(claim, {SCOPE: now}, reason="r", is_final=True, at=101.0)
        assert done is Withdrawal.DONE

    with_spool(tmp_path, check)


def test_a_claim_that_is_not_the_last_one_withdraws_nothing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        old = replace(claim, token=claim.token - 1)
        done = await Spool(f.store).withdraw(old, {}, reason="r", is_final=True, at=101.0)
        assert done is Withdrawal.LOST
        assert await f.settle(claim, DELIVERED) == 1

    with_spool(tmp_path, check)
