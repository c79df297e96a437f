"""`sesame queue`: what it changes is done, and told in the audit log under the operator's name."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sesame.cli.main import main
from sesame.db.sqlite import SqliteStore
from sesame.model import SYSTEM_ACCOUNT
from sesame.store.decisions import DecisionText
from tests.support.spooled import Fixture, message


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory in which one message waits for two recipients."""
    data = tmp_path / "data"
    assert main(["account", "create", "--data", str(data)]) == 0
    store = SqliteStore(data / "sesame.db")
    try:
        decided = DecisionText(shared='{"principal": "-", "checks": []}')
        asyncio.run(Fixture(store).put(message("m1", "a@one.test", "b@two.test", decision=decided)))
    finally:
        store.close()
    return data


def audited(data: Path) -> list[tuple[str, Any, Any]]:
    """What the operator did to the queue: its name, with what, and what came of it."""
    with sqlite3.connect(data / "sesame.db") as database:
        rows = database.execute(
            "SELECT body FROM audit_row WHERE account_id = ? ORDER BY seq", (SYSTEM_ACCOUNT,)
        ).fetchall()
    records = [json.loads(body) for (body,) in rows]
    assert {record["userIdentity"]["type"] for record in records} <= {"Operator"}
    return [
        (record["eventName"], record["requestParameters"], record.get("responseElements"))
        for record in records
    ]


def test_each_change_has_its_audit_row_and_what_changes_nothing_has_none(data: Path) -> None:
    def queue(*args: str) -> int:
        return main(["queue", *args, "--data", str(data)])

    assert queue("hold", "--domain", "one.test", "--reason", "odd") == 0
    assert queue("hold", "--domain", "one.test") == 1
    assert queue("release", "m1") == 0
    assert queue("retry", "m1") == 0
    assert queue("cancel", "m1") == 0
    assert queue("cancel", "m1") == 1
    domain, by_id = {"domain": "one.test"}, {"message_id": "m1"}
    assert audited(data) == [
        ("HoldDelivery", {"filter": domain, "reason": "odd"}, {"recipients": 1}),
        ("ReleaseDelivery", {"filter": by_id, "reason": ""}, {"recipients": 1}),
        ("RetryDelivery", {"filter": by_id, "reason": ""}, {"recipients": 2}),
        ("CancelDelivery", {"filter": by_id, "reason": ""}, {"recipients": 2}),
    ]
    assert main(["audit", "verify", "--data", str(data)]) == 0


def test_pauses_are_audited_too(data: Path) -> None:
    assert main(["queue", "pause", "one.test", "--reason", "asked us to", "--data", str(data)]) == 0
    assert main(["queue", "resume", "one.test", "--data", str(data)]) == 0
    assert main(["queue", "resume", "one.test", "--data", str(data)]) == 1
    assert [(name, told) for name, told, _ in audited(data)] == [
        ("PauseDestination", {"domain": "one.test", "reason": "asked us to"}),
        ("ResumeDestination", {"domain": "one.test"}),
    ]


def test_nothing_is_changed_without_a_filter(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "cancel", "--data", str(data)]) == 2
    assert "`--all`" in capsys.readouterr().err
    assert audited(data) == []


def test_mail_to_a_paused_destination_is_said_to_wait_for_the_operator(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not for an attempt at a time that has passed; the mail beside it waits as before."""
    assert main(["queue", "pause", "one.test", "--reason", "asked us to", "--data", str(data)]) == 0
    for reader in ("sender", "operator"):
        capsys.readouterr()
        assert main(["trace", "m1", "--as", reader, "--data", str(data)]) == 0
        told = capsys.readouterr().out
        assert "a@one.test: queued\n    SA603 the operator lets nothing go to `one.test` for now" in told
        assert "fix: the operator runs `sesame queue resume one.test`" in told
        assert "b@two.test: queued, next attempt" in told
    assert main(["queue", "show", "m1", "--data", str(data)]) == 0
    assert "a@one.test: paused, 0 attempts" in capsys.readouterr().out
    assert main(["queue", "resume", "one.test", "--data", str(data)]) == 0
    assert main(["trace", "m1", "--data", str(data)]) == 0
    assert "SA603" not in capsys.readouterr().out
