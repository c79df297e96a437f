"""ListEmailIdentities with a filter: no call looks at more identities than so many, and its token leads on."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from sesame.db import Transaction
from sesame.model import Identity, IdentityKind
from sesame.operations.filtered import MOST_A_PAGE, MOST_LOOKS
from sesame.store import identities
from tests.operations.test_changes import REGION, World, with_world

LOOKED_AT = MOST_A_PAGE * MOST_LOOKS


async def fill(world: World, count: int, others: Sequence[int]) -> list[str]:
    """Give the account so many domains, by name; those numbered `others` are under a name of their own."""
    await world.services.verification.vouch(world.account, REGION, "a.test", IdentityKind.DOMAIN)
    first = await world.services.store.read(lambda tx: identities.get(tx, world.account, REGION, "a.test"))
    assert first is not None
    names = [f"d{number:06}.{'other' if number in others else 'corp'}.test" for number in range(count)]

    async def run(tx: Transaction) -> None:
        for name in names:
            await identities.create(tx, replace(first, name=name, verification_token=name))

    await world.services.store.write(run)
    return names


async def pages(world: World, **request: Any) -> list[list[str]]:
    """The names of each page, to the end of the list."""
    found: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = await world.call(world.user, "sesv2", "ListEmailIdentities", **request, **token)
        found.append([one["IdentityName"] for one in answer["EmailIdentities"]])
        if "NextToken" not in answer:
            return found
        assert len(found) < 100
        token = {"NextToken": answer["NextToken"]}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look at the store gave."""
    seen: list[int] = []
    inner = identities.page

    async def page(tx: Transaction, *place: str, **wanted: Any) -> list[Identity]:
        found = await inner(tx, *place, **wanted)
        seen.append(len(found))
        return found

    monkeypatch.setattr(identities, "page", page)
    return seen


def test_a_call_that_finds_few_looks_at_so_many(tmp_path: Path, looks: list[int]) -> None:
    """Of more than a call looks at, three fit: the first page has one, and leads on to the others."""

    async def check(world: World) -> None:
        others = (5, LOOKED_AT + 1, LOOKED_AT + 4)
        names = await fill(world, LOOKED_AT + 5, others)
        wanted = {"IDENTITY_NAME_CONTAINS": "other"}
        answer = await world.call(world.user, "sesv2", "ListEmailIdentities", Filter=wanted)
        assert [one["IdentityName"] for one in answer["EmailIdentities"]] == [names[5]]
        assert sum(looks) == LOOKED_AT
        found = await pages(world, Filter=wanted)
        assert found == [[names[5]], [names[others[1]], names[others[2]]]]
        nothing = {"IDENTITY_NAME_CONTAINS": "nobody"}
        assert await pages(world, Filter=nothing) == [[], []]
        assert [*chain(*await pages(world, Filter=wanted, PageSize=1))] == [names[n] for n in others]

    with_world(tmp_path, check)


def test_a_page_without_a_filter_reads_what_is_on_it(tmp_path: Path, looks: list[int]) -> None:
    """And one more, to know whether there is a next."""

    async def check(world: World) -> None:
        names = await fill(world, 7, ())
        assert await pages(world, PageSize=4) == [["a.test", *names[:3]], names[3:]]
        assert looks == [5, 4]

    with_world(tmp_path, check)
