"""What can go wrong between two SMTP machines, and whose fault it is.

A refusal by reply is not an error: it is a `Reply` in an event. An error ends the connection
(`RemoteProtocolError`) or means that nothing was written at all (`LocalProtocolError`).
"""

from enum import Enum

from sesame.errors import SesameError


class Stage(Enum):
    """Where a client stands in the dialogue; also which timeout of RFC 5321 section 4.5.3.2 is running."""

    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    IDLE = "idle"
    AUTH = "auth"
    RESET = "reset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    QUIT = "quit"


class SmtpError(SesameError):
    """Root of the errors of this room."""


class LocalProtocolError(SmtpError):
    """We asked for something the protocol does not allow now; nothing was written."""


class MessageNotSendable(LocalProtocolError):
    """This message cannot go over this connection; the connection stays as it was.

    `status` is the RFC 3463 code to give the sender: all are permanent.
    """

    def __init__(self, message: str, *, status: str) -> None:
        super().__init__(message)
        self.status = status


class MessageDefect(MessageNotSendable):
    """The message or its reverse-path may go to no server: a fault of who made it, which is us."""


class RemoteProtocolError(SmtpError):
    """The peer broke the protocol or went away; the connection is of no further use.

    `ambiguous` says that a message's last dot was handed out and no reply to it was seen: the peer
    may have taken the message all the same (RFC 1047).
    """

    def __init__(self, message: str, *, stage: Stage, ambiguous: bool = False) -> None:
        super().__init__(f"{stage.value}: {message}")
        self.stage = stage
        self.ambiguous = ambiguous
