"""Subscriptions to topics: who is sent what is published, once they have confirmed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import FLAG, JSON_OBJECT, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription; `attributes` are those that somebody set, `account_id` is whose it is.

    `token_digest` is that of the token which confirms it until `token_until`, or takes its end back.
    `ended_at` is set when somebody unsubscribed who could be anybody, and may still think better of it.
    """

    arn: str
    topic_arn: str
    account_id: str
    protocol: str
    endpoint: str
    attributes: Mapping[str, str]
    created_at: float
    token_digest: str | None = None
    token_until: float | None = None
    confirmed_at: float | None = None
    ended_at: float | None = None
    needs_authentication: bool = False

    @property
    def is_raw(self) -> bool:
        """Whether the message is sent as it is, without an envelope."""
        return self.attributes.get("RawMessageDelivery", "false").lower() == "true"


_SUBSCRIPTIONS = Table(
    "subscription", Subscription, key="arn", attributes=JSON_OBJECT, needs_authentication=FLAG
)


async def get(tx: Transaction, arn: str) -> Subscription | None:
    """A subscription, or None."""
    return await _SUBSCRIPTIONS.get(tx, arn)


async def find(tx: Transaction, topic_arn: str, protocol: str, endpoint: str) -> Subscription | None:
    """The subscription of an endpoint to a topic; there is one at most."""
    return await _SUBSCRIPTIONS.one(
        tx, "WHERE topic_arn = ? AND protocol = ? AND endpoint = ?", topic_arn, protocol, endpoint
    )


async def put(tx: Transaction, one: Subscription) -> None:
    """Store a subscription, new or changed."""
    await _SUBSCRIPTIONS.put(
        tx,
        one,
        changed="attributes, token_digest, token_until, confirmed_at, needs_authentication, ended_at",
    )


async def delete(tx: Transaction, arn: str) -> None:
    """Remove a subscription."""
    await _SUBSCRIPTIONS.delete(tx, arn)


async def confirmed(tx: Transaction, topic_arns: Sequence[str]) -> dict[str, list[Subscription]]:
    """The confirmed subscriptions of topics, by topic."""
    found: dict[str, list[Subscription]] = {arn: [] for arn in topic_arns}
    wanted = "WHERE topic_arn IN (?*) AND confirmed_at IS NOT NULL ORDER BY arn"
    for one in await _SUBSCRIPTIONS.all(tx, wanted, topic_arns):
        found[one.topic_arn].append(one)
    return found


async def first_confirmed(tx: Transaction, topic_arn: str, *, limit: int) -> list[Subscription]:
    """The first confirmed subscriptions of a topic, whose ARN theirs begin with, in the order of `confirmed`."""
    return await _SUBSCRIPTIONS.all(
        tx,
        "WHERE arn > ? AND arn < ? AND confirmed_at IS NOT NULL ORDER BY arn LIMIT ?",
        f"{topic_arn}:",
        f"{topic_arn};",
        limit,
    )


async def still_confirmed(tx: Transaction, arns: Sequence[str]) -> set[str]:
    """Those of the subscriptions that are there and confirmed."""
    rows = await tx.all(
        "SELECT arn FROM subscription WHERE arn IN (?*) AND confirmed_at IS NOT NULL", list(arns)
    )
    return {row[0] for row in rows}


async def of_topic(tx: Transaction, topic_arn: str, *, after: str, limit: int) -> list[Subscription]:
    """Those of a topic in the order of their ARNs, from behind `after`."""
    return await _SUBSCRIPTIONS.all(
        tx, "WHERE topic_arn = ? AND arn > ? ORDER BY arn LIMIT ?", topic_arn, after, limit
    )


async def of_account(
    tx: Transaction, account_id: str, region: str, *, after: str, limit: int
) -> list[Subscription]:
    """Those of an account to topics of a region, in the order of their ARNs, from behind `after`."""
    start = f"arn:aws:sns:{region}:"
    return await _SUBSCRIPTIONS.all(
        tx,
        "WHERE account_id = ? AND arn > ? AND arn < ? ORDER BY arn LIMIT ?",
        account_id,
        max(after, start),
        f"arn:aws:sns:{region};",
        limit,
    )


async def counts(tx: Transaction, topic_arn: str) -> tuple[int, int]:
    """How many of a topic's subscriptions are confirmed, and how many are not yet."""
    row = await tx.one(
        "SELECT COUNT(*), COUNT(confirmed_at) FROM subscription WHERE topic_arn = ?", topic_arn
    )
    assert row is not None
    return int(row[1]), int(row[0]) - int(row[1])


async def by_token(tx: Transaction, topic_arn: str, token_digest: str) -> Subscription | None:
    """The subscription to a topic that a token belongs to."""
    return await _SUBSCRIPTIONS.one(tx, "WHERE topic_arn = ? AND token_digest = ?", topic_arn, token_digest)


async def delete_of_topic(tx: Transaction, topic_arn: str) -> None:
    """Remove those of a topic that is gone; see `drop_of_topic` for a topic with many."""
    await tx.execute("DELETE FROM subscription WHERE topic_arn = ?", topic_arn)


async def has_more_than(tx: Transaction, topic_arn: str, count: int) -> bool:
    """Whether a topic has more than that; as much work as there are up to then."""
    row = await tx.one(
        "SELECT 1 FROM subscription WHERE topic_arn = ? ORDER BY protocol, endpoint LIMIT 1 OFFSET ?",
        topic_arn,
        count,
    )
    return row is not None


async def drop_of_topic(tx: Transaction, topic_arn: str, *, limit: int) -> int:
    """Remove so many of a topic at most; how many went."""
    return await _SUBSCRIPTIONS.drop(tx, "WHERE topic_arn = ?", topic_arn, limit=limit)


async def purge_pending(tx: Transaction, *, now: float, limit: int) -> int:
    """Let go of what nobody confirmed in time, so many at most; how many went."""
    return await _SUBSCRIPTIONS.drop(
        tx, "WHERE confirmed_at IS NULL AND token_until < ? ORDER BY token_until", now, limit=limit
    )
