"""kill -9 in the middle of things, and a store that says "unavailable": nothing is lost, nothing delivered twice once
that it was delivered has been recorded. The whole of it, at more than sixty points, is `make bench ARGS=kills`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import kills
from bench.faults.world import Findings, World
from bench.receiver import Receiver, receiving

POINTS = [
    ("sesame.delivery.session:Session.data_received", "before", 60),
    ("sesame.spool.spool:Spool.settle", "after", 4),
    ("sesame.spool.pieces:Staging.stage", "after", 2),
]
WRITES = r"sending\.accept|spool\.|feedback\.react"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path, {}) as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> World:
    return World(tmp_path, receiver.port)


def test_what_was_accepted_arrives_wherever_the_process_is_killed(world: World, receiver: Receiver) -> None:
    result = kills.kill_at(world, receiver, POINTS)
    assert (result.missed, result.findings) == ([], Findings())
    assert result.acknowledged > 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_store_that_fails_is_never_believed_to_have_done_or_not_done_it(
    when: str, world: World, receiver: Receiver
) -> None:
    """Each third write fails, before it is done or when it has been."""
    result = kills.fail_writes(world, receiver, [(WRITES, when, 3)])
    assert result.findings == Findings()
    assert result.acknowledged > 0 and result.unknown > 0
