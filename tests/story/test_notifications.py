"""SNS topics and notification settings by boto3; deprecated names and statistics beside them."""

import json
from typing import Any

import pytest

from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import MESSAGE, TO, Tenant, refusal


def test_topics_are_made_read_changed_tagged_and_removed(tenant: Tenant) -> None:
    sns = tenant.sns
    arn = sns.create_topic(
        Name="bounces", Attributes={"DisplayName": "B"}, Tags=[{"Key": "k", "Value": "v"}]
    )["TopicArn"]
    assert arn == f"arn:aws:sns:{REGION}:{tenant.account.account_id}:bounces"
    assert sns.create_topic(Name="bounces")["TopicArn"] == arn
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["DisplayName"], attributes["Owner"]) == ("B", tenant.account.account_id)
    assert json.loads(attributes["Policy"])["Statement"][0]["Resource"] == arn
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish", "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceAccount": tenant.account.account_id}},
        },
    }  # fmt: skip
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
    assert json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]) == policy
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "k2", "Value": "v2"}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["k"])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "k2", "Value": "v2"}]
    for number in range(101):
        sns.create_topic(Name=f"t{number:03}")
    listed = [
        topic["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]
    ]
    assert len(listed) == 102 and listed[0] == arn
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert refusal(sns.get_topic_attributes, TopicArn=arn) == ("NotFound", 404, "Topic does not exist")


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("create_topic", {"Name": "a b"}, "Invalid parameter: Topic Name"),
        ("create_topic", {"Name": "t.fifo"}, "FIFO topics are not supported"),
        ("create_topic", {"Name": "t", "Attributes": {"Nonsense": "1"}}, "Invalid parameter: AttributeName"),
        ("create_topic", {"Name": "t", "Attributes": {"Policy": "{"}}, "Invalid parameter: Policy Error"),
        ("get_topic_attributes", {"TopicArn": "topic"}, "An ARN must have at least 6 elements, not 1"),
    ],
)
def test_what_cannot_be_a_topic_is_refused(
    tenant: Tenant, operation: str, parameters: dict[str, Any], words: str
) -> None:
    code, status, text = refusal(getattr(tenant.sns, operation), **parameters)
    assert (code, status) == ("InvalidParameter", 400)
    assert words in text


def test_an_event_destination_needs_a_topic_that_is_there(tenant: Tenant) -> None:
    tenant.ses.create_configuration_set(ConfigurationSet={"Name": "s"})
    destination = {
        "Name": "d",
        "MatchingEventTypes": ["send"],
        "SNSDestination": {"TopicARN": f"arn:aws:sns:{REGION}:{tenant.account.account_id}:events"},
    }
    call = tenant.ses.create_configuration_set_event_destination
    parameters = {"ConfigurationSetName": "s", "EventDestination": destination}
    assert refusal(call, **parameters)[0] == "InvalidSNSDestination"
    tenant.sns.create_topic(Name="events")
    call(**parameters)


