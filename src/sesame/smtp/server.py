"""The server's end of an SMTP connection: bytes in, events out; answers in, bytes out.

Does no I/O, checks no password, keeps no message: its owner moves the bytes, and answers three
events (`StartTlsRequested`, `AuthRequested`, `MessageReceived`). Until an answer is given the
input that follows is held, bounded, and `wants_data` is False. Sources: RFC 5321, 3207 (STARTTLS),
4954 (AUTH), 2920 (PIPELINING), 1870 (SIZE), 6152 (8BITMIME).

INVARIANT: a message is taken only behind a 354 we wrote and up to a <CRLF>.<CRLF>; nothing that
came in clear is remembered after STARTTLS; a stray CR, LF or NUL ends the connection.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from sesame.smtp import sasl
from sesame.smtp.command import split_command
from sesame.smtp.data import DataReader, Defect
from sesame.smtp.errors import LocalProtocolError
from sesame.smtp.events import (
    AddressRefused,
    AuthRequested,
    Closed,
    CommandRefused,
    Event,
    Hello,
    MessageReceived,
    StartTlsRequested,
)
from sesame.smtp.limits import Limits
from sesame.smtp.profile import Profile
from sesame.smtp.reply import Reply, printable
from sesame.smtp.transaction import Refusal, Transaction

TlsMode = Literal["none", "starttls", "implicit"]
AuthMode = Literal["none", "required"]


class _State(Enum):
    GREETING = "greeting not written yet"
    READING = "commands are read"
    AUTH = "a SASL response is read"
    DATA = "a message is read"
    AWAITING_TLS = "the owner starts TLS"
    AWAITING_AUTH = "the owner checks a password"
    AWAITING_MESSAGE = "the owner takes a message"
    CLOSED = "closed"


_HOLDING = (_State.AWAITING_AUTH, _State.AWAITING_MESSAGE)
_NOT_READING = (*_HOLDING, _State.AWAITING_TLS, _State.CLOSED)

_BEFORE_LOG_IN = ("AUTH", "MAIL")
"""Commands whose refusal is told of before anybody has logged in: others come from whoever tries ports."""


class ServerConnection:
    """One connection, from its greeting to its close."""

    def __init__(
        self,
        *,
        hostname: str,
        profile: Profile,
        limits: Limits,
        tls: TlsMode,
        auth: AuthMode,
        may_receive: Callable[[str], Reply | None] = lambda mailbox: None,
    ) -> None:
        """`tls` says how it comes: never, by STARTTLS, or before the greeting.

        With `auth="required"` no message is taken before AUTH, and where STARTTLS is offered
        neither is before TLS. `may_receive` gives the reply that refuses a recipient, or None.
        """
        self._hostname = hostname
        self._profile = profile
        self._limits = limits
        self._tls = tls
        self._auth = auth
        self._state = _State.GREETING
        self._is_tls = tls == "implicit"
        self._is_authenticated = False
        self._is_greeted = False
        self._client_name = ""
        self._is_extended = False
        self._transaction = Transaction(
            profile, limits, with_auth=auth == "required", may_receive=may_receive
        )
        self._errors = 0
        self._auth_failures = 0
        self._exchange = sasl.Exchange("PLAIN")
        self._reader = DataReader(size_bytes=limits.size_bytes)
        self._command = ""
        self._input = b""
        self._at = 0
        self._output = [Reply(220, f"{hostname} {profile.banner}").to_bytes()]
        self._events: list[Event] = []

    # What the owner asks and does

    @property
    def is_closed(self) -> bool:
        """Nothing more is read; what `data_to_send` holds may still be written."""
        return self._state is _State.CLOSED

    @property
    def client_name(self) -> str:
        """What the client last called itself; empty before it has."""
        return self._client_name

    @property
    def protocol(self) -> str:
        """How mail comes, in the words of a Received field (RFC 3848): `ESMTPSA` with TLS and AUTH."""
        if not self._is_extended:
            return "SMTP"
        return "ESMTP" + "S" * self._is_tls + "A" * self._is_authenticated

    @property
    def wants_data(self) -> bool:
        """False while an answer is outstanding: stop reading from the socket."""
        return self._state not in _NOT_READING

    @property
    def held_bytes(self) -> int:
        """How much of a message that is coming in is kept here."""
        return self._reader.held_bytes if self._state is _State.DATA else 0

    def data_to_send(self) -> bytes:
        """What to write now, in one write; empty when there is nothing. The first is the greeting."""
        if self._state is _State.GREETING:
            self._state = _State.READING
        data = b"".join(self._output)
        self._output.clear()
        return data

    def receive_data(self, data: bytes) -> list[Event]:
        """Take what came from the client and return what it asks for, in order."""
        if self._state in (_State.CLOSED, _State.AWAITING_TLS):
            return []
        if self._state is _State.GREETING:
            self._output.clear()
            self._close(self._profile.early_input, "client spoke before the greeting")
        elif self._state in _HOLDING and len(self._input) - self._at + len(data) > self._limits.held_bytes:
            self._break_off(self._profile.too_much_input, "too much input before a reply")
        else:
            self._input = self._input[self._at :] + data
            self._at = 0
            self._advance()
        return self._take_events()

    def tls_started(self) -> None:
        """TLS is up. The client must begin again with EHLO (RFC 3207 section 4.2)."""
        if self._expect(_State.AWAITING_TLS):
            self._is_tls = True
            self._is_greeted = self._is_authenticated = False
            self._transaction.end()
            self._state = _State.READING

    def auth_succeeded(self) -> list[Event]:
        """The password is right. Returns what the held input asks for."""
        if self._expect(_State.AWAITING_AUTH):
            self._is_authenticated = True
            self._reply(self._profile.auth_ok)
            self._resume()
        return self._take_events()

    def auth_failed(self, reply: Reply | None = None) -> list[Event]:
        """The password is wrong, or could not be checked: `reply` then says so with a 454.

        Returns what the held input asks for.
        """
        if self._expect(_State.AWAITING_AUTH):
            self._refuse_auth(reply or self._profile.auth_failed)
            self._resume()
        return self._take_events()

    def message_accepted(self, text: str) -> list[Event]:
        """The message is safe (I1): answer 250 with `text`. Returns what the held input asks for."""
        if self._expect(_State.AWAITING_MESSAGE):
            self._errors = 0
            self._reply(Reply(250, text))
            self._resume()
        return self._take_events()

    def message_refused(self, reply: Reply) -> list[Event]:
        """The message was not taken; a 421 also closes. Returns what the held input asks for."""
        if self._expect(_State.AWAITING_MESSAGE):
            if reply.code == 421:
                self._close(reply, "message refused with 421")
            else:
                self._reply(reply)
                self._resume()
        return self._take_events()

    def idle_timeout(self) -> list[Event]:
        """The client said nothing for too long.

        Does nothing while it is we who owe an answer: a message that is being taken must not be
        answered with a timeout, or the client sends it again.
        """
        if self._state in _HOLDING:
            return []
        is_refusal = self._state is _State.DATA
        return self.close(self._profile.timeout, reason="timeout", is_refusal=is_refusal)

    def close(self, reply: Reply, *, reason: str, is_refusal: bool = False) -> list[Event]:
        """Say `reply` and close; before the greeting was written it takes the greeting's place.

        `is_refusal` says that it refuses what the client was about to send.
        """
        if self._state is _State.GREETING:
            self._output.clear()
        if self._state is not _State.CLOSED:
            if is_refusal:
                self._note(reply)
            self._close(reply, reason)
        return self._take_events()

    # The machine

    def _expect(self, state: _State) -> bool:
        """True when the owner may answer for `state`, False when the connection is gone meanwhile."""
        if self._state not in (state, _State.CLOSED):
            raise LocalProtocolError(f"no answer is due: {self._state.value}")
        return self._state is state

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _reply(self, reply: Reply) -> None:
        self._output.append(reply.to_bytes())

    def _note(self, reply: Reply) -> None:
        """Tell the owner of a refusal, where somebody may ask about it."""
        is_trying = self._auth == "required" and self._command in _BEFORE_LOG_IN
        if self._is_authenticated or is_trying:
            self._events.append(CommandRefused(command=self._command, reply=reply))

    def _refuse(self, reply: Reply) -> None:
        self._note(reply)
        self._count_error(reply)

    def _count_error(self, reply: Reply) -> None:
        self._reply(reply)
        self._errors += 1
        if self._errors >= self._limits.errors:
            self._close(self._profile.too_many_errors, "too many errors")

    def _refuse_auth(self, reply: Reply) -> None:
        self._state = _State.READING
        self._auth_failures += 1
        self._count_error(reply)
        if self._auth_failures >= self._limits.auth_attempts and not self.is_closed:
            self._close(self._profile.too_many_errors, "too many failed authentications")

    def _break_off(self, reply: Reply, reason: str) -> None:
        """Close for what the client wrote."""
        self._note(reply)
        self._close(reply, reason)

    def _close(self, reply: Reply, reason: str) -> None:
        self._reply(reply)
        self._state = _State.CLOSED
        self._forget_input()
        self._events.append(Closed(reason=reason))

    def _forget_input(self) -> None:
        self._input = b""
        self._at = 0

    def _resume(self) -> None:
        if self._state is not _State.CLOSED:
            self._state = _State.READING
            self._advance()

    def _advance(self) -> None:
        """Work off the input until it ends or an answer is needed."""
        while self._at < len(self._input) and self.wants_data:
            if self._state is _State.DATA:
                self._read_message()
            elif (line := self._next_line()) is None:
                return
            elif self._state is _State.AUTH:
                self._take_sasl_response(line)
            else:
                self._run(line)

    def _next_line(self) -> str | None:
        """The next line without its CRLF, or None when it is not there yet or closed the connection."""
        end = self._input.find(b"\r\n", self._at)
        whole = end >= 0
        line = self._input[self._at : end if whole else len(self._input)]
        self._command = "AUTH" if self._state is _State.AUTH else ""
        if b"\n" in line or b"\0" in line or b"\r" in (line if whole else line[:-1]):
            self._break_off(self._profile.stray_byte, "stray byte in a command")
        elif len(line) > self._limits.command_line_bytes:
            self._break_off(self._profile.long_command_line, "command line too long")
        elif whole:
            self._at = end + 2
            return line.decode("latin-1")
        return None

    def _run(self, line: str) -> None:
        verb, argument = split_command(line)
        command = _COMMANDS.get(verb)
        self._command = "" if command is None else verb  # what is no command may be a secret
        if command is None or not (line.isascii() or verb in _BEYOND_ASCII):
            self._refuse(self._profile.unknown_command)
        elif command.needs_hello and not self._is_greeted:
            self._refuse(self._profile.hello_first)
        elif argument and not command.takes_argument:
            self._refuse(self._profile.syntax_error)
        else:
            command.run(self, argument)

    # Commands, in the order of RFC 5321 section 4.1.1, then the extensions

    def _ehlo(self, domain: str) -> None:
        if not self._greet(domain, is_extended=True):
            return
        lines = [self._hostname, *self._profile.extensions, f"SIZE {self._limits.size_bytes}"]
        if self._tls == "starttls" and not self._is_tls:
            lines.append("STARTTLS")
        if self._auth == "required" and (not self._lacks_tls or self._profile.announces_auth_in_clear):
            lines.append("AUTH " + " ".join(sasl.MECHANISMS))
        if self._profile.hello_end:
            lines.append(self._profile.hello_end)
        self._reply(Reply(250, "\n".join(lines)))

    def _helo(self, domain: str) -> None:
        if self._greet(domain, is_extended=False):
            self._reply(Reply(250, self._hostname))

    def _greet(self, domain: str, *, is_extended: bool) -> bool:
        if not domain.isascii():
            domain = printable(domain)
        if not domain or not domain.isprintable() or " " in domain:
            self._refuse(self._profile.syntax_error)
            return False
        self._is_greeted = True
        self._client_name, self._is_extended = domain, is_extended
        self._transaction.end()
        self._events.append(Hello(domain=domain, is_extended=is_extended))
        return True

    @property
    def _lacks_tls(self) -> bool:
        return self._auth == "required" and self._tls == "starttls" and not self._is_tls

    def _mail(self, argument: str) -> None:
        if self._lacks_tls:
            return self._refuse(self._profile.tls_required)
        if self._auth == "required" and not self._is_authenticated:
            return self._refuse(self._profile.auth_required)
        return self._answer(self._transaction.mail(argument), self._profile.mail_ok)

    def _rcpt(self, argument: str) -> None:
        self._answer(self._transaction.rcpt(argument), self._profile.rcpt_ok)

    def _answer(self, refusal: Refusal | None, taken: Reply) -> None:
        """Answer MAIL or RCPT."""
        if refusal is None:
            return self._reply(taken)
        if refusal.address is None:
            self._note(refusal.reply)
        elif self._is_authenticated:
            self._events.append(
                AddressRefused(command=self._command, address=refusal.address, reply=refusal.reply)
            )
        return self._count_error(refusal.reply) if refusal.is_error else self._reply(refusal.reply)

    def _data(self, _: str) -> None:
        if not self._transaction.recipients:
            return self._refuse(self._profile.bad_sequence)
        if self._at < len(self._input) and not self._is_authenticated:
            # RFC 2920 section 3.1: DATA ends a group. Who sends the message along with it speaks
            # for somebody else's bytes, as a web form or a smuggled line would. An authenticated
            # client may: SES's guide pipes a whole dialogue into openssl.
            return self._close(self._profile.early_input, "message before 354")
        self._reader = DataReader(size_bytes=self._limits.size_bytes)
        self._state = _State.DATA
        return self._reply(self._profile.start_data)

    def _read_message(self) -> None:
        rest = self._reader.receive_data(self._input[self._at :])
        self._forget_input()
        if self._reader.defect is Defect.STRAY_BYTE:
            return self._break_off(self._profile.stray_byte, "stray byte in a message")
        if rest is None:
            return None
        self._input = rest
        mail_from, recipients = self._transaction.reverse_path or "", tuple(self._transaction.recipients)
        self._transaction.end()
        self._state = _State.READING
        if self._reader.defect is Defect.TOO_BIG:
            return self._refuse(self._profile.too_big)
        if self._reader.defect is Defect.LONG_LINE:
            return self._refuse(self._profile.long_text_line)
        self._state = _State.AWAITING_MESSAGE
        message = MessageReceived(mail_from=mail_from, recipients=recipients, data=self._reader.content)
        self._reader = DataReader(size_bytes=0)  # lets go of the pieces: the event has the whole
        return self._events.append(message)

    def _rset(self, _: str) -> None:
        self._transaction.end()
        self._reply(self._profile.ok)

    def _noop(self, _: str) -> None:
        self._reply(self._profile.ok)

    def _vrfy(self, _: str) -> None:
        self._reply(self._profile.cannot_verify)

    def _help(self, _: str) -> None:
        self._reply(self._profile.help)

    def _quit(self, _: str) -> None:
        self._close(self._profile.bye, "quit")

    def _starttls(self, _: str) -> None:
        if self._tls != "starttls" or self._is_tls:
            return self._refuse(self._profile.tls_unavailable)
        self._reply(self._profile.start_tls)
        self._state = _State.AWAITING_TLS
        # What came behind STARTTLS came in clear, from whom we cannot know (RFC 3207 section 4.2).
        self._forget_input()
        return self._events.append(StartTlsRequested())

    def _authenticate(self, argument: str) -> None:
        mechanism, _, response = argument.partition(" ")
        mechanism = mechanism.upper()
        if self._auth == "none":
            return self._refuse(self._profile.unknown_command)
        if self._lacks_tls:
            return self._refuse(self._profile.tls_required)
        if self._is_authenticated:
            return self._refuse(self._profile.bad_sequence)
        if mechanism not in sasl.MECHANISMS:
            return self._refuse(self._profile.auth_unknown_mechanism)
        self._exchange = sasl.Exchange(mechanism)
        self._state = _State.AUTH
        if response:
            return self._take_sasl_response(sasl.initial_response(response))
        return self._reply(Reply(334, self._exchange.challenge))

    def _take_sasl_response(self, response: str) -> None:
        try:
            credentials = self._exchange.respond(response)
        except sasl.SaslError:
            self._note(self._profile.auth_malformed)
            return self._refuse_auth(self._profile.auth_malformed)
        if credentials is None:
            return self._reply(Reply(334, self._exchange.challenge))
        self._state = _State.AWAITING_AUTH
        event = AuthRequested(
            mechanism=self._exchange.mechanism, username=credentials.username, password=credentials.password
        )
        self._exchange = sasl.Exchange("PLAIN")
        return self._events.append(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    run: Callable[[ServerConnection, str], None]
    needs_hello: bool = True
    takes_argument: bool = True


_BEYOND_ASCII = frozenset({"EHLO", "HELO", "MAIL", "RCPT"})
"""Read although they hold more: a computer's name keeps nobody out, and who wrote an address learns what is wrong."""
_COMMANDS: Final = {
    "EHLO": _Command(run=ServerConnection._ehlo, needs_hello=False),
    "HELO": _Command(run=ServerConnection._helo, needs_hello=False),
    "MAIL": _Command(run=ServerConnection._mail),
    "RCPT": _Command(run=ServerConnection._rcpt),
    "DATA": _Command(run=ServerConnection._data, takes_argument=False),
    "RSET": _Command(run=ServerConnection._rset, needs_hello=False, takes_argument=False),
    "NOOP": _Command(run=ServerConnection._noop, needs_hello=False),
    "VRFY": _Command(run=ServerConnection._vrfy, needs_hello=False),
    "HELP": _Command(run=ServerConnection._help, needs_hello=False),
    "QUIT": _Command(run=ServerConnection._quit, needs_hello=False, takes_argument=False),
    "STARTTLS": _Command(run=ServerConnection._starttls, takes_argument=False),
    "AUTH": _Command(run=ServerConnection._authenticate),
}
