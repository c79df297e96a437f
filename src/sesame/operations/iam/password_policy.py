"""What an account asks of its users' passwords for the console.

Source: IAM API reference, UpdateAccountPasswordPolicy, GetAccountPasswordPolicy, DeleteAccountPasswordPolicy.
"""

from sesame.access.compiled import compiled_policies
from sesame.access.permission import Authorizer, Granted
from sesame.aws.errors import NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction, account_scope, epoch
from sesame.model import Caller, PrincipalKind
from sesame.operations.table import Handlers
from sesame.store.iam import password_policies
from sesame.store.iam.password_policies import PasswordPolicy

LEAST_LENGTH = 6
"""Where a policy names no length."""

OWN_PASSWORD = compiled_policies(
    [
        (
            "AllowUsersToChangePassword",
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
            ' "Action": ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"], "Resource": "*"}]}',
        )
    ],
    kind="iam",
)
"""What each user has beside its own policies, about itself alone, where the account's policy lets users change it."""


async def own_password(store: Store, caller: Caller) -> Granted | None:
    """What the account's password policy lets the caller do beside its own policies."""
    account_id = caller.principal.account_id
    scope = account_scope(account_id)

    async def run(tx: Transaction) -> tuple[PasswordPolicy | None, int]:
        return await password_policies.get(tx, account_id), await epoch(tx, scope)

    policy, seen = await store.read(run)
    if caller.principal.kind is not PrincipalKind.USER or policy is None or not policy.users_may_change:
        return None
    return Granted(policies=OWN_PASSWORD, scope=scope, epoch=seen)


class PasswordPolicyOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "UpdateAccountPasswordPolicy": self.update_account_password_policy,
            "GetAccountPasswordPolicy": self.get_account_password_policy,
            "DeleteAccountPasswordPolicy": self.delete_account_password_policy,
        }

    async def update_account_password_policy(
        self, caller: Caller, request: iam.UpdateAccountPasswordPolicyRequest
    ) -> iam.UpdateAccountPasswordPolicyResponse:
        """Set the account's policy; what is not given goes back to its default, as at AWS."""
        permit = await self._authorizer.require(caller, "iam:UpdateAccountPasswordPolicy")
        policy = PasswordPolicy(
            account_id=caller.principal.account_id,
            least_length=request.get("MinimumPasswordLength", LEAST_LENGTH),
            symbols=request.get("RequireSymbols", False),
            numbers=request.get("RequireNumbers", False),
            uppercase=request.get("RequireUppercaseCharacters", False),
            lowercase=request.get("RequireLowercaseCharacters", False),
            users_may_change=request.get("AllowUsersToChangePassword", False),
            max_age_days=request.get("MaxPasswordAge", 0),
            remembered=request.get("PasswordReusePrevention", 0),
            hard_expiry=request.get("HardExpiry", False),
        )
        await permit.apply(lambda tx: password_policies.put(tx, policy))
        return {}

    async def get_account_password_policy(
        self, caller: Caller, request: object
    ) -> iam.GetAccountPasswordPolicyResponse:
        """The account's policy. Raises `NoSuchEntity` where the server's rule holds."""
        granted = await own_password(self._store, caller)
        await self._authorizer.require(caller, "iam:GetAccountPasswordPolicy", granted=granted)
        account_id = caller.principal.account_id
        policy = await self._store.read(lambda tx: password_policies.get(tx, account_id))
        if policy is None:
            raise _none(account_id)
        shape: iam.PasswordPolicy = {
            "MinimumPasswordLength": policy.least_length,
            "RequireSymbols": policy.symbols,
            "RequireNumbers": policy.numbers,
            "RequireUppercaseCharacters": policy.uppercase,
            "RequireLowercaseCharacters": policy.lowercase,
            "AllowUsersToChangePassword": policy.users_may_change,
            "ExpirePasswords": bool(policy.max_age_days),
            "HardExpiry": policy.hard_expiry,
        }
        if policy.max_age_days:
            shape["MaxPasswordAge"] = policy.max_age_days
        if policy.remembered:
            shape["PasswordReusePrevention"] = policy.remembered
        return {"PasswordPolicy": shape}

    async def delete_account_password_policy(
        self, caller: Caller, request: object
    ) -> iam.DeleteAccountPasswordPolicyResponse:
        """Go back to the server's rule. Raises `NoSuchEntity`."""
        permit = await self._authorizer.require(caller, "iam:DeleteAccountPasswordPolicy")
        account_id = caller.principal.account_id

        async def run(tx: Transaction) -> None:
            if not await password_policies.delete(tx, account_id):
                raise _none(account_id)

        await permit.apply(run)
        return {}


def _none(account_id: str) -> NoSuchEntity:
    return NoSuchEntity(f"The Password Policy with domain name {account_id} cannot be found.")
