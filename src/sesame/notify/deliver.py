"""Delivers the outbox: posts to endpoints, mails, puts into queues; tries again, or gives up and keeps it.

Claims are made by endpoint, so that one that is slow or down holds at most its own places: after a failure it is tried
with one message at a time, at growing intervals, until it takes one. Endpoints that fail, are slow or have taken
nothing yet share half of the places, however many there are, so that the others always have theirs (`health`). For an
endpoint that takes its messages quickly more are claimed than go at once (`held`), and results are gathered, so that
many of them share a commit. Nothing here waits for accepting or delivering mail, nor they for it. At least once: what
was sent and not recorded is sent again, under the same id. Who answers 410 Gone is not asked again: a message for a
subscription is given up, a webhook is switched off with all that waits for it (Standard Webhooks, "Delivery success and
failure"; SNS developer guide, "Dead-letter queues": the subscription stays).
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sesame.db import Store, Transaction
from sesame.errors import Unavailable
from sesame.metrics import Metrics
from sesame.notify.envelopes import Messages
from sesame.notify.health import Endpoints, Places
from sesame.notify.held import Held, Ready
from sesame.notify.protocols import WEBHOOK
from sesame.notify.results import Done, Mail, Results
from sesame.notify.url import EndpointGone, PostFailed
from sesame.notify.ways import Ways
from sesame.observe import Clock, Log
from sesame.store import outbox
from sesame.store.outbox import Delivery, Result
from sesame.store.webhooks import WebhookKey, read_arn

POLL_S = 1.0
GATHER_S = 0.005
"""How long what is to be claimed is gathered, so that it takes few transactions."""

RECORD_S = 0.02
"""How long results are gathered while more is under way."""

LEASE_S = 120.0
AHEAD = 64
"""Rows that are claimed for one endpoint beyond those that go at once."""

LOW = 32
"""With fewer than these the next are claimed."""

HELD_IN_ALL = 256
ENDPOINTS_AT_ONCE = 2_000
"""Endpoints that are looked at in one turn: one account can have any number of them that are down, and nobody's turn is
to take long for that. With more, the next turns go on where this one ended."""

FRESH_S = 0.02
"""So long ago a claim may have been seen to hold when its attempt begins; a post takes longer."""

HELD_S = 30.0
"""How long a row is held before it is given back; much less than its lease."""

STOP_S = 2.0
"""How long the last results may take to be recorded when it stops."""


SwitchOff = Callable[[WebhookKey, str], Awaitable[object]]
"""Switches a webhook off as long as its URL is this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is under way at once, in all and at one endpoint, and how long is tried without a policy, in seconds."""

    workers: int = 64
    per_endpoint: int = 8
    give_up_after_s: float = 259_200.0


@dataclass(slots=True)
class _Wanted:
    """Rows to be claimed; endpoints of which more is due; whether somebody is left without a place."""

    seqs: list[int] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    is_crowded: bool = False
    looked_at: str = ""
    """The last of the endpoints that were looked at, empty when there are no further ones."""


class Notifier:
    """Delivers until cancelled; `wake` is the hint that there may be something. `mailed` follows spooled mail."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        ways: Ways,
        *,
        mail: Mail,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        draw: Callable[[], float],
        new_lease: Callable[[], str],
        switch_off: SwitchOff | None = None,
        bounds: Bounds = Bounds(),
        mailed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._messages = messages
        self._ways = ways
        self._switch_off = switch_off
        self._clock = clock
        self._log = log
        self._outcomes = {
            outcome: metrics.notifications.labels(outcome) for outcome in ("delivered", "retried", "dead")
        }
        self._draw = draw
        self._results = Results(mail=mail, draw=draw, give_up_after_s=bounds.give_up_after_s)
        self._new_lease = new_lease
        self._mailed = mailed
        self._work = asyncio.Event()
        self._soon = asyncio.Event()
        self._endpoints = Endpoints(places=bounds.workers, of_one=bounds.per_endpoint)
        self._held = Held()
        self._more: frozenset[str] = frozenset()
        """Endpoints for which more was due than was claimed, at the last claim."""
        self._looked_at = ""
        """Where the next turn goes on among the endpoints, empty for the first."""
        self._is_crowded = False
        """Whether somebody waited for a place at the last claim: then no endpoint goes on without its turn."""
        self._done: list[Done] = []
        self._back: list[Delivery] = []
        """Claimed rows that are not to be begun, and not given back yet."""
        self._begun: dict[int, tuple[Delivery, float]] = {}
        """Attempts under way that are not counted in the store yet, and since when (Unix seconds)."""

    def wake(self) -> None:
        """Something may be due."""
        self._work.set()

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is due again at the next start."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._work.clear()
                    is_busy = False
                    try:
                        is_busy = await self.turn()
                    except Unavailable as error:
                        self._log.error("outbox_failed", reason=str(error))
                    except Exception:
                        self._log.error("outbox_failed", trace=traceback.format_exc())
                    for ready in self.begin():
                        tasks.create_task(self._go_on(ready))
                    if is_busy:
                        await self._gather()
                    else:
                        await self._wait()
        finally:
            await self._leave()
            await self._ways.close()

    async def _wait(self) -> None:
        """Until something may be due, a hint or the next due time."""
        try:
            async with asyncio.timeout(POLL_S):
                await self._work.wait()
                await asyncio.sleep(GATHER_S)
        except TimeoutError:
            pass

    async def _gather(self) -> None:
        """Let results gather, unless somebody would have to wait for it."""
        self._soon.clear()
        if self._is_urgent():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(RECORD_S):
                await self._soon.wait()

    def _is_urgent(self) -> bool:
        """Whether the next turn brings work to somebody who has none."""
        return (
            not self._endpoints.active
            or (self._is_crowded and bool(self._done))
            or any(self._held.count(endpoint) < LOW for endpoint in self._more)
        )

    async def _leave(self) -> None:
        """Record what was done and give back what was not begun, as far as that is quick."""
        self._back += [
            one for endpoint in self._held.endpoints() for one in self._held.drop(endpoint, keep=0)
        ]
        if not (self._done or self._back or self._begun):
            return
        try:
            async with asyncio.timeout(STOP_S):
                await self._write([], now=self._clock.now())
        except (Unavailable, TimeoutError):
            pass
        except Exception:
            self._log.error("outbox_failed", trace=traceback.format_exc())

    async def turn(self) -> bool:
        """Record what was done, give back what is not to go now, claim what there is room for: in one commit.

        Whether there was anything to do, or there are further endpoints. What was claimed is held until `begin`.
        """
        now, steady = self._clock.now(), self._clock.monotonic()
        self._back += self._held.drop_before(now - HELD_S)
        for endpoint in self._held.endpoints():
            if not self._endpoints.is_good(endpoint):
                self._back += self._held.drop(endpoint, keep=self._endpoints.room(endpoint, steady))
        due: list[int] = []
        places, held, in_all = self._endpoints.places(steady), self._held.counts(), len(self._held)
        if places.left > 0 or in_all < HELD_IN_ALL:
            wanted = await self._store.read(
                lambda tx: self._wanted(tx, places, held, spare=HELD_IN_ALL - in_all, now=now)
            )
            unrecorded = {one.delivery.seq for one in self._done}
            due = [seq for seq in wanted.seqs if seq not in unrecorded]
            self._more, self._is_crowded = frozenset(wanted.more), wanted.is_crowded
            self._looked_at = wanted.looked_at
        else:
            self._more, self._is_crowded = frozenset(), True
        if not (due or self._done or self._back or self._is_uncounted(now)):
            return bool(self._looked_at)  # there are further endpoints to look at
        seen_at = self._clock.monotonic()
        ready = await self._messages.ready(await self._write(due, now=now), now=now)
        for one in ready:
            one.seen_at = seen_at
        self._held.add(ready)
        return True

    async def _wanted(
        self, tx: Transaction, places: Places, held: Mapping[str, int], *, spare: int, now: float
    ) -> _Wanted:
        """What is due and has a place, of each endpoint its share, and more of those that are quick."""
        found = _Wanted()
        window = await outbox.endpoints(tx, after=self._looked_at, limit=ENDPOINTS_AT_ONCE)
        found.looked_at = window[-1] if len(window) == ENDPOINTS_AT_ONCE else ""
        names = list(dict.fromkeys([*window, *sorted(self._more)]))
        start = int(self._draw() * len(names))
        for endpoint in names[start:] + names[:start]:
            if places.left <= 0:
                found.is_crowded = True
                break
            room, holds = max(0, places.room(endpoint)), held.get(endpoint, 0)
            limit = max(0, room - holds)
            if places.is_good(endpoint) and holds < LOW:
                limit += min(AHEAD, max(0, spare))
            due = await outbox.due(tx, endpoint, now=now, limit=limit) if limit else []
            places.take(endpoint, min(room, holds + len(due)))
            spare -= max(0, len(due) - room)
            found.seqs += due
            if limit and len(due) == limit:
                found.more.append(endpoint)
        return found

    async def _write(self, due: Sequence[int], *, now: float) -> list[Delivery]:
        """Record what was done since the last time, mail included, and claim what is due, in one commit.

        What could not be recorded is kept for the next time. A fault of ours about one result keeps no other from
        being recorded.
        """
        done, self._done = self._done, []
        back, self._back = self._back, []
        begun = [delivery for delivery, _ in self._begun.values()]
        lease = self._new_lease()

        async def run(tx: Transaction) -> tuple[list[Result], list[Delivery]]:
            await outbox.begun(tx, begun)
            await outbox.give_back(tx, back, now=now)
            results = await self._results.record(tx, done, now) if done else []
            claimed = await outbox.claim(tx, due, now=now, lease=lease, lease_s=LEASE_S) if due else []
            return results, claimed

        try:
            results, claimed = await self._store.write(run)
        except BaseException as error:
            self._back = back + self._back
            self._done = done + self._done
            if isinstance(error, Exception) and not isinstance(error, Unavailable):
                await self._record_alone(now)
            raise
        for delivery in begun:
            self._begun.pop(delivery.seq, None)
        self._recorded(done, results)
        return claimed

    async def _record_alone(self, now: float) -> None:
        """Record results one by one; those that cannot be are kept."""
        done, self._done = self._done, []
        while done:
            one = done.pop(0)
            try:
                results = await self._store.write(lambda tx, one=one: self._results.record(tx, [one], now))  # type: ignore[misc]
            except Exception as error:
                self._done.append(one)
                if isinstance(error, Unavailable):
                    break
                self._log.error(
                    "notification_result_not_saved",
                    target=one.delivery.place.target,
                    trace=traceback.format_exc(),
                )
            else:
                self._recorded([one], results)
        self._done += done

    def _recorded(self, done: Sequence[Done], results: Sequence[Result]) -> None:
        """What follows once results are in the store."""
        for one, made in zip(results, done, strict=True):
            self._note(one, took_s=made.took_s, is_mail=made.mail is not None)
        if any(one.mail is not None for one in done):
            self._mailed()

    def begin(self) -> list[Ready]:
        """Of what is held, what there are places for now; they are taken."""
        found: list[Ready] = []
        places = self._endpoints.places(self._clock.monotonic())
        for endpoint in self._held.endpoints():
            room = min(places.room(endpoint), self._held.count(endpoint))
            for _ in range(room):
                if (ready := self._held.pop(endpoint)) is not None:
                    places.take(endpoint, 1)
                    self._endpoints.begin(endpoint)
                    found.append(ready)
        return found

    async def _go_on(self, ready: Ready | None) -> None:
        """Attempt one delivery after the other to an endpoint, as long as it is quick and nobody else waits."""
        while ready is not None:
            endpoint = ready.endpoint
            await self._attempt(ready)
            ready = None
            if self._endpoints.is_good(endpoint) and not self._is_crowded:
                ready = self._held.pop(endpoint)
            if ready is not None:
                self._endpoints.begin(endpoint)
            if self._is_urgent():
                self._soon.set()

    async def _attempt(self, ready: Ready) -> None:
        """Attempt one delivery, unless it has ended meanwhile; never raises, so that it stops no other."""
        delivery, endpoint = ready.delivery, ready.endpoint
        done, began = Done(delivery), self._clock.monotonic()
        is_begun = False
        try:
            if not await self._still_holds(ready):
                return  # its subscription or destination was deleted, or the claim went to another
            is_begun = True
            self._begun[delivery.seq] = delivery, self._clock.now()
            done.mail = await self._ways.send(ready)
        except PostFailed as error:
            done.problem, done.retry_after_s = str(error), error.retry_after_s
            done.is_gone = isinstance(error, EndpointGone) and await self._has_switched_off(delivery)
        except Exception as error:
            if not is_begun:
                self._back.append(delivery)
                self._log.error("outbox_failed", reason=str(error))
                return
            done.problem = "a fault of ours"
            self._log.error("notification_error", target=delivery.place.target, trace=traceback.format_exc())
        finally:
            self._endpoints.end(endpoint)
        self._begun.pop(delivery.seq, None)
        done.took_s = self._clock.monotonic() - began
        if done.problem is not None:
            self._endpoints.failed(endpoint, self._clock.monotonic(), pause_s=done.retry_after_s)
        elif done.mail is None:
            self._endpoints.took(endpoint, done.took_s)
        self._done.append(done)
        self._work.set()

    async def _still_holds(self, ready: Ready) -> bool:
        """Whether a claim that is about to begin still holds, as of `FRESH_S` ago at the most.

        What is held for the same endpoint is looked at with it: it begins soon.
        """
        now = self._clock.monotonic()
        if now - ready.seen_at > FRESH_S:
            some = [ready, *self._held.of(ready.endpoint)]
            deliveries = [one.delivery for one in some]
            holds = await self._store.read(lambda tx: outbox.hold(tx, deliveries), is_short=True)
            for one, does in zip(some, holds, strict=True):
                one.seen_at, one.is_lost = now, not does
        return not ready.is_lost

    def _is_uncounted(self, now: float) -> bool:
        """Whether an attempt has been under way for long and is not counted."""
        return any(now - since >= POLL_S for _, since in self._begun.values())

    async def _has_switched_off(self, delivery: Delivery) -> bool:
        """Switch off a webhook that is gone, before its message is given up; whether that may be now."""
        place = delivery.place
        if place.protocol != WEBHOOK or self._switch_off is None:
            return True
        try:
            await self._switch_off(read_arn(place.target), place.endpoint)
        except Exception:  # its message is tried again, and so is this
            self._log.error("webhook_not_disabled", target=place.target, trace=traceback.format_exc())
            return False
        return True

    def _note(self, result: Result, *, took_s: float, is_mail: bool) -> None:
        """Tell the log and the metrics, and keep in mind of what is mailed only now whether it went."""
        endpoint, problem = result.delivery.place.endpoint, result.problem
        if problem is None:
            if is_mail:
                self._endpoints.took(endpoint, took_s)
            self._outcomes["delivered"].inc()
            return
        if is_mail:
            self._endpoints.failed(endpoint, self._clock.monotonic())
        outcome = "dead" if result.again_at is None else "retried"
        self._outcomes[outcome].inc()
        self._log.event(
            "notification_failed",
            target=result.delivery.place.target,
            message_id=result.delivery.publication.message_id,
            attempts=result.delivery.attempts,
            outcome=outcome,
            reason=problem,
        )
