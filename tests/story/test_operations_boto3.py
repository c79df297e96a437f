"""Unmodified boto3 against every served operation: what it answers, how it pages, how it refuses.

Codes, HTTP status and texts are AWS's where they are known (SES and IAM API references, observed
answers), else those of docs/quirks.md. The operations not served are all refused by name.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.exceptions import ClientError

from sesame.aws.model import ServiceModel
from tests.support.process import Account, SesameProcess, read_header, wait_until
from tests.support.signed_client import VERSIONS, SignedClient, policy

SERVICES = ("ses", "sts", "iam")
SERVED = {
    f"{service}.{operation}" for service in SERVICES for operation in ServiceModel.load(service).operations
}
MESSAGE = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}
TO = {"ToAddresses": ["reader@elsewhere.test"]}
RAW = b"From: news@example.com\r\nTo: reader@elsewhere.test\r\nSubject: Hello\r\n\r\nHello.\r\n"
MESSAGE_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A fresh account with example.com verified, and its clients."""

    sesame: SesameProcess
    account: Account
    ses: Any
    sts: Any
    iam: Any

    @property
    def arn(self) -> str:
        return f"arn:aws:ses:us-east-1:{self.account.account_id}:identity/example.com"

    def user(self, name: str, document: str | None = None) -> "Tenant":
        """The same with the clients of a new user."""
        self.iam.create_user(UserName=name)
        if document is not None:
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        keys = Account(self.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        return replace(
            self,
            ses=self.sesame.client("ses", keys),
            sts=self.sesame.client("sts", keys),
            iam=self.sesame.client("iam", keys),
        )


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    account = sesame.create_account()
    tenant = Tenant(sesame, account, *(sesame.client(service, account) for service in SERVICES))
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """Code, HTTP status and text with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    assert error["Error"]["Type"] in ("Sender", "Receiver")
    assert error["ResponseMetadata"]["RequestId"]
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


# --- what each operation answers -----------------------------------------------------------------


def verify_domain_identity(tenant: Tenant) -> None:
    token = tenant.ses.verify_domain_identity(Domain="News.Example.ORG")["VerificationToken"]
    assert token == tenant.ses.verify_domain_identity(Domain="news.example.org")["VerificationToken"]
    assert "news.example.org" in tenant.ses.list_identities()["Identities"]
    assert {"name": "_amazonses.news.example.org", "type": "TXT", "value": token} in tenant.sesame.run_json(
        "dns", "list"
    )


def verify_domain_dkim(tenant: Tenant) -> None:
    tokens = tenant.ses.verify_domain_dkim(Domain="new.test")["DkimTokens"]
    assert len(set(tokens)) == 3
    assert all(re.fullmatch("[a-z0-9]{32}", token) for token in tokens)
    assert tenant.ses.verify_domain_dkim(Domain="new.test")["DkimTokens"] == tokens
    assert tenant.ses.list_identities()["Identities"] == ["example.com", "new.test"]


def verify_email_identity(tenant: Tenant) -> None:
    """A real mail comes, whose link works."""
    address = f"{tenant.account.account_id}@people.test"
    answer = tenant.ses.verify_email_identity(EmailAddress=address)
    assert answer.keys() == {"ResponseMetadata"}
    found = tenant.ses.get_identity_verification_attributes(Identities=[address])
    assert found["VerificationAttributes"] == {address: {"VerificationStatus": "Pending"}}
    mail = wait_until(lambda: [m for m in tenant.sesame.mail() if address in m.rcpt_to])[0]
    assert "us-east-1" in str(read_header(mail)["subject"])
    link = re.search(r"http://\S+", mail.data.decode())
    assert link is not None and link[0].startswith(f"{tenant.sesame.api}/verify?token=")
    client = SignedClient(tenant.sesame.api, tenant.account)
    assert client.get(link[0].removeprefix(tenant.sesame.api)) == 200
    assert client.get("/verify?token=guess") == 404
    found = tenant.ses.get_identity_verification_attributes(Identities=[address])
    assert found["VerificationAttributes"] == {address: {"VerificationStatus": "Success"}}


def get_identity_verification_attributes(tenant: Tenant) -> None:
    asked = ["example.com", "unknown.test", "Someone@unknown.test"]
    attributes = tenant.ses.get_identity_verification_attributes(Identities=asked)["VerificationAttributes"]
    assert attributes.keys() == {"example.com"}
    assert attributes["example.com"]["VerificationStatus"] == "Success"
    assert attributes["example.com"]["VerificationToken"]
    assert tenant.ses.get_identity_verification_attributes(Identities=[])["VerificationAttributes"] == {}


def get_identity_dkim_attributes(tenant: Tenant) -> None:
    tokens = tenant.ses.verify_domain_dkim(Domain="signed.test")["DkimTokens"]
    tenant.ses.verify_email_identity(EmailAddress="a@signed.test")
    found = tenant.ses.get_identity_dkim_attributes(
        Identities=["signed.test", "a@signed.test", "example.com"]
    )
    signed = {"DkimEnabled": True, "DkimVerificationStatus": "Success", "DkimTokens": tokens}
    assert found["DkimAttributes"] == {
        "signed.test": signed,
        "a@signed.test": signed,
        "example.com": {"DkimEnabled": True, "DkimVerificationStatus": "NotStarted"},
    }


def list_identities(tenant: Tenant) -> None:
    for number in range(5):
        tenant.ses.verify_domain_identity(Domain=f"d{number}.test")
    tenant.ses.verify_email_identity(EmailAddress="someone@people.test")
    domains = ["d0.test", "d1.test", "d2.test", "d3.test", "d4.test", "example.com"]
    assert tenant.ses.list_identities()["Identities"] == [*domains, "someone@people.test"]
    assert "NextToken" not in tenant.ses.list_identities(MaxItems=7)
    assert tenant.ses.list_identities(IdentityType="Domain")["Identities"] == domains
    assert tenant.ses.list_identities(IdentityType="EmailAddress")["Identities"] == ["someone@people.test"]
    pages = list(
        tenant.ses.get_paginator("list_identities").paginate(
            IdentityType="Domain", PaginationConfig={"PageSize": 2}
        )
    )
    assert [page["Identities"] for page in pages] == [domains[:2], domains[2:4], domains[4:]]
    elsewhere = tenant.sesame.client("ses", tenant.account, region="eu-central-1")
    assert elsewhere.list_identities()["Identities"] == []


def delete_identity(tenant: Tenant) -> None:
    put_policy(tenant)
    assert tenant.ses.delete_identity(Identity="example.com").keys() == {"ResponseMetadata"}
    assert tenant.ses.list_identities()["Identities"] == []
    tenant.ses.delete_identity(Identity="example.com")
    tenant.ses.verify_domain_identity(Domain="example.com")
    assert tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"] == []


def put_identity_policy(tenant: Tenant) -> None:
    assert put_policy(tenant).keys() == {"ResponseMetadata"}
    put_policy(tenant, Identity=tenant.arn, PolicyName="by-arn")
    put_policy(tenant, Policy=statement(tenant, Effect="Deny"))
    names = tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"]
    assert names == ["by-arn", "p"]
    found = tenant.ses.get_identity_policies(Identity="example.com", PolicyNames=["p"])["Policies"]
    assert json.loads(found["p"])["Statement"][0]["Effect"] == "Deny"


def get_identity_policies(tenant: Tenant) -> None:
    put_policy(tenant)
    found = tenant.ses.get_identity_policies(Identity=tenant.arn, PolicyNames=["p", "unknown"])["Policies"]
    assert found.keys() == {"p"}
    assert json.loads(found["p"]) == json.loads(statement(tenant))
    assert tenant.ses.get_identity_policies(Identity="unknown.test", PolicyNames=["p"])["Policies"] == {}


def list_identity_policies(tenant: Tenant) -> None:
    assert tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"] == []
    for name in ("b", "a", "C_1-x"):
        put_policy(tenant, PolicyName=name)
    names = tenant.ses.list_identity_policies(Identity="EXAMPLE.com")["PolicyNames"]
    assert sorted(names) == ["C_1-x", "a", "b"]


def delete_identity_policy(tenant: Tenant) -> None:
    put_policy(tenant)
    for _ in range(2):  # nothing to delete is no error
        answer = tenant.ses.delete_identity_policy(Identity="example.com", PolicyName="p")
        assert answer.keys() == {"ResponseMetadata"}
    assert tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"] == []


def send_email(tenant: Tenant) -> None:
    to = f"{tenant.account.account_id}@elsewhere.test"
    answer = tenant.ses.send_email(
        Source='"Jürgen, News" <news@example.com>',
        Destination={"ToAddresses": [to], "CcAddresses": [f"Cc <cc.{to}>"], "BccAddresses": [f"bcc.{to}"]},
        ReplyToAddresses=["answers@example.com"],
        ReturnPath="bounces@example.com",
        Message={
            "Subject": {"Data": "Grüße ✉", "Charset": "UTF-8"},
            "Body": {
                "Text": {"Data": "Grüße", "Charset": "ISO-8859-1"},
                "Html": {"Data": "<p>Grüße</p>", "Charset": "UTF-8"},
            },
        },
        Tags=[{"Name": "campaign", "Value": "a.b@c-1"}],
    )
    assert MESSAGE_ID.fullmatch(answer["MessageId"])
    copies = wait_until(
        lambda: len(found := [m for m in tenant.sesame.mail() if m.rcpt_to[0].endswith(to)]) == 3 and found
    )
    assert {copy.rcpt_to for copy in copies} == {(to,), (f"cc.{to}",), (f"bcc.{to}",)}
    message = read_header(copies[0])
    assert (message["subject"], message["reply-to"]) == ("Grüße ✉", "answers@example.com")
    [author] = message["from"].addresses
    assert (author.display_name, author.addr_spec) == ("Jürgen, News", "news@example.com")
    assert message["message-id"] == f"<{answer['MessageId']}@sesame.localhost>"
    assert [part.get_content().rstrip() for part in message.iter_parts()] == ["Grüße", "<p>Grüße</p>"]


def send_raw_email(tenant: Tenant) -> None:
    to = f"raw.{tenant.account.account_id}@elsewhere.test"
    answer = tenant.ses.send_raw_email(RawMessage={"Data": RAW}, Destinations=[to])
    assert MESSAGE_ID.fullmatch(answer["MessageId"])
    mail = wait_until(lambda: [m for m in tenant.sesame.mail() if to in m.rcpt_to])[0]
    header, _, body = mail.data.partition(b"\r\n\r\n")
    assert b"\r\nTo: reader@elsewhere.test\r\nSubject: Hello" in header
    assert body == b"Hello.\r\n"


def get_send_quota(tenant: Tenant) -> None:
    tenant.sesame.run("account", "set-quota", tenant.account.account_id, "--max-24h", "1000", "--rate", "7.5")
    tenant.ses.send_email(Source="news@example.com", Destination=TO, Message=MESSAGE)
    quota = tenant.ses.get_send_quota()
    quota.pop("ResponseMetadata")
    assert quota == {"Max24HourSend": 1000.0, "MaxSendRate": 7.5, "SentLast24Hours": 1.0}
    assert tenant.sesame.client("ses", tenant.account, "eu-west-1").get_send_quota()["SentLast24Hours"] == 0.0


def get_account_sending_enabled(tenant: Tenant) -> None:
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is True


def update_account_sending_enabled(tenant: Tenant) -> None:
    tenant.ses.update_account_sending_enabled(Enabled=False)
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is False
    elsewhere = tenant.sesame.client("ses", tenant.account, region="eu-west-1")
    assert elsewhere.get_account_sending_enabled()["Enabled"] is True
    tenant.ses.update_account_sending_enabled(Enabled=True)
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is True
    tenant.ses.update_account_sending_enabled()
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is False


def get_caller_identity(tenant: Tenant) -> None:
    account_id = tenant.account.account_id
    root = tenant.sts.get_caller_identity()
    assert (root["Account"], root["UserId"]) == (account_id, account_id)
    assert root["Arn"] == f"arn:aws:iam::{account_id}:root"
    user = tenant.user("nobody").sts.get_caller_identity()
    assert user["Arn"] == f"arn:aws:iam::{account_id}:user/nobody"
    assert re.fullmatch("AIDA[A-Z0-9]{17}", user["UserId"])


def create_user(tenant: Tenant) -> None:
    tags = [{"Key": "team", "Value": "Post + Paket"}]
    user = tenant.iam.create_user(UserName="anna", Path="/post/", Tags=tags)["User"]
    assert user["Arn"] == f"arn:aws:iam::{tenant.account.account_id}:user/post/anna"
    assert (user["UserName"], user["Path"], user["Tags"]) == ("anna", "/post/", tags)
    assert user["CreateDate"].year >= 2026
    assert tenant.iam.get_user(UserName="anna")["User"] == user


def get_user(tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="anna")
    assert tenant.iam.get_user(UserName="anna")["User"]["UserName"] == "anna"
    assert tenant.iam.get_user()["User"]["Arn"].endswith(":root")
    everything = policy({"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"})
    assert tenant.user("berta", everything).iam.get_user()["User"]["UserName"] == "berta"


def list_users(tenant: Tenant) -> None:
    for name in ("c", "a", "b"):
        tenant.iam.create_user(UserName=name, Path="/x/")
    tenant.iam.create_user(UserName="d", Path="/y/z/")
    answer = tenant.iam.list_users()
    assert [user["UserName"] for user in answer["Users"]] == ["a", "b", "c", "d"]
    assert answer["IsTruncated"] is False and "Marker" not in answer
    assert [user["UserName"] for user in tenant.iam.list_users(PathPrefix="/y/")["Users"]] == ["d"]
    pages = tenant.iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3})
    assert [[user["UserName"] for user in page["Users"]] for page in pages] == [["a", "b", "c"], ["d"]]


def delete_user(tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="anna")
    assert tenant.iam.delete_user(UserName="anna").keys() == {"ResponseMetadata"}
    assert tenant.iam.list_users()["Users"] == []


def create_access_key(tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="anna")
    key = tenant.iam.create_access_key(UserName="anna")["AccessKey"]
    assert re.fullmatch("AKIA[A-Z0-9]{16}", key["AccessKeyId"])
    assert (key["UserName"], key["Status"], len(key["SecretAccessKey"])) == ("anna", "Active", 40)
    mine = Account(tenant.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    assert tenant.sesame.client("sts", mine).get_caller_identity()["Arn"].endswith(":user/anna")
    assert tenant.iam.create_access_key()["AccessKey"]["UserName"] == "root"


def list_access_keys(tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="anna")
    made = {tenant.iam.create_access_key(UserName="anna")["AccessKey"]["AccessKeyId"] for _ in range(2)}
    pages = tenant.iam.get_paginator("list_access_keys").paginate(
        UserName="anna", PaginationConfig={"PageSize": 1}
    )
    found = [key for page in pages for key in page["AccessKeyMetadata"]]
    assert {key["AccessKeyId"] for key in found} == made and len(found) == 2
    assert {key["Status"] for key in found} == {"Active"}
    [own] = tenant.iam.list_access_keys()["AccessKeyMetadata"]
    assert own["AccessKeyId"] == tenant.account.access_key_id


def update_access_key(tenant: Tenant) -> None:
    anna = tenant.user("anna")
    [key] = tenant.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]
    for status in ("Inactive", "Active"):
        tenant.iam.update_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"], Status=status)
        [found] = tenant.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]
        assert found["Status"] == status
        if status == "Inactive":
            assert refusal(anna.sts.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)
    anna.sts.get_caller_identity()


def delete_access_key(tenant: Tenant) -> None:
    anna = tenant.user("anna")
    [key] = tenant.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]
    tenant.iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])
    assert tenant.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"] == []
    assert refusal(anna.sts.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def put_user_policy(tenant: Tenant) -> None:
    anna = tenant.user("anna")
    assert refusal(anna.ses.get_send_quota)[:2] == ("AccessDenied", 403)
    allow = policy({"Effect": "Allow", "Action": "ses:Get*", "Resource": "*"})
    answer = tenant.iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=allow)
    assert answer.keys() == {"ResponseMetadata"}
    anna.ses.get_send_quota()
    deny = policy({"Effect": "Deny", "Action": "ses:GetSendQuota", "Resource": "*"})
    tenant.iam.put_user_policy(UserName="anna", PolicyName="q", PolicyDocument=deny)
    assert refusal(anna.ses.get_send_quota) == (
        "AccessDenied",
        403,
        f"User: arn:aws:iam::{tenant.account.account_id}:user/anna is not authorized to perform:"
        " ses:GetSendQuota on resource: * with an explicit deny in an identity-based policy",
    )


def get_user_policy(tenant: Tenant) -> None:
    document = policy({"Effect": "Allow", "Action": "ses:*", "Resource": "*"})
    tenant.user("anna", document)
    found = tenant.iam.get_user_policy(UserName="anna", PolicyName="p")
    assert (found["UserName"], found["PolicyName"]) == ("anna", "p")
    assert found["PolicyDocument"] == json.loads(document)  # boto3 decodes it
    with SignedClient(tenant.sesame.api, tenant.account, "iam") as client:
        raw = client.call("GetUserPolicy", {"UserName": "anna", "PolicyName": "p"})
    encoded = raw.body.partition(b"<PolicyDocument>")[2].partition(b"</PolicyDocument>")[0].decode()
    assert encoded.startswith("%7B%22Version%22") and unquote(encoded) == document


def list_user_policies(tenant: Tenant) -> None:
    tenant.iam.create_user(UserName="anna")
    document = policy({"Effect": "Allow", "Action": "ses:*", "Resource": "*"})
    for name in ("b", "a", "c"):
        tenant.iam.put_user_policy(UserName="anna", PolicyName=name, PolicyDocument=document)
    pages = tenant.iam.get_paginator("list_user_policies").paginate(
        UserName="anna", PaginationConfig={"PageSize": 2}
    )
    assert [page["PolicyNames"] for page in pages] == [["a", "b"], ["c"]]


def delete_user_policy(tenant: Tenant) -> None:
    anna = tenant.user("anna", policy({"Effect": "Allow", "Action": "ses:*", "Resource": "*"}))
    anna.ses.get_send_quota()
    answer = tenant.iam.delete_user_policy(UserName="anna", PolicyName="p")
    assert answer.keys() == {"ResponseMetadata"}
    assert refusal(anna.ses.get_send_quota)[:2] == ("AccessDenied", 403)


def simulate_custom_policy(tenant: Tenant) -> None:
    document = policy({"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"})
    results = tenant.iam.simulate_custom_policy(
        PolicyInputList=[document], ActionNames=["ses:SendEmail", "ses:GetSendQuota"]
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in results] == ["allowed", "implicitDeny"]


def simulate_principal_policy(tenant: Tenant) -> None:
    tenant.user("anna", policy({"Effect": "Deny", "Action": "ses:*", "Resource": "*"}))
    arn = f"arn:aws:iam::{tenant.account.account_id}:user/anna"
    [result] = tenant.iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["ses:SendEmail"])[
        "EvaluationResults"
    ]
    assert result["EvalDecision"] == "explicitDeny"


CHECKS: dict[str, Callable[[Tenant], None]] = {
    "ses.VerifyDomainIdentity": verify_domain_identity,
    "ses.VerifyDomainDkim": verify_domain_dkim,
    "ses.VerifyEmailIdentity": verify_email_identity,
    "ses.GetIdentityVerificationAttributes": get_identity_verification_attributes,
    "ses.GetIdentityDkimAttributes": get_identity_dkim_attributes,
    "ses.ListIdentities": list_identities,
    "ses.DeleteIdentity": delete_identity,
    "ses.PutIdentityPolicy": put_identity_policy,
    "ses.GetIdentityPolicies": get_identity_policies,
    "ses.ListIdentityPolicies": list_identity_policies,
    "ses.DeleteIdentityPolicy": delete_identity_policy,
    "ses.SendEmail": send_email,
    "ses.SendRawEmail": send_raw_email,
    "ses.GetSendQuota": get_send_quota,
    "ses.GetAccountSendingEnabled": get_account_sending_enabled,
    "ses.UpdateAccountSendingEnabled": update_account_sending_enabled,
    "sts.GetCallerIdentity": get_caller_identity,
    "iam.CreateUser": create_user,
    "iam.GetUser": get_user,
    "iam.ListUsers": list_users,
    "iam.DeleteUser": delete_user,
    "iam.CreateAccessKey": create_access_key,
    "iam.ListAccessKeys": list_access_keys,
    "iam.UpdateAccessKey": update_access_key,
    "iam.DeleteAccessKey": delete_access_key,
    "iam.PutUserPolicy": put_user_policy,
    "iam.GetUserPolicy": get_user_policy,
    "iam.ListUserPolicies": list_user_policies,
    "iam.DeleteUserPolicy": delete_user_policy,
    "iam.SimulateCustomPolicy": simulate_custom_policy,
    "iam.SimulatePrincipalPolicy": simulate_principal_policy,
}


def statement(tenant: Tenant, **changed: Any) -> str:
    """An identity policy that another account may send, changed in places."""
    usual = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "ses:SendEmail"}
    return policy({**usual, "Resource": tenant.arn, **changed})


def put_policy(tenant: Tenant, **changed: Any) -> Any:
    parameters = {"Identity": "example.com", "PolicyName": "p", "Policy": statement(tenant), **changed}
    return tenant.ses.put_identity_policy(**parameters)


@pytest.mark.parametrize("operation", sorted(CHECKS))
def test_operation_answers_as_aws_does(tenant: Tenant, operation: str) -> None:
    CHECKS[operation](tenant)


def test_every_served_operation_is_among_them() -> None:
    assert set(CHECKS) == SERVED


# --- how they refuse -----------------------------------------------------------------------------


def check_length(member: str, limit: int) -> str:
    return (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint:"
        f" Member must have length less than or equal to {limit}"
    )


SES_REFUSALS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "domain with @": (
        "verify_domain_identity",
        {"Domain": "a@example.com"},
        "InvalidParameterValue",
        "Domain a@example.com is invalid.",
    ),
    "address without domain": (
        "verify_email_identity",
        {"EmailAddress": "someone"},
        "InvalidParameterValue",
        "Invalid email address<someone>.",
    ),
    "over 100 identities": (
        "get_identity_verification_attributes",
        {"Identities": ["example.com"] * 101},
        "InvalidParameterValue",
        "A call takes at most 100 identities.",
    ),
    "strange identity type": (
        "list_identities",
        {"IdentityType": "Both"},
        "ValidationError",
        "1 validation error detected: Value at 'identityType' failed to satisfy constraint: Member must satisfy"
        " enum value set: [Domain, EmailAddress]",
    ),
    "strange token": (
        "list_identities",
        {"NextToken": "?"},
        "InvalidParameterValue",
        "Invalid NextToken.",
    ),
    "no page": (
        "list_identities",
        {"MaxItems": 0},
        "InvalidParameterValue",
        "MaxItems must be between 1 and 1000.",
    ),
    "policy name with a blank": (
        "put_identity_policy",
        {"Identity": "example.com", "PolicyName": "a b", "Policy": "{}"},
        "InvalidParameterValue",
        "PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and"
        " underscores.",
    ),
    "policy name of blanks": (
        "put_identity_policy",
        {"Identity": "example.com", "PolicyName": " ", "Policy": "{}"},
        "InvalidParameterValue",
        "PolicyName is required.",
    ),
    "policy name too long": (
        "put_identity_policy",
        {"Identity": "example.com", "PolicyName": "a" * 65, "Policy": "{}"},
        "ValidationError",
        check_length("policyName", 64),
    ),
    "policy of an identity elsewhere": (
        "list_identity_policies",
        {"Identity": "arn:aws:ses:us-east-1:123456789012:identity/example.com"},
        "InvalidParameterValue",
        "Identity arn:aws:ses:us-east-1:123456789012:identity/example.com is invalid. Must be a verified email"
        " address or domain.",
    ),
    "over 20 policy names": (
        "get_identity_policies",
        {"Identity": "example.com", "PolicyNames": ["p"] * 21},
        "InvalidParameterValue",
        "A call takes at most 20 policy names.",
    ),
    "no recipient": (
        "send_email",
        {"Source": "news@example.com", "Destination": {"ToAddresses": []}, "Message": MESSAGE},
        "InvalidParameterValue",
        "There are no recipients specified.",
    ),
    "unknown configuration set": (
        "send_email",
        {"Source": "news@example.com", "Destination": TO, "Message": MESSAGE, "ConfigurationSetName": "none"},
        "ConfigurationSetDoesNotExist",
        "Configuration set <none> does not exist.",
    ),
    "source without domain": (
        "send_email",
        {"Source": "news", "Destination": TO, "Message": MESSAGE},
        "InvalidParameterValue",
        "Missing final '@domain'",
    ),
    "source not verified": (
        "send_email",
        {"Source": "Ian <ian@other.test>", "Destination": TO, "Message": MESSAGE},
        "MessageRejected",
        "Email address is not verified. The following identities failed the check in region US-EAST-1:"
        " Ian <ian@other.test>",
    ),
    "raw without From": (
        "send_raw_email",
        {"RawMessage": {"Data": b"To: a@b.test\r\n\r\nx"}},
        "InvalidParameterValue",
        "Missing required header 'From'.",
    ),
    "raw with a header twice": (
        "send_raw_email",
        {"RawMessage": {"Data": b"Content-Type: text/plain\r\nContent-Type: text/plain\r\n" + RAW}},
        "InvalidParameterValue",
        "Duplicate header 'Content-Type'.",
    ),
    "raw that names a configuration set": (
        "send_raw_email",
        {"RawMessage": {"Data": b"X-SES-CONFIGURATION-SET: none\r\n" + RAW}},
        "ConfigurationSetDoesNotExist",
        "Configuration set <none> does not exist.",
    ),
    "malformed ARN": (
        "send_raw_email",
        {"RawMessage": {"Data": RAW}, "FromArn": "arn:aws:sns:us-east-1:123456789012:identity/example.com"},
        "InvalidParameterValue",
        "Invalid identity ARN 'arn:aws:sns:us-east-1:123456789012:identity/example.com': expected"
        " arn:aws:ses:region:account:identity/name.",
    ),
}


@pytest.mark.parametrize("name", SES_REFUSALS)
def test_ses_refuses_in_its_own_words(tenant: Tenant, name: str) -> None:
    operation, parameters, code, text = SES_REFUSALS[name]
    assert refusal(getattr(tenant.ses, operation), **parameters) == (code, 400, text)


def test_put_identity_policy_refuses_what_is_no_policy(tenant: Tenant) -> None:
    wrong = {
        "not JSON": "{",
        "other resource": statement(tenant, Resource=f"{tenant.arn}x"),
        "no principal": policy({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": tenant.arn}),
        "other service": statement(tenant, Action="s3:GetObject"),
        "too long": statement(tenant, Sid="a" * 4096),
        "unknown operator": statement(tenant, Condition={"StringIs": {"ses:FromAddress": "a@example.com"}}),
        "key twice": statement(tenant).replace("{", '{"Version": "2012-10-17", ', 1),
    }
    for name, document in wrong.items():
        code, status, text = refusal(put_policy, tenant=tenant, Policy=document)
        assert (code, status, bool(text)) == ("InvalidPolicy", 400, True), name
    condition = {"StringEquals": {"AWS:SourceAccount": "123456789012"}}
    assert refusal(put_policy, tenant=tenant, Policy=statement(tenant, Condition=condition)) == (
        "InvalidPolicy",
        400,
        "Unknown or unapplicable condition field 'AWS:SourceAccount'.",
    )
    user = f"arn:aws:iam::{tenant.account.account_id}:user/nobody"
    code, _, text = refusal(put_policy, tenant=tenant, Policy=statement(tenant, Principal={"AWS": user}))
    assert code == "InvalidPolicy" and "invalid principal" in text
    assert tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"] == []


def test_put_identity_policy_refuses_the_21st_and_an_identity_that_is_not_there(tenant: Tenant) -> None:
    for number in range(20):
        put_policy(tenant, PolicyName=f"p{number}")
    put_policy(tenant, PolicyName="p7")
    assert refusal(put_policy, tenant=tenant, PolicyName="one-more") == (
        "InvalidParameterValue",
        400,
        "Number of policies for example.com exceeds max allowed number of policies per resource",
    )
    other = statement(tenant, Resource=tenant.arn.replace("example.com", "none.test"))
    assert refusal(put_policy, tenant=tenant, Identity="none.test", Policy=other) == (
        "InvalidParameterValue",
        400,
        "Identity none.test does not exist.",
    )


def test_iam_refuses_with_its_own_codes(tenant: Tenant) -> None:
    iam, anna = tenant.iam, {"UserName": "anna"}
    iam.create_user(**anna)
    assert refusal(iam.create_user, UserName="ANNA")[:2] == ("EntityAlreadyExists", 409)
    assert refusal(iam.get_user, UserName="berta") == (
        "NoSuchEntity",
        404,
        "The user with name berta cannot be found.",
    )
    assert refusal(iam.create_user, UserName="a b")[:2] == ("ValidationError", 400)
    assert refusal(iam.put_user_policy, **anna, PolicyName="p", PolicyDocument="{}")[:2] == (
        "MalformedPolicyDocument",
        400,
    )
    key = iam.create_access_key(**anna)["AccessKey"]["AccessKeyId"]
    iam.create_access_key(**anna)
    assert refusal(iam.create_access_key, **anna) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    assert refusal(iam.delete_user, **anna) == (
        "DeleteConflict",
        409,
        "Cannot delete entity, must delete access keys first.",
    )
    unknown = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
    for call in (iam.delete_access_key, lambda **p: iam.update_access_key(Status="Inactive", **p)):
        assert refusal(call, **anna, **unknown) == (
            "NoSuchEntity",
            404,
            "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
        )
    for call in (iam.get_user_policy, iam.delete_user_policy):
        assert refusal(call, **anna, PolicyName="p") == (
            "NoSuchEntity",
            404,
            "The user policy with name p cannot be found.",
        )
    assert refusal(iam.list_users, Marker="?")[:2] == ("ValidationError", 400)
    boundary = "arn:aws:iam::aws:policy/x"
    assert refusal(iam.create_user, UserName="c", PermissionsBoundary=boundary)[0] == "InvalidInput"
    root_key = iam.list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"]
    assert refusal(iam.delete_access_key, **anna, AccessKeyId=root_key)[:2] == ("NoSuchEntity", 404)
    assert iam.delete_access_key(**anna, AccessKeyId=key)


def test_a_user_without_policies_may_do_nothing_but_ask_who_it_is(tenant: Tenant) -> None:
    """Every served operation, refused before it looks at anything (I9)."""
    nobody = tenant.user("nobody")
    nobody.sts.get_caller_identity()
    account_id = tenant.account.account_id
    arn = f"arn:aws:iam::{account_id}:user/nobody"
    raw = {"RawMessage": {"Data": RAW}}
    calls: dict[str, dict[str, Any]] = {
        "ses.VerifyDomainIdentity": {"Domain": "x.test"},
        "ses.VerifyDomainDkim": {"Domain": "x.test"},
        "ses.VerifyEmailIdentity": {"EmailAddress": "a@x.test"},
        "ses.GetIdentityVerificationAttributes": {"Identities": ["x.test"]},
        "ses.GetIdentityDkimAttributes": {"Identities": ["x.test"]},
        "ses.ListIdentities": {},
        "ses.DeleteIdentity": {"Identity": "example.com"},
        "ses.PutIdentityPolicy": {"Identity": "example.com", "PolicyName": "p", "Policy": statement(tenant)},
        "ses.GetIdentityPolicies": {"Identity": "example.com", "PolicyNames": ["p"]},
        "ses.ListIdentityPolicies": {"Identity": "example.com"},
        "ses.DeleteIdentityPolicy": {"Identity": "example.com", "PolicyName": "p"},
        "ses.SendEmail": {"Source": "news@example.com", "Destination": TO, "Message": MESSAGE},
        "ses.SendRawEmail": raw,
        "ses.GetSendQuota": {},
        "ses.GetAccountSendingEnabled": {},
        "ses.UpdateAccountSendingEnabled": {"Enabled": False},
        "iam.CreateUser": {"UserName": "x"},
        "iam.GetUser": {"UserName": "nobody"},
        "iam.ListUsers": {},
        "iam.DeleteUser": {"UserName": "nobody"},
        "iam.CreateAccessKey": {},
        "iam.ListAccessKeys": {"UserName": "nobody"},
        "iam.UpdateAccessKey": {"AccessKeyId": tenant.account.access_key_id, "Status": "Inactive"},
        "iam.DeleteAccessKey": {"AccessKeyId": tenant.account.access_key_id},
        "iam.PutUserPolicy": {"UserName": "nobody", "PolicyName": "p", "PolicyDocument": statement(tenant)},
        "iam.GetUserPolicy": {"UserName": "nobody", "PolicyName": "p"},
        "iam.ListUserPolicies": {"UserName": "nobody"},
        "iam.DeleteUserPolicy": {"UserName": "nobody", "PolicyName": "p"},
        "iam.SimulateCustomPolicy": {"PolicyInputList": ["{}"], "ActionNames": ["ses:SendEmail"]},
        "iam.SimulatePrincipalPolicy": {"PolicySourceArn": arn, "ActionNames": ["ses:SendEmail"]},
    }
    assert {*calls, "sts.GetCallerIdentity"} == SERVED
    for operation, parameters in calls.items():
        service, _, name = operation.partition(".")
        method = re.sub("(?<!^)([A-Z])", r"_\1", name).lower()
        code, status, text = refusal(getattr(getattr(nobody, service), method), **parameters)
        assert (code, status) == ("AccessDenied", 403), (operation, text)
        assert arn in text and f"{service}:{name}" in text
    # An absent user is refused in the same words as one that exists.
    told = [refusal(nobody.iam.get_user, UserName=name)[2] for name in ("nobody", "absent")]
    assert told[0].replace("user/nobody because", "*") == told[1].replace("user/absent because", "*"), told
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is True


SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
)


def test_who_cannot_be_authenticated_is_told_as_aws_tells_it(tenant: Tenant) -> None:
    known = tenant.account
    wrong = replace(known, secret_access_key="x" * 40)
    code, status, text = refusal(tenant.sesame.client("ses", wrong).get_send_quota)
    assert (code, status, text.startswith(SIGNATURE)) == ("SignatureDoesNotMatch", 403, True)
    nobody = replace(known, access_key_id="AKIAIOSFODNN7EXAMPLE")
    invalid = ("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
    assert refusal(tenant.sesame.client("ses", nobody).get_send_quota) == invalid
    with_token = boto3.client(
        "ses",
        endpoint_url=tenant.sesame.api,
        region_name="us-east-1",
        aws_access_key_id=known.access_key_id,
        aws_secret_access_key=known.secret_access_key,
        aws_session_token="not-ours",
    )
    assert refusal(with_token.get_send_quota) == invalid
    code, status, text = refusal(tenant.sesame.client("ses", known, region="nowhere").get_send_quota)
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert text.startswith("Credential should be scoped to a valid region")


# --- what is not served --------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_operations_not_served_say_so_by_name(sesame: SesameProcess, service: str) -> None:
    """Every other operation of botocore's model, authenticated or not."""
    account = sesame.create_account()
    client = SignedClient(sesame.api, account, service)
    names = (
        boto3.session.Session().client(service, region_name="us-east-1").meta.service_model.operation_names
    )
    others = [name for name in names if f"{service}.{name}" not in SERVED]
    assert len(others) >= {"ses": 50, "sts": 7, "iam": 140}[service]
    with SignedClient(sesame.api, account, service) as client:
        for name in others:
            reply = client.call(name)
            assert (reply.status, reply.code) == (501, "NotImplemented"), name
            assert name in reply.message
        unknown = client.call("SendSmoke")
    assert (unknown.status, unknown.code) == (400, "InvalidAction")
    assert unknown.message == f"Could not find operation SendSmoke for version {VERSIONS[service]}"


def test_boto3_tells_an_operation_that_is_not_served(tenant: Tenant) -> None:
    template = {"TemplateName": "t", "SubjectPart": "s", "TextPart": "t"}
    code, status, text = refusal(tenant.ses.create_template, Template=template)
    assert (code, status) == ("NotImplemented", 501) and "CreateTemplate" in text
    sesv2 = tenant.sesame.client("sesv2", tenant.account)
    with pytest.raises(ClientError) as caught:
        sesv2.get_account()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
