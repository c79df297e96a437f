"""Whatever comes in at the SES API v2, the answer is one that botocore reads: never a fault of ours.

For every operation of the model: least, missing, wrongly typed, too long and out-of-enum input, signed; for
every served one, hostile text in every place of a usual request. Inputs are made from botocore's own model.
"""

import base64
import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import botocore.session
import pytest
from botocore.parsers import create_parser

from sesame.aws.model import ServiceModel
from tests.model.test_every_input import NOT_SERVED, least
from tests.model.test_hostile_values import HOSTILE
from tests.support.process import Account, SesameProcess
from tests.support.rest_client import RestClient, RestReply
from tests.support.signed_client import policy
from tests.support.tenant import CUSTOM, Tenant

MODEL = botocore.session.get_session().get_service_model("sesv2")
OF_SIGNATURE_OR_JSON = {"SerializationException", "AccessDeniedException", NOT_SERVED}
WRONG: tuple[Any, ...] = (
    "", "x" * 300, "x" * 140_000, "\ud800", "a\0", "not-in-enum", -1, 10**25, 1e300, True, None,
    [], [None], [[]], ["x"] * 300, {}, {"a": 1}, {"Name": []},
)  # fmt: skip
WRONG_LABELS = (
    "x" * 300,
    "%2F",
    "a%40b",
    "%C3%A9",
    "%2E%2E",
    "%00",
    "%ff",
    "%",
    "+",
    "a@b",
    "%25",
    "x" * 9000,
)
WRONG_QUERY = (
    "",
    "x" * 300,
    "-1",
    "99999999999999999999",
    "%C3%A9",
    "%00",
    "True",
    "2026-01-01T00%3A00%3A00Z",
    "a%2Bb",
)
_LABEL = re.compile(r"\{(\w+)\+?\}")


def as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def parts(name: str) -> tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Method, template, least labels, shapes of query and body members, least body."""
    operation = MODEL.operation_model(name)
    shape = operation.input_shape
    labels: dict[str, str] = {}
    query: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for member_name, member in shape.members.items():
        place = member.serialization.get("location")
        wire = member.serialization.get("name", member_name)
        if place == "uri":
            labels[wire] = quote(str(least(member)), safe="")
        elif place == "querystring":
            query[wire] = member
        else:
            body[wire] = member
    base = {wire: as_json(least(body[wire])) for wire in shape.required_members if wire in body}
    return operation.http["method"], operation.http["requestUri"], labels, query, body, base


def variants(name: str) -> Iterator[tuple[str, str, Any]]:
    """Requests as method, target and body: the least, and each with one thing wrong."""
    method, template, labels, query, body, base = parts(name)

    def target(**other: str) -> str:
        return _LABEL.sub(lambda label: {**labels, **other}[label[1]], template)

    content = base if body else None
    yield method, target(), content
    yield method, f"{target()}?Unknown=x&unknown=y", content if content is None else {**base, "Unknown": [1]}
    for label in labels:
        for text in WRONG_LABELS:
            yield method, target(**{label: text}), content
    for wire in query:
        for text in WRONG_QUERY:
            yield method, f"{target()}?{wire}={text}", content
        yield method, f"{target()}?{wire}=1&{wire}=2", content
    for wire in base:
        yield method, target(), {key: value for key, value in base.items() if key != wire}
    for wire, member in body.items():
        for value in (*WRONG, as_json(least(member))):
            yield method, target(), {**base, wire: value}
    if body:
        for raw in (b"", b"{", b"[]", b"null", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 50_000):
            yield method, target(), raw


def check(reply: RestReply, name: str) -> str:
    """The reply is what botocore reads, and what the model or AWS's common errors name; its code."""
    operation = MODEL.operation_model(name)
    answer = {"status_code": reply.status, "headers": dict(reply.headers), "body": reply.body}
    parsed = create_parser("rest-json").parse(answer, operation.output_shape)
    if reply.status == 200:
        assert "Error" not in parsed
        return "ok"
    code = str(parsed["Error"]["Code"])
    modelled = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in operation.error_shapes}
    assert code in modelled or code in OF_SIGNATURE_OR_JSON, (name, code, reply)
    assert reply.status == modelled.get(code, reply.status)
    assert parsed["Error"]["Message"], reply
    assert reply.status < 500 or code == NOT_SERVED, (name, reply)
    return code


@pytest.fixture(scope="module")
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account()


