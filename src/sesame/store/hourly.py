"""What was sent as an identity by hour, over all accounts that sent as it: along indexes, and bounded."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.store.tallies import DAY_S, QUARTER_HOUR_S, quarter_of

HOUR_S = 3_600
MOST_DELEGATES = 50
"""Other accounts whose sends are added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour that began `at`, in Unix seconds: recipients accepted, and those that bounced for good."""

    at: float
    accepted: int
    bounced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours, oldest first, none left out; `is_whole` says that no delegate is."""

    hours: tuple[Hour, ...]
    is_whole: bool


async def of_identity(
    tx: Transaction, owner_account_id: str, region: str, identity: str, *, now: float, count: int
) -> Hours:
    """The last `count` hours with the one that runs."""
    last = int(now // HOUR_S)
    since = float((last - count + 1) * HOUR_S)
    delegates = await tx.all(
        "SELECT DISTINCT account_id FROM identity_tally WHERE owner_account_id = ? AND region = ? AND identity = ?"
        " AND owner_account_id <> account_id AND +day >= ? ORDER BY account_id LIMIT ?",
        owner_account_id,
        region,
        identity,
        int(since // DAY_S),
        MOST_DELEGATES + 1,
    )
    rows = await tx.all(
        "SELECT quarter, SUM(sends), SUM(permanent_bounces) FROM tally WHERE owner_account_id = ? AND identity = ?"
        " AND account_id IN (?*) AND quarter >= ? AND region = ? GROUP BY account_id, quarter",
        owner_account_id,
        identity,
        [owner_account_id, *(row[0] for row in delegates[:MOST_DELEGATES])],
        quarter_of(since),
        region,
    )
    sums = {number: [0, 0] for number in range(last - count + 1, last + 1)}
    for quarter, sends, bounces in rows:
        if (hour := sums.get(int(quarter * QUARTER_HOUR_S // HOUR_S))) is not None:
            hour[0] += int(sends)
            hour[1] += int(bounces)
    return Hours(
        hours=tuple(
            Hour(at=float(number * HOUR_S), accepted=accepted, bounced=bounced)
            for number, (accepted, bounced) in sums.items()
        ),
        is_whole=len(delegates) <= MOST_DELEGATES,
    )
