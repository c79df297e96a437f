"""The mailbox simulator: addresses whose fate is known, for trying out what becomes of mail.

`success`, `bounce`, `complaint`, `ooto` and `suppressionlist`, each with a `+label` if wanted, at its own domains. A
server like any other, so that mail to it takes the whole way, and what it answers comes back as from elsewhere. Texts
are those of SES (recorded). Source: SES developer guide, "Using the mailbox simulator manually".
"""

import socket
from collections.abc import Awaitable, Callable, Collection
from typing import Literal

from sesame.errors import SesameError
from sesame.observe import Log
from sesame.server.local import Keep, LocalServer
from sesame.server.tls import Certificate
from sesame.smtp.events import AuthRequested, MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER
from sesame.smtp.reply import Reply, printable
from sesame.smtp.server import ServerConnection

Answer = Literal["bounce", "complaint", "ooto"]
AnswerMail = Callable[[Answer, str, str, bytes], Awaitable[None]]
"""Sends an answer to a message: which one, who complains or is away, the message's envelope sender, its header."""

MESSAGE_BYTES = 64 * 1024 * 1024
_ANSWERS: dict[str, Answer] = {"complaint": "complaint", "ooto": "ooto"}
_TAKEN = frozenset({"success", *_ANSWERS})


class SimulatorServer(LocalServer):
    """Listens on `sock`; `keep` keeps each message that is delivered, for reading in the development profile."""

    def __init__(
        self,
        sock: socket.socket,
        answer: AnswerMail,
        *,
        domains: Collection[str],
        certificate: Certificate,
        keep: Keep | None,
        log: Log,
    ) -> None:
        names = frozenset(domains)
        super().__init__(
            sock,
            lambda address, is_tls: _Session(answer, names, keep),
            memory_bytes=1 << 28,
            log=log,
            certificate=certificate,
        )


class _Session:
    def __init__(self, answer: AnswerMail, domains: frozenset[str], keep: Keep | None) -> None:
        self._answer = answer
        self._domains = domains
        self._keep = keep
        self.machine = ServerConnection(
            hostname=min(domains),
            profile=MAIL_EXCHANGER,
            limits=Limits(size_bytes=MESSAGE_BYTES),
            tls="starttls",
            auth="none",
            may_receive=self._may_receive,
        )

    def _may_receive(self, mailbox: str) -> Reply | None:
        local_part, _, domain = mailbox.rpartition("@")
        if domain.lower() not in self._domains:
            return Reply(550, "5.7.1 Relaying denied")
        name, mailbox_text = simulated(local_part), printable(mailbox)
        if name in _TAKEN:
            return None
        if name == "suppressionlist":
            return Reply(550, f"5.1.1 As requested: user unknown (suppressed address: {mailbox_text})")
        if name == "bounce":
            return Reply(550, f"5.1.1 As requested: user unknown <{mailbox_text}>")
        return Reply(550, f"5.1.1 user unknown <{mailbox_text}>")

    async def check_password(self, asked: AuthRequested) -> Reply | None:
        return MAIL_EXCHANGER.auth_failed

    async def take(self, message: MessageReceived) -> Reply:
        head = message.data.partition(b"\r\n\r\n")[0]
        try:
            if self._keep is not None:
                await self._keep(message.mail_from, message.recipients, message.data)
            for recipient in message.recipients:
                kind = _ANSWERS.get(simulated(recipient.rpartition("@")[0]))
                if kind is not None and message.mail_from:  # nobody answers what comes from nobody
                    await self._answer(kind, recipient, message.mail_from, head)
        except SesameError:
            return Reply(451, "4.3.0 the answer could not be kept, try again")
        return Reply(250, "Ok")


def simulated(local_part: str) -> str:
    """Which of the simulator's mailboxes a local part names; labels do not matter."""
    return local_part.partition("+")[0].lower()
