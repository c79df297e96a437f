"""All that was ever counted of accounts, whatever the quarter hour."""

from dataclasses import fields

from sesame.db import Transaction
from sesame.store.tallies import Counts


async def total(tx: Transaction, account_id: str | None = None) -> Counts:
    """All counts of an account, or of all."""
    names = [field.name for field in fields(Counts)]
    sums = ", ".join(f"COALESCE(SUM({name}), 0)" for name in names)
    condition, values = ("", ()) if account_id is None else (" WHERE account_id = ?", (account_id,))
    row = await tx.one(f"SELECT {sums} FROM tally{condition}", *values)
    assert row is not None
    return Counts(**dict(zip(names, map(int, row), strict=True)))
