"""More endpoints than one turn looks at: all have their turns, whoever is down or quick beside them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from sesame.db import Transaction
from sesame.notify import deliver
from sesame.notify.http_client import Answer
from sesame.notify.url import PostFailed
from sesame.store import outbox
from tests.notify.test_held import publish
from tests.notify.test_outbox import World, with_world

WINDOW = 4
NAMES = [f"https://h{number:02}.test/" for number in range(30)]


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many endpoints each look found."""
    found: list[int] = []
    inner = outbox.endpoints

    async def counted(tx: Transaction, *, after: str, limit: int) -> list[str]:
        names = await inner(tx, after=after, limit=limit)
        found.append(len(names))
        return names

    monkeypatch.setattr(deliver, "ENDPOINTS_AT_ONCE", WINDOW)
    monkeypatch.setattr(outbox, "endpoints", counted)
    return found


async def turns(w: World, count: int) -> None:
    for _ in range(count):
        await w.notifier.turn()
        await w.attempt(w.notifier.begin())


def test_each_has_its_turn_and_none_is_told_twice(tmp_path: Path, looks: list[int]) -> None:
    async def check(w: World) -> None:
        await publish(w, 3, *NAMES)
        for _ in range(40):
            await turns(w, 1)
        assert Counter(url for url, _ in w.http.posted) == dict.fromkeys(NAMES, 3)
        assert max(looks) <= WINDOW
        assert await w.notifier.turn() is False  # until there is something new

    with_world(tmp_path, check)


def test_one_behind_many_that_are_down_is_told_within_a_round(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        good = "https://z.test/"

        async def post(url: str, fields: Sequence[tuple[str, str]], body: bytes) -> Answer:
            w.http.posted.append((url, body))
            if url != good:
                raise PostFailed("down")
            return Answer(200, b"")

        w.http.post = post  # type: ignore[method-assign]
        await publish(w, 2, *NAMES)
        await turns(w, 40)
        await publish(w, 5, good, named="later")
        w.http.posted.clear()
        await turns(w, len(NAMES) // WINDOW + 4)
        assert [url for url, _ in w.http.posted if url == good] == [good] * 5

    with_world(tmp_path, check)


def test_those_that_are_quick_and_have_much_take_no_turn_of_those_behind_them(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await publish(w, 1, *NAMES)
        await turns(w, 20)
        await publish(w, 200, *NAMES[:WINDOW], named="much")
        await publish(w, 1, *NAMES[WINDOW:], named="few")
        w.http.posted.clear()
        await turns(w, 3 * len(NAMES) // WINDOW)
        assert {url for url, _ in w.http.posted} == set(NAMES)

    with_world(tmp_path, check, workers=8, per_endpoint=2)
