"""What has to be there before a server serves is waited for, and a stop is heard meanwhile."""

import asyncio
import io

import pytest

from sesame.app import preparation
from sesame.app.preparation import prepare
from sesame.errors import StoreUnavailable
from sesame.observe import Log
from tests.support.clock import FakeClock

LOG = Log(io.StringIO(), as_json=True, clock=FakeClock())


def test_a_store_that_cannot_be_written_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "FIRST_WAIT_S", 0.0)
    faults, done, said = [StoreUnavailable("disk full")] * 2, list[str](), list[str]()

    async def first() -> None:
        if faults:
            raise faults.pop()
        done.append("first")

    async def second() -> None:
        done.append("second")

    async def run() -> bool:
        return await prepare(
            {"first": first, "second": second}, stop=asyncio.Event(), log=LOG, waits=said.append
        )

    assert asyncio.run(run())
    assert (done, said) == (["first", "second"], ["the start waits: disk full"] * 2)


def test_a_stop_ends_the_wait_and_nothing_further_is_prepared() -> None:
    done: list[str] = []

    async def never() -> None:
        raise StoreUnavailable("locked")

    async def further() -> None:
        done.append("further")

    async def run() -> bool:
        stop = asyncio.Event()
        return await prepare(
            {"never": never, "further": further}, stop=stop, log=LOG, waits=lambda reason: stop.set()
        )

    assert not asyncio.run(run())
    assert done == []


def test_what_is_nobodys_to_wait_for_ends_the_start() -> None:
    async def broken() -> None:
        raise ValueError("a fault of ours")

    async def run() -> bool:
        return await prepare({"broken": broken}, stop=asyncio.Event(), log=LOG, waits=lambda reason: None)

    with pytest.raises(ValueError, match="ours"):
        asyncio.run(run())
