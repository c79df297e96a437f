"""Enhanced status codes (RFC 3463): read them from a reply's text, name their class.

Knows the codes' grammar and how a basic reply code stands in for a missing one. What a code means
for retry or suppression is decided elsewhere. Sources: RFC 3463 section 2, RFC 2034 section 4.
"""

import re
from typing import NamedTuple

_LEADING = re.compile(r"([245])\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})(?=[ \t:;,-]|$)", re.ASCII)
_ANYWHERE = re.compile(r"(?<![\d.])([245])\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})(?![\d.])", re.ASCII)


class StatusCode(NamedTuple):
    """class.subject.detail; class 2 success, 4 persistent transient, 5 permanent."""

    class_: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.class_}.{self.subject}.{self.detail}"


def parse_status(text: str) -> StatusCode | None:
    """The code that a Status field holds or a reply's text begins with, or None."""
    match = _LEADING.match(text.strip())
    return StatusCode(*map(int, match.groups())) if match else None


def find_status(text: str) -> StatusCode | None:
    """The first code anywhere in a text, or None; four-part numbers such as IP addresses are none."""
    match = _ANYWHERE.search(text)
    return StatusCode(*map(int, match.groups())) if match else None


def reply_status(code: int, text: str) -> StatusCode:
    """The status of an SMTP reply: its enhanced code if that agrees with the reply code, else `c.0.0`.

    RFC 2034 section 4 requires both to be of one class; the basic code is what the client obeys.
    """
    status = parse_status(text)
    if status is not None and status.class_ == code // 100:
        return status
    return StatusCode(code // 100, 0, 0)
