"""A copy of a message in 7-bit text, for servers that take no 8-bit text (RFC 6152 section 3).

Bodies become quoted-printable or base64, 8-bit header fields encoded-words; all else stays octet for
octet. A part that is signed as a whole cannot be converted. Sources: RFC 2045 section 6, RFC 2046
section 5.1, RFC 2047, RFC 1847 section 2.1 (signed parts), RFC 6532 (UTF-8 in header fields).
"""

import base64
import binascii
import re

from sesame.mail import encoded_words, header, mime
from sesame.mail.address import AddressError, parse_mailbox_list
from sesame.mail.header import MessageError

_ADDRESSES = frozenset({b"to", b"cc", b"reply-to", b"from", b"sender", b"resent-to", b"resent-cc"})
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ENCODED = ("base64", "quoted-printable")


class NotConvertible(MessageError):
    """A part that would lose its signature."""


def header_is_seven_bit(message: bytes) -> bool:
    """Whether the header fields of a message are ASCII."""
    end = message.find(b"\r\n\r\n")
    return message[: len(message) if end < 0 else end].isascii()


def to_seven_bit(message: bytes) -> bytes:
    """The message as ASCII, with canonical newlines as it came. Raises `NotConvertible`."""
    return _entity(message, depth=0)


def _entity(data: bytes, *, depth: int) -> bytes:
    """One message or part: its head, a blank line, its body."""
    if data.isascii():
        return data
    head, body = _split(data)
    kind, encoding = _kind(head)
    if kind.type == "multipart":
        if kind.subtype == "signed":
            raise NotConvertible("a signed part cannot be converted to 7-bit text")
        body = _multipart(data, kind, at=len(head), depth=depth)
        return _head(head, encoding="7bit" if encoding else None) + body
    if (kind.type, kind.subtype) == ("message", "rfc822") and depth < mime.DEPTH_LIMIT:
        blank, inner = body[:2], body[2:]
        return _head(head, encoding="7bit" if encoding else None) + blank + _entity(inner, depth=depth + 1)
    if body.isascii():
        return _head(head, encoding=None) + body
    if encoding in _ENCODED:
        return _head(head, encoding=None) + _mended(body, encoding)
    encoding = "quoted-printable" if kind.type == "text" else "base64"
    return _head(head, encoding=encoding) + body[:2] + _encoded(body[2:], encoding)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """The fields, each with its CRLF, and the rest, which begins with the blank line."""
    if data.startswith(b"\r\n"):
        return b"", data
    at = data.find(b"\r\n\r\n")
    return (data, b"") if at < 0 else (data[: at + 2], data[at + 2 :])


def _kind(head: bytes) -> tuple[mime.ContentType, str]:
    values: dict[bytes, str] = {}
    for match in header.FIELD_PARTS.finditer(head):
        text = match[2].replace(b"\r\n", b"").replace(b"\t", b" ").decode("latin-1").strip()
        values.setdefault(match[1].lower(), text)
    try:
        kind = mime.content_type(values.get(b"content-type") or "text/plain")
    except MessageError:
        kind = mime.ContentType("application", "octet-stream", {})
    return kind, values.get(b"content-transfer-encoding", "").lower()


def _multipart(data: bytes, kind: mime.ContentType, *, at: int, depth: int) -> bytes:
    """The body of a multipart, each part converted; text between parts is nobody's and loses its accents."""
    out, end = [], at
    if depth < mime.DEPTH_LIMIT:
        for start, stop in mime.inner_parts(data, kind, start=at + 2, end=len(data)):
            out += [_asked(data[end:start]), _entity(data[start:stop], depth=depth + 1)]
            end = stop
    out.append(_asked(data[end:]))
    return b"".join(out)


def _asked(data: bytes) -> bytes:
    return data if data.isascii() else data.decode("ascii", "replace").replace("\ufffd", "?").encode("ascii")


def _mended(body: bytes, encoding: str) -> bytes:
    """A body that calls itself encoded and yet is 8-bit: what it decodes to stays what it is."""
    if encoding == "base64":
        return bytes(octet for octet in body if octet < 128)
    return b"".join(b"=%02X" % octet if octet >= 128 else bytes((octet,)) for octet in body)


def _encoded(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(body).replace(b"\n", b"\r\n").removesuffix(b"\r\n") + (
            b"\r\n" if body.endswith(b"\r\n") else b""
        )
    return binascii.b2a_qp(body)


def _head(head: bytes, *, encoding: str | None) -> bytes:
    """The fields in ASCII, with another Content-Transfer-Encoding if there is to be one."""
    out, is_named = [], False
    for line in header.FIELD_PARTS.finditer(head):
        key = line[1].lower()
        if key == b"content-transfer-encoding" and encoding is not None:
            is_named = True
            out.append(b"Content-Transfer-Encoding: %b\r\n" % encoding.encode())
        else:
            out.append(line[0] if line[0].isascii() else _field(line[1], line[2]))
    if encoding is not None and not is_named:
        out.append(b"Content-Transfer-Encoding: %b\r\n" % encoding.encode())
    return b"".join(out)


def _field(name: bytes, raw: bytes) -> bytes:
    """One 8-bit field as encoded-words; what is not UTF-8 is taken for Latin-1, in which all is."""
    data = raw.replace(b"\r\n", b"").replace(b"\t", b" ").strip()
    try:
        value = data.decode("utf-8")
    except UnicodeDecodeError:
        value = data.decode("latin-1")
    value = "".join(character if character.isprintable() else "?" for character in value)
    title, key = name.decode("ascii"), name.lower()
    if key in _ADDRESSES:
        try:
            pieces: list[str] = []
            for mailbox in parse_mailbox_list(value):
                pieces[-1:] = [f"{piece}," for piece in pieces[-1:]]
                pieces += mailbox.words
            return header.folded(title, pieces)
        except AddressError:
            pass
    if key.startswith(b"content-") and '"' in value:
        quoted = _QUOTED.sub(lambda match: f'"{" ".join(_words(match[1]))}"', value)
        return header.folded(title, [_words_if_needed(piece) for piece in quoted.split(" ") if piece])
    return header.folded(title, _words(value))


def _words_if_needed(text: str) -> str:
    return text if text.isascii() else " ".join(encoded_words.encode(text))


def _words(text: str) -> list[str]:
    return [text] if text.isascii() else encoded_words.encode(text)
