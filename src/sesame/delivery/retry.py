"""When to try again, and when to give up (RFC 5321 section 4.5.4.1)."""

from collections.abc import Callable
from dataclasses import dataclass

MAX_DOUBTS = 5
"""Tries after which a message may have been delivered, until it is not risked again."""
DOUBT_FACTOR = 4.0
"""How much wider the gap is with each of them: a server that took the message may yet be told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Delays in seconds; `give_up_after_s` counts from acceptance."""

    first_delay_s: float
    longest_delay_s: float
    give_up_after_s: float


def next_attempt_at(
    queued_at: float,
    attempts: int,
    *,
    now: float,
    policy: RetryPolicy,
    draw: Callable[[], float],
    doubts: int = 0,
) -> float | None:
    """When to try again, by delivery's clock, or None to give up.

    `attempts` counts those already made (at least 1), `doubts` those after which the message may have been
    delivered; `draw` returns a number in [0, 1) and spreads retries by up to a quarter of the delay. The first
    delays are short, so that a server that keeps strangers waiting for some minutes is found open soon.
    """
    if doubts >= MAX_DOUBTS:
        return None
    doubled = policy.first_delay_s * 2.0 ** min(attempts - 1, 32) * DOUBT_FACTOR**doubts
    due = now + min(doubled, policy.longest_delay_s) * (1 + draw() / 4)
    return due if due - queued_at < policy.give_up_after_s else None
