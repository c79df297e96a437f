"""STS GetCallerIdentity: who am I. It needs no permission. Source: STS API reference."""

from sesame.aws.shapes import sts
from sesame.model import Caller


async def get_caller_identity(
    caller: Caller, request: sts.GetCallerIdentityRequest
) -> sts.GetCallerIdentityResponse:
    """Account, unique id and ARN of the caller."""
    principal = caller.principal
    return {"UserId": principal.user_id, "Account": principal.account_id, "Arn": principal.arn}
