"""Authentication: from a signed HTTP request to a `Caller`.

The signature is checked over the raw bytes by `aws.sigv4`; this module finds the key, keeps the
day's signing keys, and says who is calling. An unknown key costs the same HMAC as a known one.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable

from sesame.access.directory import Credential, Directory
from sesame.aws import sigv4
from sesame.aws.errors import InvalidClientTokenId
from sesame.aws.request import HttpRequest
from sesame.model import Caller
from sesame.observe import Clock
from sesame.store.db import account_scope

MAX_SIGNING_KEYS = 20_000
_NOBODYS_SECRET = secrets.token_hex(20)


class Authenticator:
    """Checks signatures. `regions` says which region names this service serves."""

    def __init__(
        self, directory: Directory, clock: Clock, *, skew_s: float, regions: Callable[[str], bool]
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._skew_s = skew_s
        self._regions = regions
        self._signing_keys: OrderedDict[tuple[str, str, str, str], bytes] = OrderedDict()

    async def authenticate(
        self,
        request: HttpRequest,
        signed: sigv4.SignedRequest,
        *,
        service: str,
        source_ip: str,
        secure_transport: bool,
        request_id: str,
        fresh: bool,
        api_version: str | None = None,
    ) -> Caller:
        """The caller of a signed request.

        `fresh` looks past the cache; sends need not, for the accept transaction checks (I4).
        Raises the errors of `aws.errors` for signatures (SES API reference, "Common errors").
        """
        now = self._clock.now()
        sigv4.check_scope(signed, now=now, skew_s=self._skew_s, regions=self._regions, service=service)
        credential = await self._credential(signed.access_key_id, fresh=fresh)
        secret = _NOBODYS_SECRET if credential is None else credential.secret_access_key
        known = credential is not None and credential.active and signed.session_token is None
        try:
            sigv4.verify(request, signed, signing_key=self._signing_key(signed, secret))
        except Exception:
            if known:
                raise
        if credential is None or not known:
            raise InvalidClientTokenId("The security token included in the request is invalid.")
        return Caller(
            principal=credential.principal,
            access_key_id=credential.access_key_id,
            region=signed.region,
            source_ip=source_ip,
            secure_transport=secure_transport,
            user_agent=_user_agent(request),
            at=now,
            request_id=request_id,
            account_epoch=credential.account_epoch,
            api_version=api_version,
        )

    async def _credential(self, access_key_id: str, *, fresh: bool) -> Credential | None:
        """The key's credential; a cached one that would refuse is read again before it does."""
        credential = await self._directory.credential(access_key_id)
        if credential is None or (credential.active and not fresh):
            return credential
        scope = account_scope(credential.principal.account_id)
        if await self._directory.is_stale({scope: credential.account_epoch}):
            return await self._directory.credential(access_key_id)
        return credential

    def _signing_key(self, signed: sigv4.SignedRequest, secret: str) -> bytes:
        scope = (secret, signed.date, signed.region, signed.service)
        key = self._signing_keys.get(scope)
        if key is None:
            key = self._signing_keys[scope] = sigv4.signing_key(
                secret, signed.date, signed.region, signed.service
            )
            if len(self._signing_keys) > MAX_SIGNING_KEYS:
                self._signing_keys.popitem(last=False)
        return key


def _user_agent(request: HttpRequest) -> str | None:
    for name, value in request.headers:
        if name == b"user-agent":
            return value.decode("latin-1")
    return None
