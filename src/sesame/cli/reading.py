"""A message as a person reads it: fields and text decoded, other parts named. For display only."""

import email.message
import email.parser
from dataclasses import dataclass

from sesame.mail.display import content_of, decoded, is_body, name_of, parse, text_of, type_of

FIELDS = ("From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is shown of a message."""

    fields: tuple[tuple[str, str], ...]
    text: str
    other_parts: tuple[str, ...]
    """Type, name and size of the parts that are not shown."""


def read(data: bytes) -> Reading:
    """The message in `data`, whatever it is: what cannot be decoded is shown as it stands."""
    message = parse(data)
    fields = [(name, decoded(str(value))) for name in FIELDS for value in message.get_all(name, [])]
    leaves = [part for part in message.walk() if not part.is_multipart()]
    body_part = next((part for part in leaves if is_body(part, "text/plain")), None)
    body_part = body_part or next((part for part in leaves if is_body(part, "text/html")), None)
    return Reading(
        fields=tuple(fields),
        text="" if body_part is None else text_of(body_part),
        other_parts=tuple(_described(part) for part in leaves if part is not body_part),
    )


def from_and_subject(data: bytes) -> tuple[str, str]:
    """The fields From and Subject, decoded."""
    message = email.parser.BytesHeaderParser().parsebytes(data)
    return decoded(str(message.get("From", ""))), decoded(str(message.get("Subject", "")))


def _described(part: "email.message.Message[str, str]") -> str:
    name = name_of(part)
    named = f" `{name}`" if name else ""
    return f"{type_of(part)}{named}, {len(content_of(part))} bytes"
