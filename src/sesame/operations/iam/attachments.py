"""What managed policies are attached to: users, groups and roles.

Source: IAM API reference and "IAM and AWS STS quotas".
"""

from collections.abc import Sequence

from sesame.access.authorize import Authorizer
from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys
from sesame.aws import paging
from sesame.aws.errors import IamLimitExceeded, NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.operations.iam.checks import entity_named, page_of, permitted_entity
from sesame.operations.iam.managed_policies import policy_named
from sesame.operations.table import Handlers
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
        return {
            "AttachUserPolicy": self.attach_user_policy,
            "DetachUserPolicy": self.detach_user_policy,
            "ListAttachedUserPolicies": self.list_attached_user_policies,
            "AttachGroupPolicy": self.attach_group_policy,
            "DetachGroupPolicy": self.detach_group_policy,
            "ListAttachedGroupPolicies": self.list_attached_group_policies,
            "AttachRolePolicy": self.attach_role_policy,
            "DetachRolePolicy": self.detach_role_policy,
            "ListAttachedRolePolicies": self.list_attached_role_policies,
            "ListEntitiesForPolicy": self.list_entities_for_policy,
        }

    async def attach_user_policy(
        self, caller: Caller, request: iam.AttachUserPolicyRequest
    ) -> iam.AttachUserPolicyResponse:
        """Attach a policy to a user."""
        await self._attach(caller, "AttachUserPolicy", "user", request["UserName"], request["PolicyArn"])
        return {}

    async def detach_user_policy(
        self, caller: Caller, request: iam.DetachUserPolicyRequest
    ) -> iam.DetachUserPolicyResponse:
        """Take a policy off a user; from the answer on it does not count (I4)."""
        await self._detach(caller, "DetachUserPolicy", "user", request["UserName"], request["PolicyArn"])
        return {}

    async def list_attached_user_policies(
        self, caller: Caller, request: iam.ListAttachedUserPoliciesRequest
    ) -> iam.ListAttachedUserPoliciesResponse:
        """The policies attached to a user."""
        return await self._attached(caller, "ListAttachedUserPolicies", "user", request["UserName"], request)

    async def attach_group_policy(
        self, caller: Caller, request: iam.AttachGroupPolicyRequest
    ) -> iam.AttachGroupPolicyResponse:
        """Attach a policy to a group."""
        await self._attach(caller, "AttachGroupPolicy", "group", request["GroupName"], request["PolicyArn"])
        return {}

    async def detach_group_policy(
        self, caller: Caller, request: iam.DetachGroupPolicyRequest
    ) -> iam.DetachGroupPolicyResponse:
        """Take a policy off a group; from the answer on it does not count (I4)."""
        await self._detach(caller, "DetachGroupPolicy", "group", request["GroupName"], request["PolicyArn"])
        return {}

    async def list_attached_group_policies(
        self, caller: Caller, request: iam.ListAttachedGroupPoliciesRequest
    ) -> iam.ListAttachedGroupPoliciesResponse:
        """The policies attached to a group."""
        return await self._attached(
            caller, "ListAttachedGroupPolicies", "group", request["GroupName"], request
        )

    async def attach_role_policy(
        self, caller: Caller, request: iam.AttachRolePolicyRequest
    ) -> iam.AttachRolePolicyResponse:
        """Attach a policy to a role."""
        await self._attach(caller, "AttachRolePolicy", "role", request["RoleName"], request["PolicyArn"])
        return {}

    async def detach_role_policy(
        self, caller: Caller, request: iam.DetachRolePolicyRequest
    ) -> iam.DetachRolePolicyResponse:
        """Take a policy off a role; from the answer on it does not count, nor for open sessions (I4)."""
        await self._detach(caller, "DetachRolePolicy", "role", request["RoleName"], request["PolicyArn"])
        return {}

    async def list_attached_role_policies(
        self, caller: Caller, request: iam.ListAttachedRolePoliciesRequest
    ) -> iam.ListAttachedRolePoliciesResponse:
        """The policies attached to a role."""
        return await self._attached(caller, "ListAttachedRolePolicies", "role", request["RoleName"], request)

    async def list_entities_for_policy(
        self, caller: Caller, request: iam.ListEntitiesForPolicyRequest
    ) -> iam.ListEntitiesForPolicyResponse:
        """The account's users, groups and roles that a policy is attached to."""
        arn = request["PolicyArn"]
        await self._authorizer.require(caller, "iam:ListEntitiesForPolicy", arn)
        wanted = request.get("EntityFilter")
        prefix = request.get("PathPrefix", "/")
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))

        async def run(tx: Transaction) -> list[Entity]:
            if arn not in AWS_MANAGED:
                await policy_named(tx, caller, arn)
            ids = await store.entities(tx, caller.principal.account_id, arn)
            found = [await by_id(tx, unique_id) for unique_id in sorted(ids) if unique_id > after]
            return [
                entity
                for entity in found
                if entity is not None
                and entity.path.startswith(prefix)
                and wanted in (None, _FILTERS[entity.unique_id[:4]])
            ]

        page, marker = paging.cut(await self._store.read(run), limit, lambda entity: entity.unique_id)
        return {
            "PolicyGroups": [{"GroupId": e.unique_id, "GroupName": e.name} for e in _of(page, "AGPA")],
            "PolicyUsers": [{"UserId": e.unique_id, "UserName": e.name} for e in _of(page, "AIDA")],
            "PolicyRoles": [{"RoleId": e.unique_id, "RoleName": e.name} for e in _of(page, "AROA")],
            **paging.truncation(marker),
        }

    async def _attach(self, caller: Caller, action: str, kind: Kind, name: str, policy_arn: str) -> None:
        _check_arn(policy_arn)
        _, permit = await self._permitted(caller, action, kind, name, keys={"iam:PolicyARN": policy_arn})

        async def run(tx: Transaction) -> None:
            entity = await entity_named(tx, caller.principal.account_id, kind, name)
            if policy_arn not in AWS_MANAGED:
                await policy_named(tx, caller, policy_arn)
            others = [arn for arn in await store.attached(tx, entity.unique_id) if arn != policy_arn]
            if len(others) >= MAX_ATTACHED:
                raise IamLimitExceeded(f"Cannot exceed quota for PoliciesPer{kind.title()}: {MAX_ATTACHED}")
            await store.attach(tx, caller.principal.account_id, entity.unique_id, policy_arn)

        await permit.apply(run)

    async def _detach(self, caller: Caller, action: str, kind: Kind, name: str, policy_arn: str) -> None:
        _check_arn(policy_arn)
        _, permit = await self._permitted(caller, action, kind, name, keys={"iam:PolicyARN": policy_arn})

        async def run(tx: Transaction) -> None:
            entity = await entity_named(tx, caller.principal.account_id, kind, name)
            if not await store.detach(tx, caller.principal.account_id, entity.unique_id, policy_arn):
                raise NoSuchEntity(f"Policy {policy_arn} was not found.")

        await permit.apply(run)

    async def _attached(
        self,
        caller: Caller,
        action: str,
        kind: Kind,
        name: str,
        request: iam.ListAttachedUserPoliciesRequest
        | iam.ListAttachedGroupPoliciesRequest
        | iam.ListAttachedRolePoliciesRequest,
    ) -> iam.ListAttachedUserPoliciesResponse:
        entity, _ = await self._permitted(caller, action, kind, name)
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
        prefix = request.get("PathPrefix", "/")

        async def run(tx: Transaction) -> list[str]:
            return await store.attached(tx, entity.unique_id)

        found = [arn for arn in await self._store.read(run) if arn > after and _path(arn).startswith(prefix)]
        page, marker = paging.cut(found, limit, str)
        return {
            "AttachedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in page],
            **paging.truncation(marker),
        }

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
