"""A managed policy that allows it in a version that is not the default, or that nobody attached, is named as that."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.process import Account
from tests.support.refusal_world import EVERYTHING, Case, World

ARN = "arn:aws:ses:us-east-1:<owner>:identity/one.test"
RAW = {"from": "news@one.test", "door": "raw", "arns": {"SourceArn": ARN}}
SIMPLE = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
BOTH = {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": "*"}
DENIED = {"Effect": "Deny", "Action": "ses:SendRawEmail", "Resource": "*"}
NOT_NOW = BOTH | {"Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}
ELSEWHERE = BOTH | {"Resource": "arn:aws:ses:us-east-1:111111111111:identity/*"}
NEWS_ONLY = BOTH | {"Condition": {"StringEquals": {"ses:FromAddress": "info@one.test"}}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("managed") / "data")
    yield opened
    opened.close()


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Sender:
    """The sender's account with a user or a role's session, and a managed policy."""

    def __init__(self, world: World, kind: str, *, own: bool = False) -> None:
        self.case = Case.lending(world)
        self.kind = kind
        self.send = dict(RAW)
        if own:
            self.case.step("identity", "sender", "own.test")
            self.send = {"from": "news@own.test", "door": "raw"}
        self.iam = world.client("iam", self.case.account("sender"))
        if kind == "role":
            self.case.step("role", "sender", "mailer", "job", [])
        else:
            self.case.step("user", "sender", "robot")
        if kind == "group":
            self.iam.create_group(GroupName="mailers")
            self.iam.add_user_to_group(GroupName="mailers", UserName="robot")
        self.who = "sender/mailer" if kind == "role" else "sender/robot"

    def policy(self, name: str, *statements: dict[str, Any], path: str = "/") -> str:
        made = self.iam.create_policy(PolicyName=name, Path=path, PolicyDocument=document(*statements))
        return str(made["Policy"]["Arn"])

    def attach(self, arn: str) -> None:
        if self.kind == "role":
            self.iam.attach_role_policy(RoleName="mailer", PolicyArn=arn)
        elif self.kind == "group":
            self.iam.attach_group_policy(GroupName="mailers", PolicyArn=arn)
        else:
            self.iam.attach_user_policy(UserName="robot", PolicyArn=arn)

    def version(self, arn: str, *statements: dict[str, Any], default: bool = False) -> None:
        self.iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=document(*statements), SetAsDefault=default
        )

    def refused(self) -> dict[str, Any]:
        outcome = self.case.send(self.send | {"as": self.who})
        assert outcome.code
        first: dict[str, Any] = self.case.read("sender", outcome.request_id)["causes"][0]
        for reader in ("owner",):
            assert ":policy/" not in json.dumps(self.case.read(reader, outcome.request_id))
        return first

    def accepted(self) -> bool:
        return self.case.send(self.send | {"as": self.who}).code == ""

    def run(self, mend: str) -> None:
        """The command that the mend begins with."""
        [words] = re.findall(r"`aws iam ([^`]*)`", mend)
        command, *options = words.split()
        if command == "set-default-policy-version":
            self.iam.set_default_policy_version(PolicyArn=options[1], VersionId=options[3])
        elif command == "attach-role-policy":
            self.iam.attach_role_policy(RoleName=options[1], PolicyArn=options[3])
        else:
            assert command == "attach-user-policy"
            self.iam.attach_user_policy(UserName=options[1], PolicyArn=options[3])


# What the default version says, and what another does.
VERSIONS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "an action": ([SIMPLE], [BOTH]),
    "a Deny": ([BOTH, DENIED], [BOTH]),
    "a window": ([NOT_NOW], [BOTH]),
    "a resource": ([ELSEWHERE], [BOTH]),
    "an address": ([NEWS_ONLY], [BOTH]),
    "nothing of mail": ([EVERYTHING | {"Action": "s3:*"}], [BOTH]),
}


@pytest.mark.parametrize("kind", ["user", "group", "role"])
@pytest.mark.parametrize("name", VERSIONS)
def test_another_version_that_allows_it_is_named(world: World, name: str, kind: str) -> None:
    sender = Sender(world, kind)
    default, other = VERSIONS[name]
    arn = sender.policy("ses-sender", *default, path="/mail/")
    sender.attach(arn)
    sender.version(arn, *other)
    cause = sender.refused()
    assert f"version v2 of `{arn}` allows it, and v1 is the default" in cause["cause"], cause
    sender.run(cause["mend"]["text"])
    assert sender.accepted()


@pytest.mark.parametrize("kind", ["user", "role"])
def test_an_older_version_that_allowed_it_is_named(world: World, kind: str) -> None:
    """Of several the newest."""
    sender = Sender(world, kind)
    arn = sender.policy("ses-sender", BOTH)
    sender.attach(arn)
    sender.version(arn, BOTH)
    sender.version(arn, SIMPLE, default=True)
    cause = sender.refused()
    assert f"version v2 of `{arn}` allows it, and v3 is the default" in cause["cause"], cause
    sender.run(cause["mend"]["text"])
    assert sender.accepted()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_a_policy_that_is_attached_to_nobody_is_named(world: World, kind: str, own: bool) -> None:
    sender = Sender(world, kind, own=own)
    arn = sender.policy("ses-sender", BOTH)
    cause = sender.refused()
    assert f"`{arn}` allows it, and is attached to nobody" in cause["cause"], cause
    sender.run(cause["mend"]["text"])
    assert sender.accepted()


@pytest.mark.parametrize("kind", ["user", "role"])
def test_one_that_limits_somebody_is_not_offered_to_be_attached(world: World, kind: str) -> None:
    """As a boundary it may be wide, since it gives nothing by itself."""
    sender = Sender(world, kind)
    arn = sender.policy("limit", BOTH)
    sender.iam.create_user(UserName="bounded", PermissionsBoundary=arn)
    told = json.dumps(sender.refused())
    assert arn not in told, told


@pytest.mark.parametrize("other", ["user/second", "role/second", "group/second"])
@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_policy_that_another_has_is_named_with_who_has_it(world: World, kind: str, other: str) -> None:
    sender = Sender(world, kind)
    arn = sender.policy("ses-sender", BOTH)
    what, _, name = other.partition("/")
    if what == "role":
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": sender.case.fill("<sender>")},
        }
        sender.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        sender.iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    elif what == "user":
        sender.iam.create_user(UserName=name)
        sender.iam.attach_user_policy(UserName=name, PolicyArn=arn)
    else:
        sender.iam.create_group(GroupName=name)
        sender.iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    cause = sender.refused()
    assert f"`{arn}` allows it, and is attached to `{other}` alone" in cause["cause"], cause
    sender.run(cause["mend"]["text"])
    assert sender.accepted()


def test_a_version_of_what_the_session_was_opened_under(world: World) -> None:
    sender = Sender(world, "role")
    sender.case.step("role", "sender", "second", "job", [EVERYTHING])
    arn = sender.policy("narrow", SIMPLE)
    sender.version(arn, BOTH)
    opener = world.client("sts", sender.case.keys["sender/opener-second"])
    role = sender.case.fill("arn:aws:iam::<sender>:role/second")
    made = opener.assume_role(RoleArn=role, RoleSessionName="job", PolicyArns=[{"arn": arn}])["Credentials"]
    sender.case.keys[sender.who] = Account(
        sender.case.fill("<sender>"), made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    )
    cause = sender.refused()
    assert f"version v2 of `{arn}` allows it, and v1 is the default" in cause["cause"], cause
    sender.run(cause["mend"]["text"])
    assert sender.accepted()


UNSAID: dict[str, list[dict[str, Any]]] = {
    "gives everything": [EVERYTHING],
    "gives more than mail": [BOTH, {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}],
    "gives all of mail": [{"Effect": "Allow", "Action": "ses:*", "Resource": "*"}],
    "gives mail's policies by a pattern": [{"Effect": "Allow", "Action": "ses:?*Email*", "Resource": "*"}],
    "gives all but": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
    "does not allow it either": [SIMPLE],
    "denies it": [BOTH, DENIED],
}


@pytest.mark.parametrize("name", UNSAID)
def test_nobody_is_told_to_attach_what_gives_more_than_sending_or_does_not_help(
    world: World, name: str
) -> None:
    sender = Sender(world, "user")
    sender.policy("other", *UNSAID[name])
    assert ":policy/other" not in json.dumps(sender.refused())


@pytest.mark.parametrize("name", [name for name in UNSAID if name.startswith("gives")])
def test_nor_is_a_version_to_be_the_default_that_gives_more(world: World, name: str) -> None:
    """Others may have the policy too."""
    sender = Sender(world, "user")
    arn = sender.policy("ses-sender", SIMPLE)
    sender.attach(arn)
    sender.version(arn, *UNSAID[name])
    assert "is the default" not in json.dumps(sender.refused())


def test_a_version_that_does_not_help_alone_is_not_named(world: World) -> None:
    """Another policy denies it."""
    sender = Sender(world, "user")
    arn = sender.policy("ses-sender", SIMPLE)
    sender.attach(arn)
    sender.version(arn, BOTH)
    sender.iam.put_user_policy(UserName="robot", PolicyName="no", PolicyDocument=document(DENIED))
    assert "is the default" not in json.dumps(sender.refused())


def test_the_other_accounts_policies_are_nobodys_but_its_own(world: World) -> None:
    sender = Sender(world, "user")
    iam = world.client("iam", sender.case.account("owner"))
    iam.create_policy(PolicyName="theirs", PolicyDocument=document(BOTH))
    assert ":policy/" not in json.dumps(sender.refused())


def test_where_the_senders_side_allows_it_no_policy_of_its_is_named(world: World) -> None:
    sender = Sender(world, "user")
    sender.iam.put_user_policy(UserName="robot", PolicyName="all", PolicyDocument=document(BOTH))
    sender.policy("spare", BOTH)
    world.client("ses", sender.case.account("owner")).delete_identity_policy(
        Identity="one.test", PolicyName="lend"
    )
    assert ":policy/" not in json.dumps(sender.refused())
