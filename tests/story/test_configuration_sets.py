"""Configuration sets and suppression by boto3: v1 and v2 over one store, and what sends and delivery make of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import REGION, Account, SesameProcess, running, wait_until
from tests.support.smtp_sink import Sink, listening
from tests.support.submission import logged_in


class Senders:
    """An account with a verified domain and both clients."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.account = sesame.create_account()
        self.domain = f"{self.account.account_id}.test"
        self.arn = sesame.vouch(self.account, self.domain)
        self.v1 = sesame.client("ses", self.account)
        self.v2 = sesame.client("sesv2", self.account)

    def send(self, to: str = "", **parameters: Any) -> str:
        """SendEmail of v1."""
        return str(self.v1.send_email(**self.email(to), **parameters)["MessageId"])

    def email(self, to: str = "") -> dict[str, Any]:
        """The parameters of a small message."""
        return {
            "Source": f"news@{self.domain}",
            "Destination": {"ToAddresses": [to or f"r@{self.account.account_id}.outside.test"]},
            "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        }

    def trace(self, message_id: str) -> Any:
        """What `sesame trace` knows."""
        return self.sesame.run_json("trace", message_id)


@pytest.fixture
def senders(sesame: SesameProcess) -> Senders:
    return Senders(sesame)


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response = error.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


def dimensions(name: str, default: str) -> dict[str, Any]:
    """A CloudWatch destination with one dimension."""
    dimension = {
        "DimensionName": name,
        "DimensionValueSource": "messageTag",
        "DefaultDimensionValue": default,
    }
    return {"DimensionConfigurations": [dimension]}


def test_what_v1_makes_v2_reads_and_changes(senders: Senders) -> None:
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "news"})
    assert refusal(senders.v1.create_configuration_set, ConfigurationSet={"Name": "news"})[:2] == (
        "ConfigurationSetAlreadyExists",
        "Configuration set <news> already exists.",
    )
    found = senders.v2.get_configuration_set(ConfigurationSetName="news")
    assert found["SendingOptions"] == {"SendingEnabled": True}
    assert "DeliveryOptions" not in found, "nobody set any"
    bare = senders.v1.describe_configuration_set(
        ConfigurationSetName="news", ConfigurationSetAttributeNames=["deliveryOptions"]
    )
    assert "DeliveryOptions" not in bare
    senders.v2.put_configuration_set_delivery_options(
        ConfigurationSetName="news", TlsPolicy="REQUIRE", MaxDeliverySeconds=600
    )
    senders.v1.update_configuration_set_reputation_metrics_enabled(ConfigurationSetName="news", Enabled=True)
    described = senders.v1.describe_configuration_set(
        ConfigurationSetName="news", ConfigurationSetAttributeNames=["deliveryOptions", "reputationOptions"]
    )
    assert described["DeliveryOptions"] == {"TlsPolicy": "Require"}
    assert described["ReputationOptions"]["ReputationMetricsEnabled"] is True
    senders.v1.put_configuration_set_delivery_options(
        ConfigurationSetName="news", DeliveryOptions={"TlsPolicy": "Optional"}
    )
    options = senders.v2.get_configuration_set(ConfigurationSetName="news")["DeliveryOptions"]
    assert options == {"TlsPolicy": "OPTIONAL", "MaxDeliverySeconds": 600}
    assert senders.v1.list_configuration_sets()["ConfigurationSets"] == [{"Name": "news"}]
    senders.v2.delete_configuration_set(ConfigurationSetName="news")
    assert refusal(senders.v1.describe_configuration_set, ConfigurationSetName="news") == (
        "ConfigurationSetDoesNotExist",
        "Configuration set <news> does not exist.",
        400,
    )
    assert refusal(senders.v2.get_configuration_set, ConfigurationSetName="news") == (
        "NotFoundException",
        "Configuration set <news> does not exist.",
        404,
    )


