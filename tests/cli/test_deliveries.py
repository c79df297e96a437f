"""`sesame deliveries`: the latest attempts, and how their connections were secured, as the console has them."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sesame.cli.main import main
from sesame.db.sqlite import SqliteStore
from tests.support.spooled import BOUNCED, DELAYED, DELIVERED, Fixture, message

SECURED = "TLSv1.3, the certificate's name was not checked"
IN_CLEAR = "in clear: it offers no STARTTLS"
REFUSED = "refused: certificate has expired"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with five attempts to three domains, at 101 and 102 s."""
    data = tmp_path / "data"
    assert main(["account", "create", "--data", str(data)]) == 0
    store = SqliteStore(data / "sesame.db")
    by_address = {
        "a@one.test": replace(DELIVERED, tls="TLSv1.3", tls_verdict=SECURED, remote_mta="mx.one.test"),
        "b@one.test": replace(DELIVERED, tls_verdict=IN_CLEAR),
        "c@one.test": replace(BOUNCED, tls="TLSv1.3", tls_verdict=SECURED),
        "d@two.test": replace(DELAYED, tls_verdict=REFUSED),
        "e@three.test": DELAYED,
    }

    async def run() -> None:
        spool = Fixture(store)
        await spool.put(message("m1", *by_address))
        claims = await spool.claim()
        assert len(claims) == len(by_address)
        for claim in claims:
            later = claim.address == "c@one.test"
            await spool.settle(claim, by_address[claim.address], now=102.0 if later else 101.0)

    try:
        asyncio.run(run())
    finally:
        store.close()
    return data


def deliveries(data: Path, capsys: pytest.CaptureFixture[str], *args: str) -> str:
    capsys.readouterr()
    assert main(["deliveries", *args, "--data", str(data)]) == 0
    return capsys.readouterr().out


def read(data: Path, capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    return json.loads(deliveries(data, capsys, *args, "--json"))


def test_connections_are_told_by_destination(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An attempt that reached no server has no connection to tell of."""
    assert read(data, capsys, "connections") == {
        "attempts": 5,
        "destinations": [
            {
                "domain": "one.test",
                "connections": 3,
                "in_clear": 1,
                "refused": 0,
                "ways": [
                    {"secured": SECURED, "connections": 2, "last_at": 102.0},
                    {"secured": IN_CLEAR, "connections": 1, "last_at": 101.0},
                ],
            },
            {
                "domain": "two.test",
                "connections": 1,
                "in_clear": 0,
                "refused": 1,
                "ways": [{"secured": REFUSED, "connections": 1, "last_at": 101.0}],
            },
        ],
    }  # fmt: skip
    assert deliveries(data, capsys, "connections").splitlines() == [
        "Of 4 connections among the newest 5 attempts, 2 used TLS, 1 went in clear and 1 was given up because TLS was"
        " not good enough.",
        "",
        "DESTINATION  CONNECTIONS  LAST                  HOW THEY WERE SECURED",
        f"one.test     2            1970-01-01 00:01:42Z  {SECURED}",
        f"one.test     1            1970-01-01 00:01:41Z  {IN_CLEAR}",
        f"two.test     1            1970-01-01 00:01:41Z  {REFUSED}",
    ]


def test_the_destinations_with_most_connections_come_first_and_alone_where_asked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = read(data, capsys, "connections", "--limit", "1")
    assert [one["domain"] for one in found["destinations"]] == ["one.test"]
    assert "Of 3 connections" in deliveries(data, capsys, "connections", "--limit", "1")


def test_attempts_are_listed_newest_first_and_by_what_came_of_them(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = read(data, capsys, "list", "--limit", "1")
    assert [(one["address"], one["result"]) for one in newest] == [("e@three.test", "deferred")]
    rejected = read(data, capsys, "list", "--result", "rejected")
    assert rejected == [
        {
            "at": 102.0,
            "result": "rejected",
            "status": "5.1.1",
            "diagnostic": "550 no such user",
            "remote_mta": "mx.one.test",
            "remote_ip": None,
            "tls": "TLSv1.3",
            "tls_verdict": SECURED,
            "address": "c@one.test",
            "domain": "one.test",
            "message_id": "m1",
            "account_id": "111111111111",
        }
    ]
    to_one = read(data, capsys, "list", "--domain", "ONE.test.")
    assert {one["address"] for one in to_one} == {"a@one.test", "b@one.test", "c@one.test"}
    printed = deliveries(data, capsys, "list", "--domain", "two.test")
    headings = "WHEN  RESULT  TO  SERVER  CONNECTION  SAID  MESSAGE"
    assert re.sub(" +", "  ", printed.splitlines()[0]) == headings
    assert all(text in printed for text in (REFUSED, "451 later", "m1")), printed


def test_before_the_first_attempt_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    assert main(["account", "create", "--data", str(data)]) == 0
    assert deliveries(data, capsys, "connections") == "No connection has been made yet.\n"
    assert deliveries(data, capsys, "list") == "No delivery has been attempted.\n"
    assert read(data, capsys, "connections") == {"attempts": 0, "destinations": []}
    assert read(data, capsys, "list") == []
