"""The texts of claimed messages: small ones that are wanted at once are read together, large ones each by itself."""

from sesame.db.together import Together
from sesame.spool.spool import Claim, Spool

SMALL_BYTES = 32 * 1024
"""As many as there are attempts may be read at once, so that they take some megabytes at most."""


class Bodies:
    """Reads texts; see `Spool.body`."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._small = Together(spool.bodies)

    async def read(self, claim: Claim) -> bytes:
        """The message as it was put. Raises `Damaged` when it cannot be had, `Unavailable` when not now."""
        text = await self._small.ask(claim) if claim.size_bytes <= SMALL_BYTES else None
        return text if text is not None else await self._spool.body(claim)
