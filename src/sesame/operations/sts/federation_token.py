"""STS GetFederationToken: temporary credentials of a federated user, opened by a user or a root.

A federated user may do what its user may do now, within the policies that it was opened under: without any of those
nothing, but what an identity policy gives it by its very ARN. What such credentials may not call is `access.sessions`'.
Nothing is stored. Sources: STS API reference, GetFederationToken; IAM user guide, "Permissions for
GetFederationToken", "Controlling permissions for temporary security credentials", "Passing session tags".
"""

from collections.abc import Callable

from sesame.access.permission import Authorizer
from sesame.access.principals import federated_principal
from sesame.access.sessions import Sessions
from sesame.aws.shapes import sts
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.model import Caller, Principal, PrincipalKind, Session
from sesame.observe import Clock
from sesame.operations.principal_tags import check_tags
from sesame.operations.sts.credentials import credentials
from sesame.operations.sts.session_limits import packed_percent, policy_arns, session_policies, token_use
from sesame.operations.table import Handlers

DEFAULT_S = 43_200
MAX_OF_ROOT_S = 3600
"""What a root opens lasts an hour, whatever is asked for."""


class FederationTokenOperations:
    """The operation; `random_name` makes upper-case ids, `random_secret` secret access keys."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        sessions: Sessions,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._sessions = sessions
        self._clock = clock
        self._random_name = random_name
        self._random_secret = random_secret

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"GetFederationToken": self.get_federation_token}

    async def get_federation_token(
        self, caller: Caller, request: sts.GetFederationTokenRequest
    ) -> sts.GetFederationTokenResponse:
        """Open a session of a federated user, for who may by its own policies; with tags only who may tag sessions."""
        if caller.principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
            raise AccessDenied("GetFederationToken is for users and the root of an account.")
        federated = federated_principal(caller.principal, request["Name"])
        tags = {tag["Key"]: tag["Value"] for tag in check_tags(request.get("Tags", []))}
        permit = await self._authorizer.require_creation(
            caller, "sts:GetFederationToken", federated.arn, tagging="sts:TagSession", tags=tags
        )
        arns = await policy_arns(self._store, federated.account_id, request.get("PolicyArns", []))
        now = self._clock.now()
        session = Session(
            access_key_id=f"ASIA{self._random_name(16)}",
            secret_access_key=self._random_secret(),
            account_id=federated.account_id,
            role_id="",
            name=request["Name"],
            issued_at=now,
            expires_at=float(int(now) + _seconds(caller, request)),
            policies=session_policies(request),
            policy_arns=arns,
            tags=tuple(tags.items()),
            user_id=caller.principal.user_id,
        )
        packed = packed_percent(session)
        response = {"federatedUserId": federated.user_id, "accessKeyId": session.access_key_id}
        await permit.apply(_write_nothing, response=lambda _: response)
        return self._answer(federated, session, packed, at_least=request.get("MinimumSessionTokenSize", 0))

    def _answer(
        self, federated: Principal, session: Session, packed: int, *, at_least: int
    ) -> sts.GetFederationTokenResponse:
        token = self._sessions.issue(session, at_least=at_least)
        size, utilization = token_use(token)
        response: sts.GetFederationTokenResponse = {
            "Credentials": credentials(session, token),
            "FederatedUser": {"FederatedUserId": federated.user_id, "Arn": federated.arn},
            "SessionTokenSize": size,
            "SessionTokenUtilization": utilization,
        }
        if packed:
            response["PackedPolicySize"] = packed
        return response


async def _write_nothing(_: Transaction) -> None:
    """What is kept of it is the audit row."""


def _seconds(caller: Caller, request: sts.GetFederationTokenRequest) -> int:
    seconds = request.get("DurationSeconds", DEFAULT_S)
    return min(seconds, MAX_OF_ROOT_S) if caller.principal.kind is PrincipalKind.ROOT else seconds
