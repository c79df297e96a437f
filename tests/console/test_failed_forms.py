"""A page that a form has failed on has the forms of the page that it was on: each leads to what takes it."""

import html
import re

import pytest

from sesame.console.render import TEMPLATES
from tests.console.test_guard import routes
from tests.support.browser import Person
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
    assert 'role="alert"' in failed.text
    after = actions(failed.text)
    assert before <= after
    posts = [re.compile(re.sub(r"\{\w+\}", "[^/]+", known)) for method, known in routes() if method == "POST"]
    for one in after:
        assert any(form.fullmatch(one) for form in posts), one


def test_no_page_has_a_name_of_the_frame_for_something_else() -> None:
    """What the frame sets goes over what a page has set under the same name."""
    named = {
        path.name: set(re.findall(r"{% set (\w+) ", path.read_text())) for path in TEMPLATES.glob("*.html")
    }
    frame = named.pop("base.html")
    assert frame
    assert {name: both for name, names in named.items() if (both := names & frame)} == {}
