"""Policies, delivery policies and tags of SNS topics by boto3, in SNS's words.

Sources: SNS API reference; policies and refusals that users of SNS report: azul#5651, aws-cli#3143; botocore's model.
"""

import json
from typing import Any

import pytest

from tests.support.process import Account, SesameProcess
from tests.support.refused import refused
from tests.support.signed_client import policy
from tests.support.tenant import Tenant

OTHER = "999999999999"


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    return Tenant(sesame, sesame.create_account())


@pytest.fixture
def topic(tenant: Tenant) -> str:
    return str(tenant.sns.create_topic(Name="events")["TopicArn"])


def attributes(sns: Any, topic: str) -> dict[str, str]:
    found: dict[str, str] = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    return found


def statements(sns: Any, topic: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(attributes(sns, topic)["Policy"])["Statement"]
    return found


def granted(label: str, topic: str, principal: Any, action: Any) -> dict[str, Any]:
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": action,
        "Resource": topic,
    }


def test_a_topic_has_snss_policy_until_it_is_given_one(tenant: Tenant, topic: str) -> None:
    """The text is the one that SNS answers, without white space."""
    document = attributes(tenant.sns, topic)["Policy"]
    assert " " not in document
    (statement,) = json.loads(document)["Statement"]
    assert statement["Action"] == [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ]


def test_permissions_are_added_and_removed_by_label(tenant: Tenant, topic: str) -> None:
    """One account or action stands bare, several as a list; a label that is not there is gone already."""
    sns = tenant.sns
    (default,) = statements(sns, topic)
    sns.add_permission(TopicArn=topic, Label="one", AWSAccountId=[OTHER], ActionName=["Publish"])
    both = ["888888888888", OTHER]
    sns.add_permission(TopicArn=topic, Label="two", AWSAccountId=both, ActionName=["Publish", "Receive"])
    roots = [f"arn:aws:iam::{account}:root" for account in both]
    first = granted("one", topic, roots[1], "SNS:Publish")
    second = granted("two", topic, roots, ["SNS:Publish", "SNS:Receive"])
    assert statements(sns, topic) == [default, first, second]
    sns.remove_permission(TopicArn=topic, Label="one")
    sns.remove_permission(TopicArn=topic, Label="one")
    assert statements(sns, topic) == [default, second]
    for label in ("two", default["Sid"]):
        sns.remove_permission(TopicArn=topic, Label=label)
    assert statements(sns, topic) == []


def test_a_label_that_is_not_there_leaves_a_topic_without_a_policy_of_its_own(
    tenant: Tenant, topic: str
) -> None:
    """What was the default stays the default."""
    before = attributes(tenant.sns, topic)
    tenant.sns.remove_permission(TopicArn=topic, Label="nothing")
    assert attributes(tenant.sns, topic) == before


def test_permissions_that_are_refused_change_nothing(tenant: Tenant, topic: str) -> None:
    """A label that is taken, an action that no topic has, an account that is none, a topic that is not there."""
    sns = tenant.sns
    good: dict[str, Any] = {
        "TopicArn": topic,
        "Label": "l",
        "AWSAccountId": [OTHER],
        "ActionName": ["Publish"],
    }
    sns.add_permission(**good)
    before = statements(sns, topic)
    exists = ("InvalidParameter", "Invalid parameter: Statement already exists")
    assert refused(sns.add_permission, **good) == exists
    scope = ("InvalidParameter", "Invalid parameter: Policy statement action out of service scope!")
    assert (
        refused(sns.add_permission, **{**good, "Label": "m", "ActionName": ["SetSubscriptionAttributes"]})
        == scope
    )
    nobody = refused(sns.add_permission, **{**good, "Label": "m", "AWSAccountId": ["12"]})
    assert nobody == ("InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound")
    missing = ("NotFound", "Topic does not exist")
    assert refused(sns.add_permission, **{**good, "TopicArn": topic + "x"}) == missing
    assert refused(sns.remove_permission, TopicArn=topic + "x", Label="l") == missing
    assert statements(sns, topic) == before