def test_v2_makes_a_set_with_everything_and_pages_through_them(senders: Senders) -> None:
    senders.v2.create_configuration_set(
        ConfigurationSetName="all",
        TrackingOptions={"CustomRedirectDomain": f"click.{senders.domain}", "HttpsPolicy": "REQUIRE"},
        DeliveryOptions={"TlsPolicy": "REQUIRE", "MaxDeliverySeconds": 300},
        ReputationOptions={"ReputationMetricsEnabled": True},
        SendingOptions={"SendingEnabled": False},
        SuppressionOptions={"SuppressedReasons": ["BOUNCE"]},
        Tags=[{"Key": "team", "Value": "news"}],
    )
    found = senders.v2.get_configuration_set(ConfigurationSetName="all")
    assert found["TrackingOptions"]["HttpsPolicy"] == "REQUIRE"
    assert found["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE"]}
    assert found["Tags"] == [{"Key": "team", "Value": "news"}]
    arn = f"arn:aws:ses:{REGION}:{senders.account.account_id}:configuration-set/all"
    senders.v2.tag_resource(ResourceArn=arn, Tags=[{"Key": "size", "Value": "l"}])
    assert len(senders.v2.list_tags_for_resource(ResourceArn=arn)["Tags"]) == 2
    for number in range(5):
        senders.v2.create_configuration_set(ConfigurationSetName=f"set-{number}")
    first = senders.v2.list_configuration_sets(PageSize=4)
    rest = senders.v2.list_configuration_sets(PageSize=4, NextToken=first["NextToken"])
    assert [*first["ConfigurationSets"], *rest["ConfigurationSets"]] == [
        "all",
        *(f"set-{n}" for n in range(5)),
    ]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a b", {}, "Invalid configuration set name <a b>"),
        ("x" * 65, {}, "Configuration set name cannot exceed 64 characters."),
        ("a", {"DeliveryOptions": {"MaxDeliverySeconds": 50401}}, "less than or equal to 50400"),
        ("a", {"DeliveryOptions": {"SendingPoolName": "p"}}, "SendingPool <p> doesn't exist"),
        (
            "a",
            {"TrackingOptions": {"CustomRedirectDomain": "x.example"}},
            "Domain <x.example> is not verified",
        ),
    ],
)
def test_what_cannot_be_a_set_is_refused(
    senders: Senders, name: str, options: dict[str, Any], words: str
) -> None:
    code, message, status = refusal(senders.v2.create_configuration_set, ConfigurationSetName=name, **options)
    assert (code, status) == ("BadRequestException", 400)
    assert words in message


def test_tracking_options_of_v1_know_whether_they_are_there(senders: Senders) -> None:
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "t"})
    options = {"ConfigurationSetName": "t", "TrackingOptions": {"CustomRedirectDomain": senders.domain}}
    assert refusal(senders.v1.update_configuration_set_tracking_options, **options)[0] == (
        "TrackingOptionsDoesNotExistException"
    )
    senders.v1.create_configuration_set_tracking_options(**options)
    assert refusal(senders.v1.create_configuration_set_tracking_options, **options)[0] == (
        "TrackingOptionsAlreadyExistsException"
    )
    senders.v1.delete_configuration_set_tracking_options(ConfigurationSetName="t")


def test_there_is_no_deliverability_manager_to_switch_on(senders: Senders) -> None:
    """That it is off is kept and shown, as Terraform says it; what would switch it on is refused."""
    off = {"DashboardOptions": {"EngagementMetrics": "DISABLED"}}
    on = {**off, "GuardianOptions": {"OptimizedSharedDelivery": "ENABLED"}}
    words = "OptimizedSharedDelivery cannot be ENABLED: there is no Virtual Deliverability Manager here."
    name = {"ConfigurationSetName": "vdm"}
    assert refusal(senders.v2.create_configuration_set, **name, VdmOptions=on)[:2] == (
        "BadRequestException",
        words,
    )
    senders.v2.create_configuration_set(**name, VdmOptions=off)
    assert senders.v2.get_configuration_set(**name)["VdmOptions"] == off
    assert refusal(senders.v2.put_configuration_set_vdm_options, **name, VdmOptions=on)[1] == words
    senders.v2.put_configuration_set_vdm_options(**name)
    assert "VdmOptions" not in senders.v2.get_configuration_set(**name)
    senders.v2.put_configuration_set_vdm_options(**name, VdmOptions=off)
    assert senders.v2.get_configuration_set(**name)["VdmOptions"] == off
    missing = refusal(
        senders.v2.put_configuration_set_vdm_options, ConfigurationSetName="gone", VdmOptions=off
    )
    assert missing[0] == "NotFoundException"
    senders.v2.put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "DISABLED"})
    assert senders.v2.get_account()["VdmAttributes"] == {"VdmEnabled": "DISABLED"}
    refused = refusal(senders.v2.put_account_vdm_attributes, VdmAttributes={"VdmEnabled": "ENABLED"})
    assert refused[0] == "BadRequestException" and refused[1].startswith("VdmEnabled cannot be ENABLED")


