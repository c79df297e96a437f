"""What is kept of a name that somebody gave to log in: what tells names apart, and nothing that may be a secret."""

import re

_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9/+=_%-]{30,}")
"""A secret access key or an SMTP password in the place of the user name, or within it; key ids have 20 characters."""

MAX_NAME = 128
"""Of a user name or key id that somebody made up so much is kept."""


def without_secret(name: str) -> str:
    """What somebody gave as a user name or key id, unless it may hold a secret."""
    return "(what may be a secret)" if _LIKE_A_SECRET.search(name) else name[:MAX_NAME]
