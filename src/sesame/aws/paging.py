"""Page tokens: opaque to the client, the last key of the page to us."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from sesame.errors import ServiceError

T = TypeVar("T")


def encode(key: str) -> str:
    """The token for the page after `key`."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def decode(token: str | None, refused: Callable[[], ServiceError]) -> str:
    """The key a token was made of, "" for none; raises what `refused` makes for a strange token."""
    if not token:
        return ""
    try:
        return base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise refused() from None


def cut(items: Sequence[T], limit: int, key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """The first `limit` items, and the token for the rest when there are more."""
    if len(items) <= limit:
        return items, None
    return items[:limit], encode(key(items[limit - 1]))
