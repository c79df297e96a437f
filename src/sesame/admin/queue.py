"""What the operator changes of the queue, at the machine or in the console: each change with its audit row."""

from dataclasses import asdict, replace

from sesame.access.changes import Actor, Acts
from sesame.admin.accounts import OperatorError
from sesame.db import Store
from sesame.model import SYSTEM_ACCOUNT
from sesame.observe import Clock
from sesame.spool import control
from sesame.spool.control import Changed, Filter, Some

VERBS = ("retry", "hold", "release", "cancel")


class QueueDesk:
    """Changes what waits, beside a running server."""

    def __init__(self, store: Store, acts: Acts, *, clock: Clock) -> None:
        self._store = store
        self._acts = acts
        self._clock = clock

    def by(self, actor: Actor) -> "QueueDesk":
        """The same for another actor."""
        return QueueDesk(self._store, self._acts.by(actor), clock=self._clock)

    async def change(self, verb: str, wanted: Filter, *, reason: str = "") -> Changed:
        """Retry, hold, release or cancel all that fits, some in each write."""
        criteria = {key: value for key, value in asdict(wanted).items() if value is not None}

        async def write(some: Some) -> Changed:
            return await self._acts.apply(
                f"{verb.capitalize()}Delivery",
                SYSTEM_ACCOUNT,
                some,
                parameters={"filter": criteria, "reason": reason},
                response=lambda done: {"recipients": done.count},
                when=lambda done: done.count > 0,
                is_long=True,
            )

        return await control.change(
            self._store, verb, wanted, at=self._clock.now(), reason=reason, write=write
        )

    async def pause(self, domain: str, *, reason: str) -> None:
        """Let nothing go to a destination until it is resumed."""
        name = destination(domain)
        now = self._clock.now()
        await self._acts.apply(
            "PauseDestination",
            SYSTEM_ACCOUNT,
            lambda tx: control.pause(tx, name, at=now, reason=reason),
            parameters={"domain": name, "reason": reason},
        )

    async def resume(self, domain: str) -> bool:
        """Let mail go to a destination again; False if it was not paused."""
        return await self._acts.apply(
            "ResumeDestination",
            SYSTEM_ACCOUNT,
            lambda tx: control.resume(tx, domain),
            parameters={"domain": domain.lower()},
            when=bool,
        )


def destination(domain: str) -> str:
    """The name of a destination as it is kept. Raises `OperatorError` for what cannot be one."""
    name = domain.strip().lower().rstrip(".")
    if not name or len(name) > 255 or any(char.isspace() or char in "@/," for char in name):
        raise OperatorError(f"`{domain}` is not a destination; name a domain, such as example.com")
    return name


def without_held(wanted: Filter) -> Filter:
    """The same, but what is held stays: of everything, only `purge` takes that too."""
    return replace(wanted, is_held=False)
