"""Retention: what goes, what stays, and how much one write may do."""

from pathlib import Path
from typing import Any

from sesame.spool.purge import OUT_OF_ORDER_S, ROWS, Retention, purge
from sesame.spool.spool import Settlement
from sesame.spool.trace import trace
from sesame.store import decisions
from sesame.store.decisions import DecisionText
from tests.support.spooled import BOUNCED, DELAYED, DELIVERED, Fixture, message, with_spool

DAY = 86_400.0
NOW = 20 * DAY
KEEP = Retention(messages_days=14, heads_days=3, refusals_days=7)


async def deliver_all(f: Fixture, *, but: str = "") -> None:
    claims = [claim for claim in await f.claim(now=NOW) if claim.message_id != but]
    outcomes = [Settlement(claim=claim, outcome=DELIVERED, retry_at=None) for claim in claims]
    await f.spool.settle(outcomes, at=NOW)
    await f.tell_all()


def test_purging_leaves_what_is_still_queued_and_what_is_not_old(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("old-done", at=DAY))
        await f.put(message("old-queued", "q@one.test", at=DAY))
        await f.put(message("new-done", "n@one.test", at=NOW - 14 * DAY))
        await deliver_all(f, but="old-queued")
        assert await purge(f.store, KEEP, now=NOW) == 1
        assert await trace(f.store, "old-done", viewer=None) is None
        assert (await f.trace("old-queued")).recipients[0].state == "queued"
        assert (await f.trace("new-done")).recipients[0].state == "delivered"
        assert await purge(f.store, KEEP, now=NOW) == 0
        (claim,) = await f.claim("later", now=NOW + 60)
        assert await f.data(claim) == message().data

    with_spool(tmp_path, check)


def test_an_event_that_is_not_told_keeps_its_message(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", at=DAY))
        (claim,) = await f.claim(now=NOW)
        await f.settle(claim, BOUNCED, now=NOW)
        assert await purge(f.store, KEEP, now=NOW) == 0
        await f.react_to_all()
        assert await purge(f.store, KEEP, now=NOW) == 0

        assert await f.tell_all() == 2
        assert await purge(f.store, KEEP, now=NOW) == 1
        assert [await f.count(table) for table in TABLES] == [0] * len(TABLES)

    with_spool(tmp_path, check)


TABLES = ("message", "message_head", "body", "recipient", "attempt", "event_log")


class CountingStore:
    """Counts the rows that each write changes."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.read = store.read
        self.changes: list[int] = []

    async def write(self, function: Any, *, is_long: bool = False) -> Any:
        before = self._store._connection.total_changes
        result = await self._store.write(function, is_long=is_long)
        self.changes.append(self._store._connection.total_changes - before)
        return result


def test_no_write_drops_more_rows_than_it_may(tmp_path: Path) -> None:
    """Nor for messages to fifty recipients with many attempts, of which one alone has more."""

    async def check(f: Fixture) -> None:
        for number in range(30):
            await f.put(message(f"s{number}", at=DAY))
        await f.put(message("large", *(f"r{n}@one.test" for n in range(50)), at=DAY))
        for attempt in range(14):
            now = NOW + attempt * 100
            claims = await f.claim(now=now)
            outcomes = [Settlement(claim=claim, outcome=DELAYED, retry_at=now + 90.0) for claim in claims]
            await f.spool.settle(outcomes, at=now)
        claims = await f.claim(now=NOW + 9_000)
        outcomes = [Settlement(claim=claim, outcome=DELIVERED, retry_at=None) for claim in claims]
        await f.spool.settle(outcomes, at=NOW + 9_001)
        await f.tell_all()
        counting: Any = CountingStore(f.store)
        assert await purge(counting, KEEP, now=NOW + 9_100) == 31
        assert max(counting.changes) <= ROWS
        assert sum(counting.changes) > 2 * 14 * 80
        assert [await f.count(table) for table in TABLES] == [0] * len(TABLES)

    with_spool(tmp_path, check)


def test_messages_that_came_in_out_of_order_are_found(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        edge = NOW - 14 * DAY
        for number in range(300):
            late = number % 2 * (OUT_OF_ORDER_S - 100)
            await f.put(message(f"m{number}", f"r{number}@one.test", at=edge - 50 + late))
        for _ in range(3):
            await deliver_all(f)
        assert await purge(f.store, KEEP, now=NOW) == 150

    with_spool(tmp_path, check)


def test_heads_go_earlier_than_their_messages(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("done", at=NOW - 4 * DAY))
        await f.put(message("new", at=NOW - 2 * DAY))
        await deliver_all(f)
        assert await purge(f.store, KEEP, now=NOW) == 0
        kept = await f.store.read(
            lambda tx: tx.all(
                "SELECT m.message_id FROM message_head h JOIN message m ON m.seq = h.message_seq ORDER BY m.seq"
            )
        )
        assert [row[0] for row in kept] == ["new"]

    with_spool(tmp_path, check)


def refusal(at: float, request_id: str = "r", account_id: str = "111111111111") -> decisions.Refusal:
    return decisions.Refusal(
        request_id=request_id,
        account_id=account_id,
        owner_account_id=None,
        region="us-east-1",
        at=at,
        code="AccessDenied",
        reason="",
        decision=DecisionText(shared='{"a":1,"context":{"k":"v"}}', own='{"ses:Recipients":["x@one.test"]}'),
    )


def test_the_text_of_a_decision_stays_as_long_as_anything_that_was_decided_so(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        shared = DecisionText(shared='{"b":1,"context":{}}')
        await f.put(message("queued", at=DAY, decision=shared))
        await f.put(message("done", at=10 * DAY, decision=shared))
        await f.store.write(lambda tx: decisions.put_refusal(tx, refusal(8 * DAY, "old")))
        await f.store.write(lambda tx: decisions.put_refusal(tx, refusal(NOW - DAY, "new")))
        assert await f.count("decision_text") == 4
        await deliver_all(f, but="queued")
        await purge(f.store, KEEP, now=NOW)
        assert await f.count("refusal") == 1
        assert (await f.trace("queued")).decision == '{"b":1,"context":{}}'
        (claim,) = await f.claim("later", now=NOW + 100)
        assert claim.attempts == 2
        await f.settle(claim, DELIVERED, now=NOW + 100)
        await f.tell_all()
        assert await purge(f.store, KEEP, now=NOW + 200) == 1
        assert (await f.trace("done")).decision == '{"b":1,"context":{}}'
        assert await f.count("decision_text") == 2  # of the day of `done` and after
        found = await f.store.read(lambda tx: decisions.of_request(tx, "new"))
        assert [one.decision for one in found] == [
            '{"a":1,"context":{"k":"v","ses:Recipients":["x@one.test"]}}'
        ]

    with_spool(tmp_path, check)
