"""Large messages under way: bounded in bytes, in turn, and no destination has all of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sesame.delivery.memory import MAX_WAITING, Memory, NoMemory


class Attempts:
    """Holds memory until it is told to let go."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, size_bytes: int, destination: str) -> None:
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._attempt(name, size_bytes, destination))
        await asyncio.sleep(0)

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.tasks.pop(name)
        await asyncio.sleep(0)

    async def _attempt(self, name: str, size_bytes: int, destination: str) -> None:
        async with self.memory.hold(size_bytes, destination):
            self.begun.append(name)
            await self.ends[name].wait()


def with_memory(limit_bytes: int, check: Callable[[Attempts], Awaitable[None]]) -> None:
    async def run() -> None:
        attempts = Attempts(Memory(limit_bytes))
        await check(attempts)
        for name in list(attempts.tasks):
            await attempts.end(name)
        assert attempts.memory.held_bytes == 0

    asyncio.run(run())


def test_no_more_is_held_than_may_be_and_the_next_has_its_turn() -> None:
    async def check(a: Attempts) -> None:
        for name in "abcdef":
            await a.begin(name, 25, f"{name}.test")
        assert (a.begun, a.memory.held_bytes) == (list("abcd"), 100)
        await a.end("b")
        assert a.begun == list("abcde")

    with_memory(100, check)


def test_a_destination_leaves_room_for_the_others() -> None:
    async def check(a: Attempts) -> None:
        for name in ("slow-1", "slow-2", "slow-3"):
            await a.begin(name, 20, "slow.test")
        await a.begin("good", 20, "good.test")
        assert a.begun == ["slow-1", "good"]

    with_memory(100, check)


def test_a_message_larger_than_all_there_is_goes_alone() -> None:
    async def check(a: Attempts) -> None:
        await a.begin("small", 10, "a.test")
        await a.begin("huge", 500, "b.test")
        assert a.begun == ["small"]
        await a.end("small")
        await a.begin("next", 10, "c.test")
        assert a.begun == ["small", "huge"]
        await a.end("huge")
        assert a.begun == ["small", "huge", "next"]

    with_memory(100, check)


def test_those_that_wait_are_bounded_for_each_has_a_place_that_others_could_have() -> None:
    async def check(a: Attempts) -> None:
        await a.begin("first", 100, "a.test")
        for number in range(MAX_WAITING):
            await a.begin(str(number), 100, f"{number}.test")
        with pytest.raises(NoMemory):
            async with a.memory.hold(100, "z.test"):
                pass

    with_memory(100, check)


@pytest.mark.parametrize("is_its_turn", [False, True])
def test_an_attempt_that_is_given_up_while_it_waits_holds_nothing(is_its_turn: bool) -> None:
    async def check(a: Attempts) -> None:
        async with a.memory.hold(100, "a.test"):
            await a.begin("given-up", 100, "b.test")
            await a.begin("next", 100, "c.test")
            if not is_its_turn:
                a.tasks["given-up"].cancel()
                await asyncio.wait([a.tasks["given-up"]])
        a.tasks["given-up"].cancel()  # it may have its turn by now, and has not heard of it
        await asyncio.wait([a.tasks.pop("given-up")])
        await asyncio.sleep(0)
        assert a.begun == ["next"]

    with_memory(100, check)