def test_an_https_policy_without_a_domain_is_kept_and_shown(senders: Senders) -> None:
    """v2 lets it be given alone; v1, which does not know it, neither sees nor loses it."""
    name = {"ConfigurationSetName": "https"}
    senders.v2.create_configuration_set(**name)
    senders.v2.put_configuration_set_tracking_options(**name, HttpsPolicy="REQUIRE")

    def shown() -> Any:
        return senders.v2.get_configuration_set(**name).get("TrackingOptions")

    def described() -> Any:
        return senders.v1.describe_configuration_set(
            **name, ConfigurationSetAttributeNames=["trackingOptions"]
        ).get("TrackingOptions")

    alone = {"CustomRedirectDomain": "", "HttpsPolicy": "REQUIRE"}  # the model requires the domain
    assert (shown(), described()) == (alone, None)
    missing = refusal(senders.v1.delete_configuration_set_tracking_options, **name)
    assert missing[0] == "TrackingOptionsDoesNotExistException"
    links = {"CustomRedirectDomain": senders.domain}
    senders.v1.create_configuration_set_tracking_options(**name, TrackingOptions=links)
    assert (shown(), described()) == ({**links, "HttpsPolicy": "REQUIRE"}, links)
    there = refusal(senders.v1.create_configuration_set_tracking_options, **name, TrackingOptions=links)
    assert there[0] == "TrackingOptionsAlreadyExistsException"
    senders.v1.delete_configuration_set_tracking_options(**name)
    assert (shown(), described()) == (alone, None)
    senders.v2.put_configuration_set_tracking_options(**name)
    assert (shown(), described()) == (None, None)
    made = {"ConfigurationSetName": "made"}
    senders.v2.create_configuration_set(**made, TrackingOptions=alone)
    assert senders.v2.get_configuration_set(**made)["TrackingOptions"] == alone
    senders.v1.create_configuration_set_tracking_options(**made, TrackingOptions=links)


def test_a_set_whose_tracking_domain_is_gone_can_be_changed_all_the_same(senders: Senders) -> None:
    """The domain is checked when it is named, and not whenever something else of the set is put."""
    name, domain = {"ConfigurationSetName": "gone"}, f"links.{senders.account.account_id}.test"
    senders.v2.create_email_identity(EmailIdentity=domain)
    senders.v2.create_configuration_set(**name, TrackingOptions={"CustomRedirectDomain": domain})
    senders.v2.delete_email_identity(EmailIdentity=domain)
    senders.v2.delete_email_identity(EmailIdentity=senders.domain)
    senders.v2.put_configuration_set_delivery_options(**name, TlsPolicy="REQUIRE")
    senders.v2.put_configuration_set_suppression_options(**name, SuppressedReasons=["BOUNCE"])
    senders.v1.put_configuration_set_delivery_options(**name, DeliveryOptions={"TlsPolicy": "Optional"})
    found = senders.v2.get_configuration_set(**name)
    assert found["DeliveryOptions"] == {"TlsPolicy": "OPTIONAL"}
    assert found["TrackingOptions"] == {"CustomRedirectDomain": domain}
    again = refusal(senders.v2.put_configuration_set_tracking_options, **name, CustomRedirectDomain=domain)
    assert again[0] == "BadRequestException"


def test_event_destinations_are_the_same_in_both(senders: Senders) -> None:
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "e"})
    firehose = {
        "IAMRoleARN": "arn:aws:iam::123456789012:role/r",
        "DeliveryStreamARN": "arn:aws:firehose:us-east-1:123456789012:deliverystream/s",
    }
    destination = {
        "Name": "fire",
        "MatchingEventTypes": ["send", "renderingFailure"],
        "KinesisFirehoseDestination": firehose,
    }
    enabled = refusal(
        senders.v1.create_configuration_set_event_destination,
        ConfigurationSetName="e",
        EventDestination={**destination, "Enabled": True},
    )
    assert enabled[0] == "InvalidParameterValue" and "There is no Firehose" in enabled[1]
    senders.v1.create_configuration_set_event_destination(
        ConfigurationSetName="e", EventDestination=destination
    )
    [found] = senders.v2.get_configuration_set_event_destinations(ConfigurationSetName="e")[
        "EventDestinations"
    ]
    assert found["MatchingEventTypes"] == ["SEND", "RENDERING_FAILURE"]
    assert found["KinesisFirehoseDestination"]["IamRoleArn"] == firehose["IAMRoleARN"]
    senders.v2.update_configuration_set_event_destination(
        ConfigurationSetName="e",
        EventDestinationName="fire",
        EventDestination={"Enabled": False, "MatchingEventTypes": ["BOUNCE", "DELIVERY_DELAY"]},
    )
    described = senders.v1.describe_configuration_set(
        ConfigurationSetName="e", ConfigurationSetAttributeNames=["eventDestinations"]
    )
    assert described["EventDestinations"] == [
        {
            "Name": "fire",
            "Enabled": False,
            "MatchingEventTypes": ["bounce"],
            "KinesisFirehoseDestination": firehose,
        }
    ]
    topic = {
        "Name": "sns",
        "MatchingEventTypes": ["send"],
        "SNSDestination": {"TopicARN": f"arn:aws:sns:{REGION}:1:gone"},
    }
    code, message, _ = refusal(
        senders.v1.create_configuration_set_event_destination,
        ConfigurationSetName="e",
        EventDestination=topic,
    )
    assert (code, message) == ("InvalidSNSDestination", f"SNS topic <arn:aws:sns:{REGION}:1:gone> not found.")
    twice = refusal(
        senders.v1.create_configuration_set_event_destination,
        ConfigurationSetName="e",
        EventDestination=destination,
    )
    assert twice[0] == "EventDestinationAlreadyExists"
    gone = {"ConfigurationSetName": "e", "EventDestinationName": "nobody"}
    assert refusal(senders.v2.delete_configuration_set_event_destination, **gone) == (
        "NotFoundException",
        "No EventDestination found for e",
        404,
    )


