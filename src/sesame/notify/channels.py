"""Who is notified: the topics of an identity, of its owner and of a delegate, and the sender's event destinations.

For each kind of event every way that was set up, with the reason where nothing goes that way. Sources: SES developer
guide, "Configuring Amazon SNS notifications", "Delegate sender notifications", "Event destinations".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sesame.aws.arn import identity_arn
from sesame.db import Transaction
from sesame.model import SYSTEM_ACCOUNT
from sesame.notify.event_json import NOTIFIED, EventType
from sesame.policy.topic_policy import ses_may_publish
from sesame.store import configuration_sets, notifications, topics
from sesame.store.configuration_sets import ConfigurationSet, configuration_set_arn
from sesame.store.webhooks import KIND, WebhookKey

OTHER_PLACES = {
    "CloudWatchDestination": "CloudWatch",
    "EventBridgeDestination": "EventBridge",
    "KinesisFirehoseDestination": "Firehose",
    "PinpointDestination": "Pinpoint",
}
"""Destinations that are no service here."""


NOT_ASKED = "the destination does not ask for events of this type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Of a message what says who is notified: who sent it, as whose identity, with which configuration set."""

    account_id: str
    owner_account_id: str
    region: str
    identity: str
    configuration_set: str | None

    @property
    def identity_arn(self) -> str:
        """The identity that it was sent as."""
        return identity_arn(self.region, self.owner_account_id, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way of telling an account. `name` is the event destination, None for the topic of an identity.

    `topic_arn` is where it goes, empty for a webhook, which has its own name and URL; `problem` says why nothing
    goes there, `is_broken` that it did once and the topic is gone or shut, `with_headers` is the setting of an
    identity's notifications.
    """

    account_id: str
    topic_arn: str
    name: str | None = None
    with_headers: bool = False
    signature_version: str = "1"
    webhook: WebhookKey | None = None
    url: str = ""
    problem: str | None = None
    is_broken: bool = False


async def channels(tx: Transaction, sending: Sending, kind: EventType) -> list[Channel]:
    """Every way in which somebody could be notified of an event of this kind, used or not."""
    if sending.account_id == SYSTEM_ACCOUNT:
        return []
    found = []
    if kind in NOTIFIED:
        for account_id in dict.fromkeys((sending.owner_account_id, sending.account_id)):
            settings = await notifications.get(tx, account_id, sending.identity_arn)
            topic_arn = settings.topics.get(kind.title)
            if topic_arn is not None:
                found.append(
                    await _checked(
                        tx,
                        Channel(
                            account_id=account_id,
                            topic_arn=topic_arn,
                            with_headers=kind.title in settings.with_headers,
                        ),
                        source_arn=sending.identity_arn,
                    )
                )
    return [*found, *await _destinations(tx, sending, kind)]


async def _destinations(tx: Transaction, sending: Sending, kind: EventType) -> Sequence[Channel]:
    """The event destinations of the sender's configuration set."""
    if sending.configuration_set is None:
        return ()
    account_id, region = sending.account_id, sending.region
    held = await configuration_sets.get(tx, account_id, region, sending.configuration_set)
    if held is None:
        return ()
    arn = configuration_set_arn(region, account_id, held.name)
    found = []
    for name, definition in (await configuration_sets.destinations(tx, held)).items():
        topic_arn = definition.get("SnsDestination", {}).get("TopicArn", "")
        channel = Channel(
            account_id=account_id,
            topic_arn=topic_arn,
            name=name,
            webhook=_webhook_of(held, name, definition),
            url=definition.get(KIND, {}).get("Url", ""),
        )
        problem = None
        if not definition.get("Enabled", False):
            problem = "the destination is not enabled"
        elif kind.in_set not in definition.get("MatchingEventTypes", ()):
            problem = NOT_ASKED
        elif not topic_arn and channel.webhook is None:
            place = next((place for key, place in OTHER_PLACES.items() if key in definition), "its kind")
            problem = f"there is no {place} here"
        if problem is not None:
            found.append(replace(channel, problem=problem))
        else:
            found.append(channel if channel.webhook else await _checked(tx, channel, source_arn=arn))
    return found


def _webhook_of(held: ConfigurationSet, name: str, definition: Mapping[str, Any]) -> WebhookKey | None:
    if KIND not in definition:
        return None
    return WebhookKey(account_id=held.account_id, region=held.region, set_name=held.name, name=name)


async def _checked(tx: Transaction, channel: Channel, *, source_arn: str) -> Channel:
    """The channel, if its topic is there and lets SES publish for the account."""
    region, owner, name = channel.topic_arn.split(":")[3:]
    topic = await topics.get(tx, owner, region, name)
    problem = None
    if topic is None:
        problem = "the topic does not exist"
    elif not ses_may_publish(
        topic.attributes.get("Policy"),
        topic_arn=channel.topic_arn,
        for_account=channel.account_id,
        source_arn=source_arn,
    ):
        problem = not_let(channel.topic_arn, channel.account_id)
    return Channel(
        account_id=channel.account_id,
        topic_arn=channel.topic_arn,
        name=channel.name,
        with_headers=channel.with_headers,
        signature_version="1" if topic is None else topic.attributes.get("SignatureVersion") or "1",
        problem=problem,
        is_broken=problem is not None,
    )


def not_let(topic_arn: str, account_id: str) -> str:
    """Why SES does not publish to a topic for an account, and what the topic's policy needs."""
    return (
        f"the policy of the topic does not let SES publish for this account: it must allow `ses.amazonaws.com`"
        f" `sns:Publish` on `{topic_arn}`, and where it asks for `aws:SourceAccount`, for `{account_id}`"
    )
