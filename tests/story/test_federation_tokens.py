"""GetFederationToken by boto3: who a federated user is, what it may do by which policies, and who may open one."""

import json
import smtplib
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess
from tests.support.refused import refused
from tests.support.signed_client import SignedClient
from tests.support.submission import connected, published_password
from tests.support.ways import WAYS, Letter, clients_of

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
MAY_SEND = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}
SEES = {
    "aws:PrincipalType": "FederatedUser",
    "aws:PrincipalIsAWSService": "false",
    "aws:MultiFactorAuthPresent": "false",
    "aws:PrincipalTag/team": "of the session",
    "aws:PrincipalTag/City": "of the user",
    "aws:PrincipalTag/more": "",
}
ABSENT = ("aws:username", "aws:FederatedProvider", "aws:SourceIdentity", "aws:MultiFactorAuthAge")


class World:
    """An owner with a domain, and a delegate whose user `broker` may do everything and opens federated users."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.number = self.delegate.account_id
        self.domain, self.own = f"{self.owner.account_id}.test", f"{self.number}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        self.own_arn = sesame.vouch(self.delegate, self.own)
        self.iam = sesame.client("iam", self.delegate)
        self.broker = self.user("broker", EVERYTHING)
        self.broker_arn = f"arn:aws:iam::{self.number}:user/broker"
        self.guest_arn = f"arn:aws:sts::{self.number}:federated-user/guest"

    def user(self, name: str, *statements: dict[str, Any]) -> Account:
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Account(self.number, key["AccessKeyId"], key["SecretAccessKey"])

    def open(
        self, by: Account | None = None, name: str = "guest", *, policy: Any = None, **given: Any
    ) -> Account:
        if policy is not None:
            given["Policy"] = document(policy)
        sts = self.sesame.client("sts", by or self.broker)
        made = sts.get_federation_token(Name=name, **given)["Credentials"]
        return Account(self.number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def lend(self, statement: dict[str, Any], *, own: bool = False) -> None:
        """A policy of the owner's domain, or of the delegate's own."""
        domain, arn, whose = (
            (self.own, self.own_arn, self.delegate) if own else (self.domain, self.arn, self.owner)
        )
        given = {"Effect": "Allow", "Action": "ses:Send*", "Resource": arn, **statement}
        self.sesame.client("ses", whose).put_identity_policy(
            Identity=domain, PolicyName="p", Policy=document(given)
        )

    def code(self, by: Account, *, own: bool = False) -> str:
        """What a send is refused with by v1; nothing where it is accepted."""
        given = {
            "Source": f"news@{self.own if own else self.domain}",
            "Destination.ToAddresses.member.1": "to@elsewhere.test",
            "Message.Subject.Data": "s",
            "Message.Body.Text.Data": "t",
            "SourceArn": self.own_arn if own else self.arn,
        }
        with SignedClient(self.sesame.api, by) as ses:
            return ses.call("SendEmail", given).code


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def test_what_is_answered_names_the_federated_user(world: World) -> None:
    sts = world.sesame.client("sts", world.broker)
    made = sts.get_federation_token(Name="guest", Policy=document(MAY_SEND), MinimumSessionTokenSize=3000)
    assert made["FederatedUser"] == {"FederatedUserId": f"{world.number}:guest", "Arn": world.guest_arn}
    assert 0 < made["PackedPolicySize"] <= 100
    size = len(made["Credentials"]["SessionToken"])
    assert made["SessionTokenSize"] == size >= 3000
    assert made["SessionTokenUtilization"] == -(-100 * size // 4096)
    assert "PackedPolicySize" not in sts.get_federation_token(Name="guest")
    told = world.sesame.client("sts", world.open()).get_caller_identity()
    assert (told["Account"], told["UserId"], told["Arn"]) == (
        world.number,
        f"{world.number}:guest",
        world.guest_arn,
    )


def test_it_lasts_as_long_as_is_asked_for_and_a_roots_an_hour_at_most(world: World) -> None:
    for by, given, seconds in (
        (world.broker, {}, 43_200),
        (world.broker, {"DurationSeconds": 900}, 900),
        (world.broker, {"DurationSeconds": 129_600}, 129_600),
        (world.delegate, {}, 3600),
        (world.delegate, {"DurationSeconds": 7200}, 3600),
        (world.delegate, {"DurationSeconds": 900}, 900),
    ):
        sts = world.sesame.client("sts", by)
        expires = sts.get_federation_token(Name="guest", **given)["Credentials"]["Expiration"]
        assert abs(expires.timestamp() - time.time() - seconds) < 120


@pytest.mark.parametrize(
    ("given", "code", "about"),
    [
        ({"Name": "x"}, "ValidationError", "length greater than or equal to 2"),
        ({"Name": "x" * 33}, "ValidationError", "length less than or equal to 32"),
        ({"Name": "two words"}, "ValidationError", "pattern"),
        ({"DurationSeconds": 899}, "ValidationError", "greater than or equal to 900"),
        ({"DurationSeconds": 129_601}, "ValidationError", "less than or equal to 129600"),
        ({"Policy": "{}"}, "MalformedPolicyDocument", ""),
        ({"Policy": " " * 2049}, "ValidationError", "2048"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nope"}]}, "ValidationError", "does not exist"),
        (
            {"PolicyArns": [{"arn": f"arn:aws:iam::aws:policy/N{n}"} for n in range(11)]},
            "ValidationError",
            "10",
        ),
        ({"Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}, "ValidationError", "50"),
        ({"Tags": [{"Key": "aws:x", "Value": "v"}]}, "InvalidInput", "reserved"),
        (
            {"Tags": [{"Key": "Team", "Value": "v"}, {"Key": "team", "Value": "v"}]},
            "InvalidInput",
            "Duplicate",
        ),
    ],
)
def test_what_may_not_be_asked_for(world: World, given: dict[str, Any], code: str, about: str) -> None:
    client = boto3.client(
        "sts", endpoint_url=world.sesame.api, region_name=REGION, aws_access_key_id=world.broker.access_key_id,
        aws_secret_access_key=world.broker.secret_access_key, config=Config(parameter_validation=False),
    )  # fmt: skip
    found = refused(client.get_federation_token, **{"Name": "guest", **given})
    assert found[0] == code and about in found[1]


def test_who_may_open_one(world: World) -> None:
    """A lasting key of a user who is allowed to, by names of federated users if that is said, or of the root."""
    named = f"arn:aws:sts::{world.number}:federated-user/for-*"
    by_name = world.user("some", {**EVERYTHING, "Action": "sts:GetFederationToken", "Resource": named})
    assert world.open(by_name, "for-me").session_token
    text = f"arn:aws:iam::{world.number}:user/some is not authorized to perform: sts:GetFederationToken on resource:"
    code, told = refused(world.sesame.client("sts", by_name).get_federation_token, Name="guest")
    assert code == "AccessDenied" and f"{text} {world.guest_arn}" in told
    nobody = world.sesame.client("sts", world.user("nobody"))
    assert refused(nobody.get_federation_token, Name="guest")[0] == "AccessDenied"
    tags = [{"Key": "k", "Value": "v"}]
    code, told = refused(world.sesame.client("sts", by_name).get_federation_token, Name="for-me", Tags=tags)
    assert code == "AccessDenied" and "sts:TagSession" in told
    token = world.sesame.client("sts", world.broker).get_session_token()["Credentials"]
    own = Account(world.number, token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"])
    for session in (own, world.open(policy=EVERYTHING)):
        sts = world.sesame.client("sts", session)
        words = "Cannot call GetFederationToken with session credentials"
        assert refused(sts.get_federation_token, Name="guest") == ("AccessDenied", words)


def test_what_it_may_not_call_whatever_its_policies_say(world: World) -> None:
    """No IAM, of STS GetCallerIdentity alone; and no SMTP, which has no place for a token."""
    guest = world.open(policy=EVERYTHING)
    sts, iam = world.sesame.client("sts", guest), world.sesame.client("iam", guest)
    assert refused(iam.list_users) == (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )
    assert refused(sts.get_session_token)[1] == "Cannot call GetSessionToken with session credentials"
    role = f"arn:aws:iam::{world.number}:role/x"
    code, text = refused(sts.assume_role, RoleArn=role, RoleSessionName="job")
    assert (code, text) == ("AccessDenied", "Cannot call AssumeRole with session credentials")
    assert sts.get_caller_identity()["Arn"] == world.guest_arn
    assert world.sesame.client("sesv2", guest).get_account()["SendingEnabled"]
    password = published_password(guest.secret_access_key, REGION)
    with connected(world.sesame) as client, pytest.raises(smtplib.SMTPException):
        client.login(guest.access_key_id, password)


def test_it_may_do_what_its_user_and_its_session_policies_both_allow(world: World) -> None:
    assert world.code(world.open(policy=MAY_SEND), own=True) == ""
    assert world.code(world.open(), own=True) == "AccessDenied", "without a session policy it may do nothing"
    assert world.code(world.open(world.delegate), own=True) == "AccessDenied", "a root's neither"
    assert world.code(world.open(world.delegate, policy=MAY_SEND), own=True) == ""
    opens = {"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}
    poor = world.user("poor", opens)
    assert world.code(world.open(poor, policy=EVERYTHING), own=True) == "AccessDenied"
    managed = world.iam.create_policy(PolicyName="mail", PolicyDocument=document(MAY_SEND))["Policy"]["Arn"]
    guest = world.open(PolicyArns=[{"arn": managed}])
    assert world.code(guest, own=True) == ""
    world.iam.delete_policy(PolicyArn=managed)
    assert world.code(guest, own=True) == "AccessDenied", "one that is gone allows nothing"
    assert refused(world.sesame.client("sesv2", world.open(policy=MAY_SEND)).list_email_identities)[0] == (
        "AccessDeniedException"
    )


def test_what_is_taken_from_its_user_is_taken_from_it(world: World) -> None:
    """Its policies, its boundary and itself, at once."""
    guest = world.open(policy=MAY_SEND)
    boundary = world.iam.create_policy(
        PolicyName="b", PolicyDocument=document({**EVERYTHING, "Action": "iam:*"})
    )["Policy"]["Arn"]
    assert world.code(guest, own=True) == ""
    world.iam.put_user_permissions_boundary(UserName="broker", PermissionsBoundary=boundary)
    assert world.code(guest, own=True) == "AccessDenied"
    world.iam.delete_user_permissions_boundary(UserName="broker")
    old = {"DateLessThan": {"aws:TokenIssueTime": "2100-01-01T00:00:00Z"}}
    world.iam.put_user_policy(
        UserName="broker",
        PolicyName="revoke",
        PolicyDocument=document({**EVERYTHING, "Effect": "Deny", "Condition": old}),
    )
    assert world.code(guest, own=True) == "AccessDenied" and world.code(world.broker, own=True) == ""
    world.iam.delete_user_policy(UserName="broker", PolicyName="revoke")
    world.iam.update_user(UserName="broker", NewUserName="renamed")
    assert world.code(guest, own=True) == ""
    for key in world.iam.list_access_keys(UserName="renamed")["AccessKeyMetadata"]:
        world.iam.delete_access_key(UserName="renamed", AccessKeyId=key["AccessKeyId"])
    world.iam.delete_user_policy(UserName="renamed", PolicyName="own")
    world.iam.delete_user(UserName="renamed")
    assert world.code(guest, own=True) == "InvalidClientTokenId"


@pytest.mark.parametrize("who", ["the federated user", "its user", "another", "the account"])
def test_whom_policies_of_identities_let_in(world: World, who: str) -> None:
    """Of the same account by its own ARN without a session policy; by its user's only within one."""
    principal = {
        "the federated user": world.guest_arn,
        "its user": world.broker_arn,
        "another": world.guest_arn.replace("guest", "other"),
        "the account": world.number,
    }[who]
    opens = {"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}
    world.iam.put_user_policy(UserName="broker", PolicyName="own", PolicyDocument=document(opens))
    without, within = world.open(), world.open(policy=MAY_SEND)
    for own in (True, False):
        world.lend({"Principal": {"AWS": principal}}, own=own)
    found = [world.code(without, own=True), world.code(within, own=True)]
    assert found == {
        "the federated user": ["", ""],
        "its user": ["AccessDenied", ""],
    }.get(who, ["AccessDenied", "AccessDenied"])
    assert world.code(within) == "AccessDenied", (
        "its user may not, so another account's policy alone is not enough"
    )
    world.iam.put_user_policy(UserName="broker", PolicyName="own", PolicyDocument=document(opens, MAY_SEND))
    assert (world.code(within) == "") is (who != "another")
    assert world.code(without) == "AccessDenied"


@pytest.mark.parametrize("way", [way for way in WAYS if way.name != "SMTP"], ids=lambda way: way.name)
def test_every_way_sends_as_the_owner_for_a_federated_user_it_names(world: World, way: Any) -> None:
    letter = Letter(
        from_address=f"news@{world.domain}",
        display_name=None,
        feedback=None,
        recipients=("to@elsewhere.test",),
        arn=world.arn,
    )
    with clients_of(world.sesame, {"guest": world.open(policy=MAY_SEND), "without": world.open()}) as clients:
        assert way.send(clients["guest"], letter).decision == "denied"
        world.lend({"Principal": {"AWS": world.guest_arn}})
        assert way.send(clients["guest"], letter).decision == "allowed"
        assert way.send(clients["without"], letter).decision == "denied"
        world.lend({"Principal": {"AWS": world.guest_arn}, "Effect": "Deny"})
        assert way.send(clients["guest"], letter).decision == "denied"


def test_which_condition_keys_it_carries(world: World) -> None:
    world.iam.tag_user(
        UserName="broker",
        Tags=[{"Key": "Team", "Value": "of the user"}, {"Key": "City", "Value": "of the user"}],
    )
    tags = [{"Key": "team", "Value": "of the session"}, {"Key": "more", "Value": ""}]
    guest = world.open(policy=MAY_SEND, Tags=tags)
    sees = {**SEES, "aws:userid": f"{world.number}:guest", "aws:PrincipalAccount": world.number}
    now = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400))
    conditions = {
        "StringEquals": sees,
        "ArnEquals": {"aws:PrincipalArn": world.guest_arn},
        "DateLessThan": {"aws:TokenIssueTime": f"{now}T00:00:00Z"},
        "Null": dict.fromkeys(ABSENT, "true"),
    }
    world.lend({"Principal": "*", "Condition": conditions})
    assert world.code(guest) == ""
    for name, expected in sees.items():
        wrong = {**sees, name: expected + "x"}
        world.lend({"Principal": "*", "Condition": {**conditions, "StringEquals": wrong}})
        assert world.code(guest) == "AccessDenied", name


