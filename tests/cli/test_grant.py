"""`sesame grant`: what the operator sets for an owner holds, is shown, and is told in the owner's audit log."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sesame.cli.main import main
from sesame.db.sqlite import SqliteStore
from tests.support.spooled import Fixture, message

DELEGATE = "222222222222"


@pytest.fixture
def owner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """An owner of one.test, in the data directory of the test."""
    assert main(["account", "create", "--json", "--data", str(tmp_path)]) == 0
    account_id = str(json.loads(capsys.readouterr().out)["account_id"])
    vouch = ["identity", "vouch", account_id, "one.test", "--region", "us-east-1", "--data", str(tmp_path)]
    assert main(vouch) == 0
    capsys.readouterr()
    return account_id


class Grant:
    """The command, on the data directory of the test."""

    def __init__(self, data: Path, owner: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self.owner, self.capsys = data, owner, capsys

    def run(self, verb: str, *options: str, identity: str = "one.test") -> int:
        key = [] if verb == "list" else [identity, DELEGATE, "--region", "us-east-1"]
        return main(["grant", verb, self.owner, *key, *options, "--data", str(self.data)])

    def told(self, verb: str, *options: str) -> Any:
        self.capsys.readouterr()
        assert self.run(verb, *options, "--json") == 0
        return json.loads(self.capsys.readouterr().out)


@pytest.fixture
def grant(tmp_path: Path, owner: str, capsys: pytest.CaptureFixture[str]) -> Grant:
    return Grant(tmp_path, owner, capsys)


def test_what_is_set_is_shown_paused_resumed_and_removed(grant: Grant) -> None:
    put = grant.told("put", "--messages-per-day", "0", "--bytes-per-day", "9", "--expires", "2035-01-31")
    assert (put["messages_per_day"], put["bytes_per_day"], put["expires_at"]) == (0, 9, 2053814400.0)
    assert (put["recipients_per_day"], put["from_addresses"]) == (None, [])
    assert grant.told("pause", "--reason", "odd")["pause_reason"] == "odd"
    (shown,) = grant.told("list")
    assert shown["paused_at"] is not None and shown["bytes_per_day"] == 9
    assert grant.told("resume") == {"released": 0}
    assert grant.run("list") == 0
    assert "0 messages (0), 9 bytes (0)" in grant.capsys.readouterr().out
    assert grant.told("remove") == {"released": 0}
    assert grant.told("list") == []
    with sqlite3.connect(grant.data / "sesame.db") as database:
        rows = database.execute(
            "SELECT body FROM audit_row WHERE account_id = ? ORDER BY seq", (grant.owner,)
        )
        told = [json.loads(body) for (body,) in rows]
    changes = {row["eventName"]: row["requestParameters"] for row in told}
    assert changes["PutDelegateBounds"] == {
        "identity": "one.test",
        "delegate": DELEGATE,
        "messages_per_day": 0,
        "bytes_per_day": 9,
        "expires": 2053814400.0,
    }
    assert {"PauseDelegate", "ResumeDelegate", "DeleteDelegateBounds"} <= changes.keys()


@pytest.mark.parametrize(
    ("verb", "options", "identity", "code", "said"),
    [
        ("put", (), "one.test", 78, "name a cap or a date"),
        ("put", ("--messages-per-second", "0"), "one.test", 78, "at least 1"),
        ("put", ("--messages-per-day", "-1"), "one.test", 2, "messages-per-day"),
        ("put", ("--expires", "tomorrow"), "one.test", 2, "not a date"),
        ("put", ("--expires", "2035-02-31"), "one.test", 2, "not a date"),
        ("put", ("--messages-per-day", "1"), "else.test", 1, "Identity else.test does not exist."),
        ("change", (), "one.test", 78, "name a cap or a date"),
        ("change", ("--messages-per-second", "0"), "one.test", 78, "at least 1"),
        ("change", ("--messages-per-day", "nil"), "one.test", 2, "messages-per-day"),
        ("change", ("--expires", "tomorrow"), "one.test", 2, "not a date"),
        ("change", ("--messages-per-day", "1"), "else.test", 1, "Identity else.test does not exist."),
        ("change", ("--messages-per-day", "none"), "*", 1, "There are no bounds"),
        ("put", ("--messages-per-day", "none"), "one.test", 2, "messages-per-day"),
        ("resume", (), "one.test", 1, "There are no bounds"),
        ("remove", (), "*", 1, "There are no bounds"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    grant: Grant, verb: str, options: tuple[str, ...], identity: str, code: int, said: str
) -> None:
    assert grant.run(verb, *options, identity=identity) == code
    assert said in grant.capsys.readouterr().err


def test_a_change_is_of_what_is_named_alone_and_is_in_the_owners_audit_log(grant: Grant) -> None:
    caps = ("--messages-per-day", "1", "--recipients-per-day", "2", "--bytes-per-day", "3")
    kept = grant.told("put", *caps, "--expires", "2035-01-31")
    kept |= {"pause_reason": "odd", "paused_at": grant.told("pause", "--reason", "odd")["paused_at"]}
    for options, changed in (
        (("--messages-per-day", "7"), {"messages_per_day": 7}),
        (("--expires", "2036-01-31T12:00:00Z"), {"expires_at": 2085393600.0}),
        (("--bytes-per-day", "none", "--messages-per-second", "4"), {"bytes_per_day": None, "messages_per_second": 4}),
        (("--expires", "none"), {"expires_at": None}),
        (("--recipients-per-day", "0"), {"recipients_per_day": 0}),
    ):  # fmt: skip
        kept |= changed
        found = grant.told("change", *options)
        assert {**found, "updated_at": 0} == {**kept, "updated_at": 0}
    with sqlite3.connect(grant.data / "sesame.db") as database:
        rows = database.execute(
            "SELECT body FROM audit_row WHERE account_id = ? ORDER BY seq", (grant.owner,)
        )
        told = [json.loads(body) for (body,) in rows]
    asked = [row["requestParameters"] for row in told if row["eventName"] == "ChangeDelegateBounds"]
    key = {"identity": "one.test", "delegate": DELEGATE}
    assert asked[0] == {**key, "messages_per_day": 7}
    assert asked[2] == {**key, "bytes_per_day": "none", "messages_per_second": 4}
    assert len(asked) == 5


def test_a_change_where_nothing_is_bounded_yet_sets_what_is_named(grant: Grant) -> None:
    """So one command is right whether there are bounds or not, and takes none away."""
    made = grant.told("change", "--messages-per-day", "7", "--recipients-per-day", "none")
    assert (made["messages_per_day"], made["recipients_per_day"], made["expires_at"]) == (7, None, None)
    changed = grant.told("change", "--expires", "2035-01-31")
    assert (changed["messages_per_day"], changed["expires_at"]) == (7, made_at("2035-01-31"))


def made_at(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def test_what_a_delegate_has_queued_is_cancelled(grant: Grant) -> None:
    store = SqliteStore(grant.data / "sesame.db")
    try:
        theirs = message(
            "m1", "a@one.test", account_id=DELEGATE, owner_account_id=grant.owner, identity="one.test"
        )
        asyncio.run(Fixture(store).put(theirs))
    finally:
        store.close()
    assert grant.told("cancel", "--reason", "sent by mistake") == {"count": 1, "under_way": 0}
    assert grant.run("cancel") == 1
