"""Every door that a message can be sent by, each with all that it lets a client say of the senders.

Where `ways` words one message alike on every way, a `Draft` here may give each use an address and an ARN of its
own; a door takes what it can carry. `Door.send_of` says in the oracle's words what was sent.
"""

import base64
import re
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.oracle import Send
from tests.support.ways import DECISIONS, SENDS_V2, SMTP_DECISIONS, Answer, Clients

_ENTRY_DECISIONS = {
    "Success": "allowed",
    "SUCCESS": "allowed",
    "MessageRejected": "unverified",
    "MESSAGE_REJECTED": "unverified",
    "InvalidParameterValue": "invalid",
    "INVALID_PARAMETER": "invalid",
}
TEMPLATE = "hello"
"""A template that each account must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be sent: addresses by use, ARNs as written by use; `custom` names a template of verification mail.

    `sender` and `return_path` may be None: the message has no such field, the request no such parameter.
    """

    from_: str
    source: str
    sender: str | None
    return_path: str | None
    arns: Mapping[str, str]
    to: str
    custom: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One door: what it sends, and which uses it can give an address or an ARN of their own."""

    name: str
    action: str
    send: Callable[[Clients, Draft], Answer]
    own_source: bool = False
    has_fields: bool = False
    arns: tuple[str, ...] = ()
    template: str | None = None
    """What stands before the name in the ARN of the template that is used, which IAM must allow too."""

    @property
    def takes_sessions(self) -> bool:
        """Whether temporary credentials come in by it."""
        return not self.name.upper().startswith("SMTP")

    @property
    def is_custom(self) -> bool:
        """Whether it mails a link to an address, and so needs an account out of the sandbox."""
        return self.action == "ses:SendCustomVerificationEmail"

    def carried(self, draft: Draft) -> Draft:
        """The draft without what this door cannot say."""
        arns = {use: arn for use, arn in draft.arns.items() if use in self.arns}
        if self.is_v2 and "Source" in arns:
            arns["From"] = arns["Source"]
        return Draft(
            from_=draft.from_,
            source=draft.source if self.own_source else draft.from_,
            sender=draft.sender if self.has_fields else None,
            return_path=None if self.is_custom else draft.return_path,
            arns=arns,
            to=draft.to,
            custom=draft.custom,
        )

    @property
    def is_v2(self) -> bool:
        """Whether one parameter names the ARN of Source and From."""
        return self.name.startswith("v2")

    def send_of(self, draft: Draft, arns: Mapping[str, str], resources: tuple[str, ...]) -> Send:
        """The send as the oracle sees it; `arns` in normal form."""
        addresses = {"From": draft.from_, "Source": draft.source}
        if draft.sender is not None:
            addresses["Sender"] = draft.sender
        addresses["Return-Path"] = draft.return_path or draft.source
        return Send(
            action=self.action, addresses=addresses, arns=arns, recipients=(draft.to,), resources=resources
        )


def _query(clients: Clients, action: str, parameters: Mapping[str, str | None]) -> Answer:
    given = {name: value for name, value in parameters.items() if value is not None}
    reply = clients.query.call(action, given)
    return Answer(decision=_decision(reply.code), code=reply.code, words=reply.message or reply.body.decode())


def _entry(answer: Answer) -> Answer:
    """The answer about the one entry of a bulk send, by its status and words."""
    status = re.search('<Status>([A-Za-z]+)</Status>|"Status": *"([A-Z_]+)"', answer.words)
    if answer.code or status is None:
        return answer
    decision = _ENTRY_DECISIONS.get(status[1] or status[2], "other")
    return Answer(decision=decision, code=status[0], words=answer.words)


def _decision(code: str) -> str:
    return "unverified" if code == "FromEmailAddressNotVerified" else DECISIONS.get(code, "other")


def _common(draft: Draft) -> dict[str, str | None]:
    return {
        "Source": draft.from_,
        "SourceArn": draft.arns.get("Source"),
        "ReturnPath": draft.return_path,
        "ReturnPathArn": draft.arns.get("Return-Path"),
    }


def _v1_simple(clients: Clients, draft: Draft) -> Answer:
    parameters = {
        **_common(draft),
        "Message.Subject.Data": "Hello",
        "Message.Body.Text.Data": "Hello.",
        "Destination.ToAddresses.member.1": draft.to,
    }
    return _query(clients, "SendEmail", parameters)


def _v1_template(clients: Clients, draft: Draft) -> Answer:
    parameters = {
        **_common(draft),
        "Template": TEMPLATE,
        "TemplateData": "{}",
        "Destination.ToAddresses.member.1": draft.to,
    }
    return _query(clients, "SendTemplatedEmail", parameters)


def _v1_bulk(clients: Clients, draft: Draft) -> Answer:
    parameters = {
        **_common(draft),
        "Template": TEMPLATE,
        "DefaultTemplateData": "{}",
        "Destinations.member.1.Destination.ToAddresses.member.1": draft.to,
    }
    return _entry(_query(clients, "SendBulkTemplatedEmail", parameters))


def _raw(draft: Draft, **fields: str | None) -> bytes:
    header = {
        **fields,
        "From": draft.from_,
        "Sender": draft.sender,
        "Return-Path": None if draft.return_path is None else f"<{draft.return_path}>",
        "To": draft.to,
        "Subject": "Hello",
    }
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in header.items() if value is not None]
    return "\r\n".join([*lines, "", "Hello.", ""]).encode()


def _arn_fields(draft: Draft) -> dict[str, str | None]:
    return {
        "X_SES_SOURCE_ARN": draft.arns.get("Source"),
        "X_SES_FROM_ARN": draft.arns.get("From"),
        "X_SES_RETURN_PATH_ARN": draft.arns.get("Return-Path"),
    }


def _v1_raw(clients: Clients, draft: Draft) -> Answer:
    parameters = {
        "Source": draft.source,
        "SourceArn": draft.arns.get("Source"),
        "FromArn": draft.arns.get("From"),
        "ReturnPathArn": draft.arns.get("Return-Path"),
        "RawMessage.Data": _base64(_raw(draft)),
    }
    return _query(clients, "SendRawEmail", parameters)


def _v1_fields(clients: Clients, draft: Draft) -> Answer:
    return _query(clients, "SendRawEmail", {"RawMessage.Data": _base64(_raw(draft, **_arn_fields(draft)))})


def _v2(clients: Clients, draft: Draft, body: Mapping[str, Any], target: str = SENDS_V2) -> Answer:
    request = {
        "FromEmailAddressIdentityArn": draft.arns.get("Source"),
        "FeedbackForwardingEmailAddressIdentityArn": draft.arns.get("Return-Path"),
        **body,
    }
    given = {name: value for name, value in request.items() if value is not None}
    reply = clients.rest.call("POST", target, given)
    words = reply.message or reply.body.decode()
    return Answer(decision=_decision(reply.code), code=reply.code, words=words)


def _v2_parts(draft: Draft) -> dict[str, Any]:
    return {
        "FromEmailAddress": draft.from_,
        "FeedbackForwardingEmailAddress": draft.return_path,
        "Destination": {"ToAddresses": [draft.to]},
    }


def _v2_simple(clients: Clients, draft: Draft) -> Answer:
    simple = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}
    return _v2(clients, draft, {**_v2_parts(draft), "Content": {"Simple": simple}})


def _v2_template(clients: Clients, draft: Draft) -> Answer:
    template = {"TemplateName": TEMPLATE, "TemplateData": "{}"}
    return _v2(clients, draft, {**_v2_parts(draft), "Content": {"Template": template}})


def _v2_raw(clients: Clients, draft: Draft) -> Answer:
    body = {"FromEmailAddress": draft.source, "Content": {"Raw": {"Data": _base64(_raw(draft))}}}
    return _v2(clients, draft, body)


def _v2_bulk(clients: Clients, draft: Draft) -> Answer:
    body = {
        "FromEmailAddress": draft.from_,
        "FeedbackForwardingEmailAddress": draft.return_path,
        "DefaultContent": {"Template": {"TemplateName": TEMPLATE, "TemplateData": "{}"}},
        "BulkEmailEntries": [{"Destination": {"ToAddresses": [draft.to]}}],
    }
    return _entry(_v2(clients, draft, body, "/v2/email/outbound-bulk-emails"))


def _smtp(clients: Clients, draft: Draft) -> Answer:
    try:
        clients.smtp.sendmail(draft.source, [draft.to], _raw(draft, **_arn_fields(draft)))
    except smtplib.SMTPDataError as error:
        words = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode()
        decision = SMTP_DECISIONS.get(words.partition(":")[0], "other")
        return Answer(decision=decision, code=str(error.smtp_code), words=words)
    return Answer(decision="allowed", code="", words="")


def _v1_custom(clients: Clients, draft: Draft) -> Answer:
    return _query(
        clients, "SendCustomVerificationEmail", {"EmailAddress": draft.to, "TemplateName": draft.custom}
    )


def _v2_custom(clients: Clients, draft: Draft) -> Answer:
    body = {"EmailAddress": draft.to, "TemplateName": draft.custom}
    reply = clients.rest.call("POST", "/v2/email/outbound-custom-verification-emails", body)
    decision = _decision(reply.code)
    if decision == "invalid" and "not verified" in reply.message:
        decision = "unverified"
    return Answer(decision=decision, code=reply.code, words=reply.message)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_TWO, _THREE = ("Source", "Return-Path"), ("Source", "From", "Return-Path")
_CUSTOM = "custom-verification-email-template"

DOORS = (
    Door(name="v1 SendEmail", action="ses:SendEmail", send=_v1_simple, arns=_TWO),
    Door(
        name="v1 SendTemplatedEmail",
        action="ses:SendTemplatedEmail",
        send=_v1_template,
        arns=_TWO,
        template="template",
    ),
    Door(
        name="v1 SendBulkTemplatedEmail",
        action="ses:SendBulkTemplatedEmail",
        send=_v1_bulk,
        arns=_TWO,
        template="template",
    ),
    Door(
        name="v1 SendRawEmail, parameters",
        action="ses:SendRawEmail",
        send=_v1_raw,
        own_source=True,
        has_fields=True,
        arns=_THREE,
    ),
    Door(
        name="v1 SendRawEmail, fields",
        action="ses:SendRawEmail",
        send=_v1_fields,
        has_fields=True,
        arns=_THREE,
    ),
    Door(name="v2 Simple", action="ses:SendEmail", send=_v2_simple, arns=_TWO),
    Door(
        name="v2 Raw",
        action="ses:SendRawEmail",
        send=_v2_raw,
        own_source=True,
        has_fields=True,
        arns=_TWO,
    ),
    Door(
        name="v2 Template",
        action="ses:SendTemplatedEmail",
        send=_v2_template,
        arns=_TWO,
        template="template",
    ),
    Door(name="v2 SendBulkEmail", action="ses:SendBulkEmail", send=_v2_bulk, arns=_TWO, template="template"),
    Door(name="SMTP", action="ses:SendRawEmail", send=_smtp, own_source=True, has_fields=True, arns=_THREE),
    Door(
        name="v1 SendCustomVerificationEmail",
        action="ses:SendCustomVerificationEmail",
        send=_v1_custom,
        template=_CUSTOM,
    ),
    Door(
        name="v2 SendCustomVerificationEmail",
        action="ses:SendCustomVerificationEmail",
        send=_v2_custom,
        template=_CUSTOM,
    ),
)
