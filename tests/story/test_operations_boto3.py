"""Unmodified boto3 against every served operation: what it does, what it answers, how it pages."""

import http.client
import json
import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.process import Account, read_header, wait_until
from tests.support.signed_client import SignedClient, policy
from tests.support.tenant import MESSAGE, RAW, SERVED, TO, Tenant, put_policy, refusal, statement

MESSAGE_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000")


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


def set_identity_dkim_enabled(tenant: Tenant) -> None:
    tenant.ses.verify_domain_dkim(Domain="signed.test")
    tenant.ses.verify_email_identity(EmailAddress="a@signed.test")
    tenant.ses.verify_email_identity(EmailAddress="a@bare.test")

    def switches() -> dict[str, bool]:
        found = tenant.ses.get_identity_dkim_attributes(Identities=["signed.test", "a@signed.test"])
        return {name: shown["DkimEnabled"] for name, shown in found["DkimAttributes"].items()}

    switch = tenant.ses.set_identity_dkim_enabled
    assert switch(Identity="signed.test", DkimEnabled=False).keys() == {"ResponseMetadata"}
    assert switches() == {"signed.test": False, "a@signed.test": False}
    switch(Identity="a@signed.test", DkimEnabled=True)
    assert switches() == {"signed.test": False, "a@signed.test": True}
    for name, domain in (("unknown.test", "unknown.test"), ("a@bare.test", "bare.test")):
        refused = refusal(switch, Identity=name, DkimEnabled=True)
        assert refused == ("InvalidParameterValue", 400, f"Domain {domain} is not verified for DKIM signing.")


def set_identity_mail_from_domain(tenant: Tenant) -> None:
    put = tenant.ses.set_identity_mail_from_domain
    answer = put(Identity="example.com", MailFromDomain="Mail.Example.com")
    assert answer.keys() == {"ResponseMetadata"}
    found = tenant.ses.get_identity_mail_from_domain_attributes(Identities=["example.com"])
    assert found["MailFromDomainAttributes"]["example.com"]["MailFromDomain"] == "mail.example.com"
    for domain in ("example.com", "mail.elsewhere.test", "notexample.com"):
        code, status, text = refusal(put, Identity="example.com", MailFromDomain=domain)
        assert (code, status) == ("InvalidParameterValue", 400)
        assert (
            text
            == f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity <example.com>."
        )
    assert refusal(put, Identity="unknown.test", MailFromDomain="mail.unknown.test") == (
        "InvalidParameterValue",
        400,
        "Identity <unknown.test> does not exist.",
    )
    put(Identity="example.com")
    found = tenant.ses.get_identity_mail_from_domain_attributes(Identities=["example.com"])
    assert "MailFromDomain" not in found["MailFromDomainAttributes"]["example.com"]


def get_identity_mail_from_domain_attributes(tenant: Tenant) -> None:
    tenant.ses.verify_email_identity(EmailAddress="a@people.test")
    tenant.ses.set_identity_mail_from_domain(
        Identity="example.com", MailFromDomain="mail.example.com", BehaviorOnMXFailure="RejectMessage"
    )
    found = tenant.ses.get_identity_mail_from_domain_attributes(
        Identities=["example.com", "a@people.test", "unknown.test"]
    )
    assert found["MailFromDomainAttributes"] == {
        "example.com": {
            "MailFromDomain": "mail.example.com",
            "MailFromDomainStatus": "Success",
            "BehaviorOnMXFailure": "RejectMessage",
        },
        "a@people.test": {"BehaviorOnMXFailure": "UseDefaultValue"},
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
    for _ in range(2):  # nothing to delete is not an error
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


def get_access_key_last_used(tenant: Tenant) -> None:
    anna = tenant.user("anna")
    [key] = tenant.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]
    unused = tenant.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert unused["UserName"] == "anna"
    assert (unused["AccessKeyLastUsed"]["ServiceName"], unused["AccessKeyLastUsed"]["Region"]) == (
        "N/A",
        "N/A",
    )
    assert "LastUsedDate" not in unused["AccessKeyLastUsed"]
    anna.sts.get_caller_identity()

    def used() -> bool:
        return (
            "LastUsedDate"
            in tenant.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
        )

    wait_until(used)
    found = tenant.iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert found["Region"] == "us-east-1"
    stranger = tenant.sesame.create_account()
    assert (
        refusal(tenant.iam.get_access_key_last_used, AccessKeyId=stranger.access_key_id)[0] == "NoSuchEntity"
    )


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


