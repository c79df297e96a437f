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
    permissions_boundary: str = ""
    """The ARN of a user's or role's boundary; empty for none, and of a group."""


async def of_unique_id(tx: Transaction, unique_id: str) -> users.User | roles.Role | None:
    """The user or role of a unique id, as policies bind principals; None when it is gone."""
    if unique_id.startswith("AROA"):
        return await roles.get_by_id(tx, unique_id)
    return await users.get_user_by_id(tx, unique_id)


async def find(tx: Transaction, account_id: str, kind: Kind, name: str) -> Entity | None:
    """The user, group or role of that name, or None."""
    match kind:
        case "user":
            return entity_of(await users.get_user(tx, account_id, name))
        case "group":
            return entity_of(await groups.get(tx, account_id, name))
        case "role":
            return entity_of(await roles.get(tx, account_id, name))


async def by_id(tx: Transaction, unique_id: str) -> Entity | None:
    """The one with that unique id, or None."""
    if unique_id.startswith("AIDA"):
        return entity_of(await users.get_user_by_id(tx, unique_id))
    if unique_id.startswith("AGPA"):
        return entity_of(await groups.get_by_id(tx, unique_id))
    return entity_of(await roles.get_by_id(tx, unique_id))


def entity_of(found: users.User | groups.Group | roles.Role | None) -> Entity | None:
    """What was read of a user, group or role as what has policies."""
    kind: Kind
    match found:
        case None:
            return None
        case users.User(user_id=unique_id, user_name=name):
            kind = "user"
        case groups.Group(group_id=unique_id, group_name=name):
            kind = "group"
        case roles.Role(role_id=unique_id, role_name=name):
            kind = "role"
    return Entity(
        account_id=found.account_id,
        kind=kind,
        unique_id=unique_id,
        name=name,
        path=found.path,
        arn=found.arn,
        permissions_boundary="" if isinstance(found, groups.Group) else found.permissions_boundary,
    )
