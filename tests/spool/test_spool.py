"""The spool: put, claim, settle, and what a crash or a late worker may not do."""

from functools import partial
from pathlib import Path

import pytest

from sesame.spool import control, trace
from sesame.spool.expiry import START
from sesame.spool.put import HEAD_BYTES
from sesame.spool.spool import Damaged, Settlement
from sesame.store.events import PAUSED
from tests.support.spooled import (
    ACCOUNT,
    BOUNCED,
    DELAYED,
    DELIVERED,
    OWNER,
    Fixture,
    kept_head,
    message,
    with_spool,
)


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
        assert await f.events() == [("accepted", None), ("delivered", "x@one.test")]

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
        assert kinds == ["accepted", "delivered", "bounced", "delayed", "expired"]

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


def test_a_claim_takes_of_each_lane_what_was_asked_oldest_first(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@Slow.test", "b@slow.test", "c@slow.test", "d@fast.test"))
        claims = await f.claim(of=[("slow.test", 2), ("fast.test", 4)])
        assert [claim.address for claim in claims] == ["a@Slow.test", "b@slow.test", "d@fast.test"]
        assert (await f.claimed(of=[("slow.test", 4)])).counts == [1]

    with_spool(tmp_path, check)


def test_a_restart_makes_what_was_leased_due_again(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (lost,) = await f.claim("before", now=100.0)
        assert (await f.spool.take_over(at=105.0)).released == 1
        assert [claim.attempts for claim in await f.claim("after", now=105.0)] == [2]
        assert await f.settle(lost, DELIVERED) == 0

    with_spool(tmp_path, check)


def test_a_lease_is_kept_as_long_as_it_is_renewed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim(now=100.0)
        for now in (150.0, 200.0, 250.0):
            assert await f.spool.renew([claim], now=now, lease_s=60.0) == []
            assert await f.claim("other", now=now + 59.0) == []
        (taken,) = await f.claim("other", now=311.0)
        assert await f.spool.renew([claim], now=312.0, lease_s=60.0) == [claim.recipient_seq]
        assert await f.settle(taken, DELIVERED) == 1

    with_spool(tmp_path, check)


def test_a_claim_that_was_put_back_does_not_count(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        for _ in range(30):
            (claim,) = await f.claim(now=100.0)
            await f.spool.put_back([claim], due_at=100.0)
        assert claim.attempts == 1
        assert await f.settle(claim, DELIVERED) == 1  # nobody has claimed it since
        assert await f.events() == [("accepted", None), ("delivered", "x@one.test")]

    with_spool(tmp_path, check)


def test_depth_follows_the_queue(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        assert await f.spool.depth() == (0, None)
        await f.put(message("m1", "a@one.test", "b@one.test"))
        assert await f.spool.depth() == (2, 100.0)
        for claim in await f.claim():
            await f.settle(claim, DELIVERED)
        assert await f.spool.depth() == (0, None)

    with_spool(tmp_path, check)


async def die(f: Fixture, times: int, *, now: float = 100.0) -> None:
    """The process ends during the attempts, `times` times."""
    for number in range(times):
        await f.claim(f"process {number}", now=now)
        await f.spool.take_over(at=now)


def test_a_message_during_whose_attempts_three_processes_ended_is_held_and_told_of(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "poison@one.test"))
        await die(f, 2)
        assert await f.claim() == []  # it goes by itself now, so that the next death is its own
        (claim,) = (await f.spool.claim_suspect(now=100.0, holder="third", lease_s=60.0)).claims
        assert claim.attempts == 3
        taken = await f.spool.take_over(at=101.0)
        assert [held.address for held in taken.poison] == ["poison@one.test"]
        assert (await f.spool.claim_suspect(now=9e9, holder="x", lease_s=60.0)).claims == ()
        assert await f.claim(now=9e9) == []
        assert [r.state for r in (await f.trace()).recipients] == ["held"]
        assert await f.events() == [("accepted", None), ("held", "poison@one.test")]
        assert await f.bodies() == 1

    with_spool(tmp_path, check)


def test_neither_orderly_stops_nor_ended_leases_make_a_message_poison(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        for number in range(100):
            (claim,) = await f.claim(f"process {number}", now=100.0)
            await f.spool.stopping(f"process {number}")
            if number % 2:
                await f.spool.let_go([claim], [])
            await f.spool.take_over(at=100.0)
        for number in range(20):
            assert await f.claim(now=1_000.0 + 100 * number)  # the lease of the one before has ended
        assert [r.state for r in (await f.trace()).recipients] == ["queued"]

    with_spool(tmp_path, check)


def test_an_attempt_that_ended_in_order_clears_the_record(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        now = 100.0
        for _ in range(6):
            await die(f, 1, now=now)
            (claim,) = await f.claim(now=now)
            await f.settle(claim, DELAYED, retry_at=now + 10)
            now += 10
        assert [r.state for r in (await f.trace()).recipients] == ["queued"]

    with_spool(tmp_path, check)


def test_a_record_that_is_damaged_is_set_apart_and_holds_nobody_up(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "bad@one.test", "good@one.test"))
        await f.store.write(lambda tx: tx.execute("UPDATE queue SET queued_at = ? WHERE n = 0", "soon"))
        claimed = await f.claimed()
        assert [claim.address for claim in claimed.claims] == ["good@one.test"]
        (held,) = await f.spool.hold(claimed.damaged, "damaged", at=100.0)
        assert held.address == "bad@one.test"

    with_spool(tmp_path, check)


def test_a_message_without_its_text_is_told_from_a_store_that_is_out_of_order(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        await f.store.write(lambda tx: tx.execute("DELETE FROM body"))
        with pytest.raises(Damaged):
            await f.data(claim)

    with_spool(tmp_path, check)


def test_what_waits_past_its_life_for_a_destination_that_is_shut_expires(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@shut.test", "b@other.test"))
        await f.put(message("m2", "c@shut.test", at=5_000.0))
        await f.put(message("m3", "d@shut.test", at=5_000.0, max_delivery_s=300))
        shut = {"shut.test": "no route to host"}
        for now, queued in ((5_099.0, 4), (5_101.0, 3), (5_299.0, 3), (5_301.0, 2)):
            assert await f.spool.expire(shut, after=START, now=now, life_s=5_000.0, at=6.0) == START
            assert await f.count("queue") == queued
        states = [[r.state for r in (await f.trace(m)).recipients] for m in ("m1", "m2", "m3")]
        assert states == [["expired", "queued"], ["queued"], ["expired"]]
        (told,) = (await f.trace("m1")).recipients[0].attempts
        assert told.diagnostic == "delivery time expired; the last attempt there: no route to host"
        assert (await f.events())[-1] == ("expired", "a@shut.test")
        assert await f.bodies() == 2

    with_spool(tmp_path, check)


def test_what_may_have_been_delivered_says_so_when_it_expires_untried(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@shut.test"))
        await f.store.write(lambda tx: tx.execute("UPDATE queue SET doubts = 2"))
        await f.spool.expire(
            {"shut.test": "no route to host"}, after=START, now=6_000.0, life_s=5_000.0, at=6.0
        )
        (told,) = (await f.trace("m1")).recipients[0].attempts
        assert told.diagnostic == (
            "the message may have been delivered: in 2 attempts a server had it whole and did not say that it took"
            " it; delivery time expired; the last attempt there: no route to host"
        )

    with_spool(tmp_path, check)


def test_what_a_pause_of_its_sender_holds_expires_at_its_time_and_what_the_operator_holds_does_not(
    tmp_path: Path,
) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@one.test"))
        await f.put(message("m2", "b@one.test"))
        for message_id, reason in (("m1", PAUSED), ("m2", "odd")):
            wanted = control.Filter(message_id=message_id)
            await control.change(f.store, "hold", wanted, at=101.0, reason=reason)
        for now, left in ((5_099.0, 2), (5_101.0, 1), (9e9, 1)):
            await f.spool.expire({}, after=START, now=now, life_s=5_000.0, at=6.0)
            assert await f.count("queue") == left
        (expired,) = (await f.trace("m1")).recipients
        assert (expired.state, expired.attempts[0].diagnostic) == (
            "expired",
            f"delivery time expired; {PAUSED}",
        )
        assert [r.state for r in (await f.trace("m2")).recipients] == ["held"]

    with_spool(tmp_path, check)


def test_what_waits_behind_many_that_may_not_expire_expires_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pauses a destination keeps no other's mail beyond the time that its sender gave it."""
    monkeypatch.setattr("sesame.spool.expiry.EXPIRE_AT_ONCE", 4)

    async def check(f: Fixture) -> None:
        for number in range(9):
            await f.put(message(f"p{number}", "a@paused.test", at=100.0, max_delivery_s=300))
        await f.put(message("m1", "b@shut.test", at=101.0, max_delivery_s=300))
        await f.store.write(lambda tx: control.pause(tx, "paused.test", at=1.0, reason=""))
        position = START
        for _ in range(3):
            position = await f.spool.expire(
                {"shut.test": "no route"}, after=position, now=500.0, life_s=9_000.0, at=6.0
            )
        assert position == START
        assert [r.state for r in (await f.trace("m1")).recipients] == ["expired"]
        assert await f.count("queue") == 9

    with_spool(tmp_path, check)


def test_the_head_of_a_message_outlives_its_body(tmp_path: Path) -> None:
    """It is read whole while the body is there, and within its bound afterwards."""
    head = b"From: a@example.com\r\n"
    cases = {
        "usual": (head + b"\r\nbody\r\n\r\nmore\r\n", head + b"\r\n"),
        "no body": (head + b"\r\n", head + b"\r\n"),
        "no end": (head, head),
        "long": (b"X: " + b"y" * HEAD_BYTES + b"\r\n\r\nbody", b"X: " + b"y" * (HEAD_BYTES - 3)),
        "at the bound": (b"X: " + b"y" * (HEAD_BYTES - 7) + b"\r\n\r\nbody", None),
        "over the bound": (b"X: " + b"y" * (HEAD_BYTES - 6) + b"\r\n\r\nbody", None),
    }

    async def check(f: Fixture) -> None:
        for name, (data, _) in cases.items():
            await f.put(message(name, "a@one.test", "b@one.test", data=data))
        claims = await f.claim()
        for claim in claims:
            assert await f.data(claim) == cases[claim.message_id][0]
        for is_last in (False, True):
            for claim in claims:
                if claim.recipient_index == is_last:
                    await f.settle(claim, DELIVERED)
            assert await f.bodies() == (0 if is_last else len(cases))
            for name, (data, kept) in cases.items():
                found = await f.store.read(partial(kept_head, message_id=name))
                assert found == (data[:HEAD_BYTES] if kept is None else kept), name

    with_spool(tmp_path, check)


def test_a_message_that_nobody_gets_keeps_its_head(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", suppressed={"x@one.test": "BOUNCE"}))
        assert await f.store.read(partial(kept_head, message_id="m1")) == b"From: a@example.com\r\n\r\n"
        assert await f.store.read(partial(kept_head, message_id="none")) is None
        assert await f.bodies() == 0

    with_spool(tmp_path, check)


def test_many_outcomes_are_settled_at_once_each_once(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        for number in range(70):
            await f.put(message(f"m{number}", "a@one.test", "b@two.test"))
        claims = await f.claim()
        settlements = [Settlement(claim=claim, outcome=DELIVERED, retry_at=None) for claim in claims]
        assert (await f.spool.settle([*settlements, *settlements], at=101.0)).recorded == 140
        assert (await f.spool.settle(settlements, at=102.0)).recorded == 0
        assert await f.events("m69") == [
            ("accepted", None),
            ("delivered", "a@one.test"),
            ("delivered", "b@two.test"),
        ]

    with_spool(tmp_path, check)


@pytest.mark.parametrize(
    ("viewer", "sees"), [(None, True), (ACCOUNT, True), (OWNER, True), ("333333333333", False), ("", False)]
)
def test_a_message_is_shown_to_its_sender_its_owner_and_the_operator(
    tmp_path: Path, viewer: str | None, sees: bool
) -> None:
    """Who has no name is nobody, not the operator."""

    async def check(f: Fixture) -> None:
        await f.put(message())
        assert (await trace.trace(f.store, "m1", viewer=viewer) is not None) is sees

    with_spool(tmp_path, check)
