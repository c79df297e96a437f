"""What became of each account's mail, counted: by quarter hour, owner, identity and configuration set (I6).

Counted for the account that sent, in the transaction that accepts a message, records an attempt, or moves events on
that are more than a count, so that a crash loses and repeats nothing. From it come statistics, rates, and the verdict
on an account that hurts others (`enforcement`). Recipients are counted, not messages. What owners and delegates ask of
identities is read in `identity_tallies`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import add as plus
from typing import Literal, NamedTuple

from sesame.db import Row, Transaction

QUARTER_HOUR_S = 900
DAY_S = 86_400
QUARTERS_A_DAY = 96


class Where(NamedTuple):
    """What a count is kept by. `quarter` is the quarter hour since 1970; `configuration_set` is empty for none."""

    account_id: str
    region: str
    quarter: int
    owner_account_id: str
    identity: str
    configuration_set: str


@dataclass(slots=True, kw_only=True)
class Counts:
    """How many recipients what happened to. `rated_…` are those that rates are made of.

    Every accepted recipient is in `sends`, or in `failures` if its template could not be rendered; every one that
    is settled in one of `deliveries`, a kind of bounce, `suppressed`, `failures` and `cancelled`, which is what the
    operator gave up. Bounces that came after a delivery are in `later_bounces` too.
    `opens` and `clicks` are how often, not by how many.
    """

    sends: int = 0
    deliveries: int = 0
    delays: int = 0
    permanent_bounces: int = 0
    transient_bounces: int = 0
    undetermined_bounces: int = 0
    later_bounces: int = 0
    complaints: int = 0
    rejects: int = 0
    suppressed: int = 0
    failures: int = 0
    cancelled: int = 0
    rated_sends: int = 0
    rated_bounces: int = 0
    rated_complaints: int = 0
    opens: int = 0
    clicks: int = 0

    @property
    def bounces(self) -> int:
        """Of every type."""
        return self.permanent_bounces + self.transient_bounces + self.undetermined_bounces

    @property
    def queued(self) -> int:
        """Recipients that are not settled."""
        settled_bounces = self.bounces - self.later_bounces
        return self.sends - self.deliveries - settled_bounces - self.suppressed - self.cancelled

    def add(self, other: "Counts") -> None:
        """Add the counts of another time."""
        for name in COLUMNS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Sends(NamedTuple):
    """How many recipients were accepted, and how many of them rates are made of."""

    recipients: int
    rated: int


NO_SENDS = Sends(0, 0)


class Attempts(NamedTuple):
    """How many recipients attempts delivered to, and how many they put off."""

    deliveries: int
    delays: int


NO_ATTEMPTS = Attempts(0, 0)

COLUMNS = tuple(one.name for one in fields(Counts))
_OF_A_DAY = ("account_id", "region", "day")
_OF_AN_IDENTITY = ("account_id", "region", "owner_account_id", "identity", "day")
_OF_A_SET = ("account_id", "region", "quarter", "configuration_set")
SUMS = ", ".join(f"COALESCE(SUM({name}), 0)" for name in COLUMNS)


def quarter_of(at: float) -> int:
    """The quarter hour that a time is in."""
    return int(at // QUARTER_HOUR_S)


async def add(tx: Transaction, changes: Mapping[Where, Counts]) -> None:
    """Add to the counts."""
    await _add(
        tx,
        _ADD_ALL,
        {where: tuple(getattr(counts, name) for name in COLUMNS) for where, counts in changes.items()},
    )


async def add_sends(tx: Transaction, sends: Mapping[Where, Sends]) -> None:
    """Add to the counts what was accepted."""
    await _add(tx, _ADD_SENDS, sends)


async def add_attempts(tx: Transaction, attempts: Mapping[Where, Attempts]) -> None:
    """Add to the counts what attempts came to."""
    await _add(tx, _ADD_ATTEMPTS, attempts)


async def _add(tx: Transaction, statements: Sequence[str], changes: Mapping[Where, tuple[int, ...]]) -> None:
    """Add to the counts of a quarter hour, and to the three sums of them."""
    sums: tuple[dict[tuple[str | int, ...], tuple[int, ...]], ...] = ({}, {}, {}, {})
    for where, counts in changes.items():
        account_id, region, quarter, owner, identity, configuration_set = where
        day = quarter // QUARTERS_A_DAY
        keys = (
            where,
            (account_id, region, quarter, configuration_set),
            (account_id, region, day),
            (account_id, region, owner, identity, day),
        )
        for found, key in zip(sums, keys, strict=True):
            before = found.get(key)
            found[key] = counts if before is None else tuple(map(plus, before, counts))
    for sql, found in zip(statements, sums, strict=True):
        await tx.many(sql, [(*key, *counts) for key, counts in sorted(found.items())])


def _adding(*columns: str) -> Sequence[str]:
    """The statements that add to these columns, one a table."""
    tables = {
        "tally": Where._fields,
        "set_tally": _OF_A_SET,
        "day_tally": _OF_A_DAY,
        "identity_tally": _OF_AN_IDENTITY,
    }
    return tuple(
        f"INSERT INTO {table} ({', '.join((*keys, *columns))}) VALUES ({', '.join('?' * (len(keys) + len(columns)))})"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in columns)
        for table, keys in tables.items()
    )


_ADD_ALL = _adding(*COLUMNS)
_ADD_SENDS = _adding("sends", "rated_sends")
_ADD_ATTEMPTS = _adding("deliveries", "delays")


def counts_of(row: Row) -> Counts:
    """The counts in a row that has all `COLUMNS`, or their `SUMS`."""
    return Counts(**dict(zip(COLUMNS, map(int, row), strict=True)))


async def by_quarter(
    tx: Transaction, account_id: str, region: str, *, since: float
) -> list[tuple[float, Counts]]:
    """An account's counts by quarter hour: its beginning in Unix seconds, and what happened in it."""
    rows = await tx.all(
        f"SELECT quarter, {SUMS} FROM set_tally WHERE account_id = ? AND region = ? AND quarter >= ?"
        " GROUP BY quarter ORDER BY quarter",
        account_id,
        region,
        quarter_of(since),
    )
    return [(float(row[0] * QUARTER_HOUR_S), counts_of(row[1:])) for row in rows]


