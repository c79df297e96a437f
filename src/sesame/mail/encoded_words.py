"""Words of a header that are not ASCII: encoded-words, and the charsets that mail may use.

Decodes and encodes RFC 2047 text. It does not parse header fields or addresses. Only charsets
registered for mail are known: Python's private codecs (`unicode_escape`, `idna`, …) are not.
Sources: RFC 2047, RFC 2231 section 5 (language tags), IANA character sets.
"""

import base64
import binascii
import codecs
import re
from typing import NamedTuple

from sesame.errors import SesameError


class WordError(SesameError):
    """An encoded-word or charset that cannot be read or written."""


_MAIL_CODECS = frozenset(
    {"ascii", "utf-8", "utf-7", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"}
    | {f"iso8859-{part}" for part in range(1, 17)}
    | {f"cp{page}" for page in (437, 850, 852, 855, 858, 866, 874, 932, 949, 950)}
    | {f"cp{page}" for page in range(1250, 1259)}
    | {"koi8-r", "koi8-u", "kz1048", "ptcp154", "mac-roman", "tis-620", "hz", "johab"}
    | {"shift_jis", "shift_jis_2004", "shift_jisx0213", "euc_jp", "euc_jis_2004", "euc_jisx0213"}
    | {"iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_3", "iso2022_jp_ext"}
    | {"euc_kr", "iso2022_kr", "gb2312", "gbk", "gb18030", "big5", "big5hkscs"}
)
_CHARSET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}")
_WORD = re.compile(r"=\?([!-)+->@-~]+)(?:\*[^?\s]*)?\?([bBqQ])\?([!->@-~]*)\?=")
_BROKEN = re.compile(r"=\?[^?\s]+\?[bBqQ]\?")
_NEEDS_CLEANING = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("[\n-\r\x1c-\x1f\x85\u2028\u2029]+")
_NO_CHARACTER = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f\ud800-\udfff]")
_WORD_LIMIT = 75  # RFC 2047 section 2


def codec(charset: str) -> str:
    """Python's name for a mail charset; WordError if it is not one."""
    if _CHARSET_NAME.fullmatch(charset) is None:
        raise WordError("Illegal charset name.")
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        name = ""
    if name not in _MAIL_CODECS:
        raise WordError(f"Unknown charset '{charset}'.")
    return name


def decode(text: str) -> str:
    """Text with its encoded-words decoded; blanks between two of them vanish (RFC 2047 section 6.2).

    Neighbours in one charset are joined as bytes first, because senders split characters between them.
    Raises WordError if a word names an unknown charset or does not decode.
    """
    if "=?" not in text:
        return text
    decoded = _decode(text, is_strict=True)
    if _BROKEN.search(decoded):
        raise WordError("Illegal encoded-word.")
    return decoded


def decode_what_can_be(text: str) -> str:
    """Text as `decode` gives it, but that a word which does not decode stays as it is written."""
    return _decode(text, is_strict=False) if "=?" in text else text


def readable(text: str) -> str:
    """Text from outside as it is kept and shown: decoded where that can be, one line, only characters.

    The one place where it is made so. A lone surrogate or a control character but TAB becomes U+FFFD, what ends a
    line for some reader a blank.
    """
    return clean(decode_what_can_be(text))


def clean(text: str) -> str:
    """Text on one line, without control characters and lone surrogates; see `readable`."""
    return _NO_CHARACTER.sub("\ufffd", _LINE_END.sub(" ", text)) if _NEEDS_CLEANING.search(text) else text


def is_encoded(word: str) -> bool:
    """Whether the word has the form of one encoded-word."""
    return _WORD.fullmatch(word) is not None


def is_undecodable(word: str) -> bool:
    """Whether the word has the form of an encoded-word and says nothing that can be read."""
    if not is_encoded(word):
        return False
    try:
        decode(word)
    except WordError:
        return True
    return False


def content_of(word: str) -> tuple[str, bytes | None]:
    """Charset and octets of an encoded-word; None where the octets cannot be read."""
    match = _WORD.fullmatch(word)
    assert match is not None
    try:
        return match[1], _content(match[2], match[3])
    except WordError:
        return match[1], None


def _decode(text: str, *, is_strict: bool) -> str:
    found: list[str] = []
    run: _Run | None = None
    at = 0
    for match in _WORD.finditer(text):
        between = text[at : match.start()]
        word = _read_word(match, is_strict=is_strict)
        joins = run is not None and word is not None and not between.strip(" \t")
        if run is not None and word is not None and joins and run.codec == word.codec:
            run = _Run(word.codec, run.data + word.data, run.written + between + match[0])
        else:
            if run is not None:
                found.append(_text_of(run, is_strict=is_strict))
            if not joins:
                found.append(between)
            run = word
            if word is None:
                found.append(match[0])
        at = match.end()
    if run is not None:
        found.append(_text_of(run, is_strict=is_strict))
    found.append(text[at:])
    return "".join(found)


class _Run(NamedTuple):
    """Neighbouring words in one charset."""

    codec: str
    data: bytes
    written: str


def _read_word(match: re.Match[str], *, is_strict: bool) -> _Run | None:
    try:
        return _Run(codec(match[1]), _content(match[2], match[3]), match[0])
    except WordError:
        if is_strict:
            raise
        return None


def _text_of(run: _Run, *, is_strict: bool) -> str:
    try:
        return _decoded(run.data, run.codec)
    except WordError:
        if is_strict:
            raise
    pieces: list[str] = []
    was_read = False
    for match in _WORD.finditer(run.written):
        text = _read_alone(match)
        if pieces and not (was_read and text is not None):  # between two that are read there is no blank
            pieces.append(" ")
        pieces.append(match[0] if text is None else text)
        was_read = text is not None
    return "".join(pieces)


def _read_alone(match: re.Match[str]) -> str | None:
    """What a word says without its neighbours, None if it cannot be read."""
    word = _read_word(match, is_strict=False)
    try:
        return None if word is None else _decoded(word.data, word.codec)
    except WordError:
        return None


def _content(encoding: str, text: str) -> bytes:
    try:
        if encoding in "qQ":
            return binascii.a2b_qp(text.encode("ascii"), header=True)
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise WordError("Illegal encoded-word.") from error


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode(name) if data else ""
    except UnicodeError as error:
        raise WordError("Illegal encoded-word.") from error
    if SURROGATE.search(text):  # UTF-7 lets them through; they are no characters
        raise WordError("Illegal encoded-word.")
    return text


def encode(text: str, charset: str = "UTF-8") -> list[str]:
    """Encoded-words of at most 75 characters, each complete in itself (RFC 2047 section 5).

    Raises WordError if the charset is unknown or has no sign for a character of the text.
    """
    name = codec(charset)
    room = (_WORD_LIMIT - len(f"=?{charset}?B??=")) // 4 * 3
    words: list[str] = []
    at = 0
    while at < len(text):
        size = room
        while len(chunk := encoded(text[at : at + size], name, charset=charset)) > room and size > 1:
            size = max(1, min(size, len(text) - at) - max(1, (len(chunk) - room) // 4))
        words.append(f"=?{charset}?B?{base64.b64encode(chunk).decode('ascii')}?=")
        at += size
    return words


def encoded(text: str, name: str, *, charset: str) -> bytes:
    """Text in the codec `name`; WordError, naming `charset`, if it has no sign for a character."""
    try:
        return text.encode(name)
    except UnicodeError as error:
        raise WordError(f"The text cannot be written in charset '{charset}'.") from error
