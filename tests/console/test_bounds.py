"""Bounds on delegates, webhooks and counts of opens, as the console shows and sets them."""

import re
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.console.test_senders import allow, put, send
from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant

HERE = f"/{REGION}/identities/example.com"
SET = f"/{REGION}/configuration-sets/news"


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def row(owner: Person) -> str:
    page = words(owner.get(f"{HERE}/senders").text)
    return page.partition("How much each may send")[2].partition("Narrow it down")[0]


def refused(client: Any, tenant: Tenant) -> str:
    with pytest.raises(ClientError) as error:
        send(client, tenant, "news@example.com")
    return str(error.value.response["Error"]["Code"])


def test_a_delegate_is_bounded_paused_and_let_go_in_the_console(
    owner: Person, tenant: Tenant, sesame: SesameProcess
) -> None:
    account = sesame.create_account(name="agency")
    delegate, theirs = account.account_id, sesame.client("ses", account)
    put(tenant, "P", allow(tenant, {"AWS": delegate}, "A"))
    assert "there are no bounds" in row(owner)
    page = f"{HERE}/bounds"
    for wrong in ({"messages": "many"}, {"until": "2035-02-31T00:00"}, {"delegate": "nobody"}):
        answer = owner.send(page, **{"delegate": delegate, "second": "7", **wrong})
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
        assert 'value="7"' in answer.text, "what was typed is kept"
    owner.send(page, delegate=delegate, messages="1", bytes="5000000", until="2035-01-31T12:30")
    send(theirs, tenant, "news@example.com")
    assert refused(theirs, tenant) == "Throttling"
    shown = row(owner)
    assert delegate in shown
    assert "1 message a day" in shown
    assert "1 message 1 recipient," in shown
    assert "until 31 Jan 2035 12:30 UTC" in shown
    here = f"{page}?delegate={delegate}"
    assert 'value="2035-01-31T12:30:00"' in owner.get(here).text
    owner.send(page, page=here, delegate=delegate, do="pause", reason="complaints are looked into")
    assert refused(theirs, tenant) == "AccessDenied"
    assert "paused complaints are looked into" in row(owner)
    owner.send(page, page=here, delegate=delegate, do="resume")
    owner.send(page, page=here, delegate=delegate, messages="5")
    send(theirs, tenant, "news@example.com")
    owner.send(page, page=here, delegate=delegate, do="remove")
    assert "there are no bounds" in row(owner)


def test_a_webhook_is_made_and_its_secret_shown_once(
    owner: Person, sesame: SesameProcess, tenant: Tenant
) -> None:
    v2 = sesame.client("sesv2", tenant.account)
    v2.create_configuration_set(ConfigurationSetName="news")
    wrong = owner.send(f"{SET}/webhooks", page=SET, destination="hook", url="ftp://x.example", BOUNCE="on")
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.text
    asked = {"destination": "hook", "url": "http://127.0.0.1:1/events", "BOUNCE": "on", "OPEN": "on"}
    made = owner.send(f"{SET}/webhooks", page=SET, **asked)
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", made.text))
    again = owner.get(SET).text
    assert secret not in again
    assert "webhook http://127.0.0.1:1/events" in words(again)
    (found,) = v2.get_configuration_set_event_destinations(ConfigurationSetName="news")["EventDestinations"]
    assert found["MatchingEventTypes"] == ["BOUNCE", "OPEN"]
    rotated = owner.send(f"{SET}/webhooks/secret", page=SET, destination="hook").text
    assert "whsec_" in rotated
    assert secret not in rotated


def test_opens_are_counted_for_who_sent_and_told_to_no_owner(
    owner: Person, sesame: SesameProcess, tenant: Tenant
) -> None:
    agency = sesame.create_account(name="agency")
    put(tenant, "P", allow(tenant, {"AWS": agency.account_id}, "A"))
    v2 = sesame.client("sesv2", agency)
    v2.create_configuration_set(ConfigurationSetName="news")
    v2.create_configuration_set_event_destination(
        ConfigurationSetName="news",
        EventDestinationName="d",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["OPEN"],
            "SnsDestination": {"TopicArn": sesame.client("sns", agency).create_topic(Name="t")["TopicArn"]},
        },
    )
    sent = sesame.client("ses", agency).send_email(
        Source="news@example.com",
        SourceArn=tenant.arn,
        Destination={"ToAddresses": ["reader@example.net"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Html": {"Data": "<html><body>b</body></html>"}}},
        ConfigurationSetName="news",
    )["MessageId"]

    def pixel() -> str | None:
        inbox = httpx.get(f"{sesame.console}/dev/messages", params={"to": "reader@example.net"}).json()
        for mail in inbox["messages"]:
            text = httpx.get(f"{sesame.console}/dev/messages/{mail['id']}").text
            if sent in text and (found := re.search(r'img[^>]*?src=\\"([^"\\]+)', text)):
                return found[1]
        return None

    address = wait_until(pixel)
    httpx.get(address)
    theirs, message = root_of(sesame, agency.account_id), f"/{REGION}/messages/{sent}"
    assert "reader@example.net opened 1 time, clicked 0 times" in words(theirs.get(message).text)
    seen = words(owner.get(message).text)
    assert "Sent as news@example.com" in seen
    assert "opened" not in seen
    wait_until(lambda: "Opened 1 time" in words(theirs.get(SET).text))
