"""IAM users' devices for codes (TOTP). Source: IAM API reference; botocore's model for codes and status."""

import base64
from collections.abc import Callable
from io import BytesIO
from urllib.parse import quote

import segno

from sesame.access.changes import Permit
from sesame.access.passwords import STEP_S, totp
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    IamLimitExceeded,
    InvalidAuthenticationCode,
    NoSuchEntity,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.iam.checks import (
    page_from,
    page_of,
    permitted_user,
    still_there,
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


class MfaDeviceOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        sealer: Sealer,
        *,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._sealer = sealer
        self._clock = clock
        self._random_bytes = random_bytes

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateVirtualMFADevice": self.create_virtual_mfa_device,
            "DeleteVirtualMFADevice": self.delete_virtual_mfa_device,
            "EnableMFADevice": self.enable_mfa_device,
            "DeactivateMFADevice": self.deactivate_mfa_device,
            "ResyncMFADevice": self.resync_mfa_device,
            "GetMFADevice": self.get_mfa_device,
            "ListMFADevices": self.list_mfa_devices,
            "ListVirtualMFADevices": self.list_virtual_mfa_devices,
        }

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
            await still_there(tx, user)
            device = await own_device(tx, caller, request["SerialNumber"])
            if device.user_id is not None:
                raise EntityAlreadyExists(f"MFADevice {device.serial} is already enabled.")
            if len(await login_profiles.devices_of(tx, user.user_id)) >= MOST_DEVICES:
                raise IamLimitExceeded(f"Cannot exceed quota for MFADevicesPerUser: {MOST_DEVICES}")
            codes = request["AuthenticationCode1"], request["AuthenticationCode2"]
            step = self._step(device, codes, now=now)
            await login_profiles.enable_device(tx, device, user.user_id, at=float(int(now)), step=step)

        await permit.apply(run)
        return {}

    async def resync_mfa_device(
        self, caller: Caller, request: iam.ResyncMFADeviceRequest
    ) -> iam.ResyncMFADeviceResponse:
        """Take two codes in a row of a user's device; none up to the second works any more.

        A device whose clock is wrong stays so: codes are those of the present time, there is nothing to shift.
        """
        user, permit = await self._user(caller, "ResyncMFADevice", request["UserName"])
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            device = await _device_of(tx, caller, user, request["SerialNumber"])
            codes = request["AuthenticationCode1"], request["AuthenticationCode2"]
            step = self._step(device, codes, now=now)
            if not await login_profiles.use_step(tx, device.serial, step):
                raise _not_valid(device)

        await permit.apply(run)
        return {}

    async def get_mfa_device(
        self, caller: Caller, request: iam.GetMFADeviceRequest
    ) -> iam.GetMFADeviceResponse:
        """A user's device. Raises `NoSuchEntity` where the user has no such device."""
        user, _ = await self._user(caller, "GetMFADevice", request.get("UserName"))
        serial = request["SerialNumber"]
        device = await self._store.read(lambda tx: _device_of(tx, caller, user, serial))
        return {
            "UserName": user.user_name,
            "SerialNumber": device.serial,
            "EnableDate": device.enabled_at or 0.0,
        }

    async def deactivate_mfa_device(
        self, caller: Caller, request: iam.DeactivateMFADeviceRequest
    ) -> iam.DeactivateMFADeviceResponse:
        """Ask a user for no code of this device any more."""
        user, permit = await self._user(caller, "DeactivateMFADevice", request.get("UserName"))

        async def run(tx: Transaction) -> None:
            device = await _device_of(tx, caller, user, request["SerialNumber"])
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

    def _step(self, device: login_profiles.MfaDevice, codes: tuple[str, str], *, now: float) -> int:
        """The time step of the second of two codes in a row. Raises `InvalidAuthenticationCode`."""
        seed = self._sealer.open(device.sealed_seed, row=f"mfa:{device.serial}")
        step = _second_step(seed, codes, now=now)
        if step is None:
            raise _not_valid(device)
        return step

    async def _user(self, caller: Caller, action: str, name: str | None) -> tuple[users.User, Permit]:
        return await permitted_user(
            self._store, self._authorizer, caller, action=action, name=user_asked_for(caller, name)
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


async def own_device(tx: Transaction, caller: Caller, serial: str) -> login_profiles.MfaDevice:
    """A device of the caller's account. Raises `NoSuchEntity`."""
    device = await login_profiles.device(tx, serial)
    if device is None or device.account_id != caller.principal.account_id:
        raise NoSuchEntity(f"VirtualMFADevice with serial number {serial} does not exist.")
    return device


async def _device_of(
    tx: Transaction, caller: Caller, user: users.User, serial: str
) -> login_profiles.MfaDevice:
    device = await own_device(tx, caller, serial)
    if device.user_id != user.user_id:
        raise NoSuchEntity(f"MFA Device invalid for user: {user.user_name} has no device {device.serial}.")
    return device


def _not_valid(device: login_profiles.MfaDevice) -> InvalidAuthenticationCode:
    return InvalidAuthenticationCode(f"Authentication code for device is not valid: {device.serial}")
