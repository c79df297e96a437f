"""Roles as delegates: sessions opened by AssumeRole send as an owner's domain, by boto3."""

import json
import smtplib
import ssl
import string
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sesame.access.sessions import Sessions
from sesame.app.foundation import Services
from sesame.aws.smtp_password import smtp_password
from sesame.model import Session
from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess, read_header, wait_until
from tests.support.ways import WAYS, Letter, Way, clients_of

MAY_SEND = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}


def refused(code: str, about: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{about}")


@dataclass
class Temporary:
    """Temporary credentials, as AssumeRole gives them."""

    access_key_id: str
    secret_access_key: str
    token: str | None


class World:
    """An owner with a domain; a delegate with a user `robot` and a role `sender` that it may assume."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        self.owner_ses = sesame.client("ses", self.owner)
        self.iam = sesame.client("iam", self.delegate)
        self.iam.create_user(UserName="robot")
        key = self.iam.create_access_key(UserName="robot")["AccessKey"]
        self.robot = Account(self.delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        self.robot_arn = f"arn:aws:iam::{self.delegate.account_id}:user/robot"
        self.role_arn = self.create_role()
        self.iam.put_role_policy(RoleName="sender", PolicyName="p", PolicyDocument=document(MAY_SEND))

    def create_role(self, name: str = "sender", principal: str | None = None, **more: Any) -> str:
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": principal or self.robot_arn},
            "Action": "sts:AssumeRole",
        }
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document({**trust, **more}))[
            "Role"
        ]
        return str(role["Arn"])

    def allow(self, principal: str, **more: Any) -> None:
        """The owner lets a principal send as the domain."""
        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "ses:Send*",
            "Resource": self.arn,
        }
        self.owner_ses.put_identity_policy(
            Identity=self.domain, PolicyName="p", Policy=document({**allow, **more})
        )

    def assume(self, by: Account | Temporary | None = None, **parameters: Any) -> Temporary:
        sts = self.client("sts", by or self.robot)
        given = {"RoleArn": self.role_arn, "RoleSessionName": "job", **parameters}
        found = sts.assume_role(**given)["Credentials"]
        return Temporary(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def client(self, service: str, by: Account | Temporary) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.sesame.api,
            region_name=REGION,
            aws_access_key_id=by.access_key_id,
            aws_secret_access_key=by.secret_access_key,
            aws_session_token=by.token if isinstance(by, Temporary) else None,
            config=Config(retries={"max_attempts": 0}),
        )

    def send(self, by: Account | Temporary) -> str:
        sent = self.client("ses", by).send_email(
            Source=f"news@{self.domain}",
            SourceArn=self.arn,
            Destination={"ToAddresses": ["to@elsewhere.test"]},
            Message={"Subject": {"Data": "by a role"}, "Body": {"Text": {"Data": "hello"}}},
        )
        return str(sent["MessageId"])


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def test_a_role_session_sends_as_the_owners_domain_and_counts_against_its_own_account(world: World) -> None:
    session = world.assume()
    assert world.client("sts", session).get_caller_identity()["Arn"] == (
        f"arn:aws:sts::{world.delegate.account_id}:assumed-role/sender/job"
    )
    with refused(
        "AccessDenied",
        f"assumed-role/sender/job' is not authorized to perform `ses:SendEmail' on resource `{world.arn}'",
    ):
        world.send(session)
    world.allow(world.role_arn)
    message_id = world.send(session)
    (mail,) = wait_until(lambda: [m for m in world.sesame.mail() if message_id.encode() in m.data])
    assert read_header(mail)["DKIM-Signature"].split("d=")[1].startswith(world.domain)
    assert world.sesame.client("ses", world.delegate).get_send_quota()["SentLast24Hours"] == 1
    assert world.owner_ses.get_send_quota()["SentLast24Hours"] == 0
    trace = world.sesame.run("trace", message_id).stdout
    assert "assumed-role/sender/job" in trace


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ("arn:aws:iam::{account}:role/sender", True),
        ("arn:aws:sts::{account}:assumed-role/sender/job", True),
        ("arn:aws:sts::{account}:assumed-role/sender/other", False),
        ("{account}", True),
        ("arn:aws:iam::{account}:user/robot", False),
    ],
)
def test_an_identity_policy_names_the_role_its_session_or_its_account(
    world: World, principal: str, *, allowed: bool
) -> None:
    world.allow(principal.format(account=world.delegate.account_id))
    session = world.assume()
    if allowed:
        world.send(session)
        world.client("sesv2", session).send_email(
            FromEmailAddress=f"news@{world.domain}",
            FromEmailAddressIdentityArn=world.arn,
            Destination={"ToAddresses": ["to@elsewhere.test"]},
            Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        )
    else:
        with refused("AccessDenied"):
            world.send(session)


@pytest.mark.parametrize("way", [way for way in WAYS if way.name != "SMTP"], ids=lambda way: way.name)
def test_every_door_of_the_api_decides_alike_for_a_session(world: World, way: Way) -> None:
    """Whom the policy names, what it allows, what the session was opened under: by each way of sending."""
    account = world.delegate.account_id
    session_arn = f"arn:aws:sts::{account}:assumed-role/sender/job"
    letter = Letter(
        from_address=f"news@{world.domain}",
        display_name=None,
        feedback=None,
        recipients=("to@elsewhere.test",),
        arn=world.arn,
    )
    only_this, another = (
        {"Effect": "Allow", "Action": action, "Resource": "*"} for action in (way.action, "ses:SendBounce")
    )
    sessions = {
        "free": world.assume(),
        "limited to this": world.assume(Policy=document(only_this)),
        "limited to another": world.assume(Policy=document(another)),
    }
    keys = {
        name: Account(account, found.access_key_id, found.secret_access_key, session_token=found.token)
        for name, found in sessions.items()
    }
    with clients_of(world.sesame, keys) as clients:
        for principal, decisions in (
            (world.role_arn, ("allowed", "allowed", "denied")),
            (session_arn, ("allowed", "allowed", "denied")),
            (account, ("allowed", "allowed", "denied")),
            (f"{session_arn}-2", ("denied", "denied", "denied")),
        ):
            world.allow(principal, Action=way.action)
            answers = {name: way.send(clients[name], letter).decision for name in keys}
            assert tuple(answers.values()) == decisions, (principal, answers)
        world.allow(world.role_arn, Action="ses:SendBounce")
        assert way.send(clients["free"], letter).decision == "denied"


def test_what_the_role_loses_its_open_sessions_lose_with_the_next_send(world: World) -> None:
    world.allow(world.role_arn)
    session = world.assume()
    world.send(session)
    world.iam.delete_role_policy(RoleName="sender", PolicyName="p")
    with refused("AccessDenied"):
        world.send(session)
    world.iam.attach_role_policy(RoleName="sender", PolicyArn="arn:aws:iam::aws:policy/AmazonSESFullAccess")
    world.send(session)
    world.iam.detach_role_policy(RoleName="sender", PolicyArn="arn:aws:iam::aws:policy/AmazonSESFullAccess")
    with refused("AccessDenied"):
        world.send(session)
    world.iam.delete_role(RoleName="sender")
    with refused("InvalidClientTokenId"):
        world.send(session)


def test_a_role_made_again_under_the_same_name_is_not_who_the_owner_meant(world: World) -> None:
    world.allow(world.role_arn)
    before = world.assume()
    world.iam.delete_role_policy(RoleName="sender", PolicyName="p")
    world.iam.delete_role(RoleName="sender")
    world.create_role()
    world.iam.put_role_policy(RoleName="sender", PolicyName="p", PolicyDocument=document(MAY_SEND))
    after = world.assume()
    with refused("AccessDenied"):
        world.send(after)
    with refused("InvalidClientTokenId"):
        world.send(before)
    world.allow(world.role_arn)
    world.send(after)


def test_a_policy_for_the_role_of_before_does_not_help_the_role_of_now(world: World) -> None:
    """Two policies name one ARN, each bound to the role that had it when it was put."""
    world.allow(world.role_arn)
    world.iam.delete_role_policy(RoleName="sender", PolicyName="p")
    world.iam.delete_role(RoleName="sender")
    world.create_role()
    world.iam.put_role_policy(RoleName="sender", PolicyName="p", PolicyDocument=document(MAY_SEND))
    raw_only = {
        "Effect": "Allow", "Principal": {"AWS": world.role_arn}, "Action": "ses:SendRawEmail", "Resource": world.arn,
    }  # fmt: skip
    world.owner_ses.put_identity_policy(Identity=world.domain, PolicyName="q", Policy=document(raw_only))
    session = world.assume()
    with refused("AccessDenied"):
        world.send(session)
    raw = f"From: news@{world.domain}\r\nTo: to@elsewhere.test\r\nSubject: s\r\n\r\nhello\r\n"
    world.client("ses", session).send_raw_email(RawMessage={"Data": raw.encode()}, SourceArn=world.arn)


def test_a_role_that_does_not_exist_is_no_principal(world: World) -> None:
    with refused("InvalidPolicy", "role/nobody does not exist"):
        world.allow(f"arn:aws:iam::{world.delegate.account_id}:role/nobody")
    with refused("InvalidPolicy", "role/path/sender does not exist"):
        world.allow(f"arn:aws:iam::{world.delegate.account_id}:role/path/sender")
    with refused("MalformedPolicyDocument", "role/nobody"):
        world.create_role("other", f"arn:aws:iam::{world.delegate.account_id}:role/nobody")


def test_temporary_credentials_are_good_with_their_own_token_only(world: World) -> None:
    world.allow(world.role_arn)
    session, other = world.assume(), world.assume()
    assert session.token is not None
    last = "A" if session.token[-5] != "A" else "B"
    altered = session.token[:-5] + last + session.token[-4:]
    for token in (None, altered, other.token, "nonsense", "AAAA"):
        with refused("InvalidClientTokenId"):
            world.send(Temporary(session.access_key_id, session.secret_access_key, token))
    with refused("InvalidClientTokenId"):
        world.send(Temporary(world.robot.access_key_id, world.robot.secret_access_key, session.token))
    with refused("SignatureDoesNotMatch"):
        world.send(Temporary(session.access_key_id, other.secret_access_key, session.token))
    with refused("UnrecognizedClientException"):
        wrong = Temporary(session.access_key_id, session.secret_access_key, altered)
        world.client("sesv2", wrong).get_account()
    world.send(session)
    with refused("InvalidClientTokenId"):  # now that the session is known
        world.send(Temporary(session.access_key_id, session.secret_access_key, None))


def test_conditions_see_the_role_behind_a_session(world: World) -> None:
    """aws:PrincipalArn is the role's ARN, aws:userid its id with the session's name."""
    role_id = world.iam.get_role(RoleName="sender")["Role"]["RoleId"]
    world.allow(
        world.delegate.account_id,
        Condition={
            "ArnEquals": {"aws:PrincipalArn": world.role_arn},
            "StringEquals": {"aws:userid": f"{role_id}:job", "aws:PrincipalType": "AssumedRole"},
            "Null": {"aws:username": "true"},
        },
    )
    world.send(world.assume())
    with refused("AccessDenied"):
        world.send(world.assume(RoleSessionName="other"))


def test_an_expired_session_is_refused_as_expired(world: World) -> None:
    role_id = world.iam.get_role(RoleName="sender")["Role"]["RoleId"]
    session = Session(
        access_key_id="ASIAEXPIREDEXPIRED12",
        secret_access_key="s" * 40,
        account_id=world.delegate.account_id,
        role_id=role_id,
        name="late",
        issued_at=1.0,
        expires_at=2.0,
    )

    async def issue(services: Services) -> str:
        return Sessions(services.sealer).issue(session)

    late = Temporary(session.access_key_id, session.secret_access_key, world.sesame.operate(issue))
    with refused("ExpiredToken", "expired"):
        world.send(late)
    with refused("ExpiredTokenException"):
        world.client("sesv2", late).get_account()


def test_who_may_open_a_session(world: World) -> None:
    """Whom the trust policy names; whom it names by account if IAM lets them; nobody's root; else one answer."""
    with refused("AccessDenied", "Roles may not be assumed by root accounts"):
        world.assume(world.delegate)
    by_account = world.create_role("by-account", world.delegate.account_id)
    with refused(
        "AccessDenied", f"user/robot is not authorized to perform: sts:AssumeRole on resource: {by_account}"
    ):
        world.assume(RoleArn=by_account)
    may_assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": by_account}
    world.iam.put_user_policy(UserName="robot", PolicyName="p", PolicyDocument=document(may_assume))
    world.assume(RoleArn=by_account)
    foreign = world.create_role("foreign", world.owner.account_id)
    nobody = f"arn:aws:iam::{world.delegate.account_id}:role/nobody"
    for arn in (foreign, nobody):
        with refused("AccessDenied", f"is not authorized to perform: sts:AssumeRole on resource: {arn}"):
            world.assume(RoleArn=arn)
    for other in ("role/SENDER", "role/path/sender"):
        with refused("AccessDenied"):
            world.assume(RoleArn=f"arn:aws:iam::{world.delegate.account_id}:{other}")
    deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
    world.iam.put_user_policy(UserName="robot", PolicyName="deny", PolicyDocument=document(deny))
    with refused("AccessDenied"):
        world.assume()


def test_a_role_of_another_account_needs_both_sides(world: World) -> None:
    """The owner's own role, for the delegate's user: that session sends as the owner, on the owner's quota."""
    iam = world.sesame.client("iam", world.owner)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": world.delegate.account_id},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "42"}},
    }
    arn = iam.create_role(RoleName="lent", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="lent", PolicyName="p", PolicyDocument=document(MAY_SEND))
    with refused("AccessDenied"):
        world.assume(RoleArn=arn, ExternalId="42")
    may_assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
    world.iam.put_user_policy(UserName="robot", PolicyName="p", PolicyDocument=document(may_assume))
    with refused("AccessDenied"):
        world.assume(RoleArn=arn)
    with refused("AccessDenied"):
        world.assume(RoleArn=arn, ExternalId="43")
    world.send(world.assume(RoleArn=arn, ExternalId="42"))
    assert world.owner_ses.get_send_quota()["SentLast24Hours"] == 1


