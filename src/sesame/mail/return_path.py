"""The return path that we put on each copy: who it was for, under a key (VERP with an HMAC).

A bounce is attributed by this address alone, never by the addresses in its text. Makes, reads and
verifies the address; routing and state are elsewhere: that one address changes the state of its
recipient once only, is the business of who keeps that state. The local part is 64 lower-case base32 characters:
24 octets of message id, 20 bits of its suffix, 12 bits of recipient index, 96 bits of MAC.
Sources: RFC 5321 section 4.5.3.1.1 (64 octets), RFC 2104, RFC 4648 section 6.
"""

import base64
import hashlib
import hmac
import re
from typing import NamedTuple

from sesame.errors import SesameError


class ReturnPathError(SesameError):
    """A message id or recipient index that has no return path."""


class ReturnPath(NamedTuple):
    """What an address of ours says: the message, which of its recipients, and when it was accepted."""

    message_id: str
    recipient_index: int
    made_at: float


RECIPIENT_LIMIT = 1 << 12
EARLY_S = 3_600
"""How far an address may be ahead of the clock that verifies it: clocks of nodes differ, and are set back."""
_MAC_OCTETS = 12
_CONTEXT = b"sesame return path 1\0"
_MESSAGE_ID = re.compile(
    r"([0-9a-f]{16})-([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})-(\d{6})"
)
_LOCAL_PART = re.compile(r"[a-z2-7]{64}", re.IGNORECASE | re.ASCII)


def pack(message_id: str, recipient_index: int) -> bytes:
    """A message id and the index of a recipient in 28 octets.

    Raises ReturnPathError for an id that is not of SES's shape or an index outside 0..4095.
    """
    match = _MESSAGE_ID.fullmatch(message_id)
    if match is None or not match[7].isascii():
        raise ReturnPathError("message id is not of the form `16 hex-uuid-6 digits`")
    if not 0 <= recipient_index < RECIPIENT_LIMIT:
        raise ReturnPathError(f"recipient index is not in 0..{RECIPIENT_LIMIT - 1}")
    payload = bytes.fromhex("".join(match.groups()[:6]))
    return payload + (int(match[7]) << 12 | recipient_index).to_bytes(4, "big")


def unpack(payload: bytes) -> tuple[str, int]:
    """The message id and recipient index of 28 octets that `pack` made."""
    digits, tail = payload[:24].hex(), int.from_bytes(payload[24:], "big")
    parts = (digits[:16], digits[16:24], digits[24:28], digits[28:32], digits[32:36], digits[36:])
    return f"{'-'.join(parts)}-{tail >> 12:06d}", tail & (RECIPIENT_LIMIT - 1)


def make_return_path(key: bytes, message_id: str, recipient_index: int, *, domain: str) -> str:
    """The envelope sender for one recipient's copy; nobody without the key can make another.

    Raises ReturnPathError as `pack` does.
    """
    payload = pack(message_id, recipient_index)
    token = base64.b32encode(payload + _mac(key, payload)).decode("ascii").lower()
    return f"{token}@{domain}"


def read_return_path(key: bytes, address: str) -> tuple[str, int] | None:
    """The message id and recipient index of an address that we made, or None for any other.

    Servers on the way may have changed letter case; the domain is not looked at.
    """
    local_part = address.rpartition("@")[0]
    if _LOCAL_PART.fullmatch(local_part) is None:
        return None
    token = base64.b32decode(local_part.upper())
    payload, mac = token[:-_MAC_OCTETS], token[-_MAC_OCTETS:]
    if not hmac.compare_digest(mac, _mac(key, payload)):
        return None
    return unpack(payload)


def verify_return_path(key: bytes, address: str, *, now: float, lives_s: float) -> ReturnPath | None:
    """What an address says if we made it within the last `lives_s` seconds; None for any other.

    `made_at` is the acceptance of the message, to the millisecond: the message id holds it, and the MAC
    covers the message id. `now` is Unix seconds.
    """
    read = read_return_path(key, address)
    if read is None:
        return None
    message_id, recipient_index = read
    made_at = int(message_id[4:16], 16) / 1000
    if not -EARLY_S <= now - made_at <= lives_s:
        return None
    return ReturnPath(message_id, recipient_index, made_at)


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, _CONTEXT + payload, hashlib.sha256)[:_MAC_OCTETS]
