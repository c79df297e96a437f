"""Condition keys that are none: named as what nothing sends, with the key that was meant, and written right."""

import json
from typing import Any

import pytest

from sesame.policy import Outcome, Request, Requester, explain, parse_stored_iam_policy
from sesame.policy.reasons.cause import Cause, Code, How, Reader
from sesame.policy.reasons.edits import edited
from sesame.policy.reasons.gaps import policy_causes
from sesame.policy.reasons.key_slips import key_meant

ACCOUNT = "111122223333"
ARN = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/example.com"
MAY = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
DENIES = {"Effect": "Deny", "Action": "ses:*", "Resource": "*"}
REQUEST = Request(
    requester=Requester(
        arn=f"arn:aws:iam::{ACCOUNT}:user/robot", account_id=ACCOUNT, kind="user", user_id="AIDA1"
    ),
    action="ses:SendEmail",
    resource=ARN,
    resource_account=ACCOUNT,
    context={
        "ses:FromAddress": "news@example.com", "ses:Recipients": ("ann@corp.test",), "aws:SourceIp": "198.51.100.7",
        "aws:PrincipalTag/team": "news", "aws:username": "robot",
        "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/robot",
    },
)  # fmt: skip


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(text: str) -> tuple[list[Cause], str]:
    """What the sender reads of a policy of its own that refuses, and the decision in a sentence."""
    explanation = explain(REQUEST, iam=[("own", parse_stored_iam_policy(text))], identity=())
    return list(policy_causes(explanation, Reader.OPERATOR)), explanation.sentence


def allows(text: str) -> bool:
    explanation = explain(REQUEST, iam=[("own", parse_stored_iam_policy(text))], identity=())
    return explanation.outcome is Outcome.ALLOW


MEANT = {
    "ses:FromAdress": "ses:FromAddress",
    "ses:FromAdresses": "ses:FromAddress",
    "aws:FromAddress": "ses:FromAddress",
    "ses:From": "ses:FromAddress",
    "ses:Sender": "ses:FromAddress",
    "ses:FromEmailAddress": "ses:FromAddress",
    "ses:ReturnPath": "ses:FeedbackAddress",
    "ses:DisplayName": "ses:FromDisplayName",
    "ses:To": "ses:Recipients",
    "ses:Destination": "ses:Recipients",
    "aws:SourceIpAddress": "aws:SourceIp",
    "SourceIp": "aws:SourceIp",
    "aws:PrincipleTag/team": "aws:PrincipalTag/team",
    "aws:PrincipalTags/team": "aws:PrincipalTag/team",
    "aws:ResourcesTag/Team": "aws:ResourceTag/Team",
    "ses:Colour": "",
    "aws:Nope": "",
    "aws:ViaAWSMCPService": "",
    "aws:CalledViaAWSMCP": "",
    "aws:SourcIp": "aws:SourceIp",
    "aws:PrincipalAccountId": "aws:PrincipalAccount",
    "s3:prefix/a": "",
    "ses:FromAddress": "",
    "aws:PrincipalTag/team": "",
}


@pytest.mark.parametrize("key", MEANT)
def test_the_key_that_was_meant(key: str) -> None:
    assert key_meant(key) == MEANT[key]


CONDITIONS = {
    "StringEquals ses:FromAdress": "news@example.com",
    "StringLike ses:FromAdresses": "*@example.com",
    "StringEquals ses:From": "news@example.com",
    "ForAllValues:StringLike ses:To": "*@corp.test",
    "IpAddress aws:Source-Ip": "198.51.100.0/24",
    "StringEquals aws:PrincipleTag/team": "news",
}


@pytest.mark.parametrize("written", CONDITIONS)
def test_a_key_that_nothing_sends_is_named_and_written_right(written: str) -> None:
    operator, key = written.split()
    text = document(MAY | {"Condition": {operator: {key: CONDITIONS[written]}}})
    causes, sentence = refused(text)
    [cause] = causes
    named = f"{key} is a key that nothing sends, did you mean `{key_meant(key)}`?"
    for said in (cause.text, sentence):
        assert said.endswith(named)
        assert "this request has" not in said
    assert cause.code is Code.CONDITION and cause.mend.how is How.CHANGE_STATEMENT
    assert allows(edited(text, 0, cause.mend.details["changes"]))


def test_what_is_like_no_key_is_only_said_to_be_sent_by_nothing() -> None:
    [cause], _ = refused(document(MAY | {"Condition": {"StringEquals": {"ses:Colour": "red"}}}))
    assert cause.text.endswith("; ses:Colour is a key that nothing sends")


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"ses:FromAdress": "news@example.com"}},
        {"StringNotLike": {"ses:FromAdress": "*@example.com"}},
        {"StringEquals": {"ses:From": "ceo@example.com"}},
        {"NotIpAddress": {"aws:Source-Ip": "198.51.100.0/24"}},
        {"Null": {"ses:FromAdress": "true"}},
    ],
    ids=str,
)
def test_a_deny_on_a_key_that_nothing_sends_is_written_right_and_stays(condition: dict[str, Any]) -> None:
    text = document(MAY, DENIES | {"Condition": condition})
    [cause], _ = refused(text)
    [change] = cause.mend.details["changes"]
    assert "is a key that nothing sends, did you mean" in cause.text
    assert change["key_to"] in ("ses:FromAddress", "aws:SourceIp")
    after = edited(text, 1, [change])
    assert allows(after) and len(json.loads(after)["Statement"][1]["Condition"]) == 1


def test_a_deny_that_would_deny_by_the_right_key_too_gets_the_exception_on_that() -> None:
    text = document(MAY, DENIES | {"Condition": {"StringNotEquals": {"ses:FromAdress": "ceo@example.com"}}})
    [cause], _ = refused(text)
    after = edited(text, 1, cause.mend.details["changes"])
    assert json.loads(after)["Statement"][1]["Condition"] == {
        "StringNotEquals": {"ses:FromAddress": ["ceo@example.com", "news@example.com"]}
    }
    assert allows(after)


def test_of_a_deny_that_others_share_the_exception_is_for_the_requester_alone() -> None:
    """In a copy with the key that was meant: whatever else the group sends stays denied as it was meant to be."""
    text = document(MAY, DENIES | {"Condition": {"StringNotEquals": {"ses:FromAdress": "ceo@example.com"}}})
    explanation = explain(REQUEST, iam=[("senders/own", parse_stored_iam_policy(text))], identity=())
    [cause] = policy_causes(explanation, Reader.OPERATOR)
    after = json.loads(edited(text, 1, cause.mend.details["changes"]))
    by_value, by_sender = (one["Condition"] for one in after["Statement"][1:])
    assert by_value == {"StringNotEquals": {"ses:FromAddress": ["ceo@example.com", "news@example.com"]}}
    assert by_sender == {
        "StringNotEquals": {"ses:FromAddress": ["ceo@example.com"]},
        "ArnNotEquals": {"aws:PrincipalArn": [REQUEST.requester.arn]},
    }
    assert allows(json.dumps(after))


def test_a_key_of_aws_that_is_not_known_here_is_not_written_anew() -> None:
    [cause], _ = refused(document(MAY | {"Condition": {"Bool": {"aws:ViaAWSMCPService": "false"}}}))
    assert cause.text.endswith(
        "aws:ViaAWSMCPService is a key that is not known here, so that nothing sends it"
    )
    assert "ViaAWSService" not in json.dumps(cause.mend.details)
