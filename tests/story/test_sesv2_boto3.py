"""boto3's sesv2 client against a real server: what v1 writes v2 reads, and the reverse; sends by the new API."""

import email
import email.policy
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.request import urlopen

import dkim
import pytest
from botocore.exceptions import ClientError

from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess, wait_until
from tests.support.signed_client import policy
from tests.support.tenant import Tenant

TO = {"ToAddresses": ["reader@elsewhere.test"]}
HELLO = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}}


@dataclass(frozen=True)
class Party:
    """An account with a domain of its own, and its clients."""

    account: Account
    domain: str
    ses: Any
    sesv2: Any
    iam: Any

    @property
    def arn(self) -> str:
        return f"arn:aws:ses:us-east-1:{self.account.account_id}:identity/{self.domain}"


def party(sesame: SesameProcess, domain: str) -> Party:
    account = sesame.create_account()
    made = Party(account, domain, *(sesame.client(service, account) for service in ("ses", "sesv2", "iam")))
    made.ses.verify_domain_identity(Domain=domain)
    made.ses.verify_domain_dkim(Domain=domain)
    return made


@pytest.fixture
def owner(sesame: SesameProcess) -> Party:
    return party(sesame, "owner.test")


@pytest.fixture
def delegate(sesame: SesameProcess) -> Party:
    return party(sesame, "delegate.test")


