"""Links that show one page of the console to who has no log-in: an identity's DNS records, or a delegate's kit.

A link carries 256 random bits, of which a digest is kept. INVARIANT (I9): whoever opens it sees what the one who made
it may see at that moment and no more: every reading is decided anew, by that user's policies as they are, from the
reader's network. A user who is gone, an identity that is gone, a permission taken away end what it shows. Making
and ending one are audited; what anybody has of a link besides the link itself opens nothing.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sesame.access.authorize import Authorizer
from sesame.access.changes import Permit, StalePermit
from sesame.access.identity_names import normal_name
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import (
    AccessDenied,
    InvalidParameterValue,
    LimitExceeded,
    ServiceError,
    ServiceUnavailable,
)
from sesame.identities.policies import IdentityMissing
from sesame.model import ApiCall, Caller
from sesame.observe import Clock
from sesame.store import console_shares, identities
from sesame.store.console_shares import Share

T = TypeVar("T")
RECORDS, KIT = "records", "kit"
DAYS = (1, 7, 30)
DAY_S = 86_400.0
MOST = 200
"""Links of one account that are kept."""
MOST_DECISIONS = 8
SOURCE = "console.sesame"


class NoSuchShare(ServiceError):
    """There is no such link, or it is over."""

    code, http_status = "ShareLinkDoesNotExist", 404


class Shares:
    """Makes, lists and ends links. `new_token` draws 256 bits."""

    def __init__(
        self, store: Store, authorizer: Authorizer, *, clock: Clock, new_token: Callable[[], str]
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._new_token = new_token

    async def make(
        self, caller: Caller, user_id: str, name: str, kind: str, *, delegate: str = "", days: int
    ) -> str:
        """A link's token for the caller's identity; `user_id` is by whose rights it is read."""
        if kind not in (RECORDS, KIT) or days not in DAYS or bool(delegate) != (kind == KIT):
            raise InvalidParameterValue(
                "A link shows records, or the kit of a delegate, for 1, 7 or 30 days."
            )
        if caller.login is None:
            raise InvalidParameterValue("Links are made by who is logged in.")
        now, token, stored = self._clock.now(), self._new_token(), normal_name(name)
        share = Share(
            digest=digest_of(token),
            account_id=caller.principal.account_id,
            region=caller.region,
            identity=stored,
            kind=kind,
            delegate=delegate,
            user_id=user_id,
            made_by=caller.principal.arn,
            mfa=caller.login.mfa,
            made_at=now,
            expires_at=now + days * DAY_S,
        )

        async def run(tx: Transaction) -> None:
            if await identities.get(tx, share.account_id, share.region, stored) is None:
                raise IdentityMissing(stored)
            await console_shares.purge(tx, now=now)
            if await console_shares.count(tx, share.account_id) >= MOST:
                raise LimitExceeded(f"There are {MOST} links already: end some.")
            await console_shares.put(tx, share)

        about = {
            "identity": stored,
            "kind": kind,
            "link": share.name,
            "expiresAt": int(share.expires_at),
            **({"for": delegate} if delegate else {}),
        }
        await self._change(caller, "CreateShareLink", stored, about, lambda permit: permit.apply(run))
        return token

    async def of_identity(self, caller: Caller, name: str) -> list[Share]:
        """The links of the caller's identity that still work."""
        stored, account_id, region = normal_name(name), caller.principal.account_id, caller.region
        await self._authorizer.require(
            caller, "sesame:ListShareLinks", identity_arn(region, account_id, stored)
        )
        now = self._clock.now()

        async def run(tx: Transaction) -> list[Share]:
            if await identities.get(tx, account_id, region, stored) is None:
                raise IdentityMissing(stored)
            return await console_shares.of_identity(tx, account_id, region, stored, now=now, limit=MOST)

        return await self._store.read(run)

    async def end(self, caller: Caller, name: str, called: str) -> None:
        """End a link of the caller's identity, called as in lists. Raises `NoSuchShare`."""
        stored, now = normal_name(name), self._clock.now()

        async def run(tx: Transaction) -> None:
            found = await console_shares.of_identity(
                tx, caller.principal.account_id, caller.region, stored, now=now, limit=MOST
            )
            share = next((one for one in found if one.name == called), None)
            if share is None:
                raise NoSuchShare("There is no such link, or it is over.")
            await console_shares.delete(tx, share.digest)

        about = {"identity": stored, "link": called}
        await self._change(caller, "DeleteShareLink", stored, about, lambda permit: permit.apply(run))

    async def opened(self, token: str) -> Share | None:
        """The link of a token, None when it is over."""
        now, digest = self._clock.now(), digest_of(token)
        return await self._store.read(lambda tx: console_shares.get(tx, digest, now=now))

    async def _change(
        self,
        caller: Caller,
        name: str,
        stored: str,
        parameters: Mapping[str, Any],
        change: Callable[[Permit], Awaitable[T]],
    ) -> T:
        called = replace(caller, call=ApiCall(source=SOURCE, name=name, parameters=parameters))
        arn = identity_arn(caller.region, caller.principal.account_id, stored)
        for _ in range(MOST_DECISIONS):
            try:
                return await change(await self._authorizer.require(called, f"sesame:{name}", arn))
            except StalePermit:
                continue
            except AccessDenied as refusal:
                await self._authorizer.changes.keep_refusal(called, refusal)
                raise
        raise ServiceUnavailable("policies change faster than this can be decided; try again")


def digest_of(token: str) -> bytes:
    """What is kept of a link."""
    return hashlib.sha256(token.encode()).digest()
