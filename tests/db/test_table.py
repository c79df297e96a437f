"""Records in tables: what is put is what is read, and of the same key what was meant to change."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sesame.db import Store, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.db.table import FLAG, JSON_OBJECT, JSON_TUPLE, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Boat:
    """A record with a field of each form."""

    name: str
    length_m: float | None
    is_afloat: bool
    crew: Mapping[str, str]
    ports: tuple[str, ...]


BOATS = Table("boat", Boat, is_afloat=FLAG, crew=JSON_OBJECT, ports=JSON_TUPLE)
ANNA = Boat(name="Anna", length_m=None, is_afloat=True, crew={"mate": "Bo"}, ports=("Kiel", "Riga"))
OTTO = Boat(name="Otto", length_m=7.5, is_afloat=False, crew={}, ports=())


def with_boats(path: Path, function: Callable[[Store], Awaitable[None]]) -> None:
    async def make(tx: Transaction) -> None:
        await tx.execute(
            "CREATE TABLE boat (ports TEXT, crew TEXT, is_afloat INTEGER, length_m REAL, name TEXT PRIMARY KEY)"
        )
        await BOATS.put(tx, OTTO)
        await BOATS.put(tx, ANNA)

    async def session() -> None:
        store = SqliteStore(path)
        try:
            await store.write(make)
            await function(store)
        finally:
            store.close()

    asyncio.run(session())


def test_records_are_read_as_they_were_put(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> None:
            assert await BOATS.one(tx, "WHERE name = ?", "Anna") == ANNA
            assert await BOATS.one(tx, "WHERE name = ?", "Erna") is None
            assert await BOATS.all(tx, "ORDER BY name") == [ANNA, OTTO]
            assert await BOATS.count(tx, "WHERE is_afloat = ?", 1) == 1
            assert await tx.one("SELECT is_afloat, crew, ports FROM boat WHERE name = 'Anna'") == (
                1,
                '{"mate": "Bo"}',
                '["Kiel", "Riga"]',
            )

        await store.read(run)

    with_boats(tmp_path / "db", check)


def test_of_a_record_that_is_there_only_what_is_named_changes(tmp_path: Path) -> None:
    new = replace(ANNA, length_m=9.0, is_afloat=False, ports=("Oslo",))

    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> Boat | None:
            assert await BOATS.put(tx, new, key="name", changed="length_m, ports") == 1
            return await BOATS.one(tx, "WHERE name = ?", "Anna")

        assert await store.write(run) == replace(ANNA, length_m=9.0, ports=("Oslo",))

    with_boats(tmp_path / "db", check)


def test_without_anything_to_change_a_record_that_is_there_stays(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> Boat | None:
            assert await BOATS.put(tx, replace(ANNA, length_m=9.0), key="name") == 0
            return await BOATS.one(tx, "WHERE name = ?", "Anna")

        assert await store.write(run) == ANNA

    with_boats(tmp_path / "db", check)