def allow(arn: str, delegate: Party, *, action: str = "ses:SendEmail") -> str:
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": delegate.account.account_id},
            "Action": action,
            "Resource": arn,
        }
    )


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["RequestId"]
    # The exception's class is the one botocore makes of the model, where the model has one.
    assert type(refused.value).__name__ in (answer["Error"]["Code"], "ClientError")
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def delivered(sesame: SesameProcess, message_id: str) -> EmailMessage:
    """The message as its recipient got it."""

    def look() -> bytes | None:
        return next((mail.data for mail in sesame.mail() if message_id.encode() in mail.data), None)

    message = email.message_from_bytes(wait_until(look), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_account_is_one_in_both_versions(owner: Party) -> None:
    found = owner.sesv2.get_account()
    assert found["ProductionAccessEnabled"] is True and found["SendingEnabled"] is True
    quota = owner.ses.get_send_quota()
    assert found["SendQuota"] == {key: quota[key] for key in found["SendQuota"]}
    owner.sesv2.put_account_sending_attributes(SendingEnabled=False)
    assert owner.ses.get_account_sending_enabled()["Enabled"] is False
    send = {"FromEmailAddress": "a@owner.test", "Destination": TO, "Content": HELLO}
    assert refusal(owner.sesv2.send_email, **send)[0] == "SendingPausedException"
    owner.ses.update_account_sending_enabled(Enabled=True)
    assert owner.sesv2.get_account()["SendingEnabled"] is True


def test_a_delegate_sends_as_long_as_the_owner_lets_it(
    sesame: SesameProcess, owner: Party, delegate: Party
) -> None:
    send = {
        "FromEmailAddress": "News <news@owner.test>",
        "Destination": TO,
        "Content": HELLO,
        "EmailTags": [{"Name": "kind", "Value": "news"}],
    }
    owner.sesv2.create_email_identity_policy(
        EmailIdentity=owner.domain, PolicyName="lend", Policy=allow(owner.arn, delegate)
    )
    sent = delegate.sesv2.send_email(**send, FromEmailAddressIdentityArn=owner.arn)
    message = delivered(sesame, sent["MessageId"])
    assert message["From"] == "News <news@owner.test>"
    assert "d=owner.test" in message["DKIM-Signature"]
    code, status, _ = refusal(delegate.sesv2.send_email, **send)
    assert (code, status) == (
        "MessageRejected",
        400,
    )  # without the ARN it is not an identity of the delegate's
    raw = {"Raw": {"Data": b"From: news@owner.test\r\nTo: reader@elsewhere.test\r\n\r\nHello.\r\n"}}
    code, status, text = refusal(
        delegate.sesv2.send_email, Content=raw, FromEmailAddressIdentityArn=owner.arn
    )
    assert (code, status) == ("AccessDeniedException", 403)
    assert "`ses:SendRawEmail' on resource" in text
    owner.sesv2.delete_email_identity_policy(EmailIdentity=owner.domain, PolicyName="lend")
    code, status, text = refusal(delegate.sesv2.send_email, **send, FromEmailAddressIdentityArn=owner.arn)
    assert (code, status) == ("AccessDeniedException", 403)
    arn = f"arn:aws:iam::{delegate.account.account_id}:root"
    assert text == f"User `{arn}' is not authorized to perform `ses:SendEmail' on resource `{owner.arn}'"


def test_raw_content_is_covered_by_one_arn_whatever_its_fields_say(
    sesame: SesameProcess, owner: Party, delegate: Party
) -> None:
    owner.ses.put_identity_policy(
        Identity=owner.domain, PolicyName="lend", Policy=allow(owner.arn, delegate, action="ses:SendRawEmail")
    )
    raw = (
        b"X-SES-SOURCE-ARN: arn:aws:ses:us-east-1:999999999999:identity/owner.test\r\n"
        b"X-SES-FROM-ARN: arn:aws:ses:us-east-1:999999999999:identity/owner.test\r\n"
        b"From: news@owner.test\r\nTo: reader@elsewhere.test\r\nSubject: s\r\n\r\nHello.\r\n"
    )
    content = {"Raw": {"Data": raw}}
    assert refusal(delegate.sesv2.send_email, Content=content)[0] == "AccessDeniedException"
    sent = delegate.sesv2.send_email(
        Content=content,
        FromEmailAddress="bounces@owner.test",
        FromEmailAddressIdentityArn=owner.arn,
        Destination={"BccAddresses": ["hidden@elsewhere.test"]},
    )
    message = delivered(sesame, sent["MessageId"])
    assert not [name for name in message if name.lower().startswith("x-ses")]
    found = next(mail for mail in sesame.mail() if sent["MessageId"].encode() in mail.data)
    assert found.rcpt_to == ("hidden@elsewhere.test",)
    fields = raw.replace(b"999999999999", owner.account.account_id.encode())
    assert delegate.sesv2.send_email(Content={"Raw": {"Data": fields}})["MessageId"]


def test_a_message_with_everything_arrives_as_it_was_asked_for(sesame: SesameProcess, owner: Party) -> None:
    content = {
        "Simple": {
            "Subject": {"Data": "Größe", "Charset": "UTF-8"},
            "Body": {
                "Text": {"Data": "Grüße.", "Charset": "UTF-8"},
                "Html": {"Data": '<img src="cid:logo@x">', "Charset": "ISO-8859-1"},
            },
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": "<https://owner.test/u>"},
                {"Name": "X-Campaign", "Value": "autumn"},
            ],
            "Attachments": [
                {
                    "RawContent": bytes(range(256)),
                    "FileName": "Übersicht 2026.pdf",
                    "ContentDescription": "d",
                },
                {
                    "RawContent": b"\x89PNG",
                    "FileName": "logo.png",
                    "ContentDisposition": "INLINE",
                    "ContentId": "logo@x",
                    "ContentType": "image/png",
                    "ContentTransferEncoding": "BASE64",
                },
                {
                    "RawContent": "a=b\r\nä \n".encode(),
                    "FileName": "table.csv",
                    "ContentTransferEncoding": "QUOTED_PRINTABLE",
                },
                {
                    "RawContent": b"plain\n",
                    "FileName": f"{'n' * 200}.txt",
                    "ContentType": 'text/x-log; charset="us-ascii"',
                    "ContentTransferEncoding": "SEVEN_BIT",
                },
            ],
        }
    }
    sent = owner.sesv2.send_email(
        FromEmailAddress="news@owner.test",
        Destination={**TO, "CcAddresses": ["copy@elsewhere.test"]},
        ReplyToAddresses=["answers@owner.test"],
        FeedbackForwardingEmailAddress="bounces@owner.test",
        Content=content,
    )
    message = delivered(sesame, sent["MessageId"])
    assert message["Subject"] == "Größe" and message["Reply-To"] == "answers@owner.test"
    assert message["List-Unsubscribe"] == "<https://owner.test/u>" and message["X-Campaign"] == "autumn"
    assert message.get_content_type() == "multipart/mixed"
    body = message.get_body(("plain",))
    assert body is not None and body.get_content().strip() == "Grüße."
    parts = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    held = {name: part.get_payload(decode=True) for name, part in parts.items()}
    assert held == {
        "Übersicht 2026.pdf": bytes(range(256)),
        "logo.png": b"\x89PNG",
        "table.csv": "a=b\r\nä \n".encode(),
        f"{'n' * 200}.txt": b"plain\r\n",
    }
    assert parts["Übersicht 2026.pdf"].get_content_type() == "application/pdf"
    assert parts["Übersicht 2026.pdf"]["Content-Description"] == "d"
    assert parts["logo.png"]["Content-ID"] == "<logo@x>"
    assert parts["logo.png"].get_content_disposition() == "inline"
    assert parts[f"{'n' * 200}.txt"].get_content_type() == "text/x-log"
    data = next(mail.data for mail in sesame.mail() if sent["MessageId"].encode() in mail.data)
    assert dkim.verify(data, dnsfunc=sesame.txt)


