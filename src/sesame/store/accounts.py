"""Accounts: tenants, their limits by region, and what they have used of them.

What the figures mean, and when a message is too much, is `access.quota`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import FLAG, Table
from sesame.model import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One tenant with its default limits; -1 for `max_24_hour_send` means unlimited."""

    account_id: AccountId
    name: str
    production: bool
    max_24_hour_send: float
    max_send_rate: float
    created_at: float


class Used(NamedTuple):
    """What an account has used in one region.

    `tokens` at `tokens_at` is what the rate leaves, below zero when it owes; None: nothing was ever sent.
    """

    sent_last_24_hours: int
    tokens: float | None
    tokens_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionState:
    """What holds for an account in one region. Rates are recipients per second."""

    sending_enabled: bool
    production: bool
    max_24_hour_send: float
    max_send_rate: float
    suppressed: int
    """How many addresses the account suppresses."""
    used: Used
    oldest_minute: int | None
    """The first minute whose recipients still count, since 1970; None when none do."""

    @property
    def sent_last_24_hours(self) -> int:
        """Recipients that count towards the quota."""
        return self.used.sent_last_24_hours


Place = tuple[str, str]
"""An account's id and a region."""


_ACCOUNTS = Table("account", Account, key="account_id", production=FLAG)


async def create(tx: Transaction, account: Account) -> None:
    """Store a new account; the id must be free."""
    await _ACCOUNTS.create(tx, account)


async def get(tx: Transaction, account_id: str) -> Account | None:
    """The account, or None."""
    return await _ACCOUNTS.get(tx, account_id)


async def all_accounts(tx: Transaction) -> list[Account]:
    """Every account, oldest first."""
    return await _ACCOUNTS.all(tx, "ORDER BY created_at, account_id")


