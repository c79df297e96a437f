"""IAM GetAccessKeyLastUsed: when, where and for what a key was last used.

Source: IAM API reference. IAM tells `N/A` of a key that was never used;
of one that was used by the API it is not known for which service.
"""

import math

from sesame.access.permission import Authorizer
from sesame.aws.errors import NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.table import Handlers
from sesame.store import key_use
from sesame.store.iam import users

NOT_USED = "N/A"


class AccessKeyUseOperations:
    """The operation; it checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"GetAccessKeyLastUsed": self.get_access_key_last_used}

    async def get_access_key_last_used(
        self, caller: Caller, request: iam.GetAccessKeyLastUsedRequest
    ) -> iam.GetAccessKeyLastUsedResponse:
        """Of a key of the caller's account; one of another is not there (I9)."""
        account_id, access_key_id = caller.principal.account_id, request["AccessKeyId"]

        async def find(tx: Transaction) -> tuple[users.AccessKey | None, users.User | None]:
            key = await users.get_key(tx, access_key_id)
            if key is None or key.account_id != account_id:
                return None, None
            return key, await users.get_user_by_id(tx, key.user_id)

        key, user = await self._store.read(find)
        root = f"arn:aws:iam::{account_id}:root"
        await self._authorizer.require(caller, "iam:GetAccessKeyLastUsed", root if user is None else user.arn)
        if key is None:
            raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")
        use = (await self._store.read(lambda tx: key_use.of_keys(tx, [access_key_id]))).get(access_key_id)
        last_used: iam.AccessKeyLastUsed = {"ServiceName": NOT_USED, "Region": NOT_USED}
        if use is not None:
            last_used = {
                "LastUsedDate": math.floor(use.used_at),
                "ServiceName": "ses" if use.door == "SMTP" else NOT_USED,
                "Region": use.region,
            }
        return {"UserName": "root" if user is None else user.user_name, "AccessKeyLastUsed": last_used}
