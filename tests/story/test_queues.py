"""Queues of an SQS-compatible server get what is published, raw or signed, and what other endpoints did not take."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.test_event_publishing import verify
from tests.support.endpoint import Endpoint, listening
from tests.support.process import SesameProcess, running, wait_until
from tests.support.queues import Queues, envelope, queues
from tests.support.tenant import MESSAGE, TO, Tenant


@pytest.fixture(scope="module")
def services() -> Iterator[Queues]:
    with queues() as found:
        yield found


@pytest.fixture(scope="module")
def server(services: Queues, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server that knows the queues, and gives up what fails once."""
    directory: Path = tmp_path_factory.mktemp("queues")
    secret = directory / "secret"
    secret.write_text("b")
    secret.chmod(0o600)
    settings = {
        "SESAME_NOTIFY__SQS_ENDPOINT": services.url,
        "SESAME_NOTIFY__SQS_ACCESS_KEY_ID": "a",
        "SESAME_NOTIFY__SQS_SECRET_ACCESS_KEY_FILE": str(secret),
        "SESAME_NOTIFY__GIVE_UP_AFTER_S": "10",
    }
    with running(directory / "data", **settings) as process:
        yield process


@pytest.fixture
def tenant(server: SesameProcess) -> Tenant:
    account = server.create_account()
    server.vouch(account, "example.com")
    return Tenant(server, account)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as found:
        yield found


def test_a_queue_gets_the_signed_envelope(tenant: Tenant, services: Queues) -> None:
    queue = services.create("plain", tenant.account.account_id)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    arn = tenant.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert arn.startswith(topic)
    published = tenant.sns.publish(TopicArn=topic, Message="päper & ink", Subject="s")["MessageId"]
    (message,) = services.wait_for(queue, 1)
    found = envelope(message)
    verify(found)
    assert (found["Message"], found["Subject"], found["MessageId"]) == ("päper & ink", "s", published)
    assert found["Type"] == "Notification" and found["UnsubscribeURL"]


def test_a_queue_of_another_account_is_asked_first(tenant: Tenant, services: Queues) -> None:
    queue = services.create("strangers")
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    pending = tenant.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert pending == "pending confirmation"
    tenant.sns.publish(TopicArn=topic, Message="too early")
    (asked,) = services.wait_for(queue, 1)
    found = envelope(asked)
    verify(found)
    assert found["Type"] == "SubscriptionConfirmation"
    tenant.sns.confirm_subscription(TopicArn=topic, Token=found["Token"])
    tenant.sns.publish(TopicArn=topic, Message="now")
    (message,) = services.wait_for(queue, 1)
    assert envelope(message)["Message"] == "now"


def test_a_queue_that_wants_it_raw_gets_the_message_and_its_attributes(
    tenant: Tenant, services: Queues
) -> None:
    queue = services.create("raw", tenant.account.account_id)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    tenant.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    attributes = {
        "colour": {"DataType": "String", "StringValue": "grün"},
        "size": {"DataType": "Number", "StringValue": "7"},
        "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    tenant.sns.publish(TopicArn=topic, Message='{"a": 1}', MessageAttributes=attributes)
    (message,) = services.wait_for(queue, 1)
    assert message["Body"] == '{"a": 1}'
    assert message["MessageAttributes"] == attributes


def test_events_of_a_set_come_to_a_queue_in_the_order_of_the_message(
    tenant: Tenant, services: Queues
) -> None:
    queue = services.create("events", tenant.account.account_id)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    tenant.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    tenant.ses.create_configuration_set_event_destination(
        ConfigurationSetName="set",
        EventDestination={
            "Name": "d", "Enabled": True, "MatchingEventTypes": ["send", "delivery"],
            "SNSDestination": {"TopicARN": topic},
        },
    )  # fmt: skip
    sent = tenant.ses.send_email(
        Source="news@example.com", Destination=TO, Message=MESSAGE, ConfigurationSetName="set"
    )["MessageId"]
    bodies = [message["Body"] for message in services.wait_for(queue, 3)]
    told = [json.loads(body) for body in bodies if body.startswith("{")]
    assert [(one["eventType"], one["mail"]["messageId"]) for one in told] == [
        ("Send", sent),
        ("Delivery", sent),
    ]


def test_what_an_endpoint_refuses_for_good_comes_to_its_subscriptions_dead_letter_queue(
    tenant: Tenant, services: Queues, endpoint: Endpoint
) -> None:
    dead = services.create("dead", tenant.account.account_id)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    tenant.sns.subscribe(
        TopicArn=topic,
        Protocol="http",
        Endpoint=endpoint.url,
        Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead}),
            "DeliveryPolicy": json.dumps(
                {"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 1, "minDelayTarget": 1}}
            ),
        },
    )
    endpoint.confirm()
    endpoint.answers += [500, 410]
    published = tenant.sns.publish(TopicArn=topic, Message="lost?")["MessageId"]
    (message,) = services.wait_for(dead, 1)
    found = envelope(message)
    verify(found)
    assert (found["Message"], found["MessageId"]) == ("lost?", published)
    assert len(endpoint.of_type("Notification")) == 2
    tenant.sns.publish(TopicArn=topic, Message="taken")
    endpoint.wait_for(3)
    assert services.messages(dead) == []


def test_a_queue_that_is_not_there_leaves_what_can_be_sent_again(
    tenant: Tenant, server: SesameProcess, services: Queues
) -> None:
    queue = services.create("gone", tenant.account.account_id)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    tenant.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    services.sqs.delete_queue(QueueUrl=services.sqs.get_queue_url(QueueName="gone")["QueueUrl"])
    published = tenant.sns.publish(TopicArn=topic, Message="m")["MessageId"]
    account = tenant.account.account_id
    (listed,) = wait_until(lambda: server.run_json("events", "dead", "--account", account))
    assert listed["message_id"] == published
    assert "NonExistentQueue" in listed["problem"]
    services.create("gone", tenant.account.account_id)
    server.run("events", "retry", str(listed["number"]))
    (message,) = services.wait_for(queue, 1)
    assert envelope(message)["MessageId"] == published
