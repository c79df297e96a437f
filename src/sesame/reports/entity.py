"""A message somebody else made, read without asking that it be well formed.

Splits header and body, walks the parts, decodes their text. Never raises: what cannot be read is left
out or taken as text. It judges nothing, and nothing it reads may help to allow: the strict scanner for
messages that we send is `mail.header`. Sources: RFC 5322, 2045, 2046, 2047, 2231 (leniently).

INVARIANT: any octets give an Entity, in time proportional to their number and within the limits below.
"""

import base64
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sesame.mail import encoded_words

SIZE_LIMIT = 1_048_576  # octets of a message that are read; the rest is cut off
HEADER_LIMIT, FIELD_LIMIT, VALUE_LIMIT = 131_072, 500, 8_192  # octets, fields, characters of one field
PART_LIMIT, DEPTH_LIMIT = 64, 8  # parts of one message in all, multiparts within multiparts
TEXT_LIMIT = 65_536  # characters of one part's text

_NAME = re.compile(r"[!-9;-~]{1,76}")
_PARAMETER = re.compile(
    r';[ \t]*([A-Za-z0-9!#$%&\'*+.^_`{|}~-]{1,76})[ \t]*=[ \t]*(?:"([^"]{0,400})"|([^;"\s]{0,400}))'
)
_BOUNDARY_LINE = re.compile(rb"\n--([^\n]{1,200})\n")
_EMBEDDED = ("message/rfc822", "message/global", "text/rfc822", "message/partial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A message or a part: its fields by lower-case name in order, its media type, body and parts.

    `body` has LF line ends and its transfer encoding undone. An embedded message is the one part of
    its `message/rfc822`.
    """

    fields: tuple[tuple[str, str], ...]
    media_type: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: tuple["Entity", ...] = ()

    def get(self, name: str) -> str:
        """The first field of that name, unfolded, or nothing."""
        return next((value for key, value in self.fields if key == name), "")

    def get_all(self, name: str) -> list[str]:
        """Every field of that name."""
        return [value for key, value in self.fields if key == name]

    @property
    def text(self) -> str:
        """The body as text, by its charset or, where that fails, by UTF-8 or Latin-1."""
        return decode_text(self.body[: TEXT_LIMIT * 4], self.parameters.get("charset", ""))[:TEXT_LIMIT]

    def walk(self, *, embedded: bool = False) -> Iterator["Entity"]:
        """This entity and its parts, outermost first; those of embedded messages only if asked."""
        yield self
        if embedded or self.media_type not in _EMBEDDED:
            for part in self.parts:
                yield from part.walk(embedded=embedded)


class _Budget:
    def __init__(self) -> None:
        self.parts = PART_LIMIT


def read_entity(data: bytes) -> Entity:
    """The message that `data` holds, whatever its line ends; an mbox `From ` line before it is skipped."""
    data = unix_newlines(data[:SIZE_LIMIT]).lstrip(b"\n")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    return _entity(data, 0, _Budget(), "text/plain")


def unix_newlines(data: bytes) -> bytes:
    """CRLF and CR as LF."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def decode_text(data: bytes, charset: str) -> str:
    """Octets as text; never fails. Surrogates and NUL do not come out of it."""
    for name in (charset, "utf-8"):
        try:
            text = data.decode(encoded_words.codec(name))
        except (encoded_words.WordError, UnicodeError, ValueError):
            continue
        if "\0" not in text:
            return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    return data.decode("latin-1").replace("\0", " ")


def decode_words(value: str) -> str:
    """A field's text with encoded-words decoded where they can be."""
    try:
        return encoded_words.decode(value)
    except (encoded_words.WordError, ValueError):
        return value


def read_fields(block: bytes) -> tuple[tuple[str, str], ...]:
    """The fields of a header block with LF line ends; lines that are none are skipped."""
    found: list[tuple[str, str]] = []
    name, pieces, size = "", [""], 0
    for line in decode_text(block[:HEADER_LIMIT], "utf-8").split("\n"):
        if line[:1] in (" ", "\t") and name:
            if size < VALUE_LIMIT:
                pieces.append(line.strip())
                size += len(line)
            continue
        if name:
            found.append((name, " ".join(pieces).strip()[:VALUE_LIMIT]))
            if len(found) >= FIELD_LIMIT:
                return tuple(found)
        name = ""
        key, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(key := key.rstrip(" \t")):
            name, pieces, size = key.lower(), [value.strip()[:VALUE_LIMIT]], len(value)
    if name:
        found.append((name, " ".join(pieces).strip()[:VALUE_LIMIT]))
    return tuple(found)


def split_header(data: bytes) -> tuple[bytes, bytes]:
    """Header block and body; a body that begins without a field before it has no header."""
    if data.startswith(b"\n"):
        return b"", data[1:]
    header, _, body = data.partition(b"\n\n")
    return header, body


def content_type(value: str, fallback: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case and its parameters, of a Content-Type field's body."""
    media_type = value.partition(";")[0].strip().lower()
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        parameters.setdefault(
            match[1].lower().rstrip("*").removesuffix("*0"), (match[2] or match[3] or "").strip()
        )
    return (media_type if "/" in media_type else fallback), parameters


def _entity(data: bytes, depth: int, budget: _Budget, fallback: str) -> Entity:
    header, body = split_header(data)
    fields = read_fields(header)
    by_name = dict(reversed(fields))
    media_type, parameters = content_type(by_name.get("content-type", ""), fallback)
    encoding = by_name.get("content-transfer-encoding", "").strip().lower()
    parts: tuple[Entity, ...] = ()
    if media_type.startswith("multipart/"):
        if depth < DEPTH_LIMIT:
            parts = _parts(body, parameters.get("boundary", ""), depth, budget, media_type)
    else:
        body = _decoded(body, encoding)
        if media_type in _EMBEDDED and depth < DEPTH_LIMIT and budget.parts > 0:
            budget.parts -= 1
            parts = (_entity(body.lstrip(b"\n"), depth + 1, budget, "text/plain"),)
    return Entity(fields=fields, media_type=media_type, parameters=parameters, body=body, parts=parts)


def _parts(body: bytes, boundary: str, depth: int, budget: _Budget, media_type: str) -> tuple[Entity, ...]:
    pieces = _pieces(body, boundary.encode("utf-8", "replace")) if boundary else []
    if len(pieces) < 2:  # a boundary that is missing or wrong: the first line that looks like one
        guess = _BOUNDARY_LINE.search(b"\n" + body)
        pieces = _pieces(body, guess[1].rstrip()) if guess else [body]
    preamble, *rest = pieces
    fallback = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
    found: list[Entity] = []
    for piece in rest:
        if budget.parts <= 0:
            break
        budget.parts -= 1
        found.append(_entity(piece, depth + 1, budget, fallback))
    if not any(part.body.strip() or part.parts for part in found) and preamble.strip():
        found.append(Entity(fields=(), media_type="text/plain", body=preamble))
    return tuple(found)


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands before the first delimiter line, between two of them, after the last that ends no part."""
    delimiter = re.compile(rb"\n[ \t]?--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\n|\Z)")
    lines, at, found = b"\n" + body, 1, []
    for match in delimiter.finditer(lines):
        found.append(lines[at : match.start()])
        at = match.end() + 1
        if match[1] or len(found) > PART_LIMIT:
            return found
    return [*found, lines[at:]]


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return unix_newlines(quopri.decodestring(body))
    if encoding == "base64":
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", body.partition(b"=")[0])
        kept = kept[:-1] if len(kept) % 4 == 1 else kept  # one sign alone is not an octet
        return unix_newlines(base64.b64decode(kept + b"=" * (-len(kept) % 4)))
    return body
