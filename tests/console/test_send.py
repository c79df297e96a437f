"""A test message from the browser: sent once with the rights of who is logged in, and its refusal told."""

import html
import re
import threading
from typing import Any

import pytest

from tests.console.test_leave import person_with
from tests.console.test_senders import NEWS, allow, put
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant

HERE = f"/{REGION}/send"


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def messages_of(sesame: SesameProcess, tenant: Tenant) -> list[Any]:
    page = root_of(sesame, tenant.account.account_id).get(f"/{REGION}/messages").text
    return re.findall(r'href="(/us-east-1/messages/[0-9a-f-]+)"', page)


def test_a_test_is_sent_and_its_page_follows_it(owner: Person, tenant: Tenant) -> None:
    page = owner.send(
        HERE, **{"from": "news@example.com", "to": "reader@example.net", "subject": "S", "text": "T"}
    )
    assert "Accepted: it is stored, and on its way." in words(page.text)
    path = page.url.path
    wait_until(lambda: "took it" in owner.get(path).text)
    assert "data-poll" in owner.get(path).text, "a complaint or an answer may come back"


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [("success", "delivered"), ("bounce", "bounced"), ("suppressionlist", "bounced"), ("complaint", "delivered"),
     ("ooto", "delivered")],
)  # fmt: skip
def test_scenarios_come_out_as_they_say(owner: Person, scenario: str, outcome: str) -> None:
    page = owner.send(
        HERE, **{"from": "news@example.com", "scenario": scenario, "to": "ignored@example.net", "text": "T"}
    )
    assert f"{scenario}@simulator.amazonses.com" in page.text
    wait_until(lambda: f'">{outcome}<' in owner.get(page.url.path).text)


def test_a_whole_message_is_sent_as_it_is(owner: Person) -> None:
    raw = "From: news@example.com\nTo: reader@example.net\nSubject: Whole\n\nBody\n"
    page = owner.send(HERE, **{"from": "", "to": "", "raw": raw})
    assert "<h1>Whole</h1>" in page.text


def test_a_template_is_sent_from_its_page_with_the_data_that_is_there(owner: Person, tenant: Tenant) -> None:
    v2 = tenant.sesame.client("sesv2", tenant.account)
    name = "hello"
    v2.create_email_template(
        TemplateName=name, TemplateContent={"Subject": "Hi {{name}} & all", "Text": "For {{name}}\n"}
    )
    page = owner.get(f"/{REGION}/templates/{name}", params={"data": '{"name": "<Ana>"}'}).text
    link = html.unescape(re.findall(rf'href="({HERE}[?][^"]+)">Send a test', page)[0])
    form = owner.get(link).text
    assert f'id="template" name="template" value="{name}"' in form
    assert 'name="subject"' not in form, "the template has it"
    assert "&lt;Ana&gt;" in form
    typed = {"from": "news@example.com", "to": "reader@example.net", "template": name}
    sent = owner.send(HERE, page=link, **typed, data='{"name": "<Ana>"}')
    assert "<h1>Hi &lt;Ana&gt; &amp; all</h1>" in sent.text
    wrong = owner.send(HERE, page=link, **typed, data='{"name": ')
    assert wrong.status_code == 400
    assert "{&#34;name&#34;: </textarea>" in wrong.text, "what was typed stays"
    gone = owner.send(HERE, page=link, **{**typed, "template": "nothere"}, data="")
    assert gone.status_code in (400, 404)
    assert 'id="template" name="template" value="nothere"' in gone.text


