"""The audit log shows every tampering: flip, drop, reorder, cut off, forge.

`AUDIT_TAMPERINGS` sets how many random ones (120 by default), `AUDIT_SEED` from where.
"""

import asyncio
import io
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from sesame.access.audit import AuditKey, AuditTrail, Entry, row_digest
from sesame.admin.audit import ChainBroken, Report, export, latest, prune, verify
from sesame.app.audit import AuditUpkeep, head_line, read_heads
from sesame.config import Audit
from sesame.db import Row, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.errors import ConfigError
from sesame.observe import Log
from sesame.store import audit
from sesame.store.audit import Mark
from tests.support.clock import FakeClock

TAMPERINGS = int(os.environ.get("AUDIT_TAMPERINGS", "120"))
SEED = int(os.environ.get("AUDIT_SEED", "1"))
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
ROWS = 30
KEY, OTHER = AuditKey(b"k" * 32), AuditKey(b"o" * 32)
TABLES = {
    "audit_row": ("account_id", "seq", "at", "body", "digest"),
    "audit_head": ("account_id", "seq", "digest", "signature"),
    "audit_anchor": ("account_id", "seq", "digest", "signature"),
}
Rows = dict[str, list[Row]]


def entry(account_id: str, number: int, *, at: float = 1_800_000_000.0) -> Entry:
    return Entry(
        account_id=account_id,
        at=at + number,
        identity={"type": "Root", "accountId": account_id},
        source="ses.amazonaws.com",
        name="PutIdentityPolicy",
        region="us-east-1",
        source_ip="203.0.113.9",
        user_agent="test",
        request_id=f"r{number}",
        parameters={"identity": "example.com", "policyName": f"p{number}"},
    )


def with_store(tmp_path: Path, function: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db", durable=False)
        try:
            await function(store)
        finally:
            store.close()

    asyncio.run(session())


def trail(key: AuditKey = KEY) -> AuditTrail:
    numbers = iter(range(1_000_000))
    return AuditTrail(key, new_id=lambda: f"e{next(numbers)}")


async def fill(store: SqliteStore) -> list[Mark]:
    """Three chains, the first of which has let its oldest rows go; heads kept on the way, as a file has them."""
    written, kept = trail(), []
    for number in range(ROWS):
        for account in ACCOUNTS:
            made = entry(account, number)
            await store.write(lambda tx, made=made: written.put(tx, made))  # type: ignore[misc]
        if number % 10 == 9:
            kept += await store.read(audit.heads)

    async def drop(tx: Transaction) -> None:
        rows = await audit.rows(tx, ACCOUNTS[0], after=0, limit=5)
        await audit.drop(tx, rows, KEY.anchor(ACCOUNTS[0], 5, rows[-1].digest))

    await store.write(drop)
    return kept


async def dump(store: SqliteStore) -> Rows:
    async def run(tx: Transaction) -> Rows:
        return {
            table: await tx.all(f"SELECT {', '.join(columns)} FROM {table}")
            for table, columns in TABLES.items()
        }

    return await store.read(run)


async def restore(store: SqliteStore, rows: Rows) -> None:
    async def run(tx: Transaction) -> None:
        for table, columns in TABLES.items():
            await tx.execute(f"DELETE FROM {table}")
            marks = ", ".join("?" * len(columns))
            await tx.many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows[table])

    await store.write(run)


async def check(store: SqliteStore, kept: Sequence[Mark]) -> Report:
    return await verify(store, KEY.public, kept=kept)


def flipped(draw: Random, value: object) -> object:
    """The value with a bit of it turned."""
    match value:
        case bytes():
            at = draw.randrange(len(value))
            return value[:at] + bytes([value[at] ^ (1 << draw.randrange(8))]) + value[at + 1 :]
        case str():
            at = draw.randrange(len(value))
            return value[:at] + chr(ord(value[at]) ^ (1 << draw.randrange(5))) + value[at + 1 :]
        case int():
            return value + 10_000 * (1 << draw.randrange(8))  # a number that is free
        case _:
            return float(str(value)) + draw.choice([-1.0, 1e-3, 3600.0])


def flip(draw: Random, rows: Rows) -> str:
    table = draw.choice([name for name in TABLES if rows[name]])
    number = draw.randrange(len(rows[table]))
    column = draw.randrange(len(TABLES[table]))
    row = list(rows[table][number])
    row[column] = flipped(draw, row[column])
    rows[table][number] = tuple(row)
    return f"flip {table}.{TABLES[table][column]} of {number}"


def drop(draw: Random, rows: Rows) -> str:
    table = draw.choice([name for name in TABLES if rows[name]])
    number = draw.randrange(len(rows[table]))
    del rows[table][number]
    return f"drop {table} {number}"


