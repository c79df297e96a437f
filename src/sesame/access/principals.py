"""Who calls: principals, and what each may do by its own policies, as the store has it now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sesame.access.compiled import ALLOW_ALL, NO_POLICIES, Policies, compiled_policies
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
        if session.is_federated:
            user = await _federated(tx, user, session)
        return replace(user, access_key_id=session.access_key_id, secret_access_key=session.secret_access_key)
    role = await roles.get_by_id(tx, session.role_id)
    if role is None:
        return None
    limits = await session_limits(tx, role.account_id, session.policies, session.policy_arns)
    scope = account_scope(role.account_id)
    return Credential(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret_access_key,
        active=True,
        principal=session_principal(role, session.name),
        principal_tags=_with_session_tags(named_tags(role.tags), session),
        policies=compiled_policies(await roles.policies_for_role(tx, role.role_id), kind="iam"),
        session_policies=limits,
        boundary=await load_boundary(tx, role.account_id, role.permissions_boundary),
        scope=scope,
        epoch=await epoch(tx, scope),
    )


async def _federated(tx: Transaction, user: Credential, session: Session) -> Credential:
    """A federated user, opened by `user`, which may be a root."""
    has = await _federated_by(tx, user, session.policies, session.policy_arns)
    return replace(
        user,
        principal=federated_principal(user.principal, session.name),
        principal_tags=_with_session_tags(user.principal_tags, session),
        policies=has.policies,
        session_policies=has.session_policies,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedPolicies:
    """What a federated user has: what its user has, within the policies that its session was opened under."""

    policies: Policies
    session_policies: Policies
    boundary: Policies | None


async def federated_policies(
    tx: Transaction, account_id: AccountId, session: Mapping[str, Any]
) -> FederatedPolicies | None:
    """What a federated user has today, by what is kept of its session with a decision; None when its user is gone."""
    user = await load_user(tx, account_id, session.get("issuer_id") or account_id)
    if user is None:
        return None
    return await _federated_by(tx, user, session["policies"], session["policy_arns"])


async def _federated_by(
    tx: Transaction, user: Credential, documents: Sequence[str], arns: Sequence[str]
) -> FederatedPolicies:
    limits = await session_limits(tx, user.principal.account_id, documents, arns)
    is_root = user.principal.kind is PrincipalKind.ROOT
    return FederatedPolicies(
        policies=ALLOW_ALL if is_root else user.policies,
        session_policies=NO_POLICIES if limits is None else limits,
        boundary=user.boundary,
    )


def _with_session_tags(own: Tags, session: Session) -> Tags:
    """The tags of who a session is of, but for those that the session has of its own."""
    given = {key.lower() for key, _ in session.tags}
    return *(tag for tag in own if tag[0].lower() not in given), *session.tags


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


def federated_principal(issuer: Principal, name: str) -> Principal:
    """A federated user of that name, opened by a user or root; its name is nobody's but its sessions'."""
    is_root = issuer.kind is PrincipalKind.ROOT
    return Principal(
        kind=PrincipalKind.FEDERATED,
        account_id=issuer.account_id,
        arn=f"arn:aws:sts::{issuer.account_id}:federated-user/{name}",
        user_id=f"{issuer.account_id}:{name}",
        name=name,
        issuer_arn=None if is_root else issuer.arn,
        issuer_id="" if is_root else issuer.user_id,
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
