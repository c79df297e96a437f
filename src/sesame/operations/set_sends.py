"""What was sent last with a configuration set, and what its destinations were told of that last.

A bounded look along indexes that are there: the newest messages of the account are looked through for those of the
set, and what was published of their events is found by the event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.db import Transaction
from sesame.notify.expand import publication_id
from sesame.spool import listing
from sesame.spool.listing import SentWith
from sesame.store import told
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.told import LastOf
from sesame.store.webhooks import KIND, WebhookKey

LOOKED_AT, MOST_SENDS, MOST_PUBLISHED = 500, 5, 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTold:
    """The newest that a destination was told: of which message, and how far it came. Its topics are of its account."""

    message_id: str
    publication: LastOf


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSends:
    """The newest messages of a set, and what its destinations were told last of them, by name."""

    messages: tuple[SentWith, ...]
    recipients: Mapping[int, tuple[tuple[str, str], ...]]
    """Address and state, by the message's number."""
    told: Mapping[str, LastTold]


async def last_sends(
    tx: Transaction, found: ConfigurationSet, destinations: Mapping[str, Mapping[str, Any]]
) -> LastSends:
    """Of the `LOOKED_AT` newest messages of the account the first few that were sent with the set."""
    messages = await listing.sent_with(tx, *found.key, look=LOOKED_AT, limit=MOST_SENDS)
    seqs = [one.seq for one in messages]
    return LastSends(
        messages=tuple(messages),
        recipients=await listing.recipients(tx, seqs),
        told=await _told(tx, found, destinations, messages) if destinations else {},
    )


async def _told(
    tx: Transaction,
    found: ConfigurationSet,
    destinations: Mapping[str, Mapping[str, Any]],
    messages: Sequence[SentWith],
) -> dict[str, LastTold]:
    """The newest publication to each destination, known by its id; what others were told is not theirs."""
    rows = await told.last_of(tx, [one.seq for one in messages], limit=MOST_PUBLISHED)
    found_last = {}
    for name, definition in destinations.items():
        to = _to(found, name, definition)
        own = [
            one
            for one in rows
            if one.topic_arn == to and one.message_id == publication_id(one.about, found.account_id, to, name)
        ]
        if own:
            newest = max(own, key=lambda one: (one.at, one.seq))
            found_last[name] = LastTold(message_id=newest.about.partition("/")[0], publication=newest)
    return found_last


def _to(found: ConfigurationSet, name: str, definition: Mapping[str, Any]) -> str:
    """What a destination publishes to, "" for what Sesame does not have."""
    if KIND in definition:
        return WebhookKey(
            account_id=found.account_id, region=found.region, set_name=found.name, name=name
        ).arn
    topic: str = definition.get("SnsDestination", {}).get("TopicArn", "")
    return topic