@pytest.mark.parametrize(
    ("simple", "words"),
    [
        ({"Headers": [{"Name": "X-SES-Source-ARN", "Value": "x"}]}, "Illegal header"),
        ({"Headers": [{"Name": "x-ses-configuration-set", "Value": "x"}]}, "Illegal header"),
        ({"Headers": [{"Name": "Sender", "Value": "other@example.com"}]}, "Illegal header"),
        ({"Headers": [{"Name": "From", "Value": "other@example.com"}]}, "Header 'From'"),
        ({"Headers": [{"Name": "reply-to", "Value": "other@example.com"}]}, "Header 'reply-to'"),
        ({"Headers": [{"Name": "Content-Disposition", "Value": "inline"}]}, "Header 'Content-Disposition'"),
        ({"Headers": [{"Name": f"X-{n}", "Value": "v"} for n in range(16)]}, "length less than or equal to 15"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "run.exe"}]}, "Illegal filename 'run.exe'"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a/b.txt"}]}, "Illegal filename 'a/b.txt'"),
        ({"Attachments": [{"RawContent": b"x", "FileName": 'a".txt'}]}, "Illegal filename"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a\r\nX: y.txt"}]}, "Illegal filename"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a", "ContentType": "text/plain\r\nX: y"}]}, "ContentType"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a", "ContentType": "nonsense"}]}, "Expected '/'"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a", "ContentType": "multipart/mixed"}]}, "type"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a", "ContentId": "a b"}]}, "Illegal ContentId"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a", "ContentId": "a>\r\nX: y"}]}, "Illegal ContentId"),
        ({"Attachments": [{"RawContent": b"x", "FileName": "a", "ContentDescription": "d\r\nX: y"}]}, "Illegal header"),
        ({"Attachments": [{"RawContent": b"\xff", "FileName": "a", "ContentTransferEncoding": "SEVEN_BIT"}]}, "7bit"),
        ({"Attachments": [{"RawContent": b"x" * 999, "FileName": "a", "ContentTransferEncoding": "SEVEN_BIT"}]}, "7b"),
        ({"Body": {}}, "text or an HTML part"),
    ],
)  # fmt: skip
def test_what_may_not_be_in_a_simple_message_is_refused(
    sesame: SesameProcess, v2_sender: Any, simple: dict[str, Any], words: str
) -> None:
    content = {"Simple": {**HELLO["Simple"], **simple}}
    code, status, text = refusal(
        v2_sender.send_email, FromEmailAddress="a@example.com", Destination=TO, Content=content
    )
    assert (code, status) == ("BadRequestException", 400)
    assert words in text


