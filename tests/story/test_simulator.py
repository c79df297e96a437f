"""The mailbox simulator by unmodified boto3: the whole way there and back, without the internet."""

import smtplib
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from sesame.aws.smtp_password import smtp_password
from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess, read_header, wait_until
from tests.support.tenant import Tenant


def send(tenant: Tenant, to: str) -> str:
    message_id: str = tenant.ses.send_email(
        Source="a@example.com",
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    )["MessageId"]
    return message_id


def sesv2(tenant: Tenant) -> Any:
    return tenant.sesame.client("sesv2", tenant.account)


def trace(sesame: SesameProcess, message_id: str) -> Any:
    return sesame.run_json("trace", message_id)


def statistics(tenant: Tenant) -> dict[str, int]:
    points = tenant.ses.get_send_statistics()["SendDataPoints"]
    names = ("DeliveryAttempts", "Bounces", "Complaints", "Rejects")
    return {name: sum(point[name] for point in points) for name in names}


def settled(sesame: SesameProcess, message_id: str, state: str, *, came_back: int = 0) -> Any:
    def look() -> Any:
        found = trace(sesame, message_id)
        is_there = found["recipients"][0]["state"] == state and len(found["reported"]) == came_back
        return found if is_there else None

    return wait_until(look)


@pytest.mark.parametrize("domain", ["simulator.amazonses.com", "simulator.sesame.localhost"])
@pytest.mark.parametrize("label", ["", "+label"])
def test_success_is_delivered(sesame: SesameProcess, tenant: Tenant, domain: str, label: str) -> None:
    found = settled(sesame, send(tenant, f"success{label}@{domain}"), "delivered")
    assert found["recipients"][0]["attempts"][0]["diagnostic"] == "250 Ok"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bounce+label", "550 5.1.1 As requested: user unknown <bounce+label@simulator.amazonses.com>"),
        (
            "suppressionlist",
            "550 5.1.1 As requested: user unknown (suppressed address: suppressionlist@simulator.amazonses.com)",
        ),
        ("nobody", "550 5.1.1 user unknown <nobody@simulator.amazonses.com>"),
    ],
)
def test_a_bounce_is_counted_and_suppresses_nobody(
    sesame: SesameProcess, tenant: Tenant, name: str, text: str
) -> None:
    address = f"{name}@simulator.amazonses.com"
    found = settled(sesame, send(tenant, address), "bounced")
    assert found["recipients"][0]["attempts"][0]["diagnostic"] == text
    expected = {"DeliveryAttempts": 1, "Bounces": 1, "Complaints": 0, "Rejects": 0}
    wait_until(lambda: statistics(tenant) == expected)
    assert sesv2(tenant).list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    assert tenant.ses.get_send_quota()["SentLast24Hours"] == 0


def test_a_complaint_comes_back_after_the_delivery(sesame: SesameProcess, tenant: Tenant) -> None:
    found = settled(sesame, send(tenant, "complaint@simulator.amazonses.com"), "delivered", came_back=1)
    (report,) = found["reported"]
    assert report["what"] == "complained"
    assert report["complaintFeedbackType"] == "abuse"
    assert report["userAgent"] == "Amazon SES Mailbox Simulator"
    assert report["arrivalDate"].endswith(".000Z")
    assert report["reporter"] == "127.0.0.1"
    wait_until(lambda: statistics(tenant)["Complaints"] == 1)
    assert sesv2(tenant).list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    assert sesv2(tenant).get_account()["EnforcementStatus"] == "HEALTHY"


def test_out_of_the_office_is_a_bounce_that_passes(sesame: SesameProcess, tenant: Tenant) -> None:
    found = settled(sesame, send(tenant, "ooto@simulator.amazonses.com"), "delivered", came_back=1)
    (report,) = found["reported"]
    assert (report["what"], report["bounceType"], report["bounceSubType"]) == (
        "bounced",
        "Transient",
        "General",
    )
    wait_until(lambda: statistics(tenant)["DeliveryAttempts"] == 1)
    assert statistics(tenant)["Bounces"] == 0


RAW = b"From: a@example.com\r\nTo: x@y.test\r\nReturn-Path: field@example.com\r\nSubject: s\r\n\r\nt\r\n"


def by_v1(tenant: Tenant, to: str) -> None:
    tenant.ses.send_email(
        Source="a@example.com",
        ReturnPath="path@example.com",
        Destination={"ToAddresses": [to]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    )


def by_v1_raw(tenant: Tenant, to: str) -> None:
    tenant.ses.send_raw_email(Destinations=[to], RawMessage={"Data": RAW})


def by_v2(tenant: Tenant, to: str) -> None:
    content = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    sesv2(tenant).send_email(
        FromEmailAddress="a@example.com",
        FeedbackForwardingEmailAddress="feedback@example.com",
        Destination={"ToAddresses": [to]},
        Content=content,
    )


def by_smtp(tenant: Tenant, to: str) -> None:
    host, _, port = tenant.sesame.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=PATIENCE_S) as client:
        client.starttls(context=ssl.create_default_context(cafile=tenant.sesame.ca))
        key = tenant.account.access_key_id
        client.login(key, smtp_password(tenant.account.secret_access_key, region="us-east-1"))
        client.sendmail("envelope@example.com", [to], RAW)


@pytest.mark.parametrize("name", ["bounce", "complaint"])
@pytest.mark.parametrize(
    ("door", "told"),
    [
        (by_v1, "path@example.com"),
        (by_v1_raw, "field@example.com"),
        (by_v2, "feedback@example.com"),
        (by_smtp, "envelope@example.com"),
    ],
)
def test_feedback_goes_by_mail_to_the_return_path_of_each_door(
    sesame: SesameProcess, tenant: Tenant, name: str, door: Callable[[Tenant, str], None], told: str
) -> None:
    """By mail from nobody, once; and to nobody once the owner has switched it off and named a topic."""

    def mails() -> list[str]:
        return [
            kind
            for mail in sesame.mail()
            if mail.rcpt_to == (told,) and mail.mail_from == "" and label in mail.data.decode()
            for kind in [str(read_header(mail).get_param("report-type"))]
        ]

    label = f"{name}+{tenant.account.account_id}"
    door(tenant, f"{label}@simulator.amazonses.com")
    expected = "delivery-status" if name == "bounce" else "feedback-report"
    assert wait_until(mails) == [expected]
    topic = tenant.sns.create_topic(Name="t")["TopicArn"]
    for kind in ("Bounce", "Complaint"):
        tenant.ses.set_identity_notification_topic(
            Identity="example.com", NotificationType=kind, SnsTopic=topic
        )
    tenant.ses.set_identity_feedback_forwarding_enabled(Identity="example.com", ForwardingEnabled=False)
    door(tenant, f"{label}@simulator.amazonses.com")
    column = "Bounces" if name == "bounce" else "Complaints"
    wait_until(lambda: statistics(tenant)[column] == 2)
    assert mails() == [expected]