def test_an_event_destination_goes_to_one_place(senders: Senders) -> None:
    """Another place takes the place of the one there was; types are named once, and there is at least one."""
    firehose = {"IamRoleArn": "arn:aws:iam::123456789012:role/r", "DeliveryStreamArn": "arn:aws:firehose:s"}
    bus = {"EventBusArn": f"arn:aws:events:{REGION}:123456789012:event-bus/default"}
    topic = senders.sesame.client("sns", senders.account).create_topic(Name="t")["TopicArn"]
    senders.v2.create_configuration_set(ConfigurationSetName="place")
    senders.v2.create_configuration_set_event_destination(
        ConfigurationSetName="place",
        EventDestinationName="d",
        EventDestination={
            "MatchingEventTypes": ["SEND", "BOUNCE", "SEND"],
            "KinesisFirehoseDestination": firehose,
        },
    )

    def found() -> dict[str, Any]:
        listed = senders.v2.get_configuration_set_event_destinations(ConfigurationSetName="place")
        return dict(listed["EventDestinations"][0])

    def update(**definition: Any) -> None:
        senders.v2.update_configuration_set_event_destination(
            ConfigurationSetName="place", EventDestinationName="d", EventDestination=definition
        )

    was = {"Name": "d", "Enabled": False, "MatchingEventTypes": ["SEND", "BOUNCE"]}
    assert found() == {**was, "KinesisFirehoseDestination": firehose}
    update(EventBridgeDestination=bus)
    assert found() == {**was, "EventBridgeDestination": bus}
    update(Enabled=True, SnsDestination={"TopicArn": topic})
    assert found() == {**was, "Enabled": True, "SnsDestination": {"TopicArn": topic}}
    update(MatchingEventTypes=["CLICK", "CLICK"])
    assert found() == {
        "Name": "d", "Enabled": True, "MatchingEventTypes": ["CLICK"], "SnsDestination": {"TopicArn": topic},
    }  # fmt: skip
    none = {"EventDestinationName": "d", "EventDestination": {"MatchingEventTypes": []}}
    code, message, _ = refusal(
        senders.v2.update_configuration_set_event_destination, ConfigurationSetName="place", **none
    )
    assert (code, message) == ("BadRequestException", "An event destination needs at least one event type.")
    assert found()["MatchingEventTypes"] == ["CLICK"]


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"CloudWatchDestination": {"DimensionConfigurations": []}}, "InvalidCloudWatchDestination"),
        ({"CloudWatchDestination": dimensions("a b", "v")}, "InvalidCloudWatchDestination"),
        ({"CloudWatchDestination": dimensions("d" * 257, "v")}, "InvalidCloudWatchDestination"),
        ({"CloudWatchDestination": dimensions("d", "gr\u00f6\u00dfe")}, "InvalidCloudWatchDestination"),
        ({"CloudWatchDestination": dimensions("d", "")}, "InvalidCloudWatchDestination"),
        (
            {"KinesisFirehoseDestination": {"IAMRoleARN": "r" * 2049, "DeliveryStreamARN": "s"}},
            "InvalidFirehoseDestination",
        ),
        (
            {"KinesisFirehoseDestination": {"IAMRoleARN": "r", "DeliveryStreamARN": "s" * 2049}},
            "InvalidFirehoseDestination",
        ),
    ],
)
def test_a_place_that_cannot_be_is_refused_by_its_own_error(
    senders: Senders, place: dict[str, Any], code: str
) -> None:
    """Dimensions as the model describes them; ARNs are not kept without bounds."""
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "bad"})
    refused = refusal(
        senders.v1.create_configuration_set_event_destination,
        ConfigurationSetName="bad",
        EventDestination={"Name": "d", "MatchingEventTypes": ["send"], **place},
    )
    assert refused[0] == code
    fits = {
        "Name": "d",
        "MatchingEventTypes": ["send"],
        "CloudWatchDestination": dimensions("ses:d_1-" * 32, "a@b.c"),
    }
    senders.v1.create_configuration_set_event_destination(ConfigurationSetName="bad", EventDestination=fits)
    changed = refusal(
        senders.v2.update_configuration_set_event_destination,
        ConfigurationSetName="bad",
        EventDestinationName="d",
        EventDestination={"CloudWatchDestination": {"DimensionConfigurations": []}},
    )
    assert changed[0] == "BadRequestException"


