"""The header block, as bytes: one strict scan that decides what fields a message has (I7).

Scans, unfolds and writes header fields. It does not know what a field means. Whatever two readers
could split in two ways is refused: junk lines, blanks before the colon, blank continuation lines,
control characters. Sources: RFC 5322 sections 2.2 and 3.2.2, RFC 2047, SES (texts of errors).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from sesame.errors import SesameError
from sesame.mail import blocks, encoded_words
from sesame.mail.display_name import CONTROL


class MessageError(SesameError):
    """A message that is not accepted; the text is in the words of SES where SES has them."""


HEADER_LIMIT, FIELD_LIMIT = 102_400, 1_000  # octets of the block, number of fields
LINE_LIMIT = 998  # octets without CRLF, RFC 5322 section 2.1.1
FOLD_AT = 76  # characters, RFC 2047 section 2

FIELD_PARTS = re.compile(rb"([!-9;-~]+):([^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n)")
"""Name and body of a field in a header block that has been read before."""
_FIELD = re.compile(rb"([!-9;-~]++):[^\r\n]*+(?>(?:\r\n[ \t]++[^ \t\r\n][^\r\n]*+)*)\r\n")
# ESC is left in: ISO-2022 text writes it. VT, FF and FS to RS end lines for some readers.
_CONTROLS = bytes(set(range(32)) - {0x09, 0x0A, 0x0D, 0x1B} | {0x7F})
_LINE_ENDS = tuple(sign.encode() for sign in "\x85\u2028\u2029")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}")


class Written(Protocol):
    """What has a canonical form in words, as a `Mailbox` has."""

    @property
    def words(self) -> tuple[str, ...]:
        """The pieces between which a line may be folded."""


class HeaderField(msgspec.Struct, frozen=True):
    """One field: its name as written, the name in lower case, and all its octets with the CRLF."""

    name: bytes
    key: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        """The body of the field, unfolded and without blanks around it (RFC 5322 section 2.2.3)."""
        return self.raw[len(self.name) + 1 :].replace(b"\r\n", b"").strip(b" \t")


def canonical_newlines(message: bytes) -> bytes:
    """The message with CRLF at the end of every line, the last included.

    A bare LF counts as a line end, because clients of the API send it. Raises MessageError for a
    bare CR or a NUL: readers differ about them.
    """
    if len(message) <= blocks.BLOCK_BYTES:
        message = _with_pairs(message)
        return message if message.endswith(b"\r\n") else message + b"\r\n"
    texts = [_with_pairs(block) for block in blocks.line_blocks(message)]
    is_ended = texts[-1].endswith(b"\r\n")
    if is_ended and sum(map(len, texts)) == len(message):
        return message
    return b"".join((*texts, b"" if is_ended else b"\r\n"))


def _with_pairs(text: bytes) -> bytes:
    """Text with CRLF at the end of each of its lines; MessageError as in `canonical_newlines`."""
    if b"\0" in text:
        raise MessageError("Message contains a NUL character.")
    pairs = text.count(b"\r\n")
    if text.count(b"\r") != pairs:
        raise MessageError("Message contains a carriage return without a line feed.")
    return text if text.count(b"\n") == pairs else text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def scan(message: bytes) -> tuple[tuple[HeaderField, ...], int]:
    """The header fields of a message with canonical newlines, and where its body begins.

    Raises MessageError unless every octet of the block belongs to a field of RFC 5322 syntax, and
    for a block over 102,400 octets or 1,000 fields.
    """
    if message.startswith(b"\r\n"):
        return (), 2
    end = message.find(b"\r\n\r\n", 0, HEADER_LIMIT + 4)
    end = len(message) if end < 0 else end + 2
    if end > HEADER_LIMIT:
        raise MessageError("Header section too long.")
    fields = []
    at, match_field = 0, _FIELD.match
    while at < end:
        match = match_field(message, at, end)
        if match is None:
            raise _bad_line(message[at:end])
        name = match[1]
        fields.append(HeaderField(name, name.lower(), match[0]))
        at = match.end()
    if len(fields) > FIELD_LIMIT:
        raise MessageError("Header section too long.")
    block = message[:end]
    if len(block.translate(None, _CONTROLS)) != end:
        raise illegal(next(f for f in fields if len(f.raw.translate(None, _CONTROLS)) != len(f.raw)).name)
    if not block.isascii():
        for found in fields:
            if not found.raw.isascii() and _ends_a_line(found.raw):
                raise illegal(found.name)
    return tuple(fields), min(end + 2, len(message))


def _ends_a_line(raw: bytes) -> bool:
    """Whether UTF-8 text holds U+0085, U+2028 or U+2029, which end a line for some readers."""
    if not any(sign in raw for sign in _LINE_ENDS):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeError:
        return False  # of another charset: the octets mean something else there
    return True


def illegal(name: bytes) -> MessageError:
    """The error for a field that cannot be read."""
    return MessageError(f"Illegal header '{name[:76].decode('ascii', 'backslashreplace')}'.")


def _bad_line(rest: bytes) -> MessageError:
    line = rest.partition(b"\r\n")[0]
    if line.startswith(b":"):
        return MessageError("Empty header names are illegal.")
    return illegal(line.partition(b":")[0].strip(b" \t"))


def lines_fit(message: bytes) -> bool:
    """Is every line of a message with canonical newlines within 998 octets, CRLF not counted?"""
    at, span = 0, LINE_LIMIT + 2
    while len(message) - at > span:
        # the last line end within reach: every line before it is shorter still
        at = message.rfind(b"\n", at, at + span) + 1
        if at == 0:
            return False
    # what is left holds whole lines but for the last, which may lack its CRLF
    return len(message) - (message.rfind(b"\n") + 1) <= LINE_LIMIT


def field(name: str, value: str) -> bytes:
    """A header field from text: folded, with encoded-words where the text is not ASCII.

    Raises MessageError if the name is not a field name or the value holds a control character,
    line ends included.
    """
    if _FIELD_NAME.fullmatch(name) is None:
        raise MessageError(f"Illegal header '{name[:76]}'." if name else "Empty header names are illegal.")
    return folded(name, text_words(name, value))


def text_words(name: str, value: str, charset: str = "UTF-8") -> list[str]:
    """Unstructured text as the words of a field; MessageError as in `field`, and for its charset."""
    if CONTROL.search(value):
        raise MessageError(f"Illegal header '{name}'.")
    value = value.strip(" ")
    try:
        encoded_words.codec(charset)
        if value.isascii():
            _check_decoded(name, value)
            # blanks beyond the first stay with the word after them, so that no fold loses one
            pieces = re.findall(r" *[^ ]+", value)
            found = [piece[1:] if index else piece for index, piece in enumerate(pieces)]
            if all(len(name) + len(": ") + len(piece) <= LINE_LIMIT for piece in found):
                return found
        return encoded_words.encode(value, charset)
    except encoded_words.WordError as error:
        raise MessageError(str(error)) from error


def folded(name: str, pieces: Iterable[str]) -> bytes:
    """A field of ASCII words that are parted by one blank, folded between them at 76 characters."""
    lines, line = [], f"{name}:"
    for index, piece in enumerate(pieces):
        if index and len(line) + 1 + len(piece) > FOLD_AT:
            lines.append(line)
            line = ""
        line = f"{line} {piece}"
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def address_field(name: str, mailboxes: Sequence[Written]) -> bytes:
    """A field of mailboxes, folded between and inside them where RFC 5322 allows."""
    pieces: list[str] = []
    for mailbox in mailboxes[:-1]:
        *front, last = mailbox.words
        pieces += (*front, f"{last},")
    return folded(name, (*pieces, *mailboxes[-1].words))


def _check_decoded(name: str, value: str) -> None:
    """Refuse control characters that come out of encoded-words which the client wrote itself."""
    try:
        decoded = encoded_words.decode(value)
    except encoded_words.WordError:
        return  # nobody can decode it: it stays the text it is
    if CONTROL.search(decoded):
        raise MessageError(f"Illegal header '{name}'.")
