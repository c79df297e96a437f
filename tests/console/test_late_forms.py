"""A log-in that ends while somebody works: nothing is done, nothing that was written is lost, and one comes back."""

import html
from urllib.parse import quote

import httpx
import pytest

from tests.console.test_login import PASSWORD, log_in, make_user
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

EDIT = f"/{REGION}/templates/new"
TEXT = "Dear {{name}},\nthis took an hour </textarea><script>alert(1)</script>\n\u202etest"


def written(person: Person, path: str, token: str, **fields: str) -> httpx.Response:
    return person.client.post(path, data={"token": token, **fields}, headers={"origin": person.base})


def test_a_form_after_the_end_of_its_log_in_is_not_done_and_shows_what_was_written(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    token = person.token(EDIT)
    person.send("/logout", page="/me")
    answer = written(
        person, EDIT, token, name="welcome", subject="s", text=TEXT, password="not to be shown again, please",
        again="nor is this one here to be", code="12 34 56 78 90 12 34 56 78",
    )  # fmt: skip
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    said = words(answer.text)
    assert "Your log-in has ended" in said
    assert "Nothing was changed" in said
    assert html.escape("</textarea><script>", quote=False) in answer.text
    assert "<script>alert" not in answer.text
    assert "this took an hour" in answer.text
    assert "\\u{202e}test" in answer.text
    for secret in ("not to be shown", "nor is this", "12 34", token):
        assert secret not in answer.text
    assert f'href="/login?to={quote(EDIT, safe="")}"' in answer.text
    assert tenant.ses.list_templates()["TemplatesMetadata"] == []


def test_a_form_of_an_earlier_log_in_is_not_done_and_shows_what_was_written(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    token = person.token(EDIT)
    person.follow(sesame.run_json("console", "login", "--account", tenant.account.account_id)["link"])
    answer = written(person, EDIT, token, name="welcome", subject="s", text=TEXT)
    assert answer.status_code == 403
    said = words(answer.text)
    assert "This form is from an earlier log-in" in said
    assert "this took an hour" in said
    assert f'href="{EDIT}"' in answer.text
    assert tenant.ses.list_templates()["TemplatesMetadata"] == []


def test_a_form_without_a_page_of_its_own_leads_to_the_beginning(sesame: SesameProcess) -> None:
    person = operator(sesame)
    token = person.token("/operator")
    person.send("/logout", page="/operator")
    answer = written(person, "/operator/queue/resume", token, domain="x.example")
    assert answer.status_code == 403
    assert 'href="/login"' in answer.text


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_of_another_site_is_shown_nothing(
    sesame: SesameProcess, tenant: Tenant, headers: dict[str, str]
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    for fields in ({"text": TEXT}, {"text": TEXT, "token": person.token(EDIT)}):
        if "token" in fields:
            person.send("/logout", page="/me")
        answer = person.client.post(EDIT, data=fields, headers=headers)
        assert answer.status_code == 403
        assert "this took" not in answer.text


def test_who_logs_in_comes_to_the_page_that_was_asked_for(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    person.send("/logout", page="/me")
    asked = f"/{REGION}/messages?outcome=refused&from=a%26b"
    form = person.get(asked)
    assert form.url.path == "/login"
    to = form.url.params["to"]
    assert to == asked
    wrong = person.send(
        "/login", page=str(form.url), account=tenant.account.account_id, user="anna", password="wrong", to=to
    )
    assert f'name="to" value="{html.escape(to)}"' in wrong.text
    answer = person.send(
        "/login", page=str(form.url), account=tenant.account.account_id, user="anna", password=PASSWORD, to=to
    )
    assert str(answer.url).removeprefix(person.base) == asked


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example/", "/\\evil.example", "https://evil.example/", "\t//evil.example", "/\t/evil.example",
        "evil.example",
        "/%0d%0aset-cookie:a=b\r\nx: y", "/ü", "/" + "x" * 3000, "javascript:alert(1)", "", "/login", "/logout",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere_by_logging_in(sesame: SesameProcess, tenant: Tenant, to: str) -> None:
    make_user(tenant)
    person = Person(sesame.console)
    fields = {"account": tenant.account.account_id, "user": "anna", "password": PASSWORD, "to": to}
    answer = person.client.post(
        "/login",
        data={"token": person.token(f"/login?to={quote(to)}"), **fields},
        headers={"origin": person.base},
        follow_redirects=False,
    )
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "page", ["", "/senders", "/policies/P", "/notifications", "/cases", "/shares", "/delete"]
)
def test_an_identity_that_is_not_there_is_said_to_be_in_another_region(
    sesame: SesameProcess, tenant: Tenant, page: str
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    answer = person.get(f"/eu-west-1/identities/example.com{page}")
    assert answer.status_code == 404
    said = words(answer.text)
    assert "There is nothing here" in said
    assert "It was not done" not in said
    assert f'href="/{REGION}/identities/example.com"' in answer.text
    elsewhere = person.get(f"/{REGION}/identities/nowhere.example{page}")
    assert elsewhere.status_code == 404
    assert f'href="/{REGION}/identities/new?name=nowhere.example"' in elsewhere.text
    assert 'value="nowhere.example"' in person.get(f"/{REGION}/identities/new?name=nowhere.example").text
