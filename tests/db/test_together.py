"""Questions that share a look-up: each its own answer, never an older one, and nobody hangs on another."""

import asyncio
from collections.abc import Sequence

import pytest

from sesame.db.together import Together


class Library:
    """Looks up slowly; `asked` are the look-ups, each with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.open = asyncio.Event()
        self.begun = asyncio.Event()
        self.problem: Exception | None = None

    async def look_up(self, questions: Sequence[str]) -> Sequence[str]:
        self.asked.append(list(questions))
        self.begun.set()
        await self.open.wait()
        if self.problem is not None:
            raise self.problem
        return [f"{question}!" for question in questions]


def test_those_that_ask_while_a_look_up_is_under_way_share_the_next() -> None:
    async def check() -> None:
        library = Library()
        together = Together(library.look_up)
        first = asyncio.ensure_future(together.ask("a"))
        await library.begun.wait()
        others = [asyncio.ensure_future(together.ask(name)) for name in "bcb"]
        await asyncio.sleep(0)
        assert library.asked == [["a"]]  # it may have looked before they asked: no answer for them
        library.open.set()
        assert [await one for one in (first, *others)] == ["a!", "b!", "c!", "b!"]
        assert library.asked == [["a"], ["b", "c", "b"]]
        assert await together.ask("d") == "d!"

    asyncio.run(check())


def test_who_asked_for_the_others_and_is_cancelled_leaves_them_to_ask_for_themselves() -> None:
    async def check() -> None:
        library = Library()
        together = Together(library.look_up)
        before = asyncio.ensure_future(together.ask("before"))
        await library.begun.wait()
        leader, other = asyncio.ensure_future(together.ask("x")), asyncio.ensure_future(together.ask("y"))
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.wait([leader])
        library.open.set()
        assert (await before, await other) == ("before!", "y!")

    asyncio.run(check())


def test_a_look_up_that_fails_fails_for_all_of_it_and_for_nobody_else() -> None:
    async def check() -> None:
        library = Library()
        together = Together(library.look_up)
        library.problem = KeyError("no")
        library.open.set()
        both = await asyncio.gather(together.ask("a"), together.ask("b"), return_exceptions=True)
        assert [type(one) for one in both] == [KeyError, KeyError]
        library.problem = None
        assert await together.ask("c") == "c!"

    asyncio.run(check())


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_who_is_cancelled_takes_no_answer_from_another(gone: int) -> None:
    async def check() -> None:
        library = Library()
        together = Together(library.look_up)
        asks = [asyncio.ensure_future(together.ask(name)) for name in "abc"]
        await library.begun.wait()
        asks[gone].cancel()
        library.open.set()
        answers = await asyncio.gather(*asks, return_exceptions=True)
        kept = [answer for answer in answers if isinstance(answer, str)]
        assert kept == [f"{name}!" for number, name in enumerate("abc") if number != gone]

    asyncio.run(check())
