"""Attachments of a message that Sesame builds: one MIME part each, and the multiparts around them.

Inline parts stand beside the body in a multipart/related, the others in a multipart/mixed around it.
What a name or type may be is checked here, since it is written here. Sources: RFC 2045, RFC 2046
section 5.1, RFC 2183, RFC 2231, RFC 2387, RFC 2392; SES API v2 (Attachment); SES developer guide
(unsupported attachment types).
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from sesame.mail import header, mime
from sesame.mail.header import MessageError

_FORBIDDEN_IN_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_CONTENT_ID = re.compile(r"[!#-;=?-Z^-~]+")  # RFC 5322 atoms and dots, no brackets, quotes or blanks
_TOKEN = re.compile(r"[!#$%&'+.0-9A-Z^_`a-z{|}~-]+")
_ROOT_TYPE = re.compile(rb"Content-Type: ([a-z]+/[a-z-]+)")
_LONGEST_PLAIN, _PIECE = 50, 16  # octets of a parameter value on a line, as text and as escapes

_OFFICE = "application/vnd.openxmlformats-officedocument"
_TYPES = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "gif": "image/gif",
    "html": "text/html",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "pdf": "application/pdf",
    "png": "image/png",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}
"""By extension, for attachments whose type the client leaves out; all others are octet streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attachment. `content_type` None: what the extension of the name stands for.

    `transfer_encoding` is `base64`, `quoted-printable` or `7bit`; `content_id` has no brackets.
    """

    data: bytes
    file_name: str
    content_type: str | None = None
    description: str | None = None
    content_id: str | None = None
    inline: bool = False
    transfer_encoding: str = "base64"


def with_attachments(
    body: Sequence[bytes], attachments: Sequence[Attachment], new_boundary: Callable[[], str]
) -> list[bytes]:
    """`body` (MIME fields, blank line, content) with its attachments around it, in the same form.

    Raises MessageError for a name or type that may not be, and content that its encoding cannot say.
    """
    entity = list(body)
    for inline, subtype in ((True, "related"), (False, "mixed")):
        parts = [_part(attachment) for attachment in attachments if attachment.inline is inline]
        if parts:
            entity = multipart(subtype, [entity, *parts], new_boundary())
    return entity


def multipart(subtype: str, parts: Sequence[Sequence[bytes]], boundary: str) -> list[bytes]:
    """A multipart entity: its Content-Type, the blank line, and the parts between delimiters.

    A multipart/related names the type of its first part (RFC 2387 section 3.1).
    """
    mark = boundary.encode("ascii")
    # What holds 8-bit text must say so at every level (RFC 2045 section 6.4).
    eight_bit = any(not piece.isascii() for part in parts for piece in part)
    encoding = b"Content-Transfer-Encoding: 8bit\r\n" if eight_bit else b""
    root = _ROOT_TYPE.match(parts[0][0]) if subtype == "related" else None
    of_root = b' type="%b";\r\n' % root[1] if root else b""
    out = [
        b'Content-Type: multipart/%b;\r\n%b boundary="%b"\r\n%b\r\n'
        % (subtype.encode("ascii"), of_root, mark, encoding)
    ]
    for part in parts:
        out += (b"--%b\r\n" % mark, *part, b"\r\n")  # the CRLF before a delimiter is the delimiter's
    out.append(b"--%b--\r\n" % mark)
    return out


def _part(attachment: Attachment) -> list[bytes]:
    name = attachment.file_name
    if not name or _FORBIDDEN_IN_NAME.search(name):
        printable = "".join(character for character in name if character.isprintable())
        raise MessageError(f"Illegal filename '{printable[:255]}'.")
    mime.check_file_name(name)
    kind = _content_type(attachment)
    encoding, content = _message(attachment, kind) if kind.startswith("message/") else _encoded(attachment)
    fields = [
        _field_with_parameter("Content-Type", kind, "name", name),
        _field_with_parameter(
            "Content-Disposition", "inline" if attachment.inline else "attachment", "filename", name
        ),
        b"Content-Transfer-Encoding: %b\r\n" % encoding.encode("ascii"),
    ]
    if attachment.content_id is not None:
        content_id = attachment.content_id.removeprefix("<").removesuffix(">")
        if not _CONTENT_ID.fullmatch(content_id):
            raise MessageError(f"Illegal ContentId '{attachment.content_id}'.")
        fields.append(b"Content-ID: <%b>\r\n" % content_id.encode("ascii"))
    if attachment.description:
        fields.append(header.field("Content-Description", attachment.description))
    return [*fields, b"\r\n", content]


def _content_type(attachment: Attachment) -> str:
    """`type/subtype` with the parameters the client gave, the name aside."""
    if attachment.content_type is None:
        extension = attachment.file_name.rpartition(".")[2].lower()
        return _TYPES.get(extension, "application/octet-stream")
    value = attachment.content_type
    if not value.isascii() or not value.isprintable():
        raise MessageError("Illegal ContentType.")
    kind = mime.content_type(value)
    if kind.type == "multipart":
        raise MessageError(f"An attachment cannot be of type {kind.type}/{kind.subtype}.")
    written = [f"{kind.type}/{kind.subtype}"]
    for name, text in kind.parameters.items():
        if name != "name":
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            written.append(f"{name}={text}" if _TOKEN.fullmatch(text) else f'{name}="{quoted}"')
    return "; ".join(written)


def _field_with_parameter(field: str, value: str, parameter: str, text: str) -> bytes:
    """A field with one parameter of any length and script, by RFC 2231 where it needs that."""
    if text.isascii() and len(text) <= _LONGEST_PLAIN:
        return f'{field}: {value};\r\n {parameter}="{text}"\r\n'.encode("ascii")
    octets = text.encode()
    pieces = [quote_from_bytes(octets[at : at + _PIECE], safe="") for at in range(0, len(octets), _PIECE)]
    first, *rest = [f"{parameter}*{number}*=" for number in range(len(pieces))]
    written = [f" {first}UTF-8''{pieces[0]}"]
    written += [f" {name}{piece}" for name, piece in zip(rest, pieces[1:], strict=True)]
    return (f"{field}: {value};\r\n" + ";\r\n".join(written) + "\r\n").encode("ascii")


def _message(attachment: Attachment, kind: str) -> tuple[str, bytes]:
    """A message in the message, as it is: readers of base64 would find none (RFC 2046 section 5.2.1)."""
    text = header.canonical_newlines(attachment.data)
    fits_8bit = not kind.startswith(("message/partial", "message/external-body"))  # sections 5.2.2.1, 5.2.3
    if not header.lines_fit(text) or not (text.isascii() or fits_8bit):
        raise MessageError(
            f"The content of '{attachment.file_name}' is not a message: text in lines of up to"
            f" {header.LINE_LIMIT} characters."
        )
    if not attachment.data.endswith(b"\n"):
        text = text.removesuffix(b"\r\n")
    return "7bit" if text.isascii() else "8bit", text


def _encoded(attachment: Attachment) -> tuple[str, bytes]:
    return attachment.transfer_encoding, _content(attachment)


def _content(attachment: Attachment) -> bytes:
    data = attachment.data
    match attachment.transfer_encoding:
        case "base64":
            return base64.encodebytes(data).replace(b"\n", b"\r\n")
        case "quoted-printable":
            # Not as text: every line end of the content is written out, only soft ones are left.
            return binascii.b2a_qp(data, istext=False).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        case "7bit":
            text = header.canonical_newlines(data)
            if not data.isascii() or not header.lines_fit(text):
                raise MessageError(
                    f"The content of '{attachment.file_name}' is not 7bit: text in lines of up to"
                    f" {header.LINE_LIMIT} ASCII characters."
                )
            return text if data.endswith(b"\n") else text.removesuffix(b"\r\n")
        case other:
            raise MessageError(f"Illegal ContentTransferEncoding '{other}'.")
