"""What a server said it can do, read from its EHLO reply.

Unknown keywords are kept and mean nothing. Sources: RFC 5321 section 4.1.1.1, RFC 1870, 2920,
3207, 6152 and 6531.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sesame.smtp.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """EHLO keywords in capitals, with what followed each on its line."""

    keywords: Mapping[str, str] = field(default_factory=dict)
    size_limit_bytes: int | None = None
    """Largest message the server takes, None when it named no limit."""
    has_pipelining: bool = False
    has_eight_bit_mime: bool = False
    has_size: bool = False
    has_smtp_utf8: bool = False
    has_starttls: bool = False


NO_EXTENSIONS = Extensions()
"""What HELO promises."""


def read_extensions(reply: Reply) -> Extensions:
    """The extensions that the lines behind the first of an EHLO reply name."""
    keywords: dict[str, str] = {}
    for line in reply.lines[1:]:
        keyword, _, parameters = line.partition(" ")
        keywords.setdefault(keyword.upper(), parameters)
    return Extensions(
        keywords=keywords,
        size_limit_bytes=_size_limit(keywords.get("SIZE", "")),
        has_pipelining="PIPELINING" in keywords,
        has_eight_bit_mime="8BITMIME" in keywords,
        has_size="SIZE" in keywords,
        has_smtp_utf8="SMTPUTF8" in keywords,
        has_starttls="STARTTLS" in keywords,
    )


def _size_limit(value: str) -> int | None:
    """RFC 1870 section 4: up to 20 digits; 0 or nothing says that there is no fixed limit."""
    return (int(value) or None) if value.isdecimal() and len(value) <= 20 else None
