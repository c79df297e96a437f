"""An explicit Deny, wherever it stands and whatever it asks: its reader can do what it is told and the mail goes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, REGION, Case, World

OFFICE = {"aws:SourceIp": "192.0.2.0/24"}
CONDITIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an address": {"StringEquals": {"ses:FromAddress": "news@one.test"}},
    "all but an address": {"StringNotEquals": {"ses:FromAddress": "other@one.test"}},
    "all but an address, in any letters": {"StringNotEqualsIgnoreCase": {"ses:FromAddress": "OTHER@one.test"}},
    "all but a pattern": {"StringNotLike": {"ses:FeedbackAddress": "*@bounces.test"}},
    "a display name": {"StringLike": {"ses:FromDisplayName": "N*"}},
    "any display name": {"Null": {"ses:FromDisplayName": "false"}},
    "no tag of the user's": {"Null": {"aws:PrincipalTag/team": "true"}},
    "another tag of the user's": {"StringNotEquals": {"aws:PrincipalTag/team": "mail"}},
    "another tag than the identity's": {"StringNotEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}},
    "another tag of the identity's": {"StringNotEquals": {"aws:ResourceTag/env": "prod"}},
    "no range": {"NotIpAddress": OFFICE},
    "a range": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
    "TLS": {"Bool": {"aws:SecureTransport": "true"}},
    "no second factor": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    "after a date": {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
    "not at a date": {"DateNotEquals": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
    "after a number": {"NumericGreaterThan": {"aws:EpochTime": "1500000000"}},
    "a recipient outside": {"ForAnyValue:StringNotLike": {"ses:Recipients": "*@inside.test"}},
    "no recipient inside": {"ForAllValues:StringLike": {"ses:Recipients": "*@elsewhere.test"}},
    "all but a principal": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:user/x"}},
    "all but an account": {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}},
    "all but an organization": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
    "all but a version": {"StringNotEquals": {"ses:ApiVersion": "2"}},
    "all but a region": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
    "all but a program": {"StringNotLike": {"aws:UserAgent": "curl*"}},
    "two things": {"StringNotEquals": {"ses:FromAddress": "a@one.test"}, "IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
}  # fmt: skip
ALLOW = {"Principal": {"AWS": "<sender>"}}
SEND: dict[str, Any] = {"as": "sender/robot", "from": "News <news@one.test>"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("denies") / "data")
    yield opened
    opened.close()


def denied(world: World, where: str, condition: dict[str, Any]) -> tuple[Case, dict[str, Any], str]:
    """A delegate that is let in but for a Deny, its send, and who may change that."""
    case = Case(world)
    case.account("owner"), case.account("sender")
    case.step("identity", "owner", "one.test")
    conditions = {"Condition": condition} if condition else {}
    theirs = {"Effect": "Deny", "Principal": "*"} | conditions
    own = {"Effect": "Deny", "Action": "*", "Resource": "*"} | conditions
    case.step("policy", "owner", "one.test", ALLOW, *([theirs] if where == "identity" else []))
    case.check_arn = case.arn("owner", "one.test")
    if where == "a more specific identity":
        case.step("identity", "owner", "news@one.test")
        case.step("policy", "owner", "news@one.test", theirs)
        case.check_arn = case.arn("owner", "news@one.test")
    if where.startswith("federated"):
        is_users = where == "federated user's user"
        case.step("user", "sender", "app", EVERYTHING)
        case.step("federated", "sender", "app", "robot", EVERYTHING, *([] if is_users else [own]))
        if is_users:
            given = {"UserName": "app", "PolicyName": "own", "PolicyDocument": document(EVERYTHING, own)}
            case.step("call", "sender", "iam", "put_user_policy", given)
    elif where in ("session", "role"):
        limits = [EVERYTHING, own] if where == "session" else []
        case.step(
            "role", "sender", "robot", "one", [EVERYTHING, *([own] if where == "role" else [])], *limits
        )
    else:
        case.step("user", "sender", "robot", EVERYTHING, *([own] if where == "user" else []))
        if where == "boundary":
            case.step("boundary", "sender", "user/robot", EVERYTHING, own)
    sends = SEND | {"arns": {"SourceArn": case.arn("owner", "one.test")}}
    return case, sends, "owner" if "identity" in where else "sender"


@pytest.mark.parametrize(
    "where",
    [
        "identity",
        "a more specific identity",
        "user",
        "role",
        "session",
        "boundary",
        "federated user's user",
        "federated user's session",
    ],
)
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_the_mend_of_a_deny_lets_the_message_through(
    world: World, condition: dict[str, Any], where: str
) -> None:
    case, sends, who = denied(world, where, condition)
    refused = case.send(sends)
    assert refused.code == "AccessDenied"
    causes = case.read(who, refused.request_id)["causes"]
    assert causes[0]["code"] == "SA208"
    for cause in causes:
        assert "${" not in cause["mend"]["text"], "a variable is nothing that anybody can send"
        assert who == "sender" or "calls region" not in cause["mend"]["text"], "an identity is where it is"
        sends = case.apply(cause["mend"], sends)
    assert case.send(sends).code == "", causes
    if who == "owner":
        [theirs] = case.read("sender", refused.request_id)["causes"]
        assert theirs["code"] == "SA208" and theirs["mend"]["how"] in ("ask", "change-message")


def test_a_deny_of_what_has_another_tag_is_mended_by_the_tag(world: World) -> None:
    case, sends, _ = denied(world, "identity", {"StringNotEquals": {"aws:ResourceTag/env": "prod"}})
    [cause] = case.read("owner", case.send(sends).request_id)["causes"]
    assert cause["mend"]["how"] == "tag-resource" and cause["mend"]["tags"] == {"env": "prod"}
    assert cause["mend"]["arn"] == f"arn:aws:ses:{REGION}:{case.names['owner']}:identity/one.test"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("aws:SourcIp", "aws:SourceIp"),
        ("ses:SourceIp", "aws:SourceIp"),
        ("aws:Nope", None),
        ("ses:From", "ses:FromAddress"),
    ],
)
def test_a_key_that_is_not_known_is_held_against_those_that_are_like_it(
    world: World, key: str, meant: str | None
) -> None:
    case, sends, _ = denied(world, "user", {"StringEquals": {key: "x"}})
    [cause] = case.read("sender", case.send(sends).request_id)["causes"]
    of_none = "is not known here, so that nothing sends it" if key.startswith("aws:") else "nothing sends"
    hint = (
        f"{key} is a key that nothing sends, did you mean `{meant}`?"
        if meant
        else f"{key} is a key that {of_none}"
    )
    assert cause["cause"].endswith(hint)


def test_a_variable_without_a_value_is_named_as_it_is_written(world: World) -> None:
    tags = CONDITIONS["another tag than the identity's"]
    case, sends, _ = denied(world, "identity", tags)
    [cause] = case.read("owner", case.send(sends).request_id)["causes"]
    assert "`${aws:ResourceTag/team}` has no value in this request" in cause["cause"]
