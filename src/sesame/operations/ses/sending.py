"""SendEmail and SendRawEmail of SES v1: from the typed request to the one normal form.

Everything that is true of a send is decided below `Submission`; nothing is decided here. Source:
SES API reference.
"""

from sesame.aws.shapes import ses
from sesame.model import Caller
from sesame.operations.ses.submissions import submission_of
from sesame.operations.simple_message import message_tags, simple_content
from sesame.operations.table import Handlers
from sesame.sending.send import Sender
from sesame.sending.submission import RawContent, Submission


class SendingOperations:
    """The operations; `max_bytes` is v1's limit for a composed message."""

    def __init__(self, sender: Sender, *, max_bytes: int) -> None:
        self._sender = sender
        self._max_bytes = max_bytes

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "SendEmail": self.send_email,
            "SendRawEmail": self.send_raw_email,
        }

    async def send_email(self, caller: Caller, request: ses.SendEmailRequest) -> ses.SendEmailResponse:
        """Send a message that Sesame builds from its parts."""
        destination, message = request["Destination"], request["Message"]
        content = simple_content(message, destination, request.get("ReplyToAddresses", ()))
        submission = submission_of(
            request,
            content,
            operation="SendEmail",
            tags=request.get("Tags", ()),
            max_bytes=self._max_bytes,
        )
        return {"MessageId": await self._sender.send(caller, submission)}

    async def send_raw_email(
        self, caller: Caller, request: ses.SendRawEmailRequest
    ) -> ses.SendRawEmailResponse:
        """Send a message as the client built it; X-SES headers stand in for absent parameters."""
        submission = Submission(
            operation="SendRawEmail",
            action="ses:SendRawEmail",
            api_version="1",
            content=RawContent(data=request["RawMessage"]["Data"]),
            source=request.get("Source"),
            destinations=tuple(request.get("Destinations", ())),
            return_path=None,
            source_arn=request.get("SourceArn"),
            from_arn=request.get("FromArn"),
            return_path_arn=request.get("ReturnPathArn"),
            configuration_set=request.get("ConfigurationSetName"),
            tags=message_tags(request.get("Tags", ())),
            max_bytes=self._max_bytes,
        )
        return {"MessageId": await self._sender.send(caller, submission)}
