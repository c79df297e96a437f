"""Services that send on behalf of accounts: registered by the operator, let in by identity policies."""

import json
import smtplib
import ssl
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.aws.smtp_password import smtp_password
from tests.support.process import REGION, Account, SesameProcess

SERVICE = "cognito-idp.amazonaws.com"


def refused(code: str, about: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{about}")


class World:
    """An owner with a domain, a customer of the service, and the service."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.customer = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        self.owner_ses = sesame.client("ses", self.owner)
        if SERVICE in sesame.run("service", "list").stdout:
            sesame.run("service", "delete", SERVICE)
        keys = sesame.run_json("service", "create", SERVICE)
        self.service = Account("", keys["access_key_id"], keys["secret_access_key"])
        self.pool = f"arn:aws:cognito-idp:{REGION}:{self.customer.account_id}:userpool/{REGION}_1"

    def allow(self, **condition: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": self.arn,
            "Condition": condition,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.owner_ses.put_identity_policy(Identity=self.domain, PolicyName="p", Policy=policy)

    def client(self, service: str = "ses", headers: Mapping[str, str] | None = None) -> Any:
        """A client of the service, acting for its customer's user pool unless told otherwise."""
        given = {"x-amz-source-account": self.customer.account_id, "x-amz-source-arn": self.pool}
        client = self.sesame.client(service, self.service)

        def add(request: Any, **_: Any) -> None:
            for name, value in (given if headers is None else headers).items():
                request.headers[name] = value

        client.meta.events.register("before-sign.*.*", add)
        return client

    def send(self, headers: Mapping[str, str] | None = None, **more: Any) -> str:
        sent = self.client("ses", headers).send_email(
            Source=f"no-reply@{self.domain}",
            SourceArn=self.arn,
            Destination={"ToAddresses": ["to@elsewhere.test"]},
            Message={"Subject": {"Data": "code"}, "Body": {"Text": {"Data": "123456"}}},
            **more,
        )
        return str(sent["MessageId"])


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def test_an_identity_policy_lets_a_service_send_for_an_account_and_a_resource(world: World) -> None:
    with refused(
        "AccessDenied",
        f"User `{SERVICE}' is not authorized to perform `ses:SendEmail' on resource `{world.arn}'",
    ):
        world.send()
    world.allow(
        StringEquals={"aws:SourceAccount": world.customer.account_id}, ArnLike={"aws:SourceArn": world.pool}
    )
    message_id = world.send()
    quota = world.sesame.client("ses", world.customer).get_send_quota()
    assert quota["SentLast24Hours"] == 1, "it counts against the account that the service acts for"
    assert world.owner_ses.get_send_quota()["SentLast24Hours"] == 0
    assert SERVICE in world.sesame.run("trace", message_id).stdout
    world.client("sesv2").send_email(
        FromEmailAddress=f"no-reply@{world.domain}",
        FromEmailAddressIdentityArn=world.arn,
        Destination={"ToAddresses": ["to@elsewhere.test"]},
        Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    )
    for other in (
        {"x-amz-source-account": world.owner.account_id},
        {"x-amz-source-account": world.customer.account_id},
        {"x-amz-source-account": world.customer.account_id, "x-amz-source-arn": world.pool + "x"},
    ):
        with refused("AccessDenied"):
            world.send(other)


def test_the_policy_says_who_a_service_is_without_an_account(world: World) -> None:
    world.allow(
        Bool={"aws:PrincipalIsAWSService": "true"},
        StringEquals={"aws:PrincipalServiceName": SERVICE},
        Null={"aws:PrincipalAccount": "true", "aws:PrincipalArn": "true", "aws:userid": "true"},
    )
    world.send()


def test_a_service_says_for_whom_it_sends_in_signed_headers(world: World) -> None:
    world.allow(Bool={"aws:SecureTransport": "false"})
    account_id = world.customer.account_id
    wrongs: list[tuple[dict[str, str], str]] = [
        ({}, "must say in x-amz-source-account"),
        ({"x-amz-source-account": "12"}, "must say in x-amz-source-account"),
        ({"x-amz-source-account": "0" * 12}, "There is no account"),
        ({"x-amz-source-account": account_id, "x-amz-source-arn": "pool"}, "is not an ARN"),
        ({"x-amz-source-account": world.owner.account_id, "x-amz-source-arn": world.pool}, "does not belong"),
    ]
    for wrong, told in wrongs:
        with refused("ValidationError", told):
            world.send(wrong)
    world.send({"x-amz-source-account": account_id})


def test_an_unsigned_header_is_not_believed(world: World) -> None:
    world.allow(Bool={"aws:SecureTransport": "false"})
    client = world.client("ses", {})

    def add(request: Any, **_: Any) -> None:
        request.headers["x-amz-source-account"] = world.customer.account_id

    client.meta.events.register("before-send.*.*", add)
    with refused("SignatureDoesNotMatch", "x-amz-source-account"):
        client.get_send_quota()


def test_a_user_does_not_become_a_service_by_its_headers(world: World) -> None:
    world.allow(Bool={"aws:SecureTransport": "false"})
    world.service = world.customer
    with refused("AccessDenied", "root' is not authorized"):
        world.send()


def test_a_service_does_nothing_but_send(world: World) -> None:
    world.allow(Bool={"aws:SecureTransport": "false"})
    for service, call in (
        ("ses", "list_identities"),
        ("ses", "get_send_quota"),
        ("sesv2", "list_email_identities"),
        ("iam", "list_users"),
        ("sns", "list_topics"),
    ):
        with pytest.raises(ClientError, match=r"Access|Authorization"):
            getattr(world.client(service), call)()
    host, port = world.sesame.smtp.rsplit(":", 1)
    context = ssl.create_default_context(cafile=world.sesame.ca)
    context.check_hostname = False
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(world.service.access_key_id, smtp_password(world.service.secret_access_key, REGION))


def test_a_service_has_no_session_of_its_own(world: World) -> None:
    with refused("AccessDenied", "GetSessionToken is for users and the root of an account"):
        world.client("sts").get_session_token()


def test_a_configuration_set_is_used_by_default_and_not_named(world: World) -> None:
    """The customer's own identity: its default set counts, and no policy could let the service name one."""
    domain = f"{world.customer.account_id}.test"
    arn = world.sesame.vouch(world.customer, domain)
    ses, v2 = world.sesame.client("ses", world.customer), world.sesame.client("sesv2", world.customer)
    ses.create_configuration_set(ConfigurationSet={"Name": "codes"})
    allow = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "ses:SendEmail", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    ses.put_identity_policy(Identity=domain, PolicyName="p", Policy=policy)
    world.domain, world.arn = domain, arn
    world.send()
    with refused("AccessDenied", "configuration-set/codes"):
        world.send(ConfigurationSetName="codes")
    v2.put_email_identity_configuration_set_attributes(EmailIdentity=domain, ConfigurationSetName="codes")
    world.send()
    ses.update_configuration_set_sending_enabled(ConfigurationSetName="codes", Enabled=False)
    with refused("ConfigurationSetSendingPausedException"):
        world.send()


def test_the_account_that_a_service_acts_for_is_held_to_its_own_limits(world: World) -> None:
    world.allow(Bool={"aws:SecureTransport": "false"})
    world.sesame.client("ses", world.customer).update_account_sending_enabled(Enabled=False)
    with refused("AccountSendingPausedException"):
        world.send()


def test_keys_come_and_go_and_a_service_that_is_gone_sends_no_more(world: World) -> None:
    world.allow(Bool={"aws:SecureTransport": "false"})
    run = world.sesame.run
    second = world.sesame.run_json("service", "add-key", SERVICE)
    assert "has 2 keys" in run("service", "add-key", SERVICE, check=False).stderr
    run("service", "delete-key", SERVICE, world.service.access_key_id)
    with refused("InvalidClientTokenId"):
        world.send()
    world.service = Account("", second["access_key_id"], second["secret_access_key"])
    world.send()
    (shown,) = (s for s in world.sesame.run_json("service", "list") if s["service"] == SERVICE)
    assert shown["access_keys"] == [second["access_key_id"]]
    run("service", "delete", SERVICE)
    with refused("InvalidClientTokenId"):
        world.send()
    for wrong in ("Cognito", "a..b", "arn:aws:x", "*.amazonaws.com", "cognito"):
        assert "not a service name" in run("service", "create", wrong, check=False).stderr
    assert "there is no service" in run("service", "delete", SERVICE, check=False).stderr
