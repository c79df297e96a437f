"""Links and a picture of ours in the HTML of a message: which parts, where in their octets, and nothing else.

Takes a message with canonical newlines and gives it back with the targets of its links replaced, and with a picture.
Each part keeps its transfer encoding, and every octet that is not part of a link; only an 8-bit or 7-bit part whose
lines would become too long is made quoted-printable. Left alone are attachments, messages in messages, what is signed
or encrypted, charsets that are no superset of ASCII, and encodings that do not decode. Sources: RFC 2045 section 6, RFC
2046 section 5.1, RFC 1847, RFC 5322 section 2.1.1; SES developer guide, "Email sending metrics FAQs".
"""

import base64
import binascii
import codecs
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from sesame.mail import html_links, mime
from sesame.mail.header import FIELD_PARTS, LINE_LIMIT, MessageError
from sesame.mail.html_links import PLACE, Link
from sesame.mail.tracked_link import is_target

MOST_LINKS = 250
"""Links of a message that lead over us; SES has the same."""

NOTHING = b"<!---->"
"""What stands in place of a `{{ses:openTracker}}` that no picture takes: readers see nothing of it."""

_CLOSED = frozenset({"signed", "encrypted"})
_QP_ESCAPE = re.compile(rb"=(?:([0-9A-Fa-f]{2})|[ \t]*\r\n)|[ \t]+(?=\r\n|\Z)|=")
_QP_LINE = 76
_PLAIN_ENCODINGS = ("", "7bit", "8bit", "binary")
_ONE_OCTET = re.compile(r"iso8859-\d+|cp125\d|koi8-[ru]|cp866|mac-roman|ascii|tis-620")
_MORE_OCTETS = frozenset(
    {"gb2312", "gbk", "gb18030", "big5", "big5hkscs", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"}
)
"""Charsets in which `<`, quotes and blanks mean themselves wherever they stand."""

Write = Callable[[int, str, str], str | None]
"""The address of a link: its number among the links of the message, its target, its `ses:tags`; None: as it is."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Octets to be put in place of others."""

    start: int
    end: int
    new: bytes


def track(message: bytes, *, link: Write | None, picture: str | None) -> bytes:
    """The message with its links as `link` writes them and the picture at the address `picture`; None: none."""
    if link is None and picture is None:
        return message
    return _Tracking(link, picture).entity(message, depth=0)


class _Tracking:
    """One pass over a message."""

    def __init__(self, link: Write | None, picture: str | None) -> None:
        self._link = link
        self._picture = picture
        self._links = 0

    def entity(self, data: bytes, *, depth: int) -> bytes:
        """A message or part: its head, a blank line, its body."""
        head, body_at = _head_of(data)
        if body_at >= len(data):
            return data
        fields = _fields(head)
        try:
            kind = mime.content_type(fields.get(b"content-type") or "text/plain")
        except MessageError:
            return data
        if kind.type == "multipart":
            if kind.subtype in _CLOSED or depth >= mime.DEPTH_LIMIT:
                return data
            return self._multipart(data, kind, body_at, depth=depth)
        disposition = fields.get(b"content-disposition", "").partition(";")[0].strip().lower()
        if (kind.type, kind.subtype) != ("text", "html") or disposition == "attachment":
            return data
        if b"content-md5" in fields:  # it would say something else (RFC 1864)
            return data
        charset = _charset(kind.parameters.get("charset", "us-ascii"))
        if charset is None:
            return data
        encoding = fields.get(b"content-transfer-encoding", "").lower()
        return self._html(data, head, body_at, encoding=encoding, charset=charset)

    def _multipart(self, data: bytes, kind: mime.ContentType, body_at: int, *, depth: int) -> bytes:
        out, end = [], 0
        for start, stop in mime.inner_parts(data, kind, start=body_at, end=len(data)):
            out += [data[end:start], self.entity(data[start:stop], depth=depth + 1)]
            end = stop
        out.append(data[end:])
        return b"".join(out)

    def _html(self, data: bytes, head: bytes, body_at: int, *, encoding: str, charset: str) -> bytes:
        body = data[body_at:]
        if encoding == "base64":
            text = _from_base64(body)
            if text is None or not (edits := self._edits(text, charset)):
                return data
            return data[:body_at] + _to_base64(_edited(text, edits), like=body)
        if encoding == "quoted-printable":
            text, origin = _from_quoted_printable(body)
            edits = self._edits(text, charset)
            return data[:body_at] + _edited_quoted_printable(body, origin, edits) if edits else data
        if encoding not in _PLAIN_ENCODINGS or not (edits := self._edits(body, charset)):
            return data
        changed = _edited(body, edits)
        if _lines_fit(changed):
            return data[:body_at] + changed
        return _with_encoding(head) + data[len(head) : body_at] + _to_quoted_printable(changed)

    def _edits(self, text: bytes, charset: str) -> list[_Edit]:
        """What to change in an HTML text, in order."""
        found = html_links.find(text)
        edits = []
        if self._link is not None:
            for one in found.links:
                if (new := self._address(text, one, charset)) is not None:
                    edits.append(_Edit(one.start, one.end, new))
        places = [at for at in found.places if _stands_alone(text, at, charset)]
        if self._picture is not None:
            picture = f'<img alt="" src="{self._picture}" width="1" height="1" border="0">'.encode()
            self._picture = None  # one in a message
            at, end = (places[0], places[0] + len(PLACE)) if places else (found.end, found.end)
            edits.append(_Edit(at, end, picture))
            places = places[1:]
        edits += [_Edit(at, at + len(PLACE), NOTHING) for at in places]
        return sorted(edits, key=lambda edit: edit.start)

    def _address(self, text: bytes, found: Link, charset: str) -> bytes | None:
        """What to write in place of a link's target, None to leave it."""
        if not found.is_tracked or self._links >= MOST_LINKS or self._link is None:
            return None
        written = text[found.start : found.end]
        if not written.isascii() and charset != "utf-8":
            return None
        try:
            target = html_links.unescape_attribute(written.decode("utf-8"))
        except UnicodeDecodeError:
            return None
        if not is_target(target) or not (target.isascii() or charset == "utf-8"):
            return None
        tags = html_links.unescape_attribute(found.tags.decode("utf-8", "replace"))
        address = self._link(self._links, target, tags)
        if address is None:
            return None
        self._links += 1
        return (address if found.is_quoted else f'"{address}"').encode("ascii")


def _head_of(data: bytes) -> tuple[bytes, int]:
    """The fields, each with its CRLF, and where the body begins."""
    if data.startswith(b"\r\n"):
        return b"", 2
    at = data.find(b"\r\n\r\n")
    return (data, len(data)) if at < 0 else (data[: at + 2], at + 4)


def _fields(head: bytes) -> dict[bytes, str]:
    values: dict[bytes, str] = {}
    for match in FIELD_PARTS.finditer(head):
        if match[1][:8].lower() == b"content-":
            text = match[2].replace(b"\r\n", b"").replace(b"\t", b" ").decode("latin-1").strip()
            values.setdefault(match[1].lower(), text)
    return values


def _charset(name: str) -> str | None:
    """The codec of a charset in which ASCII octets mean ASCII, None for any other."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    is_ours = found == "utf-8" or found in _MORE_OCTETS or _ONE_OCTET.fullmatch(found) is not None
    return found if is_ours else None


def _stands_alone(text: bytes, at: int, charset: str) -> bool:
    """Whether what begins at `at` is not a second half of a character."""
    return charset not in _MORE_OCTETS or at == 0 or text[at - 1] < 0x80


def _edited(text: bytes, edits: list[_Edit]) -> bytes:
    out, end = [], 0
    for edit in edits:
        out += [text[end : edit.start], edit.new]
        end = edit.end
    out.append(text[end:])
    return b"".join(out)


def _lines_fit(body: bytes) -> bool:
    return all(len(line) <= LINE_LIMIT for line in body.split(b"\r\n"))


def _with_encoding(head: bytes) -> bytes:
    """The head of a part that is quoted-printable now."""
    out, is_named = [], False
    for match in FIELD_PARTS.finditer(head):
        if match[1].lower() != b"content-transfer-encoding":
            out.append(match[0])
        elif not is_named:
            is_named = True
            out.append(b"Content-Transfer-Encoding: quoted-printable\r\n")
    return b"".join(out) if is_named else b"".join(out) + b"Content-Transfer-Encoding: quoted-printable\r\n"


def _from_base64(body: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(b"".join(body.split()), strict_mode=True)
    except binascii.Error:
        return None


def _to_base64(text: bytes, *, like: bytes) -> bytes:
    encoded = base64.encodebytes(text).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    return encoded + (b"\r\n" if like.endswith(b"\r\n") else b"")


def _from_quoted_printable(body: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """The decoded text, and of each run of octets that stand unencoded where they begin, decoded and encoded.

    What is not an escape stays as it is (RFC 2045 section 6.7, robust decoders); blanks at ends of lines go.
    """
    out: list[bytes] = []
    origin = [(0, 0)]
    size = at = 0
    for match in _QP_ESCAPE.finditer(body):
        plain = body[at : match.start()]
        out.append(plain)
        size += len(plain)
        new = b"=" if match[0] == b"=" else bytes.fromhex((match[1] or b"").decode("ascii"))
        origin.append((size, match.start()))
        out.append(new)
        size += len(new)
        at = match.end()
        origin.append((size, at))
    out.append(body[at:])
    return b"".join(out), origin


def _edited_quoted_printable(body: bytes, origin: list[tuple[int, int]], edits: list[_Edit]) -> bytes:
    """The encoded text with the edits of the decoded one: each on lines of its own, all else as it was."""
    decoded = [at for at, _ in origin]

    def encoded(at: int) -> int:
        """Where the octet at `at` of the decoded text begins in the encoded one, at the earliest."""
        index = bisect_left(decoded, at)
        if index < len(decoded) and decoded[index] == at:
            return origin[index][1]
        return origin[index - 1][1] + at - decoded[index - 1]

    out: list[bytes] = []
    end = 0
    for edit in edits:
        start, stop = encoded(edit.start), encoded(edit.end)
        out.append(body[end:start])
        if start > 0 and not body.endswith(b"\r\n", 0, start):
            out.append(b"=\r\n")
        out.append(_wrapped(edit.new))
        if stop < len(body) and not body.startswith(b"\r\n", stop):
            out.append(b"=\r\n")
            if body[stop] in b"-.":  # no line of ours begins as a delimiter does
                out.append(b"=%02X" % body[stop])
                stop += 1
        end = stop
    out.append(body[end:])
    return b"".join(out)


def _wrapped(text: bytes) -> bytes:
    """ASCII text in quoted-printable, lines ended softly; none begins as a delimiter could or an SMTP dot."""
    lines: list[bytes] = []
    line = b""
    for octet in text:
        is_plain = (0x21 <= octet <= 0x7E and octet != 0x3D) or octet == 0x20
        if not line and octet in b"-. ":
            is_plain = False
        piece = bytes((octet,)) if is_plain else b"=%02X" % octet
        if len(line) + len(piece) > _QP_LINE - 1:
            lines.append(line)
            line = b"=%02X" % octet if octet in b"-. " else piece
        else:
            line += piece
    lines.append(line)
    return b"=\r\n".join(lines)


def _to_quoted_printable(text: bytes) -> bytes:
    """A whole text with canonical newlines in quoted-printable."""
    out = []
    for line in text.split(b"\r\n"):
        encoded = b"".join(
            bytes((octet,)) if 0x20 <= octet <= 0x7E and octet != 0x3D else b"=%02X" % octet for octet in line
        )
        if encoded.endswith(b" "):
            encoded = encoded[:-1] + b"=20"
        out.append(_folded(encoded))
    return b"\r\n".join(out)


def _folded(encoded: bytes) -> bytes:
    """One encoded line in as many as it takes; no escape is cut, none begins as a delimiter could."""
    lines = []
    at = 0
    while True:
        if encoded[at : at + 1] in (b"-", b".") and (at or len(encoded) > 1):
            encoded = encoded[:at] + b"=%02X" % encoded[at] + encoded[at + 1 :]
        if len(encoded) - at <= _QP_LINE:
            lines.append(encoded[at:])
            return b"=\r\n".join(lines)
        end = at + _QP_LINE - 1
        escape = encoded.rfind(b"=", end - 2, end)
        if escape >= 0:
            end = escape
        lines.append(encoded[at:end])
        at = end
