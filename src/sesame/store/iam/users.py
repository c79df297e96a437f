"""IAM users and access keys (root's too).

Secrets come and go sealed; every change bumps the account's epoch (I4).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import Table
from sesame.store import console_choices
from sesame.store.console_choices import NOTHING_CHOSEN
from sesame.store.iam import deleted_keys

MAX_ACCESS_KEYS = 2
"""Access keys that a user, or the root of an account, may have (IAM's quota)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One IAM user; `tags` is a JSON list of {Key, Value}."""

    account_id: str
    user_name: str
    path: str
    user_id: str
    tags: str
    created_at: float
    permissions_boundary: str = ""
    """The ARN of the managed policy that is its boundary; empty for none."""

    @property
    def arn(self) -> str:
        """`arn:aws:iam::A:user/path/Name`."""
        return f"arn:aws:iam::{self.account_id}:user{self.path}{self.user_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """One access key; `user_id` is the account id for a root key, `status` Active or Inactive."""

    access_key_id: str
    account_id: str
    user_id: str
    sealed_secret: bytes
    status: str
    created_at: float


_USERS = Table("iam_user", User, key="user_id")
_KEYS = Table("access_key", AccessKey, key="access_key_id")


async def create_user(tx: Transaction, user: User) -> None:
    """Store a new user; the name must be free."""
    await _USERS.create(tx, user)
    await bump(tx, account_scope(user.account_id))


async def get_user(tx: Transaction, account_id: str, user_name: str) -> User | None:
    """The user of that name (compared without case, as IAM does), or None."""
    return await _USERS.one(
        tx,
        "WHERE account_id = ? AND LOWER(user_name) = LOWER(?)",
        account_id,
        user_name,
    )


async def named(tx: Transaction, account_ids: Sequence[str], user_names: Sequence[str]) -> list[User]:
    """The users with any of these names, compared without case, in any of these accounts."""
    return await _USERS.all(
        tx,
        "WHERE account_id IN (?*) AND LOWER(user_name) IN (?*)",
        account_ids,
        [name.lower() for name in user_names],
    )


async def called(tx: Transaction, user_names: Sequence[str], *, limit: int) -> list[User]:
    """So many users with any of these names, compared without case, in whatever account."""
    return await _USERS.all(
        tx, "WHERE LOWER(user_name) IN (?*) LIMIT ?", [name.lower() for name in user_names], limit
    )


async def keys_of_name(tx: Transaction, user_name: str, *, limit: int) -> list[AccessKey]:
    """Keys of the users of that name in whatever account, compared without case: so many of them, the newest first."""
    return await _KEYS.all(
        tx,
        "WHERE user_id IN (SELECT user_id FROM iam_user WHERE LOWER(user_name) = ? LIMIT ?)"
        " ORDER BY created_at DESC, access_key_id LIMIT ?",
        user_name.lower(),
        limit,
        limit,
    )


async def get_user_by_id(tx: Transaction, user_id: str) -> User | None:
    """The user with that unique id, or None."""
    return await _USERS.get(tx, user_id)


async def list_users(
    tx: Transaction, account_id: str, *, path_prefix: str = "/", after: str = "", limit: int = 100
) -> list[User]:
    """Users by name, those after `after` only."""
    return await _USERS.all(
        tx,
        "WHERE account_id = ? AND user_name > ? AND SUBSTR(path, 1, ?) = ? ORDER BY user_name LIMIT ?",
        account_id,
        after,
        len(path_prefix),
        path_prefix,
        limit,
    )


async def count(tx: Transaction, account_id: str) -> int:
    """How many users an account has."""
    return await _USERS.count(tx, "WHERE account_id = ?", account_id)


async def delete_user(tx: Transaction, user: User) -> None:
    """Remove a user that has no keys and no policies left."""
    await _USERS.delete(tx, user.user_id)
    await console_choices.put(tx, user.user_id, NOTHING_CHOSEN)
    await bump(tx, account_scope(user.account_id))


async def rename(tx: Transaction, user: User, *, user_name: str, path: str) -> None:
    """Give a user another name, which must be free, or path; its unique id stays, and all that goes by it."""
    await tx.execute(
        "UPDATE iam_user SET user_name = ?, path = ? WHERE user_id = ?", user_name, path, user.user_id
    )
    await bump(tx, account_scope(user.account_id))


async def set_tags(tx: Transaction, user: User, tags: str) -> None:
    """Replace a user's tags (a JSON list)."""
    await tx.execute("UPDATE iam_user SET tags = ? WHERE user_id = ?", tags, user.user_id)
    await bump(tx, account_scope(user.account_id))


async def set_boundary(tx: Transaction, user: User, policy_arn: str) -> None:
    """Replace a user's permissions boundary; an empty ARN takes it away."""
    await tx.execute(
        "UPDATE iam_user SET permissions_boundary = ? WHERE user_id = ?", policy_arn, user.user_id
    )
    await bump(tx, account_scope(user.account_id))


async def create_key(tx: Transaction, key: AccessKey) -> None:
    """Store a new access key."""
    await _KEYS.create(tx, key)
    await bump(tx, account_scope(key.account_id))


async def get_key(tx: Transaction, access_key_id: str) -> AccessKey | None:
    """The access key, or None."""
    return await _KEYS.get(tx, access_key_id)


async def list_keys(tx: Transaction, account_id: str, user_id: str) -> list[AccessKey]:
    """A user's (or root's) keys, oldest first."""
    return await _KEYS.all(
        tx, "WHERE account_id = ? AND user_id = ? ORDER BY created_at, access_key_id", account_id, user_id
    )


async def set_key_status(tx: Transaction, key: AccessKey, status: str) -> None:
    """Make a key Active or Inactive."""
    await tx.execute("UPDATE access_key SET status = ? WHERE access_key_id = ?", status, key.access_key_id)
    await bump(tx, account_scope(key.account_id))


async def delete_key(tx: Transaction, key: AccessKey, *, at: float) -> None:
    """Remove a key; that there was one, and whose it was, is known for a while."""
    user = await _USERS.get(tx, key.user_id)
    gone = deleted_keys.DeletedKey(
        access_key_id=key.access_key_id,
        account_id=key.account_id,
        user_id=key.user_id,
        arn=f"arn:aws:iam::{key.account_id}:root" if user is None else user.arn,
        deleted_at=at,
    )
    await deleted_keys.note(tx, gone)
    await _KEYS.delete(tx, key.access_key_id)
    await bump(tx, account_scope(key.account_id))


async def bind_smtp(tx: Transaction, access_key_id: str, identity_arns: Sequence[str]) -> None:
    """Let an SMTP credential stand in for these identities, and for no others."""
    await tx.execute("DELETE FROM smtp_binding WHERE access_key_id = ?", access_key_id)
    for arn in identity_arns:
        await tx.execute(
            "INSERT INTO smtp_binding (access_key_id, identity_arn) VALUES (?, ?) ON CONFLICT DO NOTHING",
            access_key_id,
            arn,
        )


async def smtp_bindings(tx: Transaction, access_key_id: str) -> tuple[str, ...]:
    """The identities that an SMTP credential stands in for, the most specific first."""
    rows = await tx.all("SELECT identity_arn FROM smtp_binding WHERE access_key_id = ?", access_key_id)
    return tuple(sorted((str(row[0]) for row in rows), key=lambda arn: ("@" not in arn, -len(arn), arn)))
