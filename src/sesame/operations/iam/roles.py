"""IAM roles: who may assume them, for how long, and their tags. Assuming one is `operations.sts`.

Service-linked roles are not here, what bounds a role is `boundaries`. Source: IAM API reference and "IAM and
AWS STS quotas".
"""

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from sesame.access.causes.documents import explained
from sesame.access.changes import Permit
from sesame.access.conditions import boundary_key
from sesame.access.permission import Authorizer
from sesame.access.principal_binding import NoSuchPrincipal, displayed_document, principal_ids
from sesame.aws import paging
from sesame.aws.errors import (
    EntityAlreadyExists,
    IamLimitExceeded,
    MalformedPolicyDocument,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.iam.boundaries import check_boundary, checked_arn
from sesame.operations.iam.checks import (
    boundary_shape,
    check_without_policies,
    page_from,
    page_of,
    permitted_role,
    role_named,
    tags_by_key,
)
from sesame.operations.principal_tags import check_tags
from sesame.operations.table import Handlers
from sesame.policy import Policy, PolicyError, parse_trust_policy
from sesame.policy.language.trust import MAX_TRUST_CHARACTERS
from sesame.store.iam import roles
from sesame.store.iam.roles import Role

MAX_ROLES = 1000
DEFAULT_SESSION_S = 3600


class RoleOperations:
    """The operations; `random_name` makes upper-case ids."""

    def __init__(
        self, store: Store, authorizer: Authorizer, *, clock: Clock, random_name: Callable[[int], str]
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._random_name = random_name

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateRole": self.create_role,
            "GetRole": self.get_role,
            "ListRoles": self.list_roles,
            "UpdateRole": self.update_role,
            "UpdateRoleDescription": self.update_role_description,
            "UpdateAssumeRolePolicy": self.update_assume_role_policy,
            "DeleteRole": self.delete_role,
            "ListInstanceProfilesForRole": self.list_instance_profiles_for_role,
        }

    async def create_role(self, caller: Caller, request: iam.CreateRoleRequest) -> iam.CreateRoleResponse:
        """Add a role; names are unique without regard to case."""
        boundary = checked_arn(request["PermissionsBoundary"]) if "PermissionsBoundary" in request else ""
        role = Role(
            account_id=caller.principal.account_id,
            role_name=request["RoleName"],
            path=request.get("Path", "/"),
            role_id=f"AROA{self._random_name(17)}",
            description=request.get("Description", ""),
            max_session_s=request.get("MaxSessionDuration", DEFAULT_SESSION_S),
            trust_policy=request["AssumeRolePolicyDocument"],
            principal_ids={},
            tags=json.dumps(request.get("Tags", [])),
            created_at=float(int(self._clock.now())),
            permissions_boundary=boundary,
        )
        tags = request.get("Tags", [])
        permit = await self._authorizer.require_creation(
            caller,
            "iam:CreateRole",
            role.arn,
            tagging="iam:TagRole",
            tags=tags_by_key(tags),
            keys=boundary_key(boundary),
        )
        check_tags(tags)
        trust = _checked_trust(role.trust_policy)

        async def run(tx: Transaction) -> None:
            if boundary:
                await check_boundary(tx, caller, boundary)
            if await roles.get(tx, role.account_id, role.role_name) is not None:
                raise EntityAlreadyExists(f"Role with name {role.role_name} already exists.")
            if len(await roles.list_roles(tx, role.account_id)) >= MAX_ROLES:
                raise IamLimitExceeded(f"Cannot exceed quota for RolesPerAccount: {MAX_ROLES}")
            await roles.put(tx, replace(role, principal_ids=await _bound(tx, trust)))

        await permit.apply(run)
        return {"Role": _as_shape(role)}

    async def get_role(self, caller: Caller, request: iam.GetRoleRequest) -> iam.GetRoleResponse:
        """A role with its trust policy, percent-encoded as IAM gives it."""
        role, _ = await self._permitted(caller, "GetRole", request["RoleName"])
        return {"Role": _as_shape(await self._store.read(lambda tx: with_ids_of_the_gone(tx, role)))}

    async def list_roles(self, caller: Caller, request: iam.ListRolesRequest) -> iam.ListRolesResponse:
        """Roles by name, those under a path prefix."""
        account_id = caller.principal.account_id
        await self._authorizer.require(caller, "iam:ListRoles", f"arn:aws:iam::{account_id}:role/")

        async def run(tx: Transaction) -> tuple[list[Role], paging.Truncation]:
            found = await roles.list_roles(tx, account_id)
            below = [role for role in found if role.path.startswith(request.get("PathPrefix", "/"))]
            page, end = page_from(below, request, lambda role: role.role_name)
            return [await with_ids_of_the_gone(tx, role) for role in page], end

        page, end = await self._store.read(run)
        return {"Roles": [_as_shape(role, is_listed=True) for role in page], **end}

    async def update_role(self, caller: Caller, request: iam.UpdateRoleRequest) -> iam.UpdateRoleResponse:
        """Change the description and how long sessions may last; open sessions keep their time."""
        _, permit = await self._permitted(caller, "UpdateRole", request["RoleName"])

        async def run(tx: Transaction) -> None:
            role = await role_named(tx, caller.principal.account_id, request["RoleName"])
            changed = replace(
                role,
                description=request.get("Description", role.description),
                max_session_s=request.get("MaxSessionDuration", role.max_session_s),
            )
            await roles.put(tx, changed)

        await permit.apply(run)
        return {}

    async def update_role_description(
        self, caller: Caller, request: iam.UpdateRoleDescriptionRequest
    ) -> iam.UpdateRoleDescriptionResponse:
        """Change the description."""
        _, permit = await self._permitted(caller, "UpdateRoleDescription", request["RoleName"])

        async def run(tx: Transaction) -> Role:
            role = await role_named(tx, caller.principal.account_id, request["RoleName"])
            changed = replace(role, description=request["Description"])
            await roles.put(tx, changed)
            return await with_ids_of_the_gone(tx, changed)

        return {"Role": _as_shape(await permit.apply(run))}

    async def update_assume_role_policy(
        self, caller: Caller, request: iam.UpdateAssumeRolePolicyRequest
    ) -> iam.UpdateAssumeRolePolicyResponse:
        """Replace the trust policy: who may open sessions from now on. Open ones stay, as at IAM."""
        _, permit = await self._permitted(caller, "UpdateAssumeRolePolicy", request["RoleName"])
        trust = _checked_trust(request["PolicyDocument"])

        async def run(tx: Transaction) -> None:
            role = await role_named(tx, caller.principal.account_id, request["RoleName"])
            await roles.put(tx, replace(role, trust_policy=trust.text, principal_ids=await _bound(tx, trust)))

        await permit.apply(run)
        return {}

    async def delete_role(self, caller: Caller, request: iam.DeleteRoleRequest) -> iam.DeleteRoleResponse:
        """Remove a role that has no policies left; from the answer on its sessions are good for nothing (I4)."""
        role, permit = await self._permitted(caller, "DeleteRole", request["RoleName"])

        async def run(tx: Transaction) -> None:
            await check_without_policies(tx, role.role_id)
            await roles.delete(tx, role)

        await permit.apply(run)
        return {}

    async def list_instance_profiles_for_role(
        self, caller: Caller, request: iam.ListInstanceProfilesForRoleRequest
    ) -> iam.ListInstanceProfilesForRoleResponse:
        """No role is in an instance profile: there are none here. Clients ask before they delete a role."""
        await self._permitted(caller, "ListInstanceProfilesForRole", request["RoleName"])
        page_of(request.get("MaxItems"), request.get("Marker"))
        return {"InstanceProfiles": [], "IsTruncated": False}

    async def _permitted(self, caller: Caller, action: str, name: str) -> tuple[Role, Permit]:
        return await permitted_role(self._store, self._authorizer, caller, action=action, name=name)


def _checked_trust(document: str) -> Policy:
    try:
        policy = parse_trust_policy(document)
    except PolicyError as error:
        raise explained(MalformedPolicyDocument(error.words or str(error)), "trust", error) from None
    if len("".join(document.split())) > MAX_TRUST_CHARACTERS:
        raise IamLimitExceeded(f"Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_CHARACTERS}")
    return policy


async def _bound(tx: Transaction, trust: Policy) -> dict[str, str]:
    try:
        return await principal_ids(tx, trust)
    except NoSuchPrincipal as error:
        refused = MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{error}"')
        raise explained(refused, "trust") from None


async def with_ids_of_the_gone(tx: Transaction, role: Role) -> Role:
    """A role whose trust policy names users and roles that are gone by their unique ids, as IAM shows them."""
    return replace(role, trust_policy=await displayed_document(tx, role.trust_policy, role.principal_ids))


def _as_shape(role: Role, *, is_listed: bool = False) -> iam.Role:
    shape: iam.Role = {
        "Path": role.path,
        "RoleName": role.role_name,
        "RoleId": role.role_id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": quote(role.trust_policy, safe=""),
        "MaxSessionDuration": role.max_session_s,
    }
    if role.description:
        shape["Description"] = role.description
    if role.permissions_boundary and not is_listed:
        shape["PermissionsBoundary"] = boundary_shape(role.permissions_boundary)
    tags = json.loads(role.tags)
    if tags and not is_listed:
        shape["Tags"] = tags
    return shape
