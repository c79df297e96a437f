"""IAM users' passwords for the console. Source: IAM API reference; botocore's model for codes and status."""

from dataclasses import replace

from sesame.access.changes import Permit
from sesame.access.guesses import Guesses
from sesame.access.password_rules import NewPassword, PasswordRules
from sesame.access.passwords import Passwords
from sesame.access.permission import Authorizer, Granted
from sesame.aws.errors import (
    EntityAlreadyExists,
    InvalidInput,
    InvalidUserType,
    NoSuchEntity,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, Throttling
from sesame.model import Caller, PrincipalKind
from sesame.observe import Clock
from sesame.operations.iam.checks import permitted_user, still_there, user_asked_for
from sesame.operations.iam.password_policy import own_password
from sesame.operations.table import Handlers
from sesame.store.iam import login_profiles, users


class LoginProfileOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        passwords: Passwords,
        guesses: Guesses,
        *,
        clock: Clock,
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._passwords = passwords
        self._rules = PasswordRules(store, passwords)
        self._guesses = guesses
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateLoginProfile": self.create_login_profile,
            "GetLoginProfile": self.get_login_profile,
            "UpdateLoginProfile": self.update_login_profile,
            "DeleteLoginProfile": self.delete_login_profile,
            "ChangePassword": self.change_password,
        }

    async def create_login_profile(
        self, caller: Caller, request: iam.CreateLoginProfileRequest
    ) -> iam.CreateLoginProfileResponse:
        """Give a user a password for the console."""
        user, permit = await self._user(caller, "CreateLoginProfile", request.get("UserName"))
        password = request.get("Password")
        if password is None:
            raise InvalidInput("Password is required.")
        new = await self._new_password(user, password)
        now = float(int(self._clock.now()))
        profile = login_profiles.LoginProfile(
            account_id=user.account_id,
            user_id=user.user_id,
            password=new.hashed,
            reset_required=request.get("PasswordResetRequired", False),
            created_at=now,
            set_at=now,
        )

        async def run(tx: Transaction) -> None:
            await still_there(tx, user)
            if await login_profiles.get(tx, user.user_id) is not None:
                raise EntityAlreadyExists(f"Login Profile for user {user.user_name} already exists.")
            await login_profiles.put(tx, profile)

        await permit.apply(run)
        return {"LoginProfile": _as_shape(user, profile)}

    async def get_login_profile(
        self, caller: Caller, request: iam.GetLoginProfileRequest
    ) -> iam.GetLoginProfileResponse:
        """Whether a user has a password, and since when."""
        user, _ = await self._user(caller, "GetLoginProfile", request.get("UserName"))
        profile = await self._store.read(lambda tx: login_profiles.get(tx, user.user_id))
        if profile is None:
            raise _no_profile(user)
        return {"LoginProfile": _as_shape(user, profile)}

    async def update_login_profile(
        self, caller: Caller, request: iam.UpdateLoginProfileRequest
    ) -> iam.UpdateLoginProfileResponse:
        """Change a user's password, or whether the user must; the user's log-ins end."""
        user, permit = await self._user(caller, "UpdateLoginProfile", request["UserName"])
        password = request.get("Password")
        new = None if password is None else await self._new_password(user, password)
        reset_required = request.get("PasswordResetRequired")

        async def run(tx: Transaction) -> None:
            profile = await login_profiles.get(tx, user.user_id)
            if profile is None:
                raise _no_profile(user)
            if reset_required is not None:
                profile = replace(profile, reset_required=reset_required)
            if new is None:
                await login_profiles.put(tx, profile)
            else:
                await login_profiles.put(tx, self._with(profile, new), remembered=new.remembered)

        await permit.apply(run)
        return {}

    async def delete_login_profile(
        self, caller: Caller, request: iam.DeleteLoginProfileRequest
    ) -> iam.DeleteLoginProfileResponse:
        """Take a user's password away; the user's log-ins end."""
        user, permit = await self._user(caller, "DeleteLoginProfile", request.get("UserName"))

        async def run(tx: Transaction) -> None:
            if not await login_profiles.delete(tx, user.account_id, user.user_id):
                raise _no_profile(user)

        await permit.apply(run)
        return {}

    async def change_password(
        self, caller: Caller, request: iam.ChangePasswordRequest
    ) -> iam.ChangePasswordResponse:
        """Let a user change its own password; guesses of the old one count as those of a log-in do."""
        if caller.principal.kind is not PrincipalKind.USER:
            raise InvalidUserType("Only IAM users can change their own password.")
        granted = await own_password(self._store, caller)
        user, permit = await self._user(caller, "ChangePassword", None, granted=granted)
        guess = (f"user:{user.user_id}",)
        if self._guesses.wait_s(guess) > 0:
            raise Throttling("Rate exceeded")
        self._guesses.note(guess)
        profile = await self._store.read(lambda tx: login_profiles.get(tx, user.user_id))
        if not await self._passwords.is_right(
            request["OldPassword"], None if profile is None else profile.password
        ):
            raise AccessDenied("The old password was incorrect.")
        assert profile is not None, "a password that is not there is never right"
        self._guesses.forgive(guess)
        new = await self._new_password(user, request["NewPassword"])
        before = profile

        async def run(tx: Transaction) -> None:
            if await login_profiles.get(tx, user.user_id) != before:
                raise _no_profile(user)
            changed = replace(self._with(before, new), reset_required=False)
            await login_profiles.put(tx, changed, remembered=new.remembered)

        await permit.apply(run)
        return {}

    async def _user(
        self, caller: Caller, action: str, name: str | None, *, granted: Granted | None = None
    ) -> tuple[users.User, Permit]:
        return await permitted_user(
            self._store,
            self._authorizer,
            caller,
            action=action,
            name=user_asked_for(caller, name),
            granted=granted,
        )

    def _with(self, profile: login_profiles.LoginProfile, new: NewPassword) -> login_profiles.LoginProfile:
        return replace(profile, password=new.hashed, set_at=self._clock.now())

    async def _new_password(self, user: users.User, password: str) -> NewPassword:
        return await self._rules.new(user.account_id, user.user_id, password)


def _no_profile(user: users.User) -> NoSuchEntity:
    return NoSuchEntity(f"Login Profile for User {user.user_name} cannot be found.")


def _as_shape(user: users.User, profile: login_profiles.LoginProfile) -> iam.LoginProfile:
    return {
        "UserName": user.user_name,
        "CreateDate": profile.created_at,
        "PasswordResetRequired": profile.reset_required,
    }
