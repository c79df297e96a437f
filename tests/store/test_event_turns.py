"""Turns at the event log go on whatever becomes of one of them."""

import asyncio
import io

from sesame.errors import StoreUnavailable
from sesame.observe import Log, SystemClock
from sesame.store.event_turns import Turns
from tests.support.patience import PATIENCE_S


def test_a_turn_that_the_store_fails_is_followed_by_another() -> None:
    async def session() -> None:
        out, done, taken = io.StringIO(), asyncio.Event(), list[bool]()

        async def turn(is_hinted: bool) -> int:
            taken.append(is_hinted)
            if len(taken) == 1:
                raise StoreUnavailable("no room")
            done.set()
            return 0

        turns = Turns(turn, limit=10, log=Log(out, as_json=True, clock=SystemClock()), failure="turn_failed")
        running = asyncio.create_task(turns.run())
        turns.wake()
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        assert "turn_failed" in out.getvalue()
        assert "no room" in out.getvalue()

    asyncio.run(session())


def test_turns_follow_each_other_while_they_are_full() -> None:
    async def session() -> None:
        left, done = [25], asyncio.Event()

        async def turn(is_hinted: bool) -> int:
            count = min(10, left[0])
            left[0] -= count
            if not left[0]:
                done.set()
            return count

        turns = Turns(
            turn, limit=10, log=Log(io.StringIO(), as_json=True, clock=SystemClock()), failure="turn_failed"
        )
        running = asyncio.create_task(turns.run())
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(session())
