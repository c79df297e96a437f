"""Whose tag it is that a condition asks for: a user's own, a role's or its session's, and nobody's of a root.

A session carries the tags of its role and those that it was opened with, not those of the user that opened it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.refusal_world import EVERYTHING, Case, World

ARN = "arn:aws:ses:us-east-1:<owner>:identity/one.test"
NEWS = {"from": "news@one.test", "arns": {"SourceArn": ARN}}
WHO = {"user": "sender/robot", "role": "sender/mailer", "root": "sender"}
CONDITIONS: dict[str, dict[str, Any]] = {
    "equal": {"StringEquals": {"aws:PrincipalTag/team": "marketing"}},
    "like": {"StringLike": {"aws:PrincipalTag/team": "marketing"}},
    "one of two": {"StringEquals": {"aws:PrincipalTag/team": ["marketing", "sales"]}},
    "there": {"Null": {"aws:PrincipalTag/team": "false"}},
    "in capitals": {"StringEqualsIgnoreCase": {"aws:PrincipalTag/Team": "Marketing"}},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("tags") / "data")
    yield opened
    opened.close()


def lending(world: World, kind: str, **members: Any) -> Case:
    """A sender with a user and a role's session, neither with the tag; whoever opened the session has it."""
    case = Case.lending(world, **members)
    if kind == "role":
        case.step("role", "sender", "mailer", "job", [EVERYTHING])
        case.step("tag_user", "sender", "opener-mailer", "team", "marketing")
    if kind == "user":
        case.step("user", "sender", "robot", EVERYTHING)
    return case