def test_a_set_that_is_missing_or_paused_lets_nothing_through_on_any_door(senders: Senders) -> None:
    missing = "Configuration set <none> does not exist."
    assert refusal(senders.v1.send_email, **senders.email(), ConfigurationSetName="none")[:2] == (
        "ConfigurationSetDoesNotExist",
        missing,
    )
    for wrong in ({"Source": "a@not-verified.test"}, {"SourceArn": f"{senders.arn}:odd"}):  # it is told first
        email = {**senders.email(), **wrong}
        assert refusal(senders.v1.send_email, **email)[0] != "ConfigurationSetDoesNotExist"
        assert refusal(senders.v1.send_email, **email, ConfigurationSetName="none")[1] == missing
    raw = f"From: a@{senders.domain}\nTo: b@c.test\nX-SES-CONFIGURATION-SET: none\n\nx".encode()
    assert refusal(senders.v1.send_raw_email, RawMessage={"Data": raw})[1] == missing
    simple = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    v2_email = {
        "FromEmailAddress": f"a@{senders.domain}",
        "Destination": {"ToAddresses": ["b@c.test"]},
        "Content": simple,
    }
    assert refusal(senders.v2.send_email, **v2_email, ConfigurationSetName="none") == (
        "NotFoundException",
        missing,
        404,
    )
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "on"})
    senders.send(ConfigurationSetName="on")
    senders.v1.update_configuration_set_sending_enabled(ConfigurationSetName="on", Enabled=False)
    assert refusal(senders.v1.send_email, **senders.email(), ConfigurationSetName="on")[:2] == (
        "ConfigurationSetSendingPausedException",
        "Sending is paused for configuration set on",
    )
    assert (
        refusal(senders.v2.send_email, **v2_email, ConfigurationSetName="on")[0] == "SendingPausedException"
    )
    with logged_in(senders.sesame, senders.account) as client:
        client.mail(f"a@{senders.domain}")
        client.rcpt("b@c.test")
        text = raw.replace(b"none", b"on").decode()
        assert client.data(text) == (
            554,
            b"Transaction failed: Sending is paused for configuration set on",
        )
    senders.send()  # without the set


def test_the_callers_own_policies_must_allow_the_set(senders: Senders) -> None:
    user = Account(**senders.sesame.run_json("user", "create", senders.account.account_id, "mailer"))
    iam = senders.sesame.client("iam", senders.account)
    for name in ("mine", "theirs"):
        senders.v1.create_configuration_set(ConfigurationSet={"Name": name})
    prefix = f"arn:aws:ses:{REGION}:{senders.account.account_id}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "ses:SendEmail",
                "Resource": [senders.arn, f"{prefix}:configuration-set/mine"],
            }
        ],
    }
    iam.put_user_policy(UserName="mailer", PolicyName="p", PolicyDocument=json.dumps(policy))
    ses = senders.sesame.client("ses", user)
    assert ses.send_email(**senders.email(), ConfigurationSetName="mine")["MessageId"]
    code, message, _ = refusal(ses.send_email, **senders.email(), ConfigurationSetName="theirs")
    assert code == "AccessDenied"
    assert message.endswith(f"on resource `{prefix}:configuration-set/theirs'")


def test_a_default_set_must_be_allowed_like_one_that_is_named(senders: Senders) -> None:
    user = Account(**senders.sesame.run_json("user", "create", senders.account.account_id, "mailer"))
    iam = senders.sesame.client("iam", senders.account)
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "default"})
    senders.v1.create_configuration_set(ConfigurationSet={"Name": "other"})
    prefix = f"arn:aws:ses:{REGION}:{senders.account.account_id}:configuration-set"
    clients = [senders.sesame.client(name, user) for name in ("ses", "sesv2")]

    def may(*resources: str) -> None:
        statement = {"Effect": "Allow", "Action": "ses:Send*", "Resource": [senders.arn, *resources]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="mailer", PolicyName="p", PolicyDocument=policy)

    may()
    assert clients[0].send_email(**senders.email())["MessageId"]
    senders.v2.put_email_identity_configuration_set_attributes(
        EmailIdentity=senders.domain, ConfigurationSetName="default"
    )
    code, message, _ = refusal(clients[0].send_email, **senders.email())
    assert (code, message.rpartition(" ")[2]) == ("AccessDenied", f"`{prefix}/default'")
    may(f"{prefix}/default")
    assert clients[0].send_email(**senders.email())["MessageId"]
    assert (
        refusal(clients[0].send_email, **senders.email(), ConfigurationSetName="other")[0] == "AccessDenied"
    )
    may(f"{prefix}/other")
    assert refusal(clients[0].send_email, **senders.email())[0] == "AccessDenied"
    assert clients[0].send_email(**senders.email(), ConfigurationSetName="other")["MessageId"]
    senders.v2.put_email_identity_configuration_set_attributes(
        EmailIdentity=senders.domain, ConfigurationSetName="other"
    )
    assert clients[0].send_email(**senders.email())["MessageId"]


