"""A message as a person reads it: fields and text decoded, other parts named. For display only.

The standard library's parser may be used here: nothing is decided by what it finds.
"""

import email.header
import email.message
import email.parser
from dataclasses import dataclass

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
    message = email.parser.BytesParser().parsebytes(data)
    fields = [(name, _decoded(str(value))) for name in FIELDS for value in message.get_all(name, [])]
    leaves = [part for part in message.walk() if not part.is_multipart()]
    shown = next((part for part in leaves if _is_text(part, "text/plain")), None)
    shown = shown or next((part for part in leaves if _is_text(part, "text/html")), None)
    return Reading(
        fields=tuple(fields),
        text="" if shown is None else _text(shown),
        other_parts=tuple(_described(part) for part in leaves if part is not shown),
    )


def from_and_subject(data: bytes) -> tuple[str, str]:
    """The fields From and Subject, decoded."""
    message = email.parser.BytesHeaderParser().parsebytes(data)
    return _decoded(str(message.get("From", ""))), _decoded(str(message.get("Subject", "")))


def _decoded(value: str) -> str:
    unfolded = value.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", "\t")
    try:
        return str(email.header.make_header(email.header.decode_header(unfolded)))
    except (UnicodeError, LookupError, ValueError):
        return unfolded


def _is_text(part: "email.message.Message[str, str]", kind: str) -> bool:
    return part.get_content_type() == kind and part.get_content_disposition() != "attachment"


def _text(part: "email.message.Message[str, str]") -> str:
    data = _content(part)
    try:
        text = data.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, UnicodeError, ValueError):
        text = data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _content(part: "email.message.Message[str, str]") -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _described(part: "email.message.Message[str, str]") -> str:
    name = part.get_filename()
    named = f" `{_decoded(name)}`" if name else ""
    return f"{part.get_content_type()}{named}, {len(_content(part))} bytes"
