"""Links of the console that show one thing to whoever has them; by the digest of what the link carries."""

from dataclasses import dataclass

from sesame.db import Row, Transaction


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


_COLUMNS = "digest, account_id, region, identity, kind, delegate, user_id, made_by, mfa, made_at, expires_at"


def _share(row: Row) -> Share:
    return Share(
        digest=row[0],
        account_id=row[1],
        region=row[2],
        identity=row[3],
        kind=row[4],
        delegate=row[5],
        user_id=row[6],
        made_by=row[7],
        mfa=bool(row[8]),
        made_at=row[9],
        expires_at=row[10],
    )


async def put(tx: Transaction, share: Share) -> None:
    """Keep a new link."""
    await tx.execute(
        f"INSERT INTO console_share ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        share.digest,
        share.account_id,
        share.region,
        share.identity,
        share.kind,
        share.delegate,
        share.user_id,
        share.made_by,
        int(share.mfa),
        share.made_at,
        share.expires_at,
    )


async def get(tx: Transaction, digest: bytes, *, now: float) -> Share | None:
    """The link, None for one that is over."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM console_share WHERE digest = ? AND expires_at > ?", digest, now
    )
    return None if row is None else _share(row)


async def of_identity(
    tx: Transaction, account_id: str, region: str, identity: str, *, now: float, limit: int
) -> list[Share]:
    """The links of an identity that still work, the oldest first."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM console_share WHERE account_id = ? AND region = ? AND identity = ?"
        " AND expires_at > ? ORDER BY made_at LIMIT ?",
        account_id,
        region,
        identity,
        now,
        limit,
    )
    return [_share(row) for row in rows]


async def of_account(tx: Transaction, account_id: str, *, now: float, limit: int) -> list[Share]:
    """The links of an account that still work, by region and identity."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM console_share WHERE account_id = ? AND expires_at > ?"
        " ORDER BY region, identity, made_at LIMIT ?",
        account_id,
        now,
        limit,
    )
    return [_share(row) for row in rows]


async def count(tx: Transaction, account_id: str) -> int:
    """How many an account has."""
    row = await tx.one("SELECT COUNT(*) FROM console_share WHERE account_id = ?", account_id)
    return 0 if row is None else int(row[0])


async def delete(tx: Transaction, digest: bytes) -> bool:
    """End a link; False when there was none."""
    return await tx.execute("DELETE FROM console_share WHERE digest = ?", digest) == 1


async def purge(tx: Transaction, *, now: float) -> None:
    """Forget those that are over."""
    await tx.execute("DELETE FROM console_share WHERE expires_at <= ?", now)
