"""Links of the console that show one thing to whoever has them; by the digest of what the link carries."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import FLAG, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One link: what it shows (`kind`, of `identity`, for `delegate` where the kind has one), and by whose rights."""

    digest: bytes
    account_id: str
    region: str
    identity: str
    kind: str
    delegate: str
    user_id: str
    """A user's unique id, or the account id for root."""
    made_by: str
    """The ARN of who made it, for people to read."""
    mfa: bool
    made_at: float
    expires_at: float

    @property
    def name(self) -> str:
        """What people and the audit log call it by: enough to tell it from others, nothing to open it with."""
        return self.digest.hex()[:16]


_SHARES = Table("console_share", Share, key="digest", mfa=FLAG)


async def put(tx: Transaction, share: Share) -> None:
    """Keep a new link."""
    await _SHARES.create(tx, share)


async def get(tx: Transaction, digest: bytes, *, now: float) -> Share | None:
    """The link, None for one that is over."""
    return await _SHARES.one(tx, "WHERE digest = ? AND expires_at > ?", digest, now)


async def of_identity(
    tx: Transaction, account_id: str, region: str, identity: str, *, now: float, limit: int
) -> list[Share]:
    """The links of an identity that still work, the oldest first."""
    return await _SHARES.all(
        tx,
        "WHERE account_id = ? AND region = ? AND identity = ? AND expires_at > ? ORDER BY made_at LIMIT ?",
        account_id,
        region,
        identity,
        now,
        limit,
    )


async def of_account(tx: Transaction, account_id: str, *, now: float, limit: int) -> list[Share]:
    """The links of an account that still work, by region and identity."""
    return await _SHARES.all(
        tx,
        "WHERE account_id = ? AND expires_at > ? ORDER BY region, identity, made_at LIMIT ?",
        account_id,
        now,
        limit,
    )


async def count(tx: Transaction, account_id: str, *, now: float) -> int:
    """How many an account has that still work."""
    return await _SHARES.count(tx, "WHERE account_id = ? AND expires_at > ?", account_id, now)


async def delete(tx: Transaction, digest: bytes) -> bool:
    """End a link; False when there was none."""
    return await _SHARES.delete(tx, digest)


async def purge(tx: Transaction, *, now: float, limit: int) -> int:
    """Forget those that are over, so many at most; how many went."""
    return await _SHARES.drop(tx, "WHERE expires_at <= ? ORDER BY expires_at", now, limit=limit)