def test_a_fresh_start_of_reputation_is_kept(senders: Senders) -> None:
    begun = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    senders.v2.create_configuration_set(
        ConfigurationSetName="news",
        ReputationOptions={"ReputationMetricsEnabled": True, "LastFreshStart": begun},
    )
    senders.v2.put_configuration_set_reputation_options(ConfigurationSetName="news")
    found = senders.v2.get_configuration_set(ConfigurationSetName="news")["ReputationOptions"]
    assert found == {"ReputationMetricsEnabled": False, "LastFreshStart": begun}
    senders.v1.update_configuration_set_reputation_metrics_enabled(ConfigurationSetName="news", Enabled=True)
    described = senders.v1.describe_configuration_set(
        ConfigurationSetName="news", ConfigurationSetAttributeNames=["reputationOptions"]
    )["ReputationOptions"]
    assert (described["ReputationMetricsEnabled"], described["LastFreshStart"]) == (True, begun)


def test_a_set_that_is_resumed_begins_its_reputation_afresh(senders: Senders) -> None:
    """As the model has it: no fresh start until sending was disabled and enabled again, by either API."""

    def started() -> Any:
        described = senders.v1.describe_configuration_set(
            ConfigurationSetName="again", ConfigurationSetAttributeNames=["reputationOptions"]
        )["ReputationOptions"]
        found = senders.v2.get_configuration_set(ConfigurationSetName="again")["ReputationOptions"]
        assert described.get("LastFreshStart") == found.get("LastFreshStart")
        return found.get("LastFreshStart")

    senders.v1.create_configuration_set(ConfigurationSet={"Name": "again"})
    for enabled in (True, False):
        senders.v1.update_configuration_set_sending_enabled(ConfigurationSetName="again", Enabled=enabled)
        assert started() is None
    senders.v1.update_configuration_set_sending_enabled(ConfigurationSetName="again", Enabled=True)
    first = started()
    assert abs(first - datetime.now(UTC)).total_seconds() < 300
    senders.v1.update_configuration_set_sending_enabled(ConfigurationSetName="again", Enabled=True)
    senders.v2.put_configuration_set_sending_options(ConfigurationSetName="again", SendingEnabled=False)
    assert started() == first
    senders.v2.put_configuration_set_sending_options(ConfigurationSetName="again", SendingEnabled=True)
    assert started() > first


def test_the_scope_of_suppression_that_is_served_is_kept(senders: Senders) -> None:
    own = {"SuppressedReasons": ["BOUNCE"], "SuppressionScope": "ACCOUNT"}
    senders.v2.create_configuration_set(ConfigurationSetName="scope", SuppressionOptions=own)
    assert senders.v2.get_configuration_set(ConfigurationSetName="scope")["SuppressionOptions"] == own
    senders.v2.put_configuration_set_suppression_options(ConfigurationSetName="scope", SuppressedReasons=[])
    assert senders.v2.get_configuration_set(ConfigurationSetName="scope")["SuppressionOptions"] == {
        "SuppressedReasons": []
    }
    senders.v2.put_configuration_set_suppression_options(ConfigurationSetName="scope", **own)
    assert senders.v2.get_configuration_set(ConfigurationSetName="scope")["SuppressionOptions"] == own
    code, message, _ = refusal(
        senders.v2.put_configuration_set_suppression_options,
        ConfigurationSetName="scope",
        SuppressionScope="TENANT",
    )
    assert code == "NotImplemented" and "TENANT" in message


def test_an_identitys_default_set_is_for_its_owner_alone(senders: Senders) -> None:
    senders.v2.create_configuration_set(
        ConfigurationSetName="default", SendingOptions={"SendingEnabled": False}
    )
    senders.v2.put_email_identity_configuration_set_attributes(
        EmailIdentity=senders.domain, ConfigurationSetName="default"
    )
    assert senders.v2.get_email_identity(EmailIdentity=senders.domain)["ConfigurationSetName"] == "default"
    assert refusal(senders.v1.send_email, **senders.email())[0] == "ConfigurationSetSendingPausedException"
    delegate = senders.sesame.create_account()
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": "ses:SendEmail",
        "Resource": senders.arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    senders.v1.put_identity_policy(Identity=senders.domain, PolicyName="p", Policy=policy)
    ses = senders.sesame.client("ses", delegate)
    assert ses.send_email(**senders.email(), SourceArn=senders.arn)["MessageId"]
    senders.v2.delete_configuration_set(ConfigurationSetName="default")
    assert refusal(senders.v1.send_email, **senders.email())[0] == "ConfigurationSetDoesNotExist"
    senders.v2.put_email_identity_configuration_set_attributes(EmailIdentity=senders.domain)
    senders.send()


