"""The MIME frame of a message: content types, and the limits on parts that SES and we set.

Finds the parts and their file names without decoding or copying their content. It does not decide
what a part means. Limits: 20 levels, 500 parts, no attachment whose extension SES blocks.
Sources: RFC 2045 section 5, RFC 2046 section 5.1, RFC 2231, SES developer guide (unsupported
attachment types), observed texts of errors.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from sesame.mail import encoded_words
from sesame.mail.blocks import find
from sesame.mail.header import HEADER_LIMIT, MessageError

DEPTH_LIMIT, PART_LIMIT = 20, 500
BOUNDARY_LIMIT = 70  # RFC 2046 section 5.1.1

# SES developer guide, unsupported attachment types
_BLOCKED = """
    ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib
    lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml
    msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp
    url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk
"""
BLOCKED_EXTENSIONS = frozenset(_BLOCKED.split())

_NAME = r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"
_TYPE = re.compile(rf"({_NAME}) */ *({_NAME}) *")
_PARAMETER = re.compile(rf'; *({_NAME}) *= *("(?>(?:[^"\\]++|\\.)*)"|[^;]*+)')
_BARE_PARAMETER = re.compile(rf"; *({_NAME}) *(?:;|$)")
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,2}))?(\*)?")
_MIME_FIELD = re.compile(
    rb"^content-(type|disposition)[ \t]*:([^\r\n]*+(?:\r\n[ \t][^\r\n]*+){0,1000})",
    re.IGNORECASE | re.MULTILINE,
)


_USUAL_BYTES = 256
"""Values up to this length are read once for many messages."""


class ContentType(NamedTuple):
    """A Content-Type: both names in lower case, parameters by lower-case name."""

    type: str
    subtype: str
    parameters: Mapping[str, str]


_TEXT = ContentType("text", "plain", {})


def content_type(value: str) -> ContentType:
    """Read the body of a Content-Type field (RFC 2045 section 5.1); MessageError in the words of SES."""
    return _usual_type(value) if len(value) <= _USUAL_BYTES else _read_type(value)


@lru_cache(maxsize=256)  # message after message is of the same few types
def _usual_type(value: str) -> ContentType:
    return _read_type(value)


def _read_type(value: str) -> ContentType:
    value = value.strip(" ")
    match = _TYPE.match(value)
    if match is None:
        after = re.sub(rf"^{_NAME} *", "", value)
        raise MessageError(f"Expected '/', got {after[:1] or 'null'}")
    rest = value[match.end() :]
    if rest and rest[0] not in ";(":
        raise MessageError(f"Expected ';', got {rest[0]}")
    if _BARE_PARAMETER.search(_PARAMETER.sub("", rest)):
        raise MessageError("Expected '=', got 'null'")
    return ContentType(match[1].lower(), match[2].lower(), parameters(rest))


def parameters(text: str) -> dict[str, str]:
    """The `;name=value` parameters of a MIME field, RFC 2231 pieces joined; the first of a name wins."""
    found: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in _PARAMETER.findall(text):
        value = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value.strip()
        section = _SECTION.fullmatch(name.lower())
        if section is None or (section[2] is None and section[3] is None):
            found.setdefault(name.lower(), value)
        else:
            index = int(section[2] or 0)
            sections.setdefault(section[1], {}).setdefault(index, (value, section[3] is not None))
    for name, pieces in sections.items():
        found[name] = _joined(pieces)
    return found


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """RFC 2231 pieces as text: the first extended one names the charset, `utf-8''a%20b`."""
    charset, joined = "utf-8", ""
    for index, (value, extended) in sorted(pieces.items()):
        if not extended:
            joined += value
            continue
        if index == 0 and value.count("'") >= 2:
            named, _, value = value.split("'", 2)
            charset = named or charset
        try:
            joined += unquote(value, encoding=encoded_words.codec(charset), errors="replace")
        except encoded_words.WordError:
            joined += unquote(value, encoding="latin-1")
    return joined


class _Part(NamedTuple):
    start: int
    end: int
    depth: int


def check_parts(message: bytes, *, body: int, content_type_value: str, disposition: str) -> None:
    """Hold a message to the limits on its parts; `body` is where the body begins.

    Raises MessageError for a part nested too deep, too many parts, a type that does not parse and
    a blocked file name. Malformed multiparts are not judged: they are the recipient's to show.
    """
    kind = _checked(content_type_value, disposition)
    pending = [(kind, _Part(body, len(message), 0))]
    parts = 0
    while pending:
        kind, part = pending.pop()
        if kind.type != "multipart" and (kind.type, kind.subtype) != ("message", "rfc822"):
            continue
        if part.depth >= DEPTH_LIMIT:
            raise MessageError(f"Message has more than {DEPTH_LIMIT} levels of parts.")
        for start, end in _inner(message, kind, part):
            parts += 1
            if parts > PART_LIMIT:
                raise MessageError(f"Message has more than {PART_LIMIT} parts.")
            inner_kind, inner_body = _part_head(message, start, end)
            pending.append((inner_kind, _Part(inner_body, end, part.depth + 1)))


def inner_parts(message: bytes, kind: ContentType, *, start: int, end: int) -> list[tuple[int, int]]:
    """Where the parts of a multipart begin and end whose body lies between `start` and `end`."""
    return list(_inner(message, kind, _Part(start, end, 0)))


def _inner(message: bytes, kind: ContentType, part: _Part) -> Iterator[tuple[int, int]]:
    """Where the parts directly inside `part` begin and end."""
    if kind.type == "message":
        yield part.start, part.end
        return
    boundary = kind.parameters.get("boundary", "").encode("latin-1", "replace")
    if not 1 <= len(boundary) <= BOUNDARY_LIMIT:
        return
    delimiter = b"\r\n--" + boundary
    begin = -1
    at = find(message, delimiter, part.start - 2, part.end)
    while at >= 0:
        line_end = message.find(b"\r\n", at + len(delimiter), part.end)
        line_end = part.end if line_end < 0 else line_end
        after = message[at + len(delimiter) : line_end]
        if not after.strip(b" \t") or after.startswith(b"--"):
            if begin >= 0:
                yield begin, at
            begin = -1 if after.startswith(b"--") else min(line_end + 2, part.end)
        if after.startswith(b"--"):
            return
        at = find(message, delimiter, line_end, part.end)
    if begin >= 0:
        yield begin, part.end


def _part_head(message: bytes, start: int, end: int) -> tuple[ContentType, int]:
    """The type of the part that begins at `start`, and where its body begins."""
    if message.startswith(b"\r\n", start):
        return _TEXT, start + 2
    blank = find(message, b"\r\n\r\n", start, end)
    head = message[start : end if blank < 0 else blank]
    found: dict[bytes, str] = {}
    for match in _MIME_FIELD.finditer(head):
        if len(match[2]) > HEADER_LIMIT:
            raise MessageError("Header section too long.")
        value = match[2].replace(b"\r\n", b"").replace(b"\t", b" ").decode("latin-1")
        found.setdefault(match[1].lower(), value)
    return _checked(found.get(b"type", ""), found.get(b"disposition", "")), end if blank < 0 else blank + 4


def _checked(type_value: str, disposition: str) -> ContentType:
    kind = content_type(type_value) if type_value.strip() else _TEXT
    names = [kind.parameters.get("name"), parameters(disposition).get("filename") if disposition else None]
    for name in names:
        if name:
            check_file_name(name)
    return kind


def check_file_name(name: str) -> None:
    """Raise MessageError for a name whose extension SES blocks."""
    try:
        name = encoded_words.decode(name)
    except encoded_words.WordError:
        pass  # no reader can decode it either; the name as written is what is judged
    extension = name.rstrip(" .").rpartition(".")[2].lower()
    if "." in name and extension in BLOCKED_EXTENSIONS:
        printable = "".join(character for character in name if character.isprintable())
        raise MessageError(f"Illegal filename '{printable[:255]}'.")
