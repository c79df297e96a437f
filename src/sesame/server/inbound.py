"""The listener for what comes back: takes mail for return paths and feedback addresses of ours, and for nobody else.

Whom mail is for is decided at RCPT, so that nothing has to be given back: it relays nothing and never answers with a
message of its own. A 250 comes after report and event are stored (I1). No AUTH; STARTTLS where there is a certificate.
Sources: RFC 5321, RFC 3207; RFC 5321 section 6.1 and RFC 3834 on answering.
"""

import traceback

from sesame.errors import Unavailable
from sesame.feedback.receive import Fate, Receiver
from sesame.observe import Log
from sesame.smtp.events import AuthRequested, MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER
from sesame.smtp.reply import Reply
from sesame.smtp.server import ServerConnection, TlsMode

NOT_OURS = Reply(550, "5.1.1 No such address: reports are taken for mail that left here, and not for long")
TEMPORARY_FAILURE = Reply(451, "4.3.0 The report could not be kept, try again")
TAKEN = "2.0.0 Ok, report taken"
NO_REPORT = Reply(550, "5.7.1 Only reports about mail that left here are read at this address")


class InboundDoor:
    """Makes a session for each connection."""

    def __init__(self, receiver: Receiver, *, hostname: str, limits: Limits, has_tls: bool, log: Log) -> None:
        self.receiver = receiver
        self.hostname = hostname
        self.limits = limits
        self.tls: TlsMode = "starttls" if has_tls else "none"
        self.log = log

    def open_session(self, address: str, is_tls: bool) -> "InboundSession":
        """A session for a client at `address`."""
        return InboundSession(self, address)


class InboundSession:
    """One connection of one client."""

    def __init__(self, door: InboundDoor, address: str) -> None:
        self._door = door
        self._address = address
        self.machine = ServerConnection(
            hostname=door.hostname,
            profile=MAIL_EXCHANGER,
            limits=door.limits,
            tls=door.tls,
            auth="none",
            may_receive=self._may_receive,
        )

    def _may_receive(self, mailbox: str) -> Reply | None:
        receiver = self._door.receiver
        is_ours = receiver.is_feedback_address(mailbox) or receiver.verify(mailbox) is not None
        return None if is_ours else NOT_OURS

    async def check_password(self, asked: AuthRequested) -> Reply | None:
        """Never asked: AUTH is not offered."""
        return MAIL_EXCHANGER.auth_failed

    async def take(self, message: MessageReceived) -> Reply:
        """Take a report; a 451 has the client try again, and a repeat changes nothing."""
        door = self._door
        try:
            taken = await door.receiver.take(
                message.data, recipients=message.recipients, sender=message.mail_from, reporter=self._address
            )
        except Unavailable as error:
            door.log.error("unavailable", reason=str(error))
            return TEMPORARY_FAILURE
        except Exception:
            door.log.error("internal_failure", trace=traceback.format_exc())
            return TEMPORARY_FAILURE
        if taken.kind == "unknown" and set(taken.fates) == {Fate.NOT_OURS}:
            return NO_REPORT  # somebody who wrote to a feedback address is to know that nobody reads it
        return Reply(250, TAKEN)