def test_session_policies_limit_what_the_role_may(world: World) -> None:
    world.allow(world.role_arn)
    raw_only = document({"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"})
    with refused("AccessDenied"):
        world.send(world.assume(Policy=raw_only))
    world.send(world.assume(Policy=document(MAY_SEND)))
    arn = world.iam.create_policy(PolicyName="limit", PolicyDocument=raw_only)["Policy"]["Arn"]
    with refused("AccessDenied"):
        world.send(world.assume(PolicyArns=[{"arn": arn}]))
    session = world.assume(PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonSESFullAccess"}])
    world.send(session)
    world.allow(f"arn:aws:sts::{world.delegate.account_id}:assumed-role/sender/job")
    with refused("AccessDenied"):
        world.send(world.assume(Policy=raw_only))
    with refused("ValidationError", "does not exist"):
        world.assume(PolicyArns=[{"arn": arn + "x"}])
    with refused("MalformedPolicyDocument"):
        world.assume(Policy="{}")
    with refused("PackedPolicyTooLarge"):
        many = [f"arn:aws:ses:us-east-1:123456789012:identity/{n}.example.com" for n in range(60)]
        world.assume(Policy=document({**MAY_SEND, "Resource": many}))


def test_session_tags_have_a_bound_together(world: World) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": world.robot_arn},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    world.iam.update_assume_role_policy(RoleName="sender", PolicyDocument=document(trust))
    draw = Random(1)
    tags = [{"Key": f"k{n}", "Value": "".join(draw.choices(string.ascii_letters, k=256))} for n in range(20)]
    with refused("PackedPolicyTooLarge"):
        world.assume(Tags=tags)
    world.assume(Tags=tags[:5])


def test_a_user_made_again_is_not_whom_the_role_trusts(world: World) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": world.robot_arn}, "Action": "sts:AssumeRole"}
    world.iam.update_assume_role_policy(RoleName="sender", PolicyDocument=document(trust))
    world.iam.delete_access_key(UserName="robot", AccessKeyId=world.robot.access_key_id)
    world.iam.delete_user(UserName="robot")
    world.iam.create_user(UserName="robot")
    key = world.iam.create_access_key(UserName="robot")["AccessKey"]
    world.robot = Account(world.delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    with refused("AccessDenied"):
        world.assume()
    world.iam.update_assume_role_policy(RoleName="sender", PolicyDocument=document(trust))
    world.assume()


def test_session_policies_limit_management_and_opening_sessions_too(world: World) -> None:
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    world.iam.attach_role_policy(RoleName="sender", PolicyArn=administrator)
    second = world.create_role("second", world.role_arn)
    limited, free = world.assume(Policy=document(MAY_SEND)), world.assume()
    world.client("iam", free).list_users()
    with refused("AccessDenied"):
        world.client("iam", limited).list_users()
    world.assume(free, RoleArn=second)
    with refused("AccessDenied"):
        world.assume(limited, RoleArn=second)


def test_a_refusal_by_a_session_policy_says_so_to_the_sender(world: World) -> None:
    world.allow(world.role_arn)
    raw_only = document({"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"})
    with refused("AccessDenied"):
        world.send(world.assume(Policy=raw_only))
    decisions = world.sesame.run("decisions", world.delegate.account_id).stdout
    assert "session policy `Policy 1`" in decisions


def test_tags_of_role_and_session_decide_and_the_sessions_own_win(world: World) -> None:
    world.allow(world.role_arn, Condition={"StringEquals": {"aws:PrincipalTag/team": "news"}})
    with refused("AccessDenied"):
        world.send(world.assume())
    world.iam.tag_role(RoleName="sender", Tags=[{"Key": "team", "Value": "news"}])
    session = world.assume()
    world.send(session)
    with refused("AccessDenied", "sts:TagSession"):
        world.assume(Tags=[{"Key": "team", "Value": "other"}])
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": world.robot_arn},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    }
    world.iam.update_assume_role_policy(RoleName="sender", PolicyDocument=document(trust))
    with refused("AccessDenied"):
        world.send(world.assume(Tags=[{"Key": "Team", "Value": "other"}]))
    world.iam.untag_role(RoleName="sender", TagKeys=["team"])
    with refused("AccessDenied"):
        world.send(session)
    world.send(world.assume(Tags=[{"Key": "team", "Value": "news"}]))


def test_a_session_opens_another_and_passes_on_source_identity_and_transitive_tags(world: World) -> None:
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    world.iam.update_assume_role_policy(
        RoleName="sender",
        PolicyDocument=document(
            {"Effect": "Allow", "Principal": {"AWS": world.robot_arn}, "Action": everything}
        ),
    )
    second = world.create_role("second", world.role_arn, Action=everything)
    world.iam.put_role_policy(RoleName="second", PolicyName="p", PolicyDocument=document(MAY_SEND))
    world.allow(
        second,
        Condition={
            "StringEquals": {"aws:SourceIdentity": "anna", "aws:PrincipalTag/job": "1"},
            "Null": {"aws:PrincipalTag/own": "true"},
        },
    )
    first = world.assume(
        SourceIdentity="anna",
        Tags=[{"Key": "job", "Value": "1"}, {"Key": "own", "Value": "1"}],
        TransitiveTagKeys=["job"],
    )
    world.send(world.assume(first, RoleArn=second))
    plain = world.create_role("plain", world.role_arn)
    with refused("AccessDenied", "sts:TagSession"):  # the tags that are passed on count too
        world.assume(first, RoleArn=plain)
    with refused("ValidationError", "must be included in the requested tags"):
        world.assume(TransitiveTagKeys=["job"])
    with refused("AccessDenied", "source identity"):
        world.assume(first, RoleArn=second, SourceIdentity="berta")
    with refused("ValidationError", "transitive"):
        world.assume(first, RoleArn=second, Tags=[{"Key": "Job", "Value": "2"}])
    with refused("ValidationError", "role chaining"):
        world.assume(first, RoleArn=second, DurationSeconds=3601)


@pytest.mark.parametrize(
    "condition",
    [
        {"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["Job"], "aws:TagKeys": ["Job", "Own"]}},
        {"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": "Job"}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "Own"}},
    ],
)
def test_a_trust_policy_sees_tag_keys_as_they_were_written(world: World, condition: dict[str, Any]) -> None:
    """Also those that a session passes on, whose tags meet each other without regard to case."""
    tagging = ["sts:AssumeRole", "sts:TagSession"]
    role = world.create_role("strict", world.robot_arn, Action=tagging, Condition=condition)
    tags = [{"Key": "Job", "Value": "1"}, {"Key": "Own", "Value": "1"}]
    first = world.assume(RoleArn=role, Tags=tags, TransitiveTagKeys=["Job"])
    other = [{"Key": "job", "Value": "1"}, {"Key": "own", "Value": "1"}]
    with refused("AccessDenied", "sts:AssumeRole"):
        world.assume(RoleArn=role, Tags=other, TransitiveTagKeys=["job"])
    if "aws:TagKeys" in condition.get("ForAnyValue:StringEquals", {}):
        return
    next_role = world.create_role("next", role, Action=tagging, Condition=condition)
    allow = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
    world.iam.put_role_policy(RoleName="strict", PolicyName="p", PolicyDocument=document(allow))
    world.assume(first, RoleArn=next_role)


def test_how_long_a_session_may_last(world: World) -> None:
    with refused("ValidationError", "MaxSessionDuration"):
        world.assume(DurationSeconds=3601)
    world.iam.update_role(RoleName="sender", MaxSessionDuration=7200)
    answer = world.client("sts", world.robot).assume_role(
        RoleArn=world.role_arn, RoleSessionName="job", DurationSeconds=7200, MinimumSessionTokenSize=3000
    )
    lifetime = answer["Credentials"]["Expiration"].timestamp() - time.time()
    assert 7100 < lifetime <= 7200
    assert 3000 <= answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"]) < 3010


def test_deny_by_the_time_of_issue_ends_older_sessions(world: World) -> None:
    """How IAM's console revokes sessions."""
    world.allow(world.role_arn)
    session = world.assume()
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2100-01-01T00:00:00Z"}},
    }
    world.send(session)
    world.iam.put_role_policy(RoleName="sender", PolicyName="revoked", PolicyDocument=document(deny))
    with refused("AccessDenied"):
        world.send(session)


