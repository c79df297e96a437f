"""Names that Sesame draws: message ids, keys, tokens. The randomness is passed in.

Shapes are those of AWS, so that clients which check them are content.
"""

import base64
import re
import string
from collections.abc import Callable

from sesame.model import MessageId

RandomBytes = Callable[[int], bytes]

POOL_BYTES = 4096

_BASE32 = string.ascii_uppercase + "234567"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


_REGION_DIGITS = {
    "us-east-1": "0100",
    "us-west-2": "0101",
    "eu-west-1": "0102",
    "ap-northeast-1": "0106",
    "eu-central-1": "0107",
    "us-east-2": "010f",
}
"""What message ids of SES begin with, as seen in payloads; of other regions no id was seen."""


MESSAGE_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6}")
REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Ids:
    """Draws names from `random_bytes`, which must be fit for secrets; not for two threads at once."""

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._source = random_bytes
        self._pool = b""
        self._at = 0

    def _random_bytes(self, count: int) -> bytes:
        """Bytes nobody else gets, drawn in larger pieces: each draw is a system call."""
        end = self._at + count
        if end > len(self._pool):
            self._pool = self._source(POOL_BYTES + count)
            self._at, end = 0, count
        taken = self._pool[self._at : end]
        self._at = end
        return taken

    def _uuid(self) -> str:
        """A random UUID (RFC 9562 version 4)."""
        digits = self._random_bytes(16).hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def message_id(self, at: float, region: str = "us-east-1") -> MessageId:
        """Four digits of the region, milliseconds in 12 hex digits, a UUID, `000000`: the shape SES gives."""
        digits = _REGION_DIGITS.get(region, "0100")
        return MessageId(f"{digits}{int(at * 1000):012x}-{self._uuid()}-000000")

    def request_id(self) -> str:
        """A UUID."""
        return self._uuid()

    def hex(self, digits: int) -> str:
        """Lower-case hex digits."""
        return self._random_bytes((digits + 1) // 2).hex()[:digits]

    def digits(self, count: int) -> str:
        """Decimal digits."""
        return f"{int.from_bytes(self._random_bytes(16)) % 10**count:0{count}d}"

    def name(self, length: int) -> str:
        """Upper-case letters and the digits 2 to 7, as in access key ids and unique ids."""
        return "".join(_BASE32[byte & 31] for byte in self._random_bytes(length))

    def dkim_token(self) -> str:
        """32 lower-case letters and digits."""
        return "".join(_LETTERS[byte & 31] for byte in self._random_bytes(32))

    def secret_access_key(self) -> str:
        """40 characters of base64: 240 bits."""
        return base64.b64encode(self._random_bytes(30)).decode()

    def token(self) -> str:
        """A verification token of 256 bits that fits a DNS record and a URL."""
        return base64.urlsafe_b64encode(self._random_bytes(32)).decode().rstrip("=")
