"""What the server's end of a connection tells its owner (`smtp.server`): what it asks for, and what was refused."""

from dataclasses import dataclass, field

from sesame.smtp.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The client gave its name with EHLO (`is_extended`) or HELO."""

    domain: str
    is_extended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTlsRequested:
    """Write what `data_to_send` holds, start TLS as the server, then call `tls_started`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequested:
    """Check the password, then call `auth_succeeded` or `auth_failed`."""

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """Take the message or not, then call `message_accepted` or `message_refused`.

    `mail_from` is empty for the null path. `data` is the message without doubled dots: lines of at
    most 998 octets, each closed by CRLF, with no other CR or LF and no NUL.
    """

    mail_from: str
    recipients: tuple[str, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRefused:
    """MAIL or RCPT named what nobody can send from or to, and was answered with `reply`: for whoever explains it."""

    command: str
    address: str
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused:
    """Something else was answered with `reply`: a command, or the message behind DATA. For whoever explains it.

    Of clients that have not logged in only what they did to send or log in, and only where they would have to.
    """

    command: str
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Write what `data_to_send` holds, then close. `reason` is for the log."""

    reason: str


Event = Hello | StartTlsRequested | AuthRequested | AddressRefused | CommandRefused | MessageReceived | Closed
