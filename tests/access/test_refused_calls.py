"""A call that sends nothing and is refused by the account's own policies: what of them is in the way, what helps."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, Case, World

DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("calls") / "data")
    yield opened
    opened.close()


def refused(case: Case, who: str) -> dict[str, Any]:
    """The record of a call that must be refused, as its account reads it."""
    with pytest.raises(ClientError, match="not authorized to perform") as raised:
        ask(case, who)
    return case.read("sender", raised.value.response["ResponseMetadata"]["RequestId"])


def ask(case: Case, who: str) -> None:
    case.world.client("ses", case.keys[who]).get_send_quota()


@pytest.mark.parametrize(
    ("statements", "codes", "says", "mend"),
    [
        ([DENY, EVERYTHING], ["SA208"], "denies `ses:GetSendQuota`", "change or remove IAM policy `own`, statement 1"),
        (
            [EVERYTHING, DENY | {"Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}],
            ["SA208"],
            "when aws:SourceIp not in `192.0.2.0/24`; this request has `198.51.100.7`",
            "add `198.51.100.7/32` to NotIpAddress aws:SourceIp",
        ),
        (
            [EVERYTHING, {"Effect": "Deny", "NotAction": "ses:Send*", "Resource": "*"}],
            ["SA208"],
            "its NotAction, `ses:Send*`, does not have it",
            "add `ses:GetSendQuota` to its NotAction",
        ),
        (
            [EVERYTHING, DENY | {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}],
            ["SA208"],
            "when aws:RequestedRegion equal to `us-east-1`",
            "exempt `arn:aws:iam::<sender>:user/robot` by ArnNotEquals on aws:PrincipalArn",
        ),
        ([DENY, DENY], ["SA208", "SA208", "SA206"], "statement 1 denies", "change or remove"),
        (
            [EVERYTHING | {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}],
            ["SA403"],
            "allows only aws:SourceIp in `192.0.2.0/24`",
            "add `198.51.100.7/32` to IpAddress aws:SourceIp",
        ),
        ([], ["SA206"], "which sends nothing, is `ses:GetSendQuota`", "let the program do without the call"),
    ],
    ids=["all", "range", "not-action", "region", "twice", "condition", "nothing"],
)  # fmt: skip
def test_a_call_is_explained_by_what_of_the_own_policies_is_in_the_way(
    world: World, statements: list[Any], codes: list[str], says: str, mend: str
) -> None:
    case = Case(world)
    case.account("sender")
    case.step("user", "sender", "robot", *statements)
    told = refused(case, "sender/robot")
    assert [cause["code"] for cause in told["causes"]] == codes
    first = told["causes"][0]
    assert case.fill(says) in first["cause"] and case.fill(mend) in first["mend"]["text"], first
    for _ in statements:
        case.apply(told["causes"][0]["mend"], {"as": "sender/robot"})
        if len(codes) == 1:
            break
        told = refused(case, "sender/robot")
    case.apply(told["causes"][0]["mend"], {"as": "sender/robot"}) if len(
        codes
    ) != 1 or not statements else None
    ask(case, "sender/robot")


def test_a_session_that_is_limited_is_to_be_opened_anew(world: World) -> None:
    case = Case(world)
    case.account("sender")
    limit = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}
    case.step("role", "sender", "app", "one", [EVERYTHING], limit)
    [cause] = refused(case, "sender/app")["causes"]
    assert cause["code"] == "SA207" and cause["mend"]["how"] == "change-session"
    case.apply(cause["mend"], {"as": "sender/app"})
    ask(case, "sender/app")


def test_a_session_policy_that_denies_is_named_as_such(world: World) -> None:
    case = Case(world)
    case.account("sender")
    case.step("role", "sender", "app", "one", [EVERYTHING], EVERYTHING, DENY | {"Action": "ses:Get*"})
    [cause] = refused(case, "sender/app")["causes"]
    assert cause["code"] == "SA208" and "session policy" in cause["cause"]
    assert cause["mend"]["how"] == "change-session" and "open the session" in cause["mend"]["text"]
    case.apply(cause["mend"], {"as": "sender/app"})
    ask(case, "sender/app")


def test_a_role_that_trusts_its_account_needs_iam_and_no_other_trust(world: World) -> None:
    case = Case(world)
    case.account("sender")
    iam = world.client("iam", case.keys["sender"])
    trust = {"Effect": "Allow", "Principal": {"AWS": case.names["sender"]}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName="app", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    case.step("user", "sender", "robot")
    sts = world.client("sts", case.keys["sender/robot"])
    with pytest.raises(ClientError, match="not authorized to perform") as raised:
        sts.assume_role(RoleArn=arn, RoleSessionName="one")
    [cause] = case.read("sender", raised.value.response["ResponseMetadata"]["RequestId"])["causes"]
    assert cause["code"] == "SA206"
    case.apply(cause["mend"], {})
    sts.assume_role(RoleArn=arn, RoleSessionName="one")
