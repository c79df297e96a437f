"""Expands events: each that was reacted to becomes what is published of it, one outbox row a destination.

Events are claimed, what is to be said of them is made without a lock, and then written so many rows a commit. The last
moves them to their last stage: a crash before it leaves them claimed, and what was written has the same ids then.
A topic that is gone or shut: of bounces and complaints the identity's setting is dropped and feedback goes by mail
again (SES developer guide, "Configuring Amazon SNS notifications").
"""

import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from sesame.aws.sns.message import Kind
from sesame.db import AT_ONCE, Store, Transaction
from sesame.errors import SesameError, Unavailable
from sesame.model import SYSTEM_ACCOUNT
from sesame.notify.channels import Channel, Sending, channels
from sesame.notify.event_json import (
    SUBJECT,
    EventType,
    House,
    event_type,
    identity_notification,
    published_event,
    streamed_event,
)
from sesame.notify.protocols import NATS, WEBHOOK
from sesame.notify.publishing import places
from sesame.observe import Clock, Log
from sesame.store import events, message_facts, notifications, outbox, subscriptions
from sesame.store.event_turns import Turns
from sesame.store.events import Event, Happened, Stage
from sesame.store.message_facts import MessageFacts
from sesame.store.outbox import FEW_PLACES, Place, Publication, Published

CLAIM_LIMIT = 128

MOST_PLACES = 10_000
"""Of events that are expanded together."""

_IDS = uuid.UUID("6f0d3c0e-8f0b-5a7d-9a64-2b1d0c6f5e11")
"""Namespace of the ids of what is published of events."""


class TooManyPlaces(SesameError):
    """Some events have so many subscribers together that they are not held in memory at once."""


@dataclass(slots=True)
class Expansion:
    """What follows from some events: what is published, and settings of identities that are dropped."""

    publications: list[tuple[Publication, Sequence[Place]]] = field(default_factory=list)
    broken: dict[tuple[str, str, str], Channel] = field(default_factory=dict)
    """Account, identity ARN, kind of notification."""
    last: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    """Account, identity ARN, kind of notification, topic: the id of what was published last."""


class Audited(Protocol):
    """Runs a change of Sesame's own to an account's topic; where it says that it did, with its audit row."""

    async def __call__(
        self,
        account_id: str,
        region: str,
        parameters: Mapping[str, object],
        run: Callable[[Transaction], Awaitable[bool]],
    ) -> bool: ...


