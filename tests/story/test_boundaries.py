"""Permissions boundaries by boto3 over sockets: set, shown, enforced with the next request, kept from deletion."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.documents import document
from tests.support.process import Account, SesameProcess, running
from tests.support.refused import refused

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SEND = {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": "*"}
READ = {"Effect": "Allow", "Action": "ses:Get*", "Resource": "*"}
READER = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"


class World:
    """An account with a domain, a managed policy that may send, and a user who may do everything."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame, self.account = sesame, sesame.create_account()
        self.number = self.account.account_id
        self.domain = f"{self.number}.test"
        self.identity = sesame.vouch(self.account, self.domain)
        self.iam = sesame.client("iam", self.account)
        self.at_most = self.policy("at-most", SEND)

    def policy(self, name: str, *statements: dict[str, Any]) -> str:
        made = self.iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))
        return str(made["Policy"]["Arn"])

    def user(self, name: str, *statements: dict[str, Any], **more: Any) -> Account:
        self.iam.create_user(UserName=name, **more)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Account(self.number, key["AccessKeyId"], key["SecretAccessKey"])

    def trust(self) -> str:
        return document({"Effect": "Allow", "Principal": {"AWS": self.number}, "Action": "sts:AssumeRole"})

    def send(self, keys: Account) -> str:
        """The code that a send by these keys is answered with; "" when it is accepted."""
        body = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}
        try:
            self.sesame.client("sesv2", keys).send_email(
                FromEmailAddress=f"news@{self.domain}",
                Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
                Content={"Simple": body},
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""


@pytest.fixture(scope="module")
def sesame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    data: Path = tmp_path_factory.mktemp("boundaries") / "data"
    with running(data, SESAME_ACCOUNTS__REFUSAL_STEP_S="0", SESAME_DELIVERY__ENABLED="false") as process:
        yield process


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def shown(arn: str) -> dict[str, str]:
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def test_a_boundary_is_shown_where_iam_shows_it(world: World) -> None:
    """By the Get operations, by the one that creates, and in the account's details; not in lists."""
    iam = world.iam
    made = iam.create_user(UserName="anna", PermissionsBoundary=world.at_most)["User"]
    role = iam.create_role(
        RoleName="app", AssumeRolePolicyDocument=world.trust(), PermissionsBoundary=READER
    )["Role"]
    assert made["PermissionsBoundary"] == shown(world.at_most)
    assert role["PermissionsBoundary"] == shown(READER)
    assert iam.get_user(UserName="anna")["User"]["PermissionsBoundary"] == shown(world.at_most)
    assert iam.get_role(RoleName="app")["Role"]["PermissionsBoundary"] == shown(READER)
    assert all("PermissionsBoundary" not in one for one in iam.list_users()["Users"])
    assert all("PermissionsBoundary" not in one for one in iam.list_roles()["Roles"])
    details = iam.get_account_authorization_details()
    assert [one["PermissionsBoundary"] for one in details["UserDetailList"]] == [shown(world.at_most)]
    assert [one["PermissionsBoundary"] for one in details["RoleDetailList"]] == [shown(READER)]
    counts = {one["Arn"]: one["PermissionsBoundaryUsageCount"] for one in details["Policies"]}
    assert counts == {world.at_most: 1, READER: 1}
    iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=world.at_most)
    iam.delete_user_permissions_boundary(UserName="anna")
    assert "PermissionsBoundary" not in iam.get_user(UserName="anna")["User"]
    assert iam.get_role(RoleName="app")["Role"]["PermissionsBoundary"] == shown(world.at_most)
    iam.update_role(RoleName="app", Description="d")
    assert iam.get_role(RoleName="app")["Role"]["PermissionsBoundary"] == shown(world.at_most)


def test_how_a_policy_is_used_is_told_and_asked_for(world: World) -> None:
    iam = world.iam
    world.user("anna", PermissionsBoundary=world.at_most)
    world.user("bea")
    iam.attach_user_policy(UserName="bea", PolicyArn=world.at_most)
    policy = iam.get_policy(PolicyArn=world.at_most)["Policy"]
    assert (policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]) == (1, 1)

    def users(**more: Any) -> list[str]:
        found = iam.list_entities_for_policy(PolicyArn=world.at_most, **more)
        return sorted(one["UserName"] for one in found["PolicyUsers"])

    assert users() == ["anna", "bea"]
    assert users(PolicyUsageFilter="PermissionsBoundary") == ["anna"]
    assert users(PolicyUsageFilter="PermissionsPolicy") == ["bea"]
    assert users(PolicyUsageFilter="PermissionsBoundary", EntityFilter="Role") == []
    other = world.policy("other", READ)

    def listed(**more: Any) -> list[str]:
        return sorted(one["Arn"] for one in iam.list_policies(Scope="Local", **more)["Policies"])

    assert listed() == [world.at_most, other]
    assert listed(PolicyUsageFilter="PermissionsBoundary") == [world.at_most]
    assert listed(PolicyUsageFilter="PermissionsPolicy") == [world.at_most, other]
    assert listed(PolicyUsageFilter="PermissionsPolicy", OnlyAttached=True) == [world.at_most]
    iam.detach_user_policy(UserName="bea", PolicyArn=world.at_most)
    assert listed(PolicyUsageFilter="PermissionsPolicy") == [other]


