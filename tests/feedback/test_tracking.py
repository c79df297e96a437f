"""Opens and clicks become events of their message, as often as they happen, within bounds, and nobody waits."""

import asyncio
import io
from pathlib import Path
from typing import Any, cast

import pytest

from sesame.db import Store
from sesame.errors import StoreUnavailable
from sesame.feedback.tracking import UNDER_WAY, LinkStopped, Reader, Tracker
from sesame.mail.tracked_link import click_path, open_path
from sesame.observe import Log
from sesame.store import events, stopped_links
from sesame.store.events import Event, Happened
from sesame.store.stopped_links import ACCOUNT, ALL, OPERATOR, Stop
from tests.support.clock import FakeClock
from tests.support.spooled import Fixture, message, with_spool

KEY = b"k" * 32
MADE_AT = 1_700_000_000.0
ID = f"0100{int(MADE_AT * 1000):012x}-00112233-4455-4677-8899-aabbccddeeff-000000"
DAY_S = 86_400.0
MARK = "00a1b2c3d4ff"
TARGET = "https://shop.example/?a=b"
READER = Reader(user_agent="Reader/1.0", ip_address="192.0.2.1")


class World:
    """A message to two, spooled, and what records."""

    def __init__(self, f: Fixture, *, most_events: int = 1_000) -> None:
        self.f = f
        self.clock = FakeClock()
        self.clock.time = MADE_AT + 60
        self.hints = 0
        self.tracker = Tracker(
            f.store, key=KEY, clock=self.clock, log=Log(io.StringIO(), as_json=True, clock=self.clock),
            lives_s=60 * DAY_S, most_events=most_events, recorded=self._recorded,
        )  # fmt: skip

    def _recorded(self) -> None:
        self.hints += 1

    async def put(self) -> None:
        await self.f.put(message(ID, "a@one.test", "b@two.test", at=MADE_AT))

    async def open(self, n: int = 0, message_id: str = ID, **changed: Any) -> None:
        path = open_path(KEY, message_id, n)
        assert path is not None
        await self.tracker.opened(path.removeprefix("/t/o/"), Reader(**{**vars_of(READER), **changed}))

    async def click(
        self,
        n: int = 0,
        number: int = 0,
        tags: str = "",
        *,
        message_id: str = ID,
        mark: str = MARK,
        **changed: Any,
    ) -> str | None:
        path = click_path(KEY, message_id, n, number=number, tags=tags, target=TARGET, mark=mark)
        assert path is not None
        token, _, query = path.removeprefix("/t/c/").partition("?")
        return await self.tracker.clicked(token, query, Reader(**{**vars_of(READER), **changed}))

    async def read(self) -> list[Event]:
        found = await self.f.store.read(lambda tx: events.of_message(tx, ID))
        return [one for one in found if one.what in (Happened.OPENED, Happened.CLICKED)]


def vars_of(reader: Reader) -> dict[str, Any]:
    return {name: getattr(reader, name) for name in ("user_agent", "ip_address", "counts")}


def run(path: Path, scenario: Any, **given: Any) -> None:
    async def go(f: Fixture) -> None:
        await scenario(World(f, **given))

    with_spool(path, go)


