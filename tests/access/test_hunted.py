"""Two things wrong at once, by unusual doors: each side does literally what it reads, and the mail goes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.holdout_world import Reported
from tests.support.refusal_world import EVERYTHING, World

ARN = "arn:aws:ses:us-east-1:<owner>:identity/one.test"
SEND = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}
DENY: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
BASE: list[Any] = [["account", "owner"], ["account", "sender"], ["identity", "owner", "one.test"]]
LEND: dict[str, Any] = {"Principal": {"AWS": "<sender>"}}
NEWS = {"as": "sender/robot", "from": "news@one.test", "arns": {"SourceArn": ARN}}
SMTP = {"as": "sender/robot", "from": "news@one.test", "door": "smtp", "fields": [["X-SES-SOURCE-ARN", ARN]]}
TEMPLATE = {"Template": {"TemplateName": "t", "SubjectPart": "s", "TextPart": "t"}}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: values[0] if len(values) == 1 else list(values)}}}


def lends(*more: dict[str, Any], **changed: Any) -> list[Any]:
    return ["policy", "owner", "one.test", LEND | changed, *more]


def user(*statements: dict[str, Any]) -> list[Any]:
    return ["user", "sender", "robot", *statements]


def role(*limits: dict[str, Any], own: tuple[Any, ...] = (SEND,)) -> list[Any]:
    return ["role", "sender", "app", "one", list(own), *limits]


SESSION = "arn:aws:sts::<sender>:assumed-role/app/one"
TAGS_OF_NONE = DENY | when("ForAllValues:StringEquals", "aws:TagKeys", "x")
CASES: dict[str, tuple[list[Any], dict[str, Any], tuple[str, ...]]] = {
    "a session lacks identity and template": (
        [lends(Action="ses:SendTemplatedEmail"), ["call", "sender", "ses", "create_template", TEMPLATE],
         role({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"})],
        NEWS | {"as": "sender/app", "door": "templated", "template": "t"}, ("beside what it had",)),
    "ForAllValues of what is not there": (
        [lends(), user(SEND, TAGS_OF_NONE)], NEWS, ("exempt requests without aws:TagKeys, by Null `false`",)),
    "one session in a Deny": (
        [lends(), role(own=(SEND, DENY | when("ArnNotEquals", "aws:PrincipalArn", SESSION)))],
        NEWS | {"as": "sender/app"}, ("of a session is the ARN of its role", "that holds for all sessions of")),
    "one session in an Allow": (
        [lends(), role(own=(SEND | when("ArnEquals", "aws:PrincipalArn", SESSION),))],
        NEWS | {"as": "sender/app"}, ("of a session is the ARN of its role", "that holds for all sessions of")),
    "a program by SMTP": (
        [lends(**when("StringLike", "aws:UserAgent", "*Postfix*")), user(SEND)], SMTP, ("mail by SMTP carries none",)),
    "a domain for an address": (
        [lends({"Effect": "Deny", "Principal": "*", "Action": "ses:*", **when("StringNotEquals", "ses:FromAddress",
         "one.test")}), user(SEND)], NEWS, ("`*@one.test` under StringNotLike",)),
    "capitals in a boundary and in IAM": (
        [lends(), user(SEND | when("StringEquals", "ses:FromAddress", "News@one.test")), ["boundary", "sender",
         "user/robot", EVERYTHING, DENY | when("StringNotLike", "ses:FromAddress", "*@One.test")]],
        NEWS, ("write `*@one.test` beside `*@One.test`", "StringEqualsIgnoreCase")),
    "capitals under IfExists": (
        [lends(**when("StringEqualsIfExists", "ses:FromDisplayName", "News")), user(SEND)],
        NEWS | {"from": "NEWS <news@one.test>"}, ("StringEqualsIgnoreCaseIfExists in place of StringEqualsIfExists;",)),
    "bulk of v2, both sides": (
        [lends({"Effect": "Deny", "Principal": "*", "Action": "ses:*", **when("ForAnyValue:StringNotLike",
         "ses:Recipients", "*@Elsewhere.test")}), ["call", "sender", "ses", "create_template", TEMPLATE],
         user(SEND | {"Resource": "arn:aws:ses:*:*:identity/*"})],
        {"as": "sender/robot", "from": "news@one.test", "door": "v2bulk", "template": "t",
         "arns": {"FromEmailAddressIdentityArn": ARN}}, ("capitals count", "`ses:SendBulkEmail`", "template/t")),
    "a return path and a more specific identity": (
        [lends(**when("StringEquals", "ses:FromAddress", "News@one.test")), ["identity", "owner", "news@one.test"],
         ["policy", "owner", "news@one.test", {"Effect": "Deny", "Principal": "*", "Action": "ses:*",
          **when("StringNotLike", "ses:FeedbackAddress", "*@b.one.test")}], user(SEND)],
        NEWS, ("StringEqualsIgnoreCase", "(ReturnPath, FeedbackForwardingEmailAddress or MAIL FROM)")),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("hunted") / "data")
    yield opened
    opened.close()


@pytest.mark.parametrize("described", CASES.values(), ids=CASES.keys())
def test_what_each_side_reads_is_done_and_the_mail_goes(
    world: World, described: tuple[list[Any], dict[str, Any], tuple[str, ...]]
) -> None:
    steps, sends, says = described
    case = Reported(world)
    for step in [*BASE, *steps]:
        case.account(step[1]) if step[0] == "account" else case.step(*step)
    sends, said = case.fill(sends), ""
    for _ in range(5):
        sent = case.send(sends)
        if not sent.code:
            break
        told = [one for side in ("sender", "owner") for one in case.read(side, sent.request_id)["causes"]]
        said += "\n".join(f"{one['cause']}. {one['mend']['text']}." for one in told)
        mend = next(one["mend"] for one in told if one["mend"]["how"] != "ask")
        case.check_arn = mend.get("identity_arn", case.check_arn)
        sends = case.apply(mend, sends)
    assert not sent.code, said
    assert all(text in said for text in says), said


def test_a_region_that_is_denied_is_left_before_the_guard_is(world: World) -> None:
    case = Reported(world)
    case.account("sender")
    for region in ("us-east-1", "eu-west-1"):
        case.step("identity", "sender", "own.test", region)
    case.step(
        "user", "sender", "robot", SEND, DENY | when("StringNotEquals", "aws:RequestedRegion", "eu-west-1")
    )
    sends = {"as": "sender/robot", "from": "a@own.test"}
    [cause] = case.read("sender", case.send(sends).request_id)["causes"]
    assert cause["mend"]["text"].startswith(
        "the sender calls region `eu-west-1`, where the identity is verified too; or"
    )
    assert case.send(sends | {"region": "eu-west-1"}).code == ""


def test_no_address_is_proposed_that_is_none(world: World) -> None:
    case = Reported.lending(world)
    case.step(
        "user", "sender", "robot", SEND | when("ForAllValues:StringLike", "ses:Recipients", "elsewhere.test")
    )
    [cause] = case.read("sender", case.send(NEWS).request_id)["causes"]
    assert "is no whole address" in cause["cause"] and "sends to no recipients" not in cause["mend"]["text"]