def test_an_sdk_profile_with_role_arn_just_works(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        f"[profile mailer]\nrole_arn = {world.role_arn}\nsource_profile = robot\nrole_session_name = from-profile\n"
        f"region = {REGION}\nendpoint_url = {world.sesame.api}\n"
        f"[profile robot]\nregion = {REGION}\nendpoint_url = {world.sesame.api}\n"
    )
    (tmp_path / "credentials").write_text(
        f"[robot]\naws_access_key_id = {world.robot.access_key_id}\n"
        f"aws_secret_access_key = {world.robot.secret_access_key}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    world.allow(world.role_arn)
    ses = boto3.Session(profile_name="mailer").client("ses")
    sent = ses.send_email(
        Source=f"news@{world.domain}",
        SourceArn=world.arn,
        Destination={"ToAddresses": ["to@elsewhere.test"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "hello"}}},
    )
    assert "from-profile" in world.sesame.run("trace", sent["MessageId"]).stdout


def test_smtp_knows_no_temporary_credentials(world: World) -> None:
    session = world.assume()
    host, port = world.sesame.smtp.rsplit(":", 1)
    context = ssl.create_default_context(cafile=world.sesame.ca)
    context.check_hostname = False
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(session.access_key_id, smtp_password(session.secret_access_key, REGION))


