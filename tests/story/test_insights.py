"""What became of mail, by unmodified boto3: GetMessageInsights of a message, BatchGetMetricData by days."""

import http.client
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.support.patience import PATIENCE_S
from tests.support.process import wait_until
from tests.support.signed_client import SignedClient, policy
from tests.support.tenant import Tenant, put_policy, statement, tenant_of

SUCCESS, BOUNCE, COMPLAINT = (
    f"{name}@simulator.amazonses.com" for name in ("success", "bounce", "complaint")
)


def sesv2(tenant: Tenant) -> Any:
    return tenant.sesame.client("sesv2", tenant.account)


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def send(tenant: Tenant, *to: str, **parameters: Any) -> str:
    message_id: str = sesv2(tenant).send_email(
        FromEmailAddress="News <news@example.com>",
        Destination={"ToAddresses": list(to)},
        Content={"Simple": {"Subject": {"Data": "Café"}, "Body": {"Text": {"Data": "t"}}}},
        **parameters,
    )["MessageId"]
    return message_id


def lend(owner: Tenant, delegate: Tenant) -> None:
    put_policy(owner, Policy=statement(owner, Principal={"AWS": delegate.account.account_id}))


def insights(tenant: Tenant, message_id: str, *expected: tuple[str, ...]) -> Any:
    """The answer, once the recipients have these events."""

    def look() -> Any:
        found = sesv2(tenant).get_message_insights(MessageId=message_id)
        kinds = [tuple(event["Type"] for event in one["Events"]) for one in found["Insights"]]
        return found if kinds == list(expected) else None

    return wait_until(look)


def test_each_recipient_has_its_events(tenant: Tenant) -> None:
    sesv2(tenant).create_configuration_set(ConfigurationSetName="news")
    began = datetime.now(UTC).replace(microsecond=0)
    message_id = send(
        tenant,
        SUCCESS,
        BOUNCE,
        COMPLAINT,
        ConfigurationSetName="news",
        EmailTags=[{"Name": "campaign", "Value": "spring"}],
    )
    found = insights(
        tenant, message_id, ("SEND", "DELIVERY"), ("SEND", "BOUNCE"), ("SEND", "DELIVERY", "COMPLAINT")
    )
    assert (found["MessageId"], found["FromEmailAddress"], found["Subject"]) == (
        message_id,
        "news@example.com",
        "Café",
    )
    tags = {one["Name"]: one["Value"] for one in found["EmailTags"]}
    assert (tags["campaign"], tags["ses:configuration-set"], tags["ses:from-domain"]) == (
        "spring",
        "news",
        "example.com",
    )
    assert [one["Destination"] for one in found["Insights"]] == [SUCCESS, BOUNCE, COMPLAINT]
    delivered, bounced, complained = (one["Events"][-1] for one in found["Insights"])
    assert "Details" not in delivered
    assert began <= delivered["Timestamp"] <= datetime.now(UTC)
    assert bounced["Details"]["Bounce"] == {
        "BounceType": "PERMANENT",
        "BounceSubType": "General",
        "DiagnosticCode": "smtp; 550 5.1.1 As requested: user unknown <bounce@simulator.amazonses.com>",
    }
    assert complained["Details"]["Complaint"] == {"ComplaintFeedbackType": "abuse"}


def test_a_suppressed_recipient_bounces(tenant: Tenant) -> None:
    sesv2(tenant).put_suppressed_destination(EmailAddress="gone@elsewhere.test", Reason="COMPLAINT")
    sesv2(tenant).put_suppressed_destination(EmailAddress="dead@elsewhere.test", Reason="BOUNCE")
    message_id = send(tenant, "gone@elsewhere.test", "dead@elsewhere.test")
    found = insights(tenant, message_id, ("SEND", "COMPLAINT"), ("SEND", "BOUNCE"))
    complained, bounced = (one["Events"][-1]["Details"] for one in found["Insights"])
    assert complained["Complaint"] == {"ComplaintSubType": "OnAccountSuppressionList"}
    assert bounced["Bounce"]["BounceSubType"] == "OnAccountSuppressionList"


def test_it_is_told_to_who_sent_it_alone(tenant: Tenant) -> None:
    delegate = tenant_of(tenant.sesame)
    lend(tenant, delegate)
    message_id = send(delegate, SUCCESS, FromEmailAddressIdentityArn=tenant.arn)
    insights(delegate, message_id, ("SEND", "DELIVERY"))
    stranger = tenant_of(tenant.sesame)
    elsewhere = delegate.sesame.client("sesv2", delegate.account, region="eu-west-1")
    for other in (sesv2(tenant), sesv2(stranger), elsewhere):
        assert refusal(other.get_message_insights, MessageId=message_id) == (
            "NotFoundException",
            404,
            f"Message <{message_id}> does not exist.",
        )
    assert refusal(sesv2(delegate).get_message_insights, MessageId="none")[:2] == ("NotFoundException", 404)


def test_reading_takes_leave(tenant: Tenant) -> None:
    message_id = send(tenant, SUCCESS)
    nobody = tenant.user("nobody")
    assert refusal(sesv2(nobody).get_message_insights, MessageId=message_id)[:2] == (
        "AccessDeniedException",
        403,
    )
    reader = tenant.user(
        "reader", policy({"Effect": "Allow", "Action": "ses:GetMessageInsights", "Resource": "*"})
    )
    assert sesv2(reader).get_message_insights(MessageId=message_id)["MessageId"] == message_id


def query(metric: str, *, name: str = "q", days: int = 3, **dimensions: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "Id": name,
        "Namespace": "VDM",
        "Metric": metric,
        "StartDate": now - timedelta(days=days),
        "EndDate": now,
        **({"Dimensions": dimensions} if dimensions else {}),
    }


