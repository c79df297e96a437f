"""UpdateUser by boto3: a user keeps all it has under its new name, and whatever names it names it anew."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.aws.smtp_password import smtp_password
from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess, running
from tests.support.refused import refused

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SEND = {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"]}
READER = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"


class World:
    """An owner with a domain; another account with a user `anna` who may do everything there."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame, self.owner, self.account = sesame, sesame.create_account(), sesame.create_account()
        self.number = self.account.account_id
        self.domain = f"{self.owner.account_id}.test"
        self.identity = sesame.vouch(self.owner, self.domain)
        self.iam = sesame.client("iam", self.account)
        self.anna = self.user("anna")

    def arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.number}:user/{name}"

    def user(self, name: str, *statements: dict[str, Any]) -> Account:
        self.iam.create_user(UserName=name)
        text = document(*(statements or (EVERYTHING,)))
        self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=text)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Account(self.number, key["AccessKeyId"], key["SecretAccessKey"])

    def lend(self, name: str) -> None:
        allow = {**SEND, "Principal": {"AWS": self.arn(name)}, "Resource": self.identity}
        self.sesame.client("ses", self.owner).put_identity_policy(
            Identity=self.domain, PolicyName="lend", Policy=document(allow)
        )

    def send(self, keys: Account) -> str:
        """The code that a send by these keys is answered with; "" when it is accepted."""
        try:
            self.sesame.client("ses", keys).send_email(
                Source=f"news@{self.domain}",
                SourceArn=self.identity,
                Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""


@pytest.fixture(scope="module")
def sesame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    data: Path = tmp_path_factory.mktemp("renames") / "data"
    with running(data, SESAME_ACCOUNTS__REFUSAL_STEP_S="0", SESAME_DELIVERY__ENABLED="false") as process:
        yield process


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def test_what_a_user_has_stays_with_it(world: World) -> None:
    iam = world.iam
    iam.create_group(GroupName="all")
    iam.add_user_to_group(GroupName="all", UserName="anna")
    iam.attach_user_policy(UserName="anna", PolicyArn=READER)
    iam.tag_user(UserName="anna", Tags=[{"Key": "team", "Value": "mail"}])
    iam.put_user_permissions_boundary(UserName="anna", PermissionsBoundary=READER)
    before = iam.get_user(UserName="anna")["User"]
    iam.update_user(UserName="anna", NewUserName="bea", NewPath="/staff/")
    after = iam.get_user(UserName="bea")["User"]
    arn = f"arn:aws:iam::{world.number}:user/staff/bea"
    assert after == {**before, "UserName": "bea", "Path": "/staff/", "Arn": arn}
    assert iam.list_user_policies(UserName="bea")["PolicyNames"] == ["own"]
    assert [
        one["PolicyArn"] for one in iam.list_attached_user_policies(UserName="bea")["AttachedPolicies"]
    ] == [READER]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="bea")["Groups"]] == ["all"]
    assert [one["UserName"] for one in iam.get_group(GroupName="all")["Users"]] == ["bea"]
    assert world.sesame.client("sts", world.anna).get_caller_identity()["Arn"] == arn
    assert refused(iam.get_user, UserName="anna") == (
        "NoSuchEntity",
        "The user with name anna cannot be found.",
    )
    iam.update_user(UserName="bea", NewUserName="Bea")  # a name's case may be changed alone
    iam.update_user(UserName="Bea")
    assert iam.get_user(UserName="bea")["User"]["UserName"] == "Bea"


def test_a_name_that_is_taken_is_refused(world: World) -> None:
    world.iam.create_user(UserName="Bea")
    found = refused(world.iam.update_user, UserName="anna", NewUserName="bea")
    assert found == ("EntityAlreadyExists", "User with name bea already exists.")
    assert refused(world.iam.update_user, UserName="nobody", NewUserName="x")[0] == "NoSuchEntity"


def test_the_permission_is_needed_for_the_user_as_it_is_and_will_be(world: World) -> None:
    """IAM user guide, "Rename or change the path for an IAM user": on the source and on the target."""
    for arns, code in (
        ([world.arn("anna")], "AccessDenied"),
        ([world.arn("staff/bea")], "AccessDenied"),
        ([world.arn("anna"), world.arn("staff/bea")], ""),
    ):
        name = f"helper{len(arns)}{'staff' in arns[0]}"
        helper = world.user(name, {"Effect": "Allow", "Action": "iam:UpdateUser", "Resource": arns})
        iam = world.sesame.client("iam", helper)
        given = {"UserName": "anna", "NewUserName": "bea", "NewPath": "/staff/"}
        if code:
            assert refused(iam.update_user, **given)[0] == code
        else:
            iam.update_user(**given)


