"""What accounts ask of the passwords of their users. Every change bumps the account's epoch."""

from dataclasses import dataclass

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import FLAG, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """An account's own policy.

    `max_age_days` is 0 where passwords do not expire, `remembered` how many former ones may not be used again.
    """

    account_id: str
    least_length: int
    symbols: bool
    numbers: bool
    uppercase: bool
    lowercase: bool
    users_may_change: bool
    max_age_days: int
    remembered: int
    hard_expiry: bool


_POLICIES = Table(
    "password_policy",
    PasswordPolicy,
    key="account_id",
    symbols=FLAG,
    numbers=FLAG,
    uppercase=FLAG,
    lowercase=FLAG,
    users_may_change=FLAG,
    hard_expiry=FLAG,
)


async def get(tx: Transaction, account_id: str) -> PasswordPolicy | None:
    """An account's own policy; None where the server's holds."""
    return await _POLICIES.get(tx, account_id)


async def put(tx: Transaction, policy: PasswordPolicy) -> None:
    """Create or replace an account's policy."""
    await _POLICIES.put(
        tx,
        policy,
        changed="least_length, symbols, numbers, uppercase, lowercase, users_may_change, max_age_days, remembered,"
        " hard_expiry",
    )
    await bump(tx, account_scope(policy.account_id))


async def delete(tx: Transaction, account_id: str) -> bool:
    """Remove an account's policy; whether there was one."""
    was_there = await _POLICIES.delete(tx, account_id)
    await bump(tx, account_scope(account_id))
    return was_there
