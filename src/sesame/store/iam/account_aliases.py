"""Aliases of accounts: what people log in to the console with in place of the account's id. One an account."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAlias:
    """An alias, which no two accounts have alike."""

    alias: str
    account_id: str


_ALIASES = Table("account_alias", AccountAlias, key="alias")


async def of_account(tx: Transaction, account_id: str) -> AccountAlias | None:
    """An account's alias, or None."""
    return await _ALIASES.one(tx, "WHERE account_id = ?", account_id)


async def get(tx: Transaction, alias: str) -> AccountAlias | None:
    """The alias with its account, or None."""
    return await _ALIASES.get(tx, alias)


async def create(tx: Transaction, new: AccountAlias) -> None:
    """Store an alias that is free."""
    await _ALIASES.create(tx, new)


async def delete(tx: Transaction, found: AccountAlias) -> None:
    """Remove an alias; anybody may have it then."""
    await _ALIASES.delete(tx, found.alias)
