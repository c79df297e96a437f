"""Sending-authorization policies of SES v1: put, read, list, delete. Source: SES API reference."""

from sesame.access.permission import Authorizer
from sesame.aws.shapes import ses
from sesame.db import Store
from sesame.errors import InvalidParameterValue
from sesame.identities.names import own_identity_name
from sesame.identities.policies import Write, policies_of, remove_policy, write_policy
from sesame.model import Caller
from sesame.operations.table import Handlers

MAX_NAMES_A_CALL = 20


class PolicyOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "PutIdentityPolicy": self.put_identity_policy,
            "GetIdentityPolicies": self.get_identity_policies,
            "ListIdentityPolicies": self.list_identity_policies,
            "DeleteIdentityPolicy": self.delete_identity_policy,
        }

    async def put_identity_policy(
        self, caller: Caller, request: ses.PutIdentityPolicyRequest
    ) -> ses.PutIdentityPolicyResponse:
        """Create or replace a policy; from the answer on it decides (I4)."""
        permit = await self._authorizer.require(caller, "ses:PutIdentityPolicy")
        name = own_identity_name(caller, request["Identity"])
        await write_policy(permit, name, request["PolicyName"], request["Policy"], how=Write.PUT)
        return {}

    async def get_identity_policies(
        self, caller: Caller, request: ses.GetIdentityPoliciesRequest
    ) -> ses.GetIdentityPoliciesResponse:
        """The texts of the policies named; names that do not exist are left out."""
        await self._authorizer.require(caller, "ses:GetIdentityPolicies")
        if len(request["PolicyNames"]) > MAX_NAMES_A_CALL:
            raise InvalidParameterValue(f"A call takes at most {MAX_NAMES_A_CALL} policy names.")
        stored = await policies_of(self._store, caller, own_identity_name(caller, request["Identity"]))
        wanted = set(request["PolicyNames"])
        return {"Policies": {p.policy_name: p.document for p in stored if p.policy_name in wanted}}

    async def list_identity_policies(
        self, caller: Caller, request: ses.ListIdentityPoliciesRequest
    ) -> ses.ListIdentityPoliciesResponse:
        """The names of the identity's policies."""
        await self._authorizer.require(caller, "ses:ListIdentityPolicies")
        stored = await policies_of(self._store, caller, own_identity_name(caller, request["Identity"]))
        return {"PolicyNames": [policy.policy_name for policy in stored]}

    async def delete_identity_policy(
        self, caller: Caller, request: ses.DeleteIdentityPolicyRequest
    ) -> ses.DeleteIdentityPolicyResponse:
        """Remove a policy; from the answer on nothing is accepted under it (I4)."""
        permit = await self._authorizer.require(caller, "ses:DeleteIdentityPolicy")
        name = own_identity_name(caller, request["Identity"])
        await remove_policy(permit, name, request["PolicyName"])
        return {}