def reorder(draw: Random, rows: Rows) -> str:
    """Two rows change places, with or without their digests, in one account or between two."""
    first, second = draw.sample(range(len(rows["audit_row"])), 2)
    one, two = rows["audit_row"][first], rows["audit_row"][second]
    width = draw.choice([4, 5])
    rows["audit_row"][first] = (*one[:2], *two[2:width], *one[width:])
    rows["audit_row"][second] = (*two[:2], *one[2:width], *two[width:])
    return f"reorder {first} {second} {width}"


def cut_off(draw: Random, rows: Rows) -> str:
    """The newest rows go, with the head that was true then, or with none, or with the whole account."""
    account, left = draw.choice(ACCOUNTS), draw.randrange(6, ROWS)
    how = draw.choice(["old head", "no head", "account"])
    old = next(row for row in rows["audit_row"] if row[:2] == (account, left))
    rows["audit_row"] = [row for row in rows["audit_row"] if row[0] != account or row[1] <= left]
    rows["audit_head"] = [row for row in rows["audit_head"] if row[0] != account]
    if how == "old head":
        head = KEY.head(account, left, old[4])
        rows["audit_head"].append((account, left, head.digest, head.signature))
    if how == "account":
        rows["audit_row"] = [row for row in rows["audit_row"] if row[0] != account]
        rows["audit_anchor"] = [row for row in rows["audit_anchor"] if row[0] != account]
    return f"cut off {account} after {left}: {how}"


def forge(draw: Random, rows: Rows) -> str:
    """A row is altered and every digest made anew, with the old signature or somebody else's."""
    account = draw.choice(ACCOUNTS)
    own = sorted(row for row in rows["audit_row"] if row[0] == account)
    at = draw.randrange(1, len(own))
    digest, made = own[at - 1][4], own[:at]
    for row in own[at:]:
        body = row[3].replace("PutIdentityPolicy", "GetIdentityPolicy") if row is own[at] else row[3]
        digest = row_digest(digest, account, row[1], row[2], body)
        made.append((*row[:3], body, digest))
    rows["audit_row"] = [row for row in rows["audit_row"] if row[0] != account] + made
    head = OTHER.head(account, own[-1][1], digest)
    signature = draw.choice([head.signature, next(r[3] for r in rows["audit_head"] if r[0] == account)])
    rows["audit_head"] = [row for row in rows["audit_head"] if row[0] != account]
    rows["audit_head"].append((account, head.seq, digest, signature))
    return f"forge {account} from {at}"


def add(draw: Random, rows: Rows) -> str:
    """A row more, at the end or in an account that has none."""
    account = draw.choice([*ACCOUNTS, "444444444444"])
    own = [row for row in rows["audit_row"] if row[0] == account]
    seq, before = (max(own)[1] + 1, max(own)[4]) if own else (1, bytes(32))
    digest = row_digest(before, account, seq, 1.8e9, "{}")
    rows["audit_row"].append((account, seq, 1.8e9, "{}", digest))
    return f"add to {account}"


def skip_the_beginning(draw: Random, rows: Rows) -> str:
    """The oldest rows go, with an anchor that nobody signed."""
    account, seq = draw.choice(ACCOUNTS), draw.randrange(6, ROWS)
    last = next(row for row in rows["audit_row"] if row[:2] == (account, seq))
    rows["audit_row"] = [row for row in rows["audit_row"] if row[0] != account or row[1] > seq]
    rows["audit_anchor"] = [row for row in rows["audit_anchor"] if row[0] != account]
    rows["audit_anchor"].append((account, seq, last[4], OTHER.anchor(account, seq, last[4]).signature))
    return f"skip the beginning of {account} to {seq}"


def wrong_type(draw: Random, rows: Rows) -> str:
    number, column = draw.randrange(len(rows["audit_row"])), draw.choice([1, 2, 3, 4])
    row = list(rows["audit_row"][number])
    row[column] = b"\x00" if column < 4 else "text"
    rows["audit_row"][number] = tuple(row)
    return f"wrong type of {TABLES['audit_row'][column]} of {number}"


WAYS = (flip, flip, drop, reorder, cut_off, forge, add, skip_the_beginning, wrong_type)


