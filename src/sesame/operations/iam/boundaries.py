"""Permissions boundaries of users and roles: the managed policy that says what they may have at most.

A boundary counts from the answer on, for open sessions of a role too (I4). Source: IAM API reference; IAM user guide,
"Permissions boundaries for IAM entities".
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sesame.access.conditions import boundary_key
from sesame.access.permission import Authorizer
from sesame.aws.errors import NoSuchEntity
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.operations.iam.checks import NAMES, permitted_entity, role_named, user_named
from sesame.operations.iam.managed_policies import policy_named
from sesame.operations.table import Handler, Handlers
from sesame.store.iam import roles, users
from sesame.store.iam.entities import Kind
from sesame.store.iam.managed_policies import AWS_MANAGED

_BOUNDED: tuple[Kind, ...] = ("user", "role")
"""What can have a boundary; groups cannot."""


class BoundaryOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        found: dict[str, Handler] = {}
        for kind in _BOUNDED:
            found[f"Put{NAMES[kind]}PermissionsBoundary"] = partial(self.put, kind)
            found[f"Delete{NAMES[kind]}PermissionsBoundary"] = partial(self.delete, kind)
        return found

    async def put(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Set the boundary, or replace it."""
        arn = checked_arn(request["PermissionsBoundary"])
        await self._change(kind, "Put", caller, request, arn)
        return {}

    async def delete(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take the boundary away; where there is none that changes nothing."""
        await self._change(kind, "Delete", caller, request, "")
        return {}

    async def _change(
        self, kind: Kind, verb: str, caller: Caller, request: Mapping[str, Any], arn: str
    ) -> None:
        name, account_id = request[f"{NAMES[kind]}Name"], caller.principal.account_id
        _, permit = await permitted_entity(
            self._store,
            self._authorizer,
            caller,
            kind,
            action=f"{verb}{NAMES[kind]}PermissionsBoundary",
            name=name,
            keys=boundary_key(arn),
        )

        async def run(tx: Transaction) -> None:
            if arn:
                await check_boundary(tx, caller, arn)
            if kind == "user":
                await users.set_boundary(tx, await user_named(tx, account_id, name), arn)
            else:
                role = await role_named(tx, account_id, name)
                await roles.put(tx, replace(role, permissions_boundary=arn))

        await permit.apply(run)


def checked_arn(arn: str) -> str:
    """Refuse what is not an ARN, before anything is asked about it."""
    if not arn.startswith("arn:"):
        raise ValidationError(f"ARN {arn} is not valid.")
    return arn


async def check_boundary(tx: Transaction, caller: Caller, arn: str) -> None:
    """Raise `NoSuchEntity` when there is no such policy in the account, and none of AWS's."""
    if arn in AWS_MANAGED:
        return
    try:
        await policy_named(tx, caller, arn)
    except NoSuchEntity:
        raise NoSuchEntity(f"Scope ARN: {arn} does not exist or is not attachable.") from None
