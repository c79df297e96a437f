"""Managed policies by boto3: kept in versions, attached to users and groups, deciding sends at once."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from tests.support.process import REGION, Account, SesameProcess

FULL = "arn:aws:iam::aws:policy/AmazonSESFullAccess"


class World:
    """An account with a verified domain, and a user who may do nothing yet."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame, self.account = sesame, sesame.create_account()
        self.domain = f"{self.account.account_id}.test"
        sesame.vouch(self.account, self.domain)
        self.iam = sesame.client("iam", self.account)
        self.user = Account(**sesame.run_json("user", "create", self.account.account_id, "mailer"))
        self.ses = sesame.client("ses", self.user)

    def send(self) -> str:
        """The user sends; the error code, or "sent"."""
        try:
            self.ses.send_email(
                Source=f"a@{self.domain}",
                Destination={"ToAddresses": ["b@elsewhere.test"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "sent"


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def document(effect: str = "Allow", action: str = "ses:SendEmail") -> str:
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def test_a_policy_decides_from_its_attachment_to_its_removal(world: World) -> None:
    iam = world.iam
    policy = iam.create_policy(
        PolicyName="Senders", Path="/mail/", Description="d", PolicyDocument=document()
    )["Policy"]
    arn = policy["Arn"]
    assert arn == f"arn:aws:iam::{world.account.account_id}:policy/mail/Senders"
    assert world.send() == "AccessDenied"
    iam.attach_user_policy(UserName="mailer", PolicyArn=arn)
    assert world.send() == "sent"
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("Deny"), SetAsDefault=False)
    assert world.send() == "sent"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert world.send() == "AccessDenied"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert world.send() == "sent"
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v1") == "DeleteConflict"
    assert iam.list_attached_user_policies(UserName="mailer")["AttachedPolicies"] == [
        {"PolicyName": "Senders", "PolicyArn": arn}
    ]
    assert iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"][0]["UserName"] == "mailer"
    iam.detach_user_policy(UserName="mailer", PolicyArn=arn)
    assert world.send() == "AccessDenied"
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"


def test_a_groups_policies_count_for_its_members(world: World) -> None:
    iam = world.iam
    iam.create_group(GroupName="senders")
    iam.attach_group_policy(GroupName="senders", PolicyArn=FULL)
    iam.add_user_to_group(GroupName="senders", UserName="mailer")
    assert world.send() == "sent"
    assert iam.list_attached_group_policies(GroupName="senders")["AttachedPolicies"][0]["PolicyArn"] == FULL
    assert refused(iam.delete_group, GroupName="senders") == "DeleteConflict"
    simulated = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{world.account.account_id}:user/mailer", ActionNames=["ses:SendEmail"]
    )["EvaluationResults"][0]
    assert simulated["EvalDecision"] == "allowed"
    assert simulated["MatchedStatements"][0]["SourcePolicyId"] == "AmazonSESFullAccess"
    iam.detach_group_policy(GroupName="senders", PolicyArn=FULL)
    assert world.send() == "AccessDenied"


def test_versions_are_kept_read_and_bounded(world: World) -> None:
    iam = world.iam
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document())["Policy"]["Arn"]
    for number in range(2, 6):
        version = iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=document(action=f"ses:Get{number}*"), SetAsDefault=True
        )
        assert version["PolicyVersion"]["VersionId"] == f"v{number}"
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document()) == "LimitExceeded"
    found = iam.get_policy_version(PolicyArn=arn, VersionId="v3")["PolicyVersion"]
    text = (
        found["Document"] if isinstance(found["Document"], dict) else json.loads(unquote(found["Document"]))
    )
    assert text["Statement"][0]["Action"] == "ses:Get3*"
    listed = [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]]
    assert listed == ["v5", "v4", "v3", "v2", "v1"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v5"
    assert refused(iam.create_policy, PolicyName="P", PolicyDocument=document()) == "EntityAlreadyExists"
    assert refused(iam.create_policy, PolicyName="q", PolicyDocument="{}") == "MalformedPolicyDocument"


def test_awss_own_policies_are_there_and_listed(world: World) -> None:
    found = world.iam.list_policies(Scope="AWS")["Policies"]
    assert {one["PolicyName"] for one in found} == {
        "AdministratorAccess",
        "AmazonSESFullAccess",
        "AmazonSESReadOnlyAccess",
    }
    assert world.iam.list_policies(Scope="Local")["Policies"] == []
    world.iam.attach_user_policy(UserName="mailer", PolicyArn=FULL)
    assert [one["Arn"] for one in world.iam.list_policies(OnlyAttached=True)["Policies"]] == [FULL]
    assert refused(world.iam.delete_user, UserName="mailer") == "DeleteConflict"
    other = f"arn:aws:iam::{REGION}:policy/x"
    assert refused(world.iam.attach_user_policy, UserName="mailer", PolicyArn=other) == "ValidationError"
    assert refused(world.iam.delete_policy, PolicyArn=FULL) == "NoSuchEntity"


def test_who_may_attach_is_asked_about_the_whole_path(world: World) -> None:
    """A policy on `user/staff/*` is about the users under that path."""
    iam, account_id = world.iam, world.account.account_id
    iam.create_user(UserName="anna", Path="/staff/")
    may = {"Effect": "Allow", "Action": "iam:Attach*", "Resource": f"arn:aws:iam::{account_id}:user/staff/*"}
    iam.put_user_policy(
        UserName="mailer",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": may}),
    )
    mailer = world.sesame.client("iam", world.user)
    mailer.attach_user_policy(UserName="anna", PolicyArn=FULL)
    assert refused(mailer.attach_user_policy, UserName="mailer", PolicyArn=FULL) == "AccessDenied"


def test_attached_policies_are_listed_by_their_path(world: World) -> None:
    iam = world.iam
    deep = iam.create_policy(PolicyName="deep", Path="/a/b/", PolicyDocument=document())["Policy"]["Arn"]
    for arn in (FULL, deep):
        iam.attach_user_policy(UserName="mailer", PolicyArn=arn)
    for prefix, expected in (("/", [FULL, deep]), ("/a/", [deep]), ("/x/", [])):
        found = iam.list_attached_user_policies(UserName="mailer", PathPrefix=prefix)["AttachedPolicies"]
        assert sorted(policy["PolicyArn"] for policy in found) == sorted(expected)
