"""Tags of resources: one table for everything that has an ARN but IAM's users and roles, which keep their own.

Whether the resource exists is its own file's to know; whoever removes one calls `remove_all` in the
same transaction, so that its tags go with it.
"""

from collections.abc import Iterable, Mapping, Sequence

from sesame.db import Transaction, account_scope, bump, identities_scope


async def put(tx: Transaction, arn: str, tags: Mapping[str, str]) -> None:
    """Set tags of a resource; a key that is there takes the new value."""
    for key, value in tags.items():
        await tx.execute(
            "INSERT INTO resource_tag (arn, key, value) VALUES (?, ?, ?)"
            " ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
            arn,
            key,
            value,
        )
    if tags:
        await _changed(tx, arn)


async def get(tx: Transaction, arn: str) -> dict[str, str]:
    """A resource's tags by key."""
    rows = await tx.all("SELECT key, value FROM resource_tag WHERE arn = ? ORDER BY key", arn)
    return {row[0]: row[1] for row in rows}


async def of_all(tx: Transaction, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of several resources, of those that have any, by ARN and key."""
    if not arns:
        return {}
    rows = await tx.all(
        "SELECT arn, key, value FROM resource_tag WHERE arn IN (?*) ORDER BY arn, key", list(arns)
    )
    found: dict[str, dict[str, str]] = {}
    for arn, key, value in rows:
        found.setdefault(arn, {})[key] = value
    return found


async def remove(tx: Transaction, arn: str, keys: Iterable[str]) -> None:
    """Take tags off a resource; keys that it does not have are no matter."""
    for key in keys:
        await tx.execute("DELETE FROM resource_tag WHERE arn = ? AND key = ?", arn, key)
    await _changed(tx, arn)


async def remove_all(tx: Transaction, arn: str) -> None:
    """Take every tag off a resource: it is going."""
    if await tx.execute("DELETE FROM resource_tag WHERE arn = ?", arn):
        await _changed(tx, arn)


def scope_of(arn: str) -> str:
    """The epoch scope that a resource's tags belong to: of its account, and of its region if it has one."""
    _, _, _, region, account_id, *_ = arn.split(":", 5)
    return identities_scope(account_id, region) if region else account_scope(account_id)


async def _changed(tx: Transaction, arn: str) -> None:
    """Policies ask about tags: what was decided on the old ones is decided again (I4)."""
    await bump(tx, scope_of(arn))
