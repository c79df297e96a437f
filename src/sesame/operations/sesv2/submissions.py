"""The one normal form of what SES v2 sends: SendEmail and SendBulkEmail."""

from collections.abc import Mapping, Sequence
from typing import Any

from sesame.aws.shapes import sesv2
from sesame.errors import NotImplementedByService
from sesame.operations.simple_message import message_tags
from sesame.sending.submission import RawContent, SimpleContent, Submission, TemplateContent

_FOLLOWED = (("open", "OpenTrackingEnabled"), ("click", "ClickTrackingEnabled"))


def refuse_not_served(request: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise `NotImplementedByService` for the first of the parameters `names` that a request has."""
    for name in names:
        if request.get(name):
            raise NotImplementedByService(f"The parameter {name} is not implemented by this service.")


def submission_of(
    request: sesv2.SendEmailRequest | sesv2.SendBulkEmailRequest,
    content: SimpleContent | RawContent | TemplateContent,
    *,
    operation: str,
    action: str,
    tags: Sequence[sesv2.MessageTag],
    max_bytes: int,
    destinations: tuple[str, ...] = (),
) -> Submission:
    """What a request sends; `destinations` are the recipients of raw content, if they are not those of its header."""
    arn = request.get("FromEmailAddressIdentityArn")
    return Submission(
        operation=operation,
        action=action,
        api_version="2",
        content=content,
        source=request.get("FromEmailAddress"),
        destinations=destinations,
        return_path=request.get("FeedbackForwardingEmailAddress"),
        source_arn=arn,
        from_arn=arn,
        return_path_arn=request.get("FeedbackForwardingEmailAddressIdentityArn"),
        configuration_set=request.get("ConfigurationSetName"),
        tags=message_tags(tags),
        max_bytes=max_bytes,
        tracking=_tracking_of(request.get("ConfigurationOverrides", {})),
    )


def _tracking_of(overrides: sesv2.ConfigurationOverrides) -> dict[str, bool]:
    """Whether opens and clicks of one message are followed, whatever its configuration set says."""
    given = overrides.get("Tracking", {})
    return {what: given[name] == "ENABLED" for what, name in _FOLLOWED if name in given}  # type: ignore[literal-required]
