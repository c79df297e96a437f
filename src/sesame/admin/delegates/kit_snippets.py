"""What a delegate pastes: one message by each way to send, and the sender's side in Terraform.

No snippet holds a secret: credentials come from where each library looks for them. docs/howto/delegates.md shows
them; the suite runs every one. Sources: the documentation of boto3, the AWS CLI, nodemailer, django-ses and Terraform's
AWS provider.
"""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sesame.policy import Requester


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the server is reached: `smtp` is host:port with STARTTLS, or empty where there is none."""

    api: str
    region: str
    smtp: str = ""
    is_own_ca: bool = False
    """Whether its certificate for SMTP is of the development profile's own authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a way to send asks for: its action, and the version of the API that policies see."""

    action: str
    api_version: str
    is_smtp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message that may be sent."""

    from_address: str
    display_name: str
    feedback: str
    feedback_arn: str
    """The identity's ARN where it covers the feedback address; otherwise that is for the delegate to verify."""
    recipients: tuple[str, ...]

    @property
    def sender(self) -> str:
        """As From has it."""
        return (
            f"{_quoted(self.display_name)} <{self.from_address}>" if self.display_name else self.from_address
        )

    @property
    def bounces_elsewhere(self) -> bool:
        """Whether bounces must go to another address than From."""
        return self.feedback != self.from_address


def _quoted(name: str) -> str:
    if name.replace(" ", "").isalnum() and name.isascii():
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of text to paste."""

    name: str
    """For options and links."""
    title: str
    language: str
    text: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A snippet that is yet to be made, for a message where it sends one."""

    name: str
    title: str
    language: str
    note: str
    way: Way | None
    write: Callable[[Example], str]

    def made(self, example: Example | None = None) -> Snippet:
        """The snippet."""
        nothing = Example(from_address="", display_name="", feedback="", feedback_arn="", recipients=())
        return Snippet(
            name=self.name,
            title=self.title,
            language=self.language,
            note=self.note,
            text=self.write(example or nothing).strip() + "\n",
        )


SIMPLE = Way(action="ses:SendEmail", api_version="2")
RAW = Way(action="ses:SendRawEmail", api_version="2")
SMTP = Way(action="ses:SendRawEmail", api_version="2", is_smtp=True)
RAW_V1 = Way(action="ses:SendRawEmail", api_version="1")
SUBJECT, TEXT = "A first message", "Hello."


def snippets(place: Place, arn: str, iam_policy: str, delegate: Requester) -> Iterator[Recipe]:
    """Every snippet for a delegate, in the order in which they are shown."""
    yield from sending(place, arn)
    yield Recipe(
        name="terraform", title="Terraform, the sender's side", language="hcl", way=None,
        note="Lets the principal send as the identity, as far as the owner's policy does.",
        write=lambda _: _terraform(place, iam_policy, delegate),
    )  # fmt: skip


def sending(place: Place, arn: str) -> Iterator[Recipe]:
    """One snippet for each way to send; an empty `arn` is left out, for identities of the sender's own account."""
    keys = "Credentials come from the environment (AWS_ACCESS_KEY_ID and so on), a profile or a role."
    for name, title, language, way, write in (
        ("boto3", "boto3", "python", SIMPLE, _boto3),
        ("cli", "AWS CLI", "sh", SIMPLE, _cli),
        ("nodemailer", "nodemailer", "javascript", RAW, _nodemailer),
        ("django", "Django (django-ses), settings.py", "python", RAW_V1, _django),
    ):
        made = partial(write, place, arn)
        yield Recipe(name=name, title=title, language=language, note=keys, way=way, write=made)
    if place.smtp:
        yield Recipe(
            name="smtp", title="SMTP", language="python", note=_smtp_note(place, arn), way=SMTP,
            write=lambda example: _smtp(place, arn, example),
        )  # fmt: skip


def as_request(example: Example, arn: str) -> dict[str, Any]:
    """The message as SendEmail of the API v2 takes it."""
    request: dict[str, Any] = {
        "FromEmailAddress": example.sender,
        "FromEmailAddressIdentityArn": arn,
        "Destination": {"ToAddresses": list(example.recipients)},
        "Content": {"Simple": {"Subject": {"Data": SUBJECT}, "Body": {"Text": {"Data": TEXT}}}},
    }
    if example.bounces_elsewhere:
        request["FeedbackForwardingEmailAddress"] = example.feedback
        if example.feedback_arn:
            request["FeedbackForwardingEmailAddressIdentityArn"] = arn
    return request


def _boto3(place: Place, arn: str, example: Example) -> str:
    identity = f"\n    FromEmailAddressIdentityArn={_py(arn)}," if arn else ""
    feedback = ""
    if example.bounces_elsewhere:
        feedback = f"\n    FeedbackForwardingEmailAddress={_py(example.feedback)},"
        if example.feedback_arn:
            feedback += f"\n    FeedbackForwardingEmailAddressIdentityArn={_py(arn)},"
    return f"""
import boto3

ses = boto3.client("sesv2", endpoint_url={_py(place.api)}, region_name={_py(place.region)})
sent = ses.send_email(
    FromEmailAddress={_py(example.sender)},{identity}{feedback}
    Destination={{"ToAddresses": {_py(list(example.recipients))}}},
    Content={{"Simple": {{"Subject": {{"Data": {_py(SUBJECT)}}}, "Body": {{"Text": {{"Data": {_py(TEXT)}}}}}}}}},
)
print(sent["MessageId"])
"""