class Expander:
    """Expands events until cancelled; `published` is called after something was written to the outbox."""

    def __init__(
        self,
        store: Store,
        house: House,
        *,
        audited: Audited,
        clock: Clock,
        log: Log,
        new_lease: Callable[[], str],
        published: Callable[[], None] = lambda: None,
        stream_subject: str | None = None,
    ) -> None:
        self._store = store
        self._house = house
        self._audited = audited
        self._clock = clock
        self._log = log
        self._new_lease = new_lease
        self._published = published
        self._stream_subject = stream_subject
        self._turns = Turns(self._turn, limit=CLAIM_LIMIT, log=log, failure="expansion_failed")

    def wake(self) -> None:
        """Something may have happened."""
        self._turns.wake()

    async def run(self) -> None:
        """Expand what was reacted to, until cancelled."""
        await self._turns.run()

    async def _turn(self, is_hinted: bool) -> int:
        return await self.expand(is_hinted=is_hinted)

    async def expand(self, *, is_hinted: bool = False) -> int:
        """Expand some events; how many. Without a hint it looks first, which costs nobody a lock."""
        if not is_hinted and not await self._store.read(lambda tx: events.is_any_waiting(tx, Stage.REACTED)):
            return 0
        now, lease = self._clock.now(), self._new_lease()
        claimed = await self._store.write(
            lambda tx: events.claim_stage(tx, Stage.REACTED, now=now, lease=lease, limit=CLAIM_LIMIT)
        )
        if not claimed:
            return 0
        try:
            await self._expand(claimed, lease=lease, now=now)
        except Unavailable:
            raise
        except Exception:
            # A fault of ours, or one event's subscribers, must not keep the others from being published.
            for event in claimed:
                await self._expand_alone(event, lease=lease, now=now)
        return len(claimed)

    async def _expand_alone(self, event: Event, *, lease: str, now: float) -> None:
        """Expand one event; one that cannot be is passed over, with an error in the log."""
        try:
            await self._expand([event], lease=lease, now=now)
        except Unavailable:
            raise
        except Exception:
            self._log.error("event_skipped", event_id=event.event_id, trace=traceback.format_exc())
            await self._store.write(lambda tx: events.move_on(tx, [event], lease=lease, to=Stage.PUBLISHED))

    async def _expand(self, claimed: Sequence[Event], *, lease: str, now: float) -> None:
        """Write what follows from claimed events, and move them on."""
        subject = self._stream_subject
        expansion = await self._store.read(
            lambda tx: expansion_of(tx, claimed, self._house, now=now, stream_subject=subject)
        )

        *first, last = outbox.in_writes(expansion.publications, at_once=AT_ONCE)
        for part in first:
            await self._store.write(partial(_publish, publications=part), is_long=True)

        async def finish(tx: Transaction) -> None:
            await _publish(tx, last)
            await notifications.set_last_told(tx, expansion.last)
            await events.move_on(tx, claimed, lease=lease, to=Stage.PUBLISHED)

        for (_, arn, kind), channel in expansion.broken.items():
            await self._remove(channel, arn, kind, now=now)
        await self._store.write(finish, is_long=sum(len(where) for _, where in last) > FEW_PLACES)
        if expansion.publications:
            self._published()

    async def _remove(self, channel: Channel, identity_arn: str, kind: str, *, now: float) -> None:
        """Take a setting away whose topic cannot be published to, so that feedback goes by mail again, as SES does."""
        account_id, problem = channel.account_id, channel.problem or ""
        removed = notifications.Removed(topic_arn=channel.topic_arn, problem=problem, at=now)

        async def run(tx: Transaction) -> bool:
            if not await notifications.remove_topic(tx, account_id, identity_arn, kind, removed):
                return False
            await notifications.set_forwarding(tx, account_id, identity_arn, enabled=True)
            return True

        parameters = {
            "identity": identity_arn,
            "notificationType": kind,
            "snsTopic": None,
            "removed": channel.topic_arn,
            "reason": problem,
        }
        if await self._audited(account_id, identity_arn.split(":")[3], parameters, run):
            self._log.error(
                "notification_topic_removed",
                account_id=account_id,
                identity=identity_arn,
                notification_type=kind,
                topic=channel.topic_arn,
                reason=problem,
            )


STREAM = "arn:aws:sesame:::stream/"
"""What the name of the operator's stream begins with."""

OPERATORS_OWN = frozenset({Happened.HELD, Happened.RELEASED, Happened.CANCELLED})
"""What the operator did to the queue: SES has no event for it, the trace of the message does."""


async def expansion_of(
    tx: Transaction,
    claimed: Sequence[Event],
    house: House,
    *,
    now: float,
    stream_subject: str | None = None,
) -> Expansion:
    """What is published of events, and to whom; it reads only. `stream_subject` is the operator's, who gets all.

    Raises `TooManyPlaces` for several events that are to be expanded one by one.
    """
    sendings = await _sendings(tx, claimed)
    ways: dict[tuple[Sending, EventType], list[Channel]] = {}
    wanted: list[tuple[Event, EventType, list[Channel]]] = []
    expansion = Expansion()
    for event in claimed:
        if event.what in OPERATORS_OWN:
            continue
        sending, kind = sendings[event.message_id], event_type(event)
        if (sending, kind) not in ways:
            ways[sending, kind] = await channels(tx, sending, kind)
        found = ways[sending, kind]
        for channel in found:
            if channel.is_broken and channel.name is None and kind is not EventType.DELIVERY:
                expansion.broken[channel.account_id, sending.identity_arn, kind.title] = channel
        good = [channel for channel in found if channel.problem is None]
        is_streamed = stream_subject is not None and sending.account_id != SYSTEM_ACCOUNT
        if good or is_streamed:
            wanted.append((event, kind, good))
    if not wanted:
        return expansion
    facts = await message_facts.of_messages(tx, list({event.message_id for event, _, _ in wanted}))
    topics = list({channel.topic_arn for _, _, good in wanted for channel in good if channel.topic_arn})
    subscribed = await subscriptions.confirmed(tx, topics)
    if len(claimed) > 1:
        count = sum(len(subscribed.get(channel.topic_arn, ())) for _, _, good in wanted for channel in good)
        if count > MOST_PLACES:
            raise TooManyPlaces(f"{len(claimed)} events go to {count} places")
    for event, kind, good in wanted:
        if stream_subject is not None and event.account_id != SYSTEM_ACCOUNT:
            body = streamed_event(event, facts[event.message_id], house)
            expansion.publications.append(_to_stream(event, stream_subject, body, now=now))
        for channel in good:
            body = _body(event, facts[event.message_id], house, channel)
            publication = _publication(event, channel, body, now=now)
            if channel.webhook is not None:
                expansion.publications.append((publication, [_post_to(channel, event)]))
                continue
            if channel.name is None:
                arn = sendings[event.message_id].identity_arn
                key = (channel.account_id, arn, kind.title, channel.topic_arn)
                expansion.last[key] = publication.message_id
            where = places(subscribed[channel.topic_arn], body=body, attributes=None, order=event.message_id)
            expansion.publications.append((publication, where))
    return expansion


