"""Drives a `ClientConnection` over an asyncio stream, for tests that need real sockets."""

import asyncio
from collections.abc import Sequence

from sesame.smtp.client import ClientConnection, Event
from tests.support.patience import PATIENCE_S


class Wire:
    """A client machine and its connection to a server on the loopback."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.machine = ClientConnection(hostname="me.example")
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Wire":
        """A connection whose server has greeted and answered EHLO."""
        wire = cls(*await asyncio.open_connection("127.0.0.1", port))
        await wire.event()
        return wire

    async def event(self) -> Event:
        """Move bytes until the machine says something."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._writer.write(self.machine.data_to_send())
                data = await self._reader.read(65_536)
                events = self.machine.receive_data(data) if data else self.machine.receive_eof()
                self._writer.write(self.machine.data_to_send())
                if events:
                    return events[0]

    async def send(self, mail_from: str, recipients: Sequence[str], data: bytes) -> Event:
        """Send one message and wait for what becomes of it."""
        self.machine.send_message(mail_from, recipients, data)
        return await self.event()

    async def quit(self) -> None:
        """Take leave and close."""
        self.machine.quit()
        await self.event()
        self._writer.close()
        await self._writer.wait_closed()
