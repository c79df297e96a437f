"""Reacts to what happened: counts it, suppresses, forwards by mail, judges the account that sent.

Events are claimed from the log when they are new, and all that follows from them is written in the transaction that
moves them on: a crash before it leaves them new, and nothing follows twice (I6, I8). Sources: SES developer guide,
"Using the account-level suppression list", "Monitoring your sender reputation", "Email feedback forwarding".
"""

import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sesame.config.feedback import Reputation
from sesame.db import Store, Transaction
from sesame.errors import Unavailable
from sesame.feedback.counting import Recipients, count, counted, reached
from sesame.feedback.forward import Forwarder
from sesame.feedback.rates import judge, log_change
from sesame.feedback.suppress import is_for_all, reason_to_suppress, suppress
from sesame.mail.address import domain_of
from sesame.metrics import Metrics
from sesame.observe import Clock, Log
from sesame.store import counted as counted_recipients
from sesame.store import events, global_suppression, tallies
from sesame.store.enforcement import Change
from sesame.store.event_turns import Turns
from sesame.store.events import Event, Happened, Stage

CLAIM_LIMIT = 256

_BOUNCES = (Happened.BOUNCED, Happened.EXPIRED)
_OF_A_MESSAGE = (Happened.ACCEPTED, Happened.RENDERING_FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one transaction did."""

    events: int
    forwarded: int = 0
    changes: tuple[Change, ...] = ()
    reached: Mapping[str, int] = field(default_factory=dict)
    """How many recipients reached which state."""


class Reactor:
    """Reacts to new events until cancelled; `wake` is the hint that there may be some.

    `simulators` are the domains of the mailbox simulator. `moved_on` is called after events were moved on, `spooled`
    after mail was put into the spool: hints, too. `listed_for_s` is how long an address that does not exist is on the
    list of all accounts; 0: there is none.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        log: Log,
        new_lease: Callable[[], str],
        thresholds: Reputation,
        simulators: Collection[str],
        forwarder: Forwarder | None,
        spooled: Callable[[], None] = lambda: None,
        moved_on: Callable[[], None] = lambda: None,
        listed_for_s: float = 0.0,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._new_lease = new_lease
        self._thresholds = thresholds
        self._simulators = tuple(simulators)
        self._forwarder = forwarder
        self._spooled = spooled
        self._moved_on = moved_on
        self._listed_for_s = listed_for_s
        self._metrics = metrics
        self._turns = Turns(self._turn, limit=CLAIM_LIMIT, log=log, failure="reaction_failed")

    def wake(self) -> None:
        """Something may have happened."""
        self._turns.wake()

    async def run(self) -> None:
        """React to what is new, until cancelled."""
        await self._turns.run()

    async def _turn(self, is_hinted: bool) -> int:
        try:
            return await self.react(is_hinted=is_hinted)
        except Unavailable:
            raise
        except Exception:  # a fault of ours about one event must not stop what follows from the others
            self._log.error("reaction_failed", trace=traceback.format_exc())
            await self._one_by_one()
            return 0

    async def _one_by_one(self) -> None:
        """React to as many events as are claimed at once, each alone; one that cannot be reacted to is passed over."""
        for _ in range(CLAIM_LIMIT):
            try:
                if not await self.react(limit=1):
                    return
            except Unavailable as error:
                self._log.error("reaction_failed", reason=str(error))
                return
            except Exception:
                self._log.error("event_skipped", trace=traceback.format_exc())
                await self._pass_over()

    async def _pass_over(self) -> None:
        """Move the next event on as it is."""
        now, lease = self._clock.now(), self._new_lease()

        async def run(tx: Transaction) -> None:
            claimed = await events.claim_stage(tx, Stage.NEW, now=now, lease=lease, limit=1)
            await events.move_on(tx, claimed, lease=lease, to=Stage.REACTED)

        await self._store.write(run)

    async def react(self, *, limit: int = CLAIM_LIMIT, is_hinted: bool = False) -> int:
        """React to some of what is new; how many events that were. Without a hint it looks first."""
        now, lease = self._clock.now(), self._new_lease()
        if not is_hinted and not await self._store.read(lambda tx: events.is_any_waiting(tx, Stage.NEW)):
            return 0

        async def run(tx: Transaction) -> Done:
            claimed = await events.claim_stage(tx, Stage.NEW, now=now, lease=lease, limit=limit)
            if not claimed:
                return Done(events=0)
            recipients = await self._recipients(tx, claimed)
            changes = await self._count(tx, claimed, recipients, now)
            forwarded = 0
            for event in claimed:
                reason = reason_to_suppress(event, is_simulator=self._is_simulator)
                if reason is not None:
                    await suppress(tx, event, reason)
                if self._listed_for_s > 0 and is_for_all(event, reason) and event.recipient is not None:
                    until = event.at + self._listed_for_s
                    await global_suppression.put(tx, event.recipient, at=event.at, until=until)
                if self._forwarder is not None:
                    forwarded += await self._forwarder.forward(tx, event, now=now)
            await events.move_on(tx, claimed, lease=lease, to=Stage.REACTED)
            return Done(
                events=len(claimed),
                forwarded=forwarded,
                changes=changes,
                reached=reached(claimed, recipients),
            )

        done = await self._store.write(run)
        for change in done.changes:
            log_change(self._log, change)
        if self._metrics is not None:
            for state, many in done.reached.items():
                self._metrics.messages.labels(state).inc(many)
        if done.forwarded:
            self._spooled()
        if done.events:
            self._moved_on()
        return done.events

    async def _recipients(self, tx: Transaction, claimed: Sequence[Event]) -> dict[int, Recipients]:
        """Of events about a whole message, how many recipients that has."""
        of_a_message = [event.message_seq for event in claimed if event.what in _OF_A_MESSAGE]
        return {
            seq: Recipients(all=every, rated=rated)
            for seq, every, rated in await events.recipients_of(tx, of_a_message, unrated=self._simulators)
        }

    async def _count(
        self, tx: Transaction, claimed: Sequence[Event], recipients: Mapping[int, Recipients], now: float
    ) -> tuple[Change, ...]:
        """Add events to the counts, and judge the accounts whose rates they change."""
        bounced = {
            event.seq
            for event in claimed
            if event.what in _BOUNCES and await events.bounced_before(tx, event)
        }
        changes = count(
            claimed,
            recipients,
            has_bounced=lambda event: event.seq in bounced,
            is_simulator=self._is_simulator,
        )
        await tallies.add(tx, changes)
        behind = counted(
            claimed,
            has_bounced=lambda event: event.seq in bounced,
            is_simulator=self._is_simulator,
        )
        if behind:
            await counted_recipients.put(tx, behind)
        hurt = {
            (where.account_id, where.region)
            for where, counts in changes.items()
            if counts.rated_bounces or counts.rated_complaints
        }
        judged = [
            await judge(tx, account_id, region, now=now, thresholds=self._thresholds)
            for account_id, region in sorted(hurt)
        ]
        return tuple(change for change in judged if change is not None)

    def _is_simulator(self, address: str) -> bool:
        return domain_of(address) in self._simulators
