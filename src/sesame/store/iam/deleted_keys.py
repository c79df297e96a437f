"""Access keys that were deleted, without their secrets: whose they were, for as long as refusals are kept."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedKey:
    """A key that is gone; `user_id` is the account id for a root's, `arn` its holder's, `deleted_at` Unix seconds."""

    access_key_id: str
    account_id: str
    user_id: str
    arn: str
    deleted_at: float


_KEYS = Table("deleted_key", DeletedKey, key="access_key_id")


async def note(tx: Transaction, key: DeletedKey) -> None:
    """Keep one; key ids are never given twice."""
    await _KEYS.create_if_free(tx, key)


async def get(tx: Transaction, access_key_id: str) -> DeletedKey | None:
    """The deleted key of that id, or None."""
    return await _KEYS.get(tx, access_key_id)


async def purge_before(tx: Transaction, at: float, *, limit: int) -> int:
    """Drop up to `limit` that were deleted before; how many went."""
    return await _KEYS.drop(tx, "WHERE deleted_at < ? ORDER BY deleted_at", at, limit=limit)
