"""STS GetSessionToken: temporary credentials of a user or a root, which may show a code of a device beside.

They are what their user is, with its policies and permissions boundary of the moment; what they may not call is
`access.sessions`'. Nothing is stored but that a code has been used. Source: STS API reference, GetSessionToken; IAM
user guide, "Compare AWS STS credentials", "Secure API access with MFA".
"""

from collections.abc import Callable

from sesame.access.authorize import Authorizer
from sesame.access.guesses import Guesses
from sesame.access.passwords import step_of
from sesame.access.sessions import Sessions
from sesame.aws.shapes import sts
from sesame.db import Transaction
from sesame.errors import AccessDenied, ValidationError
from sesame.model import Caller, PrincipalKind, Session
from sesame.observe import Clock
from sesame.operations.table import Handlers
from sesame.store.iam import login_profiles
from sesame.store.sealed import Sealer

DEFAULT_S = 43_200
MAX_OF_ROOT_S = 3600
"""A root's credentials last an hour, whatever is asked for."""

_WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
_NO_DEVICE = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid"
    " and associated with this user."
)


class SessionTokenOperations:
    """The operation; `random_name` makes upper-case ids, `random_secret` secret access keys.

    `guesses` are those of the console: codes are guessed at in one place as at the other.
    """

    def __init__(
        self,
        authorizer: Authorizer,
        sessions: Sessions,
        sealer: Sealer,
        guesses: Guesses,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
    ) -> None:
        self._authorizer = authorizer
        self._sessions = sessions
        self._sealer = sealer
        self._guesses = guesses
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
        permit = await self._authorizer.as_itself(caller, "sts:GetSessionToken")
        is_root = caller.principal.kind is PrincipalKind.ROOT
        seconds = request.get("DurationSeconds", DEFAULT_S)
        now = self._clock.now()
        has_code = "SerialNumber" in request or "TokenCode" in request
        if has_code and not ("SerialNumber" in request and "TokenCode" in request):
            raise ValidationError("SerialNumber and TokenCode must be provided together.")
        session = Session(
            access_key_id=f"ASIA{self._random_name(16)}",
            secret_access_key=self._random_secret(),
            account_id=caller.principal.account_id,
            role_id="",
            name="",
            issued_at=now,
            expires_at=float(int(now) + (min(seconds, MAX_OF_ROOT_S) if is_root else seconds)),
            user_id=caller.principal.user_id,
            mfa_at=now if has_code else None,
        )
        names = [f"user:{caller.principal.user_id}"]
        if has_code and self._guesses.wait_s(names):
            raise AccessDenied(_WRONG_CODE)

        async def run(tx: Transaction) -> None:
            if has_code:
                await self._use_code(tx, caller, request, now)

        if has_code:
            self._guesses.note(names)
        response = {"accessKeyId": session.access_key_id}
        await permit.apply(run, response=lambda _: response)
        if has_code:
            self._guesses.forgive(names)
        return {
            "Credentials": {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret_access_key,
                "SessionToken": self._sessions.issue(session),
                "Expiration": session.expires_at,
            }
        }

    async def _use_code(
        self, tx: Transaction, caller: Caller, request: sts.GetSessionTokenRequest, now: float
    ) -> None:
        """Use a code up, which works once. Raises `AccessDenied` for a device that is not the caller's."""
        device = await login_profiles.device(tx, request["SerialNumber"])
        if device is None or device.user_id != caller.principal.user_id:
            raise AccessDenied(_NO_DEVICE)
        seed = self._sealer.open(device.sealed_seed, row=f"mfa:{device.serial}")
        step = step_of(seed, request["TokenCode"], now=now)
        if step is None or not await login_profiles.use_step(tx, device.serial, step):
            raise AccessDenied(_WRONG_CODE)
