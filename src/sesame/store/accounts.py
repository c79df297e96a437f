"""Accounts: tenants, their limits by region, and the running quota state.

Quota and rate are counted in the transaction that accepts a message (I5). Both count recipients.
Source: SES developer guide, "Managing sending quotas"; the token bucket with debt is as observed.
"""

from dataclasses import dataclass

from sesame.model import AccountId
from sesame.store.db import Row, Transaction, account_scope, bump

DAY_S = 86_400

OUT_OF_ORDER_S = 60.0
"""How much later than another a request may commit that came in before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One tenant with its default limits; -1 for `max_24_hour_send` means unlimited."""

    account_id: AccountId
    name: str
    production: bool
    max_24_hour_send: float
    max_send_rate: float
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionState:
    """What holds for an account in one region now. Rates are recipients per second."""

    sending_enabled: bool
    production: bool
    max_24_hour_send: float
    max_send_rate: float
    sent_last_24_hours: int
    tokens: float
    tokens_at: float
    suppressed: int
    """How many addresses the account suppresses."""


async def create(tx: Transaction, account: Account) -> None:
    """Store a new account; the id must be free."""
    await tx.execute(
        "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?)",
        account.account_id,
        account.name,
        int(account.production),
        account.max_24_hour_send,
        account.max_send_rate,
        account.created_at,
    )


async def get(tx: Transaction, account_id: str) -> Account | None:
    """The account, or None."""
    row = await tx.one(
        "SELECT account_id, name, production, max_24_hour_send, max_send_rate, created_at"
        " FROM account WHERE account_id = ?",
        account_id,
    )
    return None if row is None else _account(row)


async def all_accounts(tx: Transaction) -> list[Account]:
    """Every account, oldest first."""
    rows = await tx.all(
        "SELECT account_id, name, production, max_24_hour_send, max_send_rate, created_at"
        " FROM account ORDER BY created_at, account_id"
    )
    return [_account(row) for row in rows]


def _account(row: Row) -> Account:
    account_id, name, production, max_24, rate, created_at = row
    return Account(
        account_id=AccountId(account_id),
        name=name,
        production=bool(production),
        max_24_hour_send=max_24,
        max_send_rate=rate,
        created_at=created_at,
    )


async def region_state(tx: Transaction, account_id: str, region: str, *, now: float) -> RegionState | None:
    """Limits and usage of an account in a region, or None if there is no such account."""
    row = await tx.one(
        "SELECT COALESCE(r.sending_enabled, 1), COALESCE(r.production, a.production),"
        " COALESCE(r.max_24_hour_send, a.max_24_hour_send), COALESCE(r.max_send_rate, a.max_send_rate),"
        " COALESCE(r.sent_last_24_hours, 0), r.tokens, COALESCE(r.tokens_at, 0), COALESCE(r.suppressed, 0)"
        " FROM account a LEFT JOIN account_region r ON r.account_id = a.account_id AND r.region = ?"
        " WHERE a.account_id = ?",
        region,
        account_id,
    )
    if row is None:
        return None
    rate = float(row[3])
    capacity = max(rate, 1.0)
    tokens = capacity if row[5] is None else min(capacity, row[5] + max(0.0, now - row[6]) * rate)
    # Requests commit out of order: the time up to `tokens_at` is credited, and not again (I5). What is
    # further ahead was written before the clock was set back.
    ahead = row[6] - now
    return RegionState(
        sending_enabled=bool(row[0]),
        production=bool(row[1]),
        max_24_hour_send=float(row[2]),
        max_send_rate=rate,
        sent_last_24_hours=int(row[4]),
        tokens=tokens,
        tokens_at=row[6] if 0 < ahead <= OUT_OF_ORDER_S else now,
        suppressed=int(row[7]),
    )


async def count_usage(
    tx: Transaction,
    account_id: str,
    region: str,
    *,
    state: RegionState,
    recipients: int,
    to_quota: int,
    now: float,
) -> None:
    """Charge a message of `recipients` to the rate and `to_quota` of them to the 24 hours."""
    minute = int(now // 60)
    if to_quota:
        await tx.execute(
            "INSERT INTO usage_minute VALUES (?, ?, ?, ?) ON CONFLICT (account_id, region, minute)"
            " DO UPDATE SET recipients = usage_minute.recipients + excluded.recipients",
            account_id,
            region,
            minute,
            to_quota,
        )
    await tx.execute(
        "INSERT INTO account_region (account_id, region, sent_last_24_hours, tokens, tokens_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id, region) DO UPDATE SET"
        " sent_last_24_hours = account_region.sent_last_24_hours + excluded.sent_last_24_hours,"
        " tokens = excluded.tokens, tokens_at = excluded.tokens_at",
        account_id,
        region,
        to_quota,
        state.tokens - recipients,
        state.tokens_at,
    )


async def expire_usage(tx: Transaction, account_id: str, region: str, *, now: float) -> int:
    """Let usage older than 24 hours leave the window; how many recipients left it.

    Usage is kept by minute: a message leaves the window 24 hours after its minute ended, so the
    quota is never exceeded and is given back at most 60 s late.
    """
    last_expired = int((now - DAY_S) // 60) - 1
    row = await tx.one(
        "SELECT COALESCE(SUM(recipients), 0) FROM usage_minute WHERE account_id = ? AND region = ? AND minute <= ?",
        account_id,
        region,
        last_expired,
    )
    expired = 0 if row is None else int(row[0])
    if expired:
        await tx.execute(
            "DELETE FROM usage_minute WHERE account_id = ? AND region = ? AND minute <= ?",
            account_id,
            region,
            last_expired,
        )
        await tx.execute(
            "UPDATE account_region SET sent_last_24_hours = sent_last_24_hours - ?"
            " WHERE account_id = ? AND region = ?",
            expired,
            account_id,
            region,
        )
    return expired


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
            "INSERT INTO account_region (account_id, region, max_24_hour_send, max_send_rate) VALUES (?, ?, ?, ?)"
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
    await tx.execute(
        "UPDATE account_region SET"
        " max_24_hour_send = CASE WHEN ? IS NULL THEN max_24_hour_send END,"
        " max_send_rate = CASE WHEN ? IS NULL THEN max_send_rate END WHERE account_id = ?",
        max_24_hour_send,
        max_send_rate,
        account_id,
    )


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


QUARTER_HOUR_S = 900


async def statistics(
    tx: Transaction, account_id: str, region: str, *, since: float
) -> list[tuple[float, int, int]]:
    """Recipients accepted and bounced, by the quarter hour of acceptance: (its beginning, sent, bounced)."""
    rows = await tx.all(
        "SELECT CAST(m.accepted_at / ? AS INTEGER), COUNT(*), SUM(CASE WHEN r.state = 'bounced' THEN 1 ELSE 0 END)"
        " FROM message m JOIN recipient r ON r.message_seq = m.seq"
        " WHERE m.account_id = ? AND m.region = ? AND m.accepted_at >= ? GROUP BY 1 ORDER BY 1",
        QUARTER_HOUR_S,
        account_id,
        region,
        since,
    )
    return [(float(row[0] * QUARTER_HOUR_S), int(row[1]), int(row[2])) for row in rows]
