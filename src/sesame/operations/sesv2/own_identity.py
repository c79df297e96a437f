"""The identity that a call of SES v2 names in its path: one of the caller's own."""

from sesame.access.changes import Permit
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.model import Caller


async def permitted_identity(
    authorizer: Authorizer, caller: Caller, action: str, identity: str
) -> tuple[str, Permit]:
    """The identity's name as stored, and what lets the caller do this to it. Raises `AccessDenied`."""
    name = normal_name(identity)
    arn = identity_arn(caller.region, caller.principal.account_id, name)
    return name, await authorizer.require(caller, action, arn)
