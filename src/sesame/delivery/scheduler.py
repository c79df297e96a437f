"""Keeps delivery going: claims what is due along its lanes, bounds what is under way, settles what is done.

What may go next is `lanes`' to say; claims are made and outcomes settled in batches. It waits for a hint (a message
was accepted) or for the next due time; a hint that is lost costs at most `poll_s`, for lanes are swept then.
Leases are renewed while their attempts live. Everything rests on a clock that no step of the wall clock moves.
"""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sesame.access.redecide import Again, Ruling
from sesame.delivery import outcome as outcomes
from sesame.delivery.attempt import NoPlace
from sesame.delivery.authority import NotAllowed
from sesame.delivery.dial import OutOfResources
from sesame.delivery.lanes import Lanes, Place, Verdict
from sesame.delivery.memory import NoMemory
from sesame.delivery.pool import Pool
from sesame.delivery.retry import RetryPolicy, next_attempt_at
from sesame.delivery.settings import SettingsCache
from sesame.delivery.settling import Settling
from sesame.errors import Unavailable
from sesame.mail.address import domain_of
from sesame.metrics import Metrics
from sesame.model import Outcome, OutcomeKind
from sesame.observe import Clock, Log
from sesame.spool.expiry import START
from sesame.spool.queue import Lane, Position
from sesame.spool.spool import Claim, Claimed, Damaged, Settlement, Spool
from sesame.spool.withdraw import NOT_UNDERSTOOD, Withdrawal
from sesame.store.events import PAUSED, REVOKED, Stage

POLL_S = 1.0
STOP_S = 8.0
"""How long attempts whose message is on its way may take to finish when delivery stops."""
GRACE_S = 1.0
"""How long the others may: of them no server has anything yet."""
SLOW_S = 10.0
"""From here on an attempt takes long; one that ended processes before may be tried beside others again."""
GAP_S = 0.002
"""Before a claim while attempts are under way, so that those that end meanwhile are replaced together: a claim costs
the same for one as for many. Nothing waits while none is."""
FEW = 8
NOTE_TRIES = 3
MEMORY_AGAIN_S = 5.0
"""When a large message is tried again that found too many others waiting for memory."""
BACK_OFF_S = 60.0
"""When what was none of its fault is tried again."""


class Delivers(Protocol):
    """Makes attempts; see `Deliverer`."""

    async def refresh(self, claims: Sequence[Claim]) -> None:
        """Read what attempts for these claims need, together."""

    async def attempt(self, claim: Claim, place: Place) -> Outcome:
        """One attempt, which is where `place` says."""

    def is_in_doubt(self, recipient_seq: int) -> bool:
        """Whether a server has the message of an attempt under way, or of one that was broken off, and has not said
        that it took it.
        """

    def is_transferring(self, recipient_seq: int) -> bool:
        """Whether a server is being given it, or has it and has not answered."""


@dataclass(slots=True)
class _Running:
    """An attempt under way; its claim is replaced when it had to be made anew."""

    claim: Claim
    place: Place
    renewed_at: float
    is_suspect: bool = False
    is_slow: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def began_at(self) -> float:
        """When it began, by delivery's clock."""
        return self.place.began_at

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.task is not None and not self.task.done()


