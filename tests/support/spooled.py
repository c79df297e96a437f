"""A spool on a fresh store, and messages to put into it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from sesame.db import Store, Transaction
from sesame.db.sqlite import SqliteStore
from sesame.model import MessageId, Outcome, OutcomeKind
from sesame.spool.put import SpooledMessage, put
from sesame.spool.queue import Ask, Position
from sesame.spool.spool import Claim, Claimed, Settlement, Spool
from sesame.spool.trace import Trace, trace
from sesame.store import events, message_facts
from sesame.store.decisions import DecisionText
from sesame.store.events import Stage

DELIVERED = Outcome(kind=OutcomeKind.DELIVERED, status="2.0.0", diagnostic="250 Ok")
BOUNCED = Outcome(
    kind=OutcomeKind.PERMANENT,
    status="5.1.1",
    diagnostic="550 no such user",
    remote_mta="mx.one.test",
    stage="rcpt",
)
DELAYED = Outcome(kind=OutcomeKind.TRANSIENT, status="4.7.1", diagnostic="451 later")
ACCOUNT, OWNER, REGION = "111111111111", "222222222222", "us-east-1"


def message(message_id: str = "m1", *recipients: str, at: float = 100.0, **changes: Any) -> SpooledMessage:
    """A small message, to one recipient unless others are named."""
    fields: dict[str, Any] = {
        "message_id": MessageId(message_id),
        "account_id": ACCOUNT,
        "owner_account_id": OWNER,
        "region": REGION,
        "identity": "example.com",
        "source": "a@example.com",
        "return_path": "a@example.com",
        "subject": "s",
        "tags": {},
        "decision": DecisionText(shared='{"context":{}}'),
        "accepted_at": at,
        "recipients": recipients or ("x@one.test",),
        "data": b"From: a@example.com\r\n\r\nhi\r\n",
    }
    return SpooledMessage(**fields | changes)


class Fixture:
    """A spool on a fresh store."""

    def __init__(self, store: SqliteStore) -> None:
        self.store: Store = store
        self.spool = Spool(store)
        self.position = Position()

    async def put(self, spooled: SpooledMessage) -> None:
        await self.store.write(lambda tx: put(tx, spooled))

    async def claim(
        self, holder: str = "w", *, now: float = 100.0, of: Sequence[tuple[str, int]] = ()
    ) -> list[Claim]:
        """Claim what is due of each destination in `of`, or of all, sorted by recipient."""
        return sorted(
            (await self.claimed(holder, now=now, of=of)).claims, key=lambda claim: claim.recipient_seq
        )

    async def claimed(
        self, holder: str = "w", *, now: float = 100.0, of: Sequence[tuple[str, int]] = ()
    ) -> Claimed:
        swept, _ = await self.spool.sweep(Position())
        most = dict(of)
        asks = [
            Ask(lane, 0.0, most.get(lane.domain, 1_000))
            for lane, _ in swept.lanes
            if not most or lane.domain in most
        ]
        return await self.spool.claim(asks, now=now, holder=holder, lease_s=60.0)

    async def data(self, claim: Claim) -> bytes:
        return await self.spool.body(claim)

    async def settle(
        self, claim: Claim, outcome: Outcome, *, retry_at: float | None = None, now: float = 101.0
    ) -> int:
        """Settle a claim; 0 if it was not the last one any more."""
        settled = await self.spool.settle(
            [Settlement(claim=claim, outcome=outcome, retry_at=retry_at)], at=now
        )
        return settled.recorded

    async def events(self, message_id: str = "m1") -> list[tuple[str, str | None]]:
        found = await self.store.read(lambda tx: events.of_message(tx, message_id))
        return [(event.what.value, event.recipient) for event in found]

    async def count(self, table: str) -> int:
        async def run(tx: Transaction) -> int:
            row = await tx.one(f"SELECT COUNT(*) FROM {table}")
            assert row is not None
            return int(row[0])

        return await self.store.read(run)

    async def react_to_all(self) -> int:
        """Be done with reacting to new events, as if there were nothing to do; how many they were."""

        async def run(tx: Transaction) -> int:
            found = await events.claim_stage(tx, Stage.NEW, now=1e9, lease="x", limit=100_000)
            return await events.move_on(tx, found, lease="x", to=Stage.REACTED) if found else 0

        return await self.store.write(run)

    async def tell_all(self) -> int:
        """Be done with all events, as if they had been reacted to and told; how many they were."""

        async def run(tx: Transaction) -> int:
            count = 0
            for stage in (Stage.NEW, Stage.REACTED):
                found = await events.claim_stage(tx, stage, now=1e9, lease="x", limit=100_000)
                if found:
                    count += await events.move_on(tx, found, lease="x", to=Stage.PUBLISHED)
            return count

        return await self.store.write(run)

    async def bodies(self) -> int:
        return await self.count("body")

    async def trace(self, message_id: str = "m1") -> Trace:
        found = await trace(self.store, message_id, viewer=None)
        assert found is not None
        return found


def with_spool(tmp_path: Path, function: Callable[[Fixture], Awaitable[None]]) -> None:
    """Run `function` on a fresh spool."""

    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            await function(Fixture(store))
        finally:
            store.close()

    asyncio.run(session())


async def kept_head(tx: Transaction, message_id: str) -> bytes | None:
    """The header block of a message as those who are notified get it; None of one that is not there."""
    found = await message_facts.of_messages(tx, [message_id])
    return found[message_id].head if message_id in found else None
