"""Topic policies: for whom SES may publish."""

import json
from typing import Any

import pytest

from sesame.policy.topic_policy import ses_may_publish

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
