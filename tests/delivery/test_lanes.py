"""Lanes: nobody waits for ever, no limit is passed, whatever the order in which mail comes and attempts end."""

from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sesame.delivery.lanes import (
    AT_ONCE,
    CLOSE_AFTER,
    LAPSE_S,
    LONGEST_CLOSED_S,
    Lanes,
    Limits,
    Place,
    Verdict,
)
from sesame.spool.queue import Lane


class Table:
    """A queue in memory, and the attempts under way, beside the lanes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lanes = Lanes(limits)
        self.now = 0.0
        self.waiting: Counter[Lane] = Counter()
        self.active: deque[Place] = deque()
        self.begun: Counter[Lane] = Counter()

    def put(self, lane: Lane, count: int = 1) -> None:
        self.waiting[lane] += count
        self.lanes.offer(lane, self.now, now=self.now)

    def turn(self) -> int:
        """Claim and begin what is chosen."""
        asks = self.lanes.choose(now=self.now)
        assert sum(ask.most for ask in asks) <= min(AT_ONCE, self.lanes.free)
        assert len({ask.lane for ask in asks}) == len(asks)
        count = 0
        for ask in asks:
            taken = min(ask.most, self.waiting[ask.lane])
            self.waiting[ask.lane] -= taken
            self.lanes.took(ask, taken)
            for _ in range(taken):
                self.active.append(self.lanes.began(ask.lane, now=self.now))
                self.begun[ask.lane] += 1
            count += taken
        self.check()
        return count if count or not asks else -1

    def fill(self) -> None:
        while self.turn():
            pass

    def end(self, verdict: Verdict = Verdict.GOOD, index: int = 0) -> None:
        self.active.rotate(-index)
        self.lanes.ended(self.active.popleft(), verdict, now=self.now, said="no route")

    def check(self) -> None:
        assert len(self.active) <= self.limits.places
        by_domain = Counter(place.lane.domain for place in self.active)
        assert all(count <= self.limits.per_domain for count in by_domain.values())
        assert all(count <= self.limits.per_address for count in self.by_address().values())

    def by_address(self) -> Counter[str]:
        return Counter(place.address for place in self.active if place.address is not None)

    def of(self, account: str) -> int:
        return sum(place.lane.account_id == account for place in self.active)


LIMITS = Limits(places=24, per_domain=4, per_address=3)
LANES = [Lane(account, f"{domain}.test") for account in "abcde" for domain in "uvwxyz"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "end", "fail", "wait", "slow"]), st.integers(0, 29), st.integers(1, 9)
        ),
        max_size=60,
    )
)
def test_limits_hold_and_everything_is_tried_in_the_end(steps: list[tuple[str, int, int]]) -> None:
    table = Table(LIMITS)
    for step, which, count in steps:
        match step:
            case "put":
                table.put(LANES[which], count)
            case "end" | "fail" if table.active:
                verdict = Verdict.GOOD if step == "end" else Verdict.BAD
                table.end(verdict, which % len(table.active))
            case "wait":
                table.now += count * 10
            case "slow" if table.active:
                table.lanes.slow(table.active[0].lane)
        table.fill()
    for _ in range(3_000):
        if not table.active and not table.waiting.total():
            break
        if table.active:
            table.end()
        else:
            table.now += LONGEST_CLOSED_S
        table.fill()
    assert not table.waiting.total(), "mail is never tried"
    assert table.lanes.free == LIMITS.places


def test_a_large_sender_leaves_room_for_the_next_however_many_there_are() -> None:
    table = Table(Limits(places=200, per_domain=8, per_address=20))
    for account in ("large", "larger"):
        for number in range(500):
            table.put(Lane(account, f"d{number}.test"), 400)
    table.fill()
    table.put(Lane("small", "good.test"), 2)
    table.fill()
    assert table.begun[Lane("small", "good.test")] == 2


def test_places_of_two_senders_with_the_same_backlog_are_shared() -> None:
    table = Table(Limits(places=64, per_domain=8, per_address=20))
    for number in range(100):
        for account in ("one", "two"):
            table.put(Lane(account, f"d{number}.{account}.test"), 100)
    for _ in range(2_000):
        table.fill()
        table.end()
    one, two = (
        sum(count for lane, count in table.begun.items() if lane.account_id == a) for a in ("one", "two")
    )
    assert 0.8 < one / two < 1.25


def test_destinations_that_hang_do_not_stop_one_that_is_known_to_be_good() -> None:
    table = Table(Limits(places=200, per_domain=8, per_address=20))
    good = Lane("a", "good.test")
    table.put(good)
    table.fill()
    table.end()
    for number in range(1_000):
        table.put(Lane(f"account{number % 50}", f"hangs{number}.test"), 50)
    table.fill()
    assert len(table.active) < 200
    for _ in range(50):
        before = table.begun[good]
        table.put(good)
        table.fill()
        assert table.begun[good] == before + 1
        begun = next(place for place in table.active if place.lane == good)
        table.active.remove(begun)
        table.active.appendleft(begun)
        table.end()


def test_a_destination_that_fails_is_closed_for_longer_each_time_and_opens_again() -> None:
    table = Table(Limits(places=8, per_domain=4, per_address=4, first_closed_s=10.0))
    lane = Lane("a", "down.test")
    table.put(lane, 1_000)
    waits = []
    for number in range(12):
        table.fill()
        began = table.now
        while not table.active:
            again = table.lanes.next_at()
            assert again is not None
            table.now = again
            table.fill()
        waits.append(table.now - began)
        while table.active:
            table.end(Verdict.BAD)
        table.now += 0.5
        assert ("down.test" in table.lanes.closed()) == (number + 1 >= CLOSE_AFTER)
    assert waits[:CLOSE_AFTER] == [0.0] * CLOSE_AFTER
    assert waits[CLOSE_AFTER:] == sorted(waits[CLOSE_AFTER:])
    assert LONGEST_CLOSED_S - 1 <= waits[-1] <= LONGEST_CLOSED_S
    table.now += LONGEST_CLOSED_S
    table.fill()
    table.end(Verdict.GOOD)
    assert table.lanes.closed() == {}
    for _ in range(8):
        table.fill()
        table.end(Verdict.GOOD)
    table.fill()
    assert len(table.active) == 4


def test_failures_side_by_side_count_once() -> None:
    table = Table(Limits(places=64, per_domain=32, per_address=64))
    lane = Lane("a", "b.test")
    for _ in range(40):
        table.put(lane, 5)
        table.fill()
        table.end(Verdict.GOOD)
    table.put(lane, 64)
    table.fill()
    table.now = 1.0
    while table.active:
        table.end(Verdict.BAD)
    assert table.lanes.closed() == {}


def test_domains_behind_one_address_wait_for_a_place_there_without_being_asked() -> None:
    table = Table(Limits(places=100, per_domain=4, per_address=2))
    for number in range(50):
        table.lanes.routed(f"d{number}.test", ["10.0.0.1"])
        table.put(Lane("a", f"d{number}.test"), 1)
    other, *at_it = (table.lanes.began(Lane("b", "e.test"), now=0.0) for _ in range(4))
    assert [place.enter("10.0.0.1") for place in at_it] == [True, True, False]
    assert other.enter("10.0.0.2")
    table.fill()
    assert not table.active
    for _ in range(60):
        at_it[0].leave()
        table.fill()
        while table.active:
            table.end()
        assert at_it[0].enter("10.0.0.1")
    assert not table.waiting.total()


def test_what_is_claimed_at_once_for_a_known_address_has_its_places_there_before_it_comes() -> None:
    table = Table(Limits(places=200, per_domain=8, per_address=20))
    for number in range(300):
        table.lanes.routed(f"d{number}.test", ["10.0.0.1"])
        table.put(Lane("a", f"d{number}.test"), 1)
    table.fill()
    assert len(table.active) == 20
    assert all(place.enter("10.0.0.1") for place in table.active)
    for _ in range(7):
        table.end()
    table.fill()
    assert len(table.active) == 20


def test_places_are_taken_at_each_address_of_a_domain_and_domains_share_them() -> None:
    table = Table(Limits(places=100, per_domain=30, per_address=10))
    both, first, second = (Lane("a", f"{name}.test") for name in ("both", "first", "second"))
    for lane, addresses in ((both, ["10.0.0.1", "10.0.0.2"]), (first, ["10.0.0.1"]), (second, ["10.0.0.2"])):
        for _ in range(30):  # to a limit that is none
            place = table.lanes.began(lane, now=0.0)
            table.lanes.ended(place, Verdict.GOOD, now=0.0)
        table.lanes.routed(lane.domain, addresses)
    table.put(both, 15)
    table.put(first, 30)
    table.put(second, 30)
    table.fill()
    assert len(table.active) == 20
    assert table.by_address() == {"10.0.0.1": 10, "10.0.0.2": 10}


def test_an_attempt_that_goes_elsewhere_leaves_its_place_to_others() -> None:
    table = Table(Limits(places=8, per_domain=4, per_address=1))
    for domain in ("moved.test", "other.test"):
        table.lanes.routed(domain, ["10.0.0.1"])
        table.put(Lane("a", domain))
    table.fill()
    (place,) = table.active
    assert (place.lane.domain, place.address) == ("moved.test", "10.0.0.1")
    place.routed(["10.0.0.2"])
    assert place.address is None
    assert place.enter("10.0.0.2")
    table.fill()
    assert [one.address for one in table.active] == ["10.0.0.2", "10.0.0.1"]
    assert not table.active[1].enter("10.0.0.2")
    assert table.active[1].address == "10.0.0.1"


def test_a_domain_that_waits_for_one_of_two_addresses_goes_to_the_one_that_is_free_first() -> None:
    table = Table(Limits(places=8, per_domain=4, per_address=1))
    for domain, addresses in (("u.test", ["10.0.0.1"]), ("v.test", ["10.0.0.2"])):
        table.lanes.routed(domain, addresses)
        table.put(Lane("a", domain))
    table.fill()
    table.lanes.routed("both.test", ["10.0.0.1", "10.0.0.2"])
    table.put(Lane("a", "both.test"))
    table.fill()
    assert len(table.active) == 2
    table.end(index=1)
    table.fill()
    assert [(one.lane.domain, one.address) for one in table.active] == [
        ("u.test", "10.0.0.1"),
        ("both.test", "10.0.0.2"),
    ]


def test_a_domain_that_waits_for_an_address_is_looked_at_again_when_it_has_moved() -> None:
    table = Table(Limits(places=8, per_domain=4, per_address=1))
    for domain in ("u.test", "v.test"):
        table.lanes.routed(domain, ["10.0.0.1"])
        table.put(Lane("a", domain))
    table.fill()
    assert len(table.active) == 1
    table.lanes.routed("v.test", ["10.0.0.2"])
    table.fill()
    assert [one.address for one in table.active] == ["10.0.0.1", "10.0.0.2"]


def test_a_place_at_an_address_to_which_nobody_comes_lapses() -> None:
    """Domains whose name servers hang hold nothing up at the server that they once had."""
    table = Table(Limits(places=8, per_domain=4, per_address=1))
    for domain in ("hangs.test", "good.test"):
        table.lanes.routed(domain, ["10.0.0.1"])
        table.put(Lane("a", domain))
    table.fill()
    assert [one.lane.domain for one in table.active] == ["hangs.test"]
    again = table.lanes.next_at()
    assert again == LAPSE_S
    table.now = again
    table.fill()
    assert [one.address for one in table.active] == [None, "10.0.0.1"]
    assert table.active[1].enter("10.0.0.1")
    table.now = 100.0  # it is there, as long as it likes
    table.fill()
    assert not table.active[0].enter("10.0.0.1")
    assert table.lanes.next_at() is None


ADDRESSES = [f"10.0.0.{number}" for number in range(4)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["put", "put", "turn", "turn", "route", "enter", "enter", "leave", "end", "fail", "wait"]
            ),
            st.integers(0, 29),
            st.integers(0, 15),
        ),
        max_size=120,
    )
)
def test_places_at_addresses_are_counted_exactly(steps: list[tuple[str, int, int]]) -> None:
    """Whatever attempts do, and in whatever order: none too many, none below zero, none left over at the end."""
    table = Table(LIMITS)
    for step, which, count in steps:
        some = table.active[which % len(table.active)] if table.active else None
        match step:
            case "put":
                table.put(LANES[which], count % 5 + 1)
            case "turn":
                table.turn()
            case "wait":
                table.now += count / 8
            case "route" if some is not None:
                some.routed([address for bit, address in enumerate(ADDRESSES) if count >> bit & 1])
            case "enter" if some is not None:
                had, address = some.address, ADDRESSES[count % 4]
                may = some.enter(address)
                assert some.address == (address if may else had)
            case "leave" if some is not None:
                some.leave()
            case "end" | "fail" if some is not None:
                verdict = Verdict.GOOD if step == "end" else Verdict.BAD
                table.end(verdict, which % len(table.active))
        table.check()
        assert table.by_address() == table.lanes._addresses
    for _ in range(3_000):
        if not table.active and not table.waiting.total():
            break
        if table.active:
            table.end()
        else:
            table.now += LONGEST_CLOSED_S
        table.fill()
    assert not table.waiting.total(), "mail is never tried"
    assert table.lanes.free == LIMITS.places
    assert table.lanes._addresses == {}


def test_nothing_goes_to_a_paused_destination_until_it_is_resumed() -> None:
    table = Table(LIMITS)
    table.lanes.pause(["p.test"])
    table.put(Lane("a", "p.test"))
    table.put(Lane("a", "q.test"))
    table.fill()
    assert [place.lane.domain for place in table.active] == ["q.test"]
    table.lanes.pause([])
    table.fill()
    assert [place.lane.domain for place in table.active] == ["q.test", "p.test"]


def test_a_hint_between_a_claim_and_its_result_is_not_lost() -> None:
    table = Table(LIMITS)
    lane = Lane("a", "b.test")
    table.lanes.offer(lane, 0.0, now=0.0)
    (ask,) = table.lanes.choose(now=0.0)
    table.put(lane)  # committed after the claim had looked
    table.lanes.took(ask, 0)
    table.fill()
    assert table.begun[lane] == 1


def test_mail_that_is_due_later_is_chosen_then() -> None:
    table = Table(LIMITS)
    lane = Lane("a", "b.test")
    table.waiting[lane] = 1
    table.lanes.offer(lane, 60.0, now=0.0)
    table.lanes.offer(lane, 90.0, now=0.0)
    assert table.lanes.next_at() == 60.0
    table.now = 59.0
    assert table.turn() == 0
    table.now = 60.0
    table.fill()
    assert table.begun[lane] == 1


def test_destinations_that_fail_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of addresses at domains where nobody answers takes no more memory than a week of them."""
    monkeypatch.setattr("sesame.delivery.lanes.MAX_KNOWN", 50)
    table = Table(LIMITS)
    table.put(Lane("a", "busy.test"))
    table.fill()
    for number in range(400):
        lane = Lane("a", f"gone{number}.test")
        table.now += 1.0
        place = table.lanes.began(lane, now=table.now)
        table.lanes.ended(place, Verdict.BAD, now=table.now + 1, said="no route")
    assert len(table.lanes._destinations) <= 2 * 50 + 1
    assert table.lanes._destinations["busy.test"].active == 1


def test_an_account_with_nothing_under_way_has_a_place_however_little_is_left() -> None:
    table = Table(Limits(places=4, per_domain=1, per_address=9))
    for number in range(4):
        table.put(Lane("large", f"d{number}.test"))
    table.fill()
    assert table.of("large") == 2
    table.put(Lane("small", "s.test"))
    table.fill()
    assert table.of("small") == 1
