"""People are told what happened to their mail: subscriptions, notifications of identities, events of sets."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.support.browser import root_of, words
from tests.support.endpoint import Endpoint, get, listening
from tests.support.process import REGION, Account, SesameProcess, read_header, wait_until
from tests.support.submission import logged_in
from tests.support.tenant import MESSAGE, RAW, TO, Tenant, refusal


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as found:
        yield found


def subscribed(tenant: Tenant, endpoint: Endpoint, name: str = "events", **attributes: str) -> str:
    """A topic with a confirmed subscription of the endpoint; the topic's ARN."""
    topic: str = tenant.sns.create_topic(Name=name)["TopicArn"]
    tenant.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes)
    assert "<SubscriptionArn>" in endpoint.confirm()
    return topic


def verify(envelope: dict[str, Any]) -> None:
    """As the guide says consumers should: raises InvalidSignature."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    certificate = x509.load_pem_x509_certificate(get(envelope["SigningCertURL"]).encode())
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[envelope["SignatureVersion"]]
    key.verify(base64.b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), digest)


def with_set(tenant: Tenant, topic: str, *types: str) -> str:
    """A configuration set whose events of these types go to a topic."""
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    tenant.ses.create_configuration_set_event_destination(
        ConfigurationSetName="set",
        EventDestination={
            "Name": "d", "Enabled": True, "MatchingEventTypes": list(types), "SNSDestination": {"TopicARN": topic},
        },
    )  # fmt: skip
    return "set"


def test_a_subscription_is_confirmed_by_its_link_and_what_is_published_comes_signed(
    tenant: Tenant, endpoint: Endpoint
) -> None:
    topic = subscribed(tenant, endpoint)
    (asked,) = endpoint.of_type("SubscriptionConfirmation")
    verify(asked.envelope)
    assert "x-amz-sns-subscription-arn" not in asked.headers
    message_id = tenant.sns.publish(TopicArn=topic, Message="hello", Subject="s")["MessageId"]
    (posted,) = endpoint.wait_for(1)
    verify(posted.envelope)
    assert (posted.envelope["Message"], posted.envelope["Subject"]) == ("hello", "s")
    assert posted.headers["x-amz-sns-message-id"] == posted.envelope["MessageId"] == message_id
    assert posted.headers["content-type"] == "text/plain; charset=UTF-8"
    tenant.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    tenant.sns.publish(TopicArn=topic, Message="again")
    second = endpoint.wait_for(2)[1].envelope
    assert second["SignatureVersion"] == "2" and "Subject" not in second
    verify(second)


def test_a_subscription_is_read_changed_and_ended(tenant: Tenant, endpoint: Endpoint) -> None:
    sns = tenant.sns
    topic = sns.create_topic(Name="t")["TopicArn"]
    pending = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert pending["SubscriptionArn"] == "pending confirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    token = endpoint.wait_for(1, "SubscriptionConfirmation")[0].envelope["Token"]
    assert len(token) == 256
    code, _, text = refusal(sns.confirm_subscription, TopicArn=topic, Token="0" * 256)
    assert (code, text) == ("InvalidParameter", "Invalid parameter: Token")
    arn = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    assert sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] == arn
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
    for name, value in (
        ("RawMessageDelivery", "true"),
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", '{"kind":["wanted"]}'),
    ):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false" and attributes["FilterPolicyScope"] == "MessageBody"
    sns.publish(TopicArn=topic, Message='{"kind":"other"}')
    sns.publish(TopicArn=topic, Message='{"kind":"wanted"}')
    (raw,) = endpoint.wait_for(1)
    assert (raw.body, raw.headers["x-amz-sns-rawdelivery"]) == ('{"kind":"wanted"}', "true")
    sns.unsubscribe(SubscriptionArn=arn)
    sns.publish(TopicArn=topic, Message='{"kind":"wanted"}')
    (ended,) = endpoint.wait_for(1, "UnsubscribeConfirmation")
    verify(ended.envelope)
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == "Deleted"
    get(ended.envelope["SubscribeURL"])
    sns.publish(TopicArn=topic, Message='{"kind":"wanted"}')
    assert len(endpoint.wait_for(2)) == 2
    assert refusal(sns.unsubscribe, SubscriptionArn="x")[0] == "InvalidParameter"


def test_the_link_that_ends_a_subscription_works_unless_it_wants_a_signature(
    tenant: Tenant, endpoint: Endpoint
) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    tenant.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    token = endpoint.wait_for(1, "SubscriptionConfirmation")[0].envelope["Token"]
    tenant.sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    tenant.sns.publish(TopicArn=topic, Message="m")
    link = endpoint.wait_for(1)[0].envelope["UnsubscribeURL"]
    assert "AuthorizationError" in get(link)
    with listening() as other:
        second = subscribed(tenant, other, "u")
        tenant.sns.publish(TopicArn=second, Message="m")
        assert "UnsubscribeResult" in get(other.wait_for(1)[0].envelope["UnsubscribeURL"])
        other.wait_for(1, "UnsubscribeConfirmation")


def test_events_of_a_configuration_set_are_told_in_order(tenant: Tenant, endpoint: Endpoint) -> None:
    topic = subscribed(tenant, endpoint)
    name = with_set(tenant, topic, "send", "delivery")
    endpoint.wait_for(1)  # that the topic was validated, which is in no order with the events
    sent = tenant.ses.send_email(
        Source="News <news@example.com>", Destination=TO, Message=MESSAGE, ConfigurationSetName=name,
        Tags=[{"Name": "campaign", "Value": "spring"}],
    )["MessageId"]  # fmt: skip
    _, first, second = (one.envelope for one in endpoint.wait_for(3))
    assert first["Subject"] == "Amazon SES Email Event Notification"
    assert first["Message"].endswith("}\n")
    send, delivery = json.loads(first["Message"]), json.loads(second["Message"])
    assert (send["eventType"], delivery["eventType"]) == ("Send", "Delivery")
    mail = send["mail"]
    assert (mail["messageId"], mail["source"]) == (sent, "News <news@example.com>")
    assert [header["name"] for header in mail["headers"]] == [
        "From", "To", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    ]  # fmt: skip
    assert mail["tags"]["campaign"] == ["spring"] and mail["tags"]["ses:caller-identity"] == ["root"]
    assert delivery["delivery"]["recipients"] == TO["ToAddresses"]
    assert delivery["delivery"]["smtpResponse"].startswith("250 ")


def delegate_of(tenant: Tenant, sesame: SesameProcess) -> Account:
    """An account that the tenant's domain is lent to."""
    delegate = sesame.create_account()
    statement = {
        "Effect": "Allow", "Principal": {"AWS": delegate.account_id}, "Action": "ses:SendRawEmail",
        "Resource": tenant.arn,
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=policy)
    return delegate


