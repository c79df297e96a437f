"""Text of received messages as people read it. For display only: nothing is decided by what is found here.

The standard library's parser may be used for it. Whatever comes back can be encoded: an encoded word or a charset such
as UTF-7 can name half of a surrogate pair, and octets that are no text become such halves in the parser.
"""

import email.header
import email.parser
from email.errors import MessageError
from email.message import Message

from sesame.mail.encoded_words import SURROGATE

_UNREADABLE = (LookupError, TypeError, ValueError)
"""What the standard library raises at parameters that it cannot put together (RFC 2231) and at charsets."""


def parse(data: bytes) -> "Message[str, str]":
    """The message as the standard library has it; where its parts cannot be told apart, its header and the rest."""
    try:
        return email.parser.BytesParser().parsebytes(data)
    except _UNREADABLE:
        return email.parser.BytesHeaderParser().parsebytes(data)


def encodable(text: str) -> str:
    """The text with what no encoding has replaced by U+FFFD."""
    return SURROGATE.sub("\ufffd", text)


def decoded(value: str) -> str:
    """A header field's body with its encoded words decoded, on one line; as it stands where that cannot be done."""
    unfolded = value.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ").replace("\n", " ")
    try:
        unfolded = str(email.header.make_header(email.header.decode_header(unfolded)))
    except (MessageError, LookupError, ValueError):
        pass
    return encodable(unfolded)


def content_of(part: "Message[str, str]") -> bytes:
    """A part's content with its transfer encoding undone; nothing for one that holds others."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def text_of(part: "Message[str, str]") -> str:
    """A part as text, whatever it is, with lines that end in LF."""
    data = content_of(part)
    try:
        text = data.decode(part.get_content_charset("utf-8"), "replace")
    except _UNREADABLE:
        text = data.decode("utf-8", "replace")
    return encodable(text).replace("\r\n", "\n")


def is_body(part: "Message[str, str]", kind: str) -> bool:
    """Whether a part is of that media type and is not an attachment."""
    return part.get_content_type() == kind and part.get_content_disposition() != "attachment"


def type_of(part: "Message[str, str]") -> str:
    """A part's media type."""
    return encodable(part.get_content_type())


def name_of(part: "Message[str, str]") -> str:
    """The file name that a part has, or nothing."""
    try:
        return decoded(part.get_filename() or "")
    except _UNREADABLE:
        return ""
