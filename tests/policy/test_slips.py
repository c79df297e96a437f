"""What was meant by a statement that does not say it: actions that are none, ranges as text, variables as text."""

import json
from typing import Any

import pytest

from sesame.policy import Request, Requester, explain, parse_stored_iam_policy
from sesame.policy.reasons.cause import Cause, Code, How, Reader
from sesame.policy.reasons.edits import edited
from sesame.policy.reasons.gaps import policy_causes
from sesame.policy.reasons.slips import known_action

ACCOUNT = "111122223333"
RESOURCE = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/example.com"


def refused(statement: dict[str, Any], *, version: str = "2012-10-17", **context: Any) -> tuple[Cause, str]:
    """The first cause of a user's refusal under one IAM statement, and the policy's text."""
    whole = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"} | statement
    text = json.dumps({"Version": version, "Statement": [whole]})
    request = Request(
        requester=Requester(
            arn=f"arn:aws:iam::{ACCOUNT}:user/robot", account_id=ACCOUNT, kind="user", user_id="AIDA1"
        ),
        action="ses:SendEmail",
        resource=RESOURCE,
        resource_account=ACCOUNT,
        context={"aws:username": "robot", "ses:FromAddress": "robot@example.com", **context},
    )
    explanation = explain(request, iam=[("own", parse_stored_iam_policy(text))], identity=[])
    return policy_causes(explanation, Reader.OPERATOR)[0], text


MEANT = {
    "ses:SendMail": "ses:SendEmail",
    "ses:SendEMails": "ses:SendEmail",
    "sesv2:sendEmail": "ses:SendEmail",
    "SESV2:SendRawEmail": "ses:SendRawEmail",
    "email:SendEmail": "ses:SendEmail",
    "ses: SendEmail": "ses:SendEmail",
    "ses:SendEmail ": "ses:SendEmail",
    "SendEmail": "ses:SendEmail",
    "ses:Send": "ses:SendEmail",
    "ses:sendraw": "ses:SendRawEmail",
    "ses:SendTemplateEmail": "ses:SendTemplatedEmail",
    "ses:SendBulkTemplateEmail": "ses:SendBulkTemplatedEmail",
    "ses:SendBulkEmails": "ses:SendBulkEmail",
}
NOT_MEANT = ["ses:SendEmail", "ses:GetSendQuota", "ses:SendBounce", "sns:Publish", "ses:Send*", "*", "ses:S",
             "s3:SendEmail", "ses:DeleteIdentity", "sesame:SendEmail", ""]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), MEANT.items())
def test_an_action_that_is_none_is_told_for_what_was_meant(written: str, meant: str) -> None:
    assert known_action(written, meant) == meant


@pytest.mark.parametrize("written", NOT_MEANT)
def test_what_is_an_action_or_like_none_is_not_guessed_at(written: str) -> None:
    assert known_action(written, "ses:SendEmail") is None


def test_the_action_that_was_meant_stands_in_the_cause() -> None:
    cause, _ = refused({"Action": ["ses:GetSendQuota", "ses:SendMail"], "Resource": RESOURCE})
    assert cause.code is Code.ACTION and "lists `ses:SendMail`, which is not an action" in cause.text


@pytest.mark.parametrize("element", ["Action", "NotAction"])
def test_a_statement_that_is_not_about_mail_is_not_taken_for_one(element: str) -> None:
    listed = "sqs:SendMessage" if element == "Action" else "*"
    cause, _ = refused({"Action": "sqs:SendMessage"} if element == "Action" else {"Action": "iam:*"})
    assert cause.code is Code.SENDER_IAM and listed not in cause.text


RANGES = ["198.51.100.7/32", "198.51.100.0/24", "2001:db8::/32"]


@pytest.mark.parametrize("written", RANGES)
def test_a_range_compared_as_text_is_told_for_one_and_the_mend_lets_the_request_through(written: str) -> None:
    address = "2001:db8::7" if ":" in written else "198.51.100.7"
    statement = {"Condition": {"StringEquals": {"aws:SourceIp": written}}}
    cause, text = refused(statement, **{"aws:SourceIp": address})
    assert cause.code is Code.SOURCE_IP and "IpAddress" in cause.text
    after = json.loads(edited(text, 0, cause.mend.details["changes"]))
    assert after["Statement"][0]["Condition"] == {"IpAddress": {"aws:SourceIp": written}}


def test_an_address_outside_the_range_is_added_and_not_let_in_by_another_operator() -> None:
    cause, _ = refused(
        {"Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.0/8"}}}, **{"aws:SourceIp": "192.0.2.1"}
    )
    assert cause.mend.details["changes"] == [
        {"operator": "StringEquals", "key": "aws:SourceIp", "add": ["192.0.2.1"]}
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("${aws:username}", "robot"),
        ("${ses:FromAddress}", "robot@example.com"),
        ("x${aws:PrincipalTag/a}", "xy"),
    ],
)
def test_a_variable_of_a_version_without_any_is_told_for_text(variable: str, value: str) -> None:
    statement = {"Condition": {"StringEquals": {"ses:FromDisplayName": variable}}}
    carried = {"ses:FromDisplayName": value, "aws:PrincipalTag/a": "y"}
    cause, _ = refused(statement, version="2008-10-17", **carried)
    assert "Version 2012-10-17" in cause.text and cause.mend.details["changes"] == [{"version": "2012-10-17"}]
    other = carried | {"ses:FromDisplayName": "other"}
    cause, _ = refused(statement, version="2008-10-17", **other)
    assert (
        "Version 2012-10-17" in cause.text and cause.mend.how is How.ALLOW_IN_IAM
    )  # it would not help alone
    cause, _ = refused(statement, **other)
    assert "2012-10-17" not in cause.text


@pytest.mark.parametrize("literal", ["${*}", "$5", "${}", "a{b}"])
def test_what_is_no_variable_is_not_told_for_one(literal: str) -> None:
    statement = {"Condition": {"StringEquals": {"ses:FromDisplayName": literal}}}
    cause, _ = refused(statement, version="2008-10-17", **{"ses:FromDisplayName": "y"})
    assert "2012-10-17" not in cause.text


def test_a_variable_in_a_resource_is_shown_with_its_value_but_not_with_a_tag_of_the_owner() -> None:
    mine = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/${{aws:username}}@example.com"
    cause, _ = refused({"Resource": mine})
    assert "here `arn:aws:ses:us-east-1:111122223333:identity/robot@example.com`" in cause.text
    theirs = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/${{aws:ResourceTag/host}}"
    cause, _ = refused({"Resource": theirs}, **{"aws:ResourceTag/host": "canary"})
    assert "canary" not in cause.text and "ResourceTag" in cause.text
