"""Links that are over: a new one takes some of them away, and none counts towards what an account may have."""

from pathlib import Path

import pytest

from sesame.db import Transaction
from sesame.errors import LimitExceeded
from sesame.operations.sesame.share_links import A_PURGE, MOST
from tests.operations.test_changes import REGION, World, with_world


async def fill(world: World, count: int, expires_at: float) -> None:
    async def run(tx: Transaction) -> None:
        await tx.many(
            "INSERT INTO console_share (digest, account_id, region, identity, kind, delegate, user_id, made_by, mfa,"
            " made_at, expires_at) VALUES (?, ?, ?, 'one.test', 'records', '', '', '', 0, 1, ?)",
            [(b"%d" % number, world.account, REGION, expires_at) for number in range(count)],
        )

    await world.services.store.write(run)


async def left(world: World) -> int:
    row = await world.services.store.read(lambda tx: tx.one("SELECT COUNT(*) FROM console_share"))
    assert row is not None
    return int(row[0])


async def make(world: World) -> None:
    await world.call(world.user, "sesame", "CreateShareLink", Identity="one.test", Shows="RECORDS", Days=7)


def test_links_that_are_over_do_not_count(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.user, "sesv2", "CreateEmailIdentity", EmailIdentity="one.test")
        await fill(world, MOST + A_PURGE + 1, expires_at=2.0)
        await make(world)
        assert await left(world) == MOST + 1 + 1
        await make(world)
        assert await left(world) == MOST - A_PURGE + 1 + 2

    with_world(tmp_path, check)


def test_links_that_work_do(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.user, "sesv2", "CreateEmailIdentity", EmailIdentity="one.test")
        await fill(world, MOST - 1, expires_at=9e9)
        await make(world)
        with pytest.raises(LimitExceeded):
            await make(world)
        assert await left(world) == MOST

    with_world(tmp_path, check)
