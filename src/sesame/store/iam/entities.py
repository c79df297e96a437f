"""Users, groups and roles as what policies are attached to: found by name, or by unique id."""

from dataclasses import dataclass
from typing import Literal

from sesame.db import Transaction
from sesame.store.iam import groups, roles, users

Kind = Literal["user", "group", "role"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Something that has policies."""

    account_id: str
    kind: Kind
    unique_id: str
    name: str
    path: str
    arn: str


async def find(tx: Transaction, account_id: str, kind: Kind, name: str) -> Entity | None:
    """The user, group or role of that name, or None."""
    match kind:
        case "user":
            return _of_user(await users.get_user(tx, account_id, name))
        case "group":
            return _of_group(await groups.get(tx, account_id, name))
        case "role":
            return _of_role(await roles.get(tx, account_id, name))


async def by_id(tx: Transaction, unique_id: str) -> Entity | None:
    """The one with that unique id, or None."""
    if unique_id.startswith("AIDA"):
        return _of_user(await users.get_user_by_id(tx, unique_id))
    if unique_id.startswith("AGPA"):
        return _of_group(await groups.get_by_id(tx, unique_id))
    return _of_role(await roles.get_by_id(tx, unique_id))


def _of_user(user: users.User | None) -> Entity | None:
    if user is None:
        return None
    return Entity(
        account_id=user.account_id,
        kind="user",
        unique_id=user.user_id,
        name=user.user_name,
        path=user.path,
        arn=user.arn,
    )


def _of_group(group: groups.Group | None) -> Entity | None:
    if group is None:
        return None
    return Entity(
        account_id=group.account_id,
        kind="group",
        unique_id=group.group_id,
        name=group.group_name,
        path=group.path,
        arn=group.arn,
    )


def _of_role(role: roles.Role | None) -> Entity | None:
    if role is None:
        return None
    return Entity(
        account_id=role.account_id,
        kind="role",
        unique_id=role.role_id,
        name=role.role_name,
        path=role.path,
        arn=role.arn,
    )
