"""What an endpoint asks for by Retry-After (RFC 9110 section 10.2.3): seconds, or a date. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_S = 3_600.0
"""No endpoint may put itself off for longer by one answer."""


def read_retry_after(value: str | None, *, now: float) -> float:
    """How many seconds to leave an endpoint alone, at most `LONGEST_S`; 0.0 for none and for what cannot be read."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if at.tzinfo is None:  # a date that says "-0000", or none: HTTP's are in UTC
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, at.timestamp() - now), LONGEST_S)
