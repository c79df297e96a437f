"""The texts of claimed messages: those accepted a moment ago are at hand, other small ones that are wanted at once are
read together, and large ones each by itself.
"""

from sesame.db.together import Together
from sesame.observe import Clock
from sesame.spool.put import SpooledMessage
from sesame.spool.spool import Claim, Spool

SMALL_BYTES = 32 * 1024
"""As many as there are attempts may be read at once, so that they take some megabytes at most."""

FRESH_BYTES = 8 * 1024 * 1024
"""How much of what was just accepted is kept at hand, in all."""

FRESH_S = 10.0
"""How long a text keeps its room from later ones; most are tried at once."""


class _Fresh:
    """A text, and how many attempts are still expected to want it."""

    __slots__ = ("at", "attempts", "text")

    def __init__(self, text: bytes, attempts: int, at: float) -> None:
        self.text = text
        self.attempts = attempts
        self.at = at


class Bodies:
    """Gives texts; see `Spool.body`."""

    def __init__(self, spool: Spool, *, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock
        self._small = Together(spool.bodies)
        self._fresh: dict[str, _Fresh] = {}  # in the order they came
        self._fresh_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How much of texts is at hand."""
        return self._fresh_bytes

    def keep(self, message: SpooledMessage) -> None:
        """Have the text of a message whose acceptance is durable at hand for its first attempts, if there is room.

        When there is none, what came before keeps its place: it is tried first.
        """
        size, now = len(message.data), self._clock.monotonic()
        if size > SMALL_BYTES or not message.is_to_be_delivered:
            return
        while self._fresh_bytes + size > FRESH_BYTES:
            oldest, found = next(iter(self._fresh.items()))
            if now - found.at < FRESH_S:
                return
            self._drop(oldest)
        self._fresh[message.message_id] = _Fresh(
            message.data, len(message.recipients) - len(message.suppressed), now
        )
        self._fresh_bytes += size

    async def read(self, claim: Claim) -> bytes:
        """The message as it was put. Raises `Damaged` when it cannot be had, `Unavailable` when not now."""
        fresh = self._fresh.get(claim.message_id)
        if fresh is not None:
            fresh.attempts -= 1
            if not fresh.attempts:
                self._drop(claim.message_id)
            return fresh.text
        text = await self._small.ask(claim) if claim.size_bytes <= SMALL_BYTES else None
        return text if text is not None else await self._spool.body(claim)

    def _drop(self, message_id: str) -> None:
        self._fresh_bytes -= len(self._fresh.pop(message_id).text)
