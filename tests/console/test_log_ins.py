"""The operator's page of log-ins that failed: every door, by network and name, and who has to wait."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.support.browser import Person, operator, words
from tests.support.process import REGION, Account, SesameProcess, running
from tests.support.submission import connected

PAGE = "/operator/log-ins"
PASSWORD = "Correct-horse-1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SesameProcess]:
    """A server of its own, so that nobody else's failures are among these."""
    soon = {
        "SESAME_SUBMISSION__FAILURE_DELAY_S": "0.01",
        "SESAME_CONSOLE__PASSWORD_MEMORY_KIB": "64",
        "SESAME_API__REQUESTS_PER_SECOND": "0.001",
    }
    with running(tmp_path / "data", **soon) as process:
        yield process


def fail_by_smtp(server: SesameProcess, name: str, times: int) -> None:
    given = base64.b64encode(f"\0{name}\0wrong".encode()).decode()
    for _ in range(times):
        with connected(server) as client:
            client.ehlo()
            assert client.docmd("AUTH", f"PLAIN {given}")[0] in (535, 454)


def fail_by_api(server: SesameProcess, key: str) -> None:
    with pytest.raises(ClientError):
        server.client("sts", Account("", key, "wrong")).get_caller_identity()


def test_every_door_is_counted_and_who_must_wait_is_shown(server: SesameProcess) -> None:
    person = operator(server)
    page = words(person.get(PAGE).text)
    assert "Nobody has failed to log in" in page
    account = server.create_account()
    fail_by_smtp(server, account.access_key_id, 11)
    fail_by_api(server, account.access_key_id)
    fail_by_api(server, "AKIAIOSFODNN7EXAMPLE")
    stranger = Person(server.console)
    for _ in range(11):
        stranger.send("/login", account=account.account_id, user="nobody", password="wrong")
    throttled = server.client("ses", account)
    throttled.get_send_quota()
    with pytest.raises(ClientError, match="Throttling"):
        throttled.get_send_quota()
    page = words(person.get(PAGE).text)
    assert "24 log-ins failed" in page
    assert "from 1 network" in page
    assert f"SMTP user, from there {account.access_key_id}, 127.0.0.1" in page
    assert "console network 127.0.0.1" in page
    assert f"console user {account.account_id}/nobody" in page
    assert f"API account {account.account_id}, GetSendQuota in {REGION}" in page
    assert f"{account.access_key_id} of account {account.account_id} 12 API, SMTP" in page
    assert "AKIAIOSFODNN7EXAMPLE 1 API" in page
    assert f"{account.account_id}/nobody 11 console" in page
    assert "24 log-ins failed" not in words(person.get(f"{PAGE}?before=100").text)


def test_the_command_line_shows_the_same_after_a_restart(server: SesameProcess) -> None:
    fail_by_api(server, "AKIAIOSFODNN7RESTART")
    server.stop()
    server.start()
    found = server.run_json("log-ins")
    names = {one["of"]: one for one in found["names"]}
    assert names["AKIAIOSFODNN7RESTART"]["failures"] == 1
    assert names["AKIAIOSFODNN7RESTART"]["others"] == ["127.0.0.1"]
    assert "AKIAIOSFODNN7RESTART" in words(operator(server).get(PAGE).text)
    assert "NETWORK" in server.run("log-ins").stdout


def test_what_was_tried_as_a_name_is_text(server: SesameProcess) -> None:
    stranger = Person(server.console)
    stranger.send("/login", account="<script>alert(1)</script>", user="\u202eanna", password="x")
    page = operator(server).get(PAGE).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "", "0"])
def test_a_time_that_is_none_is_taken_for_now_or_shows_nothing(server: SesameProcess, before: str) -> None:
    assert operator(server).get(PAGE, params={"before": before}).status_code == 200
