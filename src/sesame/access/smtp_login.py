"""SMTP log-ins: the user name is an access key id, the password is derived from its secret for one region.

The region of a session is that of its password. A name that does not exist costs the same work and gets the
same answer as a wrong password (I9). A key that is switched off refuses the next message of a session that
is open (I4). Source: SES developer guide, "Obtaining Amazon SES SMTP credentials".
"""

import base64
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sesame.access.credentials import is_long_term_key, is_session_key
from sesame.access.directory import Directory
from sesame.access.principals import Credential
from sesame.aws.smtp_password import smtp_password
from sesame.db import Store, Transaction
from sesame.errors import SesameError
from sesame.model import Caller, Principal, PrincipalKind
from sesame.observe import Clock
from sesame.store.iam.users import smtp_bindings

MAX_FAILURES, WINDOW_S = 10, 60.0
"""Wrong passwords for one name from one client in that time, before it has to wait."""

MAX_KNOWN = 10_000
MOST_NAMED = 4
"""Keys of users of one name, in whatever accounts, whose password may have come with the name."""

_NOBODYS_SECRET = secrets.token_hex(20)

REGIONS = tuple(
    f"{area}-{number}"
    for area, numbers in (
        ("us-east", "12"), ("us-west", "12"), ("eu-west", "123"), ("eu-central", "12"), ("eu-north", "1"),
        ("eu-south", "12"), ("ap-southeast", "1234567"), ("ap-northeast", "123"), ("ap-south", "12"),
        ("ap-east", "12"), ("ca-central", "1"), ("ca-west", "1"), ("sa-east", "1"), ("me-south", "1"),
        ("me-central", "1"), ("af-south", "1"), ("il-central", "1"), ("mx-central", "1"), ("us-gov-west", "1"),
        ("us-gov-east", "1"), ("cn-north", "1"), ("cn-northwest", "1"),
    )
    for number in numbers
)  # fmt: skip
"""Regions whose passwords are tried where the settings list none."""


class WrongCredentials(SesameError):
    """User name and password do not go together."""

    def __init__(
        self,
        why: str = "",
        *,
        principal: Principal | None = None,
        region: str = "",
        key: str = "",
        given: str = "",
    ) -> None:
        """`why`, for the account's own eyes: user-name, temporary, swapped, unknown,
        inactive, secret, region, white-space, old or password.

        Of a user's name in place of its access key id, `key` is that and `given` what came as password.
        """
        super().__init__(why)
        self.why, self.principal, self.region = why, principal, region
        self.key, self.given = key, given


class TooManyFailures(SesameError):
    """This name was guessed at too often from this address; nothing was checked."""


