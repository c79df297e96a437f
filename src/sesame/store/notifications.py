"""Which notifications accounts want of identities' mail: topics by kind, headers, feedback by mail.

Kept per account and identity ARN, since a delegate may have its own settings for an identity that it sends
as. No decision about a send reads this.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sesame.db import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A topic that was set until nothing could be published to it, because of `problem`, at a time in Unix seconds."""

    topic_arn: str
    problem: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one identity: kind to topic ARN, the kinds that carry headers, and the mail switch.

    `last_told` is for each kind the id of what was published last to the topic that is set; `removed` are topics that
    Sesame took away, by kind, until another is set.
    """

    topics: dict[str, str] = field(default_factory=dict)
    with_headers: frozenset[str] = frozenset()
    is_forwarding: bool = True
    last_told: dict[str, str] = field(default_factory=dict)
    removed: dict[str, Removed] = field(default_factory=dict)


async def get(tx: Transaction, account_id: str, identity_arn: str) -> Settings:
    """An account's settings for an identity; the defaults where it has none."""
    rows = await tx.all(
        "SELECT kind, topic_arn, with_headers, last_told, removed FROM identity_notification"
        " WHERE account_id = ? AND identity_arn = ?",
        account_id,
        identity_arn,
    )
    forwarding = await tx.one(
        "SELECT enabled FROM identity_forwarding WHERE account_id = ? AND identity_arn = ?",
        account_id,
        identity_arn,
    )
    return Settings(
        topics={row[0]: row[1] for row in rows if row[1] is not None},
        with_headers=frozenset(row[0] for row in rows if row[2]),
        is_forwarding=forwarding is None or bool(forwarding[0]),
        last_told={row[0]: row[3] for row in rows if row[3] is not None},
        removed={row[0]: Removed(**json.loads(row[4])) for row in rows if row[4] is not None},
    )


async def wanting_deliveries(
    tx: Transaction, *, accounts: Collection[str], identity_arns: Collection[str]
) -> set[tuple[str, str]]:
    """Which of `accounts` have a topic for deliveries, as (account, identity ARN)."""
    rows = await tx.all(
        "SELECT account_id, identity_arn FROM identity_notification"
        " WHERE account_id IN (?*) AND identity_arn IN (?*) AND kind = 'Delivery' AND topic_arn IS NOT NULL",
        sorted(accounts),
        sorted(identity_arns),
    )
    return {(row[0], row[1]) for row in rows}


async def set_topic(
    tx: Transaction, account_id: str, identity_arn: str, kind: str, topic_arn: str | None
) -> None:
    """Set or clear the topic of a kind; clearing it switches its headers off. Another has been told nothing yet."""
    await tx.execute(
        "INSERT INTO identity_notification (account_id, identity_arn, kind, topic_arn, with_headers)"
        " VALUES (?, ?, ?, ?, 0) ON CONFLICT (account_id, identity_arn, kind)"
        " DO UPDATE SET topic_arn = excluded.topic_arn, removed = NULL, last_told ="
        " CASE WHEN excluded.topic_arn = identity_notification.topic_arn THEN identity_notification.last_told END,"
        " with_headers = CASE WHEN excluded.topic_arn IS NULL THEN 0 ELSE identity_notification.with_headers END",
        account_id,
        identity_arn,
        kind,
        topic_arn,
    )


async def remove_topic(
    tx: Transaction, account_id: str, identity_arn: str, kind: str, removed: Removed
) -> bool:
    """Clear a topic that nothing can be published to; whether it was still set."""
    count = await tx.execute(
        "UPDATE identity_notification SET topic_arn = NULL, with_headers = 0, last_told = NULL, removed = ?"
        " WHERE account_id = ? AND identity_arn = ? AND kind = ? AND topic_arn = ?",
        json.dumps({"topic_arn": removed.topic_arn, "problem": removed.problem, "at": removed.at}),
        account_id,
        identity_arn,
        kind,
        removed.topic_arn,
    )
    return count == 1


async def set_last_told(tx: Transaction, told: Mapping[tuple[str, str, str, str], str]) -> None:
    """Keep the id of what was published last, by account, identity ARN, kind and topic; not where the topic is another.

    In the order of the keys, so that of two who keep the same ones none waits for the other.
    """
    await tx.many(
        "UPDATE identity_notification SET last_told = ?"
        " WHERE account_id = ? AND identity_arn = ? AND kind = ? AND topic_arn = ?",
        [(told[key], *key) for key in sorted(told)],
    )


async def set_headers(
    tx: Transaction, account_id: str, identity_arn: str, kind: str, *, enabled: bool
) -> None:
    """Whether notifications of a kind carry the headers of the message."""
    await tx.execute(
        "UPDATE identity_notification SET with_headers = ? WHERE account_id = ? AND identity_arn = ? AND kind = ?",
        int(enabled),
        account_id,
        identity_arn,
        kind,
    )


async def set_forwarding(tx: Transaction, account_id: str, identity_arn: str, *, enabled: bool) -> None:
    """Whether bounces and complaints are forwarded by mail."""
    await tx.execute(
        "INSERT INTO identity_forwarding (account_id, identity_arn, enabled)"
        " VALUES (?, ?, ?) ON CONFLICT (account_id, identity_arn)"
        " DO UPDATE SET enabled = excluded.enabled",
        account_id,
        identity_arn,
        int(enabled),
    )


async def remove_identity(tx: Transaction, identity_arn: str) -> None:
    """Forget what everybody wanted of an identity that is gone."""
    await tx.execute("DELETE FROM identity_notification WHERE identity_arn = ?", identity_arn)
    await tx.execute("DELETE FROM identity_forwarding WHERE identity_arn = ?", identity_arn)
