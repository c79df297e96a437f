"""A send, a call or a session that a permissions boundary refuses: the cause names it to its own side, and mends it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, Case, World

READER = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"
RAW_ALONE = {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}
HERE = {"Effect": "Allow", "Action": "ses:*", "Resource": "*",
        "Condition": {"StringEquals": {"ses:FromAddress": "other@one.test"}}}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("boundaries") / "data")
    yield opened
    opened.close()


def bounded(world: World, kind: str, *boundary: dict[str, Any]) -> tuple[Case, dict[str, Any]]:
    """A sender to whom an owner lends `one.test`, and whose user or role may do everything, within the boundary."""
    case = Case.lending(world)
    if kind == "user":
        case.step("user", "sender", "robot", EVERYTHING)
    else:
        case.step("role", "sender", "robot", "job", [EVERYTHING])
    case.step("boundary", "sender", f"{kind}/robot", *boundary)
    arns = {"SourceArn": case.arn("owner", "one.test")}
    return case, {"as": "sender/robot", "from": "news@one.test", "arns": arns}


@pytest.mark.parametrize("kind", ["user", "role"])
@pytest.mark.parametrize("statement", [RAW_ALONE, HERE], ids=["another action", "another address"])
def test_the_boundary_is_named_to_the_sender_and_its_mend_lets_the_message_through(
    world: World, kind: str, statement: dict[str, Any]
) -> None:
    case, sends = bounded(world, kind, statement)
    refused = case.send(sends)
    assert refused.code == "AccessDenied" and "boundary" not in refused.text
    told = case.read("sender", refused.request_id)
    [cause] = told["causes"]
    arn = f"arn:aws:iam::{case.names['sender']}:policy/at-most-robot"
    assert (cause["code"], cause["mend"]["how"]) == ("SA211", "change-boundary")
    assert arn in cause["cause"] and arn in cause["mend"]["text"]
    case.apply(cause["mend"], sends)
    assert case.send(sends).code == ""


def test_the_owner_is_told_that_it_is_the_senders_own_side_and_nothing_of_a_boundary(world: World) -> None:
    case, sends = bounded(world, "user", RAW_ALONE)
    told = case.read("owner", case.send(sends).request_id)
    assert [cause["code"] for cause in told["causes"]] == ["SA206"]
    for word in ("boundary", "at-most"):
        assert word not in str(told).lower()


@pytest.mark.parametrize("reader", ["owner", "sender"])
def test_a_message_that_was_let_through_names_the_boundary_to_its_own_side_alone(
    world: World, reader: str
) -> None:
    case, sends = bounded(world, "user", EVERYTHING)
    assert case.send(sends).code == ""
    newest = case.read(reader)
    kinds = {ref["kind"] for check in newest["checks"] for ref in check["deciding"]}
    assert kinds == ({"identity"} if reader == "owner" else {"iam", "boundary"})


def test_a_boundary_of_awss_own_gives_way_to_another(world: World) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "mine.test")
    case.step("user", "sender", "robot", EVERYTHING)
    iam = world.client("iam", case.account("sender"))
    iam.put_user_permissions_boundary(UserName="robot", PermissionsBoundary=READER)
    sends = {"as": "sender/robot", "from": "news@mine.test"}
    told = case.read("sender", case.send(sends).request_id)
    [cause] = told["causes"]
    assert cause["code"] == "SA211" and READER in cause["cause"]
    assert case.apply(cause["mend"], sends) and case.send(sends).code == ""


def test_another_version_of_the_boundary_that_allows_it_is_found(world: World) -> None:
    case, sends = bounded(world, "user", RAW_ALONE)
    iam = world.client("iam", case.account("sender"))
    arn = f"arn:aws:iam::{case.names['sender']}:policy/at-most-robot"
    text = document({"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"})
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)
    [cause] = case.read("sender", case.send(sends).request_id)["causes"]
    assert f"version v2 of `{arn}` allows it" in cause["cause"]


@pytest.mark.parametrize(
    ("boundary", "text"),
    [
        (RAW_ALONE, "because no permissions boundary allows the ses:GetSendQuota action"),
        ({**EVERYTHING, "Effect": "Deny"}, "with an explicit deny in a permissions boundary"),
    ],
)
def test_a_call_is_refused_in_iams_words_and_explained(
    world: World, boundary: dict[str, Any], text: str
) -> None:
    case, _ = bounded(world, "user", boundary)
    with pytest.raises(ClientError) as refused:
        world.client("ses", case.keys["sender/robot"]).get_send_quota()
    assert refused.value.response["Error"]["Message"].endswith(text)
    told = case.read("sender", refused.value.response["ResponseMetadata"]["RequestId"])
    assert [cause["code"] for cause in told["causes"]] == ["SA211" if "because" in text else "SA208"]
    assert "at-most-robot" in told["causes"][0]["cause"]


def test_a_session_that_is_refused_by_its_callers_boundary_says_so(world: World) -> None:
    case, _ = bounded(world, "user", RAW_ALONE)
    iam = world.client("iam", case.account("sender"))
    trust = {"Effect": "Allow", "Principal": {"AWS": case.names["sender"]}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    with pytest.raises(ClientError) as refused:
        world.client("sts", case.keys["sender/robot"]).assume_role(RoleArn=arn, RoleSessionName="job")
    told = case.read("sender", refused.value.response["ResponseMetadata"]["RequestId"])
    assert "SA211" in [cause["code"] for cause in told["causes"]], told["causes"]
