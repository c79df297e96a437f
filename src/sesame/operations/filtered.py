"""Lists that are held to a filter as they are read: so many looks a call, and a token that leads on from the last.

A page may be short, or empty, and have a token all the same, as SES has it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sesame.aws import paging

T = TypeVar("T")

MOST_A_PAGE = 1_000
"""What one page may have, and what one look takes."""
MOST_LOOKS = 10
"""How often one call looks for what its filter lets through."""


async def page_of(
    look: Callable[[str, int], Awaitable[Sequence[T]]],
    wanted: Callable[[T], bool] | None,
    key: Callable[[T], str],
    *,
    after: str,
    limit: int,
) -> tuple[Sequence[T], str | None]:
    """Up to `limit` of those that are `wanted` (None: of all), from behind `after`, and the token for the rest.

    `look` gives so many at most from behind a key, in the order of their keys.
    """
    if wanted is None:
        return paging.cut(await look(after, limit + 1), limit, key)
    kept: list[T] = []
    for _ in range(MOST_LOOKS):
        found = await look(after, MOST_A_PAGE)
        kept += filter(wanted, found)
        if len(found) < MOST_A_PAGE:
            return paging.cut(kept, limit, key)
        after = key(found[-1])
        if len(kept) > limit:
            break
    page, token = paging.cut(kept, limit, key)
    return page, token or paging.encode(after)
