"""When to try again, and when to give up (RFC 5321 section 4.5.4.1)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Delays in seconds; `give_up_after_s` counts from acceptance."""

    first_delay_s: float
    longest_delay_s: float
    give_up_after_s: float


def next_attempt_at(
    accepted_at: float, attempts: int, *, now: float, policy: RetryPolicy, draw: Callable[[], float]
) -> float | None:
    """When to try again, in Unix seconds, or None to give up.

    `attempts` counts those already made (at least 1); `draw` returns a number in [0, 1) and spreads
    retries by up to a quarter of the delay.
    """
    doubled = policy.first_delay_s * 2.0 ** min(attempts - 1, 32)
    due = now + min(doubled, policy.longest_delay_s) * (1 + draw() / 4)
    return due if due - accepted_at < policy.give_up_after_s else None