def test_a_suppressed_recipient_gets_nothing_and_the_others_do(senders: Senders) -> None:
    blocked, other = (f"{name}@{senders.account.account_id}.outside.test" for name in ("blocked", "other"))
    senders.v2.put_suppressed_destination(
        EmailAddress=blocked.replace("outside", "OUTSIDE"), Reason="COMPLAINT"
    )
    email = senders.email()
    email["Destination"] = {"ToAddresses": [blocked, other]}
    message_id = senders.v1.send_email(**email)["MessageId"]
    wait_until(lambda: any(other in mail.rcpt_to for mail in senders.sesame.mail()))
    assert not any(blocked in mail.rcpt_to for mail in senders.sesame.mail())
    states = {one["address"]: one["state"] for one in senders.trace(message_id)["recipients"]}
    assert states == {blocked: "suppressed", other: "delivered"}
    senders.v2.create_configuration_set(
        ConfigurationSetName="nobody", SuppressionOptions={"SuppressedReasons": []}
    )
    senders.send(blocked, ConfigurationSetName="nobody")
    wait_until(lambda: any(blocked in mail.rcpt_to for mail in senders.sesame.mail()))
    assert senders.v1.get_send_quota()["SentLast24Hours"] == 3.0


def test_capitals_do_not_help_past_the_list_and_the_trace_names_the_entry(senders: Senders) -> None:
    """As SES compares: without case as it sends, and exactly as the list is managed."""
    host = f"{senders.account.account_id}.outside.test"
    kept, sent = f"Ann.lee@{host}", f"ann.Lee@{host.upper()}"
    for address, reason in ((kept, "BOUNCE"), (f"ANN.LEE@{host}", "COMPLAINT")):
        senders.v2.put_suppressed_destination(EmailAddress=address, Reason=reason)

    def outcome(to: str, **parameters: Any) -> Any:
        return senders.trace(senders.send(to, **parameters))["recipients"][0]

    found = outcome(sent)
    assert found["state"] == "suppressed" and found["listed_as"] == [f"ANN.LEE@{host}", kept]
    [cause] = found["causes"]
    assert f"`{sent}` is on the account's suppression list as `ANN.LEE@{host}`, `{kept}`" in cause["cause"]
    assert cause["mend"]["addresses"] == [f"ANN.LEE@{host}", kept]
    assert refusal(senders.v2.delete_suppressed_destination, EmailAddress=sent)[0] == "NotFoundException"
    senders.v2.delete_suppressed_destination(EmailAddress=f"ANN.LEE@{host}")
    name = {"ConfigurationSetName": "some"}
    senders.v2.create_configuration_set(**name, SuppressionOptions={"SuppressedReasons": ["COMPLAINT"]})
    assert outcome(sent, **name)["state"] != "suppressed"  # what is left bounced
    senders.v2.put_configuration_set_suppression_options(**name, SuppressedReasons=["BOUNCE"])
    [cause] = outcome(sent, **name)["causes"]
    assert cause["mend"]["addresses"] == [kept] and f"--email-address {kept} " in cause["mend"]["text"]
    senders.v2.delete_suppressed_destination(EmailAddress=kept)
    assert outcome(sent)["state"] != "suppressed"


def test_a_set_that_is_told_no_reasons_does_as_its_account(senders: Senders) -> None:
    """An empty list turns suppression off; no list at all is no override, as on SES."""
    blocked = f"blocked@{senders.account.account_id}.outside.test"
    senders.v2.put_suppressed_destination(EmailAddress=blocked, Reason="BOUNCE")
    name = {"ConfigurationSetName": "whatever"}
    senders.v2.create_configuration_set(**name, SuppressionOptions={})
    put = senders.v2.put_configuration_set_suppression_options

    def outcome() -> tuple[str, object]:
        sent = senders.send(blocked, **name)
        state = senders.trace(sent)["recipients"][0]["state"]
        kept = senders.v2.get_configuration_set(**name).get("SuppressionOptions")
        return "suppressed" if state == "suppressed" else "sent", kept

    assert outcome() == ("suppressed", None)
    put(**name, SuppressedReasons=[])
    assert outcome() == ("sent", {"SuppressedReasons": []})
    put(**name)
    assert outcome() == ("suppressed", None)
    put(**name, SuppressedReasons=["COMPLAINT"])
    assert outcome() == ("sent", {"SuppressedReasons": ["COMPLAINT"]})
    put(**name, SuppressionScope="ACCOUNT")
    assert outcome() == ("suppressed", {"SuppressionScope": "ACCOUNT"})


def test_an_account_that_is_told_no_reasons_keeps_its_own(senders: Senders) -> None:
    put, get = senders.v2.put_account_suppression_attributes, senders.v2.get_account
    assert get()["SuppressionAttributes"] == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}
    put()
    assert get()["SuppressionAttributes"] == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}
    put(SuppressedReasons=["COMPLAINT"])
    put()
    assert get()["SuppressionAttributes"] == {"SuppressedReasons": ["COMPLAINT"]}
    put(SuppressedReasons=[])
    put()
    assert get()["SuppressionAttributes"] == {"SuppressedReasons": []}


