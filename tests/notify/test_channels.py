"""Who is notified: the owner of an identity and who sent as it, each by its own settings, and nobody else."""

from pathlib import Path

from sesame.db import Transaction
from sesame.model import SYSTEM_ACCOUNT
from sesame.notify.channels import Channel, Sending, channels
from sesame.notify.event_json import EventType
from sesame.store import accounts, configuration_sets, notifications, topics
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.topics import Topic
from tests.support.spooled import ACCOUNT, OWNER, REGION, Fixture, with_spool
from tests.support.stored_accounts import an_account

THIRD = "333333333333"
SENT = Sending(
    account_id=ACCOUNT, owner_account_id=OWNER, region=REGION, identity="example.com", configuration_set="set"
)


def topic_of(account_id: str) -> str:
    return f"arn:aws:sns:{REGION}:{account_id}:t"


async def everybody_wants_all(tx: Transaction) -> None:
    """Three accounts, each with a topic for each kind, and a configuration set of one name."""
    for account_id in (ACCOUNT, OWNER, THIRD):
        await accounts.create(tx, an_account(account_id))
        await topics.put(
            tx, Topic(account_id=account_id, region=REGION, name="t", attributes={}, created_at=0)
        )
        for kind in ("Bounce", "Complaint", "Delivery"):
            await notifications.set_topic(tx, account_id, SENT.identity_arn, kind, topic_of(account_id))
        held = ConfigurationSet(account_id=account_id, region=REGION, name="set")
        await configuration_sets.put(tx, held)
        definition = {
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE", "SEND"],
            "SnsDestination": {"TopicArn": topic_of(account_id)},
        }
        await configuration_sets.put_destination(tx, held, f"of-{account_id}", definition)


async def found(f: Fixture, sending: Sending, kind: EventType) -> list[tuple[str, str, str | None]]:
    async def run(tx: Transaction) -> list[Channel]:
        return await channels(tx, sending, kind)

    good = [one for one in await f.store.read(run) if one.problem is None]
    return [(one.account_id, one.topic_arn, one.name) for one in good]


def test_owner_and_delegate_are_notified_and_events_are_the_senders(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.store.write(everybody_wants_all)
        of_set = (ACCOUNT, topic_of(ACCOUNT), f"of-{ACCOUNT}")
        both = [(OWNER, topic_of(OWNER), None), (ACCOUNT, topic_of(ACCOUNT), None)]
        assert await found(f, SENT, EventType.BOUNCE) == [*both, of_set]
        assert await found(f, SENT, EventType.DELIVERY) == both
        assert await found(f, SENT, EventType.SEND) == [of_set]
        assert await found(f, SENT, EventType.OPEN) == []

    with_spool(tmp_path, check)


def test_mail_of_ones_own_identity_is_told_once_and_ours_never(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.store.write(everybody_wants_all)
        own = Sending(
            account_id=OWNER,
            owner_account_id=OWNER,
            region=REGION,
            identity="example.com",
            configuration_set=None,
        )
        assert await found(f, own, EventType.BOUNCE) == [(OWNER, topic_of(OWNER), None)]
        ours = Sending(
            account_id=SYSTEM_ACCOUNT, owner_account_id=OWNER, region=REGION, identity="example.com",
            configuration_set=None,
        )  # fmt: skip
        assert await found(f, ours, EventType.BOUNCE) == []

    with_spool(tmp_path, check)
