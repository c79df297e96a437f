"""DKIM keys, switches and MAIL FROM domains by boto3, and what they do to a delegate's mail."""

import base64
import json
from pathlib import Path
from typing import Any

import dkim
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.process import REGION, SesameProcess, read_header, running, wait_until


class Delegation:
    """An owner's domain, and a delegate who may send as it."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.v1, self.v2 = (sesame.client(name, self.owner) for name in ("ses", "sesv2"))
        self.arn = f"arn:aws:ses:{REGION}:{self.owner.account_id}:identity/{self.domain}"

    def allow(self) -> None:
        """Let the delegate send."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.delegate.account_id},
            "Action": "ses:Send*",
            "Resource": self.arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.v1.put_identity_policy(Identity=self.domain, PolicyName="p", Policy=policy)

    def send(self, to: str) -> None:
        """The delegate sends one message."""
        self.sesame.client("ses", self.delegate).send_email(**self.email(to))

    def email(self, to: str) -> dict[str, Any]:
        """The parameters of a delegate's message."""
        return {
            "Source": f"news@{self.domain}",
            "Destination": {"ToAddresses": [f"{to}@{self.owner.account_id}.outside.test"]},
            "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            "SourceArn": self.arn,
        }

    def arrived(self, to: str) -> Any:
        """The message at its destination."""
        address = f"{to}@{self.owner.account_id}.outside.test"
        return wait_until(
            lambda: next((mail for mail in self.sesame.mail() if address in mail.rcpt_to), None)
        )


def test_the_zone_of_easy_dkim_is_told_and_an_unknown_domain_is_refused_in_sess_words(
    sesame: SesameProcess,
) -> None:
    v2 = sesame.client("sesv2", sesame.create_account())
    zone = "dkim.sesame.localhost"
    made = v2.create_email_identity(EmailIdentity="zone.test")["DkimAttributes"]
    assert made["SigningHostedZone"] == zone
    assert v2.get_email_identity(EmailIdentity="zone.test")["DkimAttributes"]["SigningHostedZone"] == zone
    answer = v2.put_email_identity_dkim_signing_attributes(
        EmailIdentity="zone.test", SigningAttributesOrigin="AWS_SES"
    )
    assert answer["SigningHostedZone"] == zone
    with pytest.raises(ClientError) as refused:
        v2.put_email_identity_dkim_attributes(EmailIdentity="nope.example.org", SigningEnabled=True)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "BadRequestException",
        "Domain nope.example.org is not verified for DKIM signing.",
    )
    v2.put_email_identity_dkim_attributes(EmailIdentity="somebody@zone.test", SigningEnabled=True)


@pytest.fixture
def delegation(sesame: SesameProcess) -> Delegation:
    return Delegation(sesame)


def private_key(bits: int = 1024) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return base64.b64encode(der).decode()


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_the_owners_own_key_signs_the_delegates_mail(delegation: Delegation) -> None:
    made = delegation.v2.create_email_identity(
        EmailIdentity=delegation.domain,
        DkimSigningAttributes={"DomainSigningSelector": "mine", "DomainSigningPrivateKey": private_key()},
    )
    assert made["DkimAttributes"]["SigningAttributesOrigin"] == "EXTERNAL"
    assert made["DkimAttributes"]["Tokens"] == ["mine"]
    delegation.allow()
    delegation.send("own")
    mail = delegation.arrived("own")
    signature = str(read_header(mail)["DKIM-Signature"]).replace(" ", "")
    assert f"d={delegation.domain};" in signature and "s=mine;" in signature
    assert dkim.verify(mail.data, dnsfunc=delegation.sesame.txt)
    changed = delegation.v2.put_email_identity_dkim_signing_attributes(
        EmailIdentity=delegation.domain, SigningAttributesOrigin="AWS_SES"
    )
    assert (changed["DkimStatus"], len(changed["DkimTokens"])) == ("SUCCESS", 3)
    delegation.send("easy")
    mail = delegation.arrived("easy")
    assert "s=mine;" not in str(read_header(mail)["DKIM-Signature"]).replace(" ", "")
    assert dkim.verify(mail.data, dnsfunc=delegation.sesame.txt)


def test_the_owners_switch_decides_for_delegates(delegation: Delegation) -> None:
    delegation.v1.verify_domain_dkim(Domain=delegation.domain)
    delegation.allow()
    delegation.v1.set_identity_dkim_enabled(Identity=delegation.domain, DkimEnabled=False)
    assert (
        delegation.v2.get_email_identity(EmailIdentity=delegation.domain)["DkimAttributes"]["SigningEnabled"]
        is False
    )
    delegation.send("off")
    assert read_header(delegation.arrived("off"))["DKIM-Signature"] is None
    delegation.v2.put_email_identity_dkim_attributes(EmailIdentity=delegation.domain, SigningEnabled=True)
    delegation.send("on")
    assert dkim.verify(delegation.arrived("on").data, dnsfunc=delegation.sesame.txt)


