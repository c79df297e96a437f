"""When each access key was used last; keys of users, roots and services alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """The last use of a key that is known, in Unix seconds; it may be a quarter of an hour older than the real one."""

    access_key_id: str
    used_at: float
    door: str
    region: str


_USES = Table("key_use", KeyUse, key="access_key_id")


async def note(tx: Transaction, uses: Sequence[KeyUse]) -> None:
    """Keep these, each the last of its key."""
    await _USES.put_all(tx, uses, changed="used_at, door, region")


async def of_keys(tx: Transaction, access_key_ids: Sequence[str]) -> dict[str, KeyUse]:
    """The last use of each of these that was ever used."""
    if not access_key_ids:
        return {}
    found = await _USES.all(tx, "WHERE access_key_id IN (?*)", access_key_ids)
    return {one.access_key_id: one for one in found}


async def purge(tx: Transaction, *, limit: int) -> int:
    """Drop up to `limit` of keys that are gone; how many went."""
    rows = await tx.all(
        "SELECT u.access_key_id FROM key_use u WHERE NOT EXISTS"
        " (SELECT 1 FROM access_key k WHERE k.access_key_id = u.access_key_id) AND NOT EXISTS"
        " (SELECT 1 FROM service_key s WHERE s.access_key_id = u.access_key_id) LIMIT ?",
        limit,
    )
    return await tx.many("DELETE FROM key_use WHERE access_key_id = ?", rows)