def test_an_identitys_settings_are_kept_and_know_their_rules(tenant: Tenant) -> None:
    ses = tenant.ses
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    code, _, text = refusal(
        ses.set_identity_feedback_forwarding_enabled, Identity="example.com", ForwardingEnabled=False
    )
    assert code == "InvalidParameterValue" and "both a bounce and a complaint topic" in text
    headers = {"Identity": "example.com", "NotificationType": "Bounce", "Enabled": True}
    assert refusal(ses.set_identity_headers_in_notifications_enabled, **headers)[0] == "InvalidParameterValue"
    for kind in ("Bounce", "Complaint"):
        ses.set_identity_notification_topic(Identity=tenant.arn, NotificationType=kind, SnsTopic=topic)
    ses.set_identity_headers_in_notifications_enabled(**headers)
    ses.set_identity_feedback_forwarding_enabled(Identity="example.com", ForwardingEnabled=False)
    found = ses.get_identity_notification_attributes(Identities=["example.com", "unknown.test"])
    assert found["NotificationAttributes"] == {
        "example.com": {
            "BounceTopic": topic,
            "ComplaintTopic": topic,
            "DeliveryTopic": "",
            "ForwardingEnabled": False,
            "HeadersInBounceNotificationsEnabled": True,
            "HeadersInComplaintNotificationsEnabled": False,
            "HeadersInDeliveryNotificationsEnabled": False,
        }
    }
    sesv2 = tenant.sesame.client("sesv2", tenant.account)
    assert sesv2.get_email_identity(EmailIdentity="example.com")["FeedbackForwardingStatus"] is False
    sesv2.put_email_identity_feedback_attributes(EmailIdentity="example.com", EmailForwardingEnabled=True)
    assert sesv2.get_email_identity(EmailIdentity="example.com")["FeedbackForwardingStatus"] is True
    gone = f"arn:aws:sns:{REGION}:{tenant.account.account_id}:gone"
    code, _, text = refusal(
        ses.set_identity_notification_topic, Identity="example.com", NotificationType="Bounce", SnsTopic=gone
    )
    assert (code, text) == ("InvalidParameterValue", f"SNS topic <{gone}> not found.")
    code, _, text = refusal(
        ses.set_identity_notification_topic, Identity="no.test", NotificationType="Bounce"
    )
    assert text == "Identity no.test is invalid. Must be a verified email address or domain."


def test_a_delegate_has_settings_of_its_own_for_an_identity_it_may_send_as(
    tenant: Tenant, sesame: SesameProcess
) -> None:
    delegate = sesame.create_account()
    ses, sns = sesame.client("ses", delegate), sesame.client("sns", delegate)
    topic = sns.create_topic(Name="mine")["TopicArn"]
    setting = {"Identity": tenant.arn, "NotificationType": "Bounce", "SnsTopic": topic}
    absent = {**setting, "Identity": tenant.arn.replace("example.com", "absent.test")}
    refused = refusal(ses.set_identity_notification_topic, **setting)
    assert refused[:2] == ("AccessDenied", 403)
    told = refusal(ses.set_identity_notification_topic, **absent)[2]
    assert told.replace("absent.test", "example.com") == refused[2]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="p", Policy=policy)
    ses.set_identity_notification_topic(**setting)
    found = ses.get_identity_notification_attributes(Identities=[tenant.arn])["NotificationAttributes"]
    assert found[tenant.arn]["BounceTopic"] == topic
    owners = tenant.ses.get_identity_notification_attributes(Identities=["example.com"])
    assert owners["NotificationAttributes"]["example.com"]["BounceTopic"] == ""


def test_the_old_names_of_addresses_and_the_statistics(tenant: Tenant) -> None:
    address = f"{tenant.account.account_id}@people.test"
    tenant.ses.verify_email_address(EmailAddress=address)
    assert tenant.ses.list_verified_email_addresses()["VerifiedEmailAddresses"] == []
    tenant.sesame.vouch(tenant.account, address)
    assert tenant.ses.list_verified_email_addresses()["VerifiedEmailAddresses"] == [address]
    tenant.ses.delete_verified_email_address(EmailAddress=address)
    assert tenant.ses.list_verified_email_addresses()["VerifiedEmailAddresses"] == []
    assert tenant.ses.get_send_statistics()["SendDataPoints"] == []
    for _ in range(3):
        tenant.ses.send_email(Source="news@example.com", Destination=TO, Message=MESSAGE)

    def counted() -> Any:
        points = tenant.ses.get_send_statistics()["SendDataPoints"]
        return points if sum(point["DeliveryAttempts"] for point in points) >= 3 else None

    points = wait_until(counted)  # sends are counted after they were answered
    assert sum(point["DeliveryAttempts"] for point in points) == 3
    assert all(point["Timestamp"].timestamp() % 900 == 0 for point in points)