def get_context_keys_for_custom_policy(tenant: Tenant) -> None:
    document = policy(
        {
            "Effect": "Allow",
            "Action": "ses:Send*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        }
    )
    found = tenant.iam.get_context_keys_for_custom_policy(PolicyInputList=[document])
    assert found["ContextKeyNames"] == ["aws:SecureTransport"]


def get_context_keys_for_principal_policy(tenant: Tenant) -> None:
    tenant.user("anna", policy({"Effect": "Deny", "Action": "ses:*", "Resource": "*"}))
    arn = f"arn:aws:iam::{tenant.account.account_id}:user/anna"
    found = tenant.iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)
    assert found["ContextKeyNames"] == []


def list_account_aliases(tenant: Tenant) -> None:
    assert tenant.iam.list_account_aliases()["AccountAliases"] == []


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
    "ses.SetIdentityDkimEnabled": set_identity_dkim_enabled,
    "ses.SetIdentityMailFromDomain": set_identity_mail_from_domain,
    "ses.GetIdentityMailFromDomainAttributes": get_identity_mail_from_domain_attributes,
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
    "iam.GetAccessKeyLastUsed": get_access_key_last_used,
    "iam.UpdateAccessKey": update_access_key,
    "iam.DeleteAccessKey": delete_access_key,
    "iam.PutUserPolicy": put_user_policy,
    "iam.GetUserPolicy": get_user_policy,
    "iam.ListUserPolicies": list_user_policies,
    "iam.DeleteUserPolicy": delete_user_policy,
    "iam.GetContextKeysForCustomPolicy": get_context_keys_for_custom_policy,
    "iam.GetContextKeysForPrincipalPolicy": get_context_keys_for_principal_policy,
    "iam.ListAccountAliases": list_account_aliases,
    "iam.SimulateCustomPolicy": simulate_custom_policy,
    "iam.SimulatePrincipalPolicy": simulate_principal_policy,
}


