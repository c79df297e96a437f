"""Counts are exact: what was accepted is what is settled and what is queued, per account and over all."""

import io
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sesame.config.feedback import Reputation
from sesame.db import Transaction
from sesame.errors import StoreUnavailable
from sesame.feedback import react as reacting
from sesame.feedback.rates import current, judge
from sesame.feedback.receive import Receiver
from sesame.metrics import Metrics
from sesame.model import RecipientState
from sesame.observe import Log
from sesame.spool.control import Filter, change
from sesame.spool.put import RenderingFailure
from sesame.spool.spool import Settlement
from sesame.store import accounts, enforcement, events, identity_tallies, suppression, tallies
from sesame.store.enforcement import Change
from sesame.store.tallies import Counts, Where, quarter_of
from tests.feedback.test_receive import DAY, KEY, bounce, complaint, message_id, ooto, return_path
from tests.support.clock import FakeClock
from tests.support.counts import total
from tests.support.reacting import SIMULATOR, react, reactor
from tests.support.spooled import BOUNCED, DELAYED, DELIVERED, REGION, Fixture, message, with_spool
from tests.support.stored_accounts import an_account

NOW = 1_800_000_000.0
ACCOUNTS = ("111111111111", "222222222222", "333333333333")


async def create(f: Fixture, *account_ids: str) -> None:
    for account_id in account_ids:
        account = an_account(account_id, max_24_hour_send=-1)
        await f.store.write(lambda tx, account=account: accounts.create(tx, account))  # type: ignore[misc]


async def states(f: Fixture, account_id: str | None) -> dict[str, int]:
    condition, values = ("", ()) if account_id is None else (" WHERE m.account_id = ?", (account_id,))

    async def run(tx: Transaction) -> dict[str, int]:
        rows = await tx.all(
            f"SELECT r.state, COUNT(*) FROM recipient r JOIN message m ON m.seq = r.message_seq{condition} GROUP BY 1",
            *values,
        )
        return dict(rows)

    return await f.store.read(run)


async def check_sums(f: Fixture, account_id: str | None) -> Counts:
    """Accepted = the sum of what is settled + queued, whoever counted."""
    counts = await f.store.read(lambda tx: total(tx, account_id))
    found = await states(f, account_id)
    assert counts.sends + counts.failures == sum(found.values())
    assert counts.deliveries == found.get(RecipientState.DELIVERED.value, 0)
    assert counts.suppressed == found.get(RecipientState.SUPPRESSED.value, 0)
    assert counts.failures + counts.cancelled == found.get(RecipientState.CANCELLED.value, 0)
    ended = found.get(RecipientState.BOUNCED.value, 0) + found.get(RecipientState.EXPIRED.value, 0)
    assert counts.bounces - counts.later_bounces == ended
    waiting = (RecipientState.QUEUED, RecipientState.HELD)
    assert counts.queued == sum(found.get(state.value, 0) for state in waiting)
    return counts


def in_metric(metrics: Metrics, state: str) -> float:
    return metrics.registry.get_sample_value("sesame_messages_total", {"state": state}) or 0.0


def check_metric(metrics: Metrics, found: dict[str, int]) -> None:
    """The metric says what is in the spool: each recipient accepted, and once in its final state."""
    assert in_metric(metrics, "accepted") == sum(found.values())
    ended = ("delivered", "bounced", "expired", "suppressed", "cancelled")
    assert {name: in_metric(metrics, name) for name in ended} == {name: found.get(name, 0) for name in ended}


