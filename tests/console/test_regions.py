"""Which regions an account has identities in, and how many; and what is said of where records were looked up."""

import re

import httpx
import pytest

from tests.console.test_login import PASSWORD, make_user
from tests.support.browser import Person, main_of, operator, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant


def test_each_region_has_its_number_and_the_menu_leads_there(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    assert f'href="/{REGION}/regions"' in person.get(f"/{REGION}/home").text
    assert "identities in 1 region." in main_of(person.get(f"/{REGION}/regions"))
    west = sesame.client("sesv2", tenant.account, "eu-west-1")
    for name in ("one.example", "two.example"):
        west.create_email_identity(EmailIdentity=name)
    said = main_of(person.get("/eu-central-1/regions"))
    assert "identities in 2 regions." in said
    for row in ("eu-central-1 this one 0", "eu-west-1 2", f"{REGION} 1"):
        assert row in said, row


def test_others_identities_are_not_counted(sesame: SesameProcess) -> None:
    stranger = root_of(sesame, sesame.create_account().account_id)
    assert "no identity in any region yet" in main_of(stranger.get(f"/{REGION}/regions"))


def test_records_are_told_with_where_and_when_they_were_seen_and_can_be_copied_whole(person: Person) -> None:
    page = person.get(f"/{REGION}/identities/example.com")
    told = re.findall(
        r"Seen now (\S+).*? as the zone of this server said at \d\d:\d\d:\d\d UTC", main_of(page)
    )
    assert told, "a record that is right, with what is seen of it"
    zone = person.get(f"/{REGION}/identities/example.com/zone").text
    for line in zone.splitlines():
        assert line in main_of(page), line


@pytest.mark.parametrize("path", ["/eu-west-1", "/eu-west-1/", "/eu-west-1//"])
def test_a_region_alone_leads_to_its_first_page(person: Person, path: str) -> None:
    assert str(person.get(path).url) == f"{person.base}/eu-west-1/home"


def test_a_region_alone_leads_to_what_the_person_may_read(sesame: SesameProcess, tenant: Tenant) -> None:
    """Who may not read the account begins at Identities; who has to log in first comes back to the region."""
    make_user(tenant, actions='"ses:ListEmailIdentities"')
    person = Person(sesame.console)
    asked = person.get("/eu-west-1/")
    assert (asked.url.path, dict(asked.url.params)) == ("/login", {"to": "/eu-west-1"})
    given = {"account": tenant.account.account_id, "user": "anna", "password": PASSWORD}
    answer = person.send("/login", page=str(asked.url), to=asked.url.params["to"], **given)
    assert answer.url.path == "/eu-west-1/identities"


def test_a_region_alone_leads_the_operator_to_its_own_pages_or_the_account_it_looks_at(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = operator(sesame)
    assert person.get("/eu-west-1").url.path == "/operator"
    person.send("/operator/look", page="/operator", account=tenant.account.account_id)
    assert person.get("/eu-west-1").url.path == "/eu-west-1/home"


@pytest.mark.parametrize(
    "path", ["/nothing", "/nothing/", "/eu-west", "/eu-west-1x", "/nothing/home", "/EU-WEST-1"]
)
def test_what_is_no_region_is_nothing_for_anybody(sesame: SesameProcess, person: Person, path: str) -> None:
    for who in (person, operator(sesame), Person(sesame.console)):
        answer = who.get(path)
        assert (answer.status_code, answer.url.path) == (404, path.rstrip("/"))
        assert "There is nothing here" in main_of(answer)


def test_slashes_at_the_end_lead_to_the_page_on_the_same_host_alone(
    sesame: SesameProcess, person: Person
) -> None:
    """By path: behind a proxy, neither the scheme nor the name that the console hears is the browser's."""
    cookies = dict(person.client.cookies)
    for path, to in (
        (f"/{REGION}/identities/", f"/{REGION}/identities"),
        (f"/{REGION}/messages//?from=a%40b&to=%2F", f"/{REGION}/messages?from=a%40b&to=%2F"),
        ("/operator/", "/operator"),
        ("/%5Cevil.example/", "/%5Cevil.example"),
    ):
        answer = httpx.get(f"{sesame.console}{path}", cookies=cookies)
        assert (answer.status_code, answer.headers["location"]) == (303, to)
        assert answer.headers["cache-control"] == "no-store"
    for path in ("//evil.example/", "//evil.example//", f"//evil.example/{REGION}/"):
        answer = httpx.get(f"{sesame.console}{path}", cookies=cookies)
        assert (answer.status_code, "location" in answer.headers) == (404, False), path
    answer = httpx.get(f"{sesame.console}/{REGION}/identities/", headers={"host": "evil.example"})
    assert (answer.status_code, "location" in answer.headers) == (421, False)
