"""Mail of Sesame's own: it waits by delivery's clock, like all mail."""

from pathlib import Path

import pytest

from sesame.model import MessageId
from sesame.observe import SteadyClock
from sesame.sending.system_mail import SystemMail
from tests.support.spooled import Fixture, with_spool

DAY_S = 86_400.0


class TwoClocks:
    """A wall clock that somebody sets, and the one that nobody can."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.time = 50.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.time


@pytest.mark.parametrize("step_s", [300 * DAY_S, 3_600.0, -3_600.0, -300 * DAY_S])
def test_it_goes_at_once_and_is_as_young_as_it_is_however_the_wall_clock_was_set(
    tmp_path: Path, step_s: float
) -> None:
    """A machine that begins with a wrong time and then learns the right one loses no verification mail."""
    clock = TwoClocks()
    steady = SteadyClock(clock)
    mail = SystemMail(
        from_address="no-reply@sesame.test",
        message_id_domain="sesame.test",
        new_id=lambda at, region: MessageId("m1"),
        random_hex=lambda n: "b" * n,
        steady=steady,
    )

    async def check(f: Fixture) -> None:
        clock.wall += step_s
        steady.now()
        await f.store.write(
            lambda tx: mail.put(tx, to="a@b.test", subject="s", text="t", region="us-east-1", at=clock.now())
        )
        (claim,) = await f.claim(now=steady.now())
        assert claim.queued_at == pytest.approx(1_800_000_000.0)
        assert claim.accepted_at == clock.wall

    with_spool(tmp_path, check)
