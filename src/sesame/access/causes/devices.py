"""The MFA devices of a user who was refused for want of a second factor: which one to name, or how to make one.

INVARIANT (I9): read by the user's own account and the operator; an owner reads nothing of devices.
"""

from dataclasses import replace
from typing import Any

from sesame.policy.reasons.cause import Cause
from sesame.policy.reasons.itself import WITH_CODE
from sesame.policy.reasons.second_factor import BY_CODE
from sesame.store.decisions import DecisionRecord

_NAMED = f"get-session-token{WITH_CODE}`"


def with_devices(
    cause: Cause, principal: str, devices: tuple[str, ...] | None, record: DecisionRecord
) -> Cause:
    """A cause whose mend names the user's own device; `devices` are their ARNs, None of who is no user."""
    if devices is None or _NAMED not in cause.mend.text:
        return cause
    name = principal.rpartition("/")[2]
    serial = devices[0] if devices else f"arn:aws:iam::{record.account_id}:mfa/{name}"
    others = "".join(f" (or that of `{one}`)" for one in devices[1:2])
    instead = {_NAMED: _NAMED.replace("SERIAL", serial) + others}
    if not devices:
        instead[BY_CODE] = f"{_to_make(name, serial, record.account_id)}; then {BY_CODE}"
    mend = replace(
        cause.mend, text=_filled(cause.mend.text, instead), details=_filled(dict(cause.mend.details), instead)
    )
    return replace(cause, mend=mend)


def _to_make(name: str, serial: str, account_id: str) -> str:
    return (
        f"`{name}` has no MFA device: whoever may in account {account_id} makes one, `aws iam create-virtual-mfa-device"
        f" --virtual-mfa-device-name {name} --bootstrap-method Base32StringSeed --outfile SEED`, and enables it with"
        f" two codes in a row, `aws iam enable-mfa-device --user-name {name} --serial-number {serial}"
        " --authentication-code1 CODE --authentication-code2 CODE`"
    )


def _filled(value: Any, instead: dict[str, str]) -> Any:
    """The texts of a value with others in the place of parts of them."""
    if isinstance(value, str):
        for old, new in instead.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {key: _filled(one, instead) for key, one in value.items()}
    return [_filled(one, instead) for one in value] if isinstance(value, (list, tuple)) else value
