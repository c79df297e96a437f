"""Who is notified of what of an identity's mail: every way that its owner set up, why one leads nowhere, and what went
out last with its answer.

Of mail that the owner sends itself: what a delegate has set up for its own sends is the delegate's to see (I9). So are
the subscriptions of a topic whosever the topic is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied
from sesame.identities.policies import IdentityMissing
from sesame.model import Caller
from sesame.notify import channels, event_json
from sesame.notify.channels import Sending
from sesame.notify.map import Way, ways
from sesame.operations.cached_reads import CachedReads
from sesame.operations.people import Part
from sesame.operations.set_view import topics_for, topics_leave
from sesame.store import configuration_sets, identities, notifications, told
from sesame.store.notifications import Settings
from sesame.store.told import Told

NOT_ASKED = channels.NOT_ASKED
"""Why a destination gets nothing of a kind that it was not set up for."""
body_of_test = event_json.notification_test
"""What a test publishes."""
MOST_ENDPOINTS = 20
"""Endpoints that are shown of each way."""
ACTION = "ses:GetIdentityNotificationAttributes"
MOST_PLACES = 5
"""Places that are shown of what went out; one more is read, which says that there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationMap:
    """The settings of an identity, its default configuration set, and every way of telling."""

    settings: Settings
    configuration_set: str | None
    ways: tuple[Way, ...]
    topics: Part[str]
    """ARNs that could be notified."""
    last: Mapping[str, Told]
    """For each kind what the identity's topic was told last, if that is still kept; without places that are not the
    account's to see."""
    test: tuple[str, Told] | None
    """The test that was asked for, and of which kind it is."""

    def why_nobody(self, kind: str) -> str | None:
        """Why nobody would be notified by the topic of a kind; None where somebody would be."""
        found = [way for way in self.ways if way.is_of_identity and way.kind.title == kind]
        return found[0].problem if found else "no topic is set"


async def notification_map(
    store: Store, authorizer: Authorizer, caller: Caller, name: str, *, test: str = ""
) -> NotificationMap:
    """The map of the caller's own identity, and the test that was published under the id `test`.

    Raises `IdentityMissing`.
    """
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
        settings = await notifications.get(tx, account_id, identity_arn(region, account_id, name))
        ids = [*settings.last_told.values(), *([test] if test else [])]
        found = await told.of_ids(tx, list(dict.fromkeys(ids)), places=MOST_PLACES + 1)
        seen = {message_id: _as_seen(one, account_id) for message_id, one in found.items()}
        return NotificationMap(
            settings=settings,
            configuration_set=default,
            ways=tuple(
                way if is_seen(way.topic_arn, account_id) else replace(way, endpoints=(), has_more=False)
                for way in await ways(tx, sending, most=MOST_ENDPOINTS)
            ),
            topics=await topics_for(tx, caller, listed),
            last={kind: seen[one] for kind, one in settings.last_told.items() if one in seen},
            test=_test(seen.get(test), settings, name),
        )

    return await store.read(run)


def is_seen(topic_arn: str, account_id: str) -> bool:
    """Whether the subscriptions of a topic are an account's to see: where it is its own, or there is none."""
    return not topic_arn or topic_arn.split(":")[4:5] == [account_id]


def _as_seen(one: Told, account_id: str) -> Told:
    return one if is_seen(one.topic_arn, account_id) else replace(one, places=())


def _test(one: Told | None, settings: Settings, name: str) -> tuple[str, Told] | None:
    """A test of this identity by a topic that is set, with its kind."""
    if one is not None:
        for kind, topic_arn in settings.topics.items():
            if one.topic_arn == topic_arn and one.body == body_of_test(kind, name):
                return kind, one
    return None