def test_what_is_read_back_and_what_stands_in_the_way_of_deletion(world: World) -> None:
    iam = world.iam
    with refused("EntityAlreadyExists"):
        world.create_role("Sender")
    with refused("MalformedPolicyDocument", "Has prohibited field Resource"):
        world.create_role("other", Resource="*")
    with refused("MalformedPolicyDocument", "may only specify STS AssumeRole actions"):
        world.create_role("other", Action="ses:SendEmail")
    path = iam.create_role(
        RoleName="deep",
        Path="/a/b/",
        Description="d",
        Tags=[{"Key": "k", "Value": "v"}],
        AssumeRolePolicyDocument=document(
            {"Effect": "Allow", "Principal": {"AWS": world.robot_arn}, "Action": "sts:AssumeRole"}
        ),
    )["Role"]
    assert path["Arn"] == f"arn:aws:iam::{world.delegate.account_id}:role/a/b/deep"
    session = world.client("sts", world.assume(RoleArn=path["Arn"])).get_caller_identity()
    assert session["Arn"].endswith(":assumed-role/deep/job")
    assert session["UserId"] == f"{path['RoleId']}:job"
    role = iam.get_role(RoleName="deep")["Role"]
    assert (role["Description"], role["Tags"]) == ("d", [{"Key": "k", "Value": "v"}])
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    iam.update_role_description(RoleName="deep", Description="e")
    assert [(r["RoleName"], r.get("Description")) for r in iam.list_roles(PathPrefix="/a/")["Roles"]] == [
        ("deep", "e")
    ]
    assert [r["RoleName"] for r in iam.list_roles()["Roles"]] == ["deep", "sender"]
    assert iam.list_role_tags(RoleName="deep")["Tags"] == [{"Key": "k", "Value": "v"}]
    assert iam.list_role_policies(RoleName="sender")["PolicyNames"] == ["p"]
    assert iam.get_role_policy(RoleName="sender", PolicyName="p")["PolicyDocument"] == json.loads(
        document(MAY_SEND)
    )
    assert iam.list_instance_profiles_for_role(RoleName="sender")["InstanceProfiles"] == []
    with refused("DeleteConflict"):
        iam.delete_role(RoleName="sender")
    iam.delete_role_policy(RoleName="sender", PolicyName="p")
    with refused("NoSuchEntity"):
        iam.delete_role_policy(RoleName="sender", PolicyName="p")
    arn = "arn:aws:iam::aws:policy/AmazonSESFullAccess"
    iam.attach_role_policy(RoleName="sender", PolicyArn=arn)
    assert iam.list_attached_role_policies(RoleName="sender")["AttachedPolicies"][0]["PolicyArn"] == arn
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [role["RoleName"] for role in entities["PolicyRoles"]] == ["sender"]
    assert iam.list_entities_for_policy(PolicyArn=arn, PathPrefix="/a/")["PolicyRoles"] == []
    assert iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="User")["PolicyRoles"] == []
    with refused("DeleteConflict"):
        iam.delete_role(RoleName="sender")
    iam.detach_role_policy(RoleName="sender", PolicyArn=arn)
    iam.delete_role(RoleName="sender")
    with refused("NoSuchEntity"):
        iam.get_role(RoleName="sender")


