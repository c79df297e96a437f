"""IAM users' passwords for the console, and their devices for codes.

Source: IAM API reference; the default password policy of the IAM user guide; botocore's model for codes and status.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from urllib.parse import quote

import segno

from sesame.access.authorize import Authorizer
from sesame.access.changes import Permit
from sesame.access.guesses import Guesses
from sesame.access.passwords import STEP_S, Passwords, totp
from sesame.aws import paging
from sesame.aws.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    IamLimitExceeded,
    InvalidAuthenticationCode,
    InvalidInput,
    InvalidUserType,
    NoSuchEntity,
    PasswordPolicyViolation,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, Throttling, ValidationError
from sesame.model import Caller, PrincipalKind
from sesame.observe import Clock
from sesame.operations.iam.checks import (
    page_from,
    page_of,
    permitted_user,
    tags_by_key,
    user_asked_for,
    user_shape,
)
from sesame.operations.principal_tags import check_tags
from sesame.operations.resource_tags import listed_tags
from sesame.operations.table import Handlers
from sesame.store import tags
from sesame.store.iam import login_profiles, users
from sesame.store.sealed import Sealer

SEED_BYTES = 40
"""Of a device's secret: 64 characters of base32, as AWS gives."""
MOST_DEVICES = 8
MAX_DEVICE_NAME = 226
LEAST_LENGTH, LEAST_KINDS = 8, 3


class LoginProfileOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        sealer: Sealer,
        passwords: Passwords,
        guesses: Guesses,
        *,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._sealer = sealer
        self._passwords = passwords
        self._guesses = guesses
        self._clock = clock
        self._random_bytes = random_bytes

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateLoginProfile": self.create_login_profile,
            "GetLoginProfile": self.get_login_profile,
            "UpdateLoginProfile": self.update_login_profile,
            "DeleteLoginProfile": self.delete_login_profile,
            "ChangePassword": self.change_password,
            "CreateVirtualMFADevice": self.create_virtual_mfa_device,
            "DeleteVirtualMFADevice": self.delete_virtual_mfa_device,
            "EnableMFADevice": self.enable_mfa_device,
            "DeactivateMFADevice": self.deactivate_mfa_device,
            "ListMFADevices": self.list_mfa_devices,
            "ListVirtualMFADevices": self.list_virtual_mfa_devices,
        }

    async def create_login_profile(
        self, caller: Caller, request: iam.CreateLoginProfileRequest
    ) -> iam.CreateLoginProfileResponse:
        """Give a user a password for the console."""
        user, permit = await self._user(caller, "CreateLoginProfile", request.get("UserName"))
        password = request.get("Password")
        if password is None:
            raise InvalidInput("Password is required.")
        profile = login_profiles.LoginProfile(
            account_id=user.account_id,
            user_id=user.user_id,
            password=await self._hash(password),
            reset_required=request.get("PasswordResetRequired", False),
            created_at=float(int(self._clock.now())),
        )

        async def run(tx: Transaction) -> None:
            await _still_there(tx, user)
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
        hashed = None if password is None else await self._hash(password)
        reset_required = request.get("PasswordResetRequired")

        async def run(tx: Transaction) -> None:
            profile = await login_profiles.get(tx, user.user_id)
            if profile is None:
                raise _no_profile(user)
            changed = replace(
                profile,
                password=hashed or profile.password,
                reset_required=profile.reset_required if reset_required is None else reset_required,
            )
            await login_profiles.put(tx, changed)

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
        user, permit = await self._user(caller, "ChangePassword", None)
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
        hashed = await self._hash(request["NewPassword"])
        before = profile

        async def run(tx: Transaction) -> None:
            if await login_profiles.get(tx, user.user_id) != before:
                raise _no_profile(user)
            await login_profiles.put(tx, replace(before, password=hashed, reset_required=False))

        await permit.apply(run)
        return {}

    async def create_virtual_mfa_device(
        self, caller: Caller, request: iam.CreateVirtualMFADeviceRequest
    ) -> iam.CreateVirtualMFADeviceResponse:
        """Make a device; its seed is shown only this once."""
        account_id = caller.principal.account_id
        name = request["VirtualMFADeviceName"]
        if len(name) > MAX_DEVICE_NAME:
            raise ValidationError(
                f"1 validation error detected: Value '{name}' at 'virtualMFADeviceName' failed to satisfy constraint:"
                f" Member must have length less than or equal to {MAX_DEVICE_NAME}"
            )
        serial = f"arn:aws:iam::{account_id}:mfa{request.get('Path', '/')}{name}"
        given = request.get("Tags", [])
        permit = await self._authorizer.require_creation(
            caller, "iam:CreateVirtualMFADevice", serial, tagging="iam:TagMFADevice", tags=tags_by_key(given)
        )
        labels = tags_by_key(check_tags(given))
        seed = self._random_bytes(SEED_BYTES)
        device = login_profiles.MfaDevice(
            serial=serial,
            account_id=account_id,
            sealed_seed=self._sealer.seal(seed, row=f"mfa:{serial}"),
            user_id=None,
            enabled_at=None,
            last_step=0,
            created_at=self._clock.now(),
        )

        async def run(tx: Transaction) -> None:
            if await login_profiles.device(tx, serial) is not None:
                raise EntityAlreadyExists(
                    "MFADevice entity at the same path and name already exists."
                    " Before you can add a new virtual MFA device, delete the existing one."
                )
            await login_profiles.create_device(tx, device)
            await tags.put(tx, serial, labels)

        await permit.apply(run)
        text = base64.b32encode(seed)
        made: iam.VirtualMFADevice = {
            "SerialNumber": serial,
            "Base32StringSeed": text,
            "QRCodePNG": _qr_code(text.decode(), f"{name}@{account_id}"),
        }
        if labels:
            made["Tags"] = listed_tags(labels)
        return {"VirtualMFADevice": made}

    async def delete_virtual_mfa_device(
        self, caller: Caller, request: iam.DeleteVirtualMFADeviceRequest
    ) -> iam.DeleteVirtualMFADeviceResponse:
        """Remove a device that nobody uses."""
        serial = request["SerialNumber"]
        permit = await self._authorizer.require(caller, "iam:DeleteVirtualMFADevice", serial)

        async def run(tx: Transaction) -> None:
            device = await own_device(tx, caller, serial)
            if device.user_id is not None:
                raise DeleteConflict.until("deactivate MFA device")
            await tags.remove_all(tx, device.serial)
            await login_profiles.delete_device(tx, device)

        await permit.apply(run)
        return {}

    async def enable_mfa_device(
        self, caller: Caller, request: iam.EnableMFADeviceRequest
    ) -> iam.EnableMFADeviceResponse:
        """Ask a user for codes of this device from now on; two codes in a row show that the user has it."""
        user, permit = await self._user(caller, "EnableMFADevice", request["UserName"])
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            await _still_there(tx, user)
            device = await own_device(tx, caller, request["SerialNumber"])
            if device.user_id is not None:
                raise EntityAlreadyExists(f"MFADevice {device.serial} is already enabled.")
            if len(await login_profiles.devices_of(tx, user.user_id)) >= MOST_DEVICES:
                raise IamLimitExceeded(f"Cannot exceed quota for MFADevicesPerUser: {MOST_DEVICES}")
            seed = self._sealer.open(device.sealed_seed, row=f"mfa:{device.serial}")
            codes = request["AuthenticationCode1"], request["AuthenticationCode2"]
            step = _second_step(seed, codes, now=now)
            if step is None:
                raise InvalidAuthenticationCode(
                    f"Authentication code for device is not valid: {device.serial}"
                )
            await login_profiles.enable_device(tx, device, user.user_id, at=float(int(now)), step=step)

        await permit.apply(run)
        return {}

    async def deactivate_mfa_device(
        self, caller: Caller, request: iam.DeactivateMFADeviceRequest
    ) -> iam.DeactivateMFADeviceResponse:
        """Ask a user for no code of this device any more."""
        user, permit = await self._user(caller, "DeactivateMFADevice", request.get("UserName"))

        async def run(tx: Transaction) -> None:
            device = await own_device(tx, caller, request["SerialNumber"])
            if device.user_id != user.user_id:
                raise NoSuchEntity(
                    f"MFA Device invalid for user: {user.user_name} has no device {device.serial}."
                )
            await login_profiles.disable_device(tx, device)

        await permit.apply(run)
        return {}

    async def list_mfa_devices(
        self, caller: Caller, request: iam.ListMFADevicesRequest
    ) -> iam.ListMFADevicesResponse:
        """A user's devices."""
        user, _ = await self._user(caller, "ListMFADevices", request.get("UserName"))
        devices = await self._store.read(lambda tx: login_profiles.devices_of(tx, user.user_id))
        page, end = page_from(devices, request, lambda device: device.serial)
        return {
            "MFADevices": [
                {
                    "UserName": user.user_name,
                    "SerialNumber": device.serial,
                    "EnableDate": device.enabled_at or 0.0,
                }
                for device in page
            ],
            **end,
        }

    async def list_virtual_mfa_devices(
        self, caller: Caller, request: iam.ListVirtualMFADevicesRequest
    ) -> iam.ListVirtualMFADevicesResponse:
        """The account's devices: all, those in use, or the others."""
        account_id = caller.principal.account_id
        await self._authorizer.require(caller, "iam:ListVirtualMFADevices", f"arn:aws:iam::{account_id}:mfa/")
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
        status = request.get("AssignmentStatus", "Any")

        async def run(tx: Transaction) -> tuple[list[iam.VirtualMFADevice], str | None]:
            found = await login_profiles.devices(tx, account_id, after=after, limit=limit + 1)
            page, marker = paging.cut(found, limit, lambda device: device.serial)
            wanted = [
                device
                for device in page
                if status == "Any" or (status == "Assigned") == (device.user_id is not None)
            ]
            return [await _listed(tx, device) for device in wanted], marker

        devices, marker = await self._store.read(run)
        return {"VirtualMFADevices": devices, **paging.truncation(marker)}

    async def _user(self, caller: Caller, action: str, name: str | None) -> tuple[users.User, Permit]:
        return await permitted_user(
            self._store, self._authorizer, caller, action=action, name=user_asked_for(caller, name)
        )

    async def _hash(self, password: str) -> str:
        check_password(password)
        return await self._passwords.hash(password)


