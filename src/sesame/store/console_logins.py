"""Who is logged in to the console, and links that let somebody in once; by the digest of what the browser has."""

from dataclasses import dataclass, fields

from sesame.db import Transaction
from sesame.db.table import FLAG, Table, reader
from sesame.store.console_choices import Choices


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


_LOGINS = Table("console_login", Login, key="digest", is_operator=FLAG, mfa=FLAG, may_return=FLAG)
_LINKS = Table("console_link", Link, key="digest")


async def put(tx: Transaction, login: Login) -> None:
    """Store a new log-in."""
    await _LOGINS.create(tx, login)


_LOGIN = reader(Login, is_operator=bool, mfa=bool, may_return=bool)
_WITH_CHOICES = (
    f"SELECT {', '.join(f'l.{field.name}' for field in fields(Login))}, c.scheme, c.zone FROM console_login l"
    " LEFT JOIN console_choice c ON c.user_id = l.user_id AND l.is_operator = 0 WHERE l.digest = ?"
)


async def current(tx: Transaction, digest: bytes) -> tuple[Login, Choices] | None:
    """The log-in with what its user has chosen, in one look; of the operator, who looks at an account, nothing."""
    row = await tx.one(_WITH_CHOICES, digest)
    if row is None:
        return None
    *_, scheme, zone = row
    return _LOGIN(row[:-2]), Choices(scheme=str(scheme or ""), zone=str(zone or ""))


async def of_user(tx: Transaction, user_id: str) -> list[Login]:
    """A user's log-ins, newest first."""
    return await _LOGINS.all(tx, "WHERE user_id = ? ORDER BY made_at DESC LIMIT 100", user_id)


async def seen(tx: Transaction, digest: bytes, at: float) -> None:
    """Note that a log-in is used."""
    await tx.execute("UPDATE console_login SET seen_at = ? WHERE digest = ?", at, digest)


async def confirmed(tx: Transaction, digest: bytes, at: float) -> None:
    """Note that the password of a log-in was given once more."""
    await tx.execute("UPDATE console_login SET confirmed_at = ? WHERE digest = ?", at, digest)


async def end(tx: Transaction, digest: bytes) -> None:
    """End one log-in."""
    await _LOGINS.delete(tx, digest)


async def purge(tx: Transaction, *, now: float, made_before: float, limit: int) -> int:
    """Drop links and log-ins whose time is over, so many at most; how many went."""
    gone = await _LINKS.drop(tx, "WHERE expires_at <= ? ORDER BY expires_at", now, limit=limit)
    rest = "WHERE made_at < ? ORDER BY made_at"
    return gone + await _LOGINS.drop(tx, rest, made_before, limit=limit - gone)


async def put_link(tx: Transaction, link: Link) -> None:
    """Store a link; an older invitation of the same user stops working."""
    if link.purpose == "invite":
        await tx.execute("DELETE FROM console_link WHERE user_id = ? AND purpose = 'invite'", link.user_id)
    await _LINKS.create(tx, link)


async def get_link(tx: Transaction, digest: bytes, *, now: float) -> Link | None:
    """A link that still works, or None."""
    return await _LINKS.one(tx, "WHERE digest = ? AND expires_at > ?", digest, now)


async def spend_link(tx: Transaction, digest: bytes) -> bool:
    """Use a link up; False when it was used before."""
    return await _LINKS.delete(tx, digest)
