"""What runs beside the doors begins again after a fault of ours."""

import asyncio
import io
import json

from sesame.app.upkeep import keep_running
from sesame.observe import Log
from tests.support.clock import FakeClock


def test_what_fails_is_logged_and_begins_again_until_it_is_done() -> None:
    stream = io.StringIO()
    runs: list[int] = []

    async def run() -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise KeyError("a bug")

    log = Log(stream, as_json=True, clock=FakeClock())
    asyncio.run(keep_running("purge", run, log=log, pause_s=0.0))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert runs == [0, 1, 2]
    assert [(line["level"], line["event"], line["task"]) for line in lines] == [
        ("error", "upkeep_failed", "purge")
    ] * 2
    assert "a bug" in lines[0]["trace"]


def test_it_ends_when_it_is_cancelled() -> None:
    async def check() -> None:
        task = asyncio.ensure_future(
            keep_running(
                "clock",
                lambda: asyncio.sleep(3600),
                log=Log(io.StringIO(), as_json=True, clock=FakeClock()),
            )
        )
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(check())
