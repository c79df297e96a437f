"""Authentication: from a signed HTTP request to a `Caller`.

The signature is checked over the raw bytes by `aws.sigv4`; this module finds the key, opens a session
token, keeps the day's signing keys, and says who is calling. An unknown key costs the same HMAC as a known
one. A service says in signed headers whom it acts for (as AWS's own do when they assume a role).
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

from sesame.access.directory import Directory
from sesame.access.principals import Credential
from sesame.access.sessions import Sessions
from sesame.aws import canonical, sigv4
from sesame.aws.arn import Arn, ArnError
from sesame.aws.errors import ExpiredToken, InvalidClientTokenId, SignatureDoesNotMatch
from sesame.aws.request import HttpRequest
from sesame.aws.smtp_password import smtp_password
from sesame.errors import ValidationError
from sesame.model import AccountId, Caller, Principal, PrincipalKind, Session
from sesame.observe import Clock

MAX_SIGNING_KEYS = 20_000
_NOBODYS_SECRET = secrets.token_hex(20)
_ACCOUNT = re.compile(r"[0-9]{12}")
_LONG_TERM_KEY = re.compile(r"AKIA[A-Z0-9]{16}")
_SESSION_KEY = re.compile(r"ASIA[A-Z0-9]{16}")


class Authenticator:
    """Checks signatures. `regions` says which region names this service serves; `skew_s` may be set anew."""

    def __init__(
        self,
        directory: Directory,
        sessions: Sessions,
        clock: Clock,
        *,
        skew_s: float,
        regions: Callable[[str], bool],
    ) -> None:
        self._directory = directory
        self._sessions = sessions
        self._clock = clock
        self.skew_s = skew_s
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
        body_hash: bytes | None = None,
        tls_version: str | None = None,
    ) -> Caller:
        """The caller of a signed request.

        `fresh` looks past the cache; sends need not, for the accept transaction checks (I4). `body_hash` is that of
        the request's body, where it has been made already.
        Raises the errors of `aws.errors` for signatures (SES API reference, "Common errors").
        """
        now = self._clock.now()
        sigv4.check_scope(signed, now=now, skew_s=self.skew_s, regions=self._regions, service=service)
        session, credential = self._session(signed), None
        if session is not None or is_long_term_key(signed.access_key_id, signed.session_token):
            credential = await self._credential(signed.access_key_id, session, fresh=fresh)
        secret = _NOBODYS_SECRET if credential is None else credential.secret_access_key
        known = credential is not None and credential.active
        try:
            sigv4.verify(
                request, signed, signing_key=self._signing_key(signed, secret), payload_hash=body_hash
            )
        except SignatureDoesNotMatch as error:
            why = self._slip(request, signed, secret, body_hash)
            if credential is not None and known:
                raise _explained(error, why, credential, session) from None
        except Exception:
            if known:
                raise
        if credential is None or not known:
            raise _gone(session) if session and not credential else InvalidClientTokenId
        if session and session.expires_at <= now:
            raise _expired(session, credential.principal)
        principal, source_arn = credential.principal, None
        if principal.kind is PrincipalKind.SERVICE:
            principal, source_arn = _as_told(principal, request)
        return Caller(
            principal=principal,
            access_key_id=credential.access_key_id,
            region=signed.region,
            source_ip=source_ip,
            secure_transport=secure_transport,
            user_agent=_header(request, b"user-agent"),
            referer=_header(request, b"referer"),
            at=now,
            request_id=request_id,
            api_version=api_version,
            session=session,
            source_arn=source_arn,
            tls_version=tls_version,
        )

    def _session(self, signed: sigv4.SignedRequest) -> Session | None:
        """The session whose key and token these are, expired or not."""
        if signed.session_token is None or not _SESSION_KEY.fullmatch(signed.access_key_id):
            return None
        return self._sessions.open(signed.session_token, access_key_id=signed.access_key_id)

    async def _credential(
        self, access_key_id: str, session: Session | None, *, fresh: bool
    ) -> Credential | None:
        """The key's credential; a cached one that would refuse is read again before it does."""
        credential = await self._directory.credential(access_key_id, session)
        if credential is None or (credential.active and not fresh):
            return credential
        if await self._directory.is_stale({credential.scope: credential.epoch}):
            return await self._directory.credential(access_key_id, session)
        return credential

    def _slip(
        self, request: HttpRequest, signed: sigv4.SignedRequest, secret: str, body_hash: bytes | None
    ) -> str | None:
        """What was signed with in place of the secret, for the account's own eyes; nobody's secret costs the same."""
        found = None
        payload_hash = canonical.body_hash(request.body) if body_hash is None else body_hash
        password = smtp_password(secret, signed.region)
        written = (("quoted", f'"{secret}"'), ("quoted", f"'{secret}'"), ("encoded", quote(secret, safe="")))
        padded = (("white-space", text) for text in _padded(secret))
        for why, other in (("smtp-password", password), *padded, *written):
            key = sigv4.signing_key(other, signed.date, signed.region, signed.service)
            with suppress(SignatureDoesNotMatch):
                sigv4.verify(request, signed, signing_key=key, payload_hash=payload_hash)
                found = why
        return found

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


