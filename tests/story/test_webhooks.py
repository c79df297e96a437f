"""A receiver with the Standard Webhooks library gets the events of a configuration set, and knows whose they are."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.support.endpoint import Endpoint, Posted, listening
from tests.support.process import SesameProcess, wait_until
from tests.support.tenant import MESSAGE, TO, Tenant


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as found:
        yield found


def webhook(tenant: Tenant, *args: str) -> Any:
    verb, *rest = args
    return tenant.sesame.run_json("webhook", verb, tenant.account.account_id, *rest)


def with_webhook(tenant: Tenant, endpoint: Endpoint, events: str = "SEND,DELIVERY") -> str:
    """A set whose events are posted to the endpoint; the secret."""
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    return str(webhook(tenant, "create", "set", "hook", endpoint.url, "--events", events)["secret"])


def send(tenant: Tenant) -> str:
    sent = tenant.ses.send_email(
        Source="news@example.com", Destination=TO, Message=MESSAGE, ConfigurationSetName="set"
    )
    return str(sent["MessageId"])


def posted(endpoint: Endpoint, count: int) -> list[Posted]:
    wait_until(lambda: len(endpoint.posted) >= count)
    return list(endpoint.posted)


def test_events_are_posted_as_they_are_and_a_receiver_verifies_them(
    tenant: Tenant, endpoint: Endpoint
) -> None:
    secret = with_webhook(tenant, endpoint)
    assert secret.startswith("whsec_")
    message_id = send(tenant)
    found = posted(endpoint, 2)
    for one in found:
        event = Webhook(secret).verify(one.body, dict(one.headers))
        assert event == json.loads(one.body) and event["mail"]["messageId"] == message_id
        assert one.headers["content-type"] == "application/json"
    assert [json.loads(one.body)["eventType"] for one in found] == ["Send", "Delivery"]
    assert len({one.headers["webhook-id"] for one in found}) == 2
    one = found[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(one.body.replace("Send", "Sent"), dict(one.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(one.body, {**one.headers, "webhook-id": "other"})
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 43 + "=").verify(one.body, dict(one.headers))
    old = str(int((datetime.now(UTC) - timedelta(minutes=6)).timestamp()))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(one.body, {**one.headers, "webhook-timestamp": old})


def test_a_secret_is_exchanged_while_both_are_good(tenant: Tenant, endpoint: Endpoint) -> None:
    old = with_webhook(tenant, endpoint, "SEND")
    new = webhook(tenant, "rotate", "set", "hook")["secret"]
    send(tenant)
    (one,) = posted(endpoint, 1)
    for secret in (old, new):
        Webhook(secret).verify(one.body, dict(one.headers))
    last = webhook(tenant, "rotate", "set", "hook", "--overlap", "0")["secret"]
    send(tenant)
    _, two = posted(endpoint, 2)
    Webhook(last).verify(two.body, dict(two.headers))
    for secret in (old, new):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(two.body, dict(two.headers))


def test_a_webhook_is_a_destination_of_its_set(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    secret = with_webhook(tenant, endpoint, "SEND")
    v2 = sesame.client("sesv2", tenant.account)
    (shown,) = v2.get_configuration_set_event_destinations(ConfigurationSetName="set")["EventDestinations"]
    assert (shown["Name"], shown["Enabled"], shown["MatchingEventTypes"]) == ("hook", True, ["SEND"])
    described = tenant.ses.describe_configuration_set(
        ConfigurationSetName="set", ConfigurationSetAttributeNames=["eventDestinations"]
    )
    assert described["EventDestinations"][0]["Name"] == "hook"
    (listed,) = webhook(tenant, "list")
    assert (listed["url"], listed["events"], listed["enabled"]) == (endpoint.url, ["SEND"], True)
    assert secret not in json.dumps(listed)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    named: dict[str, Any] = {"ConfigurationSetName": "set", "EventDestinationName": "hook"}
    sns = {"SnsDestination": {"TopicArn": topic}}
    with pytest.raises(v2.exceptions.BadRequestException, match="webhook"):
        v2.update_configuration_set_event_destination(**named, EventDestination=sns)
    v2.update_configuration_set_event_destination(
        **named, EventDestination={"Enabled": True, "MatchingEventTypes": ["DELIVERY"]}
    )
    send(tenant)
    assert json.loads(posted(endpoint, 1)[0].body)["eventType"] == "Delivery"
    ways = sesame.run_json("notifications", "map", tenant.arn, "--configuration-set", "set")
    (way,) = [way for way in ways if way["event"] == "Delivery"]
    assert way["endpoints"] == [f"webhook {endpoint.url}"]
    v2.delete_configuration_set_event_destination(**named)
    assert webhook(tenant, "list") == []
    assert (
        "no webhook"
        in sesame.run("webhook", "delete", tenant.account.account_id, "set", "hook", check=False).stderr
    )


def test_what_waits_for_a_webhook_goes_with_it(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    with_webhook(tenant, endpoint, "SEND")
    endpoint.answers = [500] * 100
    message_id = send(tenant)
    posted(endpoint, 1)

    def told() -> list[Any]:
        (sent,) = [one for one in sesame.run_json("trace", message_id)["events"] if one["what"] == "accepted"]
        return list(sent["told"])

    wait_until(lambda: told()[0]["problem"])
    assert told()[0]["protocol"] == "webhook" and "500" in told()[0]["problem"]
    webhook(tenant, "delete", "set", "hook")
    assert told()[0]["state"] == "dropped"


def test_an_endpoint_that_answers_gone_is_told_nothing_until_it_is_switched_on_again(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    with_webhook(tenant, endpoint, "SEND")
    endpoint.answers.append(410)
    send(tenant)
    account = tenant.account.account_id
    wait_until(lambda: not webhook(tenant, "list")[0]["enabled"])
    wait_until(lambda: sesame.run_json("events", "dead", "--account", account))
    (row,) = [one for one in sesame.run_json("audit", "list", account) if "DisableWebhook" in json.dumps(one)]
    assert "410" in json.dumps(row)
    sesame.client("sesv2", tenant.account).update_configuration_set_event_destination(
        ConfigurationSetName="set",
        EventDestinationName="hook",
        EventDestination={"Enabled": True, "MatchingEventTypes": ["SEND"]},
    )
    sesame.run("events", "retry", "--all")
    first, again = posted(endpoint, 2)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


@pytest.mark.parametrize(
    ("url", "events", "words"),
    [
        ("ftp://a.example/", "SEND", "http"),
        ("https://a b.example/", "SEND", "characters"),
        ("https://user:secret@a.example/", "SEND", "password"),
        ("https://a.example/", "SENT", "types of events"),
        ("https://a.example/", ",", "types of events"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(tenant: Tenant, url: str, events: str, words: str) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    command = ["webhook", "create", tenant.account.account_id, "set", "hook", url, "--events", events]
    done = tenant.sesame.run(*command, check=False)
    assert done.returncode != 0 and words in done.stderr
    missing = tenant.sesame.run(
        *command[:3], "other", "hook", "https://a.example/", "--events", "SEND", check=False
    )
    assert "no configuration set" in missing.stderr


def test_a_webhook_leads_nowhere_inside(tenant: Tenant, sesame: SesameProcess) -> None:
    """The guard that SNS endpoints are held to: only loopback is open here."""
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    webhook(tenant, "create", "set", "hook", "http://169.254.169.254/latest", "--events", "SEND")
    message_id = send(tenant)

    def problem() -> str | None:
        (sent,) = [one for one in sesame.run_json("trace", message_id)["events"] if one["what"] == "accepted"]
        return sent["told"][0]["problem"] if sent["told"] else None

    assert "may not be connected to" in wait_until(problem)