def test_owner_and_delegate_are_each_told_of_what_the_delegate_sends(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    delegate = delegate_of(tenant, sesame)
    ses, sns = sesame.client("ses", delegate), sesame.client("sns", delegate)
    own = subscribed(tenant, endpoint)
    tenant.ses.set_identity_notification_topic(
        Identity="example.com", NotificationType="Delivery", SnsTopic=own
    )
    tenant.ses.set_identity_headers_in_notifications_enabled(
        Identity="example.com", NotificationType="Delivery", Enabled=True
    )
    with listening() as other:
        theirs = sns.create_topic(Name="mine")["TopicArn"]
        sns.subscribe(TopicArn=theirs, Protocol="http", Endpoint=other.url)
        other.confirm()
        ses.set_identity_notification_topic(Identity=tenant.arn, NotificationType="Delivery", SnsTopic=theirs)
        for place in (endpoint, other):
            place.wait_for(1)
        sent = ses.send_raw_email(RawMessage={"Data": RAW}, SourceArn=tenant.arn)["MessageId"]
        (_, to_owner), (_, to_delegate) = endpoint.wait_for(2), other.wait_for(2)
    assert "Subject" not in to_owner.envelope
    told_owner, told_delegate = (json.loads(one.envelope["Message"]) for one in (to_owner, to_delegate))
    for told in (told_owner, told_delegate):
        assert told["notificationType"] == "Delivery"
        assert told["mail"]["sendingAccountId"] == delegate.account_id
        assert told["mail"]["sourceArn"] == tenant.arn
    assert "headers" in told_owner["mail"] and "headers" not in told_delegate["mail"]
    seen = {
        reader: sesame.run_json("trace", sent, "--as", reader)["events"] for reader in ("owner", "sender")
    }
    assert [one["what"] for one in seen["owner"]] == ["delivered"]
    assert [one["what"] for one in seen["sender"]] == ["accepted", "delivered"]
    for reader, topic in (("owner", own), ("sender", theirs)):
        (told,) = seen[reader][-1]["told"]
        assert told["topic"] == topic
    assert {one["topic"] for one in sesame.run_json("trace", sent)["events"][-1]["told"]} == {own, theirs}


def test_the_trace_says_who_was_not_told_and_why_to_each_side_its_own(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    delegate = delegate_of(tenant, sesame)
    ses, sns = sesame.client("ses", delegate), sesame.client("sns", delegate)
    own = tenant.sns.create_topic(Name="nobody")["TopicArn"]
    tenant.ses.set_identity_notification_topic(
        Identity="example.com", NotificationType="Delivery", SnsTopic=own
    )
    theirs = sns.create_topic(Name="choosy")["TopicArn"]
    wants = {"FilterPolicy": '{"eventType":["Click"]}', "FilterPolicyScope": "MessageBody"}
    sns.subscribe(TopicArn=theirs, Protocol="http", Endpoint=endpoint.url, Attributes=wants)
    endpoint.confirm()
    sender = Tenant(sesame, delegate)
    name = with_set(sender, theirs, "send")
    raw = RAW.replace(b"Subject:", f"X-SES-CONFIGURATION-SET: {name}\r\nSubject:".encode())
    sent = ses.send_raw_email(RawMessage={"Data": raw}, SourceArn=tenant.arn)["MessageId"]

    def why(*reader: str) -> set[tuple[str, str, str, str]]:
        found = sesame.run_json("trace", sent, *reader)["events"]
        assert all(one["told"] == [] for one in found)
        return {
            (one["what"], missed["account"], missed["way"], missed["reason"])
            for one in found
            for missed in one["not_told"]
        }

    owners = {
        (
            "delivered", tenant.account.account_id, f"topic of the identity: {own}",
            "nobody has a confirmed subscription to the topic",
        ),
    }  # fmt: skip
    senders = {
        (
            "accepted", delegate.account_id, f"event destination d: {theirs}, http {endpoint.url}",
            "its filter policy does not want it, or it was subscribed later",
        ),
        (
            "delivered", delegate.account_id, f"event destination d: {theirs}",
            "the destination does not ask for events of this type",
        ),
    }  # fmt: skip
    wait_until(lambda: why() == owners | senders)
    assert (why("--as", "owner"), why("--as", "sender")) == (owners, senders)
    text = sesame.run("trace", sent, "--as", "owner").stdout
    assert f"not notified  {tenant.account.account_id}  topic of the identity: {own}: nobody" in text
    assert theirs not in text


def test_an_endpoint_that_fails_is_tried_again_with_the_same_message(
    tenant: Tenant, endpoint: Endpoint
) -> None:
    policy = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 2}}
    topic = subscribed(tenant, endpoint, DeliveryPolicy=json.dumps(policy))
    endpoint.answers = [500, 302]
    tenant.sns.publish(TopicArn=topic, Message="m")
    posted = endpoint.wait_for(3)
    assert len({one.body for one in posted}) == 1


