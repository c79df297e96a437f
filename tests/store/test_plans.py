"""What reads and writes of many rows cost: the plan of every statement of the hot paths and of the lists of sends.

At a million messages a walk over a whole table is seconds, so none of these may make one, nor sort what it found.
"""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from sesame.db import Store, Transaction
from sesame.db import sqlite as embedded
from sesame.db.sqlite import SqliteStore
from sesame.sending.accept import Acceptance, accept
from sesame.spool import attempts, control, destinations, listing, purge, trace
from sesame.spool.control import Filter
from sesame.spool.expiry import START
from sesame.spool.queue import Ask, Position
from sesame.spool.spool import Settlement, Spool
from sesame.store import (
    accounts,
    configuration_sets,
    counted,
    decisions,
    events,
    global_suppression,
    hourly,
    identities,
    identity_policies,
    identity_tallies,
    recorded_sends,
    reports,
    suppression,
    tallies,
    told,
)
from sesame.store.decisions import DecisionText
from tests.support import entries
from tests.support.reacting import react
from tests.support.spooled import ACCOUNT, BOUNCED, DELAYED, OWNER, REGION, Fixture, message
from tests.support.stored_accounts import an_account

LARGE = (
    "message",
    "message_head",
    "body",
    "recipient",
    "queue",
    "attempt",
    "event_log",
    "publication",
    "outbox",
    "refusal",
    "failed_sign_in",
    "suppressed_destination",
    "global_suppression",
    "decision_text",
    "identity",
    "identity_configuration_set",
    "tally",
    "set_tally",
    "day_tally",
    "identity_tally",
    "rated_recipient",
    "refusal_tally",
    "further_owner",
    "message_further_owner",
    "subscription",
    "console_login",
    "console_link",
    "console_share",
    "mta_sts_policy",
    "tls_result",
    "tls_report",
)
ALIASES = {
    "m": "message",
    "r": "recipient",
    "a": "attempt",
    "e": "event_log",
    "h": "message_head",
    "b": "body",
    "q": "queue",
    "i": "identity",
    "o": "further_owner",
}
SET = "newsletter"
ALONG = {
    "sent by delegates": "identity_tally_lent",
    "identities of a set": "identity_configuration_set_name",
    "an identity in all regions": "identity_name",
    "who is suppressed": "suppressed_destination_folded",
    "who is suppressed as": "suppressed_destination_folded",
    "who is suppressed for all": "global_suppression_folded",
}
"""Looks that another index would serve too, at the price of a walk over all that is an account's."""


class Recorded(embedded.SqliteTransaction):
    """Keeps the statements that are run."""

    statements: set[str]

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)

    def _run(self, sql: str, values: Any) -> sqlite3.Cursor:
        text, flat = embedded._with_lists(sql, values) if embedded.LIST in sql else (sql, values)
        self.statements.add(text)
        return super()._run(text, flat)

    async def many(self, sql: str, rows: Any) -> int:
        self.statements.add(sql)
        return await super().many(sql, rows)


Action = Callable[[Store], Awaitable[object]]


def reading(function: Callable[[Transaction], Awaitable[object]]) -> Action:
    return lambda store: store.read(function)


async def accepting(store: Store) -> None:
    acceptance = Acceptance(
        message=message("m"), epochs={"x": 0}, set_name=None, is_default=False, to_quota=1
    )
    await store.write_together(accept, acceptance)


async def delivering(store: Store) -> None:
    await accepting(store)
    spool = Spool(store)
    for now, outcome, retry_at in ((100.0, DELAYED, 200.0), (300.0, BOUNCED, None)):
        swept, _ = await spool.sweep(Position())
        asks = [Ask(lane, 0.0, 4) for lane, _ in swept.lanes]
        claims = (await spool.claim(asks, now=now, holder="w", lease_s=60.0)).claims
        assert claims
        assert await spool.renew(claims, now=now, lease_s=60.0) == []
        assert (await spool.claim_suspect(now=now, holder="w", lease_s=60.0)).claims == ()
        assert await spool.expire({}, after=START, now=9e9, life_s=9_999.0, at=now) == START
        done = [Settlement(claim=claim, outcome=outcome, retry_at=retry_at) for claim in claims]
        assert (await spool.settle(done, at=now)).recorded == 1