def totals(tenant: Tenant, *queries: Mapping[str, Any]) -> dict[str, int]:
    found = sesv2(tenant).batch_get_metric_data(Queries=list(queries))
    assert found["Errors"] == []
    for one in found["Results"]:
        assert all(at.astimezone(UTC).hour == 0 for at in one["Timestamps"])
        assert len(one["Timestamps"]) == len(one["Values"])
    return {one["Id"]: sum(one["Values"]) for one in found["Results"]}


def test_counts_by_metric_and_dimension(tenant: Tenant) -> None:
    sesv2(tenant).create_configuration_set(ConfigurationSetName="news")
    tenant.ses.verify_domain_identity(Domain="other.example")
    send(tenant, SUCCESS, BOUNCE, ConfigurationSetName="news")
    send(tenant, COMPLAINT)
    asked = ("SEND", "DELIVERY", "PERMANENT_BOUNCE", "COMPLAINT")
    everything = [query(metric, name=metric) for metric in asked]
    expected = dict(zip(asked, (3, 2, 1, 1), strict=True))
    wait_until(lambda: totals(tenant, *everything) == expected)
    arn = tenant.arn
    assert totals(
        tenant,
        query("SEND", name="identity", EMAIL_IDENTITY="EXAMPLE.com"),
        query("SEND", name="arn", EMAIL_IDENTITY=arn),
        query("SEND", name="set", CONFIGURATION_SET="news"),
        query("PERMANENT_BOUNCE", name="both", CONFIGURATION_SET="news", EMAIL_IDENTITY="example.com"),
        query("COMPLAINT", name="neither", CONFIGURATION_SET="news", EMAIL_IDENTITY="example.com"),
        query("SEND", name="other", EMAIL_IDENTITY="other.example"),
        query("TRANSIENT_BOUNCE", name="none"),
    ) == {"identity": 3, "arn": 3, "set": 2, "both": 1, "neither": 0, "other": 0, "none": 0}
    before = query("SEND") | {
        "StartDate": datetime(2001, 1, 1, tzinfo=UTC),
        "EndDate": datetime(2001, 2, 1, tzinfo=UTC),
    }
    assert sesv2(tenant).batch_get_metric_data(Queries=[before])["Results"] == [
        {"Id": "q", "Timestamps": [], "Values": []}
    ]


def test_a_query_is_answered_to_who_may_ask_it(tenant: Tenant) -> None:
    send(tenant, SUCCESS)
    reader = tenant.user(
        "reader", policy({"Effect": "Allow", "Action": "ses:BatchGetMetricData", "Resource": tenant.arn})
    )
    own = query("SEND", name="own", EMAIL_IDENTITY="example.com")
    found = sesv2(reader).batch_get_metric_data(Queries=[own, query("SEND", name="all")])
    assert [(one["Id"], sum(one["Values"])) for one in found["Results"]] == [("own", 1)]
    (error,) = found["Errors"]
    assert (error["Id"], error["Code"]) == ("all", "ACCESS_DENIED")
    assert "ses:BatchGetMetricData" in error["Message"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        sesv2(reader).batch_get_metric_data(Queries=[query("SEND")])


def test_a_delegates_counts_are_its_own(tenant: Tenant) -> None:
    delegate = tenant_of(tenant.sesame)
    lend(tenant, delegate)
    send(delegate, SUCCESS, FromEmailAddressIdentityArn=tenant.arn)
    assert totals(delegate, query("SEND", EMAIL_IDENTITY=tenant.arn)) == {"q": 1}
    assert totals(delegate, query("SEND", EMAIL_IDENTITY="example.com")) == {"q": 0}
    assert totals(tenant, query("SEND", EMAIL_IDENTITY=tenant.arn)) == {"q": 0}
    assert totals(tenant, query("SEND")) == {"q": 0}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"Metric": "OPEN"}, "NotImplemented"),
        ({"Metric": "DELIVERY_OPEN"}, "NotImplemented"),
        ({"Dimensions": {"ISP": "Gmail"}}, "NotImplemented"),
        ({"Dimensions": {"TENANT_NAME": "t"}}, "NotImplemented"),
        ({"Dimensions": {"EMAIL_IDENTITY": "arn:aws:s3:::b"}}, "BadRequestException"),
        (
            {"Dimensions": {"EMAIL_IDENTITY": "arn:aws:ses:eu-west-1:111111111111:identity/x.test"}},
            "BadRequestException",
        ),
        ({"Metric": "OTHER"}, "BadRequestException"),
        ({"EndDate": datetime(2001, 1, 1, tzinfo=UTC)}, "BadRequestException"),
        ({"StartDate": 1e300, "EndDate": 1e301}, "SerializationException"),
        ({"StartDate": -1e300}, "SerializationException"),
    ],
)
def test_what_is_not_counted_is_refused_by_name(
    tenant: Tenant, changed: Mapping[str, Any], expected: str
) -> None:
    body = json.dumps({"Queries": [as_sent({**query("SEND"), **changed})]}).encode()
    target, plain = "/v2/email/metrics/batch", {"Content-Type": "application/json"}
    with SignedClient(tenant.sesame.api, tenant.account) as signed:
        headers = signed.signed("POST", target, plain, body)
    connection = http.client.HTTPConnection(urlsplit(tenant.sesame.api).netloc, timeout=PATIENCE_S)
    with closing(connection):
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        answer = response.read().decode()
    code = (response.getheader("x-amzn-ErrorType") or "").partition(":")[0]
    assert code == expected, answer


def as_sent(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.timestamp() if isinstance(value, datetime) else value for name, value in query.items()
    }