async def rated_by_quarter(tx: Transaction, account_id: str, region: str, *, since: float) -> list[Counts]:
    """What rates are made of, by quarter hour, the oldest first; the other counts are left at 0."""
    rows = await tx.all(
        "SELECT SUM(rated_sends), SUM(rated_bounces), SUM(rated_complaints) FROM set_tally"
        " WHERE account_id = ? AND region = ? AND quarter >= ? GROUP BY quarter ORDER BY quarter",
        account_id,
        region,
        quarter_of(since),
    )
    return [
        Counts(rated_sends=int(row[0]), rated_bounces=int(row[1]), rated_complaints=int(row[2]))
        for row in rows
    ]


async def daily(
    tx: Transaction,
    account_id: str,
    region: str,
    *,
    since: float,
    until: float,
    identity: tuple[str, str] | None = None,
    configuration_set: str | None = None,
) -> list[tuple[float, Counts]]:
    """An account's counts from day to day, UTC, `until` inclusive: all, or those of an identity (by its owner and
    name), of a configuration set, or of both."""
    in_days = configuration_set is None
    table = {
        (True, True): "day_tally",
        (True, False): "identity_tally",
        (False, True): "set_tally",
        (False, False): "tally",
    }[in_days, identity is None]
    column, unit_s = ("day", DAY_S) if in_days else ("quarter", QUARTER_HOUR_S)
    conditions, values = "", list[str]()
    if identity is not None:
        conditions, values = " AND owner_account_id = ? AND identity = ?", [*identity]
    if configuration_set is not None:
        conditions, values = f"{conditions} AND configuration_set = ?", [*values, configuration_set]
    rows = await tx.all(
        f"SELECT {column}, {', '.join(COLUMNS)} FROM {table} WHERE account_id = ? AND region = ?{conditions}"
        f" AND {column} BETWEEN ? AND ? ORDER BY {column}",
        account_id,
        region,
        *values,
        int(since // DAY_S) * DAY_S // unit_s,
        int(until // DAY_S + 1) * DAY_S // unit_s - 1,
    )
    days: dict[int, Counts] = {}
    for row in rows:
        days.setdefault(row[0] * unit_s // DAY_S, Counts()).add(counts_of(row[1:]))
    return [(float(day * DAY_S), counts) for day, counts in days.items()]


By = Literal["owner_account_id", "identity", "configuration_set", "quarter", "region"]


async def by(tx: Transaction, account_id: str, column: By, *, since: float) -> list[tuple[str, Counts]]:
    """An account's counts by one of what they are kept by."""
    table = "set_tally" if column in _OF_A_SET else "tally"
    rows = await tx.all(
        f"SELECT {column}, {SUMS} FROM {table} WHERE account_id = ? AND quarter >= ?"
        f" GROUP BY {column} ORDER BY {column}",
        account_id,
        quarter_of(since),
    )
    return [(str(row[0]), counts_of(row[1:])) for row in rows]


async def of_set(
    tx: Transaction, account_id: str, region: str, configuration_set: str, *, since: float
) -> Counts:
    """What became of mail that was sent with a configuration set."""
    row = await tx.one(
        f"SELECT {SUMS} FROM set_tally WHERE account_id = ? AND region = ? AND configuration_set = ?"
        " AND quarter >= ?",
        account_id,
        region,
        configuration_set,
        quarter_of(since),
    )
    assert row is not None
    return counts_of(row)


async def of_accounts(
    tx: Transaction, account_ids: Sequence[str], *, since: float
) -> dict[str, tuple[int, int, int]]:
    """What became of the mail of each account since a day, in all regions: sent, bounced for good, complained of."""
    rows = await tx.all(
        "SELECT account_id, SUM(sends), SUM(permanent_bounces), SUM(complaints) FROM day_tally"
        " WHERE account_id IN (?*) AND day >= ? GROUP BY account_id",
        account_ids,
        int(since // DAY_S),
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


async def purge_before(tx: Transaction, quarter: int, *, limit: int) -> int:
    """Forget counts of before a quarter hour, so many at most; how many rows went."""
    gone = 0
    tables: tuple[tuple[str, tuple[str, ...], str, int], ...] = (
        ("tally", Where._fields, "quarter", quarter),
        ("set_tally", _OF_A_SET, "quarter", quarter),
        ("day_tally", _OF_A_DAY, "day", quarter // QUARTERS_A_DAY),
        ("identity_tally", _OF_AN_IDENTITY, "day", quarter // QUARTERS_A_DAY),
    )
    for table, keys, column, first in tables:
        rows = await tx.all(
            f"SELECT {', '.join(keys)} FROM {table} WHERE {column} < ? LIMIT ?", first, limit - gone
        )
        matches = " AND ".join(f"{key} = ?" for key in keys)
        gone += await tx.many(f"DELETE FROM {table} WHERE {matches}", rows)
    return gone
