"""What stands in the foot of the operator's pages does what their forms do: each command is run, its acts compared."""

import html
import json
import re
import shlex
from typing import Any

import pytest

from sesame.model import SYSTEM_ACCOUNT
from tests.console.test_calls import RANDOM
from tests.support.audit_log import audit_log
from tests.support.browser import Person, operator
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import MESSAGE, TO

_PIECE = re.compile(r'aria-label="([^"]*) by the command line".*?data-copy="([^"]*)"', re.DOTALL)
SERVICES = "/operator/services"


@pytest.fixture
def person(sesame: SesameProcess) -> Person:
    return operator(sesame)


def commands(person: Person, path: str) -> dict[str, list[str]]:
    """The commands in the foot of a page, as a shell reads them."""
    foot = person.get(path).text.partition('<details class="calls">')[2]
    found = {html.unescape(title): html.unescape(text) for title, text in _PIECE.findall(foot)}
    assert found, path
    return {title: shlex.split(text) for title, text in found.items()}


class World:
    """An account of the server, and a service; `acts` are what came into the audit log since the last look."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.account: Account = sesame.create_account()
        letters = self.account.account_id.translate(str.maketrans("0123456789", "abcdefghij"))
        self.service = f"{letters}.service.example"
        self._seen: set[str] = set()
        self.acts()

    def acts(self) -> list[Any]:
        found = []
        for log in (SYSTEM_ACCOUNT, self.account.account_id):
            for row in audit_log(self.sesame, log):
                if (text := json.dumps(row)) not in self._seen:
                    self._seen.add(text)
                    found.append((row["eventName"], row["requestParameters"]))
        found = [one for one in found if "Console" not in one[0]]
        text = json.dumps(found).replace(self.account.account_id, "ACCOUNT")
        return list(json.loads(RANDOM.sub("ID", text)))


def test_an_accounts_page(sesame: SesameProcess, person: Person) -> None:
    """Production access, refused and given, a pause and its end, the quota."""
    by_form, by_command = World(sesame), World(sesame)
    for world in (by_form, by_command):
        account = world.account
        sesame.run("identity", "vouch", account.account_id, f"{account.account_id}.test", "--region", REGION)
        sesame.client("ses", account).send_email(
            Source=f"a@{account.account_id}.test", Destination=TO, Message=MESSAGE
        )
        ask = {
            "MailType": "TRANSACTIONAL",
            "WebsiteURL": "https://a.example",
            "ProductionAccessEnabled": True,
        }
        sesame.operate(world_in_sandbox(account.account_id))
        sesame.client("sesv2", account).put_account_details(**ask)
        world.acts()
    here = f"/operator/accounts/{by_form.account.account_id}"
    there = f"/operator/accounts/{by_command.account.account_id}"
    read, stored = (
        {"reason": "What the account reads"},
        {"reason": "What is stored with it", "region": REGION},
    )
    for title, path, fields in (
        ("Refuse production access", "answer", {"answer": "refuse", **read}),
        ("Give production access", "answer", {"answer": "grant", **read}),
        (f"Pause it in {REGION}", "enforce", {"became": "SHUTDOWN", **stored}),
        (f"Let it send in {REGION}", "enforce", {"became": "HEALTHY", **stored}),
        ("Set its quota", "quota", None),
    ):
        words = commands(person, there)[title]
        if fields is None:
            page = person.get(here).text
            fields = {name: _value(page, name) for name in ("daily", "rate")}
        answer = person.send(f"{here}/{path}", page=here, **fields)
        assert answer.status_code == 200, (title, answer.text)
        done = sesame.run(*words[1:])
        assert words[0] == "sesame" and done.returncode == 0, done.stderr
        acts = by_form.acts()
        assert acts and by_command.acts() == acts, title
    read_of = commands(person, there)["Read what became of its mail"]
    assert sesame.run(*read_of[1:]).returncode == 0


def world_in_sandbox(account_id: str) -> Any:
    async def run(services: Any) -> None:
        await services.store.write(
            lambda tx: tx.execute("UPDATE account SET production = 0 WHERE account_id = ?", account_id)
        )

    return run


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found, name
    return found[1]


def test_the_list_of_accounts_and_services(sesame: SesameProcess, person: Person) -> None:
    before = len(sesame.run_json("account", "list"))
    for title, words in commands(person, "/operator").items():
        assert sesame.run(*words[1:]).returncode == 0, title
    assert len(sesame.run_json("account", "list")) == before + 1
    by_form, by_command = World(sesame), World(sesame)
    words = commands(person, SERVICES)["Register one"]
    person.send(SERVICES, name=by_form.service)
    assert sesame.run(*words[1:-1], by_command.service).returncode == 0
    for world in (by_form, by_command):
        world.acts()
    for title, path, fields in (
        ("Create a key of {}", "keys", {}),
        ("Delete a key", "keys/delete", {"key": "KEY"}),
        ("Remove {}", "delete", {"name": by_form.service}),
    ):
        after = {"after": by_command.service[:-1]}
        page = f"{SERVICES}?after={after['after']}"
        found = commands(person, page)[title.format(by_command.service)]
        given = {"service": by_form.service, **fields}
        if "key" in given:
            given["key"] = next(
                one["access_keys"][0]
                for one in sesame.run_json("service", "list")
                if one["service"] == by_form.service
            )
        person.send(f"{SERVICES}/{path}", page=SERVICES, **given)
        done = sesame.run(*found[1:])
        assert done.returncode == 0, done.stderr
        both = [json.dumps(world.acts()).replace(world.service, "SERVICE") for world in (by_form, by_command)]
        assert both[0].count("Service") >= 1
        mine = [[one for one in json.loads(text) if one[1]["service"] == "SERVICE"] for text in both]
        assert mine[0] and mine[0] == mine[1], title
    assert sesame.run(*commands(person, SERVICES)["List the services"][1:]).returncode == 0


def test_the_latest_attempts_and_their_connections(sesame: SesameProcess, person: Person) -> None:
    """Those that the page is narrowed to."""
    here = "/operator/deliveries"
    for path, words in (
        (here, "deliveries list"),
        (f"{here}?kind=transient&to=slow.example", "deliveries list --result=deferred --domain=slow.example"),
        (f"{here}/connections", "deliveries connections"),
    ):
        for title, found in commands(person, path).items():
            assert found == ["sesame", *words.split()], path
            done = sesame.run(*found[1:])
            assert done.returncode == 0, (title, done.stderr)
