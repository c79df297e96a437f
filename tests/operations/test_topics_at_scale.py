"""DeleteTopic of a topic with many subscriptions, for which much waits: no write takes more than its part."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sesame.access.audit import outcome
from sesame.app.notify import drop_ended
from sesame.db import AT_ONCE, Transaction
from sesame.errors import StoreUnavailable
from sesame.operations.sns.access import AuthorizationError
from sesame.store import outbox
from tests.operations.test_changes import World, with_world
from tests.support.meanwhile import before_write

WAITING = "SELECT COUNT(*) FROM outbox WHERE state = 'waiting' AND target LIKE ?"


@dataclass
class Topics:
    """A world whose account has a topic."""

    world: World
    arn: str

    async def delete(self) -> None:
        await self.world.call(self.world.user, "sns", "DeleteTopic", TopicArn=self.arn)

    async def fill(self, arn: str, count: int, each: int) -> None:
        """Subscribe so many to a topic, and let so many publications wait for each of them."""
        targets = [f"{arn}:{number:06}" for number in range(count)]
        start = 0 if arn == self.arn else 1_000_000

        async def run(tx: Transaction) -> None:
            await tx.many(
                "INSERT INTO subscription (arn, topic_arn, account_id, protocol, endpoint, attributes, created_at,"
                " confirmed_at) VALUES (?, ?, ?, 'https', ?, '{}', 1, 1)",
                [(target, arn, self.world.account, f"https://{target}.test") for target in targets],
            )
            for number in range(start, start + each):
                await tx.execute(
                    "INSERT INTO publication (seq, message_id, topic_arn, kind, body, at) VALUES (?, ?, ?, 'x', '', 1)",
                    number, f"m{number}", arn,
                )  # fmt: skip
                await tx.many(
                    "INSERT INTO outbox (publication_seq, target, protocol, endpoint, order_key, state, due_at)"
                    " VALUES (?, ?, 'https', 'e', ?, 'waiting', 1)",
                    [(number, target, f"{target}|") for target in targets],
                )

        await self.world.services.store.write(run)

    async def left(self, arn: str) -> tuple[int, int]:
        """How many are subscribed to a topic, and how much waits for them."""

        async def run(tx: Transaction) -> tuple[int, int]:
            subscribed = await tx.one("SELECT COUNT(*) FROM subscription WHERE topic_arn = ?", arn)
            waiting = await tx.one(WAITING, f"{arn}:%")
            assert subscribed is not None and waiting is not None
            return int(subscribed[0]), int(waiting[0])

        return await self.world.services.store.read(run)

    async def due(self) -> int:
        """How much of it could be sent now."""
        found = await self.world.services.store.read(lambda tx: outbox.due(tx, "e", now=2.0, limit=99_999))
        return len(found)

    async def names(self) -> list[str]:
        answer = await self.world.call(self.world.user, "sns", "ListTopics")
        return [one["TopicArn"].rpartition(":")[2] for one in answer["Topics"]]

    async def outcomes(self, known: list[dict[str, Any]]) -> list[str]:
        """What the audit log says since of removals of topics."""
        found = await self.world.since(known)
        return [outcome(event) for event in found if event["eventName"] == "DeleteTopic"]

    def before_write(self, number: int, act: Callable[[], Awaitable[object]]) -> None:
        """Do something before the write of that number, the first being 1."""
        before_write(self.world.services.store, number, act)


def with_topic(tmp_path: Path, function: Callable[[Topics], Awaitable[None]]) -> None:
    async def check(world: World) -> None:
        made = await world.call(world.user, "sns", "CreateTopic", Name="news")
        await function(Topics(world, made["TopicArn"]))

    with_world(tmp_path, check)


@pytest.mark.parametrize(
    ("count", "each", "begins"),
    [
        (0, 0, False),
        (AT_ONCE, 1, False),
        (AT_ONCE + 1, 0, True),
        (2 * AT_ONCE + 7, 1, True),
        (10, 230, False),
    ],
)
def test_a_topic_goes_with_all_that_is_its_own_so_many_a_write(
    tmp_path: Path, count: int, each: int, begins: bool
) -> None:
    async def check(topics: Topics) -> None:
        other = f"{topics.arn}2"
        await topics.fill(topics.arn, count, each)
        await topics.fill(other, 3, 2)
        store, known, went = topics.world.services.store, await topics.world.log(), list[int]()
        inner = store.write

        async def write(function: Any, *, is_long: bool = False) -> Any:
            before = await topics.left(topics.arn)
            done = await inner(function, is_long=is_long)
            after = await topics.left(topics.arn)
            went.append(max(before[0] - after[0], before[1] - after[1]))
            return done

        store.write = write  # type: ignore[method-assign]
        await topics.delete()
        assert await topics.due() == 3  # the first of each of the other one's subscriptions
        await drop_ended(store)
        assert max(went) <= AT_ONCE
        assert await topics.left(topics.arn) == (0, 0)
        assert await topics.left(other) == (3, 6)
        assert await topics.names() == []
        assert await topics.outcomes(known) == (["begun"] if begins else []) + ["done"]
        await topics.delete()  # one that is not there is gone already

    with_topic(tmp_path, check)


def test_a_call_that_dies_midway_is_finished_by_the_next(tmp_path: Path) -> None:
    async def check(topics: Topics) -> None:
        async def die() -> None:
            raise StoreUnavailable("gone")

        await topics.fill(topics.arn, 2 * AT_ONCE + 1, 1)
        known = await topics.world.log()
        topics.before_write(2, die)
        with pytest.raises(StoreUnavailable):
            await topics.delete()
        assert await topics.left(topics.arn) == (AT_ONCE + 1, 2 * AT_ONCE + 1)
        assert (await topics.names(), await topics.outcomes(known)) == (["news"], ["begun"])
        await topics.delete()
        assert (await topics.due(), await topics.names()) == (0, [])
        await drop_ended(topics.world.services.store)
        assert await topics.left(topics.arn) == (0, 0)
        assert await topics.outcomes(known) == ["begun", "begun", "done"]

    with_topic(tmp_path, check)


@pytest.mark.parametrize("part", [1, 2])
def test_a_permission_that_goes_midway_stops_the_removal(tmp_path: Path, part: int) -> None:
    async def check(topics: Topics) -> None:
        async def take() -> None:
            world = topics.world
            await world.call(world.root, "iam", "DeleteUserPolicy", UserName="u", PolicyName="operator")

        await topics.fill(topics.arn, 3 * AT_ONCE, 0)
        known = await topics.world.log()
        topics.before_write(part, take)
        with pytest.raises(AuthorizationError):
            await topics.delete()
        assert await topics.left(topics.arn) == ((4 - part) * AT_ONCE, 0)
        assert await topics.outcomes(known) == [*["begun"] * (part - 1), "AuthorizationError"]

    with_topic(tmp_path, check)


def test_a_topic_that_is_made_anew_midway_stays(tmp_path: Path) -> None:
    async def check(topics: Topics) -> None:
        async def anew() -> None:
            world = topics.world
            await world.call(world.root, "sns", "DeleteTopic", TopicArn=topics.arn)
            world.services.clock.advance(60.0)  # type: ignore[attr-defined]
            await world.call(world.root, "sns", "CreateTopic", Name="news")
            await topics.fill(topics.arn, 5, 0)

        await topics.fill(topics.arn, 3 * AT_ONCE, 0)
        topics.before_write(2, anew)
        await topics.delete()
        assert (await topics.left(topics.arn), await topics.names()) == ((5, 0), ["news"])

    with_topic(tmp_path, check)


@pytest.mark.parametrize(
    ("subscribed", "messages", "is_long"), [(12, 10, False), (13, 10, True), (129, 1, True)]
)
def test_a_batch_that_is_many_rows_is_written_apart(
    tmp_path: Path, subscribed: int, messages: int, is_long: bool
) -> None:
    async def check(topics: Topics) -> None:
        await topics.fill(topics.arn, subscribed, 0)
        store, written = topics.world.services.store, list[bool]()
        inner = store.write

        async def write(function: Any, *, is_long: bool = False) -> Any:
            written.append(is_long)
            return await inner(function, is_long=is_long)

        store.write = write  # type: ignore[method-assign]
        entries = [{"Id": str(number), "Message": "m"} for number in range(messages)]
        answer = await topics.world.call(
            topics.world.user, "sns", "PublishBatch", TopicArn=topics.arn, PublishBatchRequestEntries=entries
        )
        assert len(answer["Successful"]) == messages
        assert written == [is_long]

    with_topic(tmp_path, check)
