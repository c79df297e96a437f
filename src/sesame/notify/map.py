"""Who would be notified of what of an identity's mail, by which way, and who would not and why.

For every kind of event: the channels that were set up, and where feedback goes by mail. Source: SES developer guide,
"Delegate sender notifications", "Email feedback forwarding".
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sesame.db import Transaction
from sesame.notify.channels import Channel, Sending, channels
from sesame.notify.event_json import EventType
from sesame.store import notifications, subscriptions

FED_BACK = (EventType.BOUNCE, EventType.COMPLAINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of notifying somebody; `problem` says why nobody is notified that way."""

    kind: EventType
    account_id: str
    way: str
    endpoints: tuple[str, ...] = ()
    has_more: bool = False
    """Whether there are more endpoints than were asked for."""
    problem: str | None = None
    topic_arn: str = ""
    is_of_identity: bool = False
    """Whether it is the topic that the identity's notifications go to."""


async def ways(tx: Transaction, sending: Sending, *, most: int | None = None) -> list[Way]:
    """Every way, in the order of the kinds; a kind that nobody set anything up for has none.

    `most` bounds the endpoints that are read of each.
    """
    return [way for kind in EventType for way in await ways_of(tx, sending, kind, most=most)]


async def ways_of(
    tx: Transaction, sending: Sending, kind: EventType, *, most: int | None = None
) -> list[Way]:
    """The ways of one kind of event."""
    set_up = await channels(tx, sending, kind)
    found = [await _way(tx, kind, channel, most) for channel in set_up]
    found += await _removed(tx, sending, kind)
    if kind in FED_BACK:
        found.append(await _mail(tx, sending, kind, set_up))
    return found


async def _way(tx: Transaction, kind: EventType, channel: Channel, most: int | None) -> Way:
    what = "topic of the identity" if channel.name is None else f"event destination {channel.name}"
    if channel.webhook is not None:
        endpoints = (f"webhook {channel.url}",) if channel.problem is None else ()
        return Way(
            kind=kind, account_id=channel.account_id, way=what, endpoints=endpoints, problem=channel.problem
        )
    if most is None:
        subscribed = (await subscriptions.confirmed(tx, [channel.topic_arn]))[channel.topic_arn]
    else:
        subscribed = await subscriptions.first_confirmed(tx, channel.topic_arn, limit=most + 1)
    problem = channel.problem
    if problem is None and not subscribed:
        problem = "nobody has a confirmed subscription to the topic"
    return Way(
        kind=kind,
        account_id=channel.account_id,
        way=f"{what}: {channel.topic_arn}" if channel.topic_arn else what,
        endpoints=tuple(f"{one.protocol} {one.endpoint}" for one in subscribed[:most])
        if problem is None
        else (),
        has_more=problem is None and most is not None and len(subscribed) > most,
        problem=problem,
        topic_arn=channel.topic_arn,
        is_of_identity=channel.name is None,
    )


async def _removed(tx: Transaction, sending: Sending, kind: EventType) -> list[Way]:
    """Topics that were taken away since nothing could be published to them."""
    found = []
    for account_id in dict.fromkeys((sending.owner_account_id, sending.account_id)):
        settings = await notifications.get(tx, account_id, sending.identity_arn)
        if (removed := settings.removed.get(kind.title)) is not None:
            at = datetime.fromtimestamp(removed.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            found.append(
                Way(
                    kind=kind,
                    account_id=account_id,
                    way=f"topic of the identity: {removed.topic_arn}",
                    problem=f"removed at {at}, when nothing could be published to it: {removed.problem}",
                    topic_arn=removed.topic_arn,
                    is_of_identity=True,
                )
            )
    return found


async def _mail(tx: Transaction, sending: Sending, kind: EventType, set_up: list[Channel]) -> Way:
    """Feedback by mail to the return path: the owner's switch, and the fallback when nobody would be notified."""
    owner = await notifications.get(tx, sending.owner_account_id, sending.identity_arn)
    way, problem = "mail to the return path", None
    if not owner.is_forwarding:
        if any(channel.problem is None for channel in set_up):
            problem = "the owner switched feedback forwarding off"
        else:
            way = "mail to the return path, since nothing else would notify anybody"
    return Way(kind=kind, account_id=sending.owner_account_id, way=way, problem=problem)
