"""SendEmail with a template, and SendBulkEmail, of SES v2: from the typed request to the one normal form.

Source: SES API v2 reference; Service Authorization Reference (ses:SendBulkEmail, ses:SendTemplatedEmail).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sesame.aws.shapes import sesv2
from sesame.errors import InvalidParameterValue
from sesame.mail.attach import Attachment
from sesame.model import Caller
from sesame.operations.sesv2.submissions import refuse_not_served, submission_of
from sesame.operations.sesv2.templates import parts_of
from sesame.operations.table import Handlers
from sesame.operations.templates import Templates, check_entries, data_of, send_all, status_of
from sesame.sending.rendering import merged
from sesame.sending.send import Sender
from sesame.sending.submission import TemplateContent, TemplateParts

Named = tuple[str, str | None, TemplateParts]
Item = TypeVar("Item")

INLINE_NAME = "inline"
_STATUSES: Mapping[str, Any] = {
    "Success": "SUCCESS",
    "AccountDailyQuotaExceeded": "ACCOUNT_DAILY_QUOTA_EXCEEDED",
    "AccountThrottled": "ACCOUNT_THROTTLED",
    "AccountSendingPaused": "ACCOUNT_SENDING_PAUSED",
    "ConfigurationSetDoesNotExist": "CONFIGURATION_SET_NOT_FOUND",
    "InvalidParameterValue": "INVALID_PARAMETER",
    "InvalidSendingPoolName": "INVALID_SENDING_POOL_NAME",
    "MessageRejected": "MESSAGE_REJECTED",
    "TransientFailure": "TRANSIENT_FAILURE",
    "Failed": "FAILED",
}
_ENCODINGS = {"BASE64": "base64", "QUOTED_PRINTABLE": "quoted-printable", "SEVEN_BIT": "7bit"}
_NOT_SERVED = ("EndpointId", "TenantName")


async def named_template(templates: Templates, caller: Caller, template: sesv2.Template) -> Named:
    """The template that a request means: by name, by ARN, or written in the request itself."""
    name, arn, inline = (template.get(key) for key in ("TemplateName", "TemplateArn", "TemplateContent"))
    if sum(value is not None for value in (name, arn, inline)) != 1:
        raise InvalidParameterValue(
            "Exactly one of TemplateName, TemplateArn and TemplateContent must be specified."
        )
    if inline is not None:
        return INLINE_NAME, None, templates.inline(parts_of(template["TemplateContent"]))
    return await templates.to_send(caller, template.get("TemplateName"), template.get("TemplateArn"))


def template_content(
    named: Named,
    template: sesv2.Template,
    destination: sesv2.Destination,
    reply_to: Sequence[str],
    *,
    data: Mapping[str, Any],
    headers: Sequence[sesv2.MessageHeader],
) -> TemplateContent:
    """The content of one message made of a template."""
    name, arn, parts = named
    return TemplateContent(
        to=tuple(destination.get("ToAddresses", ())),
        cc=tuple(destination.get("CcAddresses", ())),
        bcc=tuple(destination.get("BccAddresses", ())),
        reply_to=tuple(reply_to),
        name=name,
        arn=arn,
        parts=parts,
        data=data,
        headers=tuple((field["Name"], field["Value"]) for field in headers),
        attachments=tuple(attachment_of(attachment) for attachment in template.get("Attachments", ())),
    )


class BulkV2Operations:
    """SendBulkEmail; `max_bytes` is v2's limit for a composed message."""

    def __init__(self, sender: Sender, templates: Templates, *, max_bytes: int) -> None:
        self._sender = sender
        self._templates = templates
        self._max_bytes = max_bytes

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"SendBulkEmail": self.send_bulk_email}

    async def send_bulk_email(
        self, caller: Caller, request: sesv2.SendBulkEmailRequest
    ) -> sesv2.SendBulkEmailResponse:
        """Send a message to each entry; each has its own id and status, in the order of the request."""
        refuse_not_served(request, _NOT_SERVED)
        bulk = request["BulkEmailEntries"]
        check_entries(len(bulk))
        template = request["DefaultContent"].get("Template")
        if template is None:
            raise InvalidParameterValue("DefaultContent must have a Template.")
        default = data_of(template.get("TemplateData"))
        named = await named_template(self._templates, caller, template)

        async def send(entry: sesv2.BulkEmailEntry) -> Any:
            replacement = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {})
            data = data_of(replacement.get("ReplacementTemplateData"), name="ReplacementTemplateData")
            content = template_content(
                named,
                template,
                entry.get("Destination", {}),
                request.get("ReplyToAddresses", ()),
                data=merged(default, data),
                headers=_merged(
                    template.get("Headers", ()), entry.get("ReplacementHeaders", ()), _field_name
                ),
            )
            tags = _merged(request.get("DefaultEmailTags", ()), entry.get("ReplacementTags", ()), _tag_name)
            submission = submission_of(
                request,
                content,
                operation="SendBulkEmail",
                action="ses:SendBulkEmail",
                tags=tags,
                max_bytes=self._max_bytes,
            )
            return await self._sender.send(caller, submission)

        entries = await send_all([lambda one=one: send(one) for one in bulk])  # type: ignore[misc]
        results: list[sesv2.BulkEmailEntryResult] = []
        for ended in entries:
            result: sesv2.BulkEmailEntryResult = {"Status": _STATUSES[status_of(ended.error)]}
            if ended.error is not None:
                result["Error"] = ended.error.message
            elif ended.message_id is not None:
                result["MessageId"] = ended.message_id
            results.append(result)
        return {"BulkEmailEntryResults": results}


def attachment_of(attachment: sesv2.Attachment) -> Attachment:
    """An attachment as `mail` writes it."""
    return Attachment(
        data=attachment["RawContent"],
        file_name=attachment["FileName"],
        content_type=attachment.get("ContentType"),
        description=attachment.get("ContentDescription"),
        content_id=attachment.get("ContentId"),
        inline=attachment.get("ContentDisposition") == "INLINE",
        transfer_encoding=_ENCODINGS[attachment.get("ContentTransferEncoding", "BASE64")],
    )


def _merged(default: Sequence[Item], replacement: Sequence[Item], name: Callable[[Item], str]) -> list[Item]:
    """Tags or headers of an entry: its own stand in for the default ones of the same name."""
    taken = set(map(name, replacement))
    return [*(item for item in default if name(item) not in taken), *replacement]


def _tag_name(tag: sesv2.MessageTag) -> str:
    return tag["Name"]


def _field_name(field: sesv2.MessageHeader) -> str:
    return field["Name"].lower()
