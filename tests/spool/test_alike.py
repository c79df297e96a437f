"""How often a server has answered the same of late: numbers and addresses in its words make no difference."""

import random
from pathlib import Path

from msgspec.structs import replace

from sesame.db import Transaction
from sesame.model import Outcome, OutcomeKind
from sesame.spool import destinations
from sesame.spool.destinations import Alike
from tests.support.spooled import Fixture, message, with_spool

DEFERRED = Outcome(
    kind=OutcomeKind.TRANSIENT,
    status="4.7.1",
    diagnostic="451 <a@one.test> greylisted 17 s",
    remote_mta="mx.one.test",
)


def test_the_like_are_counted_for_each_server(tmp_path: Path) -> None:
    draw = random.Random(3)

    async def run(spooled: Fixture) -> None:
        for n in range(7):
            await spooled.put(message(f"m{n}", f"r{n}@one.test"))
        claims = await spooled.claim()
        for n, claim in enumerate(claims):
            said = f"451 <r{n}@one.test> greylisted {draw.randint(1, 900)} s" if n < 5 else "452 full"
            outcome = replace(
                DEFERRED, diagnostic=said, remote_mta="mx2.one.test" if n == 4 else "mx.one.test"
            )
            await spooled.settle(claim, outcome, retry_at=500.0, now=101.0 + n)

        async def look(tx: Transaction) -> dict[tuple[str, str], Alike]:
            wanted = [
                ("mx.one.test", DEFERRED.diagnostic),
                ("mx.one.test", "452 full"),
                ("mx3.one.test", "x"),
            ]
            return await destinations.alike(tx, wanted, since=103.0)

        found = await spooled.store.read(look)
        assert [found[key].count for key in found] == [2, 2, 0]
        assert {one.looked_at for one in found.values()} == {5}
        assert await spooled.store.read(lambda tx: destinations.alike(tx, [], since=0.0)) == {}

    with_spool(tmp_path, run)
