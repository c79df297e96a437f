"""Policies as they were when a send was refused under them: each set once, by the digest of its content."""

from collections.abc import Sequence

from sesame.db import Transaction


async def put(tx: Transaction, digest: str, content: str, *, at: float) -> None:
    """Keep a set, or note that it was used again."""
    await tx.execute(
        "INSERT INTO policy_set (digest, used_at, content) VALUES (?, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at WHERE excluded.used_at > policy_set.used_at",
        digest,
        at,
        content,
    )


async def contents(tx: Transaction, digests: Sequence[str]) -> dict[str, str]:
    """The sets that there are of those asked for, by digest."""
    if not digests:
        return {}
    rows = await tx.all("SELECT digest, content FROM policy_set WHERE digest IN (?*)", list(digests))
    return {str(digest): str(content) for digest, content in rows}


async def purge_before(tx: Transaction, at: float, *, limit: int) -> int:
    """Drop up to `limit` sets that were last used before a time; how many went."""
    rows = await tx.all("SELECT digest FROM policy_set WHERE used_at < ? ORDER BY used_at LIMIT ?", at, limit)
    return await tx.many("DELETE FROM policy_set WHERE digest = ?", rows)