def test_tags_and_names_of_a_call_are_known_to_policies(world: World) -> None:
    asked = {
        "StringEquals": {"aws:RequestTag/team": "mail"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    by = world.user(
        "tagger",
        {
            "Effect": "Allow",
            "Action": ["sts:GetFederationToken", "sts:TagSession"],
            "Resource": "*",
            "Condition": asked,
        },
    )
    assert world.open(by, Tags=[{"Key": "team", "Value": "mail"}]).session_token
    sts = world.sesame.client("sts", by)
    for tags in (
        [],
        [{"Key": "team", "Value": "x"}],
        [{"Key": "team", "Value": "mail"}, {"Key": "b", "Value": "c"}],
    ):
        assert refused(sts.get_federation_token, Name="guest", Tags=tags)[0] == "AccessDenied"


def test_who_sent_and_who_opened_it_stands_in_the_audit_log_and_with_the_refusal(world: World) -> None:
    guest = world.open()
    world.lend({"Principal": {"AWS": world.broker_arn}}, own=True)
    assert world.code(guest, own=True) == "AccessDenied"
    [refusal] = world.sesame.run_json("decisions", world.number)
    assert refusal["principal"] == world.guest_arn
    cause = refusal["causes"][0]
    assert cause["code"] == "SA207" and "opened under no session policy" in cause["cause"]
    assert cause["mend"]["principal"] == world.broker_arn
    refused(world.sesame.client("sesv2", guest).create_email_identity, EmailIdentity="x.test")
    rows = world.sesame.run_json("audit", "list", world.number)
    by_name = {row["eventName"]: row for row in rows}
    opened = by_name["GetFederationToken"]
    assert opened["userIdentity"]["type"] == "IAMUser"
    assert opened["responseElements"]["federatedUserId"] == f"{world.number}:guest"
    assert json.dumps(rows).count(guest.secret_access_key) == 0
    identity = by_name["CreateEmailIdentity"]["userIdentity"]
    assert (identity["type"], identity["principalId"]) == ("FederatedUser", f"{world.number}:guest")
    user_id = world.iam.get_user(UserName="broker")["User"]["UserId"]
    assert identity["sessionContext"]["sessionIssuer"] == {
        "type": "IAMUser",
        "principalId": user_id,
        "arn": world.broker_arn,
        "accountId": world.number,
        "userName": "broker",
    }