def test_what_a_role_may_hold_has_bounds(world: World) -> None:
    iam = world.iam
    large = {
        **MAY_SEND,
        "Resource": [f"arn:aws:ses:us-east-1:{n:012}:identity/example.com" for n in range(100)],
    }
    iam.put_role_policy(RoleName="sender", PolicyName="large", PolicyDocument=document(large))
    with refused("LimitExceeded"):
        iam.put_role_policy(RoleName="sender", PolicyName="more", PolicyDocument=document(large))
    for number in range(11):
        name = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document(MAY_SEND))["Policy"]["Arn"]
        if number < 10:
            iam.attach_role_policy(RoleName="sender", PolicyArn=name)
    with refused("LimitExceeded"):
        iam.attach_role_policy(RoleName="sender", PolicyArn=name)
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": f"{n:012}"}, "Action": "sts:AssumeRole"} for n in range(40)
    ]
    with refused("LimitExceeded"):
        iam.update_assume_role_policy(RoleName="sender", PolicyDocument=document(*statements))


def test_a_session_has_no_user(world: World) -> None:
    world.iam.attach_role_policy(RoleName="sender", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam = world.client("iam", world.assume())
    for call in (iam.get_user, iam.create_access_key, iam.list_access_keys):
        with refused("ValidationError", "Must specify userName when calling with non-User credentials"):
            call()
    assert iam.get_user(UserName="robot")["User"]["UserName"] == "robot"


def test_the_simulator_asks_a_roles_policies(world: World) -> None:
    (result,) = world.iam.simulate_principal_policy(
        PolicySourceArn=world.role_arn, ActionNames=["ses:SendEmail"]
    )["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert result["MatchedStatements"][0]["SourcePolicyId"].startswith("role_")


def test_what_if_asks_recorded_sends_of_sessions_again(world: World, tmp_path: Path) -> None:
    world.allow(world.role_arn)
    world.send(world.assume())
    proposed = tmp_path / "p.json"
    other = f"arn:aws:sts::{world.delegate.account_id}:assumed-role/sender/other"
    allow = {"Effect": "Allow", "Principal": {"AWS": other}, "Action": "ses:Send*", "Resource": world.arn}
    proposed.write_text(document(allow))
    told = world.sesame.run(
        "policy", "what-if", "--identity", world.arn, "--put", f"p={proposed}", check=False
    ).stdout
    assert "assumed-role/sender/job" in told


def test_what_if_knows_what_a_session_was_limited_to(world: World, tmp_path: Path) -> None:
    raw_only = document({"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"})
    with refused("AccessDenied"):
        world.send(world.assume(Policy=raw_only))
    proposed = tmp_path / "p.json"
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": world.role_arn},
        "Action": "ses:Send*",
        "Resource": world.arn,
    }
    proposed.write_text(document(allow))
    done = world.sesame.run(
        "policy", "what-if", "--identity", world.arn, "--put", f"p={proposed}", check=False
    )
    assert done.returncode == 0 and "assumed-role/sender/job" not in done.stdout
    with refused("AccessDenied"):
        world.send(world.assume())
    done = world.sesame.run(
        "policy", "what-if", "--identity", world.arn, "--put", f"p={proposed}", check=False
    )
    assert done.returncode == 1 and "assumed-role/sender/job" in done.stdout
