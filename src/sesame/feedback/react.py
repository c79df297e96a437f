"""Reacts to what happened: an address that does not exist goes on its account's suppression list.

Events are claimed from the log when they are new, and what follows from them is written in the transaction that moves
them on: a crash before it leaves them new, and nothing follows twice. Source: SES developer guide, "Using the
account-level suppression list".
"""

import asyncio
from collections.abc import Callable

from sesame.db import Store, Transaction
from sesame.errors import Unavailable
from sesame.model import SYSTEM_ACCOUNT
from sesame.observe import Clock, Log
from sesame.store import configuration_sets, events, suppression
from sesame.store.events import Event, Happened, Stage

POLL_S = 1.0
"""How long an event waits at most when the hint of it is lost."""

CLAIM_LIMIT = 64
LEASE_S = 60.0

SIMULATOR_DOMAIN = "simulator.amazonses.com"
"""Its bounces are play, and no reason to suppress."""


class Reactor:
    """Reacts to new events until cancelled; `wake` is the hint that there may be some."""

    def __init__(self, store: Store, *, clock: Clock, log: Log, new_lease: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._new_lease = new_lease
        self._work = asyncio.Event()

    def wake(self) -> None:
        """Something may have happened."""
        self._work.set()

    async def run(self) -> None:
        """React to what is new, until cancelled."""
        while True:
            self._work.clear()
            try:
                while await self.react():
                    pass
            except Unavailable as error:
                self._log.error("reaction_failed", reason=str(error))
            try:
                async with asyncio.timeout(POLL_S):
                    await self._work.wait()
            except TimeoutError:
                pass

    async def react(self) -> int:
        """React to some of what is new; how many events that were."""
        now, lease = self._clock.now(), self._new_lease()
        if not await self._store.read(lambda tx: events.waiting(tx, Stage.NEW)):
            return 0

        async def run(tx: Transaction) -> int:
            claimed = await events.claim_stage(
                tx, Stage.NEW, now=now, lease=lease, lease_s=LEASE_S, limit=CLAIM_LIMIT
            )
            for event in claimed:
                if event.what is Happened.BOUNCED:
                    await suppress(tx, event)
            await events.move_on(tx, claimed, lease=lease, to=events.AFTER_REACTION)
            return len(claimed)

        return await self._store.write(run)


async def suppress(tx: Transaction, event: Event) -> None:
    """Put an address that a remote says does not exist on the account's list, if it keeps one for bounces."""
    if event.status is None or event.recipient is None:
        return
    is_bad_address = event.status.startswith("5.1.") and event.remote_mta is not None
    domain = event.recipient.rpartition("@")[2].lower()
    if not is_bad_address or event.account_id == SYSTEM_ACCOUNT or domain == SIMULATOR_DOMAIN:
        return
    reasons = None
    if event.configuration_set is not None:
        found = await configuration_sets.get(tx, event.account_id, event.region, event.configuration_set)
        reasons = None if found is None else found.suppressed_reasons
    if reasons is None:
        reasons = await suppression.account_reasons(tx, event.account_id, event.region)
    if "BOUNCE" in reasons:
        entry = suppression.Suppressed(
            address=event.recipient, reason="BOUNCE", updated_at=event.at, message_id=event.message_id
        )
        await suppression.put(tx, event.account_id, event.region, entry)
