"""Who was notified of an event, who was not, and why: for each party its own half (I9).

What was published is in the outbox, under ids that say for whom. What was not is found by the settings as they are now:
why a way is not used is kept nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.notify.channels import Sending
from sesame.notify.event_json import event_type
from sesame.notify.expand import OPERATORS_OWN, STREAM, publication_id
from sesame.notify.map import Way, ways_of
from sesame.store import events
from sesame.store.events import Event
from sesame.store.outbox_entries import OutboxEntry

NOT_WANTED = "its filter policy does not want it, or it was subscribed later"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUsed:
    """A way that an event did not go, whose it is, and why."""

    account_id: str
    way: str
    reason: str


def party_of(entry: OutboxEntry, event: Event) -> str | None:
    """The account that set up the way on which an entry went; None of the operator's own."""
    publication = entry.publication
    if publication.topic_arn.startswith(STREAM):
        return None
    owners = publication_id(event.event_id, event.owner_account_id, publication.topic_arn, None)
    return event.owner_account_id if publication.message_id == owners else event.account_id


def half_of(account_id: str, event: Event, entries: Sequence[OutboxEntry]) -> list[OutboxEntry]:
    """Of what was published of an event what went on the ways of one account."""
    return [
        one
        for one in entries
        if one.publication.about == event.event_id and party_of(one, event) == account_id
    ]


async def not_used(tx: Transaction, event: Event, entries: Sequence[OutboxEntry]) -> list[NotUsed]:
    """The ways that an event did not go, whoever set them up; none before it was published."""
    if event.what in OPERATORS_OWN or not await events.is_published(tx, event):
        return []
    sending = Sending(
        account_id=event.account_id,
        owner_account_id=event.owner_account_id,
        region=event.region,
        identity=event.identity,
        configuration_set=event.configuration_set,
    )
    found = []
    for way in await ways_of(tx, sending, event_type(event)):
        found += _unused(way, half_of(way.account_id, event, entries))
    return found


def _unused(way: Way, entries: Sequence[OutboxEntry]) -> list[NotUsed]:
    if way.problem is not None:
        return [NotUsed(account_id=way.account_id, way=way.way, reason=way.problem)]
    reached = {f"{one.place.protocol} {one.place.endpoint}" for one in entries}
    return [
        NotUsed(account_id=way.account_id, way=f"{way.way}, {endpoint}", reason=NOT_WANTED)
        for endpoint in way.endpoints
        if endpoint not in reached
    ]