def test_every_operation_of_v2_answers_every_input(sesame: SesameProcess, account: Account) -> None:
    served = ServiceModel.load("sesv2").operations
    codes: Counter[str] = Counter()
    with RestClient(sesame.api, account) as client:
        for name in MODEL.operation_names:
            for number, (method, target, body) in enumerate(variants(name)):
                reply = client.call(method, target, body)
                if reply.code == "UnknownOperationException":
                    assert reply.status == 404 and number > 0, (name, target)
                    codes[reply.code] += 1
                    continue
                code = check(reply, name)
                codes[code] += 1
                if code == NOT_SERVED:
                    assert name in reply.message or name in served, (name, reply)
                    if name not in served and number >= 2:
                        break
    assert len(MODEL.operation_names) - len(served) <= codes[NOT_SERVED] / 3
    assert codes["ok"] > 10 and codes["BadRequestException"] > 100, codes
    assert codes["SerializationException"] > 100 and codes["NotFoundException"] > 5, codes
    assert "internal_failure" not in sesame.log_path.read_text()


SIMPLE = {
    "Subject": {"Data": "s", "Charset": "UTF-8"},
    "Body": {"Text": {"Data": "t", "Charset": "UTF-8"}, "Html": {"Data": "<p>t", "Charset": "UTF-8"}},
    "Headers": [{"Name": "X-A", "Value": "v"}],
    "Attachments": [
        {
            "RawContent": "eA==",
            "FileName": "a.txt",
            "ContentType": "text/plain",
            "ContentId": "i@d",
            "ContentDescription": "d",
            "ContentDisposition": "INLINE",
            "ContentTransferEncoding": "SEVEN_BIT",
        }
    ],
}
SEND = {
    "FromEmailAddress": "N <news@example.com>",
    "FromEmailAddressIdentityArn": "{arn}",
    "Destination": {
        "ToAddresses": ["r@outside.test"],
        "CcAddresses": ["c@outside.test"],
        "BccAddresses": ["b@outside.test"],
    },
    "FeedbackForwardingEmailAddress": "bounces@example.com",
    "FeedbackForwardingEmailAddressIdentityArn": "{arn}",
    "EmailTags": [{"Name": "n", "Value": "v"}],
    "ConfigurationSetName": "",
}
RAW = base64.b64encode(b"From: a@example.com\r\nTo: r@outside.test\r\n\r\nx").decode()
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "ses:*", "Resource": "{arn}"}
HERE = "/v2/email/identities/example.com"
TEMPLATES = "/v2/email/templates"
LISTS = "/v2/email/contact-lists"
TOPIC = {"TopicName": "t", "DisplayName": "T", "Description": "d", "DefaultSubscriptionStatus": "OPT_IN"}
CHOICE = {"TopicName": "t", "SubscriptionStatus": "OPT_OUT"}
PARTS = {"Subject": "{{name}}", "Text": "{{name}}", "Html": "t"}
TEMPLATE = {
    "TemplateData": '{"name": 1}',
    "Headers": SIMPLE["Headers"],
    "Attachments": SIMPLE["Attachments"],
}
SENDS = "/v2/email/outbound-emails"
SETS = "/v2/email/configuration-sets"
POOLS, IPS = "/v2/email/dedicated-ip-pools", "/v2/email/dedicated-ips"
CUSTOMS = "/v2/email/custom-verification-email-templates"
USUAL: dict[str, list[tuple[str, str, Any]]] = {
    "SendEmail": [
        ("POST", SENDS, {**SEND, "ReplyToAddresses": ["a@example.com"], "Content": {"Simple": SIMPLE}}),
        ("POST", SENDS, {**SEND, "Content": {"Raw": {"Data": RAW}}}),
        ("POST", SENDS, {**SEND, "Content": {"Template": {**TEMPLATE, "TemplateName": "t"}}}),
        ("POST", SENDS, {**SEND, "Content": {"Template": {**TEMPLATE, "TemplateContent": PARTS}}}),
    ],
    "CreateEmailIdentity": [("POST", "/v2/email/identities", {
        "EmailIdentity": "new.test", "Tags": [{"Key": "k", "Value": "v"}]})],
    "SendBulkEmail": [
        ("POST", "/v2/email/outbound-bulk-emails", {
            "FromEmailAddress": "news@example.com",
            "DefaultEmailTags": [{"Name": "n", "Value": "v"}],
            "DefaultContent": {"Template": {**TEMPLATE, "TemplateName": "t"}},
            "BulkEmailEntries": [{
                "Destination": {"ToAddresses": ["r@outside.test"]},
                "ReplacementTags": [{"Name": "n", "Value": "v"}],
                "ReplacementHeaders": [{"Name": "X-A", "Value": "v"}],
                "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": "{}"}},
            }],
        }),
    ],
    "PutEmailIdentityDkimAttributes": [("PUT", f"{HERE}/dkim", {"SigningEnabled": True})],
    "PutEmailIdentityDkimSigningAttributes": [("PUT", f"{HERE}/dkim/signing", {
        "SigningAttributesOrigin": "EXTERNAL",
        "SigningAttributes": {"DomainSigningSelector": "s", "DomainSigningPrivateKey": "YQ=="}})],
    "PutEmailIdentityMailFromAttributes": [("PUT", f"{HERE}/mail-from", {
        "MailFromDomain": "m.example.com", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"})],
    "PutEmailIdentityFeedbackAttributes": [
        ("PUT", f"{HERE}/feedback", {"EmailForwardingEnabled": True})],
    "CreateContactList": [("POST", LISTS, {
        "ContactListName": "l", "Description": "d", "Topics": [TOPIC], "Tags": [{"Key": "k", "Value": "v"}]})],
    "GetContactList": [("GET", f"{LISTS}/l", None), ("GET", f"{LISTS}/example.com", None)],
    "ListContactLists": [("GET", f"{LISTS}?PageSize=1&NextToken=YQ%3D%3D", None)],
    "UpdateContactList": [("PUT", f"{LISTS}/l", {"Description": "d", "Topics": [TOPIC]})],
    "CreateContact": [("POST", f"{LISTS}/l/contacts", {
        "EmailAddress": "a@example.com", "TopicPreferences": [CHOICE], "AttributesData": "{}"})],
    "GetContact": [("GET", f"{LISTS}/l/contacts/a@example.com", None)],
    "ListContacts": [("POST", f"{LISTS}/l/contacts/list", {
        "PageSize": 1, "NextToken": "YQ==", "Filter": {
            "FilteredStatus": "OPT_IN", "TopicFilter": {"TopicName": "t"}}})],
    "UpdateContact": [("PUT", f"{LISTS}/l/contacts/a@example.com", {
        "TopicPreferences": [CHOICE], "AttributesData": "{}"})],
    "DeleteContact": [("DELETE", f"{LISTS}/l/contacts/gone@example.com", None)],
    "DeleteContactList": [("DELETE", f"{LISTS}/example.com", None)],
    "CreateDedicatedIpPool": [("POST", POOLS, {
        "PoolName": "p", "ScalingMode": "STANDARD", "Tags": [{"Key": "k", "Value": "v"}]})],
    "GetDedicatedIpPool": [("GET", f"{POOLS}/example.com", None)],
    "ListDedicatedIpPools": [("GET", f"{POOLS}?PageSize=1&NextToken=YQ%3D%3D", None)],
    "PutDedicatedIpPoolScalingAttributes": [
        ("PUT", f"{POOLS}/example.com/scaling", {"ScalingMode": "MANAGED"})],
    "DeleteDedicatedIpPool": [("DELETE", f"{POOLS}/example.com", None)],
    "GetDedicatedIp": [("GET", f"{IPS}/example.com", None)],
    "GetDedicatedIps": [("GET", f"{IPS}?PoolName=example.com&PageSize=1&NextToken=YQ%3D%3D", None)],
    "PutDedicatedIpInPool": [("PUT", f"{IPS}/example.com/pool", {"DestinationPoolName": "p"})],
    "PutDedicatedIpWarmupAttributes": [("PUT", f"{IPS}/example.com/warmup", {"WarmupPercentage": 5})],
    "PutAccountDedicatedIpWarmupAttributes": [
        ("PUT", "/v2/email/account/dedicated-ips/warmup", {"AutoWarmupEnabled": True})],
    "CreateConfigurationSet": [("POST", SETS, {
        "ConfigurationSetName": "s", "TrackingOptions": {"CustomRedirectDomain": "example.com"},
        "DeliveryOptions": {"TlsPolicy": "REQUIRE", "MaxDeliverySeconds": 300},
        "SuppressionOptions": {"SuppressedReasons": ["BOUNCE"]}, "Tags": [{"Key": "k", "Value": "v"}]})],
    "GetConfigurationSet": [("GET", f"{SETS}/example.com", None), ("GET", f"{SETS}/s", None)],
    "ListConfigurationSets": [("GET", f"{SETS}?PageSize=1&NextToken=YQ%3D%3D", None)],
    "DeleteConfigurationSet": [("DELETE", f"{SETS}/example.com", None)],
    "PutConfigurationSetSendingOptions": [("PUT", f"{SETS}/s/sending", {"SendingEnabled": True})],
    "PutConfigurationSetSuppressionOptions": [
        ("PUT", f"{SETS}/s/suppression-options", {"SuppressedReasons": ["BOUNCE"]})],
    "PutConfigurationSetReputationOptions": [
        ("PUT", f"{SETS}/s/reputation-options", {"ReputationMetricsEnabled": True})],
    "PutConfigurationSetDeliveryOptions": [
        ("PUT", f"{SETS}/s/delivery-options", {"TlsPolicy": "REQUIRE", "MaxDeliverySeconds": 300})],
    "PutConfigurationSetTrackingOptions": [
        ("PUT", f"{SETS}/s/tracking-options", {"CustomRedirectDomain": "example.com"})],
    "PutConfigurationSetVdmOptions": [("PUT", f"{SETS}/s/vdm-options", {"VdmOptions": {
        "DashboardOptions": {"EngagementMetrics": "DISABLED"},
        "GuardianOptions": {"OptimizedSharedDelivery": "DISABLED"}}})],
    "CreateConfigurationSetEventDestination": [("POST", f"{SETS}/s/event-destinations", {
        "EventDestinationName": "d", "EventDestination": {"Enabled": False, "MatchingEventTypes": ["SEND"],
        "KinesisFirehoseDestination": {"IamRoleArn": "r", "DeliveryStreamArn": "s"}}})],
    "GetConfigurationSetEventDestinations": [("GET", f"{SETS}/s/event-destinations", None)],
    "UpdateConfigurationSetEventDestination": [("PUT", f"{SETS}/s/event-destinations/example.com", {
        "EventDestination": {"Enabled": False, "MatchingEventTypes": ["SEND"],
        "EventBridgeDestination": {"EventBusArn": "b"}}})],
    "DeleteConfigurationSetEventDestination": [("DELETE", f"{SETS}/s/event-destinations/example.com", None)],
    "PutEmailIdentityConfigurationSetAttributes": [
        ("PUT", f"{HERE}/configuration-set", {"ConfigurationSetName": ""})],
    "PutAccountSuppressionAttributes": [
        ("PUT", "/v2/email/account/suppression", {"SuppressedReasons": ["BOUNCE"]})],
    "PutSuppressedDestination": [
        ("PUT", "/v2/email/suppression/addresses", {"EmailAddress": "a@b.test", "Reason": "BOUNCE"})],
    "GetSuppressedDestination": [("GET", "/v2/email/suppression/addresses/a@example.com", None)],
    "DeleteSuppressedDestination": [("DELETE", "/v2/email/suppression/addresses/a@example.com", None)],
    "ListSuppressedDestinations": [
        ("GET", "/v2/email/suppression/addresses?Reason=BOUNCE&PageSize=1&NextToken=YQ%3D%3D", None)],
    "CreateEmailTemplate": [
        ("POST", TEMPLATES, {
            "TemplateName": "t", "TemplateContent": PARTS, "Tags": [{"Key": "k", "Value": "v"}]}),
    ],
    "UpdateEmailTemplate": [("PUT", f"{TEMPLATES}/t", {"TemplateContent": PARTS})],
    "GetEmailTemplate": [("GET", f"{TEMPLATES}/example.com", None), ("GET", f"{TEMPLATES}/t", None)],
    "TestRenderEmailTemplate": [("POST", f"{TEMPLATES}/t/render", {"TemplateData": '{"name": 1}'})],
    "ListEmailTemplates": [("GET", f"{TEMPLATES}?PageSize=1&NextToken=YQ%3D%3D", None)],
    "DeleteEmailTemplate": [("DELETE", f"{TEMPLATES}/example.com", None)],
    "CreateCustomVerificationEmailTemplate": [
        ("POST", CUSTOMS, {**CUSTOM, "Tags": [{"Key": "k", "Value": "v"}]})],
    "UpdateCustomVerificationEmailTemplate": [("PUT", f"{CUSTOMS}/c", CUSTOM)],
    "GetCustomVerificationEmailTemplate": [
        ("GET", f"{CUSTOMS}/c", None), ("GET", f"{CUSTOMS}/example.com", None)],
    "ListCustomVerificationEmailTemplates": [("GET", f"{CUSTOMS}?PageSize=1&NextToken=YQ%3D%3D", None)],
    "SendCustomVerificationEmail": [("POST", "/v2/email/outbound-custom-verification-emails", {
        "EmailAddress": "new@people.test", "TemplateName": "c", "ConfigurationSetName": ""})],
    "DeleteCustomVerificationEmailTemplate": [("DELETE", f"{CUSTOMS}/example.com", None)],
    "GetEmailIdentity": [("GET", HERE, None)],
    "DeleteEmailIdentity": [("DELETE", "/v2/email/identities/gone.test", None)],
    "ListEmailIdentities": [
        ("POST", "/v2/email/list-identities", {
            "PageSize": 1, "NextToken": "YQ==", "Filter": {"IDENTITY_NAME_CONTAINS": "a", "IDENTITY_TYPE": "DOMAIN"}}),
        ("GET", "/v2/email/identities?PageSize=1&NextToken=YQ%3D%3D", None),
    ],
    "CreateEmailIdentityPolicy": [("POST", f"{HERE}/policies/p", {"Policy": policy(ALLOW)})],
    "UpdateEmailIdentityPolicy": [("PUT", f"{HERE}/policies/p", {"Policy": policy(ALLOW)})],
    "GetEmailIdentityPolicies": [("GET", f"{HERE}/policies", None)],
    "DeleteEmailIdentityPolicy": [("DELETE", f"{HERE}/policies/p", None)],
    "GetAccount": [("GET", "/v2/email/account", None)],
    "PutAccountDetails": [
        ("POST", "/v2/email/account/details", {
            "MailType": "MARKETING", "WebsiteURL": "https://a.test", "ContactLanguage": "EN",
            "UseCaseDescription": "u", "AdditionalContactEmailAddresses": ["a@b.test"]}),
    ],
    "TagResource": [
        ("POST", "/v2/email/tags", {"ResourceArn": "{arn}", "Tags": [{"Key": "k", "Value": "v"}]})],
    "UntagResource": [("DELETE", "/v2/email/tags?ResourceArn=example.com&TagKeys=k", None)],
    "ListTagsForResource": [("GET", "/v2/email/tags?ResourceArn=example.com", None)],
    "PutAccountSendingAttributes": [("PUT", "/v2/email/account/sending", {"SendingEnabled": True})],
    "GetMessageInsights": [("GET", "/v2/email/insights/0100-example.com", None)],
    "BatchGetMetricData": [("POST", "/v2/email/metrics/batch", {"Queries": [{
        "Id": "q", "Namespace": "VDM", "Metric": "SEND", "StartDate": 1780000000, "EndDate": 1780100000,
        "Dimensions": {"EMAIL_IDENTITY": "example.com"}}]})],
    "PutAccountVdmAttributes": [("PUT", "/v2/email/account/vdm", {"VdmAttributes": {
        "VdmEnabled": "DISABLED", "DashboardAttributes": {"EngagementMetrics": "DISABLED"},
        "GuardianAttributes": {"OptimizedSharedDelivery": "DISABLED"}}})],
}  # fmt: skip


def text_places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to every text in a JSON value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from text_places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], text: str) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = text
    return changed


