"""Sending-authorization policies of SES v1: put, read, list, delete.

The owner alone may change them. What SES would not store is refused with the place and the fix;
user principals of accounts on this server are bound to their unique ids, so that a user deleted and
made again under the same name gains nothing. Source: SES API reference, PutIdentityPolicy.
"""

import re

from sesame.access.authorize import Authorizer
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import ses
from sesame.errors import InvalidParameterValue, InvalidPolicy
from sesame.model import Caller
from sesame.operations.ses.identities import own_identity_name
from sesame.operations.table import Handlers
from sesame.policy import Policy, PolicyError, parse_identity_policy
from sesame.store import accounts, identities, users
from sesame.store.db import Store, Transaction

MAX_POLICIES = 20
MAX_NAMES_A_CALL = 20
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_USER_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):user/(?:.*/)?([^/]+)")


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
        await self._authorizer.require(caller, "ses:PutIdentityPolicy")
        check_policy_name(request["PolicyName"])
        account_id, region = caller.principal.account_id, caller.region
        name = own_identity_name(caller, request["Identity"])
        try:
            policy = parse_identity_policy(
                request["Policy"], identity_arn=identity_arn(region, account_id, name)
            )
        except PolicyError as error:
            raise InvalidPolicy(str(error)) from None

        async def run(tx: Transaction) -> None:
            identity = await identities.get(tx, account_id, region, name)
            if identity is None:
                raise InvalidParameterValue(f"Identity {name} does not exist.")
            existing = {
                stored.policy_name for stored in await identities.policies(tx, account_id, region, name)
            }
            if request["PolicyName"] not in existing and len(existing) >= MAX_POLICIES:
                raise InvalidParameterValue(
                    f"Number of policies for {name} exceeds max allowed number of policies per resource"
                )
            stored = identities.IdentityPolicy(
                policy_name=request["PolicyName"],
                document=request["Policy"],
                principal_ids=await principal_ids(tx, policy),
            )
            await identities.put_policy(tx, identity, stored)

        await self._store.write(run)
        return {}

    async def get_identity_policies(
        self, caller: Caller, request: ses.GetIdentityPoliciesRequest
    ) -> ses.GetIdentityPoliciesResponse:
        """The texts of the policies named; names that do not exist are left out."""
        await self._authorizer.require(caller, "ses:GetIdentityPolicies")
        if len(request["PolicyNames"]) > MAX_NAMES_A_CALL:
            raise InvalidParameterValue(f"A call takes at most {MAX_NAMES_A_CALL} policy names.")
        stored = await self._policies(caller, request["Identity"])
        wanted = set(request["PolicyNames"])
        return {"Policies": {p.policy_name: p.document for p in stored if p.policy_name in wanted}}

    async def list_identity_policies(
        self, caller: Caller, request: ses.ListIdentityPoliciesRequest
    ) -> ses.ListIdentityPoliciesResponse:
        """The names of the identity's policies."""
        await self._authorizer.require(caller, "ses:ListIdentityPolicies")
        stored = await self._policies(caller, request["Identity"])
        return {"PolicyNames": [policy.policy_name for policy in stored]}

    async def delete_identity_policy(
        self, caller: Caller, request: ses.DeleteIdentityPolicyRequest
    ) -> ses.DeleteIdentityPolicyResponse:
        """Remove a policy; from the answer on nothing is accepted under it (I4)."""
        await self._authorizer.require(caller, "ses:DeleteIdentityPolicy")
        check_policy_name(request["PolicyName"])
        name = own_identity_name(caller, request["Identity"])

        async def run(tx: Transaction) -> bool:
            return await identities.delete_policy(
                tx, caller.principal.account_id, caller.region, name, request["PolicyName"]
            )

        await self._store.write(run)
        return {}

    async def _policies(self, caller: Caller, identity: str) -> list[identities.IdentityPolicy]:
        name = own_identity_name(caller, identity)

        async def run(tx: Transaction) -> list[identities.IdentityPolicy]:
            return await identities.policies(tx, caller.principal.account_id, caller.region, name)

        return await self._store.read(run)


def check_policy_name(name: str) -> None:
    """Refuse a name that SES would not store; length is the service model's constraint."""
    if not name.strip():
        raise InvalidParameterValue("PolicyName is required.")
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and"
            " underscores."
        )


async def principal_ids(tx: Transaction, policy: Policy) -> dict[str, str]:
    """Unique ids of the users a policy names, for those accounts that are on this server.

    Raises `InvalidPolicy` for a user that such an account does not have; users of accounts elsewhere
    are taken at their word.
    """
    ids: dict[str, str] = {}
    for statement in policy.statements:
        for principal in statement.principals or ():
            match = _USER_ARN.fullmatch(principal.value) if principal.kind == "AWS" else None
            if match is None or await accounts.get(tx, match[1]) is None:
                continue
            user = await users.get_user(tx, match[1], match[2])
            if user is None or user.arn != principal.value:
                raise InvalidPolicy(f"Policy has invalid principal: {principal.value} does not exist.")
            ids[principal.value] = user.user_id
    return ids