def test_every_random_tampering_is_found(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        kept = await fill(store)
        whole, draw = await dump(store), Random(SEED)
        report = await check(store, kept)
        assert (report.findings, report.accounts, report.rows) == ([], 3, 3 * ROWS - 5)
        assert report.heads == 9
        missed = []
        for number in range(TAMPERINGS):
            rows = {table: [*found] for table, found in whole.items()}
            told = WAYS[number % len(WAYS)](draw, rows)
            await restore(store, rows)
            if not (await check(store, kept)).findings:
                missed.append(told)
        assert missed == []
        await restore(store, whole)
        assert (await check(store, kept)).findings == []

    with_store(tmp_path, session)


def test_a_finding_names_account_and_row(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        await fill(store)

        async def alter(tx: Transaction) -> None:
            await tx.execute(
                "UPDATE audit_row SET body = '{}' WHERE account_id = ? AND seq = 12", ACCOUNTS[1]
            )
            await tx.execute("DELETE FROM audit_row WHERE account_id = ? AND seq IN (20, 21)", ACCOUNTS[1])

        await store.write(alter)
        assert [str(finding) for finding in (await check(store, ())).findings] == [
            "account 222222222222, row 12: it was altered, or does not follow the row before",
            "account 222222222222, row 20: rows 20 to 21 are gone",
        ]
        assert (await verify(store, KEY.public, account_id=ACCOUNTS[2])).findings == []

    with_store(tmp_path, session)


def test_another_key_verifies_nothing(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        await fill(store)
        found = {finding.account_id for finding in (await verify(store, OTHER.public)).findings}
        assert found == set(ACCOUNTS)

    with_store(tmp_path, session)


def test_old_rows_go_and_the_rest_still_verifies(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        kept = await fill(store)
        before = 1_800_000_000.0 + 20
        assert await prune(store, KEY, before=before) == 20 * 3 - 5
        assert await prune(store, KEY, before=before) == 0
        report = await check(store, kept)
        assert (report.findings, report.rows, report.heads) == ([], 30, 3)
        assert [row.seq for row in await latest(store, ACCOUNTS[0], limit=100)] == [*range(30, 20, -1)]
        await prune(store, KEY, before=2e9)
        assert (await check(store, kept)).findings == []
        written = trail()
        await store.write(lambda tx: written.put(tx, entry(ACCOUNTS[0], 99)))
        assert (await latest(store, ACCOUNTS[0], limit=1))[0].seq == 31
        assert (await check(store, kept)).findings == []

    with_store(tmp_path, session)


def test_rows_that_were_made_to_look_old_are_not_dropped(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        await fill(store)
        await store.write(lambda tx: tx.execute("UPDATE audit_row SET at = 0"))
        with pytest.raises(ChainBroken, match="broken at row"):
            await prune(store, KEY, before=1.0)
        assert len((await dump(store))["audit_row"]) == 3 * ROWS - 5

    with_store(tmp_path, session)


def test_rows_are_exported_in_the_order_of_each_account(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        await fill(store)
        found = [row async for row in export(store, since=1_800_000_010.0)]
        assert [(row.account_id, row.seq) for row in found] == [
            (account, seq) for account in ACCOUNTS for seq in range(11, 31)
        ]
        event = json.loads(found[0].body)
        assert event["eventTime"] == "2027-01-15T08:00:10Z"
        assert (event["eventName"], event["recipientAccountId"]) == ("PutIdentityPolicy", ACCOUNTS[0])
        assert [row.account_id async for row in export(store, account_id=ACCOUNTS[2])] == [ACCOUNTS[2]] * ROWS

    with_store(tmp_path, session)


def test_heads_are_added_to_the_file_when_they_move(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        await fill(store)
        file, clock = tmp_path / "heads", FakeClock()
        log = Log(io.StringIO(), as_json=True, clock=clock)
        upkeep = AuditUpkeep(store, KEY, Audit(heads_file=str(file)), clock=clock, ages=clock, log=log)
        assert await upkeep.write_heads() == 3
        assert await upkeep.write_heads() == 0
        written = trail()
        await store.write(lambda tx: written.put(tx, entry(ACCOUNTS[1], 99)))
        assert await upkeep.write_heads() == 1
        kept = read_heads(file)
        assert [(mark.account_id, mark.seq) for mark in kept] == [
            (ACCOUNTS[0], 30), (ACCOUNTS[1], 30), (ACCOUNTS[2], 30), (ACCOUNTS[1], 31),
        ]  # fmt: skip
        assert (await check(store, kept)).heads == 4
        with file.open("a") as stream:
            stream.write(head_line(kept[0], KEY.public, 1.0)[:40])
        with pytest.raises(ConfigError, match="line 5"):
            read_heads(file)

    with_store(tmp_path, session)


def test_a_disk_that_takes_no_heads_is_logged_and_tried_again(tmp_path: Path) -> None:
    async def session(store: SqliteStore) -> None:
        await fill(store)
        clock = FakeClock()
        stream, file = io.StringIO(), tmp_path / "missing" / "heads"
        log = Log(stream, as_json=True, clock=clock)
        upkeep = AuditUpkeep(store, KEY, Audit(heads_file=str(file)), clock=clock, ages=clock, log=log)
        assert await upkeep.write_heads() == 0
        file.parent.mkdir()
        assert await upkeep.write_heads() == 3
        assert "audit_heads_failed" in stream.getvalue()

    with_store(tmp_path, session)