def _old_password(secret: str) -> bytes:
    """The password as SES derived it before Signature Version 4, from the secret alone; none is accepted."""
    return base64.b64encode(b"\x02" + hmac.digest(secret.encode(), b"SendRawEmail", "sha256"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session that has logged in. `bound` are the ARNs that its credential stands in for."""

    access_key_id: str
    region: str
    address: str
    bound: tuple[str, ...]


class SmtpLogins:
    """Checks passwords, and says who calls for each message. `regions` are those served."""

    def __init__(
        self,
        directory: Directory,
        store: Store,
        clock: Clock,
        *,
        regions: Sequence[str],
        new_request_id: Callable[[], str],
    ) -> None:
        self._directory = directory
        self._store = store
        self._clock = clock
        self._regions = tuple(regions) or REGIONS
        self._new_request_id = new_request_id
        self._failures: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._last_region: OrderedDict[str, str] = OrderedDict()

    async def check(self, username: str, password: str, *, address: str, client: str) -> Login:
        """The log-in for a password; `client` is what failures are counted by.

        Raises `WrongCredentials`, `TooManyFailures`, `Unavailable`.
        """
        if self._is_locked(username, client):
            raise TooManyFailures
        credential = await self._fresh_credential(username)
        region = self._region_of(username, password, credential)
        if credential is None or region is None or not credential.active:
            self._count_failure(username, client)
            wrong = self._wrong(username, password, credential, region)
            raise wrong if wrong.why != "user-name" else await self._named(username, password)

        async def run(tx: Transaction) -> tuple[str, ...]:
            return await smtp_bindings(tx, username)

        return Login(
            access_key_id=username, region=region, address=address, bound=await self._store.read(run)
        )

    def _wrong(
        self, username: str, password: str, credential: Credential | None, region: str | None
    ) -> WrongCredentials:
        """What is wrong, for whoever may read it afterwards; each way to it costs the same work."""
        secret = _NOBODYS_SECRET if credential is None else credential.secret_access_key
        given = password.encode("utf-8", "surrogateescape")
        is_secret = hmac.compare_digest(secret.encode(), given)
        is_old = hmac.compare_digest(_old_password(secret), given)
        elsewhere, is_padded, bare = "", False, given.strip()
        for other in REGIONS:
            right = smtp_password(secret, other).encode()
            if hmac.compare_digest(right, given):
                elsewhere = other
            is_padded |= bare != given and hmac.compare_digest(right, bare)
        if credential is None:
            if is_long_term_key(username):
                return WrongCredentials("unknown")
            if is_session_key(username):
                return WrongCredentials("temporary")
            return WrongCredentials("swapped" if is_long_term_key(password) else "user-name")
        why = "secret" if is_secret else "region" if elsewhere and region is None else "password"
        why = "white-space" if is_padded else why
        why = "old" if is_old else why
        if not credential.active:
            why = "inactive"
        return WrongCredentials(why, principal=credential.principal, region=elsewhere)

    async def _named(self, username: str, password: str) -> WrongCredentials:
        """What is wrong with a user name that is no key id: it may be the name of a user whose password this is.

        Only who knows the secret is found so. `MOST_NAMED` secrets are tried, however many users are called so (I9).
        """
        found = await self._directory.secrets_of_name(username.strip(), limit=MOST_NAMED)
        given = password.strip().encode("utf-8", "surrogateescape")
        key, what = "", ""
        for access_key_id, secret in [*found, *[("", _NOBODYS_SECRET)] * (MOST_NAMED - len(found))]:
            tries = [("secret", secret.encode()), ("old", _old_password(secret))]
            tries += [("", smtp_password(secret, region).encode()) for region in self._regions]
            for one, right in tries:
                if hmac.compare_digest(right, given):
                    key, what = access_key_id, one
        credential = await self._directory.credential(key) if key else None
        if credential is None:
            return WrongCredentials("user-name")
        return WrongCredentials("user-name", principal=credential.principal, key=key, given=what)

    async def caller(self, login: Login) -> Caller:
        """Who calls, for one message; raises `WrongCredentials` when the key is not good any more."""
        credential = await self._directory.credential(login.access_key_id)
        if credential is None or not credential.active:
            raise WrongCredentials
        return Caller(
            principal=credential.principal,
            access_key_id=credential.access_key_id,
            region=login.region,
            source_ip=login.address,
            secure_transport=True,
            user_agent=None,
            at=self._clock.now(),
            request_id=self._new_request_id(),
        )

    async def _fresh_credential(self, access_key_id: str) -> Credential | None:
        """The key as it is in the store: a log-in is rare, and what it opens stays open.

        A service has no SMTP credentials: nothing would say whom it acts for. Nor has a session: SMTP has no
        place for its token.
        """
        if not is_long_term_key(access_key_id):
            return None
        credential = await self._directory.credential(access_key_id)
        if credential is not None and credential.principal.kind is PrincipalKind.SERVICE:
            return None
        if credential is not None and await self._directory.is_stale({credential.scope: credential.epoch}):
            return await self._directory.credential(access_key_id)
        return credential

    def _region_of(self, username: str, password: str, credential: Credential | None) -> str | None:
        """The region whose password was given.

        What succeeded last is tried first, which tells only those who know the password; every failure
        costs all regions, whether or not there is such a key.
        """
        secret = _NOBODYS_SECRET if credential is None else credential.secret_access_key
        given = password.encode("utf-8", "surrogateescape")
        last = self._last_region.get(username)
        if last is not None and hmac.compare_digest(smtp_password(secret, last).encode(), given):
            return last
        found = None
        for region in self._regions:
            if hmac.compare_digest(smtp_password(secret, region).encode(), given):
                found = region
        if found is not None and credential is not None:
            self._last_region[username] = found
            if len(self._last_region) > MAX_KNOWN:
                self._last_region.popitem(last=False)
        return found

    def waiting(self) -> list[tuple[str, str, float, float]]:
        """Who has to wait now: user name, client, until when and since when, in the clock's monotonic seconds.

        Since when is that of the first of its failures.
        """
        now = self._clock.monotonic()
        return [
            (name, client, began + WINDOW_S, began)
            for (name, client), (began, count) in self._failures.items()
            if count >= MAX_FAILURES and now - began < WINDOW_S
        ]

    def _is_locked(self, username: str, client: str) -> bool:
        began, count = self._failures.get((username, client), (0.0, 0))
        return count >= MAX_FAILURES and self._clock.monotonic() - began < WINDOW_S

    def _count_failure(self, username: str, client: str) -> None:
        now = self._clock.monotonic()
        began, count = self._failures.pop((username, client), (now, 0))
        if now - began >= WINDOW_S:
            began, count = now, 0
        self._failures[username, client] = (began, count + 1)
        if len(self._failures) > MAX_KNOWN:
            self._failures.popitem(last=False)