@pytest.fixture(scope="module")
def v2_sender(sesame: SesameProcess) -> Any:
    account = sesame.create_account()
    sesame.client("ses", account).verify_domain_identity(Domain="example.com")
    return sesame.client("sesv2", account)


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"Content": {}}, "BadRequestException", "exactly one"),
        ({"Content": {**HELLO, "Raw": {"Data": b"x"}}}, "BadRequestException", "exactly one"),
        ({"FromEmailAddress": ""}, "BadRequestException", "Source cannot be empty"),
        ({"Destination": {}}, "BadRequestException", "no recipients"),
        ({"Destination": {"ToAddresses": [f"r{n}@x.test" for n in range(51)]}}, "BadRequestException", "exceeds 50"),
        ({"EmailTags": [{"Name": "a b", "Value": "v"}]}, "BadRequestException", "Invalid tag name"),
        ({"FromEmailAddress": "a@unverified.test"}, "MessageRejected", "not verified"),
        ({"FromEmailAddressIdentityArn": "arn:aws:s3:::b"}, "BadRequestException", "ARN"),
        ({"FromEmailAddressIdentityArn": "arn:aws:ses:us-east-1:999999999999:identity/x.test"},
         "BadRequestException", "does not align"),
        ({"TenantName": "t"}, "NotImplemented", "TenantName"),
        ({"EndpointId": "e.x"}, "NotImplemented", "EndpointId"),
        ({"ListManagementOptions": {"ContactListName": "l"}}, "NotImplemented", "ListManagementOptions"),
        ({"Content": {"Raw": {"Data": b"From: a@example.com\r\n\r\nx"}}, "ReplyToAddresses": ["r@example.com"]},
         "BadRequestException", "Reply-To"),
        ({"Content": {"Raw": {"Data": b"To: a@example.com\r\n\r\nx"}}}, "BadRequestException", "'From'"),
    ],
)  # fmt: skip
def test_a_send_that_cannot_be_is_refused_with_its_reason(
    v2_sender: Any, parameters: dict[str, Any], code: str, words: str
) -> None:
    if "EndpointId" in parameters:
        # botocore would sign for a multi-Region endpoint with SigV4a: another test's business.
        pytest.importorskip("awscrt")
    usual = {"FromEmailAddress": "a@example.com", "Destination": TO, "Content": HELLO}
    found, status, text = refusal(v2_sender.send_email, **{**usual, **parameters})
    assert (found, status) == (code, 501 if code == "NotImplemented" else 400)
    assert words in text


def test_policies_are_one_store_for_both_versions(owner: Party, delegate: Party) -> None:
    v1, v2, name = owner.ses, owner.sesv2, owner.domain
    first, second = allow(owner.arn, delegate), allow(owner.arn, delegate, action="ses:SendRawEmail")
    v2.create_email_identity_policy(EmailIdentity=name, PolicyName="p", Policy=first)
    assert v1.list_identity_policies(Identity=name)["PolicyNames"] == ["p"]
    v1.put_identity_policy(Identity=name, PolicyName="p", Policy=second)
    assert v2.get_email_identity_policies(EmailIdentity=name)["Policies"] == {"p": second}
    taken = refusal(v2.create_email_identity_policy, EmailIdentity=name, PolicyName="p", Policy=first)
    assert taken == ("AlreadyExistsException", 400, "Policy p already exists.")
    v2.update_email_identity_policy(EmailIdentity=name, PolicyName="p", Policy=first)
    assert json.loads(
        v1.get_identity_policies(Identity=name, PolicyNames=["p"])["Policies"]["p"]
    ) == json.loads(first)
    missing = refusal(v2.update_email_identity_policy, EmailIdentity=name, PolicyName="q", Policy=first)
    assert missing == ("NotFoundException", 404, "Policy q does not exist.")
    v2.delete_email_identity_policy(EmailIdentity=name.upper(), PolicyName="p")
    assert v1.list_identity_policies(Identity=name)["PolicyNames"] == []
    assert (
        refusal(v2.delete_email_identity_policy, EmailIdentity=name, PolicyName="p")[0] == "NotFoundException"
    )


def test_policies_that_v2_refuses(owner: Party, delegate: Party) -> None:
    v2, name, good = owner.sesv2, owner.domain, allow(owner.arn, delegate)
    for call in (v2.create_email_identity_policy, v2.update_email_identity_policy):
        for parameters in (
            {"Policy": "{}"},
            {"PolicyName": "p q"},
            {"PolicyName": "p" * 65},
            {"Policy": "{"},
        ):
            usual = {"EmailIdentity": name, "PolicyName": "p", "Policy": good}
            code, status, _ = refusal(call, **{**usual, **parameters})
            assert (code, status) == ("BadRequestException", 400), parameters
    own = allow(f"arn:aws:ses:us-east-1:{owner.account.account_id}:identity/none.test", delegate)
    assert refusal(v2.create_email_identity_policy, EmailIdentity="none.test", PolicyName="p", Policy=own)[
        :2
    ] == (
        "NotFoundException",
        404,
    )
    assert refusal(v2.get_email_identity_policies, EmailIdentity="none.test")[:2] == (
        "NotFoundException",
        404,
    )
    for number in range(20):
        v2.create_email_identity_policy(EmailIdentity=name, PolicyName=f"p{number}", Policy=good)
    code, _, text = refusal(
        v2.create_email_identity_policy, EmailIdentity=name, PolicyName="p20", Policy=good
    )
    assert code == "LimitExceededException" and "exceeds max" in text