IN_FILES_OF_THEIR_OWN = {
    # test_event_publishing.py, test_consumers.py
    "sns.ConfirmSubscription",
    "sns.GetSubscriptionAttributes",
    "sns.ListSubscriptions",
    "sns.ListSubscriptionsByTopic",
    "sns.Publish",
    "sns.PublishBatch",
    "sns.SetSubscriptionAttributes",
    "sns.Subscribe",
    "sns.Unsubscribe",
    # test_notifications.py
    "sns.CreateTopic",
    "sns.AddPermission",
    "sns.DeleteTopic",
    "sns.RemovePermission",
    "sns.GetTopicAttributes",
    "sns.ListTagsForResource",
    "sns.ListTopics",
    "sns.SetTopicAttributes",
    "sns.TagResource",
    "sns.UntagResource",
    "ses.SetIdentityNotificationTopic",
    "ses.SetIdentityFeedbackForwardingEnabled",
    "ses.SetIdentityHeadersInNotificationsEnabled",
    "ses.GetIdentityNotificationAttributes",
    "ses.VerifyEmailAddress",
    "ses.ListVerifiedEmailAddresses",
    "ses.DeleteVerifiedEmailAddress",
    "ses.GetSendStatistics",
    # test_password_policies.py
    "iam.CreateAccountAlias",
    "iam.DeleteAccountAlias",
    "iam.DeleteAccountPasswordPolicy",
    "iam.GetAccountPasswordPolicy",
    "iam.UpdateAccountPasswordPolicy",
    # test_iam_account.py
    "iam.GetAccountAuthorizationDetails",
    "iam.GetAccountSummary",
    # test_iam_groups.py
    "iam.UpdateGroup",
    "iam.AddUserToGroup",
    "iam.CreateGroup",
    "iam.DeleteGroup",
    "iam.DeleteGroupPolicy",
    "iam.GetGroup",
    "iam.GetGroupPolicy",
    "iam.ListGroupPolicies",
    "iam.ListGroups",
    "iam.ListGroupsForUser",
    "iam.ListUserTags",
    "iam.PutGroupPolicy",
    "iam.RemoveUserFromGroup",
    "iam.TagUser",
    "iam.UntagUser",
    # test_iam_managed_policies.py
    "iam.CreatePolicy",
    "iam.GetPolicy",
    "iam.ListPolicies",
    "iam.DeletePolicy",
    "iam.CreatePolicyVersion",
    "iam.GetPolicyVersion",
    "iam.ListPolicyVersions",
    "iam.SetDefaultPolicyVersion",
    "iam.DeletePolicyVersion",
    "iam.AttachUserPolicy",
    "iam.DetachUserPolicy",
    "iam.ListAttachedUserPolicies",
    "iam.AttachGroupPolicy",
    "iam.DetachGroupPolicy",
    "iam.ListAttachedGroupPolicies",
    "iam.ListEntitiesForPolicy",
    # test_boundaries.py
    "iam.PutUserPermissionsBoundary",
    "iam.DeleteUserPermissionsBoundary",
    "iam.PutRolePermissionsBoundary",
    "iam.DeleteRolePermissionsBoundary",
    # test_iam_users.py
    "iam.GetMFADevice",
    "iam.ResyncMFADevice",
    "iam.ListMFADevices",
    "iam.ListSSHPublicKeys",
    "iam.ListServiceSpecificCredentials",
    "iam.ListSigningCertificates",
    "iam.ListVirtualMFADevices",
    "iam.GetLoginProfile",
    "iam.DeleteLoginProfile",
    # test_login_profiles.py
    "iam.ChangePassword",
    "iam.CreateLoginProfile",
    "iam.UpdateLoginProfile",
    "iam.CreateVirtualMFADevice",
    "iam.DeleteVirtualMFADevice",
    "iam.EnableMFADevice",
    "iam.DeactivateMFADevice",
    "iam.TagMFADevice",
    "iam.UntagMFADevice",
    "iam.ListMFADeviceTags",
    # test_federation_tokens.py
    "sts.GetFederationToken",
    # test_session_tokens.py
    "sts.GetSessionToken",
    # test_renames.py
    "iam.UpdateUser",
    # test_roles.py
    "iam.CreateRole",
    "iam.GetRole",
    "iam.ListRoles",
    "iam.UpdateRole",
    "iam.UpdateRoleDescription",
    "iam.UpdateAssumeRolePolicy",
    "iam.DeleteRole",
    "iam.ListInstanceProfilesForRole",
    "iam.PutRolePolicy",
    "iam.GetRolePolicy",
    "iam.ListRolePolicies",
    "iam.DeleteRolePolicy",
    "iam.TagRole",
    "iam.UntagRole",
    "iam.ListRoleTags",
    "iam.TagPolicy",
    "iam.UntagPolicy",
    "iam.ListPolicyTags",
    "iam.AttachRolePolicy",
    "iam.DetachRolePolicy",
    "iam.ListAttachedRolePolicies",
    "sts.AssumeRole",
    # test_configuration_sets.py
    "ses.CreateConfigurationSet",
    "ses.DescribeConfigurationSet",
    "ses.ListConfigurationSets",
    "ses.DeleteConfigurationSet",
    "ses.CreateConfigurationSetEventDestination",
    "ses.UpdateConfigurationSetEventDestination",
    "ses.DeleteConfigurationSetEventDestination",
    "ses.UpdateConfigurationSetSendingEnabled",
    "ses.UpdateConfigurationSetReputationMetricsEnabled",
    "ses.PutConfigurationSetDeliveryOptions",
    "ses.CreateConfigurationSetTrackingOptions",
    "ses.UpdateConfigurationSetTrackingOptions",
    "ses.DeleteConfigurationSetTrackingOptions",
    # test_templates.py
    "ses.CreateTemplate",
    "ses.GetTemplate",
    "ses.UpdateTemplate",
    "ses.DeleteTemplate",
    "ses.ListTemplates",
    "ses.TestRenderTemplate",
    "ses.SendTemplatedEmail",
    "ses.SendBulkTemplatedEmail",
    # test_custom_verification.py
    "ses.CreateCustomVerificationEmailTemplate",
    "ses.GetCustomVerificationEmailTemplate",
    "ses.UpdateCustomVerificationEmailTemplate",
    "ses.DeleteCustomVerificationEmailTemplate",
    "ses.ListCustomVerificationEmailTemplates",
    "ses.SendCustomVerificationEmail",
}


@pytest.mark.parametrize("operation", sorted(CHECKS))
def test_operation_answers_as_aws_does(tenant: Tenant, operation: str) -> None:
    CHECKS[operation](tenant)


def test_every_served_operation_is_among_them() -> None:
    assert set(CHECKS) | IN_FILES_OF_THEIR_OWN == SERVED


def test_a_url_that_boto3_presigns_reads_and_changes_nothing(tenant: Tenant) -> None:
    """It signs the method of the model, which is POST for all of v1."""
    v2 = tenant.sesame.client("sesv2", tenant.account)

    def status(url: str, method: str) -> int:
        target = urlsplit(url)
        connection = http.client.HTTPConnection(target.netloc, timeout=PATIENCE_S)
        connection.request(method, f"{target.path}?{target.query}")
        found = connection.getresponse().status
        connection.close()
        return found

    quota = tenant.ses.generate_presigned_url("get_send_quota")
    assert (status(quota, "POST"), status(quota, "GET")) == (200, 403)
    assert status(tenant.ses.generate_presigned_url("get_send_quota", HttpMethod="GET"), "GET") == 200
    assert status(v2.generate_presigned_url("get_account"), "GET") == 200
    for url, method in (
        (tenant.ses.generate_presigned_url("delete_identity", {"Identity": "example.com"}), "POST"),
        (v2.generate_presigned_url("delete_email_identity", {"EmailIdentity": "example.com"}), "DELETE"),
    ):
        assert status(url, method) == 403
    assert tenant.ses.list_identities()["Identities"] == ["example.com"]
