"""Percent escapes undone, strictly: what cannot be decoded in exactly one way is refused.

Stricter than urllib, which lets bad escapes stand. Source: RFC 3986 section 2.1; WHATWG URL standard
for application/x-www-form-urlencoded.
"""

import codecs
from collections.abc import Iterable, Iterator

from sesame.aws.errors import MalformedQueryString

_BLOCK = 128 * 1024
_HEX = "0123456789abcdefABCDEF"
_ESCAPED_BYTES = {high + low: int(high + low, 16) for high in _HEX for low in _HEX}
_ESCAPED_TEXT = {digits: chr(byte) for digits, byte in _ESCAPED_BYTES.items() if 0 < byte < 0x80}


def unescape(text: str) -> str:
    """`text` with its percent escapes undone once.

    Raises MalformedQueryString for a bad escape, a NUL, or bytes that are not UTF-8.
    """
    return _unescape_block(text) if len(text) <= _BLOCK else "".join(_unescaped(_blocks(text)))


def unescape_large(form: bytes | bytearray, start: int, end: int) -> str:
    """The name or value in `form[start:end]`, `+` read as a blank, block by block; raises as `unescape`."""
    return "".join(_unescaped(_texts(form, start, end)))


def _texts(form: bytes | bytearray, start: int, end: int) -> Iterator[str]:
    """The text of a stretch of a form in blocks that part no escape."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while start < end:
            stop = min(start + _BLOCK, end)
            if stop < end and (escape := form.rfind(b"%", stop - 2, stop)) >= 0:
                stop = escape
            text = decoder.decode(form[start:stop], final=stop == end)
            if "\0" in text:
                raise MalformedQueryString("A parameter holds a NUL character")
            yield text.replace("+", " ")
            start = stop
    except UnicodeDecodeError as error:
        raise MalformedQueryString("The form is not UTF-8") from error


def _unescaped(blocks: Iterable[str]) -> Iterator[str]:
    """Each block of a text with its escapes undone; an escaped character may go on in the next block."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_open = False
    try:
        for block in blocks:
            if not is_open and (text := _unescape_ascii(block)) is not None:
                yield text
                continue
            yield decoder.decode(_octets(block))
            is_open = bool(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise MalformedQueryString("The form is not UTF-8") from error


def _unescape_block(text: str) -> str:
    if (found := _unescape_ascii(text)) is not None:
        return found
    try:
        return _octets(text).decode()
    except UnicodeDecodeError as error:
        raise MalformedQueryString("The form is not UTF-8") from error


def _unescape_ascii(text: str) -> str | None:
    """The usual way, for escapes of ASCII; None where there are others."""
    # Blanks and ends of lines are most of what is escaped in a message; a percent sign always begins an escape.
    parts = text.replace("%20", " ").replace("%0D%0A", "\r\n").split("%")
    try:
        return parts[0] + "".join([_ESCAPED_TEXT[part[:2]] + part[2:] for part in parts[1:]])
    except KeyError:
        return None


def _blocks(text: str) -> Iterator[str]:
    """A long text in pieces that part no escape: one at once would keep every other thread waiting."""
    at = 0
    while at < len(text):
        end = at + _BLOCK
        escape = text.rfind("%", end - 2, end)
        end = end if escape < 0 else escape
        yield text[at:end]
        at = end


def _octets(text: str) -> bytearray:
    """The slow way, for text beyond ASCII; also finds what is wrong."""
    first, *parts = text.split("%")
    decoded = bytearray(first.encode())
    try:
        for part in parts:
            decoded.append(_ESCAPED_BYTES[part[:2]])
            decoded += part[2:].encode()
    except KeyError as error:
        raise MalformedQueryString("The form has a bad percent escape") from error
    if 0 in decoded:
        raise MalformedQueryString("A parameter holds a NUL character")
    return decoded
