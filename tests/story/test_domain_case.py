"""The case of a domain tells nothing apart (RFC 4343): recipients, resources of policies, tags."""

import json

import pytest

from tests.support.process import wait_until
from tests.support.tenant import Tenant


def test_a_recipient_named_in_two_cases_of_its_domain_gets_one_copy(tenant: Tenant) -> None:
    name = f"d-{tenant.account.account_id}"
    sent = tenant.ses.send_email(
        Source="a@example.com",
        Destination={
            "ToAddresses": [f"{name}@rcpt.test", f"{name}@RCPT.Test"], "CcAddresses": [f"{name.upper()}@rcpt.test"],
        },
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    )  # fmt: skip
    recipients = tenant.sesame.run_json("trace", sent["MessageId"])["recipients"]
    assert [recipient["address"] for recipient in recipients] == [
        f"{name}@rcpt.test",
        f"{name.upper()}@rcpt.test",
    ]
    wait_until(lambda: [mail for mail in tenant.sesame.mail() if f"{name}@rcpt.test" in mail.rcpt_to])


@pytest.mark.parametrize(("effect", "allowed"), [("Allow", True), ("Deny", False)])
def test_a_policy_whose_resource_has_capitals_decides(tenant: Tenant, effect: str, allowed: bool) -> None:
    delegate = tenant.sesame.create_account()
    arn = tenant.arn
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": delegate.account_id}, "Action": "ses:SendEmail", "Resource": arn},
        {"Effect": effect, "Principal": {"AWS": delegate.account_id}, "Action": "ses:SendEmail",
         "Resource": arn.replace("example.com", "Example.COM")},
    ]  # fmt: skip
    for number, statement in enumerate(statements[1:] if allowed else statements):
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        tenant.ses.put_identity_policy(Identity="example.com", PolicyName=f"p{number}", Policy=document)
        held = tenant.ses.get_identity_policies(Identity="example.com", PolicyNames=[f"p{number}"])[
            "Policies"
        ]
        assert held == {f"p{number}": document}
    ses = tenant.sesame.client("ses", delegate)

    def send() -> bool:
        try:
            ses.send_email(
                Source="a@example.com",
                SourceArn=arn,
                Destination={"ToAddresses": ["r@outside.test"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            )
        except ses.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    assert send() is allowed


def test_addresses_people_write_are_taken_by_the_api_and_refused_in_the_words_of_ses(tenant: Tenant) -> None:
    v2 = tenant.sesame.client("sesv2", tenant.account)

    def send(to: str) -> None:
        v2.send_email(
            FromEmailAddress="Sam at sam@mail.example <a@example.com> (via List)",
            Destination={"ToAddresses": [to]},
            ReplyToAddresses=["info@x.test <info@x.test>"],
            Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        )

    send('"x y"@outside.test')
    send("Pat (Sales) <p@outside.test>")
    for to, text in (
        ("", "Invalid email address ."),
        ("k@ex\u00e4mple.net", "Domain contains illegal character"),
    ):
        with pytest.raises(v2.exceptions.BadRequestException) as caught:
            send(to)
        assert caught.value.response["Error"]["Message"] == text


@pytest.mark.parametrize(
    ("written", "kept"), [("=?utf-7?Q?+2AA-?=", "=?utf-7?Q?+2AA-?="), ("=?utf-8?Q?a=00b?=", "a\ufffdb")]
)
def test_a_subject_that_is_no_text_is_accepted_and_kept_as_text(
    tenant: Tenant, written: str, kept: str
) -> None:
    raw = f"From: a@example.com\r\nTo: r@outside.test\r\nSubject: {written}\r\n\r\nx"
    sent = tenant.ses.send_raw_email(RawMessage={"Data": raw.encode()})
    assert tenant.sesame.run_json("trace", sent["MessageId"])["subject"] == kept


def test_attributes_of_v1_stand_under_the_name_that_was_asked_for(tenant: Tenant) -> None:
    """Clients look up what they asked for; one that asks twice gets both."""
    ses, name = tenant.ses, f"Dom-{tenant.account.account_id}.Test"
    address = f"A@{name}"
    ses.verify_domain_identity(Domain=name)
    ses.verify_email_identity(EmailAddress=address)
    asked = [name, name.lower(), address, "nobody.test", name]
    want = {name, name.lower(), address}
    assert set(ses.get_identity_verification_attributes(Identities=asked)["VerificationAttributes"]) == want
    assert set(ses.get_identity_dkim_attributes(Identities=asked)["DkimAttributes"]) == want
    found = ses.get_identity_mail_from_domain_attributes(Identities=asked)["MailFromDomainAttributes"]
    assert set(found) == want
    assert set(ses.get_identity_notification_attributes(Identities=asked)["NotificationAttributes"]) == want


def test_a_domain_in_unicode_is_the_identity_of_its_a_labels(tenant: Tenant) -> None:
    """What is created under such a name is read, changed and deleted under it too."""
    ses, v2 = tenant.ses, tenant.sesame.client("sesv2", tenant.account)
    written, stored = f"b\u00fccher-{tenant.account.account_id}.test", ""
    v2.create_email_identity(EmailIdentity=written)
    [stored] = [name for name in ses.list_identities()["Identities"] if name.startswith("xn--")]
    assert v2.get_email_identity(EmailIdentity=written)["IdentityType"] == "DOMAIN"
    v2.put_email_identity_feedback_attributes(EmailIdentity=written, EmailForwardingEnabled=False)
    assert v2.get_email_identity(EmailIdentity=stored)["FeedbackForwardingStatus"] is False
    assert list(ses.get_identity_dkim_attributes(Identities=[written])["DkimAttributes"]) == [written]
    ses.delete_identity(Identity=written)
    assert stored not in ses.list_identities()["Identities"]
