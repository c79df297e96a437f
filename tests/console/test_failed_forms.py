"""A page that a form has failed on has the forms of the page that it was on: each leads to what takes it."""

import html
import re

import pytest

from sesame.console.render import TEMPLATES
from sesame.console.visit import quoted_in
from tests.console.test_guard import routes
from tests.support.browser import Person, main_of, operator
from tests.support.process import REGION
from tests.support.tenant import Tenant

HERE = f"/{REGION}"
IDENTITY = f"{HERE}/identities/example.com"
FAILS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (f"{IDENTITY}/notifications", f"{IDENTITY}/notifications/forwarding", {"enabled": "no"}),
    (f"{IDENTITY}/signing", f"{IDENTITY}/signing/key", {"origin": "own", "selector": "a", "private_key": "x"}),
    (f"{IDENTITY}/signing", f"{IDENTITY}/signing/mail-from", {"domain": "x.example.net"}),
    (f"{IDENTITY}/bounds", f"{IDENTITY}/bounds", {"delegate": "x", "messages": "y", "do": "set"}),
    (f"{IDENTITY}/cases", f"{IDENTITY}/cases", {"called": "x", "kind": "may", "who": "?"}),
    (f"{IDENTITY}/delete", f"{IDENTITY}/delete", {"name": "x"}),
    (f"{HERE}/configuration-sets", f"{HERE}/configuration-sets", {"name": "no good!"}),
    (f"{HERE}/configuration-sets/news", f"{HERE}/configuration-sets/news/delete", {"name": "x"}),
    (f"{HERE}/configuration-sets/news", f"{HERE}/configuration-sets/news/destinations", {"destination": "d"}),
    (f"{HERE}/configuration-sets/news", f"{HERE}/configuration-sets/news/webhooks", {"destination": "d", "url": "x"}),
    (f"{HERE}/people", f"{HERE}/people/users", {"name": "no good!"}),
    (f"{HERE}/people/users/anna", f"{HERE}/people/users/anna/policies", {"policy": "x", "do": "attach"}),
    (f"{HERE}/people/users/anna", f"{HERE}/people/users/anna/delete", {"name": "x"}),
    (f"{HERE}/templates/new", f"{HERE}/templates/new", {"name": "no good!"}),
    (f"{HERE}/suppression", f"{HERE}/suppression", {"addresses": "x", "reason": "y"}),
    (f"{HERE}/account", f"{HERE}/account", {"kind": "y", "website": "x"}),
    (f"{HERE}/programs", f"{HERE}/programs/smtp", {"name": "no good!"}),
    ("/me", "/me/password", {"old": "x", "new": "y", "again": "z"}),
)  # fmt: skip


def actions(page: str) -> set[str]:
    """Where the forms of a page lead, by POST."""
    forms = re.findall(r'<form method="post" action="([^"]*)"', page)
    buttons = re.findall(r'formaction="([^"]*)"', page)
    return {html.unescape(one) for one in (*forms, *buttons)}


def summary(page: str) -> list[str]:
    """The ids that the summary of a failed form leads to. It stands before all forms and is what has the focus."""
    main = page.partition("<main")[2]
    before = main.partition("<form")[0]
    alert = re.search(
        r'<div class="problem" role="alert" id="problem" tabindex="-1" autofocus>(.*?)</div>', before
    )
    assert alert, before
    assert page.count(" autofocus") == 1
    return re.findall(r'<a href="#([^"]+)">', alert[1])


@pytest.mark.parametrize(("page", "path", "fields"), FAILS)
def test_the_forms_of_a_page_that_failed_lead_where_they_did(
    person: Person, tenant: Tenant, page: str, path: str, fields: dict[str, str]
) -> None:
    v2 = tenant.sesame.client("sesv2", tenant.account)
    v2.create_configuration_set(ConfigurationSetName="news")
    tenant.iam.create_user(UserName="anna")
    before = actions(person.get(page).text)
    failed = person.send(path, page=page, **fields)
    assert failed.status_code >= 400
    links = summary(failed.text)
    for place in links:
        assert failed.text.count(f' id="{place}"') == 1, place
    after = actions(failed.text)
    assert before <= after
    posts = [re.compile(re.sub(r"\{\w+\}", "[^/]+", known)) for method, known in routes() if method == "POST"]
    for one in after:
        assert any(form.fullmatch(one) for form in posts), one


