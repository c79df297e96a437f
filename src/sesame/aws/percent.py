"""Percent escapes undone, strictly: what cannot be decoded in exactly one way is refused.

Stricter than urllib, which lets bad escapes stand. Source: RFC 3986 section 2.1; WHATWG URL standard
for application/x-www-form-urlencoded.
"""

from sesame.aws.errors import MalformedQueryString

_HEX = "0123456789abcdefABCDEF"
_ESCAPED_BYTES = {high + low: int(high + low, 16) for high in _HEX for low in _HEX}
_ESCAPED_TEXT = {digits: chr(byte) for digits, byte in _ESCAPED_BYTES.items() if 0 < byte < 0x80}


def unescape(text: str) -> str:
    """`text` with its percent escapes undone once.

    Raises MalformedQueryString for a bad escape, a NUL, or bytes that are not UTF-8.
    """
    parts = text.split("%")
    try:
        return parts[0] + "".join([_ESCAPED_TEXT[part[:2]] + part[2:] for part in parts[1:]])
    except KeyError:
        return _unescape_bytes(parts)


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