def test_an_added_account_publishes_until_it_is_removed(
    sesame: SesameProcess, tenant: Tenant, topic: str
) -> None:
    """The policy that is put together is the one that decides; the default statement lets no other account in."""
    other: Account = sesame.create_account()
    publish = sesame.client("sns", other).publish
    assert refused(publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"
    tenant.sns.add_permission(
        TopicArn=topic, Label="a", AWSAccountId=["888888888888"], ActionName=["Publish"]
    )
    assert refused(publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"
    tenant.sns.add_permission(
        TopicArn=topic, Label="b", AWSAccountId=[other.account_id], ActionName=["Publish"]
    )
    assert publish(TopicArn=topic, Message="m")["MessageId"]
    tenant.ses.verify_domain_identity(Domain="example.com")
    tenant.ses.set_identity_notification_topic(
        Identity="example.com", NotificationType="Bounce", SnsTopic=topic
    )
    tenant.sns.remove_permission(TopicArn=topic, Label="b")
    assert refused(publish, TopicArn=topic, Message="m")[0] == "AuthorizationError"


def test_a_user_that_was_made_again_gains_nothing_when_a_permission_is_added(
    tenant: Tenant, topic: str
) -> None:
    """The statement for the one who is gone keeps the unique id it meant."""
    user = tenant.iam.create_user(UserName="anna")["User"]
    allowed = granted("anna", topic, user["Arn"], "SNS:Publish")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    tenant.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    tenant.iam.delete_user(UserName="anna")
    tenant.iam.create_user(UserName="anna")
    tenant.sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=[OTHER], ActionName=["Publish"])
    first, _ = statements(tenant.sns, topic)
    assert first["Principal"] == {"AWS": user["UserId"]}


def test_the_effective_delivery_policy_is_the_topics_with_snss_defaults(tenant: Tenant, topic: str) -> None:
    """What a topic's own policy leaves open is filled in."""
    sns = tenant.sns
    default = json.loads(attributes(sns, topic)["EffectiveDeliveryPolicy"])["http"]
    assert default["defaultRequestPolicy"] == {"headerContentType": "text/plain; charset=UTF-8"}
    own = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 7}, "disableSubscriptionOverrides": True}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(own))
    effective = json.loads(attributes(sns, topic)["EffectiveDeliveryPolicy"])["http"]
    assert effective["disableSubscriptionOverrides"] is True
    healthy = {**default["defaultHealthyRetryPolicy"], "numRetries": 7}
    assert effective["defaultHealthyRetryPolicy"] == healthy


def test_tags_that_sns_refuses(tenant: Tenant, topic: str) -> None:
    """Keys that stand twice, and more than fifty, at creation and later."""
    sns = tenant.sns
    twice = [{"Key": "k", "Value": value} for value in "ab"]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(51)]
    repeated = ("InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.")
    too_many = ("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
    assert refused(sns.tag_resource, ResourceArn=topic, Tags=twice) == repeated
    assert refused(sns.create_topic, Name="other", Tags=twice) == repeated
    assert refused(sns.tag_resource, ResourceArn=topic, Tags=many) == too_many
    sns.tag_resource(ResourceArn=topic, Tags=many[:50])
    assert refused(sns.tag_resource, ResourceArn=topic, Tags=many[50:]) == too_many
    assert len(sns.list_tags_for_resource(ResourceArn=topic)["Tags"]) == 50


def test_a_user_needs_the_permission_to_change_permissions(tenant: Tenant, topic: str) -> None:
    """Its own IAM policies decide."""
    allow = policy({"Effect": "Allow", "Action": "sns:AddPermission", "Resource": topic})
    user = tenant.user("anna", allow)
    user.sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=[OTHER], ActionName=["Publish"])
    code, _ = refused(user.sns.remove_permission, TopicArn=topic, Label="l")
    assert code == "AuthorizationError"