SET = f"{HERE}/configuration-sets/news"
LEADS: tuple[tuple[str, str, dict[str, str], list[str]], ...] = (
    (f"{HERE}/configuration-sets", f"{HERE}/configuration-sets", {"name": "no good!"}, ["name"]),
    (SET, f"{SET}/delete", {"name": "x"}, ["delete-name"]),
    (SET, f"{SET}/webhooks", {"destination": "d", "url": "x", "BOUNCE": "on"}, ["webhooks-url"]),
    (SET, f"{SET}/webhooks", {"destination": "no good!", "url": "https://a.example/", "SEND": "on"}, ["webhooks-name"]),
    (SET, f"{SET}/destinations", {"destination": "d", "topic": "news", "SEND": "on"}, ["destinations-topic"]),
    (SET, f"{SET}/destinations", {"destination": "d", "topic": "arn:aws:sns:us-east-1:1:x"}, ["destinations-kinds"]),
    (SET, f"{SET}/destinations", {"destination": "d", "topic": "", "SEND": "on"}, ["destinations-topic"]),
    (SET, f"{SET}/destinations/change", {"destination": "gone", "do": "enable"}, []),
    (f"{IDENTITY}/bounds", f"{IDENTITY}/bounds", {"delegate": "1", "second": "x", "until": "y"}, ["second"]),
    (f"{IDENTITY}/bounds", f"{IDENTITY}/bounds", {"delegate": "1", "until": "y"}, ["until"]),
    (f"{IDENTITY}/signing", f"{IDENTITY}/signing/mail-from", {"domain": "x.example.net"}, ["mail-from-domain"]),
    (f"{IDENTITY}/signing", f"{IDENTITY}/signing/mail-from", {"domain": ""}, ["mail-from-domain"]),
    (f"{IDENTITY}/cases", f"{IDENTITY}/cases", {"called": "a", "kind": "may", "who": "Anna"}, ["who"]),
    (f"{HERE}/suppression", f"{HERE}/suppression", {"addresses": "x", "reason": "BOUNCE"}, ["addresses"]),
    (f"{HERE}/programs", f"{HERE}/programs/smtp", {"name": "no good!"}, ["name"]),
    (f"{HERE}/programs", f"{HERE}/programs/smtp", {"name": "printer", "arn": "example.com"}, ["arn"]),
    (f"{HERE}/send", f"{HERE}/send", {"from": "news@other.example", "scenario": "success"}, ["from"]),
)  # fmt: skip


@pytest.mark.parametrize(("page", "path", "fields", "places"), LEADS)
def test_a_failed_form_leads_to_the_fields_that_are_wrong_and_keeps_what_was_typed(
    person: Person, tenant: Tenant, page: str, path: str, fields: dict[str, str], places: list[str]
) -> None:
    tenant.sesame.client("sesv2", tenant.account).create_configuration_set(ConfigurationSetName="news")
    failed = person.send(path, page=page, **fields)
    assert failed.status_code >= 400
    assert summary(failed.text) == places, main_of(failed)
    for place in places:
        field = re.search(rf'<(?:input|textarea|fieldset)[^>]* id="{place}"[^>]*>\s*([^<]*)', failed.text)
        assert field, place
        name = re.search(r' name="([^"]+)"', field[0])
        if name and not path.endswith("/delete"):
            assert fields[name[1]] in html.unescape(field[0])


def test_a_question_that_cannot_be_asked_leads_to_its_field(person: Person) -> None:
    for field, value in (("at", "soon"), ("ip", "here")):
        asked = person.get(f"{HERE}/ask", params={"from": "a@example.com", field: value})
        assert asked.status_code == 400
        assert summary(asked.text) == [field]
        assert "<details open><summary>More" in asked.text


def test_the_service_that_cannot_be_registered_leads_to_its_name(tenant: Tenant) -> None:
    failed = operator(tenant.sesame).send("/operator/services", name="no good!")
    assert failed.status_code == 400
    assert summary(failed.text) == ["name"]


@pytest.mark.parametrize(
    ("message", "value", "is_named"),
    [
        ("“x” is not a number.", "x", True),
        ("Extra is not a number.", "x", False),
        ("Domain a.example is invalid.", "a.example", True),
        ("Domain a.example is invalid.", " a.example ", True),
        ("Domain bana.example is invalid.", "a.example", False),
        ("There is none.", "", False),
        ("A case needs a name.", "a", False),
        ("No user 'a'.", "a", True),
        ("There is none.", "  ", False),
        ("No (set) here", "(set)", True),
    ],
)
def test_an_error_names_a_field_by_what_stands_in_it(message: str, value: str, is_named: bool) -> None:
    assert quoted_in(message, {"field": value}) == (("field",) if is_named else ())


def test_no_page_has_a_name_of_the_frame_for_something_else() -> None:
    """What the frame sets goes over what a page has set under the same name."""
    named = {
        path.name: set(re.findall(r"{% set (\w+) ", path.read_text())) for path in TEMPLATES.glob("*.html")
    }
    frame = named.pop("base.html")
    assert frame
    assert {name: both for name, names in named.items() if (both := names & frame)} == {}
