"""An IAM statement that is proposed lets the message through, and is no wider than the one that it stands for."""

from collections.abc import Iterator
from typing import Any

import pytest

from sesame.policy import Outcome, Request, Requester, compile_policies, decide, parse_stored_iam_policy
from sesame.policy.engine.decide import EMPTY
from tests.support.documents import document
from tests.support.refusal_world import Case, World

SEND: dict[str, Any] = {"as": "sender/robot", "from": "news@mine.test"}
ADDRESS = "arn:aws:ses:us-east-1:<sender>:identity/news@mine.test"
DOMAIN = "arn:aws:ses:us-east-1:<sender>:identity/mine.test"
OTHER = "arn:aws:ses:us-east-1:<sender>:identity/other.test"
RANGE = {"aws:SourceIp": "192.0.2.0/24"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("proposals") / "data")
    yield opened
    opened.close()


CONDITIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "one that holds": {"Bool": {"aws:SecureTransport": "true"}},
    "a range": {"IpAddress": RANGE},
    "a range that holds and a tag": {
        "IpAddress": {"aws:SourceIp": "198.51.100.0/24"},
        "StringEquals": {"aws:PrincipalTag/team": "mail"},
    },
    "an address in capitals": {"StringEquals": {"ses:FromAddress": "NEWS@mine.test"}},
    "recipients": {"ForAllValues:StringLike": {"ses:Recipients": ["*@inside.test"]}},
    "a wildcard in the wrong place": {"StringEquals": {"ses:FromAddress": "*@mine.test"}},
    "a key that nobody carries": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    "a display name": {"StringEquals": {"ses:FromDisplayName": "News"}},
    "a date": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
    "two that fail": {"IpAddress": RANGE, "StringLike": {"aws:UserAgent": "curl/*"}},
    "not for a version": {"StringNotEquals": {"ses:ApiVersion": "1"}},
    "a session": {"Null": {"aws:TokenIssueTime": "false"}},
    "a variable": {"StringEquals": {"aws:username": "${aws:PrincipalTag/team}"}},
}


@pytest.mark.parametrize("resource", [ADDRESS, OTHER], ids=["address", "other domain"])
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_statement_on_another_resource_keeps_its_conditions_and_lets_the_message_through(
    world: World, condition: dict[str, Any], resource: str
) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "mine.test")
    held = {"Effect": "Allow", "Action": "ses:Send*", "Resource": resource, "Condition": condition}
    case.step("user", "sender", "robot", held)
    refused = case.send(SEND)
    assert refused.code == "AccessDenied"
    told = case.read("sender", refused.request_id)
    sends = dict(SEND)
    for cause in told["causes"]:
        sends = case.apply(cause["mend"], sends)
    assert case.send(sends).code == "", told
    proposed = [one["mend"]["statement"] for one in told["causes"] if "statement" in one["mend"]]
    assert len(proposed) == 1
    assert_no_wider(case, condition, proposed[0], resource == ADDRESS)


def test_what_the_sender_must_do_for_a_condition_stands_beside_the_statement(world: World) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "mine.test")
    tls = {"Bool": {"aws:SecureTransport": "true"}}
    held = {"Effect": "Allow", "Action": "ses:Send*", "Resource": ADDRESS, "Condition": tls}
    case.step("user", "sender", "robot", held)
    sends = SEND | {"secure": False}
    told = case.read("sender", case.send(sends).request_id)
    assert [cause["code"] for cause in told["causes"]] == ["SA206", "SA401"]
    assert told["causes"][0]["mend"]["statement"]["Condition"]["Bool"] == {"aws:SecureTransport": ["true"]}
    for cause in told["causes"]:
        sends = case.apply(cause["mend"], sends)
    assert case.send(sends).code == ""


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_statement_of_another_action_keeps_its_conditions(world: World, condition: dict[str, Any]) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "mine.test")
    held = {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": DOMAIN, "Condition": condition}
    case.step("user", "sender", "robot", held)
    told = case.read("sender", case.send(SEND).request_id)
    assert told["causes"][0]["code"] == "SA301"
    for cause in told["causes"]:
        case.apply(cause["mend"], SEND)
    assert case.send(SEND).code == ""
    assert_no_wider(case, condition, told["causes"][0]["mend"]["statement"], is_held=False)


def assert_no_wider(case: Case, condition: dict[str, Any], proposed: dict[str, Any], is_held: bool) -> None:
    """Of messages that differ from the one in a single thing each is let through that the conditions let through, or
    is like the one in what they ask about."""
    number = case.names["sender"]
    arn = f"arn:aws:iam::{number}:user/robot"
    usual: dict[str, str | tuple[str, ...]] = {
        "ses:FromAddress": "news@mine.test", "ses:Recipients": ("reader@elsewhere.test",), "ses:ApiVersion": "1",
        "aws:SourceIp": "198.51.100.7", "aws:SecureTransport": "true", "aws:UserAgent": "Boto3/1",
        "aws:username": "robot", "aws:CurrentTime": "2026-11-30T00:00:00Z", "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": number,
    }  # fmt: skip
    others: dict[str, str | tuple[str, ...]] = {
        "ses:FromAddress": "ceo@mine.test", "aws:SourceIp": "203.0.113.9", "aws:SecureTransport": "false",
        "ses:Recipients": ("else@where.test",), "aws:UserAgent": "wget", "ses:ApiVersion": "2",
    }  # fmt: skip
    asked = {key.lower() for keys in condition.values() for key in keys}
    for key, value in others.items():
        context = usual | {key: value}
        request = Request(
            requester=Requester(arn=arn, account_id=number, kind="user", user_id="AIDA"),
            action="ses:SendEmail", resource=case.fill(DOMAIN), resource_account=number, context=context,
        )  # fmt: skip
        statement = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*", "Condition": condition}
        before, after = (allows(request, one) for one in (statement, proposed))
        is_other_address = is_held and key == "ses:FromAddress"
        if is_other_address or key.lower() in asked:
            assert not after or (before and not is_other_address), (key, proposed)


def allows(request: Request, statement: dict[str, Any]) -> bool:
    policies = compile_policies([("one", parse_stored_iam_policy(document(statement)))], kind="iam")
    return decide(request, iam=policies, identity=EMPTY).outcome is Outcome.ALLOW