def _explained(
    error: SignatureDoesNotMatch, why: str | None, credential: Credential, session: Session | None
) -> SignatureDoesNotMatch:
    """A signature that is not that of a key which there is, with what it was made with and whose session's it is."""
    error.facts = {} if why is None else {"why": why}
    error.whose = None if session is None else credential.principal
    return error


def _expired(session: Session, whose: Principal) -> ExpiredToken:
    error = ExpiredToken()
    error.facts, error.whose = {"expired_at": session.expires_at}, whose
    return error


def _gone(session: Session) -> InvalidClientTokenId:
    """A session of a role or user that was deleted."""
    error = InvalidClientTokenId()
    error.facts = {"session_of_gone": "user" if session.user_id else "role"}
    unique_id = session.user_id or f"{session.role_id}:{session.name}"
    if session.is_federated:
        unique_id = f"{session.account_id}:{session.name}"
    error.whose = Principal(
        kind=_kind_of(session),
        account_id=AccountId(session.account_id),
        arn="",
        user_id=unique_id,
        name=session.name,
    )
    return error


def _kind_of(session: Session) -> PrincipalKind:
    if session.is_federated:
        return PrincipalKind.FEDERATED
    return PrincipalKind.USER if session.user_id else PrincipalKind.ROLE


def _padded(secret: str) -> tuple[str, ...]:
    """A secret as it comes out of files and forms that keep white space."""
    return f"{secret} ", f" {secret}", f"{secret}\n", f"{secret}\r\n"


def is_session_key(text: str) -> bool:
    """Whether text is shaped like the temporary access key id of a session."""
    return _SESSION_KEY.fullmatch(text) is not None


def is_long_term_key(access_key_id: str, session_token: str | None = None) -> bool:
    """Whether this is the key of a user, a root or a service: shaped like one, and with no token."""
    return session_token is None and _LONG_TERM_KEY.fullmatch(access_key_id) is not None


def _as_told(service: Principal, request: HttpRequest) -> tuple[Principal, str | None]:
    """A service acting for whom its headers say, which are signed, as every `x-amz-` header must be."""
    source_arn = _header(request, b"x-amz-source-arn")
    account_id = _header(request, b"x-amz-source-account") or ""
    return acting_for(service, account_id, source_arn), source_arn


def acting_for(service: Principal, account_id: str, source_arn: str | None) -> Principal:
    """A service with the account that it says it acts for, `source_arn` a resource there. Raises `ValidationError`."""
    if not _ACCOUNT.fullmatch(account_id):
        raise ValidationError("A service must say in x-amz-source-account for which account it sends.")
    if source_arn is not None:
        try:
            arn = Arn.parse(source_arn)
        except ArnError:
            raise ValidationError(f"x-amz-source-arn is not an ARN: {source_arn}") from None
        if arn.account_id not in ("", account_id):
            raise ValidationError(f"x-amz-source-arn does not belong to account {account_id}: {source_arn}")
    return replace(service, account_id=AccountId(account_id))


def _header(request: HttpRequest, wanted: bytes) -> str | None:
    for name, value in request.headers:
        if name == wanted:
            return value.decode("latin-1")
    return None
