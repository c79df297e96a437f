"""What managed policies are attached to: users, groups and roles. One implementation for the three.

Source: IAM API reference and "IAM and AWS STS quotas".
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys
from sesame.access.permission import Authorizer
from sesame.aws.errors import IamLimitExceeded, NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.operations.iam.checks import NAMES, entity_named, page_from, permitted_entity
from sesame.operations.iam.managed_policies import policy_named
from sesame.operations.table import Handler, Handlers
from sesame.store.iam import boundaries
from sesame.store.iam import managed_policies as store
from sesame.store.iam.entities import Entity, Kind, by_id
from sesame.store.iam.managed_policies import AWS_MANAGED

MAX_ATTACHED = 10
"""Policies on one user, group or role (IAM quota)."""


class AttachmentOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, database: Store, authorizer: Authorizer) -> None:
        self._store = database
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        found: dict[str, Handler] = {"ListEntitiesForPolicy": self.list_entities_for_policy}
        for kind, name in NAMES.items():
            found[f"Attach{name}Policy"] = partial(self.attach, kind)
            found[f"Detach{name}Policy"] = partial(self.detach, kind)
            found[f"ListAttached{name}Policies"] = partial(self.attached, kind)
        return found

    async def attach(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Attach a policy; from the answer on it counts."""
        name, policy_arn, permit = await self._permitted_change(kind, caller, "Attach", request)

        async def run(tx: Transaction) -> None:
            entity = await entity_named(tx, caller.principal.account_id, kind, name)
            if policy_arn not in AWS_MANAGED:
                await policy_named(tx, caller, policy_arn, words="does not exist or is not attachable")
            others = [arn for arn in await store.attached(tx, entity.unique_id) if arn != policy_arn]
            if len(others) >= MAX_ATTACHED:
                raise IamLimitExceeded(f"Cannot exceed quota for PoliciesPer{NAMES[kind]}: {MAX_ATTACHED}")
            await store.attach(tx, caller.principal.account_id, entity.unique_id, policy_arn)

        await permit.apply(run)
        return {}

    async def detach(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take a policy off; from the answer on it does not count, nor for open sessions of a role (I4)."""
        name, policy_arn, permit = await self._permitted_change(kind, caller, "Detach", request)

        async def run(tx: Transaction) -> None:
            entity = await entity_named(tx, caller.principal.account_id, kind, name)
            if not await store.detach(tx, caller.principal.account_id, entity.unique_id, policy_arn):
                raise NoSuchEntity(f"Policy {policy_arn} was not found.")

        await permit.apply(run)
        return {}

    async def attached(
        self, kind: Kind, caller: Caller, request: Mapping[str, Any]
    ) -> iam.ListAttachedUserPoliciesResponse:
        """The policies attached to a user, group or role."""
        action, name = f"ListAttached{NAMES[kind]}Policies", request[f"{NAMES[kind]}Name"]
        entity, _ = await self._permitted(caller, action, kind, name)
        held = await self._store.read(lambda tx: store.attached(tx, entity.unique_id))
        below = [arn for arn in held if _path(arn).startswith(request.get("PathPrefix", "/"))]
        page, end = page_from(below, request, str)
        return {
            "AttachedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in page],
            **end,
        }

    async def list_entities_for_policy(
        self, caller: Caller, request: iam.ListEntitiesForPolicyRequest
    ) -> iam.ListEntitiesForPolicyResponse:
        """The account's users, groups and roles that a policy is attached to, or is the permissions boundary of."""
        arn = request["PolicyArn"]
        await self._authorizer.require(caller, "iam:ListEntitiesForPolicy", arn)
        wanted = request.get("EntityFilter")
        prefix, usage = request.get("PathPrefix", "/"), request.get("PolicyUsageFilter")

        async def run(tx: Transaction) -> list[Entity]:
            if arn not in AWS_MANAGED:
                await policy_named(tx, caller, arn)
            account_id = caller.principal.account_id
            ids: set[str] = set()
            if usage != "PermissionsBoundary":
                ids |= set(await store.entities(tx, account_id, arn))
            if usage != "PermissionsPolicy":
                ids |= set(await boundaries.bounded_by(tx, account_id, arn))
            found = [await by_id(tx, unique_id) for unique_id in sorted(ids)]
            return [
                entity
                for entity in found
                if entity is not None
                and entity.path.startswith(prefix)
                and wanted in (None, _FILTERS[entity.unique_id[:4]])
            ]

        page, end = page_from(await self._store.read(run), request, lambda entity: entity.unique_id)
        return {
            "PolicyGroups": [{"GroupId": e.unique_id, "GroupName": e.name} for e in _of(page, "AGPA")],
            "PolicyUsers": [{"UserId": e.unique_id, "UserName": e.name} for e in _of(page, "AIDA")],
            "PolicyRoles": [{"RoleId": e.unique_id, "RoleName": e.name} for e in _of(page, "AROA")],
            **end,
        }

    async def _permitted_change(
        self, kind: Kind, caller: Caller, verb: str, request: Mapping[str, Any]
    ) -> tuple[str, str, Permit]:
        """The name of the user, group or role, the ARN of the policy, and what lets the caller change the two."""
        name, policy_arn = request[f"{NAMES[kind]}Name"], request["PolicyArn"]
        _check_arn(policy_arn)
        keys = {"iam:PolicyARN": policy_arn}
        _, permit = await self._permitted(caller, f"{verb}{NAMES[kind]}Policy", kind, name, keys=keys)
        return name, policy_arn, permit

    async def _permitted(
        self, caller: Caller, action: str, kind: Kind, name: str, *, keys: Keys = NO_KEYS
    ) -> tuple[Entity, Permit]:
        return await permitted_entity(
            self._store, self._authorizer, caller, kind, action=action, name=name, keys=keys
        )


_FILTERS = {"AIDA": "User", "AGPA": "Group", "AROA": "Role"}


def _of(entities: Sequence[Entity], prefix: str) -> list[Entity]:
    return [entity for entity in entities if entity.unique_id.startswith(prefix)]


def _check_arn(policy_arn: str) -> None:
    """Refuse what is not an ARN, before anything is asked about it."""
    if not policy_arn.startswith("arn:"):
        raise ValidationError(f"ARN {policy_arn} is not valid.")


def _path(policy_arn: str) -> str:
    """The path of a policy, with both slashes."""
    return policy_arn[policy_arn.index("/") : policy_arn.rindex("/") + 1]