async def _publish(tx: Transaction, publications: Sequence[Published]) -> None:
    """Write publications to those that are still there: who unsubscribed since was told that nothing more comes."""
    arns = {one.target for _, where in publications for one in where if one.protocol not in _NO_SUBSCRIPTION}
    ended = arns - await subscriptions.still_confirmed(tx, sorted(arns)) if arns else set()
    await outbox.publish(
        tx, [(one, [place for place in where if place.target not in ended]) for one, where in publications]
    )


_NO_SUBSCRIPTION = (WEBHOOK, NATS)


async def _sendings(tx: Transaction, claimed: Sequence[Event]) -> dict[str, Sending]:
    """Of the messages of events what says who is notified."""
    identities = await message_facts.identities(tx, list({event.message_id for event in claimed}))
    return {
        event.message_id: Sending(
            account_id=event.account_id,
            owner_account_id=event.owner_account_id,
            region=event.region,
            identity=identities[event.message_id],
            configuration_set=event.configuration_set,
        )
        for event in claimed
    }


def _body(event: Event, message: MessageFacts, house: House, channel: Channel) -> str:
    if channel.webhook is not None:
        return published_event(event, message, house).removesuffix("\n")
    if channel.name is not None:
        return published_event(event, message, house)
    return identity_notification(event, message, house, with_headers=channel.with_headers)


def _post_to(channel: Channel, event: Event) -> Place:
    """Where a webhook is; what is published of one message goes there in its order."""
    assert channel.webhook is not None
    arn = channel.webhook.arn
    return Place(target=arn, protocol=WEBHOOK, endpoint=channel.url, order_key=f"{arn}|{event.message_id}")


def _to_stream(event: Event, subject: str, body: str, *, now: float) -> tuple[Publication, Sequence[Place]]:
    """What the operator's stream gets of an event, in the order of its message; no account's name is on it."""
    arn = f"{STREAM}{subject}"
    publication = Publication(
        message_id=str(uuid.uuid5(_IDS, f"{event.event_id}|{arn}")),
        topic_arn=arn,
        kind=Kind.NOTIFICATION.value,
        body=body,
        at=now,
        about=event.event_id,
    )
    place = Place(target=arn, protocol=NATS, endpoint=subject, order_key=f"{arn}|{event.message_id}")
    return publication, [place]


def publication_id(event_id: str, account_id: str, to: str, name: str | None) -> str:
    """The id of what goes to a topic or webhook of an event, for an account; `name` is that of its destination."""
    return str(uuid.uuid5(_IDS, f"{event_id}|{account_id}|{to}|{name or ''}"))


def _publication(event: Event, channel: Channel, body: str, *, now: float) -> Publication:
    """What a topic or a webhook gets of an event; its id follows from what it is, so that there is one of it."""
    to = channel.topic_arn if channel.webhook is None else channel.webhook.arn
    return Publication(
        message_id=publication_id(event.event_id, channel.account_id, to, channel.name),
        topic_arn=to,
        kind=Kind.NOTIFICATION.value,
        subject=None if channel.name is None else SUBJECT,
        body=body,
        at=now,
        extra={} if channel.signature_version == "1" else {"version": channel.signature_version},
        about=event.event_id,
    )
