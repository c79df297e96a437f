"""SendEmail of SES v2: from the typed request to the one normal form.

Everything that is true of a send is decided below `Submission`; nothing is decided here. Sources:
SES API v2 reference; observed: raw content is authorised as ses:SendRawEmail.
"""

from sesame.aws.shapes import sesv2
from sesame.errors import InvalidParameterValue
from sesame.model import Caller
from sesame.operations.sesv2.submissions import refuse_not_served, submission_of
from sesame.operations.sesv2.templated import attachment_of, named_template, template_content
from sesame.operations.simple_message import simple_content
from sesame.operations.table import Handlers
from sesame.operations.templates import Templates, data_of
from sesame.sending.send import Sender
from sesame.sending.submission import RawContent, SimpleContent, Submission, TemplateContent

NOT_SERVED = ("EndpointId", "ListManagementOptions", "TenantName")


class SendingV2Operations:
    """The operations; `max_bytes` is v2's limit for a composed message."""

    def __init__(self, sender: Sender, templates: Templates, *, max_bytes: int) -> None:
        self._sender = sender
        self._templates = templates
        self._max_bytes = max_bytes

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"SendEmail": self.send_email}

    async def send_email(self, caller: Caller, request: sesv2.SendEmailRequest) -> sesv2.SendEmailResponse:
        """Send a message that Sesame builds from its parts, or one that the client built."""
        refuse_not_served(request, NOT_SERVED)
        match request["Content"]:
            case {"Simple": simple, **others} if not others:
                submission = self._simple(request, simple)
            case {"Raw": raw, **others} if not others:
                submission = self._raw(request, raw["Data"])
            case {"Template": template, **others} if not others:
                submission = await self._template(caller, request, template)
            case _:
                raise InvalidParameterValue("Content must have exactly one of Simple, Raw and Template.")
        return {"MessageId": await self._sender.send(caller, submission)}

    def _simple(self, request: sesv2.SendEmailRequest, message: sesv2.Message) -> Submission:
        destination: sesv2.Destination = request.get("Destination", {})
        content = simple_content(
            message,
            destination,
            request.get("ReplyToAddresses", ()),
            headers=tuple((field["Name"], field["Value"]) for field in message.get("Headers", ())),
            attachments=tuple(attachment_of(attachment) for attachment in message.get("Attachments", ())),
        )
        return self._submission(request, "ses:SendEmail", content)

    async def _template(
        self, caller: Caller, request: sesv2.SendEmailRequest, template: sesv2.Template
    ) -> Submission:
        if not request.get("FromEmailAddress"):
            raise InvalidParameterValue("Source cannot be empty")
        data = data_of(template.get("TemplateData"))
        content = template_content(
            await named_template(self._templates, caller, template),
            template,
            request.get("Destination", {}),
            request.get("ReplyToAddresses", ()),
            data=data,
            headers=template.get("Headers", ()),
        )
        return self._submission(request, "ses:SendTemplatedEmail", content)

    def _raw(self, request: sesv2.SendEmailRequest, data: bytes) -> Submission:
        """The destination, where given, is the envelope; X-SES fields stand in for what is absent."""
        if request.get("ReplyToAddresses"):
            raise InvalidParameterValue(
                "ReplyToAddresses cannot be given with raw content: write a Reply-To field into the message."
            )
        destination: sesv2.Destination = request.get("Destination", {})
        destinations = (
            *destination.get("ToAddresses", ()),
            *destination.get("CcAddresses", ()),
            *destination.get("BccAddresses", ()),
        )
        return self._submission(request, "ses:SendRawEmail", RawContent(data=data), destinations=destinations)

    def _submission(
        self,
        request: sesv2.SendEmailRequest,
        action: str,
        content: SimpleContent | RawContent | TemplateContent,
        *,
        destinations: tuple[str, ...] = (),
    ) -> Submission:
        return submission_of(
            request,
            content,
            operation="SendEmail",
            action=action,
            tags=request.get("EmailTags", ()),
            max_bytes=self._max_bytes,
            destinations=destinations,
        )
