"""An account's access keys as the operator sees them."""

import asyncio
import io
from pathlib import Path

from sesame.app.foundation import Services
from sesame.config import Settings
from sesame.observe import Log
from tests.support.clock import FakeClock


def test_keys_made_within_a_second_stand_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """`sesame env` takes the newest; by the id alone, one in two would be the older one."""
    clock = FakeClock(1_800_000_000.0)
    log = Log(io.StringIO(), as_json=True, clock=clock)
    services = Services(Settings(data=str(tmp_path)), log=log, clock=clock, durable=False)

    async def made_and_listed() -> tuple[list[str], list[str]]:
        account = (await services.operator.create_account("a", production=True)).account_id
        made = []
        for name in ("one", "two", "three", "four", "five", "six"):
            await services.operator.create_user(account, name, policy=None)
            clock.advance(0.1)
            made.append((await services.operator.access_key(account, name, access_key_id=None)).access_key_id)
        listed = []
        for name in ("one", "two", "three", "four", "five", "six"):
            keys = await services.access_keys.of(account, name)
            listed.append(keys[-1].access_key_id)
        return made, listed

    try:
        made, listed = asyncio.run(made_and_listed())
    finally:
        services.close()
    assert listed == made
