"""The newest entries of a list of messages and refusals, as pages read them: keys first, then what they stand for."""

from sesame.db import Transaction
from sesame.spool import listing
from sesame.spool.listing import Entry, Key


async def newest(tx: Transaction, account_id: str, *, after: Key | None, limit: int) -> list[Entry]:
    """Entries of an account behind a key, `limit` at most."""
    keys = await listing.keys(tx, account_id, after=after, limit=limit)
    return await listing.entries(tx, account_id, keys)
