"""What was sent as an identity, counted: for the account that sent, for the owner, and between the two (I6).

Nothing is written here; the counts are `tallies`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from sesame.db import Row, Transaction
from sesame.store.tallies import COLUMNS, DAY_S, QUARTER_HOUR_S, SUMS, Counts, counts_of, quarter_of


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
        f"SELECT {side.by}, {SUMS} FROM identity_tally WHERE {side.whose} AND region = ?"
        f" AND ({side.by}) > (?, ?) AND +day >= ? GROUP BY {side.by} ORDER BY {side.by} LIMIT ?",
        account_id,
        region,
        *after,
        int(since // DAY_S),
        limit,
    )
    return [(row[0], row[1], counts_of(row[2:])) for row in rows]


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
        f"SELECT {by}, {SUMS} FROM identity_tally WHERE {whose}owner_account_id <> account_id"
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
                f"SELECT owner_account_id, identity, {SUMS} FROM identity_tally"
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
        counts=counts_of(row[4:]),
    )


async def by_delegate(
    tx: Transaction, owner_account_id: str, identity: str, *, since: float, region: str = ""
) -> list[tuple[str, Counts]]:
    """What each account sent as an owner's identity came to, in a region or in all."""
    rows = await tx.all(
        f"SELECT account_id, {SUMS} FROM tally WHERE owner_account_id = ? AND identity = ? AND quarter >= ?"
        " AND (? = '' OR region = ?) GROUP BY account_id ORDER BY account_id",
        owner_account_id,
        identity,
        quarter_of(since),
        region,
        region,
    )
    return [(row[0], counts_of(row[1:])) for row in rows]


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
    columns = ", ".join(COLUMNS)
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
        found.setdefault(row[0], Counts()).add(counts_of(row[1:]))
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