def check_password(password: str) -> None:
    """Hold a new password to the default policy of AWS. Raises `PasswordPolicyViolation`."""
    kinds = (
        any(letter.islower() for letter in password),
        any(letter.isupper() for letter in password),
        any(letter.isdigit() for letter in password),
        any(not letter.isalnum() for letter in password),
    )
    if len(password) < LEAST_LENGTH or sum(kinds) < LEAST_KINDS:
        raise PasswordPolicyViolation(
            f"Password must have at least {LEAST_LENGTH} characters, and of lowercase letters, uppercase letters,"
            f" numbers and symbols at least {LEAST_KINDS} kinds."
        )


def _second_step(seed: bytes, codes: tuple[str, str], *, now: float) -> int | None:
    """The step of the second of two codes in a row, or None when they are not."""
    current = int(now // STEP_S)
    for step in range(current - 2, current + 2):
        if (totp(seed, step), totp(seed, step + 1)) == codes:
            return step + 1
    return None


def _qr_code(seed: str, label: str) -> bytes:
    uri = f"otpauth://totp/Sesame:{quote(label)}?secret={seed}&issuer=Sesame"
    out = BytesIO()
    segno.make(uri, error="m").save(out, kind="png", scale=4)
    return out.getvalue()


async def _listed(tx: Transaction, device: login_profiles.MfaDevice) -> iam.VirtualMFADevice:
    shape: iam.VirtualMFADevice = {"SerialNumber": device.serial}
    if device.user_id is None:
        return shape
    user = await users.get_user_by_id(tx, device.user_id)
    if user is not None:
        shape["User"] = user_shape(user)
    if device.enabled_at is not None:
        shape["EnableDate"] = device.enabled_at
    return shape


async def _still_there(tx: Transaction, user: users.User) -> None:
    if await users.get_user_by_id(tx, user.user_id) is None:
        raise NoSuchEntity.named("user", user.user_name)


async def own_device(tx: Transaction, caller: Caller, serial: str) -> login_profiles.MfaDevice:
    """A device of the caller's account. Raises `NoSuchEntity`."""
    device = await login_profiles.device(tx, serial)
    if device is None or device.account_id != caller.principal.account_id:
        raise NoSuchEntity(f"VirtualMFADevice with serial number {serial} does not exist.")
    return device


def _no_profile(user: users.User) -> NoSuchEntity:
    return NoSuchEntity(f"Login Profile for User {user.user_name} cannot be found.")


def _as_shape(user: users.User, profile: login_profiles.LoginProfile) -> iam.LoginProfile:
    return {
        "UserName": user.user_name,
        "CreateDate": profile.created_at,
        "PasswordResetRequired": profile.reset_required,
    }