def test_the_list_is_kept_by_address_reason_and_date(senders: Senders) -> None:
    for number in range(5):
        reason = "BOUNCE" if number % 2 else "COMPLAINT"
        senders.v2.put_suppressed_destination(EmailAddress=f" R{number}@Example.COM ", Reason=reason)
    found = senders.v2.get_suppressed_destination(EmailAddress="R1@EXAMPLE.com")["SuppressedDestination"]
    assert (found["EmailAddress"], found["Reason"]) == ("R1@example.com", "BOUNCE")
    assert refusal(senders.v2.get_suppressed_destination, EmailAddress="r1@example.com") == (
        "NotFoundException",
        "Email address r1@example.com does not exist on your suppression list.",
        404,
    )
    first = senders.v2.list_suppressed_destinations(Reasons=["COMPLAINT"], PageSize=2)
    rest = senders.v2.list_suppressed_destinations(
        Reasons=["COMPLAINT"], PageSize=2, NextToken=first["NextToken"]
    )
    shown = [one["EmailAddress"] for page in (first, rest) for one in page["SuppressedDestinationSummaries"]]
    assert shown == ["R0@example.com", "R2@example.com", "R4@example.com"]
    assert senders.v2.list_suppressed_destinations(EndDate=1_000_000)["SuppressedDestinationSummaries"] == []
    for number in range(5):
        senders.v2.delete_suppressed_destination(EmailAddress=f"R{number}@example.com")
    assert senders.v2.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    senders.v2.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    assert senders.v2.get_account()["SuppressionAttributes"] == {"SuppressedReasons": ["COMPLAINT"]}


def test_a_strange_token_of_the_list_has_an_error_of_its_own(senders: Senders) -> None:
    """The one operation of v2 whose model has it."""
    assert refusal(senders.v2.list_suppressed_destinations, NextToken="!") == (
        "InvalidNextTokenException",
        "Invalid NextToken.",
        400,
    )
    assert refusal(senders.v2.list_email_identities, NextToken="!")[0] == "BadRequestException"


def test_mail_that_requires_tls_never_goes_in_clear(tmp_path: Path) -> None:
    with listening(Sink()) as sink:  # offers no STARTTLS
        settings = {
            "SESAME_DELIVERY__RELAY": f"127.0.0.1:{sink.port}",
            "SESAME_DELIVERY__FIRST_DELAY_S": "0.01",
        }
        with running(tmp_path / "data", **settings) as sesame:
            senders = Senders(sesame)
            senders.v2.create_configuration_set(
                ConfigurationSetName="secret", DeliveryOptions={"TlsPolicy": "REQUIRE"}
            )
            held = senders.send("held@x.test", ConfigurationSetName="secret")
            senders.send("plain@x.test")
            wait_until(lambda: len(sink.received) == 1)
            wait_until(lambda: len(senders.trace(held)["recipients"][0]["attempts"]) >= 2)
            [recipient] = senders.trace(held)["recipients"]
    assert recipient["state"] == "queued"
    assert recipient["attempts"][0]["status"] == "4.7.5"
    assert [envelope.rcpt_tos for envelope in sink.received] == [["plain@x.test"]]


def test_an_address_that_does_not_exist_is_suppressed_by_its_bounce(tmp_path: Path) -> None:
    def answer(recipient: str, asked: int) -> str:
        return "250 Ok" if recipient.startswith("good") else "550 5.1.1 no such user"

    with listening(Sink(answer=answer)) as sink:
        with running(tmp_path / "data", SESAME_DELIVERY__RELAY=f"127.0.0.1:{sink.port}") as sesame:
            senders = Senders(sesame)
            first = senders.send("Gone@X.test")
            wait_until(lambda: senders.trace(first)["recipients"][0]["state"] == "bounced")
            wait_until(lambda: senders.v2.list_suppressed_destinations()["SuppressedDestinationSummaries"])
            found = senders.v2.get_suppressed_destination(EmailAddress="Gone@x.test")["SuppressedDestination"]
            assert (found["Reason"], found["Attributes"]["MessageId"]) == ("BOUNCE", first)
            assert len(found["Attributes"]["FeedbackId"]) == len(first)
            second = senders.send("Gone@x.test")
            assert senders.trace(second)["recipients"][0]["state"] == "suppressed"
            senders.v2.put_account_suppression_attributes(SuppressedReasons=[])
            third = senders.send("other@x.test")
            wait_until(lambda: senders.trace(third)["recipients"][0]["state"] == "bounced")
            assert refusal(senders.v2.get_suppressed_destination, EmailAddress="other@x.test")[2] == 404
        told = f"news@{senders.domain}"  # of the bounces, by mail
        asked = {address: times for address, times in sink.asked.items() if address != told}
        assert asked == {"Gone@X.test": 1, "other@x.test": 1}
