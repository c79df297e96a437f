"""Records in tables: what is put is what is read, and of the same key what was meant to change."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sesame.db import Store, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.db.table import FLAG, JSON_OBJECT, JSON_TUPLE, Table, reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Boat:
    """A record with a field of each form."""

    name: str
    length_m: float | None
    is_afloat: bool
    crew: Mapping[str, str]
    ports: tuple[str, ...]


BOATS = Table("boat", Boat, key="name", is_afloat=FLAG, crew=JSON_OBJECT, ports=JSON_TUPLE)
ANNA = Boat(name="Anna", length_m=None, is_afloat=True, crew={"mate": "Bo"}, ports=("Kiel", "Riga"))
OTTO = Boat(name="Otto", length_m=7.5, is_afloat=False, crew={}, ports=())


def with_boats(path: Path, function: Callable[[Store], Awaitable[None]]) -> None:
    async def make(tx: Transaction) -> None:
        await tx.execute(
            "CREATE TABLE boat (ports TEXT, crew TEXT, is_afloat INTEGER, length_m REAL, name TEXT PRIMARY KEY)"
        )
        await BOATS.create(tx, OTTO)
        await BOATS.create(tx, ANNA)

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
            assert await BOATS.get(tx, "Anna") == ANNA
            assert await BOATS.get(tx, "Erna") is None
            assert await BOATS.one(tx, "WHERE length_m > ?", 7) == OTTO
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
            await BOATS.put(tx, new, changed="length_m, ports")
            return await BOATS.get(tx, "Anna")

        assert await store.write(run) == replace(ANNA, length_m=9.0, ports=("Oslo",))

    with_boats(tmp_path / "db", check)


def test_a_record_that_is_there_stays_where_only_a_free_key_is_taken(tmp_path: Path) -> None:
    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> Boat | None:
            assert not await BOATS.create_if_free(tx, replace(ANNA, length_m=9.0))
            assert await BOATS.create_if_free(tx, replace(ANNA, name="Erna"))
            return await BOATS.get(tx, "Anna")

        assert await store.write(run) == ANNA

    with_boats(tmp_path / "db", check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """A record whose key has two columns."""

    port: str
    name: str


def test_a_page_is_of_those_that_share_the_key_but_for_its_last_column(tmp_path: Path) -> None:
    berths = Table("berth", Berth, key="port, name")

    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> None:
            await tx.execute("CREATE TABLE berth (name TEXT, port TEXT, PRIMARY KEY (port, name))")
            for port, name in (("Kiel", "b"), ("Kiel", "c"), ("Riga", "a"), ("Kiel", "a")):
                await berths.create(tx, Berth(port=port, name=name))
            assert [one.name for one in await berths.page(tx, "Kiel", after="", limit=2)] == ["a", "b"]
            assert [one.name for one in await berths.page(tx, "Kiel", after="b", limit=2)] == ["c"]
            assert await berths.delete(tx, "Kiel", "b")
            assert not await berths.delete(tx, "Kiel", "b")
            assert [one.name for one in await berths.page(tx, "Kiel", after="", limit=9)] == ["a", "c"]

        await store.write(run)

    with_boats(tmp_path / "db", check)


def test_of_many_records_each_is_put(tmp_path: Path) -> None:
    longer = replace(OTTO, length_m=8.5)
    erna = replace(OTTO, name="Erna")

    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> list[Boat]:
            await BOATS.put_all(tx, [longer, erna], changed="length_m")
            return await BOATS.all(tx, "ORDER BY name")

        assert await store.write(run) == [ANNA, erna, longer]

    with_boats(tmp_path / "db", check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A record of which one field is kept nowhere."""

    name: str
    length_m: float | None
    unit: str = "m"


def test_a_field_without_a_column_is_read_as_its_default(tmp_path: Path) -> None:
    lengths = Table("boat", Length, key="name", without="unit")

    async def check(store: Store) -> None:
        async def run(tx: Transaction) -> Length | None:
            await lengths.put(tx, Length(name="Otto", length_m=9.0, unit="ells"), changed="length_m")
            return await lengths.get(tx, "Otto")

        assert await store.write(run) == Length(name="Otto", length_m=9.0)

    with_boats(tmp_path / "db", check)


def test_rows_of_a_query_are_read_by_the_order_of_the_fields() -> None:
    assert reader(Length, without="unit")(("Otto", 7.5)) == Length(name="Otto", length_m=7.5)
    assert reader(Length, length_m=float)(("Otto", "7", "ft")) == Length(name="Otto", length_m=7.0, unit="ft")