async def page(tx: Transaction, *, after: str, limit: int) -> list[Account]:
    """Accounts by id, from behind `after`."""
    return await _ACCOUNTS.page(tx, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionUse:
    """What was set for an account in one region, None where its defaults hold, and what it has used."""

    region: str
    sending_enabled: bool
    enforcement: str
    max_24_hour_send: float | None
    max_send_rate: float | None
    suppressed: int
    recipients: int
    """Since the time asked for."""


async def use_by_minute(tx: Transaction, account_id: str, region: str, *, since: float) -> dict[int, int]:
    """Recipients of an account in a region by minute, counted from the epoch; of minutes with any."""
    rows = await tx.all(
        "SELECT minute, recipients FROM usage_minute WHERE account_id = ? AND region = ? AND minute >= ?",
        account_id,
        region,
        int(since // 60),
    )
    return {int(minute): int(recipients) for minute, recipients in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """What holds for an account in a region: enforcement, its request for production, whether it ever sent."""

    enforcement: str
    wants_production: bool
    answer: str
    """The operator's to the request: `GRANTED`, `DENIED`, or empty."""
    has_sent: bool


async def status(tx: Transaction, account_id: str, region: str) -> AccountStatus:
    """The status of an account in a region."""
    row = await tx.one(
        "SELECT r.enforcement, d.wants_production, d.answer, CASE WHEN EXISTS (SELECT 1 FROM set_tally t"
        " WHERE t.account_id = a.account_id AND t.region = ?) THEN 1 ELSE 0 END FROM account a"
        " LEFT JOIN account_region r ON r.account_id = a.account_id AND r.region = ?"
        " LEFT JOIN account_details d ON d.account_id = a.account_id AND d.region = ? WHERE a.account_id = ?",
        region,
        region,
        region,
        account_id,
    )
    enforcement, wants, answer, has_sent = row or (None, None, None, 0)
    return AccountStatus(
        enforcement=enforcement or "HEALTHY",
        wants_production=bool(wants),
        answer=answer or "",
        has_sent=bool(has_sent),
    )


async def use_by_region(tx: Transaction, account_id: str, *, since: float) -> list[RegionUse]:
    """The regions that an account has done anything in, with the recipients since a time."""
    used: dict[str, int] = {
        row[0]: int(row[1])
        for row in await tx.all(
            "SELECT region, SUM(recipients) FROM usage_minute WHERE account_id = ? AND minute >= ? GROUP BY region",
            account_id,
            int(since // 60),
        )
    }
    rows = await tx.all(
        "SELECT region, sending_enabled, enforcement, max_24_hour_send, max_send_rate, suppressed FROM account_region"
        " WHERE account_id = ? ORDER BY region",
        account_id,
    )
    return [
        RegionUse(
            region=row[0],
            sending_enabled=bool(row[1]),
            enforcement=row[2] or "HEALTHY",
            max_24_hour_send=row[3],
            max_send_rate=row[4],
            suppressed=row[5] or 0,
            recipients=used.get(row[0], 0),
        )
        for row in rows
    ]


async def most_used(
    tx: Transaction, account_ids: Sequence[str], *, since: float
) -> dict[str, tuple[str, int]]:
    """The region in which each account sent to most recipients since a time, with how many those are."""
    found: dict[str, tuple[str, int]] = {}
    for account_id, region, recipients in await tx.all(
        "SELECT account_id, region, SUM(recipients) FROM usage_minute WHERE account_id IN (?*) AND minute >= ?"
        " GROUP BY account_id, region",
        account_ids,
        int(since // 60),
    ):
        if int(recipients) > found.get(account_id, ("", 0))[1]:
            found[account_id] = region, int(recipients)
    return found


async def ids_named(tx: Transaction, name: str, *, limit: int = 2) -> list[str]:
    """The ids of accounts of that name, in order; two are enough to see that it is not one's alone."""
    rows = await tx.all(
        "SELECT account_id FROM account WHERE name = ? ORDER BY account_id LIMIT ?", name, limit
    )
    return [row[0] for row in rows if name]


async def region_state(tx: Transaction, account_id: str, region: str) -> RegionState | None:
    """Limits and usage of an account in a region, or None if there is no such account."""
    return (await region_states(tx, [(account_id, region)])).get((account_id, region))


async def region_states(tx: Transaction, places: Sequence[Place]) -> dict[Place, RegionState]:
    """Limits and usage of several accounts, each in a region; those that exist."""
    found: dict[Place, RegionState] = {}
    for region in dict.fromkeys([region for _, region in places]):
        rows = await tx.all(
            "SELECT a.account_id,"
            " CASE WHEN r.enforcement = 'SHUTDOWN' THEN 0 ELSE COALESCE(r.sending_enabled, 1) END,"
            " COALESCE(r.production, a.production),"
            " COALESCE(r.max_24_hour_send, a.max_24_hour_send), COALESCE(r.max_send_rate, a.max_send_rate),"
            " COALESCE(r.sent_last_24_hours, 0), r.tokens, COALESCE(r.tokens_at, 0), COALESCE(r.suppressed, 0),"
            " (SELECT MIN(u.minute) FROM usage_minute u WHERE u.account_id = a.account_id AND u.region = ?)"
            " FROM account a LEFT JOIN account_region r ON r.account_id = a.account_id AND r.region = ?"
            " WHERE a.account_id IN (?*)",
            region,
            region,
            [account_id for account_id, name in places if name == region],
        )
        for row in rows:
            found[row[0], region] = RegionState(
                sending_enabled=bool(row[1]),
                production=bool(row[2]),
                max_24_hour_send=float(row[3]),
                max_send_rate=float(row[4]),
                suppressed=int(row[8]),
                used=Used(int(row[5]), row[6], float(row[7])),
                oldest_minute=row[9],
            )
    return found


def usage_lock(place: Place) -> str:
    """The lock that whoever changes an account's usage in a region holds."""
    return f"usage:{place[0]}:{place[1]}"


async def take_minutes(tx: Transaction, place: Place, *, until: int) -> list[tuple[int, int]]:
    """Delete the usage of minutes up to `until`: which minutes there were, with their recipients.

    They are still in `sent_last_24_hours`; whoever takes them counts them out. What another transaction took
    is not taken again.
    """
    rows = await tx.all(
        "DELETE FROM usage_minute WHERE account_id = ? AND region = ? AND minute <= ? RETURNING minute, recipients",
        *place,
        until,
    )
    return sorted((int(row[0]), int(row[1])) for row in rows)


async def recipients_until(tx: Transaction, place: Place, *, until: int) -> int:
    """The recipients that the minutes up to `until` were charged."""
    row = await tx.one(
        "SELECT SUM(recipients) FROM usage_minute WHERE account_id = ? AND region = ? AND minute <= ?",
        *place,
        until,
    )
    return 0 if row is None or row[0] is None else int(row[0])


async def count(
    tx: Transaction,
    changes: Mapping[Place, tuple[Used, Used]],
    charges: Mapping[tuple[Place, int], int],
) -> None:
    """Write usage: by account what was used before and is now, and recipients by minute."""
    await tx.many(
        "INSERT INTO account_region (account_id, region, sent_last_24_hours, tokens, tokens_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id, region) DO UPDATE SET"
        " sent_last_24_hours = account_region.sent_last_24_hours + excluded.sent_last_24_hours,"
        " tokens = excluded.tokens, tokens_at = excluded.tokens_at",
        [
            (*place, now.sent_last_24_hours - before.sent_last_24_hours, now.tokens, now.tokens_at)
            for place, (before, now) in sorted(changes.items())
        ],
    )
    await tx.many(
        "INSERT INTO usage_minute (account_id, region, minute, recipients)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (account_id, region, minute)"
        " DO UPDATE SET recipients = usage_minute.recipients + excluded.recipients",
        [(*place, minute, recipients) for (place, minute), recipients in sorted(charges.items())],
    )


async def set_sending_enabled(tx: Transaction, account_id: str, region: str, *, enabled: bool) -> None:
    """Switch an account's sending in one region."""
    await tx.execute(
        "INSERT INTO account_region (account_id, region, sending_enabled) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET sending_enabled = excluded.sending_enabled",
        account_id,
        region,
        int(enabled),
    )
    await bump(tx, account_scope(account_id))


async def set_quota(
    tx: Transaction,
    account_id: str,
    region: str | None,
    *,
    max_24_hour_send: float | None,
    max_send_rate: float | None,
) -> None:
    """Set the limits that are given: of one region, or of the account and all its regions."""
    if region is not None:
        await tx.execute(
            "INSERT INTO account_region (account_id, region, max_24_hour_send, max_send_rate)"
            " VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account_id, region) DO UPDATE SET"
            " max_24_hour_send = COALESCE(excluded.max_24_hour_send, account_region.max_24_hour_send),"
            " max_send_rate = COALESCE(excluded.max_send_rate, account_region.max_send_rate)",
            account_id,
            region,
            max_24_hour_send,
            max_send_rate,
        )
        return
    await tx.execute(
        "UPDATE account SET max_24_hour_send = COALESCE(?, max_24_hour_send),"
        " max_send_rate = COALESCE(?, max_send_rate) WHERE account_id = ?",
        max_24_hour_send,
        max_send_rate,
        account_id,
    )
    given = {"max_24_hour_send": max_24_hour_send, "max_send_rate": max_send_rate}
    for column in (column for column, limit in given.items() if limit is not None):
        await tx.execute(f"UPDATE account_region SET {column} = NULL WHERE account_id = ?", account_id)


async def leave_sandbox(
    tx: Transaction, account_id: str, *, max_24_hour_send: float | None, max_send_rate: float | None
) -> None:
    """Move an account to production in every region; its limits become those that are given. A region's own stay."""
    await tx.execute(
        "UPDATE account SET production = 1, max_24_hour_send = COALESCE(?, max_24_hour_send),"
        " max_send_rate = COALESCE(?, max_send_rate) WHERE account_id = ?",
        max_24_hour_send,
        max_send_rate,
        account_id,
    )
    await tx.execute("UPDATE account_region SET production = NULL WHERE account_id = ?", account_id)
    await bump(tx, account_scope(account_id))
