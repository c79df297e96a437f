"""A message that Sesame builds from its parts, in what v1 and v2 have in common of it."""

from collections.abc import Sequence

from sesame.aws.shapes import ses, sesv2
from sesame.errors import InvalidParameterValue
from sesame.mail.attach import Attachment
from sesame.mail.build import Text
from sesame.sending.submission import SimpleContent


def simple_content(
    message: ses.Message | sesv2.Message,
    destination: ses.Destination | sesv2.Destination,
    reply_to: Sequence[str],
    *,
    headers: tuple[tuple[str, str], ...] = (),
    attachments: tuple[Attachment, ...] = (),
) -> SimpleContent:
    """The content that a request describes. Raises `InvalidParameterValue`."""
    text, html = _text(message["Body"].get("Text")), _text(message["Body"].get("Html"))
    if text is None and html is None:
        raise InvalidParameterValue("The message body must have a text or an HTML part.")
    subject = message["Subject"]
    return SimpleContent(
        to=tuple(destination.get("ToAddresses", ())),
        cc=tuple(destination.get("CcAddresses", ())),
        bcc=tuple(destination.get("BccAddresses", ())),
        reply_to=tuple(reply_to),
        subject=Text(data=subject["Data"], charset=subject.get("Charset")),
        text=text,
        html=html,
        headers=headers,
        attachments=attachments,
    )


def message_tags(tags: Sequence[ses.MessageTag] | Sequence[sesv2.MessageTag]) -> tuple[tuple[str, str], ...]:
    """The tags of a message by name."""
    return tuple((tag["Name"], tag["Value"]) for tag in tags)


def _text(content: ses.Content | sesv2.Content | None) -> Text | None:
    return None if content is None else Text(data=content["Data"], charset=content.get("Charset"))