def test_management_calls_are_authorised_on_the_identity_with_the_api_version(
    sesame: SesameProcess, owner: Party
) -> None:
    statement = {"Effect": "Allow", "Action": "ses:*", "Resource": owner.arn}
    owner.iam.create_user(UserName="admin")
    key = owner.iam.create_access_key(UserName="admin")["AccessKey"]
    keys = Account(owner.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    v2 = sesame.client("sesv2", keys)

    def attach(version: str) -> None:
        condition = {"StringEquals": {"ses:ApiVersion": version}}
        document = policy({**statement, "Condition": condition})
        owner.iam.put_user_policy(UserName="admin", PolicyName="p", PolicyDocument=document)

    attach("2")
    assert v2.get_email_identity_policies(EmailIdentity=owner.domain)["Policies"] == {}
    code, status, text = refusal(v2.get_email_identity_policies, EmailIdentity="other.test")
    assert (code, status) == ("AccessDeniedException", 403)
    assert "ses:GetEmailIdentityPolicies on resource: arn:aws:ses:us-east-1:" in text
    attach("1")
    assert refusal(v2.get_email_identity_policies, EmailIdentity=owner.domain)[0] == "AccessDeniedException"


def test_signature_trouble_has_the_codes_of_v2(sesame: SesameProcess, owner: Party) -> None:
    account = owner.account
    for keys, code in (
        (Account(account.account_id, "AKIAUNKNOWNUNKNOWN00", "x"), "UnrecognizedClientException"),
        (Account(account.account_id, account.access_key_id, "wrong"), "InvalidSignatureException"),
    ):
        assert refusal(sesame.client("sesv2", keys).get_account)[:2] == (code, 403)


def test_a_message_of_forty_megabytes_is_taken_and_one_byte_more_is_not(
    sesame: SesameProcess, v2_sender: Any
) -> None:
    head = b"From: a@example.com\r\nTo: reader@elsewhere.test\r\nSubject: big\r\n\r\n"
    line = b"x" * 998 + b"\r\n"
    whole = head + line * ((41_943_040 - len(head)) // 1000)
    whole += b"x" * (41_943_040 - len(whole) - 2) + b"\r\n"
    assert len(whole) == 41_943_040
    assert v2_sender.send_email(Content={"Raw": {"Data": whole}})["MessageId"]
    code, _, text = refusal(v2_sender.send_email, Content={"Raw": {"Data": b"X" + whole[1:] + b"y"}})
    assert code == "BadRequestException" and "41943040 bytes long: '41943041'" in text


def test_identities_are_one_store_for_both_versions(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    v1, v2 = sesame.client("ses", account), sesame.client("sesv2", account)
    made = v2.create_email_identity(
        EmailIdentity="New.TEST", DkimSigningAttributes={"NextSigningKeyLength": "RSA_2048_BIT"}
    )
    assert made["IdentityType"] == "DOMAIN" and made["VerifiedForSendingStatus"] is True
    tokens = made["DkimAttributes"]["Tokens"]
    assert (
        v1.get_identity_dkim_attributes(Identities=["new.test"])["DkimAttributes"]["new.test"]["DkimTokens"]
        == tokens
    )
    v1.verify_email_identity(EmailAddress="a+b@people.test")
    found = v2.get_email_identity(EmailIdentity="a+b@people.test")
    assert (found["IdentityType"], found["VerificationStatus"]) == ("EMAIL_ADDRESS", "PENDING")
    assert found["VerifiedForSendingStatus"] is False and found["Policies"] == {} and found["Tags"] == []
    taken = refusal(v2.create_email_identity, EmailIdentity="new.test")
    assert taken == ("AlreadyExistsException", 400, "Email identity new.test already exist.")
    domain = v2.get_email_identity(EmailIdentity="NEW.test")
    assert (
        domain["DkimAttributes"]["Status"] == "SUCCESS" and domain["DkimAttributes"]["SigningEnabled"] is True
    )
    assert domain["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_2048_BIT"
    assert abs(domain["DkimAttributes"]["LastKeyGenerationTimestamp"].timestamp() - time.time()) < 60
    v1.put_identity_policy(
        Identity="new.test",
        PolicyName="p",
        Policy=(
            text := policy(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "ses:*",
                    "Resource": (f"arn:aws:ses:us-east-1:{account.account_id}:identity/new.test"),
                }
            )
        ),
    )
    assert v2.get_email_identity(EmailIdentity="new.test")["Policies"] == {"p": text}
    v2.delete_email_identity(EmailIdentity="new.test")
    assert v1.list_identities()["Identities"] == ["a+b@people.test"]
    assert refusal(v2.get_email_identity, EmailIdentity="new.test")[:2] == ("NotFoundException", 404)
    assert refusal(v2.delete_email_identity, EmailIdentity="new.test")[:2] == ("NotFoundException", 404)
    v2.create_email_identity(EmailIdentity="new.test")
    assert v2.get_email_identity(EmailIdentity="new.test")["Policies"] == {}


def test_an_address_made_by_v2_is_mailed_a_link_and_shows_its_domains_keys(sesame: SesameProcess) -> None:
    v2 = sesame.client("sesv2", sesame.create_account())
    made = v2.create_email_identity(EmailIdentity="link@people.test")
    # As captured from AWS (moto#9771): of DKIM nothing is said when it is made, and that it is not signed later.
    del made["ResponseMetadata"]
    assert made == {"IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": False}
    alone = v2.get_email_identity(EmailIdentity="link@people.test")
    del alone["ResponseMetadata"]
    assert alone == {
        "IdentityType": "EMAIL_ADDRESS",
        "FeedbackForwardingStatus": True,
        "VerifiedForSendingStatus": False,
        "DkimAttributes": {
            "SigningEnabled": False,
            "Status": "NOT_STARTED",
            "SigningAttributesOrigin": "AWS_SES",
            "NextSigningKeyLength": "RSA_1024_BIT",
        },
        "MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
        "Policies": {},
        "Tags": [],
        "VerificationStatus": "PENDING",
        "VerificationInfo": {},
    }
    link = wait_until(
        lambda: next(
            (
                re.search(rb"http://\S+/verify\?token=\S+", mail.data)
                for mail in sesame.mail()
                if mail.rcpt_to == ("link@people.test",)
            ),
            None,
        )
    )
    with urlopen(link[0].decode(), timeout=PATIENCE_S) as page:
        assert page.status == 200
    assert v2.get_email_identity(EmailIdentity="link@people.test")["VerificationStatus"] == "SUCCESS"
    tokens = v2.create_email_identity(EmailIdentity="people.test")["DkimAttributes"]["Tokens"]
    shown = v2.get_email_identity(EmailIdentity="link@people.test")["DkimAttributes"]
    assert shown["Tokens"] == tokens and shown["SigningEnabled"] is True
    beside = v2.create_email_identity(EmailIdentity="too@people.test")
    assert beside["DkimAttributes"]["Tokens"] == tokens


def test_identities_are_listed_by_page_and_by_filter(sesame: SesameProcess) -> None:
    v2 = sesame.client("sesv2", sesame.create_account())
    for name in ("b.test", "a.test", "x@c.test", "y@a.test"):
        v2.create_email_identity(EmailIdentity=name)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = v2.list_email_identities(PageSize=3, **token)
        seen += [found["IdentityName"] for found in page["EmailIdentities"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == ["a.test", "b.test", "x@c.test", "y@a.test"]

    def names(**criteria: str) -> list[str]:
        found = v2.list_email_identities(Filter=criteria)["EmailIdentities"]
        return [identity["IdentityName"] for identity in found]

    assert names(IDENTITY_TYPE="DOMAIN") == ["a.test", "b.test"]
    assert names(VERIFICATION_STATUS="PENDING") == ["x@c.test", "y@a.test"]
    assert names(IDENTITY_NAME_CONTAINS="A.test", IDENTITY_TYPE="EMAIL_ADDRESS") == ["y@a.test"]
    everything = v2.list_email_identities()["EmailIdentities"]
    assert [found["SendingEnabled"] for found in everything] == [True, True, False, False]
    for parameters in ({"PageSize": 1001}, {"PageSize": -1}, {"NextToken": "?"}):
        assert refusal(v2.list_email_identities, **parameters)[0] == "BadRequestException"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"EmailIdentity": "nodot"}, "BadRequestException"),
        ({"EmailIdentity": "a@b@c.test"}, "BadRequestException"),
        ({"EmailIdentity": "a b.test"}, "BadRequestException"),
        ({"EmailIdentity": "a@c.test", "DkimSigningAttributes": {"NextSigningKeyLength": "RSA_2048_BIT"}},
         "BadRequestException"),
        ({"EmailIdentity": "c.test", "ConfigurationSetName": "none"}, "NotFoundException"),
    ],
)  # fmt: skip
def test_an_identity_that_cannot_be_made_is_refused(
    v2_sender: Any, parameters: dict[str, Any], code: str
) -> None:
    assert refusal(v2_sender.create_email_identity, **parameters)[0] == code
    assert refusal(v2_sender.get_email_identity, EmailIdentity=parameters["EmailIdentity"])[1] == 404


def test_who_asks_for_production_is_shown_to_the_operator(sesame: SesameProcess) -> None:
    account = sesame.create_account(production=False)
    v2 = sesame.client("sesv2", account)
    assert "Details" not in v2.get_account()
    details = {
        "MailType": "TRANSACTIONAL",
        "WebsiteURL": "https://example.com",
        "ContactLanguage": "EN",
        "AdditionalContactEmailAddresses": ["admin@example.com"],
    }
    v2.put_account_details(**details, ProductionAccessEnabled=True)
    assert v2.get_account()["Details"] == {**details, "ReviewDetails": {"Status": "PENDING"}}
    listed = {row["account_id"]: row for row in sesame.run_json("account", "list")}
    assert listed[account.account_id]["asks_for_production"] == details
    assert "asks for production" in sesame.run("account", "list").stdout
    sesame.run("account", "leave-sandbox", account.account_id)
    found = v2.get_account()
    assert found["ProductionAccessEnabled"] and found["Details"]["ReviewDetails"] == {"Status": "GRANTED"}
    listed = {row["account_id"]: row for row in sesame.run_json("account", "list")}
    assert listed[account.account_id]["asks_for_production"] is None
    code, _, _ = refusal(
        v2.put_account_details,
        MailType="TRANSACTIONAL",
        WebsiteURL="https://x",
        AdditionalContactEmailAddresses=["no-at-sign"],
    )
    assert code == "BadRequestException"


def test_key_length_and_tags_are_kept(sesame: SesameProcess) -> None:
    v2 = sesame.client("sesv2", sesame.create_account())
    made = v2.create_email_identity(
        EmailIdentity="short.test",
        DkimSigningAttributes={"NextSigningKeyLength": "RSA_1024_BIT"},
        Tags=[{"Key": "team", "Value": "news"}, {"Key": "cost", "Value": ""}],
    )
    assert made["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    record = sesame.txt(f"{made['DkimAttributes']['Tokens'][0]}._domainkey.short.test".encode())
    assert len(record.partition(b"p=")[2]) == 216
    assert v2.get_email_identity(EmailIdentity="short.test")["Tags"] == [
        {"Key": "cost", "Value": ""},
        {"Key": "team", "Value": "news"},
    ]
    sent = v2.send_email(FromEmailAddress="a@short.test", Destination=TO, Content=HELLO)
    data = wait_until(
        lambda: next((mail.data for mail in sesame.mail() if sent["MessageId"].encode() in mail.data), None)
    )
    assert dkim.verify(data, dnsfunc=sesame.txt)
    v2.delete_email_identity(EmailIdentity="short.test")
    v2.create_email_identity(EmailIdentity="short.test")
    found = v2.get_email_identity(EmailIdentity="short.test")
    assert found["Tags"] == [] and found["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_2048_BIT"


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "", "Value": "v"}],
        [{"Key": "k" * 129, "Value": "v"}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": "aws:k", "Value": "v"}],
        [{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}],
        [{"Key": f"k{number}", "Value": "v"} for number in range(51)],
    ],
)
def test_tags_that_cannot_be_are_refused(v2_sender: Any, tags: list[dict[str, str]]) -> None:
    code, _, _ = refusal(v2_sender.create_email_identity, EmailIdentity="tagged.test", Tags=tags)
    assert code == "BadRequestException"
    assert refusal(v2_sender.get_email_identity, EmailIdentity="tagged.test")[1] == 404


