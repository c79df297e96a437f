"""What is kept of a name that somebody gave to log in: what tells names apart, and nothing that may be a secret."""

import re

_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9/+=_%-]{30,}")
"""A secret access key or an SMTP password in the place of the user name, or within it; key ids have 20 characters."""

SECRET = "(what may be a secret)"  # noqa: S105 -- what stands in its place
MAX_NAME = 128
"""Of a user name or key id that somebody made up so much is kept."""


def without_secret(name: str) -> str:
    """What somebody gave as a user name or key id, unless it may hold a secret."""
    return SECRET if _LIKE_A_SECRET.search(name) else name[:MAX_NAME]


_IN_QUOTES = re.compile(r"'([^']*)'")


def without_secrets(text: str) -> str:
    """An error's text as it is kept: a credential that it quotes loses its key id where that may be a secret.

    A secret has slashes, so a credential with one in the place of its key id has more than the five elements.
    """
    return _IN_QUOTES.sub(lambda found: f"'{_without(found[1])}'", text)


def _without(quoted: str) -> str:
    key, *scope = quoted.rsplit("/", 4)
    if len(scope) == 4 and _LIKE_A_SECRET.search(key):
        return "/".join([SECRET, *scope])
    return quoted if len(scope) == 4 else without_secret(quoted)