@pytest.mark.parametrize(
    ("attributes", "origin", "words"),
    [
        (
            {"DomainSigningSelector": "s", "DomainSigningPrivateKey": "YQ=="},
            "EXTERNAL",
            "private key is not valid",
        ),
        ({"DomainSigningSelector": "s"}, "EXTERNAL", "are required"),
        ({"NextSigningKeyLength": "RSA_2048_BIT"}, "AWS_SES", "already has 2048 bits"),
        ({"NextSigningKeyLength": "RSA_2048_BIT"}, "EXTERNAL", "is for the origin AWS_SES"),
        ({"DomainSigningAttributesOrigin": "AWS_SES"}, "AWS_SES", "use SigningAttributesOrigin"),
    ],
)
def test_keys_that_cannot_be_used_are_refused(
    delegation: Delegation, attributes: dict[str, str], origin: str, words: str
) -> None:
    delegation.v2.create_email_identity(EmailIdentity=delegation.domain)
    code, message = refusal(
        delegation.v2.put_email_identity_dkim_signing_attributes,
        EmailIdentity=delegation.domain,
        SigningAttributesOrigin=origin,
        SigningAttributes=attributes,
    )
    assert code == "BadRequestException"
    assert words in message


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"DomainSigningSelector": "s"}, "are required"),
        ({"DomainSigningPrivateKey": "YQ=="}, "are required"),
        ({"DomainSigningAttributesOrigin": "EXTERNAL"}, "are required"),
        ({"DomainSigningSelector": "s", "DomainSigningPrivateKey": "YQ=="}, "private key is not valid"),
        (
            {
                "DomainSigningSelector": "s",
                "DomainSigningPrivateKey": "YQ==",
                "NextSigningKeyLength": "RSA_2048_BIT",
            },
            "is for the origin AWS_SES",
        ),
        (
            {
                "DomainSigningSelector": "s",
                "DomainSigningPrivateKey": "YQ==",
                "DomainSigningAttributesOrigin": "AWS_SES",
            },
            "are for the origin EXTERNAL",
        ),
    ],
)
def test_an_identity_is_not_created_with_half_of_what_was_asked_for(
    delegation: Delegation, attributes: dict[str, str], words: str
) -> None:
    code, message = refusal(
        delegation.v2.create_email_identity,
        EmailIdentity=delegation.domain,
        DkimSigningAttributes=attributes,
    )
    assert code == "BadRequestException" and words in message
    assert (
        refusal(delegation.v2.get_email_identity, EmailIdentity=delegation.domain)[0] == "NotFoundException"
    )


def test_a_mail_from_domain_is_where_bounces_of_delegates_mail_come_back(delegation: Delegation) -> None:
    delegation.v2.create_email_identity(EmailIdentity=delegation.domain)
    delegation.allow()
    domain = f"bounces.{delegation.domain}"
    delegation.v2.put_email_identity_mail_from_attributes(
        EmailIdentity=delegation.domain, MailFromDomain=domain, BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    found = delegation.v1.get_identity_mail_from_domain_attributes(Identities=[delegation.domain])
    assert found["MailFromDomainAttributes"][delegation.domain] == {
        "MailFromDomain": domain,
        "MailFromDomainStatus": "Success",
        "BehaviorOnMXFailure": "RejectMessage",
    }
    delegation.send("custom")
    assert delegation.arrived("custom").mail_from.endswith(f"@{domain}")
    delegation.v1.set_identity_mail_from_domain(Identity=delegation.domain)
    delegation.send("default")
    assert not delegation.arrived("default").mail_from.endswith(f"@{domain}")
    shown = delegation.v2.get_email_identity(EmailIdentity=delegation.domain)["MailFromAttributes"]
    assert shown == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    code, message = refusal(
        delegation.v1.set_identity_mail_from_domain,
        Identity=delegation.domain,
        MailFromDomain="elsewhere.example",
    )
    assert code == "InvalidParameterValue"
    assert "is not subdomain" in message


def test_a_mail_from_domain_that_is_not_ready_rejects_or_gives_way(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_DNS__AUTO_PUBLISH="false") as sesame:
        delegation = Delegation(sesame)
        sesame.vouch(delegation.owner, delegation.domain)
        delegation.allow()
        domain = f"bounces.{delegation.domain}"
        setting = {"Identity": delegation.domain, "MailFromDomain": domain}
        delegation.v1.set_identity_mail_from_domain(**setting, BehaviorOnMXFailure="RejectMessage")
        ses = sesame.client("ses", delegation.delegate)
        code, _ = refusal(ses.send_email, **delegation.email("rejected"))
        assert code == "MailFromDomainNotVerifiedException"
        delegation.v1.set_identity_mail_from_domain(**setting, BehaviorOnMXFailure="UseDefaultValue")
        delegation.send("default")
        assert not delegation.arrived("default").mail_from.endswith(f"@{domain}")
        found = delegation.v1.get_identity_mail_from_domain_attributes(Identities=[delegation.domain])
        assert found["MailFromDomainAttributes"][delegation.domain]["MailFromDomainStatus"] == "Pending"
