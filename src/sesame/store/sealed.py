"""Secrets at rest: AES-256-GCM under a master key that lives outside the database (I9).

SigV4 needs the secret access key itself, so secrets are encrypted, not hashed. The row's identity is
the associated data: a sealed value moved to another row does not open.
"""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sesame.errors import SesameError

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
SEAL_BYTES = 1 + _NONCE_BYTES + 16
"""What sealing adds: version, nonce, tag."""


class SealBroken(SesameError):
    """A sealed value does not open: another master key, another row, or damage."""


class Sealer:
    """Seals and opens short secrets. `random_bytes` supplies nonces."""

    def __init__(self, master_key: bytes, *, random_bytes: Callable[[int], bytes]) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"the master key has {len(master_key)} bytes instead of {KEY_BYTES}")
        self._cipher = AESGCM(derive(master_key, "seal"))
        self._random_bytes = random_bytes

    def seal(self, secret: bytes, *, row: str) -> bytes:
        """Encrypt `secret` for the row named `row`."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, row.encode())

    def open(self, sealed: bytes, *, row: str) -> bytes:
        """Decrypt what `seal` made for the same row; raises `SealBroken`."""
        if sealed[:1] != _VERSION:
            raise SealBroken(f"the secret of `{row}` has an unknown format")
        nonce, data = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, data, row.encode())
        except InvalidTag as error:
            raise SealBroken(f"the secret of `{row}` does not open with this master key") from error


def derive(master_key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, so that no two uses share a key."""
    return hmac.new(master_key, b"sesame:" + purpose.encode(), hashlib.sha256).digest()