def _cli(place: Place, arn: str, example: Example) -> str:
    content = {"Simple": {"Subject": {"Data": SUBJECT}, "Body": {"Text": {"Data": TEXT}}}}
    options = [
        ("--endpoint-url", place.api),
        ("--region", place.region),
        ("--from-email-address", example.sender),
        *([("--from-email-address-identity-arn", arn)] if arn else []),
        ("--destination", json.dumps({"ToAddresses": list(example.recipients)})),
        ("--content", json.dumps(content)),
    ]
    if example.bounces_elsewhere:
        options.append(("--feedback-forwarding-email-address", example.feedback))
        if example.feedback_arn:
            options.append(("--feedback-forwarding-email-address-identity-arn", arn))
    lines = [f"  {name} {shlex.quote(value)}" for name, value in options]
    return "aws sesv2 send-email \\\n" + " \\\n".join(lines)


def _nodemailer(place: Place, arn: str, example: Example) -> str:
    feedback = ""
    if example.bounces_elsewhere:
        feedback = f"\n    FeedbackForwardingEmailAddress: {_js(example.feedback)},"
        if example.feedback_arn:
            feedback += f"\n    FeedbackForwardingEmailAddressIdentityArn: {_js(arn)},"
    ses = f"\n  ses: {{\n    FromEmailAddressIdentityArn: {_js(arn)},{feedback}\n  }}," if arn else ""
    return f"""
import {{ SESv2Client, SendEmailCommand }} from "@aws-sdk/client-sesv2";
import nodemailer from "nodemailer";

const sesClient = new SESv2Client({{ endpoint: {_js(place.api)}, region: {_js(place.region)} }});
const sent = await nodemailer.createTransport({{ SES: {{ sesClient, SendEmailCommand }} }}).sendMail({{
  from: {_js(example.sender)},
  to: {_js(list(example.recipients))},
  subject: {_js(SUBJECT)},
  text: {_js(TEXT)},{ses}
}});
console.log(sent.messageId);
"""


def _django(place: Place, arn: str, example: Example) -> str:
    identity = f"\nAWS_SES_SOURCE_ARN = {_py(arn)}\nAWS_SES_FROM_ARN = {_py(arn)}" if arn else ""
    feedback = f"\nAWS_SES_RETURN_PATH = {_py(example.feedback)}" if example.bounces_elsewhere else ""
    feedback += f"\nAWS_SES_RETURN_PATH_ARN = {_py(arn)}" if example.feedback_arn else ""
    return f"""
EMAIL_BACKEND = "django_ses.SESBackend"
DEFAULT_FROM_EMAIL = {_py(example.sender)}
AWS_SES_REGION_NAME = {_py(place.region)}
AWS_SES_REGION_ENDPOINT_URL = {_py(place.api)}{identity}{feedback}
AWS_SES_AUTO_THROTTLE = None  # otherwise it asks for the quota first, which takes ses:GetSendQuota
"""


def _smtp_note(place: Place, arn: str) -> str:
    note = (
        "SMTP_USER is the access key's id; SMTP_PASSWORD is derived from its secret: the console's page *Programs*"
        " makes both, and whoever runs the server prints them with `sesame smtp credentials ACCOUNT USER`."
    )
    if arn:
        note += f" With `--as {arn}` added to that, a program that cannot write header fields needs none."
    if place.is_own_ca:
        note += " SMTP_CA_FILE is the server's own certificate authority, `tls/ca.pem` in its data directory."
    return note


def _smtp(place: Place, arn: str, example: Example) -> str:
    host, _, port = place.smtp.rpartition(":")
    fields = ("X-SES-SOURCE-ARN", "X-SES-FROM-ARN") if arn else ()
    identity = "".join(f'\nmessage["{name}"] = {_py(arn)}' for name in fields)
    returns = f'\nmessage["X-SES-RETURN-PATH-ARN"] = {_py(arn)}' if example.feedback_arn else ""
    envelope = f", from_addr={_py(example.feedback)}" if example.bounces_elsewhere else ""
    return f"""
import os
import smtplib
import ssl
from email.message import EmailMessage

message = EmailMessage()
message["From"] = {_py(example.sender)}
message["To"] = {_py(", ".join(example.recipients))}
message["Subject"] = {_py(SUBJECT)}{identity}{returns}
message.set_content({_py(TEXT)})
with smtplib.SMTP({_py(host.strip("[]"))}, {port}, timeout=30) as server:
    server.starttls(context=ssl.create_default_context(cafile=os.environ.get("SMTP_CA_FILE")))
    server.login(os.environ["SMTP_USER"], os.environ["SMTP_PASSWORD"])
    server.send_message(message{envelope})
"""


def _terraform(place: Place, iam_policy: str, delegate: Requester) -> str:
    kind = delegate.kind if delegate.kind in ("user", "role") else ""
    name = (delegate.role_arn or delegate.arn).rpartition("/")[2]
    whose = f"\n  {kind} = {_hcl(name)}" if kind else ""
    policy = iam_policy.replace("${", "$${").replace("%{", "%%{").replace("\n", "\n    ")
    return f"""
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}

provider "aws" {{
  region = {_hcl(place.region)}
  endpoints {{
    iam = {_hcl(place.api)}
    sts = {_hcl(place.api)}
  }}
}}

resource "aws_iam_{kind + "_" if kind else ""}policy" "send_as_delegate" {{
  name = "send-as-delegate"{whose}

  policy = <<-POLICY
    {policy}
  POLICY
}}
"""


def _py(value: str | list[str]) -> str:
    """A literal of Python: JSON's strings and lists are Python's too."""
    return json.dumps(value, ensure_ascii=False)


def _js(value: str | list[str]) -> str:
    """A literal of JavaScript."""
    return json.dumps(value, ensure_ascii=False)


def _hcl(value: str) -> str:
    """A literal of Terraform's language, in which no template begins."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