def test_a_policy_is_not_deleted_while_it_is_a_boundary(world: World) -> None:
    iam = world.iam
    world.user("anna", PermissionsBoundary=world.at_most)
    code, text = refused(iam.delete_policy, PolicyArn=world.at_most)
    assert (code, text) == ("DeleteConflict", "Cannot delete a policy attached to entities.")
    iam.delete_user_permissions_boundary(UserName="anna")
    iam.delete_user_permissions_boundary(UserName="anna")  # there is none any more: no change
    iam.delete_policy(PolicyArn=world.at_most)


@pytest.mark.parametrize("operation", ["create_user", "put_user_permissions_boundary"])
def test_what_is_no_policy_is_no_boundary(world: World, operation: str) -> None:
    name = "anna" if operation == "create_user" else "bea"
    world.iam.create_user(UserName="bea")
    gone = f"arn:aws:iam::{world.number}:policy/gone"
    for arn in (gone, "arn:aws:iam::123456789012:policy/theirs", "arn:aws:iam::aws:policy/NoSuch"):
        found = refused(getattr(world.iam, operation), UserName=name, PermissionsBoundary=arn)
        assert found == ("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.")
    found = refused(getattr(world.iam, operation), UserName=name, PermissionsBoundary="x" * 20)
    assert found == ("ValidationError", f"ARN {'x' * 20} is not valid.")
    assert refused(world.iam.get_user, UserName="anna")[0] == "NoSuchEntity"
    assert refused(
        world.iam.put_user_permissions_boundary, UserName="nobody", PermissionsBoundary=READER
    ) == ("NoSuchEntity", "The user with name nobody cannot be found.")


def test_a_boundary_counts_with_the_next_request(world: World) -> None:
    """I4: set, its text changed, replaced, and taken away, each is in force with the answer."""
    robot = world.user("robot", EVERYTHING)
    assert world.send(robot) == ""
    world.iam.put_user_permissions_boundary(UserName="robot", PermissionsBoundary=READER)
    assert world.send(robot) == "AccessDeniedException"
    world.iam.put_user_permissions_boundary(UserName="robot", PermissionsBoundary=world.at_most)
    assert world.send(robot) == ""
    world.iam.create_policy_version(PolicyArn=world.at_most, PolicyDocument=document(READ), SetAsDefault=True)
    assert world.send(robot) == "AccessDeniedException"
    world.iam.set_default_policy_version(PolicyArn=world.at_most, VersionId="v1")
    assert world.send(robot) == ""
    world.iam.create_policy_version(
        PolicyArn=world.at_most, PolicyDocument=document(SEND, {**SEND, "Effect": "Deny"}), SetAsDefault=True
    )
    assert world.send(robot) == "AccessDeniedException"
    world.iam.delete_user_permissions_boundary(UserName="robot")
    assert world.send(robot) == ""


def test_an_open_session_is_held_to_the_boundary_of_its_role(world: World) -> None:
    opener = world.user("opener", EVERYTHING)
    role = world.iam.create_role(RoleName="app", AssumeRolePolicyDocument=world.trust())["Role"]["Arn"]
    world.iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=document(EVERYTHING))
    made = world.sesame.client("sts", opener).assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    session = Account(world.number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert world.send(session) == ""
    world.iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=READER)
    assert world.send(session) == "AccessDeniedException"
    world.iam.delete_role_permissions_boundary(RoleName="app")
    assert world.send(session) == ""


def test_within_the_account_a_policy_that_names_the_user_is_not_limited(world: World) -> None:
    robot = world.user("robot", EVERYTHING, PermissionsBoundary=READER)
    ses = world.sesame.client("ses", world.account)
    for principal, expected in (
        (world.number, "AccessDeniedException"),
        ("*", "AccessDeniedException"),
        (f"arn:aws:iam::{world.number}:user/robot", ""),
    ):
        allow = {**SEND, "Principal": {"AWS": principal}, "Resource": world.identity}
        ses.put_identity_policy(Identity=world.domain, PolicyName="p", Policy=document(allow))
        assert world.send(robot) == expected, principal


