"""Errors of SES v1 carry the members that their shapes have: boto3 gives them beside `Error`."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.tenant import MESSAGE, TO, Tenant

SET = {"ConfigurationSetName": "s"}
DESTINATION = {"Name": "d", "MatchingEventTypes": ["send"], "CloudWatchDestination": {"DimensionConfigurations": [
    {"DimensionName": "n", "DimensionValueSource": "messageTag", "DefaultDimensionValue": "v"}]}}  # fmt: skip
NO_TOPIC = {
    "Name": "t",
    "MatchingEventTypes": ["send"],
    "SNSDestination": {"TopicARN": "arn:aws:sns:us-east-1:1:t"},
}
BROKEN = {"TemplateName": "t", "SubjectPart": "s", "TextPart": "{{#if}}"}
CUSTOM = {
    "TemplateName": "c", "FromEmailAddress": "news@example.com", "TemplateSubject": "s", "TemplateContent": "<p>x</p>",
    "SuccessRedirectionURL": "https://a.test/", "FailureRedirectionURL": "https://a.test/",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "members", "call"),
    [
        ("ConfigurationSetDoesNotExist", {"ConfigurationSetName": "x"},
         lambda ses: ses.describe_configuration_set(ConfigurationSetName="x")),
        ("ConfigurationSetDoesNotExist", {"ConfigurationSetName": "x"},
         lambda ses: ses.send_email(Source="a@example.com", Destination=TO, Message=MESSAGE, ConfigurationSetName="x")),
        ("ConfigurationSetAlreadyExists", SET,
         lambda ses: ses.create_configuration_set(ConfigurationSet={"Name": "s"})),
        ("EventDestinationAlreadyExists", {**SET, "EventDestinationName": "d"},
         lambda ses: ses.create_configuration_set_event_destination(**SET, EventDestination=DESTINATION)),
        ("EventDestinationDoesNotExist", {**SET, "EventDestinationName": "x"},
         lambda ses: ses.delete_configuration_set_event_destination(**SET, EventDestinationName="x")),
        ("InvalidSNSDestination", {**SET, "EventDestinationName": "t"},
         lambda ses: ses.create_configuration_set_event_destination(**SET, EventDestination=NO_TOPIC)),
        ("TrackingOptionsDoesNotExistException", SET,
         lambda ses: ses.delete_configuration_set_tracking_options(**SET)),
        ("TemplateDoesNotExist", {"TemplateName": "x"}, lambda ses: ses.get_template(TemplateName="x")),
        ("AlreadyExists", {"Name": "known"},
         lambda ses: ses.create_template(Template={"TemplateName": "known", "SubjectPart": "s", "TextPart": "x"})),
        ("InvalidTemplate", {"TemplateName": "t"}, lambda ses: ses.create_template(Template=BROKEN)),
        ("MissingRenderingAttribute", {"TemplateName": "known"},
         lambda ses: ses.test_render_template(TemplateName="known", TemplateData="{}")),
        ("InvalidRenderingParameter", {"TemplateName": "known"},
         lambda ses: ses.test_render_template(TemplateName="known", TemplateData="[")),
        ("CustomVerificationEmailTemplateDoesNotExist", {"CustomVerificationEmailTemplateName": "x"},
         lambda ses: ses.get_custom_verification_email_template(TemplateName="x")),
        ("CustomVerificationEmailTemplateAlreadyExists", {"CustomVerificationEmailTemplateName": "c"},
         lambda ses: ses.create_custom_verification_email_template(**CUSTOM)),
        ("FromEmailAddressNotVerified", {"FromEmailAddress": "a@other.test"},
         lambda ses: ses.create_custom_verification_email_template(
             **{**CUSTOM, "TemplateName": "d", "FromEmailAddress": "a@other.test"})),
        ("ConfigurationSetSendingPausedException", {"ConfigurationSetName": "paused"},
         lambda ses: ses.send_email(
             Source="a@example.com", Destination=TO, Message=MESSAGE, ConfigurationSetName="paused")),
    ],
)  # fmt: skip
def test_an_error_names_what_it_is_about(
    tenant: Tenant, code: str, members: dict[str, str], call: Callable[[Any], Any]
) -> None:
    ses = tenant.ses
    ses.create_configuration_set(ConfigurationSet={"Name": "s"})
    ses.create_configuration_set_event_destination(**SET, EventDestination=DESTINATION)
    ses.create_configuration_set(ConfigurationSet={"Name": "paused"})
    ses.update_configuration_set_sending_enabled(ConfigurationSetName="paused", Enabled=False)
    ses.create_template(Template={"TemplateName": "known", "SubjectPart": "s", "TextPart": "{{name}}"})
    ses.create_custom_verification_email_template(**CUSTOM)
    with pytest.raises(ClientError) as caught:
        call(ses)
    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    assert {name: answer.get(name) for name in members} == members
