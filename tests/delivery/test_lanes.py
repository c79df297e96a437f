"""Lanes: nobody waits for ever, no limit is passed, whatever the order in which mail comes and attempts end."""

from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sesame.delivery.lanes import AT_ONCE, CLOSE_AFTER, LONGEST_CLOSED_S, Lanes, Limits, Verdict
from sesame.spool.queue import Lane


class Table:
    """A queue in memory, and the attempts under way, beside the lanes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lanes = Lanes(limits)
        self.now = 0.0
        self.waiting: Counter[Lane] = Counter()
        self.active: deque[tuple[Lane, float]] = deque()
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
                self.lanes.began(ask.lane)
                self.active.append((ask.lane, self.now))
                self.begun[ask.lane] += 1
            count += taken
        self.check()
        return count if count or not asks else -1

    def fill(self) -> None:
        while self.turn():
            pass

    def end(self, verdict: Verdict = Verdict.GOOD, index: int = 0) -> None:
        self.active.rotate(-index)
        lane, began_at = self.active.popleft()
        self.lanes.ended(lane, verdict, began_at=began_at, now=self.now, said="no route")

    def check(self) -> None:
        assert len(self.active) <= self.limits.places
        by_domain = Counter(lane.domain for lane, _ in self.active)
        assert all(count <= self.limits.per_domain for count in by_domain.values())

    def of(self, account: str) -> int:
        return sum(lane.account_id == account for lane, _ in self.active)


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
                table.lanes.slow(table.active[0][0])
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
        table.active.remove((good, table.now))
        table.active.appendleft((good, table.now))
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
    assert table.lanes.enter("10.0.0.1")
    assert table.lanes.enter("10.0.0.1")
    assert not table.lanes.enter("10.0.0.1")
    assert table.lanes.enter("10.0.0.2")
    table.fill()
    assert not table.active
    for _ in range(60):
        table.lanes.leave("10.0.0.1")
        table.fill()
        while table.active:
            table.end()
        assert table.lanes.enter("10.0.0.1")
    assert not table.waiting.total()


def test_nothing_goes_to_a_paused_destination_until_it_is_resumed() -> None:
    table = Table(LIMITS)
    table.lanes.pause(["p.test"])
    table.put(Lane("a", "p.test"))
    table.put(Lane("a", "q.test"))
    table.fill()
    assert [lane.domain for lane, _ in table.active] == ["q.test"]
    table.lanes.pause([])
    table.fill()
    assert [lane.domain for lane, _ in table.active] == ["q.test", "p.test"]


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
        table.lanes.began(lane)
        table.now += 1.0
        table.lanes.ended(lane, Verdict.BAD, began_at=table.now, now=table.now + 1, said="no route")
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