def test_mail_is_a_way_to_be_told(tenant: Tenant, sesame: SesameProcess) -> None:
    address = f"{tenant.account.account_id}@people.test"
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    tenant.sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint=address)

    def mails() -> list[str]:
        return [one.data.decode() for one in reversed(sesame.mail()) if address in one.rcpt_to]

    wait_until(lambda: len(mails()) == 1)
    text = mails()[0].replace("=\r\n", "").replace("=3D", "=")
    assert "Subject: AWS Notification - Subscription Confirmation" in text
    get(next(line for line in text.split() if "ConfirmSubscription" in line))
    tenant.sns.publish(TopicArn=topic, Message="hello", Subject="News")
    wait_until(lambda: len(mails()) == 2)
    assert "Subject: News" in mails()[1] and '"Message" : "hello"' in mails()[1].replace("=\r\n", "")


def test_a_topic_of_another_account_needs_its_policy(tenant: Tenant, sesame: SesameProcess) -> None:
    stranger = sesame.create_account()
    sns = sesame.client("sns", stranger)
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    endpoint = {"Protocol": "email", "Endpoint": "a@people.test"}
    refused = refusal(sns.publish, TopicArn=topic, Message="m")
    assert refused[:2] == ("AuthorizationError", 403)
    absent = refusal(sns.publish, TopicArn=f"{topic}x", Message="m")
    assert absent[2].replace(f"{topic}x", topic) == refused[2]
    assert refusal(sns.subscribe, TopicArn=topic, **endpoint)[0] == "AuthorizationError"
    allow = {
        "Effect": "Allow", "Principal": {"AWS": stranger.account_id}, "Action": ["sns:Publish", "sns:Subscribe"],
        "Resource": topic, "Condition": {"StringNotEquals": {"sns:Endpoint": "b@people.test"}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    tenant.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert sns.publish(TopicArn=topic, Message="m")["MessageId"]
    made = sns.subscribe(TopicArn=topic, ReturnSubscriptionArn=True, **endpoint)["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=made)["Attributes"]["Owner"] == stranger.account_id
    assert refusal(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="b@people.test")[0] == (
        "AuthorizationError"
    )
    third = sesame.client("sns", sesame.create_account())
    assert refusal(third.get_subscription_attributes, SubscriptionArn=made)[0] == "NotFound"
    assert refusal(third.unsubscribe, SubscriptionArn=made)[0] == "AuthorizationError"


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("subscribe", {"Protocol": "sms", "Endpoint": "1"}, "sms is not supported"),
        ("subscribe", {"Protocol": "x", "Endpoint": "1"}, "does not support this protocol string: x"),
        (
            "subscribe",
            {"Protocol": "https", "Endpoint": "http://a.test"},
            "must match the specified protocol",
        ),
        ("subscribe", {"Protocol": "http", "Endpoint": "http://a b/"}, "Endpoint Reason"),
        ("subscribe", {"Protocol": "email", "Endpoint": "nobody"}, "Email address"),
        (
            "subscribe",
            {"Protocol": "sqs", "Endpoint": f"arn:aws:sqs:{REGION}:123456789012:q"},
            "no SQS-compatible endpoint",
        ),
        (
            "subscribe",
            {"Protocol": "email", "Endpoint": "a@b.test", "Attributes": {"RawMessageDelivery": "true"}},
            "does not support raw message",
        ),
        (
            "subscribe",
            {"Protocol": "email", "Endpoint": "a@b.test", "Attributes": {"FilterPolicy": "{"}},
            "failed to parse JSON",
        ),
        (
            "subscribe",
            {"Protocol": "email", "Endpoint": "a@b.test", "Attributes": {"X": "1"}},
            "AttributeName",
        ),
        ("publish", {"Message": ""}, "Empty message"),
        ("publish", {"Message": "m", "Subject": "a\nb"}, "Subject"),
        ("publish", {"Message": "x" * 262_145}, "too long"),
        ("publish", {"Message": "x", "MessageStructure": "json"}, "failed to parse"),
        ("publish", {"Message": "{}", "MessageStructure": "json"}, "No default entry"),
        ("publish", {"Message": "m", "MessageGroupId": "g"}, "not valid for this topic type"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    tenant: Tenant, operation: str, parameters: dict[str, Any], words: str
) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    code, status, text = refusal(getattr(tenant.sns, operation), TopicArn=topic, **parameters)
    assert (code, status) == ("InvalidParameter", 400)
    assert words in text


@pytest.mark.parametrize("subject", ["Über das Wetter", "天気", "a\u00a0b — “c”", "x" * 100, "é" * 100])
def test_a_subject_is_any_text_of_one_line_for_posts_and_for_mail(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint, subject: str
) -> None:
    topic = subscribed(tenant, endpoint)
    to = f"s-{tenant.account.account_id}@people.test"
    tenant.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=to)

    def mails() -> list[Any]:
        return [read_header(one) for one in reversed(sesame.mail()) if to in one.rcpt_to]

    wait_until(lambda: len(mails()) == 1)
    get(next(word for word in mails()[0].get_content().split() if "ConfirmSubscription" in word))
    tenant.sns.publish(TopicArn=topic, Message="m", Subject=subject)
    (posted,) = endpoint.wait_for(1)
    assert posted.envelope["Subject"] == subject
    verify(posted.envelope)
    wait_until(lambda: len(mails()) == 2)
    assert mails()[1]["Subject"] == subject


@pytest.mark.parametrize("subject", ["", "a\nb", "a\x07b", "a\tb", "\x85", "a\u2028b", "x" * 101])
def test_what_is_no_subject_is_refused(tenant: Tenant, subject: str) -> None:
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    code, _, text = refusal(tenant.sns.publish, TopicArn=topic, Message="m", Subject=subject)
    assert (code, text) == ("InvalidParameter", "Invalid parameter: Subject")


def test_a_batch_is_published_message_by_message(tenant: Tenant, endpoint: Endpoint) -> None:
    topic = subscribed(tenant, endpoint, FilterPolicy='{"size":[{"numeric":[">",5]}]}')
    size = {"size": {"DataType": "Number", "StringValue": "9"}}
    entries: list[dict[str, Any]] = [
        {"Id": "a", "Message": "one", "MessageAttributes": size},
        {"Id": "b", "Message": "unwanted"},
        {
            "Id": "c",
            "Message": "wrong",
            "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "x"}},
        },
    ]
    done = tenant.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in done["Successful"]] == ["a", "b"]
    assert [(one["Id"], one["SenderFault"]) for one in done["Failed"]] == [("c", True)]
    (posted,) = endpoint.wait_for(1)
    assert posted.envelope["Message"] == "one"
    assert posted.envelope["MessageAttributes"] == {"size": {"Type": "Number", "Value": "9"}}
    twice = [{"Id": "a", "Message": "m"}] * 2
    code, _, _ = refusal(tenant.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=twice)
    assert "BatchEntryIdsNotDistinct" in code


def test_each_protocol_may_have_a_text_of_its_own(tenant: Tenant, endpoint: Endpoint) -> None:
    topic = subscribed(tenant, endpoint)
    text = json.dumps({"default": "for all", "http": "for http"})
    tenant.sns.publish(TopicArn=topic, Message=text, MessageStructure="json")
    (posted,) = endpoint.wait_for(1)
    assert posted.envelope["Message"] == "for http"
    verify(posted.envelope)


def test_a_topic_is_told_that_ses_will_publish_to_it(tenant: Tenant, endpoint: Endpoint) -> None:
    topic = subscribed(tenant, endpoint)
    with_set(tenant, topic, "send")
    (validated,) = endpoint.wait_for(1)
    assert validated.envelope["Message"] == (
        "Successfully validated SNS topic for Amazon SES event publishing."
    )
    assert "Subject" not in validated.envelope
    tenant.ses.set_identity_notification_topic(
        Identity="example.com", NotificationType="Bounce", SnsTopic=topic
    )
    chosen = endpoint.wait_for(2)[1].envelope["Message"]
    assert chosen.endswith("}\n")
    assert json.loads(chosen) == {
        "notificationType": "AmazonSnsSubscriptionSucceeded",
        "message": f"You have successfully subscribed your Amazon SNS topic '{topic}' to receive 'Bounce' notifications"
        " from Amazon SES for identity 'example.com'.",
    }


def test_a_topic_of_the_delegate_may_be_the_owners_where_its_policy_lets_ses(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    delegate = sesame.create_account()
    sns = sesame.client("sns", delegate)
    topic = sns.create_topic(Name="theirs")["TopicArn"]
    setting = {"Identity": "example.com", "NotificationType": "Bounce", "SnsTopic": topic}
    assert (
        refusal(tenant.ses.set_identity_notification_topic, **setting)[2] == f"SNS topic <{topic}> not found."
    )
    allow = {
        "Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceAccount": tenant.account.account_id, "AWS:SourceArn": tenant.arn}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    tenant.ses.set_identity_notification_topic(**setting)


def test_a_topic_whose_policy_came_to_refuse_is_removed_and_everybody_reads_why(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    topic = tenant.sns.create_topic(Name="bounces")["TopicArn"]
    setting = {"Identity": "example.com", "NotificationType": "Bounce", "SnsTopic": topic}
    tenant.ses.set_identity_notification_topic(**setting)
    allow = {
        "Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "999999999999"}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    tenant.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    to = {"ToAddresses": ["bounce@simulator.amazonses.com"]}
    tenant.ses.send_email(Source="news@example.com", Destination=to, Message=MESSAGE)
    attributes = {"Identities": ["example.com"]}

    def is_removed() -> bool:
        found = tenant.ses.get_identity_notification_attributes(**attributes)["NotificationAttributes"]
        return not found["example.com"].get("BounceTopic")

    wait_until(is_removed)
    why = (
        "the policy of the topic does not let SES publish for this account: it must allow `ses.amazonaws.com`"
    )
    ways = sesame.run_json("notifications", "map", tenant.arn)
    (lost,) = [way for way in ways if way["way"] == f"topic of the identity: {topic}"]
    assert lost["problem"].startswith("removed at ")
    assert why in lost["problem"]
    page = root_of(sesame, tenant.account.account_id).get(f"/{REGION}/identities/example.com/notifications")
    assert why in words(page.text)
    rows = sesame.run_json("audit", "list", tenant.account.account_id)
    (row,) = [
        row for row in rows if row["eventSource"] == "background.sesame" and "Topic" in row["eventName"]
    ]
    assert row["requestParameters"]["removed"] == topic
    assert why in row["requestParameters"]["reason"]
    code, _, text = refusal(tenant.ses.set_identity_notification_topic, **setting)
    assert (code, why in text) == ("InvalidParameterValue", True)
    allow["Condition"] = {"StringEquals": {"AWS:SourceAccount": tenant.account.account_id}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    tenant.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    tenant.ses.set_identity_notification_topic(**setting)
    ways = sesame.run_json("notifications", "map", tenant.arn)
    assert not [way for way in ways if "removed at" in (way["problem"] or "")]


def test_the_command_line_says_who_would_be_told_and_who_was(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint
) -> None:
    policy = {"healthyRetryPolicy": {"numRetries": 0}}
    topic = subscribed(tenant, endpoint, DeliveryPolicy=json.dumps(policy))
    name = with_set(tenant, topic, "send")
    endpoint.wait_for(1)
    tenant.ses.set_identity_notification_topic(
        Identity="example.com", NotificationType="Complaint", SnsTopic=topic
    )
    endpoint.wait_for(2)
    ways = sesame.run_json("notifications", "map", tenant.arn, "--configuration-set", name)
    told = {(way["event"], way["way"].partition(":")[0]): (way["endpoints"], way["problem"]) for way in ways}
    reached = [f"http {endpoint.url}"]
    assert told["Send", "event destination d"] == (reached, None)
    assert told["Open", "event destination d"][1] == "the destination does not ask for events of this type"
    assert told["Complaint", "topic of the identity"] == (reached, None)
    assert told["Bounce", "mail to the return path"] == ([], None)
    assert ("Bounce", "topic of the identity") not in told
    assert "topic of the identity" in sesame.run("notifications", "map", tenant.arn).stdout
    endpoint.answers = [500]
    sent = tenant.ses.send_email(
        Source="a@example.com", Destination=TO, Message=MESSAGE, ConfigurationSetName=name
    )["MessageId"]
    account = tenant.account.account_id
    (dead,) = wait_until(lambda: sesame.run_json("events", "dead", "--account", account))
    assert (dead["event"], dead["problem"]) == (f"{sent}/send", "the endpoint answered 500")
    assert sesame.run("events", "retry", check=False).returncode == 2
    assert sesame.run_json("events", "retry", str(dead["number"])) == {"retried": 1}
    endpoint.wait_for(4)
    wait_until(lambda: sesame.run_json("events", "dead", "--account", account) == [])
    trace = sesame.run_json("trace", sent)
    assert {one["what"]: [told["state"] for told in one["told"]] for one in trace["events"]} == {
        "accepted": ["told"], "delivered": [],
    }  # fmt: skip
    assert f"told  http {endpoint.url}" in sesame.run("trace", sent).stdout
    assert f"accepted  {sent}" in sesame.run("events", "tail", account).stdout


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_events_of_mail_by_smtp_say_so_and_by_which_version_of_tls(
    tenant: Tenant, sesame: SesameProcess, endpoint: Endpoint, implicit: bool
) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    tenant.sesame.run(
        "webhook",
        "create",
        tenant.account.account_id,
        "set",
        "hook",
        endpoint.url,
        "--events",
        "SEND,DELIVERY",
    )
    raw = RAW.replace(b"Subject:", b"X-SES-CONFIGURATION-SET: set\r\nSubject:")
    with logged_in(sesame, tenant.account, implicit=implicit) as client:
        client.sendmail("news@example.com", ["reader@elsewhere.test"], raw)
    tenant.ses.send_raw_email(RawMessage={"Data": raw})  # without TLS
    wait_until(lambda: len(endpoint.posted) >= 4)
    told = [json.loads(posted.body)["mail"] for posted in endpoint.posted]
    found = {
        (mail["tags"]["ses:operation"][0], *mail["tags"].get("ses:source-tls-version", ())) for mail in told
    }
    assert found == {("SendSmtpEmail", "TLSv1.3"), ("SendRawEmail",)}
    for mail in told:
        first = mail["headers"][0]
        if mail["tags"]["ses:operation"] != ["SendSmtpEmail"]:
            assert first["name"] != "Received"
            continue
        assert first["name"] == "Received"  # as SES has it, before what was submitted
        assert re.fullmatch(
            rf"from \S+ \(\[127\.0\.0\.1\]\) by \S+ with ESMTPSA id {mail['messageId']}"
            r" for reader@elsewhere\.test; \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000",
            first["value"],
        )
    shown = sesame.run("mail", "show", "--raw", "latest").stdout
    assert "127.0.0.1" not in shown.partition("\n\n")[0]  # recipients are not told from where


def test_ids_begin_with_the_digits_of_the_region(sesame: SesameProcess, endpoint: Endpoint) -> None:
    account, region = sesame.create_account(), "eu-central-1"
    sesame.vouch(account, "example.com", region)
    ses = sesame.client("ses", account, region)
    ses.create_configuration_set(ConfigurationSet={"Name": "set"})
    sesame.run(
        "webhook",
        "create",
        account.account_id,
        "set",
        "hook",
        endpoint.url,
        "--events",
        "BOUNCE",
        "--region",
        region,
    )
    sent = ses.send_email(
        Source="a@example.com", Destination={"ToAddresses": ["bounce@simulator.amazonses.com"]}, Message=MESSAGE,
        ConfigurationSetName="set",
    )["MessageId"]  # fmt: skip
    wait_until(lambda: endpoint.posted)
    event = json.loads(endpoint.posted[0].body)
    assert event["mail"]["messageId"] == sent
    assert (sent[:4], event["bounce"]["feedbackId"][:4]) == ("0107", "0107")
