"""SNS topics of accounts: names and attributes. Nothing is published to them yet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sesame.db import Row, Transaction
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
    def arn(self) -> str:
        """`arn:aws:sns:region:account:name`."""
        return topic_arn(self.region, self.account_id, self.name)


def topic_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a topic."""
    return f"arn:aws:sns:{region}:{account_id}:{name}"


_TOPIC = "SELECT account_id, region, name, attributes, created_at, principal_ids FROM topic"


def _topic(row: Row) -> Topic:
    return Topic(
        account_id=row[0],
        region=row[1],
        name=row[2],
        attributes=json.loads(row[3]),
        created_at=row[4],
        principal_ids=json.loads(row[5]),
    )


async def get(tx: Transaction, account_id: str, region: str, name: str) -> Topic | None:
    """A topic, or None."""
    row = await tx.one(f"{_TOPIC} WHERE account_id = ? AND region = ? AND name = ?", account_id, region, name)
    return None if row is None else _topic(row)


async def put(tx: Transaction, topic: Topic) -> None:
    """Store a topic, new or changed."""
    await tx.execute(
        "INSERT INTO topic (account_id, region, name, attributes, created_at, principal_ids)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, name)"
        " DO UPDATE SET attributes = excluded.attributes, principal_ids = excluded.principal_ids",
        topic.account_id,
        topic.region,
        topic.name,
        json.dumps(dict(topic.attributes)),
        topic.created_at,
        json.dumps(dict(topic.principal_ids)),
    )


async def delete(tx: Transaction, topic: Topic) -> None:
    """Remove a topic with its tags."""
    await tags.remove_all(tx, topic.arn)
    await tx.execute(
        "DELETE FROM topic WHERE account_id = ? AND region = ? AND name = ?",
        topic.account_id,
        topic.region,
        topic.name,
    )


async def page(tx: Transaction, account_id: str, region: str, *, after: str, limit: int) -> list[Topic]:
    """Topics by name, from behind `after`."""
    rows = await tx.all(
        f"{_TOPIC} WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        limit,
    )
    return [_topic(row) for row in rows]


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many topics an account has in a region."""
    row = await tx.one("SELECT COUNT(*) FROM topic WHERE account_id = ? AND region = ?", account_id, region)
    assert row is not None
    return int(row[0])
