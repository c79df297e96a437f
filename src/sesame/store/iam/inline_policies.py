"""Inline policies of users, groups and roles; every change bumps the account's epoch (I4).

Whose they are the unique id says, which begins with AIDA, AGPA or AROA.
"""

from sesame.db import Transaction, account_scope, bump

_TABLES = {
    "AIDA": ("user_policy", "user_id"),
    "AGPA": ("group_policy", "group_id"),
    "AROA": ("role_policy", "role_id"),
}


def _table(unique_id: str) -> tuple[str, str]:
    return _TABLES[unique_id[:4]]


async def put(tx: Transaction, account_id: str, unique_id: str, policy_name: str, document: str) -> None:
    """Create or replace a policy."""
    table, key = _table(unique_id)
    await tx.execute(
        f"INSERT INTO {table} ({key}, policy_name, document) VALUES (?, ?, ?)"
        f" ON CONFLICT ({key}, policy_name) DO UPDATE SET document = excluded.document",
        unique_id,
        policy_name,
        document,
    )
    await bump(tx, account_scope(account_id))


async def of(tx: Transaction, unique_id: str) -> list[tuple[str, str]]:
    """The policies of one as (name, document), by name."""
    table, key = _table(unique_id)
    rows = await tx.all(
        f"SELECT policy_name, document FROM {table} WHERE {key} = ? ORDER BY policy_name", unique_id
    )
    return [(row[0], row[1]) for row in rows]


async def delete(tx: Transaction, account_id: str, unique_id: str, policy_name: str) -> bool:
    """Remove a policy; whether there was one."""
    table, key = _table(unique_id)
    count = await tx.execute(
        f"DELETE FROM {table} WHERE {key} = ? AND policy_name = ?", unique_id, policy_name
    )
    if count:
        await bump(tx, account_scope(account_id))
    return count > 0
