"""Forms whose second sending does nothing: a click too many, a page loaded again, the way back and forth."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

MOST_KEPT = 256


class Once:
    """Runs what a form asks for once, however often the form is sent; keeps the answers of the latest forms."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, str], asyncio.Future[str]] = OrderedDict()

    async def run(self, key: tuple[bytes, str], function: Callable[[], Awaitable[str]]) -> str:
        """The function's answer, of now or of the first time; what it raised is forgotten.

        `key` is a log-in's digest and what the form carries to be told by; a form that carries nothing is not told.
        """
        if not key[1]:
            return await function()
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = asyncio.ensure_future(function())
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        try:
            return await asyncio.shield(found)
        except Exception:
            self._kept.pop(key, None)
            raise
