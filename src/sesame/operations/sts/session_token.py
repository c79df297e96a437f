"""STS GetSessionToken: temporary credentials of a user or a root, which may show a code of a device beside.

They are what their user is, with its policies and permissions boundary of the moment; what they may not call is
`access.sessions`'. Nothing is stored but that a code has been used. Source: STS API reference, GetSessionToken; IAM
user guide, "Compare AWS STS credentials", "Secure API access with MFA".
"""

from collections.abc import Callable

from sesame.access.permission import Authorizer
from sesame.access.sessions import Sessions
from sesame.aws.shapes import sts
from sesame.errors import AccessDenied
from sesame.model import Caller, PrincipalKind, Session
from sesame.observe import Clock
from sesame.operations.sts.credentials import credentials
from sesame.operations.sts.device_code import DeviceCodes, use_up
from sesame.operations.table import Handlers

DEFAULT_S = 43_200
MAX_OF_ROOT_S = 3600
"""A root's credentials last an hour, whatever is asked for."""


class SessionTokenOperations:
    """The operation; `random_name` makes upper-case ids, `random_secret` secret access keys."""

    def __init__(
        self,
        authorizer: Authorizer,
        sessions: Sessions,
        codes: DeviceCodes,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
    ) -> None:
        self._authorizer = authorizer
        self._sessions = sessions
        self._codes = codes
        self._clock = clock
        self._random_name = random_name
        self._random_secret = random_secret

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"GetSessionToken": self.get_session_token}

    async def get_session_token(
        self, caller: Caller, request: sts.GetSessionTokenRequest
    ) -> sts.GetSessionTokenResponse:
        """Temporary credentials of the caller; no policy is asked, as at AWS."""
        if caller.principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
            raise AccessDenied("GetSessionToken is for users and the root of an account.")
        permit = await self._authorizer.as_itself(caller, "sts:GetSessionToken")
        is_root = caller.principal.kind is PrincipalKind.ROOT
        seconds = request.get("DurationSeconds", DEFAULT_S)
        now = self._clock.now()
        shown = await self._codes.shown(caller, request)
        session = Session(
            access_key_id=f"ASIA{self._random_name(16)}",
            secret_access_key=self._random_secret(),
            account_id=caller.principal.account_id,
            role_id="",
            name="",
            issued_at=now,
            expires_at=float(int(now) + (min(seconds, MAX_OF_ROOT_S) if is_root else seconds)),
            user_id=caller.principal.user_id,
            mfa_at=None if shown is None else now,
        )
        response = {"accessKeyId": session.access_key_id}
        await permit.apply(lambda tx: use_up(tx, shown), response=lambda _: response)
        return {"Credentials": credentials(session, self._sessions.issue(session))}
