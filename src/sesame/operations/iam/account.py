"""IAM's views of a whole account: what it has, in numbers and in full.

Source: IAM API reference, GetAccountSummary and GetAccountAuthorizationDetails.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.operations.iam.attachments import MAX_ATTACHED
from sesame.operations.iam.checks import boundary_shape, page_of, user_shape
from sesame.operations.iam.groups import MAX_GROUPS, MAX_GROUPS_OF_USER, group_shape
from sesame.operations.iam.inline_policies import MAX_BYTES as MAX_INLINE_BYTES
from sesame.operations.iam.managed_policies import (
    MAX_BYTES,
    MAX_POLICIES,
    MAX_VERSIONS,
    aws_policy_shape,
    policy_shape,
    uses_of,
    version_shape,
)
from sesame.operations.iam.roles import MAX_ROLES, with_ids_of_the_gone
from sesame.operations.table import Handlers
from sesame.policy.language.trust import MAX_TRUST_CHARACTERS
from sesame.store.iam import groups, inline_policies, login_profiles, managed_policies, roles, users
from sesame.store.iam.managed_policies import AWS_MANAGED, Version

A_PAGE = 100
"""Entries of one answer; IAM may give fewer than MaxItems too."""

QUOTAS: Mapping[str, int] = {
    "AccessKeysPerUserQuota": users.MAX_ACCESS_KEYS,
    "AssumeRolePolicySizeQuota": MAX_TRUST_CHARACTERS,
    "AttachedPoliciesPerGroupQuota": MAX_ATTACHED,
    "AttachedPoliciesPerRoleQuota": MAX_ATTACHED,
    "AttachedPoliciesPerUserQuota": MAX_ATTACHED,
    "GroupPolicySizeQuota": MAX_INLINE_BYTES["group"],
    "GroupsPerUserQuota": MAX_GROUPS_OF_USER,
    "GroupsQuota": MAX_GROUPS,
    "PoliciesQuota": MAX_POLICIES,
    "PolicySizeQuota": MAX_BYTES,
    "RolePolicySizeQuota": MAX_INLINE_BYTES["role"],
    "RolesQuota": MAX_ROLES,
    "UserPolicySizeQuota": MAX_INLINE_BYTES["user"],
    "VersionsPerPolicyQuota": MAX_VERSIONS,
}
"""Those that hold here; what is not served has none."""

NONE_HERE = (
    "AccountSigningCertificatesPresent",
    "InstanceProfiles",
    "Providers",
    "ServerCertificates",
)
"""What no account has, since it cannot be made."""


class WholeAccountOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "GetAccountSummary": self.get_account_summary,
            "GetAccountAuthorizationDetails": self.get_account_authorization_details,
        }

    async def get_account_summary(self, caller: Caller, request: object) -> iam.GetAccountSummaryResponse:
        """How many users, groups, roles, policies and devices there are, and how many there may be."""
        await self._authorizer.require(caller, "iam:GetAccountSummary")
        account_id = caller.principal.account_id

        async def run(tx: Transaction) -> dict[str, int]:
            policies = await managed_policies.list_policies(tx, account_id)
            return {
                "Users": await users.count(tx, account_id),
                "Groups": len(await groups.list_groups(tx, account_id)),
                "Roles": len(await roles.list_roles(tx, account_id)),
                "Policies": len(policies),
                "PolicyVersionsInUse": sum(
                    [len(await managed_policies.versions(tx, each)) for each in policies]
                ),
                "MFADevices": await login_profiles.count_devices(tx, account_id),
                "MFADevicesInUse": await login_profiles.count_devices(tx, account_id, in_use=True),
                "AccountMFAEnabled": int(bool(await login_profiles.devices_of(tx, account_id))),
                "AccountPasswordPresent": int(await login_profiles.get(tx, account_id) is not None),
                "AccountAccessKeysPresent": int(bool(await users.list_keys(tx, account_id, account_id))),
            }

        found = await self._store.read(run)
        summary: Any = {**QUOTAS, **dict.fromkeys(NONE_HERE, 0), **found}
        return {"SummaryMap": summary}

    async def get_account_authorization_details(
        self, caller: Caller, request: iam.GetAccountAuthorizationDetailsRequest
    ) -> iam.GetAccountAuthorizationDetailsResponse:
        """Users, groups, roles and policies with all that is attached to them, in this order, by name."""
        await self._authorizer.require(caller, "iam:GetAccountAuthorizationDetails")
        limit, marker = page_of(request.get("MaxItems"), request.get("Marker"))
        limit = min(limit, A_PAGE)
        wanted: Sequence[str] = request.get("Filter") or list(_SECTIONS)
        section, _, after = marker.partition("/")
        if section not in ("", *_SECTIONS):
            raise ValidationError(f"Invalid Marker: {request.get('Marker')}")

        async def run(tx: Transaction) -> list[tuple[str, str, Any]]:
            found: list[tuple[str, str, Any]] = []
            ahead = list(_SECTIONS)[list(_SECTIONS).index(section) if section else 0 :]
            for kind in ahead:
                if kind in wanted and (left := limit + 1 - len(found)):
                    start = after if kind == section else ""
                    listed = await _SECTIONS[kind](tx, caller.principal.account_id, start, left)
                    found += [(kind, name, detail) for name, detail in listed]
            return found

        page, more = paging.cut(await self._store.read(run), limit, lambda each: f"{each[0]}/{each[1]}")
        return {
            "UserDetailList": [detail for kind, _, detail in page if kind == "User"],
            "GroupDetailList": [detail for kind, _, detail in page if kind == "Group"],
            "RoleDetailList": [detail for kind, _, detail in page if kind == "Role"],
            "Policies": [detail for kind, _, detail in page if kind.endswith("ManagedPolicy")],
            **paging.truncation(more),
        }


Listed = Sequence[tuple[str, Any]]
"""Names, by which it goes on, and details."""


async def _users(tx: Transaction, account_id: str, after: str, limit: int) -> Listed:
    found: list[tuple[str, iam.UserDetail]] = []
    for user in await users.list_users(tx, account_id, after=after, limit=limit):
        shape = user_shape(user)
        detail: iam.UserDetail = {
            "Path": shape["Path"],
            "UserName": shape["UserName"],
            "UserId": shape["UserId"],
            "Arn": shape["Arn"],
            "CreateDate": shape["CreateDate"],
            "UserPolicyList": await _inline(tx, user.user_id),
            "GroupList": [group.group_name for group in await groups.of_user(tx, user.user_id)],
            "AttachedManagedPolicies": await _attached(tx, user.user_id),
        }
        if user.permissions_boundary:
            detail["PermissionsBoundary"] = boundary_shape(user.permissions_boundary)
        if tags := json.loads(user.tags):
            detail["Tags"] = tags
        found.append((user.user_name, detail))
    return found


async def _groups(tx: Transaction, account_id: str, after: str, limit: int) -> Listed:
    found: list[tuple[str, iam.GroupDetail]] = []
    listed = [group for group in await groups.list_groups(tx, account_id) if group.group_name > after]
    for group in listed[:limit]:
        detail: iam.GroupDetail = {
            **group_shape(group),
            "GroupPolicyList": await _inline(tx, group.group_id),
            "AttachedManagedPolicies": await _attached(tx, group.group_id),
        }
        found.append((group.group_name, detail))
    return found


async def _roles(tx: Transaction, account_id: str, after: str, limit: int) -> Listed:
    found: list[tuple[str, iam.RoleDetail]] = []
    listed = [role for role in await roles.list_roles(tx, account_id) if role.role_name > after]
    for each in listed[:limit]:
        role = await with_ids_of_the_gone(tx, each)
        detail: iam.RoleDetail = {
            "Path": role.path,
            "RoleName": role.role_name,
            "RoleId": role.role_id,
            "Arn": role.arn,
            "CreateDate": role.created_at,
            "AssumeRolePolicyDocument": quote(role.trust_policy, safe=""),
            "InstanceProfileList": [],
            "RolePolicyList": await _inline(tx, role.role_id),
            "AttachedManagedPolicies": await _attached(tx, role.role_id),
        }
        if role.permissions_boundary:
            detail["PermissionsBoundary"] = boundary_shape(role.permissions_boundary)
        if tags := json.loads(role.tags):
            detail["Tags"] = tags
        found.append((role.role_name, detail))
    return found


async def _policies(tx: Transaction, account_id: str, after: str, limit: int) -> Listed:
    found: list[tuple[str, iam.ManagedPolicyDetail]] = []
    listed = await managed_policies.list_policies(tx, account_id)
    uses = await uses_of(tx, account_id)
    for policy in sorted((each for each in listed if each.policy_name > after), key=lambda p: p.policy_name)[
        :limit
    ]:
        versions = await managed_policies.versions(tx, policy)
        shape = policy_shape(policy, uses=await uses(policy.arn))
        found.append((policy.policy_name, _detail(shape, versions, default=policy.default_version)))
    return found


async def _policies_of_aws(tx: Transaction, account_id: str, after: str, limit: int) -> Listed:
    """Those of AWS that are attached to something, or somebody's permissions boundary."""
    found: list[tuple[str, iam.ManagedPolicyDetail]] = []
    uses = await uses_of(tx, account_id)
    for arn, document in sorted(AWS_MANAGED.items()):
        used = await uses(arn)
        if arn > after and (used.attached or used.bounding):
            version = Version(number=1, document=document, created_at=0.0)
            found.append((arn, _detail(aws_policy_shape(arn, uses=used), [version], default=1)))
    return found[:limit]


