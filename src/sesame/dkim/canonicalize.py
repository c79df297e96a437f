"""The canonical forms that DKIM hashes: fields and bodies, simple and relaxed.

Pure functions of octets; nothing here knows keys or tags. Each is idempotent.
Source: RFC 6376 section 3.4.
"""

import re

_BLANKS = re.compile(rb"[ \t]+")
_LINE_END_BLANKS = re.compile(rb"[ \t]+(?=\r\n|\Z)")


def relaxed_field(key: bytes, body: bytes) -> bytes:
    """A field by its lower-case name and raw body: unfolded, each run of blanks one blank (3.4.2).

    For fields that `header.scan` took: of the octets that `split` parts at, they hold blanks and folds.
    """
    return b"%b:%b\r\n" % (key, b" ".join(body.split()))


def simple_body(body: bytes) -> bytes:
    """The body with exactly one CRLF at its end (3.4.3)."""
    if body.endswith(b"\r\n") and not body.endswith(b"\r\n\r\n"):
        return body
    return _without_last_lines(body) + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """The body without blanks at line ends, each run of blanks one blank, no empty last lines (3.4.4)."""
    body = _without_last_lines(_BLANKS.sub(b" ", _LINE_END_BLANKS.sub(b"", body)))
    return body + b"\r\n" if body else b""


def _without_last_lines(body: bytes) -> bytes:
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end]