async def overviewing(store: Store) -> None:
    await accepting(store)
    found = await store.read(lambda tx: destinations.overview(tx, limit=50))
    assert [(one.domain, one.waiting) for one in found.destinations] == [("one.test", 1)]


async def reacting(store: Store) -> None:
    await delivering(store)
    assert await react(Fixture(cast(SqliteStore, store))) == 2  # a delay is counted as it is recorded
    await store.read(lambda tx: events.of_message(tx, "m"))


async def purging(store: Store) -> None:
    await reacting(store)
    await Fixture(cast(SqliteStore, store)).tell_all()
    await store.write(lambda tx: decisions.put_refusal(tx, REFUSAL))
    keep = purge.Retention(messages_days=1, heads_days=1, refusals_days=1)
    assert await purge.purge(store, keep, now=1e6) == 1


REFUSAL = decisions.Refusal(
    request_id="r", account_id=ACCOUNT, owner_account_id=OWNER, region=REGION, at=1.0, code="", reason="",
    decision=DecisionText(shared="{}"),
)  # fmt: skip


def key(is_message: bool) -> listing.Key:
    return listing.Key(at=5.0, is_message=is_message, seq=1)


ACTIONS: dict[str, Action] = {
    "accepting": accepting,
    "delivering": delivering,
    "reacting": reacting,
    "purging": purging,
    "newest decisions": reading(lambda tx: decisions.latest(tx, OWNER, limit=50)),
    "refusal by request": reading(lambda tx: decisions.of_request(tx, "r")),
    "refusal by request, for an owner": reading(lambda tx: decisions.of_request(tx, "r", viewer=OWNER)),
    "further owners of a refusal": reading(lambda tx: decisions.further_owners(tx, "r")),
    "what if, accepted": reading(
        lambda tx: recorded_sends.accepted(tx, OWNER, REGION, after=(5.0, 1), limit=500)
    ),
    "what if, refused": reading(
        lambda tx: recorded_sends.refused(tx, OWNER, REGION, after=(5.0, 1), limit=500)
    ),
    "what if, own": reading(
        lambda tx: recorded_sends.refused_own(tx, OWNER, REGION, after=(5.0, 1), limit=500)
    ),
    "what if, the newest accepted": reading(
        lambda tx: recorded_sends.accepted(
            tx, OWNER, REGION, after=recorded_sends.END, limit=500, newest=True
        )
    ),
    "what if, the newest refused": reading(
        lambda tx: recorded_sends.refused(tx, OWNER, REGION, after=(5.0, 1), limit=500, newest=True)
    ),
    "what if, the newest own": reading(
        lambda tx: recorded_sends.refused_own(tx, OWNER, REGION, after=(5.0, 1), limit=500, newest=True)
    ),
    "counts by delegate": reading(
        lambda tx: identity_tallies.by_delegate(tx, OWNER, "example.com", since=5.0, region=REGION)
    ),
    "console, newest": reading(lambda tx: entries.newest(tx, OWNER, after=None, limit=500)),
    "console, after a message": reading(lambda tx: entries.newest(tx, OWNER, after=key(True), limit=500)),
    "console, after a refusal": reading(lambda tx: entries.newest(tx, OWNER, after=key(False), limit=500)),
    "console, narrowed": reading(
        lambda tx: listing.sources(tx, OWNER, [key(True), key(False)], region=REGION, state="", is_lent=True)
    ),
    "console, narrowed by a state": reading(
        lambda tx: listing.sources(tx, OWNER, [key(True)], region=REGION, state="bounced", is_lent=False)
    ),
    "console, lent": reading(lambda tx: listing.uses(tx, [key(True), key(False)], region=REGION)),
    "console, to an address": reading(lambda tx: listing.to_address(tx, OWNER, "x@y", before=None, limit=50)),
    "console, to an address, next page": reading(
        lambda tx: listing.to_address(tx, OWNER, "x@y", before=9, limit=50)
    ),
    "console, refused in a day": reading(
        lambda tx: decisions.refused_since(tx, OWNER, REGION, since=5.0, limit=500, sent=True, as_owner=True)
    ),
    "console, recipients": reading(lambda tx: listing.recipients(tx, [1, 2, 3])),
    "console, sent with a set": reading(
        lambda tx: listing.sent_with(tx, OWNER, REGION, "set", look=500, limit=5)
    ),
    "console, told of messages": reading(lambda tx: told.last_of(tx, [1, 2, 3], limit=500)),
    "operator, to an address": reading(
        lambda tx: listing.to_address_of_all(tx, "x@y", before=None, limit=50)
    ),
    "operator, to an address, next page": reading(
        lambda tx: listing.to_address_of_all(tx, "x@y", before=9, limit=50)
    ),
    "operator, attempts alike": reading(lambda tx: destinations.alike(tx, [("mx", "451 later")], since=5.0)),
    "operator, attempts": reading(lambda tx: attempts.latest(tx, before=None, limit=50)),
    "operator, attempts to a domain": reading(
        lambda tx: attempts.latest(tx, before=None, limit=50, domain="x")
    ),
    "operator, attempts, next page": reading(lambda tx: attempts.latest(tx, before=9, limit=50, kind="x")),
    "operator, a destination": reading(
        lambda tx: control.list_queued(tx, Filter(domain="x"), after=9, limit=50)
    ),
    "operator, how many of a destination": reading(
        lambda tx: control.count(tx, Filter(domain="x"), most=10_001)
    ),
    "operator, how many of a message": reading(
        lambda tx: control.count(tx, Filter(message_id="m"), most=10_001)
    ),
    "operator, connections": reading(lambda tx: attempts.connections(tx, limit=50)),
    "operator, ages": reading(lambda tx: destinations.ages(tx, now=5.0)),
    "operator, destinations": overviewing,
    "report": reading(lambda tx: reports.addressee(tx, "m", 0)),
    "reports of a message": reading(lambda tx: reports.raw(tx, "m")),
    "statistics": reading(lambda tx: tallies.by_quarter(tx, OWNER, REGION, since=5.0)),
    "counts by region": reading(lambda tx: tallies.by(tx, OWNER, "region", since=5.0)),
    "sent by identity": reading(
        lambda tx: identity_tallies.by_identity(
            tx, identity_tallies.SENT_AS, OWNER, REGION, since=5.0, after=(OWNER, "x"), limit=50
        )
    ),
    "sent by delegates": reading(
        lambda tx: identity_tallies.by_identity(
            tx, identity_tallies.OF_DELEGATES, OWNER, REGION, since=5.0, after=("x", OWNER), limit=50
        )
    ),
    "sent by hour": reading(lambda tx: hourly.of_identity(tx, OWNER, REGION, "x", now=1e9, count=48)),
    "what counted": reading(lambda tx: counted.page(tx, REGION, account_id=OWNER, before=None, limit=50)),
    "what counted of an identity": reading(
        lambda tx: counted.page(
            tx, REGION, account_id=OWNER, owner_account_id=OWNER, identity="x", before=(5.0, 1, 0), limit=50
        )
    ),
    "lent by anybody": reading(
        lambda tx: identity_tallies.lendings(tx, since=5.0, after=(OWNER, REGION, "x", OWNER), limit=50)
    ),
    "lent by one": reading(
        lambda tx: identity_tallies.lendings(
            tx, since=5.0, after=(OWNER, REGION, "x", OWNER), limit=50, owner_account_id=OWNER
        )
    ),
    "lent to one": reading(lambda tx: identity_tallies.borrowings(tx, OWNER, since=5.0, limit=50)),
    "days": reading(lambda tx: tallies.daily(tx, OWNER, REGION, since=5.0, until=9e6)),
    "days of an identity": reading(
        lambda tx: tallies.daily(tx, OWNER, REGION, since=5.0, until=9e6, identity=(OWNER, "x"))
    ),
    "days of a set": reading(
        lambda tx: tallies.daily(tx, OWNER, REGION, since=5.0, until=9e6, configuration_set=SET)
    ),
    "days of an identity and a set": reading(
        lambda tx: tallies.daily(
            tx, OWNER, REGION, since=5.0, until=9e6, identity=(OWNER, "x"), configuration_set=SET
        )
    ),
    "rates": reading(lambda tx: tallies.rated_by_quarter(tx, OWNER, REGION, since=5.0)),
    "counts by set": reading(lambda tx: tallies.of_set(tx, OWNER, REGION, SET, since=5.0)),
    "sets in use": reading(lambda tx: configuration_sets.in_use(tx, OWNER, REGION, limit=50)),
    "identities of a set": reading(
        lambda tx: configuration_sets.identities_of(tx, OWNER, REGION, SET, limit=50)
    ),
    "an identity in all regions": reading(lambda tx: identities.named_of(tx, OWNER, "n5.example")),
    "identities by region": reading(lambda tx: identities.counts_by_region(tx, OWNER, most=10)),
    "what was told last": reading(lambda tx: told.of_ids(tx, ["a", "b", "c", "d"], places=6)),
    "refused by quarter": reading(lambda tx: decisions.refused_by_quarter(tx, OWNER, REGION, since=5.0)),
    "status": reading(lambda tx: accounts.status(tx, OWNER, REGION)),
    "identities in trouble": reading(lambda tx: identities.in_trouble(tx, OWNER, REGION, limit=50)),
    "who is suppressed": reading(
        lambda tx: suppression.reasons_of(tx, OWNER, REGION, ["a@x.test", "b@x.test"])
    ),
    "who is suppressed as": reading(
        lambda tx: suppression.listed_as(tx, OWNER, REGION, {"a@x.test": "BOUNCE"})
    ),
    "who is suppressed for all": reading(
        lambda tx: global_suppression.until_of(tx, ["a@x.test", "b@x.test"])
    ),
    "who is released for all": lambda store: store.write(
        lambda tx: global_suppression.remove(tx, "a@x.test")
    ),
    "first policies": reading(lambda tx: identity_policies.first(tx, OWNER, REGION, limit=50)),
    "one message": lambda store: trace.trace(store, "m", viewer=None),
    "one message, for an account": lambda store: trace.trace(store, "m", viewer=OWNER),
}


