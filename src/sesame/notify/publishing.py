"""From one message of a topic to its places: the confirmed subscriptions that want it."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sesame.aws.sns.filter_policy import FilterPolicy, FilterPolicyError, read_filter_policy
from sesame.aws.sns.message import Attributes, Kind
from sesame.db import Transaction
from sesame.store import outbox, subscriptions
from sesame.store.outbox import Place, Publication
from sesame.store.subscriptions import Subscription
from sesame.store.topics import Topic

_IDS = uuid.UUID("0e6a3f4d-53f5-5d0e-8f39-6f2f5f6c1a77")
"""Namespace of the ids of announcements."""

NOTHING: Mapping[str, str] = {}


async def publish(
    tx: Transaction,
    topic: Topic,
    *,
    message_id: str,
    body: str,
    at: float,
    subject: str | None = None,
    attributes: Attributes | None = None,
    by_protocol: Mapping[str, str] = NOTHING,
) -> None:
    """Publish a message of its own to a topic; `by_protocol` holds other texts for some protocols."""
    version = topic.attributes.get("SignatureVersion") or "1"
    extra: dict[str, Any] = {} if version == "1" else {"version": version}
    if attributes:
        extra["attributes"] = {name: dict(value) for name, value in attributes.items()}
    found = (await subscriptions.confirmed(tx, [topic.arn]))[topic.arn]
    where: list[Place] = []
    for protocol in dict.fromkeys(one.protocol for one in found):
        text = by_protocol.get(protocol, body)
        those = [one for one in found if one.protocol == protocol]
        for place in places(those, body=text, attributes=attributes, order=message_id):
            options = place.options if text == body else {**place.options, "message": text}
            where.append(replace(place, options=options))
    publication = Publication(
        message_id=message_id,
        topic_arn=topic.arn,
        kind=Kind.NOTIFICATION.value,
        body=body,
        at=at,
        subject=subject,
        extra=extra,
    )
    await outbox.publish(tx, [(publication, where)])


async def announce(tx: Transaction, topic: Topic, body: str, *, at: float) -> None:
    """Tell a topic that SES will publish to it."""
    message_id = str(uuid.uuid5(_IDS, f"{topic.arn}|{body}|{at!r}"))
    await publish(tx, topic, message_id=message_id, body=body, at=at)


async def ask(
    tx: Transaction, one: Subscription, kind: Kind, *, message_id: str, body: str, nonce: str, at: float
) -> None:
    """Send a subscription a message about itself, with the token that goes with `nonce`."""
    publication = Publication(
        message_id=message_id,
        topic_arn=one.topic_arn,
        kind=kind.value,
        body=body,
        at=at,
        extra={"nonce": nonce},
    )
    await outbox.publish(tx, [(publication, [replace(place_of(one, order=message_id), options={})])])


def places(
    subscriptions: Iterable[Subscription], *, body: str, attributes: Attributes | None, order: str
) -> Sequence[Place]:
    """Where a message goes. Those with the same `order` are delivered to a subscription one after the other."""
    return [
        place_of(one, order=order) for one in subscriptions if _wants(one, body=body, attributes=attributes)
    ]


def place_of(one: Subscription, *, order: str) -> Place:
    """The place that a subscription is."""
    options: dict[str, Any] = {}
    if one.is_raw:
        options["raw"] = True
    if (content_type := _content_type(one.attributes.get("DeliveryPolicy"))) is not None:
        options["content_type"] = content_type
    return Place(
        target=one.arn,
        protocol=one.protocol,
        endpoint=one.endpoint,
        order_key=f"{one.arn}|{order}",
        options=options,
    )


def _wants(one: Subscription, *, body: str, attributes: Attributes | None) -> bool:
    text = one.attributes.get("FilterPolicy")
    if not text:
        return True
    policy = _policy(text, one.attributes.get("FilterPolicyScope", "MessageAttributes"))
    return policy is not None and policy.matches(body=body, attributes=attributes)


@lru_cache(maxsize=1024)
def _policy(text: str, scope: str) -> FilterPolicy | None:
    """A stored filter policy; one that cannot be read any more wants nothing."""
    try:
        return read_filter_policy(text, scope=scope)
    except FilterPolicyError:
        return None


@lru_cache(maxsize=256)
def _content_type(delivery_policy: str | None) -> str | None:
    if not delivery_policy:
        return None
    found = json.loads(delivery_policy).get("requestPolicy") or {}
    value = found.get("headerContentType")
    return str(value) if value else None
