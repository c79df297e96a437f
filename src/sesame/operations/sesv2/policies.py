"""Sending-authorization policies of SES v2: create, update, read, delete.

What these write v1 reads, and the reverse. Sources: SES API v2 reference; observed answers for a
policy that is not there.
"""

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.identities.policies import (
    IdentityMissing,
    PolicyMissing,
    Write,
    policies_of,
    remove_policy,
    write_policy,
)
from sesame.model import Caller
from sesame.operations.sesv2.own_identity import permitted_identity
from sesame.operations.table import Handlers
from sesame.store import identities


class PolicyV2Operations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateEmailIdentityPolicy": self.create_email_identity_policy,
            "UpdateEmailIdentityPolicy": self.update_email_identity_policy,
            "GetEmailIdentityPolicies": self.get_email_identity_policies,
            "DeleteEmailIdentityPolicy": self.delete_email_identity_policy,
        }

    async def create_email_identity_policy(
        self, caller: Caller, request: sesv2.CreateEmailIdentityPolicyRequest
    ) -> sesv2.CreateEmailIdentityPolicyResponse:
        """Add a policy; one of that name is not overwritten."""
        name, permit = await self._permitted(caller, "CreateEmailIdentityPolicy", request["EmailIdentity"])
        await write_policy(permit, name, request["PolicyName"], request["Policy"], how=Write.CREATE)
        return {}

    async def update_email_identity_policy(
        self, caller: Caller, request: sesv2.UpdateEmailIdentityPolicyRequest
    ) -> sesv2.UpdateEmailIdentityPolicyResponse:
        """Replace a policy that is there; from the answer on it decides (I4)."""
        name, permit = await self._permitted(caller, "UpdateEmailIdentityPolicy", request["EmailIdentity"])
        await write_policy(permit, name, request["PolicyName"], request["Policy"], how=Write.UPDATE)
        return {}

    async def get_email_identity_policies(
        self, caller: Caller, request: sesv2.GetEmailIdentityPoliciesRequest
    ) -> sesv2.GetEmailIdentityPoliciesResponse:
        """The texts of all the identity's policies by name."""
        name, _ = await self._permitted(caller, "GetEmailIdentityPolicies", request["EmailIdentity"])
        await self._must_exist(caller, name)
        found = await policies_of(self._store, caller, name)
        return {"Policies": {policy.policy_name: policy.document for policy in found}}

    async def delete_email_identity_policy(
        self, caller: Caller, request: sesv2.DeleteEmailIdentityPolicyRequest
    ) -> sesv2.DeleteEmailIdentityPolicyResponse:
        """Remove a policy; from the answer on nothing is accepted under it (I4)."""
        name, permit = await self._permitted(caller, "DeleteEmailIdentityPolicy", request["EmailIdentity"])
        await self._must_exist(caller, name)
        if not await remove_policy(permit, name, request["PolicyName"]):
            raise PolicyMissing(request["PolicyName"])
        return {}

    async def _permitted(self, caller: Caller, operation: str, identity: str) -> tuple[str, Permit]:
        return await permitted_identity(self._authorizer, caller, f"ses:{operation}", identity)

    async def _must_exist(self, caller: Caller, name: str) -> None:
        async def run(tx: Transaction) -> bool:
            found = await identities.get(tx, caller.principal.account_id, caller.region, name)
            return found is not None

        if not await self._store.read(run):
            raise IdentityMissing(name)
