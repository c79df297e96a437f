"""How long what waits has waited, in steps."""

from pathlib import Path

from sesame.spool import destinations
from tests.support.spooled import Fixture, message, with_spool


def test_what_waits_is_told_by_its_age(tmp_path: Path) -> None:
    async def run(spooled: Fixture) -> None:
        now = 1_000_000.0
        for n, age in enumerate((0.0, 10.0, 11.0, 599.0, 600.0, 601.0, 86_400.0, 86_401.0, -5.0)):
            await spooled.put(message(f"m{n}", at=now - age))
        found = await spooled.store.read(lambda tx: destinations.ages(tx, now=now))
        assert found.is_whole
        assert dict(found.counts) == {
            10.0: 3,
            60.0: 1,
            600.0: 2,
            3_600.0: 1,
            21_600.0: 0,
            86_400.0: 1,
            None: 1,
        }

    with_spool(tmp_path, run)
