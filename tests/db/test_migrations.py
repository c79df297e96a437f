"""Databases of earlier versions: what they hold is found again after migrating."""

import asyncio
from pathlib import Path

from sesame.db.migrate import MIGRATIONS, statements
from sesame.db.sqlite import SqliteStore, connect
from sesame.spool.trace import trace
from sesame.store import events
from sesame.store.events import Happened, Stage
from tests.support.spooled import Fixture

BEFORE_EVENT_LOG = 32
MESSAGE = (
    "INSERT INTO message (seq, message_id, account_id, owner_account_id, region, identity, source, return_path,"
    " subject, size_bytes, tags, decision, accepted_at)"
    " VALUES (?, ?, '1', '2', 'us-east-1', 'x', 'a@x', 'a@x', '', 10, '{}',"
    ' \'{"principal":"p","checks":[]}\', 100.0)'
)
EVENT = (
    "INSERT INTO event (event_id, message_id, account_id, kind, at, recipient, detail)"
    " VALUES (?, ?, '1', ?, 1.0, ?, ?)"
)


def old_database(path: Path) -> None:
    connection = connect(path)
    connection.execute("CREATE TABLE migration (number INTEGER PRIMARY KEY)")
    for file in sorted(MIGRATIONS.glob("*.sql")):
        if (number := int(file.name.split("_")[0])) <= BEFORE_EVENT_LOG:
            for statement in statements(file.read_text()):
                connection.execute(statement)
            connection.execute("INSERT INTO migration (number) VALUES (?)", (number,))
    connection.execute(MESSAGE, (7, "sent"))
    connection.execute(MESSAGE, (8, "failed"))
    connection.execute("INSERT INTO body (message_seq, data) VALUES (7, ?)", (b"From: a@x\r\n\r\nhi\r\n",))
    recipient = (
        "INSERT INTO recipient (message_seq, n, address, domain, state, due_at)"
        " VALUES (7, ?, ?, 'one.test', ?, 1.0)"
    )
    connection.execute(recipient, (0, "a@one.test", "delivered"))
    connection.execute(recipient, (1, "b@one.test", "queued"))
    for event_id, message_id, kind, address, detail in (
        ("sent/send", "sent", "Send", None, "{}"),
        ("sent/0/1", "sent", "Delivery", "a@one.test", '{"status": "2.0.0"}'),
        ("sent/1/1", "sent", "DeliveryDelay", "b@one.test", "{}"),
        ("sent/1/1", "sent", "DeliveryDelay", "b@one.test", "{}"),  # ids were not held to be unique
        ("failed/rendering", "failed", "Rendering Failure", None, '{"errorMessage": "no name"}'),
        ("failed/0/suppressed", "failed", "Bounce", None, "{}"),
        ("gone/send", "gone", "Send", None, "{}"),
    ):
        connection.execute(EVENT, (event_id, message_id, kind, address, detail))
    connection.close()


def test_events_decisions_and_bodies_of_before_are_read(tmp_path: Path) -> None:
    old_database(tmp_path / "db")

    async def check() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            found = await store.read(lambda tx: events.of_message(tx, "sent"))
            assert [(event.event_id, event.what, event.recipient) for event in found] == [
                ("sent/send", Happened.ACCEPTED, None),
                ("sent/0/1", Happened.DELIVERED, "a@one.test"),
                ("sent/1/1", Happened.DELAYED, "b@one.test"),
            ]
            kept = await trace(store, "failed", viewer=None)
            assert kept is not None
            assert (kept.failure, kept.decision) == ("no name", '{"principal":"p","checks":[]}')
            for stage in (Stage.NEW, Stage.REACTED):
                assert await store.read(lambda tx, stage=stage: events.waiting(tx, stage)) == 0  # type: ignore[misc]
            f = Fixture(store)
            (claim,) = await f.claim(now=2.0)
            assert claim.attempts == 1
            assert await f.data(claim) == b"From: a@x\r\n\r\nhi\r\n"
        finally:
            store.close()

    asyncio.run(check())
