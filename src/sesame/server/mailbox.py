"""The development profile's mailbox server: takes mail for any address and keeps it for reading.

It is a plain receiving SMTP server, so the same delivery code runs as in production. Nothing is kept
before the keeper says it is safe, and only then acknowledged.
"""

import socket

from sesame.errors import SesameError
from sesame.observe import Log
from sesame.server.local import Keep, LocalServer
from sesame.smtp.events import AuthRequested, MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER
from sesame.smtp.reply import Reply
from sesame.smtp.server import ServerConnection

MESSAGE_BYTES = 64 * 1024 * 1024


class MailboxServer(LocalServer):
    """Listens on `sock`; hands each message to `keep`."""

    def __init__(self, sock: socket.socket, keep: Keep, *, hostname: str, log: Log) -> None:
        super().__init__(
            sock,
            lambda address, is_tls: _Session(keep, hostname=hostname),
            memory_bytes=1 << 30,
            log=log,
        )


class _Session:
    """One connection: keeps messages."""

    def __init__(self, keep: Keep, *, hostname: str) -> None:
        self._keep = keep
        self.machine = ServerConnection(
            hostname=hostname,
            profile=MAIL_EXCHANGER,
            limits=Limits(size_bytes=MESSAGE_BYTES),
            tls="none",
            auth="none",
        )

    async def check_password(self, asked: AuthRequested) -> Reply | None:
        return MAIL_EXCHANGER.auth_failed

    async def take(self, message: MessageReceived) -> Reply:
        try:
            await self._keep(message.mail_from, message.recipients, message.data)
        except SesameError:
            return Reply(451, "4.3.0 message could not be kept, try again")
        return Reply(250, "2.0.0 Ok, kept")
