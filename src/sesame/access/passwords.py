"""Passwords of people and codes of their devices.

Passwords are kept as Argon2id hashes (RFC 9106), reckoned on threads of their own, two at once: one takes 64 MiB and a
fifth of a second. Codes are TOTP (RFC 6238) with SHA-1, 30 seconds, six digits, as every authenticator app makes them.
"""

import asyncio
import hashlib
import hmac
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

AT_ONCE = 2
STEP_S = 30
DIGITS = 6
SALT_BYTES = 16


class Passwords:
    """Hashes and compares. `memory_kib` and `passes` are Argon2id's costs."""

    def __init__(
        self, *, random_bytes: Callable[[int], bytes], memory_kib: int = 64 * 1024, passes: int = 3
    ) -> None:
        self._random_bytes = random_bytes
        self._memory_kib = memory_kib
        self._passes = passes
        self._executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash of a password in PHC form."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._hash, password)

    async def is_right(self, password: str, hashed: str | None) -> bool:
        """Whether the password has that hash; without one it is compared all the same, and wrong."""
        if hashed is None:
            if self._nobodys is None:
                self._nobodys = await self.hash(self._random_bytes(SALT_BYTES).hex())
            await asyncio.get_running_loop().run_in_executor(self._executor, _verify, password, self._nobodys)
            return False
        return await asyncio.get_running_loop().run_in_executor(self._executor, _verify, password, hashed)

    def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown()

    def _hash(self, password: str) -> str:
        kdf = Argon2id(
            salt=self._random_bytes(SALT_BYTES),
            length=32,
            iterations=self._passes,
            lanes=4,
            memory_cost=self._memory_kib,
        )
        return kdf.derive_phc_encoded(password.encode())


def _verify(password: str, hashed: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), hashed)
    except InvalidKey:
        return False
    return True


def totp(seed: bytes, step: int) -> str:
    """The code of a time step (RFC 4226 section 5.3)."""
    digest = hmac.new(seed, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4]) & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(seed: bytes, code: str, *, now: float) -> int | None:
    """The time step whose code this is: the present one, the one before or after; None for another code."""
    current = int(now // STEP_S)
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(totp(seed, step).encode(), code.encode()):
            found = step
    return found
