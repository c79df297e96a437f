"""From the event log to endpoints: what is written once, what is tried again, what is kept, what waits for what."""

import asyncio
import io
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from sesame.app.notify import hasten
from sesame.aws.sns.message import Kind
from sesame.db import Transaction
from sesame.errors import StoreUnavailable
from sesame.metrics import Metrics
from sesame.notify import expand as expanding
from sesame.notify.certificate import Signing
from sesame.notify.deliver import Bounds, Notifier
from sesame.notify.envelopes import Messages
from sesame.notify.event_json import EventType, event_type
from sesame.notify.expand import Expander
from sesame.notify.held import Ready
from sesame.notify.http_client import Answer, HttpClient
from sesame.notify.url import PostFailed
from sesame.notify.ways import Ways
from sesame.observe import Log
from sesame.store import (
    accounts,
    configuration_sets,
    ended_targets,
    events,
    notifications,
    outbox,
    outbox_entries,
    subscriptions,
    told,
    topics,
)
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.events import Event, Happened, NewEvent, Stage
from sesame.store.outbox import Place, Publication
from sesame.store.subscriptions import Subscription
from sesame.store.topics import Topic
from tests.support.clock import FakeClock
from tests.support.happenings import HOUSE
from tests.support.patience import PATIENCE_S
from tests.support.spooled import ACCOUNT, BOUNCED, DELIVERED, OWNER, REGION, Fixture, message, with_spool
from tests.support.stored_accounts import an_account

URL, OTHER = "https://hook.test/", "https://other.test/"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
IDENTITY = f"arn:aws:ses:{REGION}:{OWNER}:identity/example.com"


class Http:
    """Takes what is posted; `problems` are the next answers, 200 when there is none left."""

    def __init__(self, *problems: int | str | Answer) -> None:
        self.problems = list(problems)
        self.posted: list[tuple[str, bytes]] = []
        self.fields: list[dict[str, str]] = []

    async def post(self, url: str, fields: Sequence[tuple[str, str]], body: bytes) -> Answer:
        self.posted.append((url, body))
        self.fields.append(dict(fields))
        problem = self.problems.pop(0) if self.problems else 200
        if isinstance(problem, str):
            raise PostFailed(problem)
        return Answer(problem, b"") if isinstance(problem, int) else problem

    def close(self) -> None:
        pass


class World:
    """A spool, accounts with a topic and a subscription, and what tells."""

    make_clock: type[FakeClock] = FakeClock

    def __init__(self, f: Fixture, *problems: int | str | Answer, **bounds: Any) -> None:
        self.f, self.clock, self.http = f, self.make_clock(), Http(*problems)
        numbers = itertools.count()
        common: dict[str, Any] = {
            "clock": self.clock,
            "log": Log(io.StringIO(), as_json=True, clock=self.clock),
            "new_lease": lambda: f"lease-{next(numbers)}",
        }
        self.removed: list[Mapping[str, object]] = []

        async def audited(
            account_id: str,
            region: str,
            parameters: Mapping[str, object],
            run: Callable[[Transaction], Awaitable[bool]],
        ) -> bool:
            self.removed.append({"account": account_id, "region": region, **parameters})
            return await f.store.write(run)

        self.expander = Expander(f.store, HOUSE, audited=audited, **common)
        self.mails: list[dict[str, Any]] = []

        async def mail(tx: Transaction, **given: Any) -> None:
            self.mails.append(given)

        messages = Messages(
            Signing(sign=lambda text, version: "signed", certificate=""),
            public_url="https://sns.test",
            token_key=b"k",
        )
        self.notifier = Notifier(
            f.store,
            messages,
            Ways(messages, http=cast(HttpClient, self.http), clock=self.clock),
            mail=mail,
            metrics=Metrics(),
            draw=lambda: 0.0,
            bounds=Bounds(**bounds),
            **common,
        )

    async def begin(self, *, events_of: Sequence[str] = ("SEND", "DELIVERY", "BOUNCE")) -> None:
        async def run(tx: Transaction) -> None:
            for account_id in (ACCOUNT, OWNER):
                account = an_account(account_id)
                await accounts.create(tx, account)
            await topics.put(
                tx, Topic(account_id=ACCOUNT, region=REGION, name="t", attributes={}, created_at=0)
            )
            held = ConfigurationSet(account_id=ACCOUNT, region=REGION, name="set")
            await configuration_sets.put(tx, held)
            definition = {
                "Enabled": True,
                "MatchingEventTypes": list(events_of),
                "SnsDestination": {"TopicArn": TOPIC},
            }
            await configuration_sets.put_destination(tx, held, "d", definition)

        await self.f.store.write(run)
        await self.subscribe(URL)

    async def subscribe(self, endpoint: str, protocol: str = "https", **attributes: str) -> None:
        one = Subscription(
            arn=f"{TOPIC}:{endpoint}", topic_arn=TOPIC, account_id=ACCOUNT, protocol=protocol, endpoint=endpoint,
            attributes=attributes, created_at=0, confirmed_at=1,
        )  # fmt: skip
        await self.f.store.write(lambda tx: subscriptions.put(tx, one))

    async def send(self, name: str = "m1", **changes: Any) -> None:
        await self.f.put(message(name, configuration_set="set", **changes))
        (claim,) = await self.f.claim()
        await self.f.settle(claim, DELIVERED)
        await self.f.react_to_all()

    async def expand(self) -> int:
        total = 0
        while count := await self.expander.expand():
            total += count
        return total

    async def claim(self) -> list[Ready]:
        """Record what was done, and what begins now; results may let more begin, so twice."""
        await self.notifier.turn()
        if not (begun := self.notifier.begin()):
            await self.notifier.turn()
            begun = self.notifier.begin()
        return begun

    async def attempt(self, claimed: Sequence[Ready]) -> None:
        """Attempt each once."""
        await asyncio.gather(*(self.notifier._attempt(one) for one in claimed))

    async def deliver(self) -> int:
        """Deliver what is due now, and record it; how many attempts were made."""
        before = len(self.http.posted) + len(self.mails)
        while claimed := await self.claim():
            await self.attempt(claimed)
        return len(self.http.posted) + len(self.mails) - before

    async def rows(self) -> list[tuple[str, int]]:
        found = await self.f.store.read(lambda tx: tx.all("SELECT state, attempts FROM outbox ORDER BY seq"))
        return [(row[0], row[1]) for row in found]


