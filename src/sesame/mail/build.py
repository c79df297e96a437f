"""Build the message of SendEmail's simple content: text, HTML or both, with attachments.

Writes MIME by hand, because the standard library's EmailMessage costs more than an RSA signature.
It does not choose what goes into a message and does not sign it.
Sources: RFC 2045 section 6, RFC 2046 section 5.1.4, RFC 2047, SES API (Content, Charset).
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sesame.mail import encoded_words, header
from sesame.mail.address import Mailbox, parse_mailbox
from sesame.mail.attach import Attachment, multipart, with_attachments
from sesame.mail.header import MessageError
from sesame.mail.message import more_fields, stamp

_PRESENT = frozenset({b"subject", b"reply-to"})
_NOBODY = parse_mailbox("nobody@invalid")
_QUOTED_SHARE = 6  # base64 is the shorter one when more than a sixth of the octets need quoting


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A piece of text with the charset that it is to be sent in; None: ASCII, or UTF-8 where the text needs it."""

    data: str
    charset: str | None = "UTF-8"


def text_of(data: str | None) -> Text | None:
    """Text in UTF-8, where there is any."""
    return None if data is None else Text(data=data)


def build_simple(
    *,
    from_: Mailbox,
    to: Sequence[Mailbox],
    cc: Sequence[Mailbox] = (),
    reply_to: Sequence[Mailbox] = (),
    subject: Text,
    text: Text | None,
    html: Text | None = None,
    message_id_field: str,
    at: float,
    new_boundary: Callable[[], str],
    extra_fields: Sequence[tuple[str, str]] = (),
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """The message with canonical newlines; multipart/alternative if it has both text and HTML.

    `at` is Unix seconds; what `new_boundary` gives must be unguessable to who writes the text. Raises
    MessageError for a charset that is unknown or lacks a character, for a control character in a field, for
    extra fields as `message.more_fields` does, for attachments as `attach` does, for a header section that is longer
    than one of a raw message may be, and if there is no body.
    """
    bodies = [
        _part("plain", text.data, text.charset) if text is not None else None,
        _part("html", html.data, html.charset) if html is not None else None,
    ]
    parts = [body for body in bodies if body is not None]
    if not parts:
        raise MessageError("Message body is empty.")
    out = [
        stamp(at=at, message_id_field=message_id_field),
        header.folded("From", from_.words),
        *(
            header.address_field(name, boxes)
            for name, boxes in (("Reply-To", reply_to), ("To", to), ("Cc", cc))
            if boxes
        ),
        header.folded("Subject", header.text_words("Subject", subject.data, subject.charset or "UTF-8")),
        b"MIME-Version: 1.0\r\n",
        *more_fields(extra_fields, present=_PRESENT if reply_to else _PRESENT - {b"reply-to"}),
    ]
    if sum(map(len, out)) > header.HEADER_LIMIT:
        raise MessageError("Header section too long.")
    body = parts[0] if len(parts) == 1 else multipart("alternative", parts, new_boundary())
    out += with_attachments(body, attachments, new_boundary) if attachments else body
    return b"".join(out)


def build_preview(
    *, subject: str, text: str | None, html: str | None, at: float, new_boundary: Callable[[], str]
) -> bytes:
    """A message without addresses or id, as SES shows what a template becomes: 7-bit text.

    Raises MessageError as `build_simple` does.
    """
    whole = build_simple(
        from_=_NOBODY,
        to=(),
        subject=Text(data=subject),
        text=text_of(text),
        html=text_of(html),
        message_id_field="",
        at=at,
        new_boundary=new_boundary,
    )
    fields, body_at = header.scan(whole)
    left_out = {b"from", b"message-id"}
    return b"".join(field.raw for field in fields if field.key not in left_out) + b"\r\n" + whole[body_at:]


def _part(subtype: str, text: str, charset: str | None) -> tuple[bytes, bytes]:
    """The MIME fields with the blank line, and the encoded body, of one text/* part."""
    charset = charset or ("us-ascii" if text.isascii() else "UTF-8")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    try:
        data = encoded_words.encoded(
            text.replace("\n", "\r\n"), encoded_words.codec(charset), charset=charset
        )
    except encoded_words.WordError as error:
        raise MessageError(str(error)) from error
    encoding, body = _transfer_encoded(data)
    fields = (
        f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return fields.encode("ascii"), body


def _transfer_encoded(data: bytes) -> tuple[str, bytes]:
    """The lightest encoding that any server passes on unchanged (RFC 2045 section 6.2)."""
    if not data.endswith(b"\r\n") or b"\0" in data or data.count(b"\n") != data.count(b"\r\n"):
        return "base64", _base64(data)  # not lines of text octets, as UTF-16 is not
    if data.isascii():
        if header.lines_fit(data):
            return "7bit", data
        return "quoted-printable", binascii.b2a_qp(data)
    if len(data.translate(None, bytes(range(128)))) * _QUOTED_SHARE > len(data):
        return "base64", _base64(data)
    return "quoted-printable", binascii.b2a_qp(data)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")
