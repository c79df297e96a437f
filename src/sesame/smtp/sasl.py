"""The server's side of AUTH PLAIN and AUTH LOGIN: what to ask, and what the answers mean.

Judges form only; whether the password is right is the owner's to say. Sources: RFC 4954 (AUTH),
RFC 4616 (PLAIN), draft-murchison-sasl-login (LOGIN), RFC 4648 section 4 (base64).
"""

import base64
import binascii
from dataclasses import dataclass, field

from sesame.smtp.errors import SmtpError

FIELD_BYTES = 255
"""Longest user name or password (RFC 4616 section 2)."""

# Base64 of nothing, of "Username:" and of "Password:"; the prompts are those SES sends.
_CHALLENGES = {"PLAIN": ("",), "LOGIN": ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")}
MECHANISMS = tuple(_CHALLENGES)


class SaslError(SmtpError):
    """The exchange is over without credentials: cancelled, not base64, or not of the mechanism's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who the client says it is; the password stays out of logs (I9)."""

    username: str
    password: str = field(repr=False)


class Exchange:
    """One AUTH exchange of a known mechanism, from its first challenge to the credentials."""

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self._challenges = _CHALLENGES[mechanism]
        self._responses: list[bytes] = []

    @property
    def challenge(self) -> str:
        """What to send after 334 now."""
        return self._challenges[len(self._responses)]

    def respond(self, line: str) -> Credentials | None:
        """Take one base64 response; None when another challenge follows. Raises SaslError."""
        if line == "*":
            raise SaslError("authentication was cancelled")
        try:
            self._responses.append(base64.b64decode(line, validate=True))
        except (binascii.Error, ValueError):
            raise SaslError("response is not base64") from None
        if len(self._responses) < len(self._challenges):
            return None
        return _plain(self._responses[0]) if self.mechanism == "PLAIN" else _login(*self._responses)


def initial_response(argument: str) -> str:
    """The response that AUTH itself carried; `=` stands for an empty one (RFC 4954 section 4)."""
    return "" if argument == "=" else argument


def _plain(message: bytes) -> Credentials:
    parts = message.split(b"\0")
    if len(parts) != 3:
        raise SaslError("response is not `authzid NUL authcid NUL passwd`")
    authzid, authcid, passwd = parts
    if authzid not in (b"", authcid):
        raise SaslError("acting as another user is not offered")
    return _login(authcid, passwd)


def _login(username: bytes, password: bytes) -> Credentials:
    if not (0 < len(username) <= FIELD_BYTES and 0 < len(password) <= FIELD_BYTES):
        raise SaslError("user name or password is empty or too long")
    if b"\0" in username or b"\0" in password:
        raise SaslError("user name or password has a NUL")
    try:
        return Credentials(username=username.decode("utf-8"), password=password.decode("utf-8"))
    except UnicodeDecodeError:
        raise SaslError("user name or password is not UTF-8") from None