def with_world(tmp_path: Path, check: Any, *problems: int | str | Answer, **bounds: Any) -> None:
    async def run(f: Fixture) -> None:
        world = World(f, *problems, **bounds)
        await world.begin()
        await check(world)

    with_spool(tmp_path, run)


def test_an_event_becomes_one_row_a_destination_and_is_told(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.subscribe(OTHER, RawMessageDelivery="true")
        await w.send()
        assert await w.expand() == 2
        assert await w.f.store.read(lambda tx: events.is_any_waiting(tx, Stage.REACTED)) is False
        assert await w.rows() == [("waiting", 0)] * 4
        assert await w.deliver() == 4
        assert await w.rows() == [("told", 1)] * 4
        raw = [body for url, body in w.http.posted if url == OTHER]
        assert raw[0].startswith(b'{"eventType":"Send"') and raw[1].startswith(b'{"eventType":"Delivery"')

    with_world(tmp_path, check)


def test_an_expansion_that_is_cut_off_is_made_again_and_writes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(w: World) -> None:
        await w.send()
        move_on = events.move_on

        async def broken(*_: object, **__: object) -> int:
            raise StoreUnavailable("power cut")

        monkeypatch.setattr(events, "move_on", broken)
        with pytest.raises(StoreUnavailable):
            await w.expand()
        assert await w.rows() == []
        monkeypatch.setattr(events, "move_on", move_on)
        assert await w.expand() == 0
        w.clock.advance(events.LEASE_S + 1)
        assert await w.expand() == 2
        assert await w.rows() == [("waiting", 0)] * 2

        async def as_if_never(tx: Transaction) -> int:
            return await tx.execute("UPDATE event_log SET stage = 1")

        await w.f.store.write(as_if_never)
        assert await w.expand() == 2
        assert await w.rows() == [("waiting", 0)] * 2

    with_world(tmp_path, check)


def test_the_last_that_each_sides_topic_was_told_is_kept_for_that_side(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        async def want(tx: Transaction) -> None:
            for account_id in (ACCOUNT, OWNER):
                await notifications.set_topic(tx, account_id, IDENTITY, "Delivery", TOPIC)
            everybody = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}}'
            policy = {"Policy": everybody}
            await topics.put(
                tx, Topic(account_id=ACCOUNT, region=REGION, name="t", attributes=policy, created_at=0)
            )

        async def last(account_id: str) -> dict[str, str]:
            found = await w.f.store.read(lambda tx: notifications.get(tx, account_id, IDENTITY))
            return found.last_told

        async def event_of(message_id: str) -> str:
            found = await w.f.store.read(lambda tx: told.of_ids(tx, [message_id], places=1))
            about = found[message_id].about
            assert about is not None and len(found[message_id].places) == 1
            return about

        await w.f.store.write(want)
        assert await last(OWNER) == {}
        seen = set()
        for name in ("m1", "m2"):
            await w.send(name)
            await w.expand()
            for account_id in (ACCOUNT, OWNER):
                kept = await last(account_id)
                assert list(kept) == ["Delivery"]
                assert (await event_of(kept["Delivery"])).startswith(f"{name}/")
                seen.add(kept["Delivery"])
        assert len(seen) == 4, "each side has a publication of its own"
        await w.f.store.write(lambda tx: notifications.set_topic(tx, OWNER, IDENTITY, "Delivery", None))
        assert await last(OWNER) == {}
        stale = {(OWNER, IDENTITY, "Delivery", TOPIC): "late"}
        await w.f.store.write(lambda tx: notifications.set_last_told(tx, stale))
        assert await last(OWNER) == {}, "what was published to the topic before is not this one's"
        assert await w.f.store.read(lambda tx: told.of_ids(tx, ["none"], places=1)) == {}

    with_world(tmp_path, check)


