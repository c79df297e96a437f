"""IAM GetContextKeysForCustomPolicy and GetContextKeysForPrincipalPolicy: what a simulation is to be told.

The keys that conditions name, and those whose values stand in resources and conditions as variables. Source:
IAM API reference; IAM user guide, "Policy variables".
"""

from collections.abc import Iterable, Sequence

from sesame.access.permission import Authorizer
from sesame.aws.shapes import iam
from sesame.db import Store
from sesame.model import Caller
from sesame.operations.iam.simulate import read_policies, source_of
from sesame.operations.table import Handlers
from sesame.policy import Policy
from sesame.policy.reasons.simulate import asked_keys


class ContextKeyOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "GetContextKeysForCustomPolicy": self.of_custom_policy,
            "GetContextKeysForPrincipalPolicy": self.of_principal_policy,
        }

    async def of_custom_policy(
        self, caller: Caller, request: iam.GetContextKeysForCustomPolicyRequest
    ) -> iam.GetContextKeysForPolicyResponse:
        """The keys of policies that come with the request."""
        await self._authorizer.require(caller, "iam:GetContextKeysForCustomPolicy")
        return {"ContextKeyNames": context_keys(_given(request["PolicyInputList"]))}

    async def of_principal_policy(
        self, caller: Caller, request: iam.GetContextKeysForPrincipalPolicyRequest
    ) -> iam.GetContextKeysForPolicyResponse:
        """The keys of the policies of a user (its groups' too), group or role, and of those in the request."""
        arn = request["PolicySourceArn"]
        await self._authorizer.require(caller, "iam:GetContextKeysForPrincipalPolicy", arn)
        source = await source_of(self._store, caller, arn)
        own = [policy for _, policy in source.policies]
        return {"ContextKeyNames": context_keys([*own, *_given(request.get("PolicyInputList", []))])}


def context_keys(policies: Iterable[Policy]) -> list[str]:
    """The condition keys that policies ask about, each once whatever its case, in the order of their names."""
    return sorted(asked_keys(policies).values(), key=str.lower)


def _given(texts: Sequence[str]) -> list[Policy]:
    return [policy for _, policy in read_policies("PolicyInputList", texts)]
