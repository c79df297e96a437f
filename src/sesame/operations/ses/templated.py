"""SendTemplatedEmail and SendBulkTemplatedEmail of SES v1: from the typed request to the one normal form.

A template that is missing is answered at once; one that cannot be filled in is found when the message is
made, and published as its event. Source: SES API reference; SES developer guide, "Using templates".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.aws.shapes import ses
from sesame.model import Caller
from sesame.operations.ses.submissions import submission_of
from sesame.operations.table import Handlers
from sesame.operations.templates import Templates, check_entries, data_of, send_all, status_of
from sesame.sending.rendering import merged
from sesame.sending.send import Sender
from sesame.sending.submission import Submission, TemplateContent, TemplateParts

Request = ses.SendTemplatedEmailRequest | ses.SendBulkTemplatedEmailRequest
Named = tuple[str, str, TemplateParts]


class TemplatedOperations:
    """The operations; `max_bytes` is v1's limit for a composed message."""

    def __init__(self, sender: Sender, templates: Templates, *, max_bytes: int) -> None:
        self._sender = sender
        self._templates = templates
        self._max_bytes = max_bytes

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "SendTemplatedEmail": self.send_templated_email,
            "SendBulkTemplatedEmail": self.send_bulk_templated_email,
        }

    async def send_templated_email(
        self, caller: Caller, request: ses.SendTemplatedEmailRequest
    ) -> ses.SendTemplatedEmailResponse:
        """Send one message made of a template."""
        data = data_of(request["TemplateData"])
        named = await self._templates.to_send(caller, request["Template"], request.get("TemplateArn"))
        submission = self._submission(
            request, "SendTemplatedEmail", named, request["Destination"], data, request.get("Tags", ())
        )
        return {"MessageId": await self._sender.send(caller, submission)}

    async def send_bulk_templated_email(
        self, caller: Caller, request: ses.SendBulkTemplatedEmailRequest
    ) -> ses.SendBulkTemplatedEmailResponse:
        """Send a message to each destination; each has its own id and status, in the order of the request."""
        destinations = request["Destinations"]
        check_entries(len(destinations))
        default = data_of(request["DefaultTemplateData"], name="DefaultTemplateData")
        named = await self._templates.to_send(caller, request["Template"], request.get("TemplateArn"))

        async def send(destination: ses.BulkEmailDestination) -> Any:
            data = data_of(destination.get("ReplacementTemplateData"), name="ReplacementTemplateData")
            submission = self._submission(
                request,
                "SendBulkTemplatedEmail",
                named,
                destination["Destination"],
                merged(default, data),
                _merged(request.get("DefaultTags", ()), destination.get("ReplacementTags", ())),
            )
            return await self._sender.send(caller, submission)

        entries = await send_all([lambda to=to: send(to) for to in destinations])  # type: ignore[misc]
        status: list[ses.BulkEmailDestinationStatus] = []
        for entry in entries:
            entry_status: dict[str, Any] = {"Status": status_of(entry.error)}
            if entry.error is not None:
                entry_status["Error"] = entry.error.message
            else:
                entry_status["MessageId"] = entry.message_id
            status.append(entry_status)  # type: ignore[arg-type]
        return {"Status": status}

    def _submission(
        self,
        request: Request,
        operation: str,
        named: Named,
        destination: ses.Destination,
        data: Mapping[str, Any],
        tags: Sequence[ses.MessageTag],
    ) -> Submission:
        name, arn, parts = named
        content = TemplateContent(
            to=tuple(destination.get("ToAddresses", ())),
            cc=tuple(destination.get("CcAddresses", ())),
            bcc=tuple(destination.get("BccAddresses", ())),
            reply_to=tuple(request.get("ReplyToAddresses", ())),
            name=name,
            arn=arn,
            parts=parts,
            data=data,
        )
        return submission_of(request, content, operation=operation, tags=tags, max_bytes=self._max_bytes)


def _merged(default: Sequence[ses.MessageTag], replacement: Sequence[ses.MessageTag]) -> list[ses.MessageTag]:
    """Tags of an entry: its own stand in for the default ones of the same name."""
    named = {tag["Name"] for tag in replacement}
    return [*(tag for tag in default if tag["Name"] not in named), *replacement]
