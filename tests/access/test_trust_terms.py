"""What a trust policy asks for is said in terms of AssumeRole, and what a change of it lets in beside is said too."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.test_refused_roles import LET_IN, OWNERS, ROBOT, SENDERS, Roles
from tests.support.refusal_world import EVERYTHING, World

TO_TAG = {
    "Effect": "Allow",
    "Principal": {"AWS": ROBOT},
    "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
}
"""Beside the statement that is tried, so that tags and a source identity are allowed where they are sent."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("terms") / "data")
    yield opened
    opened.close()


@pytest.fixture
def case(world: World) -> Roles:
    made = Roles(world)
    made.account("owner"), made.account("sender")
    made.step("user", "sender", "robot", EVERYTHING)
    made.step("tag_user", "sender", "robot", "team", f"{SENDERS}-team")
    world.ip, world.secure = "198.51.100.7", True
    return made


def tags(**given: str) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in given.items()]}


NAME, IDENTITY, TAG = "sts:RoleSessionName", "sts:SourceIdentity", "aws:RequestTag/team"
TERMS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a session's name": ({"StringEquals": {NAME: f"{OWNERS}-n"}}, {}, f"send `{OWNERS}-n` as RoleSessionName"),
    "two names": ({"StringEquals": {NAME: [f"{OWNERS}-n", "b"]}}, {}, f"one of `{OWNERS}-n`, `b` as RoleSessionName"),
    "another name": (
        {"StringNotLike": {NAME: "x-*"}}, {"RoleSessionName": "x-1"}, "send a RoleSessionName that is not like `x-*`"),
    "a source identity": ({"StringEquals": {IDENTITY: OWNERS}}, {}, f"send `{OWNERS}` as SourceIdentity"),
    "another source identity": (
        {"StringEquals": {IDENTITY: OWNERS}}, {"SourceIdentity": SENDERS}, f"send `{OWNERS}` as SourceIdentity"),
    "any source identity": ({"Null": {IDENTITY: "false"}}, {}, "send a SourceIdentity"),
    "no source identity": ({"Null": {IDENTITY: "true"}}, {"SourceIdentity": SENDERS}, "send no SourceIdentity"),
    "a tag": ({"StringEquals": {TAG: OWNERS}}, {}, f"send the tag `team` with `{OWNERS}` in Tags"),
    "another tag": ({"StringEquals": {TAG: OWNERS}}, tags(team=SENDERS), f"the tag `team` with `{OWNERS}` in Tags"),
    "any tag of a key": ({"Null": {TAG: "false"}}, {}, "send the tag `team` in Tags"),
    "no tag of a key": ({"Null": {TAG: "true"}}, tags(team=SENDERS), "leave the tag `team` out of Tags"),
    "one of the keys": ({"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}, {}, "send the tag `team` in Tags"),
    "only these keys": (
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, tags(team="a", other="b"),
        "send no tags but `team` in Tags"),
    "keys that go on": (
        {"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": "team"}}, tags(team="a"),
        "name `team` in TransitiveTagKeys"),
    "an address": ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}, "call from an address in `192.0.2.0/24`"),
    "a tag of the caller": (
        {"StringEquals": {"aws:PrincipalTag/team": OWNERS}}, {}, f"give the caller the tag `team` with `{OWNERS}`"),
    "a region": ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, {}, "call the endpoint of `eu-west-1`"),
    "a program": (
        {"StringLike": {"aws:UserAgent": f"{OWNERS}*"}}, {}, f"send something like `{OWNERS}*` as User-Agent"),
    "a later time": (
        {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}, {}, "wait until `2099-01-01T00:00:00Z`"),
    "a second factor": (
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}}, {},
        "send the SerialNumber of the user's device, and its code as TokenCode"),
    "the age of one": (
        {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}, {},
        "send the SerialNumber of the user's device, and its code as TokenCode"),
    "a variable": (
        {"StringEquals": {NAME: "${aws:PrincipalTag/team}"}}, {},
        "send as RoleSessionName what `${aws:PrincipalTag/team}` is for the caller"),
}  # fmt: skip


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS.keys())
def test_what_a_condition_wants_is_said_in_the_terms_of_assume_role(
    case: Roles, term: tuple[dict[str, Any], dict[str, Any], str]
) -> None:
    """To the owner of the role, who has the other account send it; where it is one value the call passes with it."""
    condition, given, says = term
    arn, parameters = case.role(LET_IN | {"Condition": condition}, TO_TAG), dict(given)
    told = case.read("owner", case.refused(arn, **parameters))
    first = told["causes"][0]
    assert case.fill("to allow it, have account <sender> ") in first["mend"]["text"]
    assert says in first["mend"]["text"], first["mend"]["text"]
    assert "what the condition asks for" not in first["mend"]["text"]
    assert SENDERS not in json.dumps(told)
    ways = first["mend"].get("or_send", [])
    if any(way["value"] is None for way in ways) or not ways:
        return
    for way in ways:
        parameters[way["parameter"]] = way["value"]
    case.assume(arn, **parameters)


