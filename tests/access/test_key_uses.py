"""Uses of keys are written a bounded number at a time, and none is lost when the store cannot be written."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sesame.access.key_uses import MOST_AT_ONCE, KeyUses
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.errors import StoreUnavailable
from sesame.observe import Log, SystemClock
from sesame.store import key_use


@pytest.mark.parametrize("fails_at", [None, 1, 2])
def test_many_uses_are_written_in_parts_and_none_is_lost(tmp_path: Path, fails_at: int | None) -> None:
    many = 2 * MOST_AT_ONCE + 1

    async def session() -> None:
        store = SqliteStore(tmp_path / "db", durable=False)
        writes = 0

        class Counting:
            async def write(self, function: Callable[[Transaction], Awaitable[None]]) -> None:
                nonlocal writes
                writes += 1
                if writes == fails_at:
                    raise StoreUnavailable("no room")
                await store.write(function)

        try:
            uses = KeyUses(Counting(), SystemClock(), Log(io.StringIO(), as_json=True, clock=SystemClock()))  # type: ignore[arg-type]
            for number in range(many):
                uses.note(f"AKIA{number:016}", "API", "us-east-1")
            await uses.write()
            if fails_at is not None:
                await uses.write()
            row = await store.read(lambda tx: tx.one("SELECT COUNT(*) FROM key_use"))
            assert row is not None
            assert row[0] == many
            assert writes == (3 if fails_at is None else 4)
            known = await store.read(lambda tx: key_use.of_keys(tx, [f"AKIA{many - 1:016}"]))
            assert len(known) == 1
        finally:
            store.close()

    asyncio.run(session())
