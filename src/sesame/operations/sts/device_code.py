"""Codes of devices (MFA) that come with a call of STS: whose they are, and that each works once.

Wrong ones are counted with those of the console: codes are guessed at in one place as at the other.
Source: STS API reference, `SerialNumber` and `TokenCode`; the texts are STS's.
"""

from collections.abc import Mapping
from typing import Any

from sesame.access.guesses import Guesses
from sesame.access.passwords import step_of
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, ValidationError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.store.iam import login_profiles
from sesame.store.sealed import Sealer

_WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
_NO_DEVICE = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid"
    " and associated with this user."
)


class DeviceCodes:
    """Checks codes of callers' own devices, and uses them up."""

    def __init__(self, store: Store, sealer: Sealer, guesses: Guesses, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._guesses = guesses
        self._clock = clock

    async def shown(self, caller: Caller, request: Mapping[str, Any]) -> tuple[str, int] | None:
        """The device and time step of the code that a request shows; None when it shows none. It is not used up yet.

        Raises `AccessDenied` for a wrong code, a used one, too many wrong ones and another's device.
        """
        if "SerialNumber" not in request and "TokenCode" not in request:
            return None
        if "SerialNumber" not in request or "TokenCode" not in request:
            raise ValidationError("SerialNumber and TokenCode must be provided together.")
        serial, names = request["SerialNumber"], [f"user:{caller.principal.user_id}"]
        device = await self._store.read(lambda tx: login_profiles.device(tx, serial))
        if device is None or device.user_id != caller.principal.user_id:
            raise AccessDenied(_NO_DEVICE)
        if self._guesses.wait_s(names):
            raise AccessDenied(_WRONG_CODE)
        self._guesses.note(names)
        seed = self._sealer.open(device.sealed_seed, row=f"mfa:{device.serial}")
        step = step_of(seed, request["TokenCode"], now=self._clock.now())
        if step is None or step <= device.last_step:
            raise AccessDenied(_WRONG_CODE)
        self._guesses.forgive(names)
        return device.serial, step


async def use_up(tx: Transaction, shown: tuple[str, int] | None) -> None:
    """Use a code that was shown, once. Raises `AccessDenied` when it was used meanwhile."""
    if shown is not None and not await login_profiles.use_step(tx, *shown):
        raise AccessDenied(_WRONG_CODE)