def test_an_open_and_a_click_are_events_of_their_recipient(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        await world.open(1)
        assert await world.click(0, 3, "a:b;a:c") == TARGET
        opened, clicked = await world.read()
        assert (opened.what, opened.recipient, opened.at) == (Happened.OPENED, "b@two.test", world.clock.time)
        assert opened.detail == {"userAgent": "Reader/1.0", "ipAddress": "192.0.2.1"}
        assert (clicked.what, clicked.recipient) == (Happened.CLICKED, "a@one.test")
        assert clicked.detail["link"] == TARGET and clicked.detail["linkTags"] == '{"a": ["b", "c"]}'
        assert world.hints == 2

    run(tmp_path, scenario)


def test_each_open_is_an_event_but_those_of_one_second(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        for seconds in (0, 0.4, 0.4, 1, 1):
            world.clock.time = MADE_AT + 100 + seconds
            await world.open()
            await world.click(number=1)
            await world.click(number=2)
        assert len(await world.read()) == 6
        again = World(world.f)  # another process, which remembers nothing
        again.clock.time = world.clock.time
        await again.open()
        assert len(await world.read()) == 6 and again.hints == 1

    run(tmp_path, scenario)


def test_what_one_recipient_does_is_recorded_up_to_a_bound_and_leads_on_beyond(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        for second in range(10):
            world.clock.time = MADE_AT + second
            await world.open()
            assert await world.click(number=second) == TARGET
        await world.open(1)
        found = [(one.what, one.recipient) for one in await world.read()]
        assert (
            found.count((Happened.OPENED, "a@one.test")) == found.count((Happened.CLICKED, "a@one.test")) == 3
        )
        assert found.count((Happened.OPENED, "b@two.test")) == 1

    run(tmp_path, scenario, most_events=3)


@pytest.mark.parametrize(("age_s", "count"), [(60 * DAY_S, 1), (60 * DAY_S + 1, 0)])
def test_an_old_link_leads_on_and_is_no_event(tmp_path: Path, age_s: float, count: int) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        world.clock.time = MADE_AT + age_s
        await world.open()
        assert await world.click() == TARGET
        assert len(await world.read()) == 2 * count

    run(tmp_path, scenario)


def test_a_message_that_is_gone_and_a_recipient_that_never_was_leave_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await world.click() == TARGET  # not in the store
        await world.put()
        await world.open(2)
        assert await world.click(7) == TARGET
        assert await world.read() == [] and world.hints == 0

    run(tmp_path, scenario)


def test_looking_whether_there_is_something_is_no_event(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        await world.open(counts=False)
        assert await world.click(counts=False) == TARGET
        assert await world.read() == []

    run(tmp_path, scenario)


class Broken:
    """A store that takes and gives nothing."""

    async def read(self, run: Any) -> bool:
        raise StoreUnavailable("the disk is gone")

    async def write(self, run: Any) -> bool:
        raise StoreUnavailable("the disk is full")


def test_a_link_leads_on_when_nothing_can_be_written(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        world.tracker._store = cast(Store, Broken())
        await world.open()
        assert await world.click() == TARGET

    run(tmp_path, scenario)


class Slow:
    """A store whose writes wait."""

    def __init__(self) -> None:
        self.writes = 0
        self.go = asyncio.Event()

    async def read(self, run: Any) -> bool:
        return False

    async def write(self, run: Any) -> bool:
        self.writes += 1
        await self.go.wait()
        return True


def test_beyond_what_is_being_written_links_lead_on_at_once(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        slow = Slow()
        world.tracker._store = cast(Store, slow)
        waiting = [asyncio.create_task(world.click(number=number)) for number in range(UNDER_WAY)]
        await asyncio.sleep(0)
        assert slow.writes == UNDER_WAY
        assert await world.click(number=9_999) == TARGET
        assert slow.writes == UNDER_WAY
        slow.go.set()
        assert set(await asyncio.gather(*waiting)) == {TARGET}

    run(tmp_path, scenario)


OTHER = f"{ID[:-6]}000001"
"""Another message, which is not kept."""


async def stop(world: World, message_id: str, by: str = ACCOUNT, mark: str = MARK) -> None:
    account = await world.f.store.read(lambda tx: tx.one("SELECT account_id FROM message"))
    assert account is not None
    kept = Stop(
        account_id=str(account[0]),
        message_id=message_id,
        stopped_by=by,
        mark=mark,
        stopped_at=world.clock.time,
        reason="",
    )
    await world.f.store.write(lambda tx: stopped_links.put(tx, kept))


def test_a_stopped_message_is_told_for_one_and_nothing_of_it_is_recorded(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        await stop(world, ID)
        for counts in (True, False):
            with pytest.raises(LinkStopped):
                await world.click(counts=counts)
        assert await world.click(message_id=OTHER) == TARGET
        await world.open()
        assert [one.what for one in await world.read()] == [Happened.OPENED]

    run(tmp_path, scenario)


def test_a_stopped_account_is_known_by_its_mark_and_in_links_of_before_by_the_message(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        await stop(world, ALL)
        for message_id in (ID, OTHER):
            with pytest.raises(LinkStopped):
                await world.click(message_id=message_id)
            assert await world.click(message_id=message_id, number=1, mark="ffffffffffff") == TARGET
        for message_id, is_stopped in ((ID, True), (OTHER, False)):
            found = await world.f.store.read(
                lambda tx, message_id=message_id: stopped_links.is_stopped(tx, message_id, (None, None))  # type: ignore[misc]
            )
            assert found is is_stopped

    run(tmp_path, scenario)


def test_what_two_have_stopped_leads_on_when_both_have_taken_it_back(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.put()
        await stop(world, ID)
        await stop(world, ID, OPERATOR)
        (account,) = {one.account_id for one in await stops(world)}
        for by in (ACCOUNT, OPERATOR):
            with pytest.raises(LinkStopped):
                await world.click()
            await world.f.store.write(
                lambda tx, by=by: stopped_links.remove(tx, account, ID, by)  # type: ignore[misc]
            )
        assert await world.click() == TARGET and await stops(world) == []

    async def stops(world: World) -> list[Stop]:
        account = await world.f.store.read(lambda tx: tx.one("SELECT account_id FROM message"))
        assert account is not None
        return await world.f.store.read(lambda tx: stopped_links.page(tx, str(account[0]), limit=10))

    run(tmp_path, scenario)
