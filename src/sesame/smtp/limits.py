"""What a server lets one connection cost it. Sources: RFC 5321 section 4.5.3.1; the SES developer guide."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may cost."""

    size_bytes: int = 10_485_760
    """Largest message, announced by SIZE; the default is what SES announces."""
    recipients: int = 1_000
    """Most recipients of a message; RFC 5321 section 4.5.3.1.8 asks for at least 100."""
    command_line_bytes: int = 2_048
    """Longest command or AUTH response; RFC 5321 asks for 512, and PLAIN with names as long as
    RFC 4616 allows needs 1,050."""
    held_bytes: int = 524_288
    """Most input held while an answer is outstanding: two reads of 256 KiB, asyncio's largest."""
    errors: int = 20
    """Refused commands until the connection is closed; an accepted message sets the count back."""
    auth_attempts: int = 5
