"""Groups and tags of IAM users decide sends, by boto3."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import Account, SesameProcess

SEND = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [SEND | statement]})


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


class World:
    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame, self.root = sesame, sesame.create_account()
        self.domain = f"{self.root.account_id}.test"
        sesame.vouch(self.root, self.domain)
        self.iam = sesame.client("iam", self.root)
        self.iam.create_user(UserName="sender")
        key = self.iam.create_access_key(UserName="sender")["AccessKey"]
        user = Account(self.root.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        self.ses = sesame.client("ses", user)

    def send(self) -> None:
        self.ses.send_email(
            Source=f"news@{self.domain}",
            Destination={"ToAddresses": ["to@elsewhere.test"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "hello"}}},
        )

    def join(self, policy: str) -> None:
        self.iam.create_group(GroupName="mailers")
        self.iam.put_group_policy(GroupName="mailers", PolicyName="p", PolicyDocument=policy)
        self.iam.add_user_to_group(GroupName="mailers", UserName="sender")


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def test_a_group_lets_its_member_send_until_the_member_leaves(world: World) -> None:
    with refused("AccessDenied"):
        world.send()
    world.join(document())
    world.send()
    world.iam.remove_user_from_group(GroupName="mailers", UserName="sender")
    with refused("AccessDenied"):
        world.send()


def test_a_group_policy_taken_away_or_turned_to_deny_refuses_the_next_send(world: World) -> None:
    world.join(document())
    world.send()
    world.iam.delete_group_policy(GroupName="mailers", PolicyName="p")
    with refused("AccessDenied"):
        world.send()
    world.iam.put_user_policy(UserName="sender", PolicyName="p", PolicyDocument=document())
    world.send()
    world.iam.put_group_policy(GroupName="mailers", PolicyName="p", PolicyDocument=document(Effect="Deny"))
    with refused("AccessDenied"):
        world.send()


def test_a_tag_of_the_user_decides_a_send(world: World) -> None:
    world.join(document(Condition={"StringEquals": {"aws:PrincipalTag/team": "news"}}))
    with refused("AccessDenied"):
        world.send()
    world.iam.tag_user(UserName="sender", Tags=[{"Key": "team", "Value": "news"}])
    world.send()
    world.iam.tag_user(UserName="sender", Tags=[{"Key": "team", "Value": "other"}])
    assert world.iam.list_user_tags(UserName="sender")["Tags"] == [{"Key": "team", "Value": "other"}]
    with refused("AccessDenied"):
        world.send()
    world.iam.untag_user(UserName="sender", TagKeys=["team"])
    assert world.iam.list_user_tags(UserName="sender")["Tags"] == []


def test_the_simulator_counts_a_users_groups(world: World) -> None:
    world.join(document())
    (result,) = world.iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{world.root.account_id}:user/sender", ActionNames=["ses:SendEmail"]
    )["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert result["MatchedStatements"][0]["SourcePolicyId"].startswith("group_")


def test_what_is_read_back_and_what_stands_in_the_way_of_deletion(world: World) -> None:
    world.join(document())
    iam = world.iam
    with refused("EntityAlreadyExists"):
        iam.create_group(GroupName="Mailers")
    group = iam.get_group(GroupName="mailers")
    assert [user["UserName"] for user in group["Users"]] == ["sender"]
    assert group["Group"]["Arn"] == f"arn:aws:iam::{world.root.account_id}:group/mailers"
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="sender")["Groups"]] == ["mailers"]
    assert [g["GroupName"] for g in iam.list_groups()["Groups"]] == ["mailers"]
    assert iam.list_group_policies(GroupName="mailers")["PolicyNames"] == ["p"]
    stored = iam.get_group_policy(GroupName="mailers", PolicyName="p")["PolicyDocument"]
    assert stored == json.loads(document())
    with refused("DeleteConflict"):
        iam.delete_group(GroupName="mailers")
    iam.remove_user_from_group(GroupName="mailers", UserName="sender")
    with refused("NoSuchEntity"):
        iam.remove_user_from_group(GroupName="mailers", UserName="sender")
    with refused("DeleteConflict"):
        iam.delete_group(GroupName="mailers")
    iam.delete_group_policy(GroupName="mailers", PolicyName="p")
    iam.delete_group(GroupName="mailers")
    with refused("NoSuchEntity"):
        iam.get_group(GroupName="mailers")


def test_a_user_in_a_group_is_deleted_by_the_operator_only(world: World) -> None:
    world.join(document())
    key = world.iam.list_access_keys(UserName="sender")["AccessKeyMetadata"][0]["AccessKeyId"]
    world.iam.delete_access_key(UserName="sender", AccessKeyId=key)
    with refused("DeleteConflict"):
        world.iam.delete_user(UserName="sender")
    world.sesame.run("user", "delete", world.root.account_id, "sender")
    assert world.iam.get_group(GroupName="mailers")["Users"] == []
