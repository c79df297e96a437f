"""What went out last of an identity's notifications and how it was answered, and tests that a person sends."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sesame.app.foundation import Services
from sesame.console.pages.notifications import TEST_EVERY_S
from sesame.db import Transaction
from sesame.operations.notification_map import MOST_ENDPOINTS, MOST_PLACES
from sesame.store import subscriptions
from sesame.store.subscriptions import Subscription
from tests.console.test_leave import person_with
from tests.support.browser import Person, main_of, root_of, words
from tests.support.endpoint import Endpoint, listening
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.signed_client import policy
from tests.support.tenant import MESSAGE, Tenant, tenant_of

HERE = f"/{REGION}/identities/example.com/notifications"
_ONCE = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as found:
        yield found


@dataclass
class Told:
    """An account whose bounces and deliveries go to an endpoint, through a topic of its own."""

    tenant: Tenant
    endpoint: Endpoint
    topic: str

    def bounce(self, ses: Any, **more: str) -> None:
        """Send what bounces, and wait until the endpoint was told."""
        before = len(self.bounces())
        ses.send_email(
            Source="news@example.com",
            Destination={"ToAddresses": ["bounce@simulator.amazonses.com"]},
            Message=MESSAGE,
            **more,
        )
        wait_until(lambda: len(self.bounces()) > before)

    def bounces(self) -> list[Any]:
        """What the endpoint was told of bounces."""
        return [one for one in self.messages() if one["notificationType"] == "Bounce"]

    def tests(self) -> list[Any]:
        """The tests that it got."""
        return [one for one in self.messages() if one["notificationType"] == "TestNotification"]

    def messages(self) -> list[Any]:
        return [json.loads(one.envelope["Message"]) for one in self.endpoint.of_type("Notification")]


@pytest.fixture
def told(tenant: Tenant, endpoint: Endpoint) -> Told:
    return told_by(tenant, endpoint)


def told_by(tenant: Tenant, endpoint: Endpoint) -> Told:
    """Have an endpoint told."""
    topic = tenant.sns.create_topic(Name="told")["TopicArn"]
    tenant.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert "<SubscriptionArn>" in endpoint.confirm()
    for kind in ("Bounce", "Delivery"):
        tenant.ses.set_identity_notification_topic(
            Identity="example.com", NotificationType=kind, SnsTopic=topic
        )
    endpoint.wait_for(2)
    return Told(tenant, endpoint, topic)


def rows(page: str) -> dict[str, str]:
    """What the page says of each kind, of what was told last."""
    found = re.findall(r"<tr>.*?</tr>", page.partition('id="told"')[2].partition("</section>")[0], re.DOTALL)
    said = [words(one) for one in found[1:]]
    return {one.partition(" ")[0] + ("-test" if "Send a test" not in one else ""): one for one in said}


def settled(person: Person, path: str = HERE) -> dict[str, str]:
    """The same, once nothing of it waits."""
    wait_until(lambda: "data-poll" not in person.get(path).text)
    return rows(person.get(path).text)


def test_the_last_event_is_shown_with_its_answer(person: Person, told: Told) -> None:
    assert "nothing that is kept" in rows(person.get(HERE).text)["Bounce"]
    assert "Complaint" not in rows(person.get(HERE).text), "no topic is set"
    told.bounce(told.tenant.ses)
    said = settled(person)
    assert "delivered" in said["Bounce"]
    assert f"http {told.endpoint.url}" in said["Bounce"]
    assert "nothing that is kept" in said["Delivery"]
    link = re.search(r'href="([^"]*/messages/[^"]*)"', person.get(HERE).text)
    assert link
    assert "bounce@simulator.amazonses.com" in person.get(link[1]).text


def test_a_refusal_is_shown_with_its_words_and_the_next_attempt(person: Person, told: Told) -> None:
    told.endpoint.answers = [503]
    told.tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
        Message=MESSAGE,
    )
    wait_until(lambda: "next attempt" in person.get(HERE).text)
    page = person.get(HERE).text
    assert re.search(r"waiting next attempt .* after 1 attempt http", rows(page)["Delivery"])
    assert "503" in rows(page)["Delivery"]
    assert 'id="told" data-poll="3000"' in page
    told.endpoint.answers = [410]
    told.bounce(told.tenant.ses)
    wait_until(lambda: "given up" in person.get(HERE).text)
    assert "410" in rows(person.get(HERE).text)["Bounce"]


def test_of_a_topic_with_many_subscriptions_the_first_are_shown(
    sesame: SesameProcess, person: Person, told: Told
) -> None:
    many = [
        Subscription(
            arn=f"{told.topic}:{n:036}", topic_arn=told.topic, account_id=told.tenant.account.account_id,
            protocol="email", endpoint=f"reader{n}@example.com", attributes={}, created_at=0, confirmed_at=1,
        )
        for n in range(30)
    ]  # fmt: skip

    async def put(tx: Transaction) -> None:
        for one in many:
            await subscriptions.put(tx, one)

    async def subscribe(services: Services) -> None:
        await services.store.write(put)

    sesame.operate(subscribe)
    page = main_of(person.get(HERE))
    assert page.count("email reader") == 2 * MOST_ENDPOINTS
    assert page.count("and more") == 2
    answer = person.send(f"{HERE}/test", page=HERE, kind="Bounce")
    said = rows(answer.text)["Bounce-test"]
    assert said.count("email reader") == MOST_PLACES
    assert said.endswith("and more")


def test_another_topic_has_been_told_nothing(person: Person, told: Told) -> None:
    told.bounce(told.tenant.ses)
    assert "delivered" in settled(person)["Bounce"]
    ses, sns = told.tenant.ses, told.tenant.sns
    kind = {"Identity": "example.com", "NotificationType": "Bounce"}
    ses.set_identity_notification_topic(**kind, SnsTopic=told.topic)
    assert "delivered" in rows(person.get(HERE).text)["Bounce"], "it is the same topic"
    ses.set_identity_notification_topic(**kind, SnsTopic=sns.create_topic(Name="new")["TopicArn"])
    assert "nothing that is kept" in rows(person.get(HERE).text)["Bounce"]
    ses.set_identity_notification_topic(**kind)
    assert "Bounce" not in rows(person.get(HERE).text)


def test_the_last_event_of_a_delegate_goes_with_each_its_own_settings(
    sesame: SesameProcess, person: Person, told: Told
) -> None:
    """The owner sees its own topic's, and no endpoint or word of the delegate's (I9)."""
    delegate = tenant_of(sesame)
    tenant = told.tenant
    lending = {"Effect": "Allow", "Principal": {"AWS": delegate.account.account_id}, "Action": "ses:*"}
    tenant.ses.put_identity_policy(
        Identity="example.com", PolicyName="p", Policy=policy({**lending, "Resource": tenant.arn})
    )
    topic = delegate.sns.create_topic(Name="canarytopic")["TopicArn"]
    with listening() as theirs:
        canary = f"{theirs.url}/canary"
        delegate.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=canary)
        theirs.confirm()
        delegate.ses.set_identity_notification_topic(
            Identity=tenant.arn, NotificationType="Bounce", SnsTopic=topic
        )
        told.bounce(delegate.ses, SourceArn=tenant.arn)
        theirs.wait_for(2)
    assert f"http {told.endpoint.url}" in settled(person)["Bounce"]
    assert "canary" not in person.get(HERE).text
    root = root_of(sesame, delegate.account.account_id)
    assert told.endpoint.url not in root.get(HERE).text
    assert 'id="told"' not in root.get(HERE).text, "its own example.com has no topics"


def test_subscriptions_of_another_accounts_topic_are_its_to_see(
    sesame: SesameProcess, person: Person, tenant: Tenant, endpoint: Endpoint
) -> None:
    other = tenant_of(sesame)
    topic = other.sns.create_topic(Name="shared")["TopicArn"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
    other.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=policy({**everybody, "Sid": "s"})
    )
    other.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    endpoint.confirm()
    tenant.ses.set_identity_notification_topic(
        Identity="example.com", NotificationType="Bounce", SnsTopic=topic
    )
    Told(tenant, endpoint, topic).bounce(tenant.ses)
    for path in (HERE, person.send(f"{HERE}/test", page=HERE, kind="Bounce").url.raw_path.decode()):
        page = person.get(path).text
        assert endpoint.url not in page
        assert f"subscriptions that account {other.account.account_id} sees" in rows(page)["Bounce"]


def test_a_test_reaches_the_endpoint_and_is_nobodys_bounce(person: Person, told: Told) -> None:
    answer = person.send(f"{HERE}/test", page=HERE, kind="Bounce")
    assert "?test=" in str(answer.url)
    wait_until(lambda: told.tests() != [])
    (test,) = told.tests()
    assert test.keys() == {"notificationType", "message"}, "no mail, no message id, no recipients"
    assert "test of 'Bounce' notifications for identity 'example.com'" in test["message"]
    said = settled(person, answer.url.raw_path.decode())
    assert "delivered" in said["Bounce-test"]
    assert f"http {told.endpoint.url}" in said["Bounce-test"]
    assert "nothing that is kept" in said["Bounce"], "a test is no event"
    stats = told.tenant.ses.get_send_statistics()["SendDataPoints"]
    assert [one for one in stats if one["Bounces"]] == []


def test_a_form_sent_twice_and_a_hasty_person_send_one_test(person: Person, told: Told) -> None:
    began = time.time()
    once = _ONCE.search(person.get(HERE).text)
    assert once
    answers = [person.send(f"{HERE}/test", page=HERE, kind="Bounce", once=once[1]) for _ in range(2)]
    assert answers[0].url == answers[1].url
    for _ in range(6):
        answers.append(person.send(f"{HERE}/test", page=HERE, kind="Bounce", once=f"new{len(answers)}"))
    different = {str(one.url) for one in answers}
    wait_until(lambda: len(told.tests()) >= len(different))
    assert len(told.tests()) == len(different)
    assert len(different) <= time.time() // TEST_EVERY_S - began // TEST_EVERY_S + 1


@pytest.mark.parametrize(
    ("kind", "because"),
    [
        ("Complaint", "no topic is set"),
        ("Open", "no topic is set"),
        ("", "no topic is set"),
        ("Delivery", "nobody has a confirmed subscription to the topic"),
        ("Bounce", "the topic does not exist"),
    ],
)
def test_a_test_that_nobody_would_get_is_refused(person: Person, told: Told, kind: str, because: str) -> None:
    sns, ses = told.tenant.sns, told.tenant.ses
    topics = {"Delivery": sns.create_topic(Name="empty")["TopicArn"]}
    topics["Bounce"] = sns.create_topic(Name="gone")["TopicArn"]
    for one, topic in topics.items():
        ses.set_identity_notification_topic(Identity="example.com", NotificationType=one, SnsTopic=topic)
    sns.delete_topic(TopicArn=topics["Bounce"])
    answer = person.send(f"{HERE}/test", page=HERE, kind=kind)
    assert answer.status_code == 400
    assert because in main_of(answer)
    assert told.tests() == []


def test_a_test_takes_the_permission_to_publish(sesame: SesameProcess, told: Told) -> None:
    seeing = "ses:GetIdentityNotificationAttributes"
    reader = person_with(sesame, told.tenant, seeing)
    answer = reader.send(f"{HERE}/test", page=HERE, kind="Bounce")
    assert answer.status_code == 403
    assert "SNS:Publish" in main_of(answer)
    denied = person_with(sesame, told.tenant, "*", deny="sns:Publish")
    assert denied.send(f"{HERE}/test", page=HERE, kind="Bounce").status_code == 403
    blind = person_with(sesame, told.tenant, "sns:Publish")
    assert blind.send(f"{HERE}/test", page="/me", kind="Bounce").status_code == 403
    assert told.tests() == []
    both = person_with(sesame, told.tenant, seeing, "sns:Publish")
    assert both.send(f"{HERE}/test", page=HERE, kind="Bounce").status_code == 200
    wait_until(lambda: told.tests() != [])


def test_what_is_no_test_of_the_identity_is_not_shown_as_one(person: Person, told: Told) -> None:
    """The id in the address is looked up among tests alone: not events, nor what programs publish."""
    mine = told.tenant.sns.publish(TopicArn=told.topic, Message="a program's")["MessageId"]
    for wrong in (mine, "x", "%00", "a" * 5_000, "'"):
        answer = person.get(f"{HERE}?test={wrong}")
        assert answer.status_code == 200
        assert list(rows(answer.text)) == ["Bounce", "Delivery"]
    assert person.get(f"{HERE}/test").status_code == 405


def test_a_test_that_filters_keep_away_says_so(person: Person, told: Told) -> None:
    (one,) = told.tenant.sns.list_subscriptions()["Subscriptions"]
    for name, value in (
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", '{"notificationType": ["Bounce"]}'),
    ):
        told.tenant.sns.set_subscription_attributes(
            SubscriptionArn=one["SubscriptionArn"], AttributeName=name, AttributeValue=value
        )
    answer = person.send(f"{HERE}/test", page=HERE, kind="Bounce")
    assert "no confirmed subscription wanted it" in rows(answer.text)["Bounce-test"]
