"""SNS topics of accounts: names and attributes. Nothing is published to them yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sesame.db import Transaction
from sesame.db.table import JSON_OBJECT, Table
from sesame.store import tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic; `attributes` are those that somebody set.

    `principal_ids` are the unique ids that the users and roles of its policy had when it was set, by ARN.
    """

    account_id: str
    region: str
    name: str
    attributes: Mapping[str, str]
    created_at: float
    principal_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and name."""
        return self.account_id, self.region, self.name

    @property
    def arn(self) -> str:
        """`arn:aws:sns:region:account:name`."""
        return topic_arn(self.region, self.account_id, self.name)


def topic_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a topic."""
    return f"arn:aws:sns:{region}:{account_id}:{name}"


_TOPICS = Table(
    "topic", Topic, key="account_id, region, name", attributes=JSON_OBJECT, principal_ids=JSON_OBJECT
)


async def get(tx: Transaction, account_id: str, region: str, name: str) -> Topic | None:
    """A topic, or None."""
    return await _TOPICS.get(tx, account_id, region, name)


async def put(tx: Transaction, topic: Topic) -> None:
    """Store a topic, new or changed."""
    await _TOPICS.put(tx, topic, changed="attributes, principal_ids")


async def binding(tx: Transaction, unique_id: str) -> list[tuple[str, str, str]]:
    """The keys of the topics of all accounts whose policy binds a user or role. It looks through all topics."""
    rows = await tx.all(
        "SELECT account_id, region, name FROM topic WHERE principal_ids LIKE ?", f'%"{unique_id}"%'
    )
    return sorted((row[0], row[1], row[2]) for row in rows)


async def delete(tx: Transaction, topic: Topic) -> None:
    """Remove a topic with its tags."""
    await tags.remove_all(tx, topic.arn)
    await _TOPICS.delete(tx, *topic.key)


async def page(tx: Transaction, account_id: str, region: str, *, after: str, limit: int) -> list[Topic]:
    """Topics by name, from behind `after`."""
    return await _TOPICS.page(tx, account_id, region, after=after, limit=limit)


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many topics an account has in a region."""
    return await _TOPICS.count(tx, "WHERE account_id = ? AND region = ?", account_id, region)