class World:
    """Random sends, outcomes and reports; reactions that are cut off at any of their steps."""

    def __init__(self, f: Fixture, draw: random.Random, receiver: Receiver, clock: FakeClock) -> None:
        self.f = f
        self.draw = draw
        self.receiver = receiver
        self.clock = clock
        self.sent: list[tuple[str, tuple[str, ...]]] = []
        self.metrics = Metrics()

    async def send(self) -> None:
        draw, n = self.draw, len(self.sent)
        addresses = tuple(
            f"r{k}@{draw.choice(('one.test', 'two.test', SIMULATOR))}" for k in range(draw.randrange(1, 5))
        )
        changes: dict[str, Any] = {}
        kind = draw.random()
        if kind < 0.1:
            changes["failure"] = RenderingFailure(template="t", message="m")
        elif kind < 0.3:
            changes["suppressed"] = dict.fromkeys(addresses[:1], "BOUNCE")
        of = message_id(self.clock.now(), n=n + 10)
        await self.f.put(
            message(
                of,
                *addresses,
                at=self.clock.now(),
                account_id=draw.choice(ACCOUNTS),
                owner_account_id=draw.choice(ACCOUNTS),
                identity=draw.choice(("example.com", "example.org")),
                **changes,
            )
        )
        self.sent.append((of, addresses))

    async def attempt(self) -> None:
        for claim in (await self.f.claim(f"w{self.draw.random()}", now=self.clock.now()))[:5]:
            outcome = self.draw.choice((DELIVERED, DELIVERED, BOUNCED, DELAYED, None))
            if outcome is None:
                continue  # the worker died: the lease ends
            retry_at = self.clock.now() + 30.0 if outcome is DELAYED and self.draw.random() < 0.7 else None
            settled = await self.f.spool.settle(
                [Settlement(claim=claim, outcome=outcome, retry_at=retry_at)], at=self.clock.now()
            )
            self.metrics.messages.labels("delivered").inc(settled.delivered)

    async def report(self) -> None:
        if not self.sent:
            return
        of, addresses = self.draw.choice(self.sent)
        n = self.draw.randrange(len(addresses))
        to = return_path(of, n)
        make = self.draw.choice((bounce, complaint, ooto))
        for _ in range(self.draw.choice((1, 1, 3))):
            await self.receiver.take(make(to), recipients=[to], sender="", reporter="r")

    async def operate(self) -> None:
        """The operator holds, releases or cancels what waits of one message."""
        if not self.sent:
            return
        wanted = Filter(message_id=self.draw.choice(self.sent[-4:])[0])
        what = self.draw.choice(("hold", "release", "cancel"))
        await change(self.f.store, what, wanted, at=self.clock.now())

    async def react(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """React, or be cut off at one of the steps."""
        step = self.draw.choice((None, None, *STEPS))
        if step is None:
            await reactor(self.f, metrics=self.metrics).react()
            return
        with monkeypatch.context() as patch:

            async def cut(*_: object, **__: object) -> None:
                raise StoreUnavailable("power cut")

            patch.setattr(*step, cut)
            with pytest.raises(StoreUnavailable):
                while await reactor(self.f, metrics=self.metrics).react():
                    pass
                raise StoreUnavailable("nothing came to that step")


STEPS: tuple[tuple[Any, str], ...] = (
    (events, "claim_stage"),
    (events, "recipients_of"),
    (events, "bounced_before"),
    (tallies, "add"),
    (reacting, "judge"),
    (reacting, "suppress"),
    (suppression, "put"),
    (events, "move_on"),
)


@pytest.mark.parametrize("seed", range(4))
def test_accepted_is_settled_and_queued_whatever_is_cut_off(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(f: Fixture) -> None:
        await create(f, *ACCOUNTS)
        draw, clock = random.Random(seed), FakeClock(NOW)
        log = Log(io.StringIO(), as_json=True, clock=clock)
        with ThreadPoolExecutor(1) as executor:
            receiver = Receiver(
                f.store,
                key=KEY,
                clock=clock,
                log=log,
                executor=executor,
                lives_s=14 * DAY,
                feedback_addresses=(),
            )
            world = World(f, draw, receiver, clock)
            for _ in range(150):
                clock.advance(20.0)
                steps = (world.send, world.attempt, world.attempt, world.report, world.operate)
                await draw.choice(steps)()
                if draw.random() < 0.3:
                    await world.react(monkeypatch)
            for _ in range(5):  # nothing is tried for these
                await world.send()
        await react(f, metrics=world.metrics)
        check_metric(world.metrics, await states(f, None))
        parts = [await check_sums(f, account_id) for account_id in ACCOUNTS]
        whole = await check_sums(f, None)
        assert whole.sends == sum(part.sends for part in parts) > 40
        assert whole.complaints == sum(part.complaints for part in parts) > 0
        assert (whole.complaints, whole.later_bounces) == (
            in_metric(world.metrics, "complained"), in_metric(world.metrics, "bounced_later"),
        )  # fmt: skip
        assert whole.queued > 0
        assert whole.cancelled > 0

    with_spool(tmp_path, check)


def test_counts_are_the_senders_by_owner_identity_and_set(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f, *ACCOUNTS)
        sender, owner, _ = ACCOUNTS
        await f.put(message(message_id(), "x@one.test", at=NOW, account_id=sender, owner_account_id=owner))
        await f.put(message(message_id(n=1), "y@one.test", at=NOW, account_id=owner, configuration_set="s"))
        for claim in await f.claim(now=NOW):
            await f.settle(claim, BOUNCED, now=NOW)
        await react(f)
        by_owner = await f.store.read(lambda tx: tallies.by(tx, sender, "owner_account_id", since=0))
        assert [(name, one.sends, one.permanent_bounces) for name, one in by_owner] == [(owner, 1, 1)]
        by_set = await f.store.read(lambda tx: tallies.by(tx, owner, "configuration_set", since=0))
        assert [(name, one.sends) for name, one in by_set] == [("s", 1)]
        delegates = await f.store.read(
            lambda tx: identity_tallies.by_delegate(tx, owner, "example.com", since=0)
        )
        assert [(name, one.sends) for name, one in delegates] == [(sender, 1), (owner, 1)]

    with_spool(tmp_path, check)


def test_rates_leave_out_the_simulator_and_what_was_suppressed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f, *ACCOUNTS)
        addresses = ("x@one.test", f"bounce@{SIMULATOR}", "s@one.test")
        await f.put(message(message_id(), *addresses, at=NOW, suppressed={"s@one.test": "BOUNCE"}))
        for claim in await f.claim(now=NOW):
            await f.settle(claim, BOUNCED, now=NOW)
        await react(f)
        counts = await f.store.read(lambda tx: total(tx, ACCOUNTS[0]))
        assert (counts.sends, counts.permanent_bounces, counts.suppressed) == (3, 2, 1)
        assert (counts.rated_sends, counts.rated_bounces) == (1, 1)

    with_spool(tmp_path, check)


async def send_many(f: Fixture, *, good: int, bad: int, at: float, first: int = 0) -> None:
    for n in range(good + bad):
        await f.put(message(message_id(at, n=first + n), f"r{n}@one.test", at=at))
    for n, claim in enumerate(await f.claim("m", now=at)):
        await f.settle(claim, BOUNCED if n < bad else DELIVERED, now=at)


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [(8, 1, "HEALTHY"), (39, 1, "HEALTHY"), (38, 2, "PROBATION"), (36, 4, "SHUTDOWN")],
)
def test_rates_lead_to_review_and_pause_once_there_are_enough(
    tmp_path: Path, good: int, bad: int, expected: str
) -> None:
    """Ten recipients are enough here: one bounce in nine is not judged."""

    async def check(f: Fixture) -> None:
        await create(f, *ACCOUNTS)
        stream = io.StringIO()
        log = Log(stream, as_json=True, clock=FakeClock())
        await send_many(f, good=good, bad=bad, at=NOW)
        await react(f, log=log)
        standing = await f.store.read(lambda tx: enforcement.state(tx, ACCOUNTS[0], REGION))
        assert standing.enforcement == expected
        state = await f.store.read(lambda tx: accounts.region_state(tx, ACCOUNTS[0], REGION))
        assert state is not None
        assert state.sending_enabled is (expected != "SHUTDOWN")
        changes = await f.store.read(lambda tx: enforcement.changes(tx, ACCOUNTS[0]))
        assert [(one.became, one.who) for one in changes] == (
            [] if expected == "HEALTHY" else [(expected, "sesame")]
        )
        assert ("account_enforcement" in stream.getvalue()) is (expected != "HEALTHY")

    with_spool(tmp_path, check)


