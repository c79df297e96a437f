"""What is claimed ahead of its turn: for whom, how much, and that it is given back as it was."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sesame.aws.sns.message import Kind
from sesame.db import Transaction
from sesame.notify.deliver import AHEAD, HELD_S
from sesame.notify.envelopes import Messages
from sesame.notify.held import Held, Ready
from sesame.store import outbox
from sesame.store.outbox import Delivery, Place, Publication
from tests.notify.test_outbox import OTHER, TOPIC, URL, World, with_world

MANY = 200


def row(seq: int, endpoint: str = URL) -> Ready:
    publication = Publication(message_id=str(seq), topic_arn=TOPIC, kind="Notification", body="b", at=0.0)
    place = Place(target=f"{TOPIC}:s", protocol="https", endpoint=endpoint, order_key=str(seq))
    delivery = Delivery(seq=seq, lease="l", attempts=1, publication=publication, place=place)
    return Ready(delivery=delivery, claimed_at=float(seq))


async def publish(w: World, count: int, *endpoints: str, named: str = "p") -> None:
    """As many messages that wait for nothing to each of some endpoints."""

    def places(number: int) -> Sequence[Place]:
        return [
            Place(
                target=f"{TOPIC}:{endpoint}", protocol="https", endpoint=endpoint,
                order_key=f"{TOPIC}:{endpoint}|{number}",
            )
            for endpoint in endpoints
        ]  # fmt: skip

    made = [
        (
            Publication(
                message_id=f"{named}{number}", topic_arn=TOPIC, kind=Kind.NOTIFICATION.value, body="b", at=w.clock.now()
            ),
            places(number),
        )
        for number in range(count)
    ]  # fmt: skip
    await w.f.store.write(lambda tx: outbox.publish(tx, made))


async def attempts(w: World) -> Counter[tuple[str, int, bool]]:
    """How many rows there are, by state, attempts, and whether they are claimed."""

    async def read(tx: Transaction) -> list[tuple[Any, ...]]:
        return await tx.all("SELECT state, attempts, lease IS NOT NULL FROM outbox")

    return Counter((state, count, bool(claimed)) for state, count, claimed in await w.f.store.read(read))


async def proven(w: World) -> None:
    """The endpoint has taken a message: it is good."""
    await w.send("proven")
    await w.expand()
    await w.deliver()


def test_rows_come_in_their_order_and_endpoints_in_turn() -> None:
    held = Held()
    held.add([row(1), row(2), row(3, OTHER), row(4)])
    assert (len(held), held.counts(), held.endpoints()) == (4, {URL: 3, OTHER: 1}, [URL, OTHER])
    first = held.pop(URL)
    assert first is not None and first.delivery.seq == 1
    assert held.endpoints() == [OTHER, URL]  # who had a turn comes last
    assert [one.seq for one in held.drop(URL, keep=1)] == [4]
    assert [one.seq for one in held.drop_before(3.0)] == [2]
    assert (len(held), held.endpoints()) == (1, [OTHER])
    assert held.drop(URL, keep=0) == [] and held.pop(URL) is None


def test_one_that_is_quick_has_many_claimed_at_once_and_the_others_what_goes(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, MANY, URL, OTHER)
        begun = Counter(one.endpoint for one in await w.claim())
        assert begun == {URL: 8, OTHER: 2}
        claimed = await w.f.store.read(
            lambda tx: tx.all(
                "SELECT endpoint, COUNT(*) FROM outbox WHERE lease IS NOT NULL GROUP BY endpoint"
            )
        )
        assert dict(claimed) == {URL: 8 + AHEAD, OTHER: 2}

    with_world(tmp_path, check)


def test_what_is_held_for_one_that_fails_is_given_back_as_if_it_had_not_been_claimed(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, MANY, URL)
        await w.attempt(await w.claim())
        assert await w.claim() == []  # it is left alone for a while
        assert await attempts(w) == {
            ("told", 1, False): 2,
            ("waiting", 1, False): 8,
            ("waiting", 0, False): MANY - 8,
        }

    with_world(tmp_path, check, 200, 200, *[500] * 8)


def test_what_is_held_for_long_is_given_back(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, 50, URL)
        begun = await w.claim()
        w.clock.advance(HELD_S + 1)
        await w.notifier.turn()
        assert len(begun) == 8
        assert (await attempts(w))["waiting", 0, False] == 42

    with_world(tmp_path, check)


def test_one_that_is_quick_goes_on_with_what_is_held_unless_another_waits_for_a_place(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, 20, URL)
        (first, *_) = await w.claim()
        before = len(w.http.posted)
        await w.notifier._go_on(first)
        assert len(w.http.posted) - before == 13  # its own, and the twelve that no place was left for
        await publish_more(w)
        (first, *_) = await w.claim()
        w.notifier._is_crowded = True
        before = len(w.http.posted)
        await w.notifier._go_on(first)
        assert len(w.http.posted) - before == 1

    async def publish_more(w: World) -> None:
        later = Publication(
            message_id="x", topic_arn=TOPIC, kind=Kind.NOTIFICATION.value, body="b", at=w.clock.now()
        )
        where = [
            Place(target=f"{TOPIC}:s", protocol="https", endpoint=URL, order_key=f"x{n}") for n in range(9)
        ]
        await w.f.store.write(lambda tx: outbox.publish(tx, [(later, where)]))

    with_world(tmp_path, check)


def test_who_stops_records_what_was_done_and_gives_back_what_was_not_begun(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        await proven(w)
        await publish(w, 50, URL)
        begun = await w.claim()
        await w.attempt(begun[:3])
        await w.notifier._leave()
        assert await attempts(w) == {
            ("told", 1, False): 5, ("waiting", 0, True): 5, ("waiting", 0, False): 42,
        }  # fmt: skip

    with_world(tmp_path, check)


def test_a_message_is_signed_once_whoever_gets_it_and_not_again_when_it_is_tried_again(
    tmp_path: Path,
) -> None:
    signed: list[bytes] = []

    async def check(w: World) -> None:
        messages: Messages = w.notifier._messages
        messages._signing = type(messages._signing)(
            sign=lambda text, version: signed.append(text) or "s",  # type: ignore[func-returns-value]
            certificate="",
        )
        await w.subscribe(OTHER)
        await w.subscribe("https://raw.test/", RawMessageDelivery="true")
        await w.send()
        await w.expand()
        await w.deliver()
        w.clock.advance(100)
        await w.deliver()
        assert {state for state, _ in await w.rows()} == {"told"}
        assert len(w.http.posted) == 6 + 3 and len(signed) == 2

    with_world(tmp_path, check, 500, 500, 500)


def test_what_cannot_be_signed_is_a_fault_of_ours_and_stops_no_other(tmp_path: Path) -> None:
    def sign(text: bytes, version: str) -> str:
        if b'"eventType":"Send"' in text:
            raise ValueError(text)
        return "s"

    async def check(w: World) -> None:
        w.notifier._messages._signing = type(w.notifier._messages._signing)(sign=sign, certificate="")
        await w.send("m1")
        await publish(w, 1, OTHER)
        await w.expand()
        await w.deliver()
        problems = await w.f.store.read(lambda tx: tx.all("SELECT state, problem FROM outbox ORDER BY seq"))
        assert problems == [("told", None), ("waiting", "a fault of ours"), ("waiting", None)]

    with_world(tmp_path, check)


def test_it_goes_on_while_more_comes(tmp_path: Path) -> None:
    async def check(w: World) -> None:
        telling = asyncio.ensure_future(w.notifier.run())
        await publish(w, MANY, URL, OTHER)
        async with asyncio.timeout(20):
            while (await attempts(w))["told", 1, False] < 2 * MANY:
                w.notifier.wake()
                await asyncio.sleep(0)
        telling.cancel()
        await asyncio.wait([telling])
        assert len(w.http.posted) == 2 * MANY

    with_world(tmp_path, check)
