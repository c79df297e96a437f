"""The list of sends: each entry once, newest first, however it is paged."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from sesame.db import Store, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.model import AccountId
from sesame.sending.accept import Acceptance, accept
from sesame.spool import listing
from sesame.spool.listing import Entry, Key
from sesame.store import accounts, decisions
from sesame.store.decisions import DecisionText, Refusal
from tests.support.entries import newest
from tests.support.spooled import ACCOUNT, OWNER, REGION, message
from tests.support.stored_accounts import an_account

FURTHER = "333333333333"
"""Owns identities of sends beside the first owner, and nothing else."""


async def keep(tx: Transaction, refusal: Refusal) -> None:
    await decisions.put_refusal(tx, refusal)


async def fill(store: Store) -> None:
    """Messages and refusals of two accounts, many at the same time."""
    account = an_account(ACCOUNT, max_24_hour_send=-1, max_send_rate=1e9)
    await store.write(lambda tx: accounts.create(tx, account))
    for n in range(12):
        at = float(100 + n // 4)
        sent = replace(
            message(f"m{n}"), accepted_at=at, owner_account_id=AccountId((OWNER, ACCOUNT)[n % 2]),
            lent=dict.fromkeys(((), (FURTHER,), (OWNER, FURTHER), (OWNER,), (ACCOUNT,))[n % 5], 0),
        )  # fmt: skip
        await store.write_together(
            accept, Acceptance(message=sent, epochs={}, set_name=None, is_default=False, to_quota=1)
        )
        refusal = Refusal(
            request_id=f"r{n}", account_id=ACCOUNT, owner_account_id=(OWNER, None, ACCOUNT)[n % 3], region=REGION,
            at=at, code="AccessDenied", reason="", decision=DecisionText(shared="{}"),
            further_owners=((), (FURTHER,), (OWNER, FURTHER), (OWNER,))[n % 4],
        )  # fmt: skip
        await store.write(partial(keep, refusal=refusal))


async def walk(store: Store, account_id: str, limit: int) -> list[Entry]:
    found: list[Entry] = []
    key: Key | None = None
    while True:
        page = await store.read(partial(newest, account_id=account_id, after=key, limit=limit))
        found += page
        if len(page) < limit:
            return found
        key = page[-1].key


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("account_id", [ACCOUNT, OWNER, FURTHER])
def test_what_was_refused_since_is_what_the_list_has(tmp_path: Path, account_id: str, *, sent: bool) -> None:
    """All of it within the limit; of another region nothing, and beyond the limit it says so."""

    async def session() -> list[tuple[list[str], bool]]:
        store = SqliteStore(tmp_path / "db")
        try:
            await fill(store)
            found = []
            for region, limit in ((REGION, 100), (REGION, 1), ("eu-west-1", 100)):
                look = partial(
                    decisions.refused_since, account_id=account_id, region=region, since=100.0, limit=limit,
                    sent=sent, as_owner=not sent,
                )  # fmt: skip
                refused, is_whole = await store.read(look)
                found.append(([one.request_id for one in refused], is_whole))
            keys = partial(
                listing.keys, account_id=account_id, after=None, limit=100, messages=False,
                sent=sent, as_owner=not sent,
            )  # fmt: skip
            wanted = await store.read(
                partial(listing.entries, account_id=account_id, wanted=await store.read(keys))
            )
            assert found[0] == ([entry.id for entry in wanted if entry.at > 100.0], True)
            return found
        finally:
            store.close()

    (whole, _), (part, is_whole), elsewhere = asyncio.run(session())
    assert elsewhere == ([], True)
    assert part[:1] == whole[:1] and is_whole is not bool(whole)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_a_walk_meets_each_entry_once_in_order(tmp_path: Path, limit: int) -> None:
    async def session() -> tuple[list[Entry], ...]:
        store = SqliteStore(tmp_path / "db")
        try:
            await fill(store)
            return tuple([await walk(store, account_id, limit) for account_id in (ACCOUNT, OWNER, FURTHER)])
        finally:
            store.close()

    own, owners, further = asyncio.run(session())
    assert sorted(entry.id for entry in own) == sorted(
        [f"m{n}" for n in range(12)] + [f"r{n}" for n in range(12)]
    )
    assert sorted(entry.id for entry in owners) == sorted(
        [f"m{n}" for n in range(12) if n % 2 == 0 or n % 5 in (2, 3)]
        + [f"r{n}" for n in range(12) if n % 3 == 0 or n % 4 > 1]
    )
    assert sorted(entry.id for entry in further) == sorted(
        [f"m{n}" for n in range(12) if n % 5 in (1, 2)] + [f"r{n}" for n in range(12) if n % 4 in (1, 2)]
    )
    assert not any(entry.is_further for entry in own) and all(entry.is_further for entry in further)
    assert {entry.owner_account_id for entry in further} == {FURTHER}
    for found in (own, owners, further):
        places = [(-entry.at, entry.is_message, -entry.seq) for entry in found]
        assert places == sorted(places)
