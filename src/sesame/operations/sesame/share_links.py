"""Links that show one page of the console to who has no log-in: an identity's DNS records, or a delegate's kit.

A link carries 256 random bits, of which a digest is kept. INVARIANT (I9): whoever opens it sees what the one who made
it may see at that moment and no more: every reading is decided anew, by that user's policies as they are, from the
reader's network. A user who is gone, an identity that is gone, a permission taken away end what it shows. Making
and ending one are audited; what anybody has of a link besides the link itself opens nothing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from sesame.access.changes import Permit
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import sesame
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, LimitExceeded, ServiceError
from sesame.identities.policies import IdentityMissing
from sesame.model import Caller, PrincipalKind
from sesame.observe import Clock
from sesame.operations.table import Handlers
from sesame.store import console_shares, identities
from sesame.store.console_shares import Share

RECORDS, KIT = "records", "kit"
DAYS = (1, 7, 30)
DAY_S = 86_400.0
MOST = 200
"""Links of one account that are kept."""

A_PURGE = 100
"""Links that are over which a new one takes away: more than come with it."""


class ShareLinkDoesNotExist(ServiceError):
    """There is no such link, or it has expired."""

    code, http_status = "ShareLinkDoesNotExist", 404


class ShareLinks:
    """Makes, lists and ends links. `new_token` draws 256 bits; `console_url` is empty where nobody knows it."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        *,
        clock: Clock,
        new_token: Callable[[], str],
        console_url: Callable[[], str],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._new_token = new_token
        self._console_url = console_url

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateShareLink": self.create_share_link,
            "ListShareLinks": self.list_share_links,
            "DeleteShareLink": self.delete_share_link,
        }

    async def create_share_link(
        self, caller: Caller, request: sesame.CreateShareLinkRequest
    ) -> sesame.CreateShareLinkResponse:
        """A link that is read by the caller's rights."""
        kind, delegate, days = request["Shows"].lower(), request.get("Delegate", ""), request["Days"]
        if days not in DAYS or bool(delegate) != (kind == KIT):
            raise InvalidParameterValue(
                "A link shows records, or the kit of a delegate, for 1, 7 or 30 days."
            )
        if caller.principal.kind not in (PrincipalKind.ROOT, PrincipalKind.USER):
            raise InvalidParameterValue(
                "Only users and root users make links: whoever opens one has their rights."
            )
        now, token, name = self._clock.now(), self._new_token(), normal_name(request["Identity"])
        share = Share(
            digest=digest_of(token),
            account_id=caller.principal.account_id,
            region=caller.region,
            identity=name,
            kind=kind,
            delegate=delegate,
            user_id=caller.principal.user_id,
            made_by=caller.principal.arn,
            mfa=caller.login is not None and caller.login.mfa,
            made_at=now,
            expires_at=now + days * DAY_S,
        )

        async def run(tx: Transaction) -> None:
            if await identities.get(tx, share.account_id, share.region, name) is None:
                raise IdentityMissing(name)
            await console_shares.purge(tx, now=now, limit=A_PURGE)
            if await console_shares.count(tx, share.account_id, now=now) >= MOST:
                raise LimitExceeded(f"There are already {MOST} links: end some first.")
            await console_shares.put(tx, share)

        permit = await self._required(_telling(caller, share), "CreateShareLink", name)
        await permit.apply(run)
        made: sesame.CreateShareLinkResponse = {
            "Link": share.name,
            "Token": token,
            "ExpiresAt": share.expires_at,
        }
        if url := self._console_url():
            made["Url"] = f"{url}/shared/{token}"
        return made

    async def list_share_links(
        self, caller: Caller, request: sesame.ListShareLinksRequest
    ) -> sesame.ListShareLinksResponse:
        """The links of the caller's identity that still work."""
        name = normal_name(request["Identity"])
        await self._required(caller, "ListShareLinks", name)

        async def run(tx: Transaction) -> list[Share]:
            if await identities.get(tx, caller.principal.account_id, caller.region, name) is None:
                raise IdentityMissing(name)
            return await self._working(tx, caller, name)

        return {"Links": [_as_shape(share) for share in await self._store.read(run)]}

    async def delete_share_link(
        self, caller: Caller, request: sesame.DeleteShareLinkRequest
    ) -> sesame.DeleteShareLinkResponse:
        """End a link of the caller's identity, called as in lists."""
        name = normal_name(request["Identity"])

        async def run(tx: Transaction) -> None:
            found = await self._working(tx, caller, name)
            share = next((one for one in found if one.name == request["Link"]), None)
            if share is None:
                raise ShareLinkDoesNotExist("There is no such link, or it has expired.")
            await console_shares.delete(tx, share.digest)

        permit = await self._required(caller, "DeleteShareLink", name)
        await permit.apply(run)
        return {}

    async def opened(self, token: str) -> Share | None:
        """The link of a token, None when it is over."""
        now, digest = self._clock.now(), digest_of(token)
        return await self._store.read(lambda tx: console_shares.get(tx, digest, now=now))

    async def _working(self, tx: Transaction, caller: Caller, name: str) -> list[Share]:
        account_id, now = caller.principal.account_id, self._clock.now()
        return await console_shares.of_identity(tx, account_id, caller.region, name, now=now, limit=MOST)

    async def _required(self, caller: Caller, operation: str, name: str) -> Permit:
        arn = identity_arn(caller.region, caller.principal.account_id, name)
        return await self._authorizer.require(caller, f"sesame:{operation}", arn)


def digest_of(token: str) -> bytes:
    """What is kept of a link."""
    return hashlib.sha256(token.encode()).digest()


def _telling(caller: Caller, share: Share) -> Caller:
    """The caller, whose row in the audit log has the link's name too."""
    if caller.call is None:
        return caller
    about = {**caller.call.parameters, "link": share.name, "expiresAt": int(share.expires_at)}
    return replace(caller, call=replace(caller.call, parameters=about))


def _as_shape(share: Share) -> sesame.ShareLink:
    shape: sesame.ShareLink = {
        "Link": share.name,
        "Shows": "KIT" if share.kind == KIT else "RECORDS",
        "CreatedBy": share.made_by,
        "CreatedAt": share.made_at,
        "ExpiresAt": share.expires_at,
    }
    if share.delegate:
        shape["Delegate"] = share.delegate
    return shape
