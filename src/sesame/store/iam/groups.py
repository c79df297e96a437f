"""IAM groups, and their members; every change bumps the account's epoch (I4)."""

from dataclasses import dataclass

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import Table
from sesame.store.iam import inline_policies, managed_policies, users


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One IAM group."""

    account_id: str
    group_name: str
    path: str
    group_id: str
    created_at: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::A:group/path/Name`."""
        return f"arn:aws:iam::{self.account_id}:group{self.path}{self.group_name}"


_GROUPS = Table("iam_group", Group, key="group_id")


async def create(tx: Transaction, group: Group) -> None:
    """Store a new group; the name must be free."""
    await _GROUPS.create(tx, group)
    await bump(tx, account_scope(group.account_id))


async def get(tx: Transaction, account_id: str, group_name: str) -> Group | None:
    """The group of that name (compared without case, as IAM does), or None."""
    return await _GROUPS.one(
        tx, "WHERE account_id = ? AND LOWER(group_name) = LOWER(?)", account_id, group_name
    )


async def get_by_id(tx: Transaction, group_id: str) -> Group | None:
    """The group with that unique id, or None."""
    return await _GROUPS.get(tx, group_id)


async def list_groups(tx: Transaction, account_id: str) -> list[Group]:
    """An account's groups by name."""
    return await _GROUPS.all(tx, "WHERE account_id = ? ORDER BY group_name", account_id)


async def rename(tx: Transaction, group: Group) -> None:
    """Give the group of that unique id another name or path; the name must be free."""
    await tx.execute(
        "UPDATE iam_group SET group_name = ?, path = ? WHERE group_id = ?",
        group.group_name,
        group.path,
        group.group_id,
    )
    await bump(tx, account_scope(group.account_id))


async def delete(tx: Transaction, group: Group) -> None:
    """Remove a group that has no members and no policies left."""
    await _GROUPS.delete(tx, group.group_id)
    await bump(tx, account_scope(group.account_id))


async def add_member(tx: Transaction, group: Group, user_id: str) -> None:
    """Put a user in a group; nothing changes for one who is in it."""
    await tx.execute(
        "INSERT INTO group_member (user_id, group_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        user_id,
        group.group_id,
    )
    await bump(tx, account_scope(group.account_id))


async def remove_member(tx: Transaction, group: Group, user_id: str) -> bool:
    """Take a user out of a group; whether it was in it."""
    count = await tx.execute(
        "DELETE FROM group_member WHERE user_id = ? AND group_id = ?", user_id, group.group_id
    )
    await bump(tx, account_scope(group.account_id))
    return count > 0


async def members(tx: Transaction, group: Group) -> list[users.User]:
    """The users in a group, by name."""
    rows = await tx.all("SELECT user_id FROM group_member WHERE group_id = ?", group.group_id)
    found = [await users.get_user_by_id(tx, row[0]) for row in rows]
    return sorted((user for user in found if user is not None), key=lambda user: user.user_name)


async def member_names(tx: Transaction, group_id: str, *, limit: int) -> list[str]:
    """The names of users in a group, some of them."""
    rows = await tx.all(
        "SELECT u.user_name FROM group_member m JOIN iam_user u ON u.user_id = m.user_id WHERE m.group_id = ?"
        " LIMIT ?",
        group_id,
        limit,
    )
    return sorted(row[0] for row in rows)


async def of_user(tx: Transaction, user_id: str) -> list[Group]:
    """The groups a user is in, by name."""
    return await _GROUPS.all(
        tx,
        "WHERE group_id IN (SELECT group_id FROM group_member WHERE user_id = ?) ORDER BY group_name",
        user_id,
    )


async def policies_of_groups(tx: Transaction, user_id: str) -> list[tuple[str, str]]:
    """The policies a user has by its groups, named `Group/policy` (policy names hold no slash)."""
    rows = await tx.all(
        "SELECT g.group_name, p.policy_name, p.document FROM group_member m"
        " JOIN iam_group g ON g.group_id = m.group_id JOIN group_policy p ON p.group_id = m.group_id"
        " WHERE m.user_id = ? ORDER BY g.group_name, p.policy_name",
        user_id,
    )
    return [(f"{row[0]}/{row[1]}", row[2]) for row in rows]


async def policies_for_user(tx: Transaction, user_id: str) -> list[tuple[str, str]]:
    """Every IAM policy that counts for a user: its own, its groups', and the managed ones of both.

    Managed policies are named by their ARN.
    """
    rows = await tx.all("SELECT group_id FROM group_member WHERE user_id = ?", user_id)
    return [
        *await inline_policies.of(tx, user_id),
        *await policies_of_groups(tx, user_id),
        *await managed_policies.documents(tx, [user_id, *(row[0] for row in rows)]),
    ]
