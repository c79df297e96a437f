"""Requests that no page of the console made are refused, and change nothing."""

import re
from importlib import import_module
from pkgutil import iter_modules

import httpx
import pytest

from sesame.console import pages as package
from sesame.console.guard import MAIL_POLICY, PAGE_POLICY
from tests.support.browser import Person, operator, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

NEW = f"/{REGION}/identities/new"


def names(tenant: Tenant) -> list[str]:
    listed: list[str] = tenant.ses.list_identities()["Identities"]
    return listed


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"referer": "https://evil.example/form"},
        {"origin": "https://{host}"},
        {"origin": "http://{host}", "sec-fetch-site": "cross-site"},
        {"origin": "http://{host}", "sec-fetch-site": "same-site"},
        {"origin": "http://{host}.evil.example"},
    ],
)
def test_a_form_of_another_site_is_refused(person: Person, tenant: Tenant, headers: dict[str, str]) -> None:
    host = person.base.removeprefix("http://")
    sent = {name: value.replace("{host}", host) for name, value in headers.items()}
    token = person.token(NEW)
    answer = person.client.post(NEW, data={"token": token, "name": "evil.example"}, headers=sent)
    assert answer.status_code == 403
    assert names(tenant) == ["example.com"]


def test_a_form_without_its_token_or_with_anothers_is_refused(
    sesame: SesameProcess, person: Person, tenant: Tenant
) -> None:
    other = root_of(sesame, sesame.create_account().account_id)
    for token in ("", "x", other.token(NEW)):
        answer = person.client.post(
            NEW, data={"token": token, "name": "evil.example"}, headers={"origin": person.base}
        )
        assert answer.status_code == 403
    assert names(tenant) == ["example.com"]


def test_every_form_needs_its_token(sesame: SesameProcess, person: Person) -> None:
    """Every POST that the application has, found in the application itself."""
    posts = [path for method, path in routes() if method == "POST"]
    assert len(posts) >= 12
    for path in posts:
        address = path.replace("{region}", REGION).replace("{name}", "example.com")
        address = re.sub(r"\{\w+\}", "x", address)
        answer = person.client.post(address, data={"name": "x"}, headers={"origin": person.base})
        assert answer.status_code == 403, path
        assert person.get(address).status_code in (200, 400, 404, 405), path


def routes() -> list[tuple[str, str]]:
    modules = [import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__)]
    return [(page.method, page.path) for module in modules for page in module.PAGES]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", "10.0.0.1", "", "a@127.0.0.1x", "[::1"],
)
def test_a_host_that_we_were_not_told_of_is_refused(sesame: SesameProcess, host: str) -> None:
    for path in ("/login", "/dev/messages", "/static/none.css", "/nothing"):
        answer = httpx.get(f"{sesame.console}{path}", headers={"host": host})
        assert answer.status_code in (400, 421), path


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "127.0.0.1", "[::1]:8025"])
def test_names_of_this_machine_are_ours(sesame: SesameProcess, host: str) -> None:
    assert httpx.get(f"{sesame.console}/login", headers={"host": host}).status_code == 200


def test_every_answer_has_its_policy(person: Person, sesame: SesameProcess) -> None:
    page = person.get("/").text
    for path in (
        "/login",
        f"/{REGION}/messages",
        "/nothing",
        "/dev/messages",
        *re.findall(r'"(/static/[^"]+)"', page),
    ):
        headers = person.get(path).headers
        assert headers["content-security-policy"] == PAGE_POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
    assert person.get("/inbox/999999/html").headers["content-security-policy"] == MAIL_POLICY
    assert person.get("/login").headers["cache-control"] == "no-store"


def test_pages_have_no_script_style_or_handler_of_their_own(person: Person) -> None:
    for path in ("/", "/login", f"/{REGION}/messages", "/me", "/inbox", NEW):
        page = " ".join(re.findall(r"<[^>]*>", person.get(path).text))  # not the subjects of mail
        assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=|javascript:", page), path


def test_forms_in_other_encodings_sizes_and_with_a_field_twice_are_refused(person: Person) -> None:
    token = person.token(NEW)
    origin = {"origin": person.base}
    form = f"token={token}&name=a.example"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for content, headers, status in (
        (form, {"content-type": "text/plain"}, 415),
        (form, {"content-type": "multipart/form-data; boundary=x"}, 415),
        (form + "&name=b.example", kind, 400),
        (form + "&x=" + "y" * 1024 * 1024, kind, 413),
        ("&".join([form, *(f"f{n}=1" for n in range(120))]), kind, 400),
        (form + "&x=%ff", kind, 400),
    ):
        answer = person.client.post(NEW, content=content, headers=origin | headers)
        assert answer.status_code == status, headers


def test_reading_a_page_twice_changes_nothing(sesame: SesameProcess, tenant: Tenant) -> None:
    """No GET writes: not pages, not links that log in, not searches."""
    person = root_of(sesame, tenant.account.account_id)
    link = sesame.run_json("console", "login")["link"]
    for _ in range(2):
        for path in (
            f"/{REGION}/identities/example.com/delete",
            f"/{REGION}/search?q=example.com",
            "/me",
            "/logout",
        ):
            person.get(path)
        assert httpx.get(link).status_code == 200
    assert names(tenant) == ["example.com"]
    assert Person(sesame.console).follow(link).status_code == 200


def test_the_operator_looks_and_changes_nothing(sesame: SesameProcess, tenant: Tenant) -> None:
    person = operator(sesame)
    before = person.client.cookies["sesame"]
    person.send("/operator/look", page="/operator", account=tenant.account.account_id)
    assert person.client.cookies["sesame"] != before
    assert "example.com" in person.get(f"/{REGION}/identities").text
    answer = person.send(NEW, name="evil.example")
    assert answer.status_code == 403
    assert names(tenant) == ["example.com"]
    assert "Accounts" in person.send("/operator/back", page=NEW).text
