"""Page tokens: opaque to the client, the last key of the page to us."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict, TypeVar

from sesame.errors import InvalidParameterValue, ServiceError

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


def after(token: str | None) -> str:
    """The key that a token of SES was made of, "" for none. Raises `InvalidParameterValue`."""
    return decode(token, lambda: InvalidParameterValue("Invalid NextToken."))


def checked(size: int, most: int, *, name: str = "PageSize") -> int:
    """The size of a page that a request of SES asks for. Raises `InvalidParameterValue`."""
    if not 1 <= size <= most:
        raise InvalidParameterValue(f"{name} must be between 1 and {most}.")
    return size


def cut(items: Sequence[T], limit: int, key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """The first `limit` items, and the token for the rest when there are more."""
    if len(items) <= limit:
        return items, None
    return items[:limit], encode(key(items[limit - 1]))


class NextPage(TypedDict):
    """What a list of SES's or SNS's says of its rest."""

    NextToken: NotRequired[str]


def next_page(token: str | None) -> NextPage:
    """The member that leads on from a page, when there is more."""
    return {} if token is None else {"NextToken": token}


class Truncation(TypedDict):
    """What a list of IAM's says of its rest."""

    IsTruncated: NotRequired[bool]
    Marker: NotRequired[str]


def truncation(marker: str | None) -> Truncation:
    """Whether there is more than a page of IAM's, and the member that leads on to it."""
    return {"IsTruncated": False} if marker is None else {"IsTruncated": True, "Marker": marker}
