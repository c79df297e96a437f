"""What IAM users log in to the console with: their password (its hash) and their devices for codes (TOTP).

Every change bumps the account's epoch and ends the user's log-ins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import FLAG, Table
from sesame.store.iam import recovery_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProfile:
    """A user's password, set at `set_at`; `password` is its Argon2id hash in PHC form."""

    account_id: str
    user_id: str
    password: str
    reset_required: bool
    created_at: float
    set_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerPassword:
    """A password (its hash) that a user had before; later ones have higher numbers."""

    user_id: str
    number: int
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaDevice:
    """A virtual device; without `user_id` it is not enabled for anybody yet."""

    serial: str
    account_id: str
    sealed_seed: bytes
    user_id: str | None
    enabled_at: float | None
    last_step: int
    created_at: float


_PROFILES = Table("login_profile", LoginProfile, key="user_id", reset_required=FLAG)
_FORMER = Table("former_password", FormerPassword, key="user_id, number")
_DEVICES = Table("mfa_device", MfaDevice, key="serial")


async def get(tx: Transaction, user_id: str) -> LoginProfile | None:
    """A user's password, or None."""
    return await _PROFILES.get(tx, user_id)


async def of_users(tx: Transaction, user_ids: Sequence[str]) -> tuple[dict[str, bool], frozenset[str]]:
    """Which of these users have a password, with whether it must be changed, and which a device that is enabled."""
    if not user_ids:
        return {}, frozenset()
    rows = await tx.all(
        "SELECT 0, user_id, reset_required FROM login_profile WHERE user_id IN (?*)"
        " UNION ALL SELECT 1, user_id, 0 FROM mfa_device WHERE user_id IN (?*)",
        list(user_ids),
        list(user_ids),
    )
    passwords = {str(user): bool(must_change) for kind, user, must_change in rows if kind == 0}
    return passwords, frozenset(str(user) for kind, user, _ in rows if kind == 1)


async def put(tx: Transaction, profile: LoginProfile, *, remembered: int | None = None) -> None:
    """Create or replace a user's password; the user's log-ins end.

    Of former passwords `remembered` are kept; None leaves those that are there, for who changes none.
    """
    if remembered is not None:
        await _remember(tx, profile.user_id, remembered)
    await _PROFILES.put(tx, profile, changed="password, reset_required, set_at")
    await _changed(tx, profile.account_id, profile.user_id)


async def former(tx: Transaction, user_id: str, *, limit: int) -> list[str]:
    """The hashes of a user's last passwords: the present one, and so many before it as are kept."""
    present = await get(tx, user_id)
    if present is None:
        return []
    rest = "WHERE user_id = ? ORDER BY number DESC LIMIT ?"
    return [present.password, *(each.password for each in await _FORMER.all(tx, rest, user_id, limit))]


async def _remember(tx: Transaction, user_id: str, limit: int) -> None:
    """Keep the present password as a former one, of which there are `limit` at the most."""
    present = await get(tx, user_id)
    if present is None:
        return
    last = await _FORMER.one(tx, "WHERE user_id = ? ORDER BY number DESC LIMIT 1", user_id)
    number = 1 if last is None else last.number + 1
    await _FORMER.create(tx, FormerPassword(user_id=user_id, number=number, password=present.password))
    await tx.execute("DELETE FROM former_password WHERE user_id = ? AND number <= ?", user_id, number - limit)


async def delete(tx: Transaction, account_id: str, user_id: str) -> bool:
    """Remove a user's password and what is kept of those before; whether there was one."""
    await tx.execute("DELETE FROM former_password WHERE user_id = ?", user_id)
    was_there = await _PROFILES.delete(tx, user_id)
    await _changed(tx, account_id, user_id)
    return was_there


async def device(tx: Transaction, serial: str) -> MfaDevice | None:
    """The device of that serial number (its ARN), or None."""
    return await _DEVICES.get(tx, serial)


async def devices_of(tx: Transaction, user_id: str) -> list[MfaDevice]:
    """A user's devices by serial number."""
    return await _DEVICES.all(tx, "WHERE user_id = ? ORDER BY serial", user_id)


async def devices(tx: Transaction, account_id: str, *, after: str, limit: int) -> list[MfaDevice]:
    """An account's devices by serial number, those after `after` only."""
    return await _DEVICES.all(
        tx, "WHERE account_id = ? AND serial > ? ORDER BY serial LIMIT ?", account_id, after, limit
    )


async def count_devices(tx: Transaction, account_id: str, *, in_use: bool = False) -> int:
    """How many devices an account has, or how many of them are enabled for somebody."""
    used = " AND user_id IS NOT NULL" if in_use else ""
    return await _DEVICES.count(tx, f"WHERE account_id = ?{used}", account_id)


async def create_device(tx: Transaction, new: MfaDevice) -> None:
    """Store a new device; its serial number must be free."""
    await tx.execute(
        "INSERT INTO mfa_device (serial, account_id, sealed_seed, created_at) VALUES (?, ?, ?, ?)",
        new.serial,
        new.account_id,
        new.sealed_seed,
        new.created_at,
    )


async def enable_device(tx: Transaction, found: MfaDevice, user_id: str, *, at: float, step: int) -> None:
    """Give a device to a user; codes up to `step` are used."""
    await tx.execute(
        "UPDATE mfa_device SET user_id = ?, enabled_at = ?, last_step = ? WHERE serial = ?",
        user_id,
        at,
        step,
        found.serial,
    )
    await _changed(tx, found.account_id, user_id)


async def disable_device(tx: Transaction, found: MfaDevice) -> None:
    """Take a device from its user; with the last one the recovery codes end."""
    await tx.execute("UPDATE mfa_device SET user_id = NULL, enabled_at = NULL WHERE serial = ?", found.serial)
    if found.user_id is not None:
        if not await devices_of(tx, found.user_id):
            await recovery_codes.end(tx, found.user_id)
        await _changed(tx, found.account_id, found.user_id)


async def delete_device(tx: Transaction, found: MfaDevice) -> None:
    """Remove a device that is nobody's."""
    await _DEVICES.delete(tx, found.serial)


async def use_step(tx: Transaction, serial: str, step: int) -> bool:
    """Use the code of a time step; False when it, or a later one, was used before."""
    count = await tx.execute(
        "UPDATE mfa_device SET last_step = ? WHERE serial = ? AND last_step < ?", step, serial, step
    )
    return count == 1


async def _changed(tx: Transaction, account_id: str, user_id: str) -> None:
    await tx.execute("DELETE FROM console_login WHERE user_id = ?", user_id)
    await bump(tx, account_scope(account_id))
