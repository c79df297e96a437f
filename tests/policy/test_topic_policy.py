"""Topic policies: for whom SES may publish."""

import json
from typing import Any

import pytest

from sesame.policy import PolicyError
from sesame.policy.topic_policy import parse_topic_policy, ses_may_publish

TOPIC = "arn:aws:sns:us-east-1:111111111111:t"
IDENTITY = "arn:aws:ses:us-east-1:222222222222:identity/example.com"
BY_SES: dict[str, Any] = {
    "Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "sns:Publish", "Resource": TOPIC,
}  # fmt: skip


def may(statement: dict[str, Any] | None, *, account: str = "222222222222") -> bool:
    text = None if statement is None else json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return ses_may_publish(text, topic_arn=TOPIC, for_account=account, source_arn=IDENTITY)


def test_without_a_policy_a_topic_is_open_to_its_account_alone() -> None:
    assert may(None, account="111111111111")
    assert not may(None)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "222222222222"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "333333333333"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceArn": IDENTITY}}}, True),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:ses:*:222222222222:identity/*"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceArn": f"{IDENTITY}x"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceOwner": "222222222222"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceOwner": "111111111111"}}}, False),
        ({"Condition": {"StringEquals": {"aws:Nonsense": "x"}}}, False),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "222222222222"}}, False),
        ({"Principal": "*"}, True),
        ({"Action": "sns:Subscribe"}, False),
        ({"Action": "SNS:*"}, True),
        ({"Resource": f"{TOPIC}2"}, False),
        ({"Effect": "Deny"}, False),
    ],
)
def test_a_policy_decides_for_whom_ses_publishes(changes: dict[str, Any], allowed: bool) -> None:
    assert may({**BY_SES, **changes}) is allowed


def test_the_policy_that_sns_gives_a_topic_is_open_to_its_account() -> None:
    default = {
        **BY_SES,
        "Principal": {"AWS": "*"},
        "Condition": {"StringEquals": {"AWS:SourceOwner": "111111111111"}},
    }
    assert may(default, account="111111111111")
    assert not may(default)


def test_a_policy_that_cannot_be_read_allows_nobody() -> None:
    assert not ses_may_publish("{", topic_arn=TOPIC, for_account="111111111111", source_arn=IDENTITY)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Principal": {"AWS": "nobody"}}, "PrincipalNotFound"),
        ({"Principal": {"AWS": "arn:aws:iam::111111111111:user/*"}}, "PrincipalNotFound"),
        ({"Action": "sns:Pub:lish", "Effect": "Deny"}, "action out of service scope"),
        ({"Action": "ses:SendEmail"}, "action out of service scope"),
        ({"Action": ["sns:Publish", "sqs:SendMessage"]}, "action out of service scope"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}, "is not a date"),
        ({"Condition": {"StringEqual": {"aws:SourceAccount": "1"}}}, "operator `StringEqual` is unknown"),
    ],
)
def test_a_policy_whose_deny_would_never_apply_is_not_kept(changes: dict[str, Any], told: str) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**BY_SES, **changes}]})
    with pytest.raises(PolicyError, match=told):
        parse_topic_policy(text)


@pytest.mark.parametrize("action", ["sns:Publish", "SNS:*", "*", ["sns:Get*", "SNS:Subscribe"]])
def test_what_sns_keeps_is_kept(action: str | list[str]) -> None:
    changes = {"Action": action, "Condition": {"StringEquals": {"AWS:SourceOwner": "111111111111"}}}
    text = json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": [{**BY_SES, **changes}]})
    assert parse_topic_policy(text).statements
