"""What is let go of goes so many rows a write, and all of it goes in the end; what is still wanted stays."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sesame.db import Store, Transaction, in_parts
from sesame.db.sqlite import SqliteStore
from sesame.store import (
    console_logins,
    console_shares,
    decisions,
    mta_sts,
    outbox,
    subscriptions,
    tallies,
    tls_results,
)
from sesame.store.iam import deleted_keys
from tests.store.test_plans import costly, statements_of
from tests.support.schema import migrate_at_once

Drop = Callable[[Transaction, int], Awaitable[int]]
OLD, NOW, LATER = 10, 50, 90
"""Times, of rows and of the purge; as days they are text in the same order."""
NUMBER = {"INTEGER": 7, "REAL": 7.0, "TEXT": "x", "BLOB": b"x"}


class Case(NamedTuple):
    """A purge: what it drops, and of each table the rows that it is to drop and those that are to stay."""

    drop: Drop
    rows: Sequence[tuple[str, int, dict[str, Any]]]
    """Table, how many, and columns; a function makes a column of the number of the row. `stays` is no column."""


def each(text: str) -> Callable[[int], str]:
    return lambda number: text.format(number)


def same(number: int) -> int:
    return number


def publications(count: int, each_has: int, at: int, first: int = 0, **columns: Any) -> Any:
    """Publications from a time with as many outbox rows each."""
    return [
        (
            "publication", count,
            {"seq": lambda n: first + n, "message_id": lambda n: f"m{first + n}", "at": at, **columns},
        ),
        (
            "outbox", count * each_has,
            {"seq": lambda n: first * 100 + n, "publication_seq": lambda n: first + n // each_has,
             "state": "delivered", **columns},
        ),
    ]  # fmt: skip


def refusals(count: int, owners: int, at: int, first: int = 0, **columns: Any) -> Any:
    """Refusals from a time with as many further owners each."""
    return [
        ("refusal", count, {"seq": lambda n: first + n, "at": at, **columns}),
        (
            "further_owner", count * owners,
            {"owner_account_id": each("{}"), "at": at, "refusal_seq": lambda n: first + n // owners, **columns},
        ),
    ]  # fmt: skip


KEEP = {"stays": True}
DIGEST = {"digest": lambda n: b"%d" % n}
OTHER = {"digest": lambda n: b"k%d" % n, **KEEP}
PENDING: dict[str, Any] = {"confirmed_at": None, "ended_at": None, "token_digest": None}
WHERE = {
    "subscription": ("arn", "endpoint"),
    "mta_sts_policy": ("domain",),
    "tls_result": ("reason",),
    "tls_report": ("sent_to",),
}
CASES = {
    "subscriptions of a topic": Case(
        lambda tx, limit: subscriptions.drop_of_topic(tx, "gone", limit=limit),
        [("subscription", 10, {"topic_arn": "gone"}), ("subscription", 4, {"topic_arn": "kept", **KEEP})],
    ),
    "subscriptions that wait": Case(
        lambda tx, limit: subscriptions.purge_pending(tx, now=NOW, limit=limit),
        [
            ("subscription", 10, {"token_until": OLD, **PENDING}),
            ("subscription", 4, {"token_until": LATER, **PENDING, **KEEP}),
            ("subscription", 4, {"token_until": OLD, "confirmed_at": 1, **KEEP}),
        ],
    ),
    "log-ins and links": Case(
        lambda tx, limit: console_logins.purge(tx, now=NOW, made_before=NOW, limit=limit),
        [
            ("console_link", 5, {"expires_at": NOW, **DIGEST}),
            ("console_login", 10, {"made_at": OLD, **DIGEST}),
            ("console_link", 4, {"expires_at": LATER, **OTHER}),
            ("console_login", 4, {"made_at": NOW, **OTHER}),
        ],
    ),
    "shares": Case(
        lambda tx, limit: console_shares.purge(tx, now=NOW, limit=limit),
        [
            ("account", 1, KEEP),
            ("identity", 1, KEEP),
            ("console_share", 10, {"expires_at": NOW, **DIGEST}),
            ("console_share", 4, {"expires_at": LATER, **OTHER}),
        ],
    ),
    "deleted access keys": Case(
        lambda tx, limit: deleted_keys.purge_before(tx, NOW, limit=limit),
        [
            ("deleted_key", 10, {"access_key_id": each("old{}"), "deleted_at": OLD}),
            ("deleted_key", 4, {"access_key_id": each("new{}"), "deleted_at": LATER, **KEEP}),
        ],
    ),
    "policies of MTA-STS": Case(
        lambda tx, limit: mta_sts.purge(tx, now=NOW, limit=limit),
        [
            ("mta_sts_policy", 10, {"expires_at": NOW}),
            ("mta_sts_policy", 4, {"expires_at": LATER, **KEEP}),
        ],
    ),
    "results of a domain": Case(
        lambda tx, limit: tls_results.forget(tx, "10", "gone", limit=limit),
        [
            ("tls_result", 10, {"day": "10", "policy_domain": "gone"}),
            ("tls_result", 4, {"day": "11", "policy_domain": "gone", **KEEP}),
            ("tls_result", 4, {"day": "10", "policy_domain": "kept", **KEEP}),
        ],
    ),
    "results and reports of days": Case(
        lambda tx, limit: tls_results.purge(tx, before="50", limit=limit),
        [
            ("tls_result", 5, {"day": "10"}),
            ("tls_report", 10, {"day": "10"}),
            ("tls_result", 4, {"day": "50", **KEEP}),
            ("tls_report", 4, {"day": "50", **KEEP}),
        ],
    ),
    "publications": Case(
        lambda tx, limit: outbox.purge_before(tx, NOW, limit=limit),
        [
            *publications(6, 5, OLD),
            *publications(1, 3, LATER, 20, **KEEP),
            *publications(1, 3, OLD, 30, state="waiting", **KEEP),
        ],
    ),
    "refusals": Case(
        lambda tx, limit: decisions.purge_before(tx, NOW, limit=limit),
        [*refusals(6, 5, OLD), *refusals(4, 2, LATER, 20, **KEEP)],
    ),
    "counts": Case(
        lambda tx, limit: tallies.purge_before(tx, 96 * NOW, limit=limit),
        [
            ("tally", 5, {"identity": each("{}"), "quarter": 96 * NOW - 1}),
            ("set_tally", 6, {"configuration_set": each("{}"), "quarter": 96 * NOW - 1}),
            ("day_tally", 7, {"account_id": each("{}"), "day": NOW - 1}),
            ("identity_tally", 8, {"identity": each("{}"), "day": NOW - 1}),
            ("tally", 3, {"identity": each("{}"), "quarter": 96 * NOW, **KEEP}),
            ("identity_tally", 3, {"identity": each("{}"), "day": NOW, **KEEP}),
        ],
    ),
}


@cache
def columns(table: str) -> dict[str, str]:
    """The columns of a table and of which type they are."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate_at_once(connection)
        return {name: kind for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")}
    finally:
        connection.close()


async def fill(tx: Transaction, case: Case) -> int:
    """Put in the rows of a case; how many of them are to go."""
    going = 0
    for place, (table, count, given) in enumerate(case.rows):
        is_kept = "stays" in given
        going += 0 if is_kept else count
        known = columns(table)
        for number in range(count):
            row: dict[str, Any] = {name: NUMBER[kind] for name, kind in known.items()}
            row |= dict.fromkeys(WHERE.get(table, ()), f"{place}.{number}")
            row |= {
                name: value(number) if callable(value) else value
                for name, value in given.items()
                if name in known
            }
            if "seq" in row and "seq" not in given:
                row["seq"] = 1_000 * place + number + 1
            await tx.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values()
            )
    return going