def refused(case: Case, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first causes for owner and sender."""
    outcome = case.send({**NEWS, "as": WHO[kind]})
    assert outcome.code
    owner, sender = (case.read(who, outcome.request_id)["causes"][0] for who in ("owner", "sender"))
    return owner, sender


def tag(case: Case, kind: str, value: str = "marketing") -> None:
    iam = world_iam(case)
    tags = [{"Key": "team", "Value": value}]
    if kind == "role":
        iam.tag_role(RoleName="mailer", Tags=tags)
    else:
        iam.tag_user(UserName="robot", Tags=tags)


def world_iam(case: Case) -> Any:
    return case.world.client("iam", case.account("sender"))


def opened_with(case: Case, value: str) -> None:
    """The role's session, opened anew with the tag."""
    number = case.account("sender").account_id
    role = f"arn:aws:iam::{number}:role/mailer"
    trust = {"Effect": "Allow", "Principal": {"AWS": number}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    world_iam(case).update_assume_role_policy(RoleName="mailer", PolicyDocument=document)
    opener = case.world.client("sts", case.keys["sender/opener-mailer"])
    tags = [{"Key": "team", "Value": value}]
    made = opener.assume_role(RoleArn=role, RoleSessionName="job", Tags=tags)["Credentials"]
    case.keys["sender/mailer"] = type(case.account("sender"))(
        number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    )


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_users_tag_is_the_users(world: World, condition: str) -> None:
    case = lending(world, "user", Condition=CONDITIONS[condition])
    owner, sender = refused(case, "user")
    number = case.account("sender").account_id
    assert f"gives the user `arn:aws:iam::{number}:user/robot` the tag" in owner["mend"]["text"], owner
    assert "session" not in owner["mend"]["text"] and "role" not in owner["mend"]["text"]
    assert "a user carries its own tags alone" in sender["cause"], sender
    tag(case, "user")
    assert case.send({**NEWS, "as": WHO["user"]}).code == ""


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_sessions_tag_is_the_roles_or_its_own(world: World, condition: str) -> None:
    case = lending(world, "role", Condition=CONDITIONS[condition])
    owner, sender = refused(case, "role")
    number = case.account("sender").account_id
    assert f"gives the role `arn:aws:iam::{number}:role/mailer` the tag" in owner["mend"]["text"], owner
    assert "opens the session with it" in owner["mend"]["text"]
    not_the_users = "not those of the user that opened it"
    assert not_the_users in owner["mend"]["text"] and not_the_users in sender["cause"], sender
    tag(case, "role")
    assert case.send({**NEWS, "as": WHO["role"]}).code == ""


@pytest.mark.parametrize("condition", ["equal", "like", "one of two", "there"])
def test_a_session_may_be_opened_with_it(world: World, condition: str) -> None:
    case = lending(world, "role", Condition=CONDITIONS[condition])
    refused(case, "role")
    opened_with(case, "marketing")
    assert case.send({**NEWS, "as": WHO["role"]}).code == ""


def test_a_tag_that_the_session_was_opened_with_goes_before_the_roles(world: World) -> None:
    case = lending(world, "role", Condition=CONDITIONS["equal"])
    opened_with(case, "sales")
    tag(case, "role")
    owner, sender = refused(case, "role")
    assert "a tag that the session was opened with goes before the role's" in owner["mend"]["text"], owner
    assert "sales" not in json.dumps(owner) and "`sales`" in sender["cause"]
    opened_with(case, "marketing")
    assert case.send({**NEWS, "as": WHO["role"]}).code == ""


def test_another_value_of_a_users_tag_is_the_users(world: World) -> None:
    case = lending(world, "user", Condition=CONDITIONS["equal"])
    tag(case, "user", "sales")
    owner, sender = refused(case, "user")
    assert "gives the user" in owner["mend"]["text"] and "sales" not in json.dumps(owner)
    assert "`sales`" in sender["cause"] and "carries its own" not in sender["cause"]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_root_has_no_tags(world: World, condition: str) -> None:
    case = lending(world, "root", Condition=CONDITIONS[condition])
    owner, sender = refused(case, "root")
    for cause in (owner, sender):
        assert "a root has no tags" in cause["cause"] + cause["mend"]["text"], cause
    assert "signs with the key of a user or role" in owner["mend"]["text"]
    case.step("user", "sender", "robot", EVERYTHING)
    tag(case, "user")
    assert case.send({**NEWS, "as": WHO["user"]}).code == ""


@pytest.mark.parametrize("kind", WHO)
def test_a_deny_of_those_without_the_tag(world: World, kind: str) -> None:
    case = lending(world, kind)
    others = {"StringNotEquals": {"aws:PrincipalTag/team": "marketing"}}
    deny = {"Effect": "Deny", "Principal": "*", "Condition": others}
    case.step("policy", "owner", "one.test", {"Principal": {"AWS": "<sender>"}}, deny)
    owner, _ = refused(case, kind)
    wanted = {"user": "gives the user", "role": "gives the role", "root": "a root has no tags"}
    assert wanted[kind] in owner["cause"] + owner["mend"]["text"], owner
    assert "its user, role or session" not in owner["mend"]["text"]


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_value_that_is_made_of_a_tag(world: World, kind: str) -> None:
    condition = {"StringEquals": {"ses:FromAddress": "${aws:PrincipalTag/team}@one.test"}}
    case = lending(world, kind, Condition=condition)
    if kind == "role":
        tag(case, "role", "sales")
    else:
        tag(case, "user", "sales")
    owner, _ = refused(case, kind)
    assert f"gives the {kind} `arn:aws:iam::" in owner["mend"]["text"], owner
    assert "another value of the tag `team`" in owner["mend"]["text"]
    tag(case, kind, "news")
    assert case.send({**NEWS, "as": WHO[kind]}).code == ""


@pytest.mark.parametrize("kind", ["user", "role"])
def test_the_senders_own_condition_on_it(world: World, kind: str) -> None:
    """Who reads may tag as well as change the policy."""
    case = lending(world, kind)
    statement = EVERYTHING | {"Condition": CONDITIONS["equal"]}
    put = {
        "PolicyName": "own",
        "PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    }
    if kind == "user":
        world_iam(case).put_user_policy(UserName="robot", **put)
    else:
        world_iam(case).put_role_policy(RoleName="mailer", **put)
    _, sender = refused(case, kind)
    assert (
        "aws:PrincipalTag/team" in sender["cause"] and f"the {kind} `arn:aws:iam::" in sender["mend"]["text"]
    ), sender
    assert ("not those of the user that opened it" in json.dumps(sender)) == (kind == "role")
    tag(case, kind)
    assert case.send({**NEWS, "as": WHO[kind]}).code == ""


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_trust_policys_condition_on_the_callers_tag(world: World, kind: str) -> None:
    case = lending(world, kind)
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": case.account("sender").account_id},
        "Condition": CONDITIONS["equal"],
    }
    made = world.client("iam", case.account("owner")).create_role(
        RoleName="theirs",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    which = {"RoleArn": made["Role"]["Arn"], "RoleSessionName": "job"}
    sts = world.client("sts", case.keys[WHO[kind]])
    with pytest.raises(sts.exceptions.ClientError) as refused:
        sts.assume_role(**which)
    told = case.read("owner", refused.value.response["ResponseMetadata"]["RequestId"])["causes"][0]
    wanted = {"user": "give the caller the tag `team`", "role": "give the role of the caller the tag `team`"}
    assert wanted[kind] in told["mend"]["text"], told
    assert ("not those of the user that opened it" in told["mend"]["text"]) == (kind == "role")
    tag(case, kind)
    assert sts.assume_role(**which)["Credentials"]
