"""The spool: put, claim, settle, and what a crash or a late worker may not do."""

from functools import partial
from pathlib import Path

from sesame.spool import trace
from sesame.spool.put import HEAD_BYTES
from sesame.spool.spool import Settlement
from tests.support.spooled import BOUNCED, DELAYED, DELIVERED, Fixture, message, with_spool


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
        assert ("bounced", "poison@one.test") in await f.events()

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
        assert {claim.message_id: claim.data for claim in claims} == {
            name: data for name, (data, _) in cases.items()
        }
        for is_last in (False, True):
            for claim in claims:
                if claim.recipient_index == is_last:
                    await f.settle(claim, DELIVERED)
            assert await f.bodies() == (0 if is_last else len(cases))
            for name, (data, kept) in cases.items():
                found = await f.store.read(partial(trace.head, message_id=name))
                assert found == (data[:HEAD_BYTES] if kept is None else kept), name

    with_spool(tmp_path, check)


def test_a_message_that_nobody_gets_keeps_its_head(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", suppressed={"x@one.test": "BOUNCE"}))
        assert await f.store.read(partial(trace.head, message_id="m1")) == b"From: a@example.com\r\n\r\n"
        assert await f.store.read(partial(trace.head, message_id="none")) is None
        assert await f.bodies() == 0

    with_spool(tmp_path, check)


def test_many_outcomes_are_settled_at_once_each_once(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        for number in range(70):
            await f.put(message(f"m{number}", "a@one.test", "b@two.test"))
        claims = await f.spool.claim(now=100.0, limit=200, lease="w", lease_s=60.0)
        settlements = [Settlement(claim=claim, outcome=DELIVERED, retry_at=None) for claim in claims]
        assert await f.spool.settle([*settlements, *settlements], now=101.0) == 140
        assert await f.spool.settle(settlements, now=102.0) == 0
        assert await f.events("m69") == [
            ("accepted", None),
            ("delivered", "a@one.test"),
            ("delivered", "b@two.test"),
        ]

    with_spool(tmp_path, check)
