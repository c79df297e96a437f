"""The people of an account as its console shows them: a page at once, each part by the permission of its IAM operation.

What IAM answers in six calls is read in one look, and so are the permissions that those calls take. A part that may
not be seen says why; the thing itself may not be seen without its Get action. Changes are IAM's own operations.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sesame.access import password_rules
from sesame.access.permission import Authorizer
from sesame.aws.errors import NoSuchEntity
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.model import Caller
from sesame.store import key_use
from sesame.store.iam import (
    entities,
    groups,
    inline_policies,
    login_profiles,
    managed_policies,
    password_policies,
    roles,
    users,
)
from sesame.store.iam.entities import Entity, Kind
from sesame.store.iam.managed_policies import AWS_MANAGED
from sesame.store.key_use import KeyUse

T = TypeVar("T")
PAGE = 50
MOST_MEMBERS = 200


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Part of a page: what there is, or why it may not be seen."""

    items: tuple[T, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everybody:
    """A page of users, the groups and the roles; `more` says that there are users behind."""

    users: tuple[users.User, ...]
    more: bool
    passwords: Mapping[str, bool]
    """Whether there is a password for the console, by a user's unique id; without users of whom one may not know."""
    codes: Mapping[str, bool]
    """The same of a device for codes."""
    groups: Part[groups.Group]
    roles: Part[roles.Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user, group or role with what it has. `choice` are ARNs that can be attached, for who may list them."""

    entity: Entity
    created_at: float
    trust_policy: str
    keys: Part[users.AccessKey]
    used: Mapping[str, KeyUse]
    """The last use of each key that was ever used."""
    has_password: bool | None
    has_codes: bool | None
    """Of a user, whether there is a password for the console and a device for codes; None for who may not know."""
    must_change: bool
    """Whether a password that one may know of has to be changed at the next log-in."""
    rules: str
    least_length: int
    """What the account asks of a password, in words, and its length; "" and 1 for who may not know."""
    attached: Part[str]
    inline: Part[str]
    groups: Part[groups.Group]
    members: tuple[str, ...]
    choice: tuple[str, ...]


_PARTS: dict[Kind, tuple[str, str, str, str]] = {
    "user": ("GetUser", "ListAttachedUserPolicies", "ListUserPolicies", "ListGroupsForUser"),
    "group": ("GetGroup", "ListAttachedGroupPolicies", "ListGroupPolicies", "GetGroup"),
    "role": ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRole"),
}


class People:
    """Reads; each call checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def everybody(self, caller: Caller, *, after: str) -> Everybody:
        """Users by name behind `after`, the first groups and the first roles."""
        account_id = caller.principal.account_id
        ours = f"arn:aws:iam::{account_id}"
        found = await self._store.read(
            lambda tx: users.list_users(tx, account_id, after=after, limit=PAGE + 1)
        )
        shown = found[:PAGE]
        asked = [
            ("iam:ListUsers", f"{ours}:user/"),
            ("iam:ListGroups", f"{ours}:group/"),
            ("iam:ListRoles", f"{ours}:role/"),
            *(("iam:GetLoginProfile", one.arn) for one in shown),
            *(("iam:ListMFADevices", one.arn) for one in shown),
        ]
        no_users, no_groups, no_roles, *of_each = await self._authorizer.refusals(caller, asked)
        if no_users is not None:
            raise AccessDenied(no_users)
        told = [
            [one.user_id for one, refused in zip(shown, some, strict=True) if refused is None]
            for some in (of_each[: len(shown)], of_each[len(shown) :])
        ]

        async def run(tx: Transaction) -> Everybody:
            having = await login_profiles.of_users(tx, [one.user_id for one in shown])
            passwords, codes = (
                {one: one in has for one in some} for some, has in zip(told, having, strict=True)
            )
            return Everybody(
                users=tuple(shown),
                more=len(found) > PAGE,
                passwords=passwords,
                codes=codes,
                groups=await _part(no_groups, lambda: groups.list_groups(tx, account_id)),
                roles=await _part(no_roles, lambda: roles.list_roles(tx, account_id)),
            )

        return await self._store.read(run)

    async def one(self, caller: Caller, kind: Kind, name: str) -> Person:
        """A user, group or role. Raises `AccessDenied` before `NoSuchEntity`."""
        account_id = caller.principal.account_id

        entity, created_at, trust_policy = await self._store.read(
            lambda tx: _entity(tx, account_id, kind, name)
        )
        arn = f"arn:aws:iam::{account_id}:{kind}/{name}" if entity is None else entity.arn
        get, attached, inline, in_groups = (f"iam:{action}" for action in _PARTS[kind])
        asked = [(get, arn), (attached, arn), (inline, arn), (in_groups, arn), ("iam:ListAccessKeys", arn)]
        asked += [("iam:ListPolicies", "*"), ("iam:GetLoginProfile", arn), ("iam:ListMFADevices", arn)]
        asked += [("iam:GetAccountPasswordPolicy", "*")]
        refused = await self._authorizer.refusals(caller, asked)
        if refused[0] is not None:
            raise AccessDenied(refused[0])
        if entity is None:
            raise NoSuchEntity.named(kind, name)
        unique_id = entity.unique_id

        async def run(tx: Transaction) -> Person:
            async def names() -> list[str]:
                return [policy for policy, _ in await inline_policies.of(tx, unique_id)]

            async def choice() -> list[str]:
                own = await managed_policies.list_policies(tx, account_id)
                return [*(policy.arn for policy in own), *sorted(AWS_MANAGED)]

            is_user = kind == "user"
            no_keys, no_groups = (refused[4], refused[3]) if is_user else ("", "")
            keys = await _part(no_keys, lambda: users.list_keys(tx, account_id, unique_id))
            passwords, devices = await login_profiles.of_users(tx, [unique_id] if is_user else [])
            knows_rules = is_user and refused[8] is None
            policy = await password_policies.get(tx, account_id) if knows_rules else None
            knows = refused[6] is None
            return Person(
                entity=entity,
                created_at=created_at,
                trust_policy=trust_policy,
                keys=keys,
                used=await key_use.of_keys(tx, [one.access_key_id for one in keys.items]),
                has_password=unique_id in passwords if knows else None,
                has_codes=None if refused[7] is not None else unique_id in devices,
                must_change=knows and passwords.get(unique_id, False),
                rules=password_rules.in_words(policy) if knows_rules else "",
                least_length=password_rules.least_length(policy) if knows_rules else 1,
                attached=await _part(refused[1], lambda: managed_policies.attached(tx, unique_id)),
                inline=await _part(refused[2], names),
                groups=await _part(no_groups, lambda: groups.of_user(tx, unique_id)),
                members=tuple(await groups.member_names(tx, unique_id, limit=MOST_MEMBERS))
                if kind == "group"
                else (),
                choice=(await _part(refused[5], choice)).items if kind != "role" else (),
            )

        return await self._store.read(run)


async def _entity(
    tx: Transaction, account_id: str, kind: Kind, name: str
) -> tuple[Entity | None, float, str]:
    """A user, group or role, when it was made, and a role's trust policy."""
    if kind == "role":
        role = await roles.get(tx, account_id, name)
        if role is not None:
            return entities.entity_of(role), role.created_at, role.trust_policy
    elif kind == "user":
        user = await users.get_user(tx, account_id, name)
        if user is not None:
            return entities.entity_of(user), user.created_at, ""
    else:
        return await entities.find(tx, account_id, kind, name), 0.0, ""
    return None, 0.0, ""


async def _part(refused: str | None, read: Callable[[], Awaitable[list[T]]]) -> Part[T]:
    if refused is not None:
        return Part(refused=refused)
    return Part(items=tuple(await read()))
