"""Services that send on behalf of accounts, registered and removed in the browser."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.model import SYSTEM_ACCOUNT
from tests.console.test_hostile_newer import twice, wrong_in
from tests.support.audit_log import audit_log
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import Account, SesameProcess
from tests.support.tenant import Tenant

PAGE = "/operator/services"
_SECRET = re.compile(r'data-copy="(AKIA[A-Z0-9]{16})".*?data-copy="([^"]{30,})"', re.DOTALL)


@pytest.fixture
def person(sesame: SesameProcess) -> Person:
    return operator(sesame)


@pytest.fixture
def name(tenant: Tenant) -> str:
    return f"s{tenant.account.account_id}.service.example"


def keys_in(page: str) -> Account:
    found = _SECRET.search(page.partition("shown only once")[2])
    assert found, words(page)
    return Account("", found[1], found[2])


def stored(sesame: SesameProcess, name: str) -> list[str] | None:
    found = [one for one in sesame.run_json("service", "list") if one["service"] == name]
    return found[0]["access_keys"] if found else None


def acts(sesame: SesameProcess) -> list[tuple[str, Any]]:
    rows = audit_log(sesame, SYSTEM_ACCOUNT)
    return [
        (row["eventName"], row["requestParameters"])
        for row in rows
        if row["eventSource"] == "console.sesame" and "Service" in row["eventName"]
    ]


def as_service(sesame: SesameProcess, keys: Account, account_id: str) -> str:
    """What a call of a service comes to."""
    client = sesame.client("ses", keys)

    def act_for(request: Any, **_: Any) -> None:
        request.headers["x-amz-source-account"] = account_id

    client.meta.events.register("before-sign.*.*", act_for)
    try:
        client.list_identities()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_service_is_registered_given_another_key_and_removed(
    sesame: SesameProcess, tenant: Tenant, person: Person, name: str
) -> None:
    """Each key is one that the API knows, until it is deleted; each step is audited with who did it."""
    account_id = tenant.account.account_id
    first = keys_in(person.send(PAGE, name=name).text)
    assert as_service(sesame, first, account_id) == "AccessDenied", "known, and without any permission"
    second = keys_in(person.send(f"{PAGE}/keys", page=PAGE, service=name).text)
    assert sorted(stored(sesame, name) or ()) == sorted([first.access_key_id, second.access_key_id])
    full = person.send(f"{PAGE}/keys", page=PAGE, service=name)
    assert full.status_code == 400 and "has 2 keys, the most it can have" in words(full.text)
    fields = {"service": name, "key": first.access_key_id}
    assert "It is deleted" in words(person.send(f"{PAGE}/keys/delete", page=PAGE, **fields).text)
    assert as_service(sesame, first, account_id) == "InvalidClientTokenId"
    assert as_service(sesame, second, account_id) == "AccessDenied"
    wrong = person.send(f"{PAGE}/delete", page=PAGE, service=name, name="other")
    assert wrong.status_code == 400 and stored(sesame, name) is not None
    person.send(f"{PAGE}/delete", page=PAGE, service=name, name=name)
    assert stored(sesame, name) is None
    assert as_service(sesame, second, account_id) == "InvalidClientTokenId"
    mine = [one for one in acts(sesame) if one[1]["service"] == name]
    assert [event for event, _ in mine] == [
        "CreateService",
        "CreateServiceKey",
        "DeleteServiceKey",
        "DeleteService",
    ]
    assert first.secret_access_key not in str(audit_log(sesame, SYSTEM_ACCOUNT))
    assert first.secret_access_key not in person.get(PAGE).text


def test_a_form_sent_twice_registers_one_and_makes_one_key(
    sesame: SesameProcess, person: Person, name: str
) -> None:
    pages = twice(person, PAGE, PAGE, name=name)
    assert keys_in(pages[0]) == keys_in(pages[1])
    assert len(stored(sesame, name) or ()) == 1
    pages = twice(person, f"{PAGE}/keys", PAGE, service=name)
    assert keys_in(pages[0]) == keys_in(pages[1])
    assert len(stored(sesame, name) or ()) == 2


@pytest.mark.parametrize(
    "given",
    ["", "x", "UPPER.example", "a b.example", "-a.example", "<script>.example", "é.example", "a" * 200],
)
def test_what_is_no_name_is_refused_and_stays_in_the_form(
    sesame: SesameProcess, person: Person, given: str
) -> None:
    answer = person.send(PAGE, name=given)
    assert answer.status_code == 400 and "is not a service name" in words(answer.text)
    assert wrong_in(answer.text) == []
    taken = [one["service"] for one in sesame.run_json("service", "list")]
    assert given not in taken


@pytest.mark.parametrize("path", ["keys", "keys/delete", "delete"])
def test_what_is_not_there_is_told(person: Person, path: str) -> None:
    answer = person.send(f"{PAGE}/{path}", page=PAGE, service="no.example", key="AKIA", name="no.example")
    assert answer.status_code == 400 and "there is no service" in words(answer.text)


def test_no_account_reaches_them(sesame: SesameProcess, tenant: Tenant, name: str) -> None:
    root = root_of(sesame, tenant.account.account_id)
    for path in ("", "/keys", "/keys/delete", "/delete"):
        answer = root.send(f"{PAGE}{path}", page="/me", name=name, service=name, key="x")
        assert answer.status_code == 404, path
    assert stored(sesame, name) is None
