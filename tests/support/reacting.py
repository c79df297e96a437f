"""A reactor on a spool's store."""

import io
import itertools
from typing import Any

from sesame.config.feedback import Reputation
from sesame.feedback.react import Reactor
from sesame.observe import Log
from tests.support.clock import FakeClock
from tests.support.spooled import Fixture

SIMULATOR = "simulator.amazonses.com"
THRESHOLDS = Reputation(
    volume=10, bounce_review=0.05, bounce_pause=0.10, complaint_review=0.001, complaint_pause=0.005
)


def reactor(f: Fixture, **changes: Any) -> Reactor:
    """A reactor that forwards nothing, unless told otherwise."""
    clock, numbers = FakeClock(), itertools.count()
    options: dict[str, Any] = {
        "clock": clock,
        "log": Log(io.StringIO(), as_json=True, clock=clock),
        "new_lease": lambda: f"lease-{next(numbers)}",
        "thresholds": THRESHOLDS,
        "simulators": (SIMULATOR,),
        "forwarder": None,
    }
    return Reactor(f.store, **options | changes)


async def react(f: Fixture, **changes: Any) -> int:
    """React to all that is new; how many events that were."""
    running, done = reactor(f, **changes), 0
    while one := await running.react():
        done += one
    return done
