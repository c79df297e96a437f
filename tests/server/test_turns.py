"""Connections that bring much take turns."""

import asyncio

from sesame.server.turns import Turns


def test_one_goes_on_in_each_turn_of_the_loop_in_the_order_they_came() -> None:
    async def run() -> list[list[str]]:
        turns, seen, now = Turns(), [], []
        for name in "abc":
            turns.wait(lambda name=name: now.append(name))  # type: ignore[misc]
        for _ in range(4):
            await asyncio.sleep(0)
            seen.append(list(now))
            now.clear()
            if len(seen) == 1:
                turns.wait(lambda: now.append("d"))
        return seen

    assert asyncio.run(run()) == [["a"], ["b"], ["c"], ["d"]]
