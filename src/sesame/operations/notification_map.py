"""Who is notified of what of an identity's mail: every way that its owner set up, and why one leads nowhere.

Of mail that the owner sends itself: what a delegate has set up for its own sends is the delegate's to see (I9).
"""

from dataclasses import dataclass
from typing import cast

from sesame.access.authorize import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.identities.policies import IdentityMissing
from sesame.model import Caller
from sesame.notify import channels
from sesame.notify.channels import Sending
from sesame.notify.map import Way, ways
from sesame.operations.cached_reads import CachedReads
from sesame.operations.people import Part
from sesame.operations.set_view import topics_for, topics_leave
from sesame.store import configuration_sets, identities, notifications
from sesame.store.notifications import Settings

NOT_ASKED = channels.NOT_ASKED
"""Why a destination gets nothing of a kind that it was not set up for."""
ACTION = "ses:GetIdentityNotificationAttributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationMap:
    """The settings of an identity, its default configuration set, and every way of telling."""

    settings: Settings
    configuration_set: str | None
    ways: tuple[Way, ...]
    topics: Part[str]
    """ARNs that could be notified."""


async def notification_map(
    store: Store, authorizer: Authorizer, caller: Caller, name: str
) -> NotificationMap:
    """The map of the caller's own identity. Raises `IdentityMissing`."""
    refusal, listed = await authorizer.refusals(caller, [(ACTION, "*"), topics_leave(caller)])
    if refusal is not None:
        raise AccessDenied(refusal)
    account_id, region = caller.principal.account_id, caller.region

    async def run(store_tx: Transaction) -> NotificationMap:
        tx = cast(Transaction, CachedReads(store_tx))
        if await identities.get(tx, account_id, region, name) is None:
            raise IdentityMissing(name)
        default = await configuration_sets.default_of(tx, account_id, region, name)
        sending = Sending(
            account_id=account_id,
            owner_account_id=account_id,
            region=region,
            identity=name,
            configuration_set=default,
        )
        return NotificationMap(
            settings=await notifications.get(tx, account_id, identity_arn(region, account_id, name)),
            configuration_set=default,
            ways=tuple(await ways(tx, sending)),
            topics=await topics_for(tx, caller, listed),
        )

    return await store.read(run)
