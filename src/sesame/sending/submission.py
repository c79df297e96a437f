"""One request to send, in one normal form whichever door it came through.

The doors differ only in how they fill this in; all that is true of a send is decided below it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sesame.mail.attach import Attachment
from sesame.mail.build import Text
from sesame.templates import Template

SMTP = "SendSmtpEmail"
"""The operation of a message that comes by SMTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleContent:
    """Parts from which Sesame builds the message."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: Text
    text: Text | None
    html: Text | None
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()


class RawContent(msgspec.Struct, frozen=True, kw_only=True):
    """A whole message as the client built it."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateParts:
    """A template that was read: its parts, None for one that it does not have."""

    subject: Template | None
    text: Template | None
    html: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateContent:
    """A template and what to fill in; `data` is a JSON object, `arn` None for a template in the request."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]
    name: str
    arn: str | None
    parts: TemplateParts
    data: Mapping[str, Any]
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One request to send.

    `source` is the Source parameter or MAIL FROM as written; `destinations` the explicit envelope,
    empty when recipients come from the header; ARNs are those named by parameter. For raw content
    the X-SES headers stand in for each that is absent. `bound_arns` are those that the credential stands
    for: they fill in where the message names none, and grant nothing.
    """

    operation: str
    action: str
    api_version: str
    content: SimpleContent | RawContent | TemplateContent
    source: str | None
    destinations: tuple[str, ...]
    return_path: str | None
    source_arn: str | None
    from_arn: str | None
    return_path_arn: str | None
    configuration_set: str | None
    tags: tuple[tuple[str, str], ...]
    max_bytes: int
    bound_arns: tuple[str, ...] = ()
    tracking: Mapping[str, bool] = msgspec.field(default_factory=dict)
    """Whether `open` and `click` are followed whatever the configuration set says."""
    trace: str = ""
    """For mail by SMTP: from which client it came and how, as a Received field begins; those who are notified of the
    message see it, recipients do not."""
    resources: tuple[str, ...] = ()
    """ARNs of what else the message is made with, which the caller's own IAM policies must allow."""
