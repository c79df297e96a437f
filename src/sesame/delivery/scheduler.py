"""Keeps delivery going: claims what is due, bounds what is under way, settles what is done.

Claims are made and outcomes settled in batches; a destination that is slow holds at most
`per_domain` of the places. It waits for a hint (a message was accepted) or for the next due time,
whichever is first; a hint that is lost costs at most `POLL_S`.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from sesame.delivery.attempt import Deliverer
from sesame.delivery.outcome import fault_of_ours
from sesame.delivery.pool import Pool
from sesame.delivery.retry import RetryPolicy, next_attempt_at
from sesame.delivery.settings import SettingsCache
from sesame.errors import Unavailable
from sesame.metrics import Metrics
from sesame.model import Outcome, OutcomeKind
from sesame.observe import Clock, Log
from sesame.spool.put import domain_of
from sesame.spool.spool import Claim, Settlement, Spool

POLL_S = 1.0
CLAIM_LIMIT = 64
STOP_S = 10.0
"""How long attempts under way may take to finish when delivery stops."""


class Scheduler:
    """Runs until stopped; `wake` is the hint. `settled` is called after outcomes were recorded, a hint too."""

    def __init__(
        self,
        spool: Spool,
        deliverer: Deliverer,
        settings: SettingsCache,
        pool: Pool,
        retry: RetryPolicy,
        *,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        draw: Callable[[], float],
        new_lease: Callable[[], str],
        workers: int,
        per_domain: int,
        lease_s: float,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._spool = spool
        self._deliverer = deliverer
        self._settings = settings
        self._pool = pool
        self._retry = retry
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._draw = draw
        self._new_lease = new_lease
        self._workers = workers
        self._per_domain = per_domain
        self._lease_s = lease_s
        self._settled = settled
        self._active: Counter[str] = Counter()
        self._done: list[Settlement] = []
        self._is_stopping = False
        self._work = asyncio.Event()
        self._settle_now = asyncio.Event()

    def wake(self) -> None:
        """Something may be due now."""
        self._work.set()

    def stop(self) -> None:
        """Claim nothing more; `run` ends when the attempts under way have, or after `STOP_S`."""
        self._is_stopping = True
        self._work.set()

    async def run(self) -> None:
        """Deliver until stopped; what is not finished by then is due again at the next start."""
        attempts: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as tasks:
                upkeep = [tasks.create_task(self._settle_all()), tasks.create_task(self._close_idle())]
                while not self._is_stopping:
                    self._work.clear()
                    claims = await self._claim()
                    for claim in claims:
                        self._active[domain_of(claim.address)] += 1
                        task = tasks.create_task(self._attempt(claim))
                        attempts.add(task)
                        task.add_done_callback(attempts.discard)
                    if not claims:
                        await self._wait()
                if attempts:
                    await asyncio.wait(attempts, timeout=STOP_S)
                for task in (*attempts, *upkeep):
                    task.cancel()
        finally:
            await self._settle_rest()
            await self._pool.close_idle(everything=True)

    async def _claim(self) -> list[Claim]:
        """Lease as many recipients as there are free places, none for a full destination."""
        free = self._workers - self._active.total()
        if free < max(1, self._workers // 4):
            return []
        try:
            claims = await self._spool.claim(
                now=self._clock.now(),
                limit=min(free, CLAIM_LIMIT),
                lease=self._new_lease(),
                lease_s=self._lease_s,
                per_domain=self._per_domain,
                active=self._active,
            )
            if claims:
                await self._settings.refresh(claims)
        except Unavailable as error:
            self._log.error("claim_failed", reason=str(error))
            return []
        return claims

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._work.wait()
        except TimeoutError:
            pass

    async def _attempt(self, claim: Claim) -> None:
        domain = domain_of(claim.address)
        started = self._clock.monotonic()
        try:
            outcome = await self._deliverer.attempt(claim)
        except Exception:  # a fault of ours must not stop the others' mail
            self._log.error("attempt_failed", message_id=claim.message_id, trace=traceback.format_exc())
            outcome = fault_of_ours()
        finally:
            self._active[domain] -= 1
            if not self._active[domain]:
                del self._active[domain]
        self._done.append(Settlement(claim=claim, outcome=outcome, retry_at=self._retry_at(claim, outcome)))
        self._settle_now.set()
        self._work.set()
        seconds = self._clock.monotonic() - started
        metrics = self._metrics
        metrics.attempts.labels(outcome.kind.value, outcome.status[:1]).inc()
        metrics.attempt_duration.observe(seconds)
        if claim.attempts == 1:
            metrics.queue_wait.observe(max(0.0, self._clock.now() - seconds - claim.accepted_at))
        self._log.event(
            "delivery_attempt",
            message_id=claim.message_id,
            account_id=claim.account_id,
            attempt=claim.attempts,
            result=outcome.kind.value,
            status=outcome.status,
            remote=outcome.remote_mta,
            ms=round(seconds * 1000, 1),
        )

    def _retry_at(self, claim: Claim, outcome: Outcome) -> float | None:
        if outcome.kind is not OutcomeKind.TRANSIENT:
            return None
        policy = self._retry
        if claim.max_delivery_s is not None and claim.max_delivery_s < policy.give_up_after_s:
            policy = replace(policy, give_up_after_s=claim.max_delivery_s)
        now = self._clock.now()
        return next_attempt_at(claim.accepted_at, claim.attempts, now=now, policy=policy, draw=self._draw)

    async def _settle_all(self) -> None:
        """Write outcomes as they come, all that are ready in one commit."""
        while True:
            await self._settle_now.wait()
            self._settle_now.clear()
            batch, self._done = self._done, []
            try:
                await self._spool.settle(batch, now=self._clock.now())
                self._settled()
            except Unavailable as error:
                # Not recorded, so not forgotten: kept for the next try, at most until leases end.
                self._log.error("settle_failed", reason=str(error))
                self._done = batch + self._done
                await asyncio.sleep(POLL_S)
                self._settle_now.set()

    async def _settle_rest(self) -> None:
        if self._done:
            batch, self._done = self._done, []
            await asyncio.shield(self._spool.settle(batch, now=self._clock.now()))

    async def _close_idle(self) -> None:
        while True:
            await asyncio.sleep(POLL_S * 5)
            await self._pool.close_idle()
