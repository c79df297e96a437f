"""A mail server of our own on one socket, for mail that does not leave: no log-in, wide bounds."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from sesame.observe import Log
from sesame.server.smtp import SmtpServer
from sesame.server.smtp_connection import Bounds, Listener, Session
from sesame.server.tls import Certificate

Keep = Callable[[str, tuple[str, ...], bytes], Awaitable[None]]
"""Keeps a message that was taken: reverse path, recipients, data."""


class LocalServer:
    """Listens on `sock`; whoever makes `open_session` decides what is taken."""

    def __init__(
        self,
        sock: socket.socket,
        open_session: Callable[[str, bool], Session],
        *,
        memory_bytes: int,
        log: Log,
        certificate: Certificate | None = None,
    ) -> None:
        self._sock = sock
        bounds = Bounds(
            hello_s=300.0, idle_s=300.0, connections=1_000, per_address=1_000, memory_bytes=memory_bytes
        )
        self._server = SmtpServer(
            [Listener(sock=sock, certificate=certificate)], open_session, bounds, log=log, auth_required=False
        )

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        port: int = self._sock.getsockname()[1]
        return port

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._server.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._server.stop(within_s=1.0)