def _detail(shape: iam.Policy, versions: Sequence[Version], *, default: int) -> iam.ManagedPolicyDetail:
    detail: iam.ManagedPolicyDetail = {
        "PolicyName": shape["PolicyName"],
        "PolicyId": shape["PolicyId"],
        "Arn": shape["Arn"],
        "Path": shape["Path"],
        "DefaultVersionId": shape["DefaultVersionId"],
        "AttachmentCount": shape["AttachmentCount"],
        "PermissionsBoundaryUsageCount": shape["PermissionsBoundaryUsageCount"],
        "IsAttachable": True,
        "CreateDate": shape["CreateDate"],
        "UpdateDate": shape["UpdateDate"],
        "PolicyVersionList": [
            version_shape(version, is_default=version.number == default, with_document=True)
            for version in versions
        ],
    }
    if "Description" in shape:
        detail["Description"] = shape["Description"]
    return detail


async def _inline(tx: Transaction, unique_id: str) -> list[iam.PolicyDetail]:
    held = await inline_policies.of(tx, unique_id)
    return [
        {"PolicyName": name, "PolicyDocument": quote(document, safe="")} for name, document in sorted(held)
    ]


async def _attached(tx: Transaction, unique_id: str) -> list[iam.AttachedPolicy]:
    arns = await managed_policies.attached(tx, unique_id)
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


_SECTIONS: Mapping[str, Callable[[Transaction, str, str, int], Awaitable[Listed]]] = {
    "User": _users,
    "Group": _groups,
    "Role": _roles,
    "LocalManagedPolicy": _policies,
    "AWSManagedPolicy": _policies_of_aws,
}
"""By the word that Filter has for it."""