def test_a_review_ends_when_the_rates_are_good_again_and_a_pause_does_not(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await create(f, *ACCOUNTS)
        await send_many(f, good=38, bad=2, at=NOW)
        await react(f)
        clock = FakeClock(NOW + 7_200)
        await send_many(f, good=79, bad=1, at=NOW + 7_200, first=100)
        await react(f, clock=clock)
        standing = await f.store.read(lambda tx: enforcement.state(tx, ACCOUNTS[0], REGION))
        assert standing.enforcement == "HEALTHY"
        await send_many(f, good=0, bad=40, at=NOW + 7_300, first=300)
        await react(f, clock=clock)
        await send_many(f, good=300, bad=1, at=NOW + 9_000, first=500)
        await react(f, clock=FakeClock(NOW + 9_000))
        standing = await f.store.read(lambda tx: enforcement.state(tx, ACCOUNTS[0], REGION))
        assert standing.enforcement == "SHUTDOWN"

    with_spool(tmp_path, check)


def test_a_review_does_not_end_by_sending_nothing_and_a_new_beginning_forgets_what_was(
    tmp_path: Path,
) -> None:
    where = Where(ACCOUNTS[0], REGION, quarter_of(NOW - 7 * DAY), ACCOUNTS[0], "example.com", "")

    async def check(f: Fixture) -> None:
        await create(f, ACCOUNTS[0])
        review = Change(
            account_id=ACCOUNTS[0],
            region=REGION,
            at=NOW,
            was="HEALTHY",
            became="PROBATION",
            who="sesame",
            reason="r",
        )

        async def run(tx: Transaction) -> None:
            await enforcement.put(tx, review)
            assert await judge(tx, ACCOUNTS[0], REGION, now=NOW, thresholds=Reputation(volume=10)) is None
            await tallies.add(tx, {where: Counts(rated_sends=100, rated_bounces=50)})
            _, rates = await current(tx, ACCOUNTS[0], REGION, now=NOW, volume=10)
            assert (rates.sends, rates.bounces) == (100, 50)
            await enforcement.put(tx, review, rated_since=quarter_of(NOW - DAY))
            _, rates = await current(tx, ACCOUNTS[0], REGION, now=NOW, volume=10)
            assert (rates.sends, rates.bounces) == (0, 0)

        await f.store.write(run)

    with_spool(tmp_path, check)