def hostile_requests(account_id: str, arn: str) -> Iterator[tuple[str, str, str, Any]]:
    hostile = [text.replace("{account}", account_id) for text in HOSTILE] + ["\r\nX: y", "a\rb", "\0"]
    for name, requests in USUAL.items():
        for method, target, given in requests:
            body = json.loads(json.dumps(given).replace("{arn}", arn))
            yield name, method, target, body
            for number, path in enumerate(text_places(body)):
                for text in hostile[number % 3 :: 3]:  # each text at every third place
                    yield name, method, target, put(body, path, text)
            for text in hostile if "example.com" in target or "?" in target else ():
                label = quote(text, safe="") or "%20"
                yield name, method, target.replace("example.com", label), body
                yield name, method, target.replace("YQ%3D%3D", label).replace("=1", f"={label}"), body


def test_every_text_of_every_served_operation_of_v2_takes_hostile_values(tenant: Tenant) -> None:
    assert set(USUAL) == set(ServiceModel.load("sesv2").operations)
    codes: Counter[str] = Counter()
    with RestClient(tenant.sesame.api, tenant.account) as client:
        for name, method, target, body in hostile_requests(tenant.account.account_id, tenant.arn):
            reply = client.call(method, target, body)
            assert reply.status < 500, (name, target, body, reply)
            codes[reply.code or "ok"] += 1
    assert codes["ok"] > 200 and codes["BadRequestException"] > 200, codes
    assert "internal_failure" not in tenant.sesame.log_path.read_text()
    for mail in tenant.sesame.mail():
        assert b"\nX: y" not in mail.data.partition(b"\r\n\r\n")[0]