def test_a_template_is_sent_with_the_rights_of_who_is_logged_in(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    tenant.sesame.client("sesv2", tenant.account).create_email_template(
        TemplateName="hello", TemplateContent={"Subject": "s", "Text": "t"}
    )
    reader = person_with(sesame, tenant, "ses:GetEmailTemplate", "ses:TestRenderEmailTemplate")
    typed = {"from": "news@example.com", "to": "reader@example.net", "template": "hello", "data": "{}"}
    refused = reader.send(HERE, page=f"{HERE}?template=hello", **typed)
    assert refused.status_code == 403
    assert "Accepted" not in words(refused.text)


def test_a_refusal_is_told_with_the_way_to_its_page_and_what_was_typed_kept(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    put(tenant, "P", allow(tenant, {"AWS": delegate.account_id}, "A", Condition=NEWS))
    person = root_of(sesame, delegate.account_id)
    arn = f"arn:aws:ses:{REGION}:{tenant.account.account_id}:identity/example.com"
    typed = {
        "from": "ceo@example.com",
        "arn": arn,
        "to": "reader@example.net",
        "subject": "Kept",
        "text": "Also kept",
    }
    refused = person.send(HERE, **typed)
    assert refused.status_code == 400 or refused.status_code == 403
    for value in typed.values():
        assert value in refused.text
    link = re.search(r'href="(/us-east-1/refusals/[0-9a-f-]+)"', refused.text)
    assert link, words(refused.text)
    assert "Who has to act" in person.get(link[1]).text
    accepted = person.send(HERE, **{**typed, "from": "news-1@example.com"})
    assert "Accepted" in words(accepted.text)
    nothing = person.send(HERE, **{**typed, "to": ""})
    assert nothing.status_code == 400
    assert "before or beside" not in nothing.text


def test_a_form_that_is_sent_many_times_at_once_sends_one_message(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    form = owner.get(HERE).text
    fields = dict(re.findall(r'name="(token|once)" value="([^"]+)"', form))
    given = {**fields, "from": "news@example.com", "to": "reader@example.net", "subject": "Once", "text": "T"}
    before, found = len(messages_of(sesame, tenant)), set()

    def click() -> None:
        answer = owner.client.post(HERE, data=given, headers={"origin": owner.base})
        found.add(answer.url.path)

    clicks = [threading.Thread(target=click) for _ in range(6)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert len(found) == 1
    assert len(messages_of(sesame, tenant)) == before + 1
    again = owner.client.post(
        HERE, data={**given, "from": "nobody@other.example"}, headers={"origin": owner.base}
    )
    assert again.url.path in found, "what the form asked for is done already"


def test_the_operator_who_works_in_an_account_may_go_back_and_nobody_else(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person, account = operator(sesame), tenant.account.account_id
    person.send("/operator/become", page="/operator", account=account)
    assert person.get("/operator/instance").status_code == 404
    assert ">Accounts</button>" in person.get(f"/{REGION}/identities").text
    back = person.send("/operator/back", page=f"/{REGION}/identities")
    assert back.url.path == "/operator"
    assert person.get("/operator/instance").status_code == 200
    root = root_of(sesame, account)
    assert ">Accounts</button>" not in root.get(f"/{REGION}/identities").text
    assert root.send("/operator/back", page=f"/{REGION}/identities").status_code == 403
    assert root.get("/operator/instance").status_code == 404


def test_who_names_no_arn_is_given_the_one_to_name(
    sesame: SesameProcess, tenant: Tenant, owner: Person
) -> None:
    delegate = sesame.create_account()
    put(tenant, "lent", allow(tenant, {"AWS": delegate.account_id}, "News", Condition=NEWS))
    person = root_of(sesame, delegate.account_id)
    fields = {"from": "news-1@example.com", "to": "reader@example.net", "subject": "S", "text": "T"}
    page = person.send(HERE, **fields)
    assert "Its ARN is filled in below: send it again." in words(page.text)
    assert f'id="arn" name="arn" value="{tenant.arn}"' in page.text
    assert re.findall(r'<li><a href="#([a-z]+)">', page.text) == ["arn"]
    again = person.send(HERE, **fields, arn=tenant.arn)
    assert "Accepted: it is stored, and on its way." in words(again.text)