@pytest.mark.parametrize("limit", [1, 3, 7, 1_000])
@pytest.mark.parametrize("name", CASES)
def test_a_write_takes_so_many_rows_at_most(name: str, limit: int, tmp_path: Path) -> None:
    case = CASES[name]
    store = SqliteStore(tmp_path / "sesame.db", durable=False, committed=lambda seconds, jobs: None)
    went: list[int] = []

    async def left(tx: Transaction) -> int:
        rows = [
            await tx.one(f"SELECT COUNT(*) FROM {table}") for table in {table for table, _, _ in case.rows}
        ]
        return sum(row[0] for row in rows if row is not None)

    async def session() -> None:
        going = await store.write(lambda tx: fill(tx, case))
        before = await store.read(left)

        async def drop(tx: Transaction) -> int:
            there = await left(tx)
            told = await case.drop(tx, limit)
            went.append(there - await left(tx))
            assert told == went[-1]
            return told

        await in_parts(store, drop, at_once=limit)
        assert max(went) <= limit
        assert sum(went) == going
        assert await store.read(left) == before - going

    try:
        asyncio.run(session())
    finally:
        store.close()


@pytest.mark.parametrize("name", CASES)
def test_a_part_walks_over_no_table(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many parts would be as many walks."""

    async def purging(store: Store) -> None:
        await store.write(lambda tx: fill(tx, CASES[name]))
        await store.write(lambda tx: CASES[name].drop(tx, 1_000))

    plans = statements_of(tmp_path / "db", purging, monkeypatch)
    dropping = {sql: plan for sql, plan in plans.items() if not sql.startswith("INSERT")}
    assert any("DELETE FROM" in sql for sql in dropping)
    assert {sql: wrong for sql, plan in dropping.items() if (wrong := costly(plan))} == {}
    walks = ("SCAN outbox", "SCAN publication", "SCAN p")
    assert not any(step.startswith(walks) for plan in dropping.values() for step in plan)
