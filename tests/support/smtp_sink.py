"""A receiving SMTP server of another make, aiosmtpd, on any free port: it answers as it is told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP

from tests.support.patience import PATIENCE_S


@dataclass
class Sink:
    """What was received, and how RCPT is answered: by `answer(recipient, how many times it was asked)`."""

    answer: Callable[[str, int], str] = lambda recipient, asked: "250 Ok"
    port: int = 0
    received: list[Any] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """aiosmtpd: a recipient is named."""
        self.asked[address] = self.asked.get(address, 0) + 1
        reply = self.answer(address, self.asked[address])
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """aiosmtpd: a message is whole; `peer` and `helo` say whose connection brought it."""
        envelope.peer, envelope.helo = session.peer[0], session.host_name
        self.received.append(envelope)
        return "250 Kept"


@contextmanager
def listening(sink: Sink) -> Iterator[Sink]:
    """Run the server on the loopback, in a thread of its own, until the end of the block."""
    started = threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await loop.create_server(
            lambda: SMTP(sink, hostname="sink.test", loop=loop), host="127.0.0.1", port=0
        )
        sink.port = server.sockets[0].getsockname()[1]
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    task = loop.create_task(serve())
    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert started.wait(PATIENCE_S)
        yield sink
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(PATIENCE_S)
