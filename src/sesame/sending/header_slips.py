"""What is wrong with the beginning of a raw message whose header cannot be read or has no From: to explain a refusal.

Pure; it decides nothing. `access.causes.slips` has the words.
"""

import base64
import binascii
import re
from difflib import get_close_matches

Slip = tuple[str, str]
"""What it is, and what was seen where that is needed."""

_MOST_BYTES = 4_096
"""So much of a message is looked at."""
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{24,}")
_ALIKE = 0.7


def slip_of(message: bytes) -> Slip | None:
    """The slip, or None where it is none of those that are known."""
    data = message[:_MOST_BYTES]
    if data.startswith(b"\xef\xbb\xbf"):
        return "byte-order mark", ""
    if not data.strip():
        return None
    if re.match(rb"[ \t]*\r?\n", data):
        return "empty line", ""
    if data.startswith((b"From ", b">From ")) and not re.match(rb">?From[ \t]*:", data):
        return "mailbox file", ""
    first = data.lstrip()[:1]
    if first in (b"<", b"{"):
        return ("html" if first == b"<" else "json"), ""
    if data[:1] in b" \t":
        return "indented", ""
    if _is_base64(data):
        return "base64", ""
    return _elsewhere(data)


def _is_base64(data: bytes) -> bool:
    """Whether what is encoded begins with a field."""
    if not _BASE64.fullmatch(data):
        return False
    bare = b"".join(data.split())
    try:
        decoded = base64.b64decode(bare[: len(bare) // 4 * 4])
    except (binascii.Error, ValueError):
        return False
    return _NAME.match(decoded) is not None


def _elsewhere(data: bytes) -> Slip | None:
    """A From that stands behind an empty line, or that is called something else."""
    header, _, rest = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    names = [found[1].decode("ascii") for line in header.split(b"\n") if (found := _NAME.match(line))]
    if any(name.lower() == "from" for name in names):
        return None
    near = get_close_matches("from", [name.lower() for name in names], n=1, cutoff=_ALIKE)
    if near:
        return "misspelt", next(name for name in names if name.lower() == near[0])
    lines = rest.split(b"\n\n", 1)[0].split(b"\n")
    return ("later", "") if any(line.lower().startswith(b"from:") for line in lines) else None
