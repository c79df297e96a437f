"""Who calls: principals, and what each may do by its own policies, as the store has it now."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sesame.access.compiled import NO_POLICIES, Policies, compiled_policies
from sesame.db import Transaction, account_scope, epoch
from sesame.model import AccountId, Principal, PrincipalKind, Session
from sesame.store.iam import groups, managed_policies, roles, users

Tags = tuple[tuple[str, str], ...]
"""Tags of a resource: keys with their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An access key opened, with its principal and the principal's IAM policies.

    `scope` is the epoch scope of all that is in here. The principal of a service has no account yet: the
    request says whom it acts for.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    active: bool
    principal: Principal
    principal_tags: tuple[tuple[str, str], ...] = ()
    policies: Policies = NO_POLICIES
    session_policies: Policies | None = None
    """What a session was opened under; None leaves it all that its role has."""
    boundary: Policies | None = None
    """The permissions boundary of the user or role; None where it has none."""
    scope: str
    epoch: int


async def load_user(tx: Transaction, account_id: AccountId, user_id: str) -> Credential | None:
    """The principal of that unique id (the account's own for root) and what it may do; None when it is gone."""
    policies = NO_POLICIES
    user_tags: Tags = ()
    boundary = None
    if user_id == account_id:
        principal = root_principal(account_id)
    else:
        user = await users.get_user_by_id(tx, user_id)
        if user is None:
            return None
        principal = user_principal(user)
        policies = compiled_policies(await groups.policies_for_user(tx, user.user_id), kind="iam")
        user_tags = named_tags(user.tags)
        boundary = await load_boundary(tx, account_id, user.permissions_boundary)
    scope = account_scope(account_id)
    return Credential(
        access_key_id="",
        secret_access_key="",
        active=True,
        principal=principal,
        principal_tags=user_tags,
        policies=policies,
        boundary=boundary,
        scope=scope,
        epoch=await epoch(tx, scope),
    )


def named_tags(stored: str) -> Tags:
    """The tags of a user's or role's row."""
    return tuple((tag["Key"], tag["Value"]) for tag in json.loads(stored))


async def load_session(tx: Transaction, session: Session) -> Credential | None:
    """What a session is now: its role's or user's policies and tags of today, under what it was opened with."""
    if session.user_id:
        user = await load_user(tx, AccountId(session.account_id), session.user_id)
        if user is None:
            return None
        return replace(user, access_key_id=session.access_key_id, secret_access_key=session.secret_access_key)
    role = await roles.get_by_id(tx, session.role_id)
    if role is None:
        return None
    limits = await session_limits(tx, role.account_id, session.policies, session.policy_arns)
    given_tags = {key.lower() for key, _ in session.tags}
    own_tags = named_tags(role.tags)
    scope = account_scope(role.account_id)
    return Credential(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret_access_key,
        active=True,
        principal=session_principal(role, session.name),
        principal_tags=(*(tag for tag in own_tags if tag[0].lower() not in given_tags), *session.tags),
        policies=compiled_policies(await roles.policies_for_role(tx, role.role_id), kind="iam"),
        session_policies=limits,
        boundary=await load_boundary(tx, role.account_id, role.permissions_boundary),
        scope=scope,
        epoch=await epoch(tx, scope),
    )


async def load_boundary(tx: Transaction, account_id: str, arn: str) -> Policies | None:
    """The permissions boundary that a user or role has; None for an empty ARN. A policy that is gone allows nothing."""
    if not arn:
        return None
    return compiled_policies(await managed_policies.by_arn(tx, account_id, [arn]), kind="boundary")


async def session_limits(
    tx: Transaction, account_id: str, documents: Sequence[str], arns: Sequence[str]
) -> Policies | None:
    """The policies that a session was opened under; None when it was opened under none.

    Managed ones are those of today; one that is gone allows nothing any more.
    """
    if not documents and not arns:
        return None
    given = [(f"Policy {number}", text) for number, text in enumerate(documents, start=1)]
    return compiled_policies([*given, *await managed_policies.by_arn(tx, account_id, arns)], kind="session")


def session_principal(role: roles.Role, session_name: str) -> Principal:
    """A session of a role; its ARN leaves the role's path out, as STS does."""
    return Principal(
        kind=PrincipalKind.ROLE,
        account_id=AccountId(role.account_id),
        arn=f"arn:aws:sts::{role.account_id}:assumed-role/{role.role_name}/{session_name}",
        user_id=f"{role.role_id}:{session_name}",
        name=session_name,
        role_arn=role.arn,
    )


def user_principal(user: users.User) -> Principal:
    """An IAM user."""
    return Principal(
        kind=PrincipalKind.USER,
        account_id=AccountId(user.account_id),
        arn=user.arn,
        user_id=user.user_id,
        name=user.user_name,
    )


def root_principal(account_id: AccountId) -> Principal:
    """The root of an account."""
    return Principal(
        kind=PrincipalKind.ROOT,
        account_id=account_id,
        arn=f"arn:aws:iam::{account_id}:root",
        user_id=account_id,
        name="root",
    )
