"""Session tokens: a role's or user's session, sealed under the master key, carried by the client and kept nowhere.

A token opens for its own access key id only. What it says is fixed when it is issued; what its role may do
is looked up at each request, so that a role or user that is deleted ends its sessions (I4). What sessions may not call
whatever policies say is here too: IAM user guide, "Compare AWS STS credentials".
"""

import base64
import binascii
import zlib

import msgspec

from sesame.aws.errors import InvalidClientTokenId
from sesame.errors import AccessDenied
from sesame.model import Caller, Session
from sesame.store.sealed import SEAL_BYTES, SealBroken, Sealer


class Sessions:
    """Issues and opens session tokens."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._decoder = msgspec.json.Decoder(Session)

    def issue(self, session: Session, *, at_least: int = 0) -> str:
        """The token of a session, in base64, filled up to `at_least` characters."""
        packed = zlib.compress(msgspec.json.encode(session))
        sealed_bytes = -(-at_least // 4) * 3
        packed += bytes(max(0, sealed_bytes - len(packed) - SEAL_BYTES))
        return base64.b64encode(self._sealer.seal(packed, row=_row(session.access_key_id))).decode()

    def open(self, token: str, *, access_key_id: str) -> Session | None:
        """The session that a token was issued for, expired or not; None for any other text."""
        try:
            sealed = base64.b64decode(token, validate=True)
            if base64.b64encode(sealed).decode() != token:
                return None  # the decoder takes surplus padding and bits, so that a token had other spellings
            packed = self._sealer.open(sealed, row=_row(access_key_id))
        except (ValueError, binascii.Error, SealBroken):
            return None
        return self._decoder.decode(zlib.decompressobj().decompress(packed))


_ISSUING = frozenset({"GetSessionToken", "GetFederationToken"})
"""Operations of STS for long-term keys alone."""
_OF_USERS_SESSIONS = frozenset({"AssumeRole", "GetCallerIdentity"})
"""The operations of STS that a user's own session may call."""
_OF_FEDERATED_USERS = frozenset({"GetCallerIdentity"})
"""Those that a federated user's may."""


def check_session_may(caller: Caller, service: str, operation: str) -> None:
    """Refuse what no session may call, and what a user's own or a federated user's may not: IAM, most of STS.

    With a device's code a user's own may call IAM.

    Raises `AccessDenied`, and for IAM `InvalidClientTokenId`, as IAM does.
    """
    session = caller.session
    if session is None:
        return
    is_users = bool(session.user_id)
    allowed = _OF_FEDERATED_USERS if session.is_federated else _OF_USERS_SESSIONS
    if service == "sts" and (operation in _ISSUING or (is_users and operation not in allowed)):
        raise AccessDenied(f"Cannot call {operation} with session credentials")
    if service == "iam" and is_users and session.mfa_at is None:
        raise InvalidClientTokenId


def _row(access_key_id: str) -> str:
    return f"session:{access_key_id}"
