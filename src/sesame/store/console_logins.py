"""Who is logged in to the console, and links that let somebody in once; by the digest of what the browser has."""

from dataclasses import dataclass

from sesame.db import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One log-in. `user_id` is a user's unique id, the account id for root, empty for the operator."""

    digest: bytes
    account_id: str
    user_id: str
    is_operator: bool
    mfa: bool
    made_at: float
    seen_at: float
    source_ip: str
    user_agent: str
    confirmed_at: float | None = None
    """When its password was given once more."""
    may_return: bool = False
    """Whether it was the operator's, who may be it again (development)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that works once: `purpose` is `login` or `invite`."""

    digest: bytes
    purpose: str
    account_id: str
    user_id: str
    expires_at: float


_COLUMNS = (
    "digest, account_id, user_id, is_operator, mfa, made_at, seen_at, source_ip, user_agent, confirmed_at,"
    " may_return"
)


def _login(row: Row) -> Login:
    return Login(
        digest=row[0],
        account_id=row[1],
        user_id=row[2],
        is_operator=bool(row[3]),
        mfa=bool(row[4]),
        made_at=row[5],
        seen_at=row[6],
        source_ip=row[7],
        user_agent=row[8],
        confirmed_at=row[9],
        may_return=bool(row[10]),
    )


async def put(tx: Transaction, login: Login) -> None:
    """Store a new log-in."""
    await tx.execute(
        f"INSERT INTO console_login ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        login.digest,
        login.account_id,
        login.user_id,
        int(login.is_operator),
        int(login.mfa),
        login.made_at,
        login.seen_at,
        login.source_ip,
        login.user_agent,
        login.confirmed_at,
        int(login.may_return),
    )


async def get(tx: Transaction, digest: bytes) -> Login | None:
    """The log-in, or None."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM console_login WHERE digest = ?", digest)
    return None if row is None else _login(row)


async def of_user(tx: Transaction, user_id: str) -> list[Login]:
    """A user's log-ins, newest first."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM console_login WHERE user_id = ? ORDER BY made_at DESC LIMIT 100", user_id
    )
    return [_login(row) for row in rows]


async def seen(tx: Transaction, digest: bytes, at: float) -> None:
    """Note that a log-in is used."""
    await tx.execute("UPDATE console_login SET seen_at = ? WHERE digest = ?", at, digest)


async def confirmed(tx: Transaction, digest: bytes, at: float) -> None:
    """Note that the password of a log-in was given once more."""
    await tx.execute("UPDATE console_login SET confirmed_at = ? WHERE digest = ?", at, digest)


async def end(tx: Transaction, digest: bytes) -> None:
    """End one log-in."""
    await tx.execute("DELETE FROM console_login WHERE digest = ?", digest)


async def purge(tx: Transaction, *, now: float, made_before: float) -> None:
    """Drop links and log-ins whose time is over."""
    await tx.execute("DELETE FROM console_link WHERE expires_at <= ?", now)
    await tx.execute("DELETE FROM console_login WHERE made_at < ?", made_before)


async def put_link(tx: Transaction, link: Link) -> None:
    """Store a link; an older invitation of the same user stops working."""
    if link.purpose == "invite":
        await tx.execute("DELETE FROM console_link WHERE user_id = ? AND purpose = 'invite'", link.user_id)
    await tx.execute(
        "INSERT INTO console_link (digest, purpose, account_id, user_id, expires_at) VALUES (?, ?, ?, ?, ?)",
        link.digest,
        link.purpose,
        link.account_id,
        link.user_id,
        link.expires_at,
    )


async def get_link(tx: Transaction, digest: bytes, *, now: float) -> Link | None:
    """A link that still works, or None."""
    row = await tx.one(
        "SELECT digest, purpose, account_id, user_id, expires_at FROM console_link"
        " WHERE digest = ? AND expires_at > ?",
        digest,
        now,
    )
    if row is None:
        return None
    return Link(digest=row[0], purpose=row[1], account_id=row[2], user_id=row[3], expires_at=row[4])


async def spend_link(tx: Transaction, digest: bytes) -> bool:
    """Use a link up; False when it was used before."""
    return await tx.execute("DELETE FROM console_link WHERE digest = ?", digest) == 1
