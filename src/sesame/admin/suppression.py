"""The list of addresses that no account sends to for a while: what the operator sees of it and changes by hand."""

from sesame.access.changes import Acts
from sesame.admin.accounts import OperatorError
from sesame.db import Store, Transaction
from sesame.model import SYSTEM_ACCOUNT
from sesame.observe import Clock
from sesame.store import global_suppression
from sesame.store.global_suppression import Listed

DAY_S = 86_400.0


class GlobalSuppression:
    """The operator's hand on the list; `days` is how long an address is on it, 0 where there is none."""

    def __init__(self, store: Store, *, acts: Acts, clock: Clock, days: float) -> None:
        self._store = store
        self._acts = acts
        self._clock = clock
        self._days = days

    async def list(self, *, after: str, limit: int) -> list[Listed]:
        """What is on the list now, by address."""
        now = self._clock.now()
        return await self._store.read(
            lambda tx: global_suppression.page(tx, now=now, after=after, limit=limit)
        )

    async def add(self, address: str) -> None:
        """Put an address on the list. Raises `OperatorError` where there is none."""
        if self._days <= 0:
            raise OperatorError(
                "there is no such list: set `suppression.global_days`, for instance to 14, and restart the server"
            )
        if address.count("@") != 1 or not all(address.split("@")):
            raise OperatorError(f"`{address}` is not an address")
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            await global_suppression.put(tx, address, at=now, until=now + self._days * DAY_S)

        await self._acts.apply("SuppressAddress", SYSTEM_ACCOUNT, run, parameters={"address": address})

    async def remove(self, address: str) -> None:
        """Take an address off the list. Raises `OperatorError`."""

        async def run(tx: Transaction) -> None:
            if not await global_suppression.remove(tx, address):
                raise OperatorError(f"`{address}` is not on the list")

        await self._acts.apply("ReleaseAddress", SYSTEM_ACCOUNT, run, parameters={"address": address})
