"""When to try again, and when to give up."""

from hypothesis import given
from hypothesis import strategies as st

from sesame.delivery.retry import RetryPolicy, next_attempt_at

POLICY = RetryPolicy(first_delay_s=60, longest_delay_s=3600, give_up_after_s=50_400)


def at(attempts: int, *, now: float = 0.0, accepted_at: float = 0.0, chance: float = 0.0) -> float | None:
    return next_attempt_at(accepted_at, attempts, now=now, policy=POLICY, draw=lambda: chance)


def test_delays_double_up_to_the_longest() -> None:
    assert [at(n) for n in (1, 2, 3, 6, 7, 20)] == [60, 120, 240, 1920, 3600, 3600]


def test_chance_spreads_a_delay_by_up_to_a_quarter() -> None:
    assert (at(1, chance=0.5), at(1, chance=0.999)) == (67.5, 74.985)


def test_a_message_past_its_life_is_given_up() -> None:
    assert at(14, now=50_000.0) is None
    assert at(14, now=46_000.0) == 49_600.0


@given(st.integers(1, 10_000), st.floats(0, 50_399), st.floats(0, 0.999))
def test_the_next_attempt_is_in_the_future_and_within_the_life(
    attempts: int, now: float, chance: float
) -> None:
    due = at(attempts, now=now, chance=chance)
    assert due is None or now < due < 50_400
