"""Attempts that are broken off, or end at the last moment: whether a server may have the message is kept."""

import asyncio
from contextlib import suppress

from sesame.delivery.pool import Pool
from sesame.delivery.route import Host
from sesame.delivery.timeouts import Timeouts
from sesame.model import OutcomeKind
from tests.support.attempts import (
    GOOD,
    Script,
    claim,
    deliver,
    deliverer_to,
)
from tests.support.clock import FakeClock
from tests.support.patience import PATIENCE_S
from tests.support.places import place
from tests.support.talks import Talks


async def broken_off(script: Script, *, once_taken: bool) -> tuple[bool, bool]:
    """Whether an attempt is in doubt after it was broken off, and after another one that ended well."""
    talks = Talks()
    listening = await asyncio.start_server(talks.of(script), "127.0.0.1", 0)
    host = Host("mx.test", *listening.sockets[0].getsockname())
    clock = FakeClock()
    pool = Pool(hostname="me.test", timeouts=Timeouts(), clock=clock)
    deliverer = deliverer_to([host], pool, clock)
    attempt = asyncio.ensure_future(deliverer.attempt(claim(), place(claim())))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (script.messages if once_taken else script.connections):  # noqa: ASYNC110 - no server tells
                await asyncio.sleep(0.001)
        attempt.cancel()
        with suppress(asyncio.CancelledError):
            await attempt
        after = deliverer.is_in_doubt(1)
        script.after_dot, script.banner = "250 taken\r\n", "220 hi\r\n"
        assert (await deliverer.attempt(claim(), place(claim()))).kind is OutcomeKind.DELIVERED
        return after, deliverer.is_in_doubt(1)
    finally:
        await pool.stop()
        listening.close()
        await talks.end()


def test_an_attempt_that_is_broken_off_behind_the_last_dot_is_in_doubt_until_another_is_made() -> None:
    assert asyncio.run(broken_off(Script(GOOD, after_dot=""), once_taken=True)) == (True, False)


def test_an_attempt_that_is_broken_off_before_that_is_not() -> None:
    assert asyncio.run(broken_off(Script(GOOD, banner=""), once_taken=False)) == (False, False)


def test_a_server_that_goes_away_in_place_of_taking_the_text_is_not_asked_again_at_once() -> None:
    """On a connection that was kept: it had the message, so that is its answer and no sign that the peer had left."""
    connections, messages = 0, 0

    async def goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections, messages
        connections += 1
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line == b"DATA\r\n":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                messages += 1
                if messages > 1:
                    writer.write(b"421 4.3.2 closing\r\n")
                    break
            writer.write(b"250 ok\r\n")
        writer.close()

    first, second = asyncio.run(deliver(goes, times=2))
    assert (first.kind, second.kind, second.status) == (
        OutcomeKind.DELIVERED,
        OutcomeKind.TRANSIENT,
        "4.3.2",
    )
    assert (connections, messages) == (1, 2)