def costly(plan: list[str]) -> list[str]:
    """The steps of a plan that walk over a large table, or sort."""
    wrong = [step for step in plan if "TEMP B-TREE" in step]
    for step in plan:
        if (match := re.match(r"SCAN (\w+)", step)) and ALIASES.get(match[1], match[1]) in (*LARGE, "x"):
            wrong.append(step)
    return wrong


def statements_of(path: Path, action: Action, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Every statement that an action runs, with its plan."""
    Recorded.statements = set()
    monkeypatch.setattr(embedded, "SqliteTransaction", Recorded)

    async def session() -> dict[str, list[str]]:
        store = SqliteStore(path)
        try:
            account = an_account(ACCOUNT, max_24_hour_send=-1, max_send_rate=10)
            await store.write(lambda tx: accounts.create(tx, account))
            await action(store)
            return {sql: plan_of(store._connection, sql) for sql in Recorded.statements}
        finally:
            store.close()

    return asyncio.run(session())


def plan_of(connection: sqlite3.Connection, sql: str) -> list[str]:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?")).fetchall()
    return [row[3] for row in rows]


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_walks_over_a_table_or_sorts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = statements_of(tmp_path / "db", ACTIONS[name], monkeypatch)
    assert plans
    assert {sql: wrong for sql, plan in plans.items() if (wrong := costly(plan))} == {}


@pytest.mark.parametrize("name", ALONG)
def test_a_list_goes_along_its_own_index(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = statements_of(tmp_path / "db", ACTIONS[name], monkeypatch)
    assert any(f"INDEX {ALONG[name]} " in step for plan in plans.values() for step in plan), plans


@pytest.mark.parametrize("name", ["statistics", "counts by region"])
def test_an_accounts_counts_are_not_summed_over_its_identities(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = list(statements_of(tmp_path / "db", ACTIONS[name], monkeypatch))
    assert any(" FROM set_tally " in sql for sql in statements)
    assert not any(" FROM tally " in sql for sql in statements)


def test_the_check_sees_a_walk_and_a_sort(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    try:
        for sql in (
            "SELECT seq FROM refusal WHERE code = ?",
            "SELECT x.seq FROM message x WHERE x.account_id = ? OR x.subject = ?",
            "SELECT seq FROM message WHERE account_id = ? ORDER BY subject",
            "DELETE FROM attempt WHERE at < ?",
        ):
            assert costly(plan_of(store._connection, sql)), sql
    finally:
        store.close()
