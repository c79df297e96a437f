"""The identities that an SMTP log-in stands in for, for programs that can write no X-SES fields.

A binding names an identity where a message names none, and grants nothing. Authorised by the caller's IAM policies on
the user whose key it is (`sesame:PutSmtpBinding`).
"""

from collections.abc import Sequence

from sesame.access.identity_names import parse_identity_arn
from sesame.access.permission import Authorizer
from sesame.aws.shapes import sesame
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, ServiceError
from sesame.model import Caller, PrincipalKind
from sesame.operations.table import Handlers
from sesame.store.iam import users

MOST_ARNS = 10
"""What the model of `PutSmtpBinding` allows."""


def check_bindable(arns: Sequence[str]) -> None:
    """Raise `InvalidParameterValue` for what a log-in cannot be bound to, so that nothing is begun with it."""
    if len(arns) > MOST_ARNS:
        raise InvalidParameterValue(f"An SMTP log-in can be bound to at most {MOST_ARNS} identities.")
    for arn in arns:
        parse_identity_arn(arn)


class AccessKeyDoesNotExist(ServiceError):
    """The user has no such key, or the account no such user."""

    code, http_status = "AccessKeyDoesNotExist", 404


class SmtpBindingOperations:
    """The operation; it checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"PutSmtpBinding": self.put_smtp_binding}

    async def put_smtp_binding(
        self, caller: Caller, request: sesame.PutSmtpBindingRequest
    ) -> sesame.PutSmtpBindingResponse:
        """From the next log-in on."""
        account_id, name = caller.principal.account_id, request.get("UserName")
        user_id, arn = caller.principal.user_id, caller.principal.arn
        if name is not None or caller.principal.kind not in (PrincipalKind.ROOT, PrincipalKind.USER):
            named = name or ""
            user = await self._store.read(lambda tx: users.get_user(tx, account_id, named))
            arn = f"arn:aws:iam::{account_id}:user/{named}" if user is None else user.arn
            user_id = "" if user is None else user.user_id
        permit = await self._authorizer.require(caller, "sesame:PutSmtpBinding", arn)
        arns = request["IdentityArns"]
        check_bindable(arns)

        async def run(tx: Transaction) -> None:
            key = await users.get_key(tx, request["AccessKeyId"])
            if key is None or key.account_id != account_id or key.user_id != user_id:
                raise AccessKeyDoesNotExist(f"There is no access key {request['AccessKeyId']}.")
            await users.bind_smtp(tx, key.access_key_id, arns)

        await permit.apply(run)
        return {}