def test_what_was_sent_and_not_recorded_is_sent_again_under_the_same_id(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        (claimed,) = await w.claim()
        await w.notifier._ways.send(claimed)
        crashed = World(w.f)
        assert await crashed.deliver() == 0
        await w.f.store.write(lambda tx: outbox.release_all(tx, now=crashed.clock.now()))
        assert await crashed.deliver() == 2
        assert crashed.http.posted[0] == w.http.posted[0]

    with_world(tmp_path, check)


def test_what_comes_later_waits_for_what_came_before_to_the_same_subscription(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send("m1")
        await w.expand()
        assert await w.deliver() == 1  # the Send fails, the Delivery waits behind it
        assert await w.rows() == [("waiting", 1), ("waiting", 0)]
        w.clock.advance(30)
        assert await w.deliver() == 2
        assert await w.rows() == [("told", 2), ("told", 1)]

    with_world(tmp_path, check, 500)


def test_an_endpoint_that_is_down_is_probed_by_one_message_and_holds_up_no_other(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send("first")
        await w.expand()
        assert await w.deliver() == 2  # it was good until now
        for number in range(5):
            await w.send(f"m{number}", recipients=(f"r{number}@one.test",))
        await w.expand()
        first = await w.claim()
        assert len(first) == 5
        await w.attempt(first)
        await w.notifier.turn()
        await w.subscribe(OTHER)
        await w.send("later")
        await w.expand()
        assert {one.endpoint for one in await w.claim()} == {OTHER}
        w.clock.advance(120)
        again = [one for one in await w.claim() if one.endpoint == URL]
        assert len(again) == 1
        await w.notifier._attempt(again[0])
        await w.notifier.turn()
        assert len([one for one in await w.claim() if one.endpoint == URL]) > 1

    with_world(tmp_path, check, 200, 200, *["down"] * 5)


def test_what_is_given_up_is_kept_listed_and_sent_again(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        await w.deliver()
        w.clock.advance(200)
        await w.deliver()
        assert (await w.rows())[0] == ("dead", 2)
        (dead,) = await w.f.store.read(
            lambda tx: outbox_entries.dead(tx, account_id=ACCOUNT, after=0, limit=10)
        )
        assert (dead.problem, dead.publication.about) == ("the endpoint answered 500", "m1/send")
        assert (
            await w.f.store.read(lambda tx: outbox_entries.dead(tx, account_id=OWNER, after=0, limit=9)) == []
        )
        w.clock.advance(400)
        assert await w.f.store.write(lambda tx: outbox_entries.retry(tx, [dead.seq], now=w.clock.now())) == 1
        await w.deliver()
        assert await w.rows() == [("told", 1), ("told", 1)]
        assert await w.f.store.write(lambda tx: outbox_entries.retry(tx, [1, 2], now=w.clock.now())) == 0
        assert await w.deliver() == 0

    with_world(tmp_path, check, 500, 500, give_up_after_s=100.0)


def test_a_subscription_that_wants_a_message_no_more_is_not_asked_again_and_stays(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send("m1")
        await w.expand()
        assert await w.deliver() == 1  # the Send; what comes behind it has a say of its own
        assert await w.rows() == [("dead", 1), ("waiting", 0)]
        w.clock.advance(30)
        assert await w.deliver() == 1
        assert await w.rows() == [("dead", 1), ("told", 1)]
        assert await w.f.store.read(lambda tx: subscriptions.get(tx, f"{TOPIC}:{URL}")) is not None

    with_world(tmp_path, check, 410)


def test_a_queue_takes_what_is_given_up(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
        policy = '{"healthyRetryPolicy":{"numRetries":0}}'
        await w.subscribe(OTHER, RedrivePolicy=f'{{"deadLetterTargetArn":"{queue}"}}', DeliveryPolicy=policy)
        place = Place(target=f"{TOPIC}:{OTHER}", protocol="https", endpoint=OTHER, order_key="o")
        publication = Publication(
            message_id="p", topic_arn=TOPIC, kind=Kind.NOTIFICATION.value, body="b", at=w.clock.now()
        )
        await w.f.store.write(lambda tx: outbox.publish(tx, [(publication, [place])]))
        await w.deliver()
        found = await w.f.store.read(
            lambda tx: tx.all("SELECT state, protocol, endpoint FROM outbox ORDER BY seq")
        )
        assert found == [("dead", "https", OTHER), ("waiting", "sqs", queue)]
        for _ in range(3):  # and what a queue does not take goes to no other
            w.clock.advance(100.0)
            await w.deliver()
        assert [state for state, _ in await w.rows()] == ["dead", "dead"]

    with_world(tmp_path, check, 404, give_up_after_s=50.0)


def test_a_topic_that_is_gone_drops_the_setting_and_feedback_goes_by_mail_again(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        async def configure(tx: Transaction) -> None:
            for kind in ("Bounce", "Delivery"):
                await notifications.set_topic(tx, OWNER, IDENTITY, kind, f"{TOPIC}-gone")
            await notifications.set_forwarding(tx, OWNER, IDENTITY, enabled=False)

        await w.f.store.write(configure)
        await w.f.put(message("m1"))
        (claim,) = await w.f.claim()
        await w.f.settle(claim, BOUNCED)
        await w.f.store.write(lambda tx: tx.execute("UPDATE event_log SET stage = 1"))
        await w.send("m2")
        await w.expand()
        kept = await w.f.store.read(lambda tx: notifications.get(tx, OWNER, IDENTITY))
        assert (kept.topics, kept.is_forwarding) == ({"Delivery": f"{TOPIC}-gone"}, True)
        assert kept.removed["Bounce"].problem == "the topic does not exist"
        (row,) = w.removed
        assert (row["account"], row["removed"], row["reason"]) == (
            OWNER,
            f"{TOPIC}-gone",
            "the topic does not exist",
        )
        await w.f.store.write(lambda tx: notifications.set_topic(tx, OWNER, IDENTITY, "Bounce", TOPIC))
        kept = await w.f.store.read(lambda tx: notifications.get(tx, OWNER, IDENTITY))
        assert (kept.topics["Bounce"], kept.removed) == (TOPIC, {})

    with_world(tmp_path, check)


def test_mail_is_spooled_with_its_result(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.subscribe("a@people.test", "email")
        await w.send()
        await w.expand()
        await w.deliver()
        assert [mail["to"] for mail in w.mails] == ["a@people.test"] * 2
        assert "https://sns.test/?Action=Unsubscribe" in w.mails[0]["text"]
        assert {state for state, _ in await w.rows()} == {"told"}

    with_world(tmp_path, check)


def test_who_lost_the_lease_sends_and_records_nothing(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        (late,) = await w.claim()
        w.clock.advance(1_000)
        other = World(w.f)
        other.clock.advance(1_000)
        assert len(await other.claim()) == 1
        await w.notifier._attempt(late)
        await w.notifier.turn()
        assert (await w.rows(), w.http.posted) == ([("waiting", 0), ("waiting", 0)], [])

    with_world(tmp_path, check)


def test_a_result_that_comes_after_its_lease_was_lost_records_nothing(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        await w.attempt(await w.claim())
        w.clock.advance(1_000)
        other = World(w.f)
        other.clock.advance(1_000)
        assert len(await other.claim()) == 1
        await w.notifier.turn()
        assert (await w.rows(), len(w.http.posted)) == ([("waiting", 0), ("waiting", 0)], 1)

    with_world(tmp_path, check)


def test_a_mail_whose_lease_was_lost_is_not_spooled_twice(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.subscribe("a@people.test", "email")
        await w.send()
        await w.expand()
        late = [one for one in await w.claim() if one.endpoint == "a@people.test"]
        await w.attempt(late)
        w.clock.advance(1_000)
        other = World(w.f)
        other.clock.advance(1_000)
        await other.deliver()
        await w.notifier.turn()
        assert (len(late), len(other.mails), w.mails) == (1, 2, [])

    with_world(tmp_path, check)


def test_an_endpoint_that_asks_for_time_has_it(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        assert await w.deliver() == 1
        (row,) = await w.f.store.read(lambda tx: tx.all("SELECT due_at FROM outbox WHERE attempts = 1"))
        assert row[0] == w.clock.now() + 1_800.0
        w.clock.advance(1_799.0)
        assert await w.deliver() == 0
        w.clock.advance(2.0)
        assert await w.deliver() == 2

    with_world(tmp_path, check, Answer(503, b"", "1800"))


def test_what_is_told_is_purged_and_what_waits_is_not(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        await w.deliver()
        await w.send("m2")
        await w.expand()
        later = w.clock.now() + 1
        assert await w.f.store.write(lambda tx: outbox.purge_before(tx, later, limit=9)) == 4
        assert await w.rows() == [("waiting", 0)] * 2

    with_world(tmp_path, check)


class TwoClocks(FakeClock):
    """A wall clock that somebody sets, beside one that runs on."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by = 0.0

    def now(self) -> float:
        return self.time + self.set_by


class SteppedWorld(World):
    make_clock = TwoClocks


def test_an_endpoint_that_failed_is_not_left_alone_for_as_long_as_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    async def run(f: Fixture) -> None:
        w = SteppedWorld(f, 500)
        clock = w.clock
        assert isinstance(clock, TwoClocks)
        await w.begin()
        await w.send("m1")
        await w.expand()
        assert await w.deliver() == 1
        clock.set_by = -86_400.0
        clock.advance(5.0)
        await w.send("m2")
        await w.expand()
        assert await w.deliver() == 2

    with_spool(tmp_path, run)


def test_what_was_written_before_the_clock_was_set_back_waits_no_longer_than_anything(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        await w.expand()
        w.clock.advance(-90 * 86_400.0)
        assert await w.deliver() == 0
        await hasten(w.f.store, now=w.clock.now())
        assert await w.deliver() == 2

    with_world(tmp_path, check)


def test_it_runs_until_cancelled(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        tasks = [asyncio.ensure_future(w.expander.run()), asyncio.ensure_future(w.notifier.run())]
        await w.send()
        w.expander.wake()
        async with asyncio.timeout(PATIENCE_S):
            while [state for state, _ in await w.rows()] != ["told", "told"]:
                w.notifier.wake()
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    with_world(tmp_path, check)


def test_an_event_that_cannot_be_told_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is passed over with an error in the log; the process goes on."""

    async def check(w: World) -> None:
        for name in ("m1", "m2", "m3"):
            await w.send(name)
        kind_of = event_type

        def faulty(event: Event) -> EventType:
            if event.message_id == "m2":
                raise KeyError(event.what)
            return kind_of(event)

        monkeypatch.setattr(expanding, "event_type", faulty)
        assert await w.expand() == 6
        assert await w.rows() == [("waiting", 0)] * 4
        assert await w.expand() == 0

    with_world(tmp_path, check)


def test_what_the_operator_did_to_the_queue_is_told_to_nobody(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await w.send()
        own = [Happened.HELD, Happened.RELEASED, Happened.CANCELLED]
        new = [NewEvent(message_seq=1, key=what.value, what=what, at=1.0, n=0) for what in own]
        await w.f.store.write(lambda tx: events.record(tx, new))
        await w.f.react_to_all()
        assert await w.expand() == 5
        assert await w.rows() == [("waiting", 0)] * 2

    with_world(tmp_path, check)


def test_who_is_gone_gets_nothing_more_and_whose_name_begins_alike_does(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        for arn in (f"{TOPIC}:1", f"{TOPIC}:12", f"{TOPIC}2:1"):
            place = Place(target=arn, protocol="https", endpoint=URL, order_key=f"{arn}|m")
            one = Publication(
                message_id=arn, topic_arn=arn.rpartition(":")[0], kind=Kind.NOTIFICATION.value, body="b", at=0.0
            )  # fmt: skip
            await w.f.store.write(lambda tx, told=(one, [place]): outbox.publish(tx, [told]))  # type: ignore[misc]
        await w.f.store.write(lambda tx: ended_targets.drop_target(tx, f"{TOPIC}:1", now=1.0))
        assert [state for state, _ in await w.rows()] == ["dropped", "waiting", "waiting"]
        await w.f.store.write(lambda tx: ended_targets.drop_topic(tx, TOPIC, now=1.0))
        assert [state for state, _ in await w.rows()] == ["dropped", "dropped", "waiting"]

    with_world(tmp_path, check)
