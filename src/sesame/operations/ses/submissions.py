"""The one normal form of what SES v1 builds from parts: SendEmail, SendTemplatedEmail, SendBulkTemplatedEmail."""

from collections.abc import Sequence

from sesame.aws.shapes import ses
from sesame.operations.simple_message import message_tags
from sesame.sending.submission import SimpleContent, Submission, TemplateContent

Request = ses.SendEmailRequest | ses.SendTemplatedEmailRequest | ses.SendBulkTemplatedEmailRequest


def submission_of(
    request: Request,
    content: SimpleContent | TemplateContent,
    *,
    operation: str,
    tags: Sequence[ses.MessageTag],
    max_bytes: int,
) -> Submission:
    """What a request sends, its recipients in `content`; the operation is the action that must be allowed."""
    return Submission(
        operation=operation,
        action=f"ses:{operation}",
        api_version="1",
        content=content,
        source=request["Source"],
        destinations=(),
        return_path=request.get("ReturnPath"),
        source_arn=request.get("SourceArn"),
        from_arn=None,
        return_path_arn=request.get("ReturnPathArn"),
        configuration_set=request.get("ConfigurationSetName"),
        tags=message_tags(tags),
        max_bytes=max_bytes,
    )
