"""Which function serves which operation. What is not here answers "not implemented" by name."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sesame.operations.account import AccountOperations
from sesame.operations.iam import IamOperations
from sesame.operations.identities import IdentityOperations
from sesame.operations.policies import PolicyOperations
from sesame.operations.sending import SendingOperations
from sesame.operations.simulate import SimulateOperations
from sesame.operations.sts import get_caller_identity

Handler = Callable[[Any, Any], Awaitable[Mapping[str, Any]]]

SENDS = frozenset({"SendEmail", "SendRawEmail"})
"""Operations that may use cached credentials: their accept transaction checks (I4)."""


def uncached(service: str, operation: str) -> bool:
    """Whether an operation must see accounts and keys as they are in the store."""
    return not (service == "ses" and operation in SENDS)


def handlers(
    *,
    identities: IdentityOperations,
    policies: PolicyOperations,
    sending: SendingOperations,
    account: AccountOperations,
    iam: IamOperations,
    simulate: SimulateOperations,
) -> dict[str, dict[str, Handler]]:
    """Operation name to function, by service."""
    return {
        "ses": {
            "VerifyDomainIdentity": identities.verify_domain_identity,
            "VerifyDomainDkim": identities.verify_domain_dkim,
            "VerifyEmailIdentity": identities.verify_email_identity,
            "GetIdentityVerificationAttributes": identities.get_identity_verification_attributes,
            "GetIdentityDkimAttributes": identities.get_identity_dkim_attributes,
            "ListIdentities": identities.list_identities,
            "DeleteIdentity": identities.delete_identity,
            "PutIdentityPolicy": policies.put_identity_policy,
            "GetIdentityPolicies": policies.get_identity_policies,
            "ListIdentityPolicies": policies.list_identity_policies,
            "DeleteIdentityPolicy": policies.delete_identity_policy,
            "SendEmail": sending.send_email,
            "SendRawEmail": sending.send_raw_email,
            "GetSendQuota": account.get_send_quota,
            "GetAccountSendingEnabled": account.get_account_sending_enabled,
            "UpdateAccountSendingEnabled": account.update_account_sending_enabled,
        },
        "sts": {"GetCallerIdentity": get_caller_identity},
        "iam": {
            "CreateUser": iam.create_user,
            "GetUser": iam.get_user,
            "ListUsers": iam.list_users,
            "DeleteUser": iam.delete_user,
            "CreateAccessKey": iam.create_access_key,
            "ListAccessKeys": iam.list_access_keys,
            "UpdateAccessKey": iam.update_access_key,
            "DeleteAccessKey": iam.delete_access_key,
            "PutUserPolicy": iam.put_user_policy,
            "GetUserPolicy": iam.get_user_policy,
            "ListUserPolicies": iam.list_user_policies,
            "DeleteUserPolicy": iam.delete_user_policy,
            "SimulateCustomPolicy": simulate.simulate_custom_policy,
            "SimulatePrincipalPolicy": simulate.simulate_principal_policy,
        },
    }
