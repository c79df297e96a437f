"""Requests that the models of SES allow, about a few names, in random order: none meets a state that is a fault.

What one operation accepts another has to show: each read is parsed by the model, with its required members.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from sesame.aws.model import ServiceModel
from tests.support.process import Account, SesameProcess

CALLS = 1_200
SERVED = {service: sorted(ServiceModel.load(service).operations) for service in ("ses", "sesv2")}
IDENTITIES = ("example.com", "one.test", "a@one.test", "gone.test")
SETS, TEMPLATES = ("c1", "c2", "c3"), ("t1", "t2")
FROM = ("me@example.com", "Name <a@one.test>", "x@gone.test", "")
NOT_SERVED = frozenset(
    {"TenantName", "EndpointId", "ListManagementOptions", "ConfigurationOverrides", "VdmOptions", "ArchivingOptions",
     "MessageSecurityOptions", "ValidationOptions", "ValidationAttributes"}
)  # fmt: skip
TAKEN_AWAY = ("BehaviorOnMXFailure", "BehaviorOnMxFailure")
"""Members beside which, without a MAIL FROM domain, there is nothing (observed)."""
RAW = b"From: me@example.com\r\nTo: r@outside.test\r\n\r\nx"


def words(account: Account, topic: str) -> Mapping[str, Sequence[str]]:
    """What texts are chosen from, by the name of the member."""
    own = f"arn:aws:ses:us-east-1:{account.account_id}:"
    policies = [
        json.dumps({
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": "*", "Action": "ses:*", "Resource": f"{own}identity/{name}"},
        })
        for name in IDENTITIES
    ]  # fmt: skip
    resources = ("identity/example.com", "configuration-set/c1", "template/t1", "contact-list/l1",
                 "dedicated-ip-pool/p1", "custom-verification-email-template/t1", "x/y")  # fmt: skip
    return {
        **dict.fromkeys(("EmailIdentity", "Identity", "Identities"), (*IDENTITIES, f"{own}identity/example.com")),
        **dict.fromkeys(("ConfigurationSetName",), SETS),
        **dict.fromkeys(("TemplateName", "Template"), TEMPLATES),
        **dict.fromkeys(("SubjectPart", "Subject", "TextPart", "Text", "HtmlPart", "Html"), ("s", "{{a}}", "{{/if}}")),
        **dict.fromkeys(("TemplateData", "DefaultTemplateData", "ReplacementTemplateData"), ("{}", '{"a": 1}', "x")),
        **dict.fromkeys(("FromEmailAddress", "Source"), FROM),
        **dict.fromkeys(("ReturnPath", "FeedbackForwardingEmailAddress"), ("me@example.com", "x@gone.test")),
        **dict.fromkeys(("ToAddresses", "Destinations", "CcAddresses", "ReplyToAddresses"), ("r@o.test", "N <n@o.t>")),
        **dict.fromkeys(("SourceArn", "FromEmailAddressIdentityArn"), (f"{own}identity/example.com", "x")),
        **dict.fromkeys(("TopicArn", "TopicARN", "SnsTopic"), (topic, "")),
        **dict.fromkeys(("PoolName", "DestinationPoolName"), ("p1", "p2")),
        **dict.fromkeys(("SuccessRedirectionURL", "FailureRedirectionURL", "WebsiteURL"), ("https://a.test",)),
        **dict.fromkeys(("Key", "TagKeys"), ("k", "l")),
        "Name": ("c1", "c2", "d1"), "EventDestinationName": ("d1", "d2"), "Domain": ("one.test", "One.Test"),
        "EmailAddress": ("a@one.test", "new@people.test"), "SendingPoolName": ("p1", "ses-shared-pool"),
        "ContactListName": ("l1",), "TopicName": ("n", "m"), "PolicyName": ("p", "q"), "Policy": policies,
        "MailFromDomain": ("m.example.com", "m.one.test", ""), "CustomRedirectDomain": ("example.com", "one.test", ""),
        "ResourceArn": [own + name for name in resources], "NextToken": ("", "YQ=="), "Charset": ("UTF-8",),
        "TemplateArn": (f"{own}template/t1",), "Ip": ("192.0.2.1",), "AttributesData": ("{}", ""),
        "TemplateSubject": ("s",), "TemplateContent": ("<p>x</p>",), "FileName": ("a.txt",),
        "ContentType": ("text/plain",),
    }  # fmt: skip


class Draw:
    """Values of shapes, by one source of chance."""

    def __init__(self, seed: int, of: Mapping[str, Sequence[str]]) -> None:
        self.chance = random.Random(seed)
        self._of = of

    def value(self, shape: Any, name: str) -> Any:
        """A value that the model allows, mostly; what is optional is there by chance."""
        pick = self.chance.choice
        match shape.type_name:
            case "structure":
                return {
                    member: self.value(inner, member)
                    for member, inner in shape.members.items()
                    if member in shape.required_members
                    or (member not in NOT_SERVED and self.chance.random() < 0.5)
                }
            case "list":
                return [self.value(shape.member, name) for _ in range(pick((0, 1, 1, 2)))]
            case "map":
                return {self.value(shape.key, name): self.value(shape.value, name)}
            case "boolean":
                return self.chance.random() < 0.7
            case "integer" | "long":
                return pick((1, 2, 300, 50_400))
            case "timestamp":
                return pick((1_600_000_000, 1_900_000_000))
            case "blob":
                return RAW
            case _:
                return pick(shape.enum or self._of.get(name, ("x",)))


def lacking(value: Any, shape: Any) -> list[str]:
    """The required members that an answer does not have."""
    if shape is None or value is None:
        return []
    match shape.type_name:
        case "structure":
            own = [] if any(name in value for name in TAKEN_AWAY) else [
                f"{shape.name}.{name}" for name in shape.required_members if name not in value
            ]  # fmt: skip
            inner = [lacking(value[name], member) for name, member in shape.members.items() if name in value]
        case "list":
            own, inner = [], [lacking(item, shape.member) for item in value]
        case "map":
            own, inner = [], [lacking(item, shape.value) for item in value.values()]
        case _:
            return []
    return [*own, *(name for names in inner for name in names)]


@pytest.mark.parametrize("seed", [1, 2])
def test_no_order_of_allowed_requests_is_a_fault(sesame: SesameProcess, seed: int) -> None:
    account = sesame.create_account()
    sesame.vouch(account, "example.com")
    clients = {name: sesame.client(name, account, parameter_validation=False) for name in SERVED}
    topic = sesame.client("sns", account).create_topic(Name="t")["TopicArn"]
    draw = Draw(seed, words(account, topic))
    operations = [(service, name) for service, names in SERVED.items() for name in names]
    kept = [pair for pair in operations if not pair[1].startswith("Delete")]
    codes: Counter[str] = Counter()
    for _ in range(CALLS):
        service, name = draw.chance.choice(operations if draw.chance.random() < 0.1 else kept)
        client = clients[service]
        model = client.meta.service_model.operation_model(name)
        given = draw.value(model.input_shape, "") if model.input_shape else {}
        try:
            answer = getattr(client, xform_name(name))(**given)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert status < 500 or code == "NotImplemented", (name, given, code)
            codes[code] += 1
        else:
            assert not lacking(answer, model.output_shape), (name, given, answer)
            codes["ok"] += 1
    assert codes["ok"] > CALLS / 5, codes
    assert "internal_failure" not in sesame.log_path.read_text()