def test_iams_words_say_which_policies_refuse(world: World) -> None:
    robot = world.user("robot", EVERYTHING, PermissionsBoundary=READER)
    iam = world.sesame.client("iam", robot)
    arn = f"arn:aws:iam::{world.number}:user/robot"
    before = f"User: {arn} is not authorized to perform: iam:GetUser on resource: {arn} "
    assert refused(iam.get_user) == (
        "AccessDenied",
        f"{before}because no permissions boundary allows the iam:GetUser action",
    )
    deny = world.policy("deny", {**EVERYTHING, "Effect": "Deny"})
    world.iam.put_user_permissions_boundary(UserName="robot", PermissionsBoundary=deny)
    assert refused(iam.get_user)[1] == f"{before}with an explicit deny in a permissions boundary"
    world.iam.delete_user_policy(UserName="robot", PolicyName="own")
    world.iam.put_user_permissions_boundary(UserName="robot", PermissionsBoundary=READER)
    assert (
        refused(iam.get_user)[1] == f"{before}because no identity-based policy allows the iam:GetUser action"
    )
    opener = world.user("opener", EVERYTHING)
    role = world.iam.create_role(RoleName="app", AssumeRolePolicyDocument=world.trust())["Role"]["Arn"]
    world.iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=document(EVERYTHING))
    made = world.sesame.client("sts", opener).assume_role(
        RoleArn=role, RoleSessionName="job", Policy=document(READ)
    )["Credentials"]
    session = Account(world.number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    text = refused(world.sesame.client("iam", session).list_users)[1]
    assert text.endswith("because no session policy allows the iam:ListUsers action")


def test_users_are_made_by_others_within_a_boundary_alone(world: World) -> None:
    """As IAM's user guide has it, "Delegating responsibility to others using permissions boundaries"."""
    here = {"StringEquals": {"iam:PermissionsBoundary": world.at_most}}
    actions = [
        "iam:AttachUserPolicy", "iam:CreateUser", "iam:DeleteUserPolicy", "iam:DetachUserPolicy",
        "iam:PutUserPermissionsBoundary", "iam:PutUserPolicy",
    ]  # fmt: skip
    manager = world.user("manager", {**EVERYTHING, "Action": actions, "Condition": here})
    iam = world.sesame.client("iam", manager)
    assert refused(iam.create_user, UserName="free")[0] == "AccessDenied"
    assert refused(iam.create_user, UserName="free", PermissionsBoundary=READER)[0] == "AccessDenied"
    iam.create_user(UserName="bound", PermissionsBoundary=world.at_most)
    iam.put_user_policy(UserName="bound", PolicyName="p", PolicyDocument=document(EVERYTHING))
    iam.attach_user_policy(UserName="bound", PolicyArn=READER)
    iam.detach_user_policy(UserName="bound", PolicyArn=READER)
    assert refused(iam.put_user_permissions_boundary, UserName="bound", PermissionsBoundary=READER)[0] == (
        "AccessDenied"
    )
    assert refused(iam.delete_user_permissions_boundary, UserName="bound")[0] == "AccessDenied"
    world.iam.create_user(UserName="other")
    assert refused(iam.attach_user_policy, UserName="other", PolicyArn=READER)[0] == "AccessDenied"
    iam.put_user_permissions_boundary(UserName="other", PermissionsBoundary=world.at_most)
    iam.attach_user_policy(UserName="other", PolicyArn=READER)


def test_what_if_asks_within_the_boundary_of_today(world: World, tmp_path: Path) -> None:
    """What a user sent before it had a boundary is not said to go through under a policy that lets everybody in."""
    robot = world.user("robot", EVERYTHING)
    assert world.send(robot) == ""
    world.iam.put_user_permissions_boundary(UserName="robot", PermissionsBoundary=READER)
    allow = {**SEND, "Principal": {"AWS": world.number}, "Resource": world.identity}
    (tmp_path / "p.json").write_text(document(allow))
    given = ("policy", "what-if", "--identity", world.identity, "--put", f"p={tmp_path / 'p.json'}", "--json")
    assert json.loads(world.sesame.run(*given, check=False).stdout)["changes"] == []
    named = {
        **SEND,
        "Principal": {"AWS": f"arn:aws:iam::{world.number}:user/robot"},
        "Resource": world.identity,
    }
    (tmp_path / "p.json").write_text(document(named))
    [change] = json.loads(world.sesame.run(*given, check=False).stdout)["changes"]
    assert (change["before"], change["after"]) == ("implicit deny", "allow")


def test_the_command_line_lists_who_has_a_boundary(world: World) -> None:
    world.user("anna", PermissionsBoundary=READER)
    world.user("bea")
    listed = world.sesame.run_json("user", "list", world.number)
    assert {one["user_name"]: one["permissions_boundary"] for one in listed} == {"anna": READER, "bea": None}


def test_the_simulator_knows_the_boundary_that_a_user_has_and_one_that_is_given(world: World) -> None:
    world.user("robot", EVERYTHING, PermissionsBoundary=READER)
    arn = f"arn:aws:iam::{world.number}:user/robot"

    def asked(action: str, **more: Any) -> tuple[str, object]:
        [result] = world.iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], **more)[
            "EvaluationResults"
        ]
        detail = result.get("PermissionsBoundaryDecisionDetail", {})
        return result["EvalDecision"], detail.get("AllowedByPermissionsBoundary")

    given = {"PermissionsBoundaryPolicyInputList": [document(SEND)]}
    deny = {"PermissionsBoundaryPolicyInputList": [document({**EVERYTHING, "Effect": "Deny"})]}
    assert asked("ses:SendEmail") == ("implicitDeny", False)
    assert asked("ses:GetAccount") == ("allowed", True)
    assert asked("ses:SendEmail", **given) == ("allowed", True)
    assert asked("ses:GetAccount", **deny) == ("explicitDeny", False)
    world.iam.delete_user_permissions_boundary(UserName="robot")
    assert asked("ses:SendEmail") == ("allowed", None)