def v2_of_user(tenant: Tenant, document: str) -> Any:
    """The client of a new user under an IAM policy."""
    tenant.iam.create_user(UserName="held")
    tenant.iam.put_user_policy(UserName="held", PolicyName="p", PolicyDocument=document)
    key = tenant.iam.create_access_key(UserName="held")["AccessKey"]
    keys = Account(tenant.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    return tenant.sesame.client("sesv2", keys)


@pytest.mark.parametrize(
    "write",
    [
        lambda arn: arn,
        lambda arn: arn.replace("arn:aws:", "arn:aws-cn:"),
        lambda arn: arn.replace("arn:aws:", "arn:aws-us-gov:"),
        lambda arn: arn.replace("tagged.test", "TAGGED.test"),
    ],
    ids=["as stored", "of China", "of a government", "capitals"],
)
def test_a_deny_on_tags_of_an_identity_holds_however_its_arn_is_written(
    tenant: Tenant, write: Callable[[str], str]
) -> None:
    tenant.ses.verify_domain_identity(Domain="tagged.test")
    arn = tenant.arn.replace("example.com", "tagged.test")
    v2 = v2_of_user(
        tenant,
        policy(
            {"Effect": "Allow", "Action": "ses:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "ses:*Tag*", "Resource": arn},
        ),
    )
    root = tenant.sesame.client("sesv2", tenant.account)
    tags = [{"Key": "k", "Value": "v"}]
    assert refusal(v2.tag_resource, ResourceArn=write(arn), Tags=tags)[0] == "AccessDeniedException"
    root.tag_resource(ResourceArn=write(arn), Tags=tags)
    assert root.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
    assert refusal(v2.list_tags_for_resource, ResourceArn=write(arn))[0] == "AccessDeniedException"
    assert refusal(v2.untag_resource, ResourceArn=write(arn), TagKeys=["k"])[0] == "AccessDeniedException"
    root.untag_resource(ResourceArn=write(arn), TagKeys=["k"])
    assert root.get_email_identity(EmailIdentity="tagged.test")["Tags"] == []


def test_a_deny_on_making_a_domain_holds_for_its_name_in_other_letters(tenant: Tenant) -> None:
    v2 = v2_of_user(
        tenant,
        policy(
            {"Effect": "Allow", "Action": "ses:*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "ses:CreateEmailIdentity",
                "Resource": tenant.arn.replace("example.com", "xn--bcher-kva.test"),
            },
        ),
    )
    for name in ("xn--bcher-kva.test", "XN--BCHER-KVA.test", "b\u00fccher.test", "B\u00dcCHER.test"):
        assert refusal(v2.create_email_identity, EmailIdentity=name)[0] == "AccessDeniedException"


def test_tags_are_set_removed_and_listed(owner: Party, delegate: Party) -> None:
    v2, arn = owner.sesv2, owner.arn
    v2.tag_resource(ResourceArn=arn, Tags=[{"Key": "a b", "Value": "1"}, {"Key": "c+d", "Value": "2"}])
    v2.tag_resource(ResourceArn=arn, Tags=[{"Key": "c+d", "Value": "3"}, {"Key": "e", "Value": "4"}])
    v2.untag_resource(ResourceArn=arn, TagKeys=["a b", "e", "none"])
    assert v2.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "c+d", "Value": "3"}]
    assert v2.get_email_identity(EmailIdentity=owner.domain)["Tags"] == [{"Key": "c+d", "Value": "3"}]
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    code, status, text = refusal(v2.tag_resource, ResourceArn=arn, Tags=many)
    assert (code, status) == ("BadRequestException", 400) and "50 tags" in text
    assert len(v2.list_tags_for_resource(ResourceArn=arn)["Tags"]) == 1
    for other in (
        delegate.arn,
        arn.replace("us-east-1", "eu-west-1"),
        arn.replace("owner.test", "none.test"),
    ):
        name = other.rpartition("/")[2]
        missing = ("NotFoundException", 404, f"No EmailIdentity present with name: {name}")
        assert refusal(v2.list_tags_for_resource, ResourceArn=other) == missing
        assert refusal(v2.tag_resource, ResourceArn=other, Tags=many[:1]) == missing
        assert refusal(v2.untag_resource, ResourceArn=other, TagKeys=["k"]) == missing
    for wrong in ("x", "arn:aws:s3:::bucket", arn.replace("identity", "tenant")):
        assert refusal(v2.list_tags_for_resource, ResourceArn=wrong)[0] == "BadRequestException"