@pytest.mark.parametrize(
    ("denies", "given", "says"),
    [
        ({"StringNotEquals": {NAME: OWNERS}}, {}, f"send `{OWNERS}` as RoleSessionName"),
        ({"StringLike": {NAME: f"{SENDERS}*"}}, {}, f"send a RoleSessionName that is not like `{SENDERS}*`"),
        ({"Null": {IDENTITY: "true"}}, {}, "send a SourceIdentity"),
        ({"StringNotEquals": {TAG: OWNERS}}, {}, f"send the tag `team` with `{OWNERS}` in Tags"),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}}, tags(a="1", b="2"), "send no tags but `a` in Tags"),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "b"}}, tags(b="2"), "leave the tag `b` out of Tags"),
        ({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}, "call from an address in `192.0.2.0/24`"),
    ],
)  # fmt: skip
def test_so_is_what_lifts_a_deny(
    case: Roles, denies: dict[str, Any], given: dict[str, Any], says: str
) -> None:
    deny = LET_IN | {"Effect": "Deny", "Principal": "*", "Condition": denies}
    arn = case.role(LET_IN, TO_TAG, deny)
    [cause] = case.read("owner", case.refused(arn, **given))["causes"]
    assert case.fill(f"to allow it, have account <sender> {says}") in cause["mend"]["text"]
    assert "; or change statement 3 of the trust policy" in cause["mend"]["text"]
    assert "change or remove" not in cause["mend"]["text"]


def test_the_roles_own_account_reads_it_as_what_to_send(case: Roles) -> None:
    case.step("user", "owner", "own", EVERYTHING)
    case.keys["sender/robot"] = case.keys["owner/own"]
    own = {"AWS": "arn:aws:iam::<owner>:user/own"}
    arn = case.role(LET_IN | {"Principal": own, "Condition": {"StringEquals": {IDENTITY: OWNERS}}})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert cause["mend"]["text"].startswith(f"send `{OWNERS}` as SourceIdentity")
    assert "sts:SetSourceIdentity must be allowed too" in cause["mend"]["text"]


NEVER: dict[str, tuple[dict[str, Any], str]] = {
    "an organisation": ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "no request here carries aws:PrincipalOrgID"),
    "a service between": (
        {"ForAnyValue:StringEquals": {"aws:CalledVia": "ses.amazonaws.com"}}, "no request here carries aws:CalledVia"),
    "called by a service": ({"Bool": {"aws:ViaAWSService": "true"}}, "no service calls in a caller's name here"),
    "for whom a service calls": ({"StringEquals": {"aws:SourceAccount": "<sender>"}}, "only a service"),
    "an address of mail": ({"StringEquals": {"ses:FromAddress": "a@one.test"}}, "AssumeRole never carries it"),
    "a time that has passed": ({"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}}, "2001-01-01"),
}  # fmt: skip


@pytest.mark.parametrize("never", NEVER.values(), ids=NEVER.keys())
def test_nobody_is_told_to_send_what_no_call_can_carry(
    case: Roles, never: tuple[dict[str, Any], str]
) -> None:
    """The condition stays for others, and what is let in without it is said."""
    condition, says = never
    arn = case.role(LET_IN | {"Condition": condition})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    mend = cause["mend"]
    assert says in f"{cause['cause']} {mend['text']}", mend["text"]
    assert "what the condition asks for" not in mend["text"] and "have account" not in mend["text"]
    assert mend["text"].startswith("to allow it, leave that condition of the trust policy to others")
    [(key, _)] = next(iter(condition.values())).items()
    is_said = key not in (
        "aws:PrincipalOrgID",
        "ses:FromAddress",
    )  # a statement for one principal needs no such thing
    assert mend.get("also_admits") == ([{"key": key}] if is_said else None)
    assert (f"whatever its {key}" in mend["text"]) is is_said
    case.do(mend, {})
    case.assume(arn)


def test_a_guard_on_tls_stays_as_it_is(case: Roles) -> None:
    arn = case.role(LET_IN | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})
    case.world.secure = False
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert cause["mend"]["how"] == "set-parameter" and "statement" not in cause["mend"]
    assert "https://" in cause["mend"]["text"]
    case.world.secure = True
    case.assume(arn)


def test_a_value_that_is_not_the_owners_to_know_is_let_in_whatever_it_is_and_said(case: Roles) -> None:
    arn = case.role(LET_IN | {"Condition": {"StringEquals": {IDENTITY: OWNERS}}}, TO_TAG)
    [cause] = case.read("owner", case.refused(arn, SourceIdentity=SENDERS))["causes"]
    assert cause["mend"]["also_admits"] == [{"key": IDENTITY}]
    assert SENDERS not in json.dumps(cause)


@pytest.mark.parametrize(
    ("deny", "admits"),
    [
        ({"Action": "sts:*", "Principal": {"AWS": ROBOT}}, [{"all": True}]),
        ({"Action": "sts:AssumeRole", "Principal": {"AWS": ROBOT}}, None),
    ],
)
def test_a_deny_that_is_removed_frees_all_that_it_denies(
    case: Roles, deny: dict[str, Any], admits: list[Any] | None
) -> None:
    arn = case.role(LET_IN, {"Effect": "Deny", **deny})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert "remove statement 2 of the trust policy" in cause["mend"]["text"]
    assert cause["mend"].get("also_admits") == admits
    assert ("that allows all else that it denies" in cause["mend"]["text"]) is (admits is not None)


@pytest.mark.parametrize("principal", ["*", {"AWS": "<sender>"}, {"AWS": [ROBOT, "<owner>"]}])
def test_a_deny_for_others_too_is_changed_and_not_removed(case: Roles, principal: Any) -> None:
    arn = case.role(LET_IN, {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": principal})
    [cause] = case.read("owner", case.refused(arn))["causes"]
    assert "remove" not in cause["mend"]["text"] and "change statement 2" in cause["mend"]["text"]
    case.do(cause["mend"], {})
    case.assume(arn)
