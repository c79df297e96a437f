"""Percent escapes undone, strictly: what cannot be decoded in exactly one way is refused.

Stricter than urllib, which lets bad escapes stand. Source: RFC 3986 section 2.1; WHATWG URL standard
for application/x-www-form-urlencoded.
"""

from collections.abc import Iterator

from sesame.aws.errors import MalformedQueryString

_BLOCK = 128 * 1024
_HEX = "0123456789abcdefABCDEF"
_ESCAPED_BYTES = {high + low: int(high + low, 16) for high in _HEX for low in _HEX}
_ESCAPED_TEXT = {digits: chr(byte) for digits, byte in _ESCAPED_BYTES.items() if 0 < byte < 0x80}


def unescape(text: str) -> str:
    """`text` with its percent escapes undone once.

    Raises MalformedQueryString for a bad escape, a NUL, or bytes that are not UTF-8.
    """
    try:
        if len(text) <= _BLOCK:
            return _unescape_text(text)
        return "".join(map(_unescape_text, _blocks(text)))
    except KeyError:
        return _unescape_bytes(text.split("%"))


def _unescape_text(text: str) -> str:
    """The usual way, for escapes of ASCII. Raises KeyError for others."""
    parts = text.split("%")
    return parts[0] + "".join([_ESCAPED_TEXT[part[:2]] + part[2:] for part in parts[1:]])


def _blocks(text: str) -> Iterator[str]:
    """A long text in pieces that part no escape: one at once would keep every other thread waiting."""
    at = 0
    while at < len(text):
        end = at + _BLOCK
        escape = text.rfind("%", end - 2, end)
        end = end if escape < 0 else escape
        yield text[at:end]
        at = end


def _unescape_bytes(parts: list[str]) -> str:
    """The slow way, for text beyond ASCII; also finds what is wrong."""
    decoded = bytearray(parts[0].encode())
    try:
        for part in parts[1:]:
            decoded.append(_ESCAPED_BYTES[part[:2]])
            decoded += part[2:].encode()
    except KeyError as error:
        raise MalformedQueryString("The form has a bad percent escape") from error
    if 0 in decoded:
        raise MalformedQueryString("A parameter holds a NUL character")
    try:
        return decoded.decode()
    except UnicodeDecodeError as error:
        raise MalformedQueryString("The form is not UTF-8") from error
