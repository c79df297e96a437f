"""STS GetCallerIdentity: who am I. It needs no permission. Source: STS API reference."""

from sesame.aws.shapes import sts
from sesame.model import Caller
from sesame.operations.table import Handlers


class CallerIdentityOperations:
    """The operations."""

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"GetCallerIdentity": self.get_caller_identity}

    async def get_caller_identity(
        self, caller: Caller, request: sts.GetCallerIdentityRequest
    ) -> sts.GetCallerIdentityResponse:
        """Account, unique id and ARN of the caller."""
        principal = caller.principal
        return {"UserId": principal.user_id, "Account": principal.account_id, "Arn": principal.arn}
