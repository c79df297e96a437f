"""What comes between two writes of one call."""

from collections.abc import Awaitable, Callable
from typing import Any

from sesame.db import Store


def before_write(store: Store, number: int, act: Callable[[], Awaitable[object]]) -> None:
    """Do something before the write with that number from now on, the first being 1, as if it came meanwhile."""
    inner, count = store.write, 0

    async def write(function: Any, *, is_long: bool = False) -> Any:
        nonlocal count
        count += 1
        if count == number:
            store.write = inner  # type: ignore[method-assign]
            await act()
        return await inner(function, is_long=is_long)

    store.write = write  # type: ignore[method-assign]