def test_policies_of_others_that_name_a_user_name_it_anew(world: World) -> None:
    """As in IAM, where principals are kept by their ids; one who gets the old name gains nothing."""
    world.lend("anna")
    assert world.send(world.anna) == ""
    world.iam.update_user(UserName="anna", NewUserName="bea")
    assert world.send(world.anna) == ""
    ses = world.sesame.client("ses", world.owner)
    text = ses.get_identity_policies(Identity=world.domain, PolicyNames=["lend"])["Policies"]["lend"]
    assert json.loads(text)["Statement"][0]["Principal"] == {"AWS": world.arn("bea")}
    assert world.send(world.user("anna")) == "AccessDenied"
    world.iam.update_user(UserName="anna", NewUserName="carl")
    world.iam.update_user(UserName="bea", NewUserName="anna")
    assert world.send(world.anna) == ""


def test_roles_and_topics_that_name_a_user_name_it_anew(world: World) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": world.arn("anna")}, "Action": "sts:AssumeRole"}
    role = world.iam.create_role(RoleName="app", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    sns = world.sesame.client("sns", world.owner)
    topic = sns.create_topic(Name="t")["TopicArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": world.arn("anna")},
        "Action": "SNS:Publish",
        "Resource": topic,
        "Condition": {"ArnEquals": {"aws:PrincipalArn": [world.arn("anna"), world.arn("bea")]}},
    }
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(allow))
    world.iam.update_user(UserName="anna", NewUserName="bea")
    world.sesame.client("sts", world.anna).assume_role(RoleArn=role, RoleSessionName="job")
    world.sesame.client("sns", world.anna).publish(TopicArn=topic, Message="m")
    shown = world.iam.get_role(RoleName="app")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": world.arn("bea")}
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": world.arn("bea")}
    # What a condition says stays as it was written.
    assert policy["Statement"][0]["Condition"] == allow["Condition"]


def test_a_user_that_its_owner_paused_is_paused_under_any_name(world: World) -> None:
    world.lend("anna")
    given = ("grant", "pause", world.owner.account_id, world.domain, world.arn("anna"), "--region", REGION)
    world.sesame.run(*given)
    assert world.send(world.anna) == "AccessDenied"
    world.iam.update_user(UserName="anna", NewUserName="bea")
    assert world.send(world.anna) == "AccessDenied"
    world.sesame.run("grant", "resume", *given[2:4], world.arn("bea"), "--region", REGION)
    assert world.send(world.anna) == ""


def test_bounds_that_were_left_under_the_new_name_hold_as_well(world: World) -> None:
    world.user("bea")
    world.lend("anna")
    where = (world.owner.account_id, world.domain)
    world.sesame.run("grant", "pause", *where, world.arn("bea"), "--region", REGION)
    world.sesame.run(
        "grant", "change", *where, world.arn("anna"), "--region", REGION, "--messages-per-day", "7"
    )
    for key in world.iam.list_access_keys(UserName="bea")["AccessKeyMetadata"]:
        world.iam.delete_access_key(UserName="bea", AccessKeyId=key["AccessKeyId"])
    world.iam.delete_user_policy(UserName="bea", PolicyName="own")
    world.iam.delete_user(UserName="bea")
    world.iam.update_user(UserName="anna", NewUserName="bea")
    assert world.send(world.anna) == "AccessDenied"
    world.sesame.run("grant", "resume", *where, world.arn("bea"), "--region", REGION)
    assert world.send(world.anna) == ""
    [kept] = world.sesame.run_json("grant", "list", world.owner.account_id)
    assert (kept["delegate"], kept["messages_per_day"]) == (world.arn("bea"), 7)


def test_an_smtp_credential_logs_in_and_sends_as_before(world: World) -> None:
    world.lend("anna")
    world.iam.update_user(UserName="anna", NewUserName="bea")
    host, port = world.sesame.smtp.rsplit(":", 1)
    context = ssl.create_default_context(cafile=world.sesame.ca)
    context.check_hostname = False
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.starttls(context=context)
        smtp.login(world.anna.access_key_id, smtp_password(world.anna.secret_access_key, REGION))
        text = (
            f"From: news@{world.domain}\r\nTo: a@b.test\r\nX-SES-SOURCE-ARN: {world.identity}\r\n\r\nhi\r\n"
        )
        assert smtp.sendmail(f"news@{world.domain}", ["success@simulator.amazonses.com"], text) == {}
