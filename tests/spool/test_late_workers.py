"""A worker that comes late: what it held is held, recorded or given up by others, and it changes nothing of that."""

from pathlib import Path

import pytest

from sesame.spool import expiry
from sesame.spool.hold import hold, release
from sesame.spool.withdraw import withdraw
from tests.support.spooled import BOUNCED, DELAYED, DELIVERED, Fixture, message, with_spool


async def queue(f: Fixture) -> list[tuple[object, ...]]:
    return await f.store.read(lambda tx: tx.all("SELECT due_at, holder, attempts, doubts FROM queue"))


def test_who_recorded_a_delay_has_no_claim_any_more(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        assert await f.settle(claim, DELAYED, retry_at=900.0) == 1
        before = await queue(f)
        assert await f.settle(claim, DELIVERED) == 0
        assert await f.spool.renew([claim], now=200.0, lease_s=60.0) == [claim.recipient_seq]
        await f.spool.put_back([claim], due_at=0.0)
        await f.spool.let_go([claim], [claim])
        assert await queue(f) == before == [(900.0, None, 1, 0)]
        assert [what for what, _ in await f.events()] == ["accepted", "delayed"]

    with_spool(tmp_path, check)


def test_what_was_held_meanwhile_stays_held_whatever_its_worker_does(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        await f.store.write(lambda tx: hold(tx, [claim.recipient_seq], "odd", at=101.0))
        before = await queue(f)
        assert await f.spool.renew([claim], now=200.0, lease_s=60.0) == [claim.recipient_seq]
        await f.spool.put_back([claim], due_at=0.0)
        await f.spool.let_go([claim], [claim])
        assert await f.settle(claim, BOUNCED) == 0
        assert await queue(f) == before
        assert await f.claim(now=9e9) == []

    with_spool(tmp_path, check)


def test_what_was_held_and_released_meanwhile_is_not_its_old_worker_s(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        await f.store.write(lambda tx: hold(tx, [claim.recipient_seq], "odd", at=101.0))
        (held,) = await f.store.read(lambda tx: tx.all("SELECT token FROM queue"))
        await f.store.write(lambda tx: release(tx, [claim.recipient_seq], at=102.0))
        (released,) = await f.store.read(lambda tx: tx.all("SELECT token FROM queue"))
        assert claim.token < held[0] < released[0]
        assert await f.settle(claim, BOUNCED) == 0
        assert [what for what, _ in await f.events()] == ["accepted", "held", "released"]

    with_spool(tmp_path, check)


def test_the_text_stays_while_one_recipient_is_held(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@one.test", "b@one.test"))
        one, other = await f.claim()
        await f.store.write(lambda tx: hold(tx, [other.recipient_seq], "odd", at=101.0))
        assert await f.settle(one, DELIVERED) == 1
        await f.store.write(lambda tx: release(tx, [other.recipient_seq], at=102.0))
        (again,) = await f.claim(now=103.0)
        assert (await f.spool.body(again)).endswith(b"hi\r\n")

    with_spool(tmp_path, check)


def test_what_was_claimed_since_it_was_found_overdue_is_not_given_up(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@one.test", "b@one.test"))
        found = await f.store.read(
            lambda tx: expiry.overdue(tx, {"one.test": "no"}, after=expiry.START, now=9_000.0, life_s=5.0)
        )
        (claim,) = await f.claim(of=[("one.test", 1)])
        assert await f.store.write(lambda tx: expiry.expire(tx, found.seqs, {}, at=6.0)) == 1
        assert await f.settle(claim, DELIVERED) == 1
        assert sorted(r.state for r in (await f.trace()).recipients) == ["delivered", "expired"]

    with_spool(tmp_path, check)


@pytest.mark.parametrize("is_final", [True, False])
def test_what_was_withdrawn_was_not_attempted(tmp_path: Path, is_final: bool) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        await f.store.write(lambda tx: withdraw(tx, claim, {}, reason="r", is_final=is_final, at=101.0))
        table = "recipient" if is_final else "queue"
        assert await f.store.read(lambda tx: tx.all(f"SELECT attempts FROM {table}")) == [(0,)]

    with_spool(tmp_path, check)
