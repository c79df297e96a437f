"""What the operator does with the queue: each change with its event, and never behind the back of an attempt."""

from pathlib import Path

import pytest

from sesame.spool import control
from sesame.spool.control import Changed, Filter
from tests.support.spooled import ACCOUNT, DELAYED, DELIVERED, OWNER, Fixture, message, with_spool


async def found(f: Fixture, wanted: Filter) -> set[str]:
    return {one.address for one in await f.store.read(lambda tx: control.list_queued(tx, wanted, limit=100))}


@pytest.mark.parametrize(
    ("wanted", "addresses"),
    [
        (Filter(), {"a@one.test", "b@two.test", "c@one.test"}),
        (Filter(account=ACCOUNT), {"a@one.test", "b@two.test"}),
        (Filter(account=OWNER), {"a@one.test", "b@two.test", "c@one.test"}),
        (Filter(delegate=ACCOUNT), {"a@one.test", "b@two.test"}),
        (Filter(delegate=OWNER), set()),
        (Filter(identity="other.test"), {"c@one.test"}),
        (Filter(domain="One.test"), {"a@one.test", "c@one.test"}),
        (Filter(before=150.0), {"a@one.test", "b@two.test"}),
        (Filter(message_id="m2", domain="one.test"), {"c@one.test"}),
    ],
    ids=lambda value: None if isinstance(value, set) else repr(value),
)
def test_a_filter_finds_what_fits_in_all_that_it_names(
    tmp_path: Path, wanted: Filter, addresses: set[str]
) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@one.test", "b@two.test"))
        await f.put(message("m2", "c@one.test", at=200.0, account_id=OWNER, identity="other.test"))
        assert await found(f, wanted) == addresses

    with_spool(tmp_path, check)


def test_what_is_held_is_not_tried_until_it_is_released(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        assert await control.change(f.store, "hold", Filter(), at=101.0, reason="odd") == Changed(1, 0)
        assert await f.claim(now=9e9) == []
        assert await control.change(f.store, "retry", Filter(), at=101.0) == Changed(0, 0)
        assert [r.state for r in (await f.trace()).recipients] == ["held"]
        assert await control.change(f.store, "release", Filter(is_held=True), at=102.0) == Changed(1, 0)
        (claim,) = await f.claim(now=100.0)
        assert await f.settle(claim, DELIVERED) == 1
        assert [kind for kind, _ in await f.events()] == ["accepted", "held", "released", "delivered"]

    with_spool(tmp_path, check)


def test_what_waits_for_its_time_is_due_at_once_when_asked_for(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        await f.settle(claim, DELAYED, retry_at=5_000.0)
        assert await control.change(f.store, "retry", Filter(domain="one.test"), at=101.0) == Changed(1, 0)
        assert len(await f.claim(now=102.0)) == 1

    with_spool(tmp_path, check)


def test_cancelling_ends_a_recipient_with_its_event_and_lets_go_of_the_text(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "a@one.test", "b@two.test"))
        assert await control.change(f.store, "cancel", Filter(domain="one.test"), at=101.0) == Changed(1, 0)
        assert [r.state for r in (await f.trace()).recipients] == ["cancelled", "queued"]
        assert await f.bodies() == 1
        assert await control.change(f.store, "cancel", Filter(), at=101.0) == Changed(1, 0)
        assert (await f.bodies(), await f.count("queue")) == (0, 0)
        assert await f.events() == [
            ("accepted", None),
            ("cancelled", "a@one.test"),
            ("cancelled", "b@two.test"),
        ]

    with_spool(tmp_path, check)


def test_what_is_under_way_is_left_alone_and_counted(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message())
        (claim,) = await f.claim()
        for what in ("hold", "cancel", "retry"):
            assert await control.change(f.store, what, Filter(), at=101.0) == Changed(0, 1)
        assert await f.settle(claim, DELIVERED) == 1

    with_spool(tmp_path, check)


def test_a_change_takes_any_number(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        for number in range(30):
            await f.put(message(f"m{number}", *(f"r{k}@one.test" for k in range(20))))
        assert await control.change(f.store, "hold", Filter(), at=101.0) == Changed(600, 0)
        assert await control.change(f.store, "cancel", Filter(is_held=True), at=101.0) == Changed(600, 0)

    with_spool(tmp_path, check)


def test_a_paused_destination_is_told_to_delivery_until_it_is_resumed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.store.write(lambda tx: control.pause(tx, "One.test", at=5.0, reason="asked us to"))
        await f.store.write(lambda tx: control.pause(tx, "one.test", at=6.0, reason="again"))
        (pause,) = await f.store.read(control.pauses)
        assert (pause.domain, pause.paused_at, pause.reason) == ("one.test", 5.0, "again")
        _, paused = await f.spool.sweep(f.position)
        assert paused == {"one.test"}
        assert await f.store.write(lambda tx: control.resume(tx, "ONE.test"))
        assert not await f.store.write(lambda tx: control.resume(tx, "one.test"))
        assert (await f.spool.sweep(f.position))[1] == frozenset()

    with_spool(tmp_path, check)
