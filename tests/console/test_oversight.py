"""The operator's settings, services and audit log."""

import json
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sesame.model import SYSTEM_ACCOUNT
from tests.support.browser import Person, operator, words
from tests.support.process import REGION, Account, SesameProcess, running, wait_until
from tests.support.submission import logged_in
from tests.support.tenant import Tenant


@pytest.fixture
def person(sesame: SesameProcess) -> Person:
    return operator(sesame)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SesameProcess]:
    """A server whose database and settings the test may spoil: no other sees it."""
    with running(
        tmp_path / "data",
        SESAME_AUDIT__HEADS_FILE=str(tmp_path / "heads"),
        SESAME_AUDIT__HEADS_EVERY_S="0.1",
    ) as process:
        yield process


def test_settings_are_shown_with_their_sources_as_the_command_line_does(
    sesame: SesameProcess, person: Person
) -> None:
    page = words(person.get("/operator/settings").text)
    shown = sesame.run_json("config", "show", "--sources")
    assert f"of {len(shown)} settings are set" in page
    assert "submission.failure_delay_s 0.05 SESAME_SUBMISSION__FAILURE_DELAY_S" in page
    assert "mailbox.enabled true development profile" in page
    assert "api.clock_skew_s 900" in page
    for name, one in shown.items():
        assert name in page
        if one["source"] != "default" and not name.endswith("port"):
            assert one["source"] in page
    assert sesame.run_json("config", "show")["api"]["clock_skew_s"] == 900


def test_a_change_that_waits_for_a_restart_is_told(tmp_path: Path) -> None:
    file = tmp_path / "sesame.toml"
    before = '[api]\nport = 0\n[dns]\nresolver = "local"\n[console]\nenabled = true\nport = 0\n[health]\nport = 0\n'
    file.write_text(before)
    server = SesameProcess(tmp_path / "data", config=file).start()
    try:
        person = operator(server)
        assert "waits for a restart" not in person.get("/operator/settings").text
        changed = before.replace("[dns]", "clock_skew_s = 600\n[dns]")
        file.write_text(f"retention_days = 7\n{changed}[audit]\nretention_days = 30\n")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGHUP)

        def told() -> str:
            page = words(person.get("/operator/settings").text)
            return page if "waits for a restart" in page else ""

        page = wait_until(told)
        assert "1 change waits for a restart: audit.retention_days" in page
        assert f"api.clock_skew_s 600 {file}" in page
        assert f"retention_days 7 {file}" in page
    finally:
        server.stop()


def test_services_show_when_each_key_was_used(sesame: SesameProcess, tenant: Tenant, person: Person) -> None:
    service = f"codes{tenant.account.account_id}.service.example"  # the page shows those of other tests too
    keys = sesame.run_json("service", "create", service)
    page = words(person.get("/operator/services").text)
    assert f"{keys['access_key_id']} never" in page
    client = sesame.client("ses", Account("", keys["access_key_id"], keys["secret_access_key"]))
    account = tenant.account.account_id

    def add(request: object, **_: object) -> None:
        request.headers["x-amz-source-account"] = account  # type: ignore[attr-defined]

    client.meta.events.register("before-sign.*.*", add)
    with pytest.raises(client.exceptions.ClientError):
        client.list_identities()

    def used() -> str:
        found = words(person.get("/operator/services").text)
        told = rf"{keys['access_key_id']} \S+ UTC by the API in {REGION}"
        return found if re.search(told, found) else ""

    assert service in wait_until(used)
    with logged_in(sesame, tenant.account):
        pass
    second = sesame.run_json("service", "add-key", service)["access_key_id"]
    assert f"{second} never" in words(person.get("/operator/services").text)
    sesame.run("service", "delete", service)
    assert service not in person.get("/operator/services").text


def test_the_audit_log_is_verified_by_a_form_alone(own: SesameProcess) -> None:
    account = own.create_account().account_id
    person = operator(own)
    page = words(person.get("/operator/audit").text)
    assert "not verified yet" in page
    assert f"{account} 1" in page
    assert "Last export never" in page
    exported = own.run("audit", "export", account).stdout.splitlines()
    answer = person.send("/operator/audit", page="/operator/audit")
    page = words(answer.text)
    assert "The audit log is whole" in page
    assert "Verified up to" in page
    assert "row 1" in page
    assert f"{len(exported)} row of account {account}" in page
    rows = words(person.get(f"/operator/audit?account={account}").text)
    assert f"What was done in account {account}" in rows
    assert "CreateAccount" in rows
    assert "ConsoleLogin" in words(person.get("/operator/audit").text)


def test_a_row_that_was_altered_is_found(own: SesameProcess) -> None:
    account = own.create_account().account_id
    person = operator(own)
    with sqlite3.connect(own.data / "sesame.db") as connection:
        body = json.loads(
            connection.execute("SELECT body FROM audit_row WHERE account_id = ?", (account,)).fetchone()[0]
        )
        body["eventName"] = "<b>Nothing</b>"
        connection.execute("UPDATE audit_row SET body = ? WHERE account_id = ?", (json.dumps(body), account))
    answer = person.send("/operator/audit", page="/operator/audit")
    assert "The audit log is broken" in words(answer.text)
    assert f"account {account}" in words(answer.text)
    assert "<b>Nothing" not in person.get(f"/operator/audit?account={account}").text


@pytest.mark.parametrize("query", ["account=x", "account=%27", "before=x", f"before={'9' * 30}", "after=zzz"])
def test_what_is_not_an_account_or_a_row_shows_nothing(person: Person, query: str) -> None:
    assert person.get(f"/operator/audit?{query}").status_code == 200


def test_heads_that_cannot_be_read_are_told(own: SesameProcess) -> None:
    person = operator(own)
    assert SYSTEM_ACCOUNT in person.get("/operator/audit").text
    heads = own.data.parent / "heads"
    wait_until(heads.exists)
    with heads.open("a") as file:
        file.write("not a head\n")
    answer = person.send("/operator/audit", page="/operator/audit")
    assert answer.status_code == 503
    assert "is not a head" in words(answer.text)
