"""What became of each account's mail, counted: by quarter hour, owner, identity and configuration set (I6).

Counted for the account that sent, in the transaction that accepts a message, records an attempt, or moves events on
that are more than a count, so that a crash loses and repeats nothing. From it come statistics, rates, and the verdict
on an account that hurts others. Recipients are counted, not messages. Words of SES: HEALTHY, PROBATION (under review),
SHUTDOWN (paused).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from operator import add as plus
from typing import Literal, NamedTuple

from sesame.db import Row, Transaction, account_scope, bump

QUARTER_HOUR_S = 900
DAY_S = 86_400
QUARTERS_A_DAY = 96
Enforcement = Literal["HEALTHY", "PROBATION", "SHUTDOWN"]


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
        for name in _COLUMNS:
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

_COLUMNS = tuple(one.name for one in fields(Counts))
_OF_A_DAY = ("account_id", "region", "day")
_OF_AN_IDENTITY = ("account_id", "region", "owner_account_id", "identity", "day")
_OF_A_SET = ("account_id", "region", "quarter", "configuration_set")
_SUMS = ", ".join(f"COALESCE(SUM({name}), 0)" for name in _COLUMNS)


def quarter_of(at: float) -> int:
    """The quarter hour that a time is in."""
    return int(at // QUARTER_HOUR_S)


async def add(tx: Transaction, changes: Mapping[Where, Counts]) -> None:
    """Add to the counts."""
    await _add(
        tx,
        _ADD_ALL,
        {where: tuple(getattr(counts, name) for name in _COLUMNS) for where, counts in changes.items()},
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


_ADD_ALL = _adding(*_COLUMNS)
_ADD_SENDS = _adding("sends", "rated_sends")
_ADD_ATTEMPTS = _adding("deliveries", "delays")


def _counts(row: Row) -> Counts:
    return Counts(**dict(zip(_COLUMNS, map(int, row), strict=True)))


async def by_quarter(
    tx: Transaction, account_id: str, region: str, *, since: float
) -> list[tuple[float, Counts]]:
    """An account's counts by quarter hour: its beginning in Unix seconds, and what happened in it."""
    rows = await tx.all(
        f"SELECT quarter, {_SUMS} FROM set_tally WHERE account_id = ? AND region = ? AND quarter >= ?"
        " GROUP BY quarter ORDER BY quarter",
        account_id,
        region,
        quarter_of(since),
    )
    return [(float(row[0] * QUARTER_HOUR_S), _counts(row[1:])) for row in rows]


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
        f"SELECT {column}, {', '.join(_COLUMNS)} FROM {table} WHERE account_id = ? AND region = ?{conditions}"
        f" AND {column} BETWEEN ? AND ? ORDER BY {column}",
        account_id,
        region,
        *values,
        int(since // DAY_S) * DAY_S // unit_s,
        int(until // DAY_S + 1) * DAY_S // unit_s - 1,
    )
    days: dict[int, Counts] = {}
    for row in rows:
        days.setdefault(row[0] * unit_s // DAY_S, Counts()).add(_counts(row[1:]))
    return [(float(day * DAY_S), counts) for day, counts in days.items()]


By = Literal["owner_account_id", "identity", "configuration_set", "quarter", "region"]


async def by(tx: Transaction, account_id: str, column: By, *, since: float) -> list[tuple[str, Counts]]:
    """An account's counts by one of what they are kept by."""
    table = "set_tally" if column in _OF_A_SET else "tally"
    rows = await tx.all(
        f"SELECT {column}, {_SUMS} FROM {table} WHERE account_id = ? AND quarter >= ?"
        f" GROUP BY {column} ORDER BY {column}",
        account_id,
        quarter_of(since),
    )
    return [(str(row[0]), _counts(row[1:])) for row in rows]


async def of_set(
    tx: Transaction, account_id: str, region: str, configuration_set: str, *, since: float
) -> Counts:
    """What became of mail that was sent with a configuration set."""
    row = await tx.one(
        f"SELECT {_SUMS} FROM set_tally WHERE account_id = ? AND region = ? AND configuration_set = ?"
        " AND quarter >= ?",
        account_id,
        region,
        configuration_set,
        quarter_of(since),
    )
    assert row is not None
    return _counts(row)


class Side(NamedTuple):
    """From which side counts of identities are looked at: the columns they are kept apart by, and whose they are."""

    by: str
    whose: str


SENT_AS = Side("owner_account_id, identity", "account_id = ?")
"""What an account sent, by owner and identity."""
OF_DELEGATES = Side("identity, account_id", "owner_account_id = ? AND owner_account_id <> account_id")
"""What others sent as an owner's identities, by identity and sender."""


async def by_identity(
    tx: Transaction,
    side: Side,
    account_id: str,
    region: str,
    *,
    since: float,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[tuple[str, str, Counts]]:
    """The two columns of a side with their counts in a region since a day, in their order, from behind `after`."""
    rows = await tx.all(
        f"SELECT {side.by}, {_SUMS} FROM identity_tally WHERE {side.whose} AND region = ?"
        f" AND ({side.by}) > (?, ?) AND +day >= ? GROUP BY {side.by} ORDER BY {side.by} LIMIT ?",
        account_id,
        region,
        *after,
        int(since // DAY_S),
        limit,
    )
    return [(row[0], row[1], _counts(row[2:])) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lending:
    """What one account sent as an identity of another's."""

    owner_account_id: str
    region: str
    identity: str
    account_id: str
    counts: Counts

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Where a list goes on."""
        return self.owner_account_id, self.region, self.identity, self.account_id


async def lendings(
    tx: Transaction,
    *,
    since: float,
    after: tuple[str, str, str, str] = ("", "", "", ""),
    limit: int,
    owner_account_id: str = "",
) -> list[Lending]:
    """What was sent as others' identities since a day, by owners (all, or one), from behind `after`."""
    by = "owner_account_id, region, identity, account_id"
    whose, values = ("owner_account_id = ? AND ", [owner_account_id]) if owner_account_id else ("", [])
    rows = await tx.all(
        f"SELECT {by}, {_SUMS} FROM identity_tally WHERE {whose}owner_account_id <> account_id"
        f" AND ({by}) > (?, ?, ?, ?) AND +day >= ? GROUP BY {by} ORDER BY {by} LIMIT ?",
        *values,
        *after,
        int(since // DAY_S),
        limit,
    )
    return [_lending(row) for row in rows]


async def borrowings(tx: Transaction, account_id: str, *, since: float, limit: int) -> list[Lending]:
    """What an account sent as others' identities since a day, in the order of regions and owners."""
    # From region to region along the key, and around what it sent as itself, which may be very much.
    regions = await tx.all(
        "WITH RECURSIVE known (region) AS (SELECT MIN(region) FROM identity_tally WHERE account_id = ? UNION ALL"
        " SELECT (SELECT MIN(t.region) FROM identity_tally t WHERE t.account_id = ? AND t.region > known.region)"
        " FROM known WHERE known.region IS NOT NULL) SELECT region FROM known WHERE region IS NOT NULL",
        account_id,
        account_id,
    )
    found: list[Lending] = []
    for (region,), owners in product(regions, ("<", ">")):
        if len(found) < limit:
            rows = await tx.all(
                f"SELECT owner_account_id, identity, {_SUMS} FROM identity_tally"
                f" WHERE account_id = ? AND region = ? AND owner_account_id {owners} ? AND +day >= ?"
                " GROUP BY owner_account_id, identity ORDER BY owner_account_id, identity LIMIT ?",
                account_id,
                region,
                account_id,
                int(since // DAY_S),
                limit - len(found),
            )
            found += [
                _lending((owner, region, identity, account_id, *sums)) for owner, identity, *sums in rows
            ]
    return found


def _lending(row: Row) -> Lending:
    owner_account_id, region, identity, account_id = row[:4]
    return Lending(
        owner_account_id=owner_account_id,
        region=region,
        identity=identity,
        account_id=account_id,
        counts=_counts(row[4:]),
    )


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


async def by_delegate(
    tx: Transaction, owner_account_id: str, identity: str, *, since: float, region: str = ""
) -> list[tuple[str, Counts]]:
    """What each account sent as an owner's identity came to, in a region or in all."""
    rows = await tx.all(
        f"SELECT account_id, {_SUMS} FROM tally WHERE owner_account_id = ? AND identity = ? AND quarter >= ?"
        " AND (? = '' OR region = ?) GROUP BY account_id ORDER BY account_id",
        owner_account_id,
        identity,
        quarter_of(since),
        region,
        region,
    )
    return [(row[0], _counts(row[1:])) for row in rows]


async def first_sends(
    tx: Transaction, owner_account_id: str, identity: str, *, region: str, asked: Sequence[tuple[str, float]]
) -> list[float | None]:
    """When each account first sent as an owner's identity since its time, to the quarter hour and no earlier.

    In the order of `asked`, which is not long; None where nothing was sent.
    """
    if not asked:
        return []
    one = (
        "SELECT {}, MIN(quarter) FROM tally WHERE owner_account_id = ? AND identity = ? AND account_id = ?"
        " AND quarter >= ? AND region = ? AND sends > 0"
    )
    values = [
        value
        for account_id, since in asked
        for value in (owner_account_id, identity, account_id, quarter_of(since), region)
    ]
    rows = await tx.all(" UNION ALL ".join(one.format(number) for number in range(len(asked))), *values)
    first = {int(number): quarter for number, quarter in rows}
    return [
        None if first[number] is None else max(float(first[number] * QUARTER_HOUR_S), since)
        for number, (_, since) in enumerate(asked)
    ]


async def of_identities(
    tx: Transaction, owner_account_id: str, region: str, identities: Sequence[str], *, since: float
) -> dict[str, Counts]:
    """What all accounts together sent as each of an owner's identities in a region since a day."""
    if not identities:
        return {}
    columns = ", ".join(_COLUMNS)
    same = "region = ? AND identity IN (?*) AND day >= ?"
    values = (owner_account_id, region, list(identities), int(since // DAY_S))
    # Its own along the key, that of others along the index of what is lent.
    rows = await tx.all(
        f"SELECT identity, {columns} FROM identity_tally WHERE account_id = ? AND owner_account_id = ? AND {same}"
        f" UNION ALL SELECT identity, {columns} FROM identity_tally WHERE owner_account_id = ?"
        f" AND owner_account_id <> account_id AND {same}",
        owner_account_id,
        *values,
        *values,
    )
    found: dict[str, Counts] = {}
    for row in rows:
        found.setdefault(row[0], Counts()).add(_counts(row[1:]))
    return found


async def last_day_of(
    tx: Transaction, owner_account_id: str, region: str, identity: str, *, before: float
) -> float | None:
    """The end of the newest day before a time on which something was sent as an identity; None where nothing was."""
    conditions = "region = ? AND identity = ? AND day < ? AND sends > 0"
    values = (owner_account_id, region, identity, int(before // DAY_S))
    rows = await tx.all(
        f"SELECT MAX(day) FROM identity_tally WHERE account_id = ? AND owner_account_id = ? AND {conditions}"
        " UNION ALL SELECT MAX(day) FROM identity_tally WHERE owner_account_id = ?"
        f" AND owner_account_id <> account_id AND {conditions}",
        owner_account_id,
        *values,
        *values,
    )
    days = [row[0] for row in rows if row[0] is not None]
    return float((max(days) + 1) * DAY_S) if days else None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementState:
    """The verdict on an account in a region, and from which quarter hour on its rates are made."""

    enforcement: Enforcement
    rated_since: int


async def enforcement_state(tx: Transaction, account_id: str, region: str) -> EnforcementState:
    """The verdict on an account in a region."""
    row = await tx.one(
        "SELECT enforcement, rated_since FROM account_region WHERE account_id = ? AND region = ?",
        account_id,
        region,
    )
    if row is None:
        return EnforcementState(enforcement="HEALTHY", rated_since=0)
    return EnforcementState(enforcement=row[0] or "HEALTHY", rated_since=int(row[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A verdict that changed; `who` is `sesame` or `operator`."""

    account_id: str
    region: str
    at: float
    was: Enforcement
    became: Enforcement
    who: str
    reason: str


async def set_enforcement(tx: Transaction, change: Change, *, rated_since: int | None = None) -> None:
    """Change the verdict, with its record; a `rated_since` begins the rates anew. Takes effect at once (I4)."""
    await tx.execute(
        "INSERT INTO account_region (account_id, region, enforcement, rated_since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET enforcement = excluded.enforcement,"
        " rated_since = CASE WHEN excluded.rated_since > account_region.rated_since"
        " THEN excluded.rated_since ELSE account_region.rated_since END",
        change.account_id,
        change.region,
        change.became,
        rated_since or 0,
    )
    await tx.execute(
        "INSERT INTO enforcement_change (account_id, region, at, was, became, who, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        change.account_id,
        change.region,
        change.at,
        change.was,
        change.became,
        change.who,
        change.reason,
    )
    await bump(tx, account_scope(change.account_id))


async def changes(tx: Transaction, account_id: str) -> list[Change]:
    """How the verdict on an account changed, in order."""
    rows = await tx.all(
        "SELECT account_id, region, at, was, became, who, reason FROM enforcement_change WHERE account_id = ?"
        " ORDER BY at, seq",
        account_id,
    )
    return [
        Change(account_id=r[0], region=r[1], at=r[2], was=r[3], became=r[4], who=r[5], reason=r[6])
        for r in rows
    ]
