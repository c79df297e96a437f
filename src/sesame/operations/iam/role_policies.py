"""Inline policies of IAM roles. Source: IAM API reference; quota from "IAM and AWS STS quotas"."""

from urllib.parse import quote

from sesame.access.authorize import Authorizer
from sesame.aws import paging
from sesame.aws.errors import IamLimitExceeded, NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.iam.checks import authorized_role, page_of, role_named
from sesame.operations.iam.documents import Documents
from sesame.operations.table import Handlers
from sesame.store.iam import roles
from sesame.store.iam.roles import Role

MAX_INLINE_POLICY_BYTES = 10240
"""Sum of a role's inline policies, white space not counted (IAM quota)."""


class RolePolicyOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, documents: Documents) -> None:
        self._store = store
        self._authorizer = authorizer
        self._documents = documents

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "PutRolePolicy": self.put_role_policy,
            "GetRolePolicy": self.get_role_policy,
            "ListRolePolicies": self.list_role_policies,
            "DeleteRolePolicy": self.delete_role_policy,
        }

    async def put_role_policy(
        self, caller: Caller, request: iam.PutRolePolicyRequest
    ) -> iam.PutRolePolicyResponse:
        """Create or replace an inline policy."""
        await self._authorized(caller, "PutRolePolicy", request["RoleName"])
        name, document = request["PolicyName"], request["PolicyDocument"]
        self._documents.check(caller, document)

        async def run(tx: Transaction) -> None:
            role = await role_named(tx, caller.principal.account_id, request["RoleName"])
            others = [text for other, text in await roles.policies(tx, role.role_id) if other != name]
            if sum(len("".join(text.split())) for text in (*others, document)) > MAX_INLINE_POLICY_BYTES:
                raise IamLimitExceeded(
                    f"Maximum policy size of {MAX_INLINE_POLICY_BYTES} bytes exceeded for role {role.role_name}"
                )
            await roles.put_policy(tx, role, name, document)

        await self._store.write(run)
        return {}

    async def get_role_policy(
        self, caller: Caller, request: iam.GetRolePolicyRequest
    ) -> iam.GetRolePolicyResponse:
        """An inline policy's text, percent-encoded as IAM gives it."""
        role = await self._authorized(caller, "GetRolePolicy", request["RoleName"])
        stored = dict(await self._policies(role))
        if request["PolicyName"] not in stored:
            raise _no_policy(request["PolicyName"])
        return {
            "RoleName": role.role_name,
            "PolicyName": request["PolicyName"],
            "PolicyDocument": quote(stored[request["PolicyName"]], safe=""),
        }

    async def list_role_policies(
        self, caller: Caller, request: iam.ListRolePoliciesRequest
    ) -> iam.ListRolePoliciesResponse:
        """The names of a role's inline policies."""
        role = await self._authorized(caller, "ListRolePolicies", request["RoleName"])
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
        names = [name for name, _ in await self._policies(role) if name > after]
        page, marker = paging.cut(names, limit, lambda name: name)
        response: iam.ListRolePoliciesResponse = {
            "PolicyNames": list(page),
            "IsTruncated": marker is not None,
        }
        if marker is not None:
            response["Marker"] = marker
        return response

    async def delete_role_policy(
        self, caller: Caller, request: iam.DeleteRolePolicyRequest
    ) -> iam.DeleteRolePolicyResponse:
        """Remove an inline policy; from the answer on it does not count for open sessions either (I4)."""
        await self._authorized(caller, "DeleteRolePolicy", request["RoleName"])

        async def run(tx: Transaction) -> None:
            role = await role_named(tx, caller.principal.account_id, request["RoleName"])
            if not await roles.delete_policy(tx, role, request["PolicyName"]):
                raise _no_policy(request["PolicyName"])

        await self._store.write(run)
        return {}

    async def _authorized(self, caller: Caller, action: str, name: str) -> Role:
        return await authorized_role(self._store, self._authorizer, caller, action=action, name=name)

    async def _policies(self, role: Role) -> list[tuple[str, str]]:
        async def run(tx: Transaction) -> list[tuple[str, str]]:
            return await roles.policies(tx, role.role_id)

        return await self._store.read(run)


def _no_policy(name: str) -> NoSuchEntity:
    return NoSuchEntity(f"The role policy with name {name} cannot be found.")
