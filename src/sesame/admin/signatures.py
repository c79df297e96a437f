"""DKIM signatures of mail that is at hand, verified with the keys that the DNS has now."""

import asyncio
from collections.abc import Sequence

from sesame.dkim.verify import DkimResult, verify
from sesame.dns import Resolver
from sesame.errors import Unavailable


async def verified(data: bytes, resolver: Resolver, *, at: float) -> Sequence[DkimResult]:
    """What each signature of a message was worth at a time, first field first.

    A key that cannot be looked up counts as one that is not there. The work is done on a thread.
    """
    names: list[str] = []
    keys: dict[str, str | None] = {}

    def asked(name: str) -> None:
        names.append(name)

    await asyncio.to_thread(verify, data, asked, at=at)  # once to learn which keys it asks for
    for name in names:
        try:
            keys[name] = next(iter(await resolver.txt(name)), None)
        except Unavailable:
            keys[name] = None
    return await asyncio.to_thread(verify, data, keys.get, at=at)