class Scheduler:
    """Runs until stopped; `wake` is the hint. `recorded` is called with a stage at which events wait now, a hint too.

    `clock` is a steady one, `wall` tells the time for people; `holder` names this process.
    """

    def __init__(
        self,
        spool: Spool,
        deliverer: Delivers,
        settings: SettingsCache,
        pool: Pool,
        retry: RetryPolicy,
        lanes: Lanes,
        *,
        clock: Clock,
        wall: Clock,
        log: Log,
        metrics: Metrics,
        draw: Callable[[], float],
        holder: str,
        lease_s: float,
        poll_s: float = POLL_S,
        recorded: Callable[[Stage], None] = lambda _: None,
    ) -> None:
        self._spool = spool
        self._deliverer = deliverer
        self._settings = settings
        self._pool = pool
        self._retry = retry
        self._lanes = lanes
        self._clock = clock
        self._wall = wall
        self._log = log
        self._metrics = metrics
        self._draw = draw
        self._holder = holder
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._running: dict[int, _Running] = {}
        self._recorded = recorded
        self._settling = Settling(
            spool, clock=wall, log=log, metrics=metrics, recorded=recorded, pause_s=poll_s
        )
        self._position = Position()
        self._expired = START
        self._swept_at = float("-inf")
        self._suspected_at = float("-inf")
        self._rest_until = float("-inf")
        self._is_stopping = False
        self._is_noted = False
        self._work = asyncio.Event()
        self._all_ended = asyncio.Event()

    def wake(self, account_id: str = "", addresses: Sequence[str] = ()) -> None:
        """Something may be due now: mail of the account to the addresses, or of anybody."""
        now = self._clock.now()
        for domain in dict.fromkeys(map(domain_of, addresses)):
            self._lanes.offer(Lane(account_id, domain), 0.0, now=now)
        if not addresses:
            self._swept_at = float("-inf")
        self._work.set()

    def stop(self) -> None:
        """Claim nothing more; `run` ends when the attempts under way have, or after `STOP_S`."""
        self._is_stopping = True
        self._work.set()

    async def run(self) -> None:
        """Deliver until stopped; what is not finished by then is due again at the next start."""
        await self._take_over()
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = (self._settling.run, self._settling.tidy, self._upkeep)
                upkeep = [tasks.create_task(run()) for run in beside]
                while not self._is_stopping:
                    self._work.clear()
                    count = await self._next(tasks)
                    if not count:
                        await self._wait()
                    if count < FEW and self._running:
                        await self._gather()
                    self._settling.hasten()
                await self._finish()
                for task in upkeep:
                    task.cancel()
        finally:
            await self._pool.stop()
            await self._settling.rest()
            await self._note_stop()

    async def _next(self, tasks: asyncio.TaskGroup) -> int:
        """Claim and begin what may go now; how many that are."""
        now = self._clock.now()
        if now < self._rest_until:
            return 0
        try:
            await self._sweep(now)
            claimed = await self._suspect(now)
            count = self._begin(claimed, tasks, is_suspect=True)
            asks = self._lanes.choose(now=now)
            if asks:
                claimed = await self._spool.claim(asks, now=now, holder=self._holder, lease_s=self._lease_s)
                for ask, taken in zip(asks, claimed.counts, strict=True):
                    self._lanes.took(ask, taken)
                await self._refresh(claimed.claims)
                self._begin(claimed, tasks)
                # An empty lane is not a reason to wait: others may have been chosen in its place.
                count += max(1, len(claimed.claims))
            await self._quarantine(claimed.damaged, "its record cannot be read")
        except Unavailable as error:
            self._log.error("claim_failed", reason=str(error))
            self._rest_until = now + min(self._poll_s, POLL_S)  # what was chosen stays ready
            return 0
        return count

    def _begin(self, claimed: Claimed, tasks: asyncio.TaskGroup, *, is_suspect: bool = False) -> int:
        """Start attempts; what is under way already, or done and not recorded yet, goes on with its new claim."""
        now = self._clock.now()
        for claim in claimed.claims:
            running = self._running.get(claim.recipient_seq)
            if running is not None:
                running.claim = claim
            elif not self._settling.adopt(claim):
                running = _Running(claim, self._lanes.began(_lane(claim), now=now), now, is_suspect)
                self._running[claim.recipient_seq] = running
                running.task = tasks.create_task(self._attempt(running))
        return len(claimed.claims)

    async def _attempt(self, running: _Running) -> None:
        started = self._clock.monotonic()
        verdict, found, said = Verdict.NOTHING, None, ""
        put_back_s = 0.0
        try:
            found = await self._deliverer.attempt(running.claim, running.place)
            said = found.diagnostic
            if found.is_unreachable:
                verdict = Verdict.BAD
            elif found.remote_mta is not None:
                verdict = Verdict.GOOD
        except NoPlace:
            pass
        except NoMemory:
            put_back_s = MEMORY_AGAIN_S
        except OutOfResources as error:
            self._run_short(str(error))
        except Damaged as error:
            await self._hold(running.claim, str(error))
            return
        except NotAllowed as refusal:
            await self._withdraw(running.claim, refusal.again)
            return
        except Unavailable as error:
            self._log.error("attempt_postponed", message_id=running.claim.message_id, reason=str(error))
            put_back_s = BACK_OFF_S
        except Exception:  # a fault of ours must not stop the others' mail
            self._log.error(
                "attempt_failed", message_id=running.claim.message_id, trace=traceback.format_exc()
            )
            found = outcomes.fault_of_ours()
        finally:
            now = self._clock.now()
            self._lanes.ended(running.place, verdict, now=now, said=said)
            if not asyncio.current_task().cancelling():  # type: ignore[union-attr]
                self._running.pop(running.claim.recipient_seq, None)
            if not self._running:
                self._all_ended.set()
            self._work.set()
        if found is None:
            await self._put_back(running.claim, now + put_back_s)
        else:
            self._done(running.claim, found, self._clock.monotonic() - started)

    def _done(self, claim: Claim, found: Outcome, seconds: float) -> None:
        retry_at = None
        if found.kind is OutcomeKind.TRANSIENT:
            doubts = claim.doubts + found.ambiguous
            retry_at = self._retry_at(claim, doubts)
            if retry_at is None and doubts:
                found = outcomes.after_doubts(found, doubts)
            if retry_at is not None:
                self._lanes.offer(_lane(claim), retry_at, now=self._clock.now())
        self._settling.add(Settlement(claim=claim, outcome=found, retry_at=retry_at, took_s=seconds))
        metrics = self._metrics
        metrics.attempts.labels(found.kind.value, found.status[:1]).inc()
        metrics.attempt_duration.observe(seconds)
        if claim.attempts == 1:
            metrics.queue_wait.observe(max(0.0, self._clock.now() - seconds - claim.queued_at))
        self._log.event(
            "delivery_attempt",
            message_id=claim.message_id,
            account_id=claim.account_id,
            attempt=claim.attempts,
            result=found.kind.value,
            status=found.status,
            remote=found.remote_mta,
            ms=round(seconds * 1000, 1),
        )

    def _retry_at(self, claim: Claim, doubts: int) -> float | None:
        policy = self._retry
        if claim.max_delivery_s is not None and claim.max_delivery_s < policy.give_up_after_s:
            policy = replace(policy, give_up_after_s=claim.max_delivery_s)
        now = self._clock.now()
        return next_attempt_at(
            claim.queued_at, claim.attempts, now=now, policy=policy, draw=self._draw, doubts=doubts
        )

    async def _take_over(self) -> None:
        """Release what the former process held; until that is possible there is nothing to deliver."""
        while not self._is_stopping:
            try:
                taken = await self._spool.take_over(at=self._wall.now())
            except Unavailable as error:
                self._log.error("queue_takeover_failed", reason=str(error))
                self._rest_until = self._clock.now() + min(self._poll_s, POLL_S)
                await self._wait()
                continue
            for one in taken.poison:
                self._log.error("message_held", message_id=one.message_id, reason="ended its process")
            return

    async def _sweep(self, now: float) -> None:
        if now - self._swept_at < self._poll_s:
            return
        swept, paused = await self._spool.sweep(self._position)
        self._swept_at, self._position = now, swept.position
        self._lanes.pause(paused)
        for lane, due_at in swept.lanes:
            self._lanes.offer(lane, due_at, now=now)

    async def _suspect(self, now: float) -> Claimed:
        """One recipient during whose attempts processes ended, while no other such one has just begun."""
        if any(one.is_suspect and now - one.began_at < SLOW_S for one in self._running.values()):
            return Claimed(())
        if now - self._suspected_at < self._poll_s:
            return Claimed(())
        claimed = await self._spool.claim_suspect(now=now, holder=self._holder, lease_s=self._lease_s)
        if not claimed.claims:
            self._suspected_at = now
        return claimed

    async def _refresh(self, claims: Sequence[Claim]) -> None:
        """Read the owners' settings that claims need; those that cannot be read fail in their own attempts."""
        try:
            await self._settings.refresh(claims)
            await self._deliverer.refresh(claims)
        except Unavailable as error:
            self._log.error("delivery_settings_not_read", reason=str(error))
        except Exception:
            self._log.error("delivery_settings_not_read", trace=traceback.format_exc())
            self._settings.forget(claims)

    async def _quarantine(self, seqs: Sequence[int], reason: str) -> None:
        for one in await self._spool.hold(seqs, reason, at=self._wall.now()) if seqs else ():
            self._log.error("message_held", message_id=one.message_id, reason=reason)

    async def _hold(self, claim: Claim, reason: str) -> None:
        try:
            await self._quarantine([claim.recipient_seq], reason)
        except Unavailable as error:  # found again when its lease has ended
            self._log.error("message_not_held", message_id=claim.message_id, reason=str(error))

    async def _withdraw(self, claim: Claim, again: Again) -> None:
        """Cancel or hold what may not be delivered; decide again what has changed since."""
        reason, is_final = _WITHDRAWN[again.ruling]
        due_at = self._clock.now()
        try:
            done = await self._spool.withdraw(
                claim, again.epochs, reason=reason, is_final=is_final, at=self._wall.now()
            )
        except Unavailable as error:
            self._log.error("message_not_withdrawn", message_id=claim.message_id, reason=str(error))
            done, due_at = Withdrawal.STALE, due_at + BACK_OFF_S
        if done is Withdrawal.STALE:
            await self._put_back(claim, due_at)
        elif done is Withdrawal.DONE:
            self._log.event(
                "message_withdrawn",
                message_id=claim.message_id,
                account_id=claim.account_id,
                owner_account_id=claim.owner_account_id,
                ruling=again.ruling.name.lower(),
            )
            self._recorded(Stage.NEW)

    async def _put_back(self, claim: Claim, due_at: float) -> None:
        try:
            await self._spool.put_back([claim], due_at=due_at)
        except Unavailable as error:  # due again when its lease has ended
            self._log.error("message_not_requeued", message_id=claim.message_id, reason=str(error))
        self._lanes.offer(_lane(claim), due_at, now=self._clock.now())
        self._work.set()

    def _run_short(self, reason: str) -> None:
        """We have run out of files: give up what is idle, and begin nothing for a moment."""
        now = self._clock.now()
        if now >= self._rest_until:
            self._log.error("out_of_resources", reason=reason)
            self._metrics.out_of_resources.inc()
        self._rest_until = now + self._poll_s
        while self._pool.make_room():
            pass

    async def _wait(self) -> None:
        next_at = self._lanes.next_at()
        now = self._clock.now()
        left_s = max(self._poll_s if next_at is None else next_at - now, self._rest_until - now)
        try:
            async with asyncio.timeout(min(self._poll_s, max(GAP_S, left_s))):
                await self._work.wait()
        except TimeoutError:
            pass

    async def _gather(self) -> None:
        """Wait for `GAP_S`, or until no attempt is under way."""
        self._all_ended.clear()
        timer = asyncio.get_running_loop().call_later(GAP_S, self._all_ended.set)
        await self._all_ended.wait()
        timer.cancel()

    async def _upkeep(self) -> None:
        """Renew leases, close what is idle, give up what is past its life."""
        while True:
            await asyncio.sleep(min(self._poll_s * 5, self._lease_s / 6))
            now = self._clock.now()
            self._pool.close_idle()
            for one in self._running.values():
                if not one.is_slow and now - one.began_at >= SLOW_S:
                    one.is_slow = True
                    self._lanes.slow(_lane(one.claim))
            try:
                await self._renew(now)
                self._expired = await self._spool.expire(
                    self._lanes.closed(),
                    after=self._expired,
                    now=now,
                    life_s=self._retry.give_up_after_s,
                    at=self._wall.now(),
                )
            except Unavailable as error:
                self._log.error("upkeep_failed", reason=str(error))

    async def _renew(self, now: float) -> None:
        old = [one for one in self._running.values() if now - one.renewed_at >= self._lease_s / 3]
        if not old:
            return
        lost = set(await self._spool.renew([one.claim for one in old], now=now, lease_s=self._lease_s))
        for one in old:
            one.renewed_at = now
            if one.claim.recipient_seq in lost and not self._deliverer.is_in_doubt(one.claim.recipient_seq):
                # Somebody else has it: two copies are worse than none of this one.
                self._log.error("claim_lost", message_id=one.claim.message_id)
                if one.task is not None:
                    one.task.cancel()
                self._running.pop(one.claim.recipient_seq, None)

    async def _finish(self) -> None:
        """Let attempts end that do so soon; the others are given back and do not count."""
        await self._note_stop()
        await _ends(list(self._running.values()), within_s=GRACE_S)
        idle: list[_Running] = []
        slow: list[_Running] = []
        for one in filter(lambda one: one.is_running, self._running.values()):
            (slow if self._deliverer.is_transferring(one.claim.recipient_seq) else idle).append(one)
        await _broken_off(idle)
        await _ends(slow, within_s=STOP_S - GRACE_S)
        slow = [one for one in slow if one.is_running]
        await _broken_off(slow)
        claims = [one.claim for one in (*idle, *slow)]
        if not claims:
            return
        doubtful = [claim for claim in claims if self._deliverer.is_in_doubt(claim.recipient_seq)]
        try:
            await self._spool.let_go(claims, doubtful)
        except Unavailable as error:  # they are due at the next start all the same
            self._log.error("claims_not_released", reason=str(error))

    async def _note_stop(self) -> None:
        """That this process was told to stop, so that its end is nobody's fault."""
        for _ in range(0 if self._is_noted or not self._is_stopping else NOTE_TRIES):
            try:
                await self._spool.stopping(self._holder)
            except Unavailable as error:
                self._log.error("shutdown_not_recorded", reason=str(error))
            else:
                self._is_noted = True
                return


_WITHDRAWN = {
    Ruling.REFUSED: (REVOKED, True),
    Ruling.PAUSED: (PAUSED, False),
    Ruling.NOT_UNDERSTOOD: (NOT_UNDERSTOOD, False),
}
"""Why a recipient is cancelled or held, and whether that is final."""


async def _ends(attempts: Sequence[_Running], *, within_s: float) -> None:
    """Wait until they have ended, but no longer than that."""
    tasks = [one.task for one in attempts if one.task is not None]
    if tasks:
        await asyncio.wait(tasks, timeout=within_s)


async def _broken_off(attempts: Sequence[_Running]) -> None:
    """End them now."""
    tasks = [one.task for one in attempts if one.task is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _lane(claim: Claim) -> Lane:
    return Lane(claim.account_id, claim.domain)
