"""The client's end of an SMTP connection: bytes in, events out; messages in, bytes out.

Does no I/O, keeps no time, picks no server: its owner moves the bytes, runs the timeout that
belongs to `stage`, and calls `receive_eof` when the server goes away. One message at a time, any
number one after the other. Sources: RFC 5321, 2920 (PIPELINING), 3207 (STARTTLS), 1870 (SIZE),
6152 (8BITMIME), 4954 (AUTH), 1047 (the moment of doubt behind the last dot).

INVARIANT: a reply counts only for a command whose bytes were handed out before; whatever else the
server says is an error. Nothing but lines of mail text, dots doubled, goes out behind 354.
"""

import base64
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sesame.smtp.command import is_mailbox
from sesame.smtp.data import MailText
from sesame.smtp.dialogue import Dialogue
from sesame.smtp.errors import (
    LocalProtocolError,
    MessageDefect,
    MessageNotSendable,
    RemoteProtocolError,
    Stage,
)
from sesame.smtp.extensions import NO_EXTENSIONS, Extensions, read_extensions
from sesame.smtp.reply import Reply, ReplyReader, ReplySyntaxError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The server has greeted us; ask for TLS or send messages."""

    extensions: Extensions


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsReady:
    """Start TLS as the client now, then call `tls_started`; `Ready` comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsRefused:
    """The server offers STARTTLS and will not do it now; the connection goes on in clear."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The server will not talk to us (greeting, EHLO or HELO); only `quit` remains."""

    stage: Stage
    reply: Reply


class RecipientResult(msgspec.Struct, frozen=True, kw_only=True):
    """The reply that decided about one recipient, and to which command it came."""

    recipient: str
    stage: Stage
    reply: Reply

    @property
    def is_delivered(self) -> bool:
        """The server took the message for this recipient."""
        return self.stage is Stage.BODY and self.reply.is_positive


class TransactionDone(msgspec.Struct, frozen=True, kw_only=True):
    """The message is dealt with: one result per recipient, in the order they were given."""

    results: tuple[RecipientResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The connection is over in good order; `reply` is the server's last word, if it had one."""

    reply: Reply | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """The server knows us now; send messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthRefused:
    """The server does not take our user name or password; the connection goes on without."""

    reply: Reply


Event = Ready | TlsReady | Authenticated | AuthRefused | TlsRefused | Refused | TransactionDone | Closed


class _Transaction:
    """What one message still needs and what the server has said about it."""

    def __init__(self, mail_command: bytes, recipients: tuple[str, ...], body: bytes) -> None:
        self.mail_command = mail_command
        self.recipients = recipients
        self.body = body
        self.replies: list[tuple[Stage, Reply] | None] = [None] * len(recipients)
        self.rcpt_asked = 0
        self.rcpt_answered = 0
        self.is_mail_accepted = False
        self.is_complete = False

    @property
    def has_takers(self) -> bool:
        return None in self.replies

    def settle(self, stage: Stage, reply: Reply) -> None:
        """Give every recipient that has no answer yet this one."""
        self.replies = [decided or (stage, reply) for decided in self.replies]

    @property
    def results(self) -> tuple[RecipientResult, ...]:
        return tuple(
            RecipientResult(recipient=recipient, stage=decided[0], reply=decided[1])
            for recipient, decided in zip(self.recipients, self.replies, strict=True)
            if decided
        )


class ClientConnection:
    """One connection, from the server's greeting to its close."""

    def __init__(self, *, hostname: str) -> None:
        """`hostname` is what EHLO says: our name, or an address literal."""
        if not hostname or not hostname.isascii() or not hostname.isprintable() or " " in hostname:
            raise LocalProtocolError(f"not a name for EHLO: {hostname!r}")
        self._hostname = hostname
        self._reader = ReplyReader()
        self._output: list[bytes] = []
        self._queued: list[Stage] = []
        self._awaited: deque[Stage] = deque([Stage.CONNECT])
        self._extensions = NO_EXTENSIONS
        self._is_helo = False
        self._is_ready = False
        self._is_refused = False
        self._is_starting_tls = False
        self._is_closed = False
        self._must_reset = False
        self._auth_answers: deque[bytes] = deque()
        self._transaction: _Transaction | None = None
        self._failure: RemoteProtocolError | None = None
        self._events: list[Event] = []
        self.dialogue: Dialogue | None = None
        """Where what is said is noted; nowhere when there is none."""

    # What the owner asks and does

    @property
    def stage(self) -> Stage:
        """What the connection waits for; picks the timeout of RFC 5321 section 4.5.3.2."""
        if self._is_starting_tls:
            return Stage.TLS
        waiting = self._awaited or self._queued
        return waiting[0] if waiting else Stage.IDLE

    @property
    def is_ready(self) -> bool:
        """A message may be sent now."""
        return self._is_ready and self.stage is Stage.IDLE and not self._is_closed

    @property
    def is_ambiguous(self) -> bool:
        """The server may have taken the current message although no reply says so."""
        has_takers = self._transaction is not None and self._transaction.has_takers
        return has_takers and bool(self._awaited) and self._awaited[0] is Stage.BODY

    @property
    def settled(self) -> tuple[RecipientResult, ...]:
        """What is certain about the current message, also when the connection has failed."""
        return self._transaction.results if self._transaction else ()

    @property
    def extensions(self) -> Extensions:
        """What the server offers since the last `Ready`."""
        return self._extensions

    def data_to_send(self) -> bytes:
        """What to write now, in one write; empty when there is nothing.

        Raises RemoteProtocolError when the server has begun to answer what it has not been told.
        """
        if self._queued and not self._reader.is_empty:
            raise self._fail("reply without a command")
        data = b"".join(self._output)
        self._output.clear()
        self._awaited.extend(self._queued)
        self._queued.clear()
        return data

    def receive_data(self, data: bytes) -> list[Event]:
        """Take what came from the server.

        Raises RemoteProtocolError; then the connection is dead. Events that came before the fault
        are returned first, the next call raises.
        """
        self._raise_failure()
        if self._is_closed:
            return []
        if self._is_starting_tls:
            raise self._fail("bytes in clear before TLS started")
        self._reader.receive_data(data)
        try:
            while not self._is_closed and (reply := self._next_reply()):
                self._take(reply)
        except RemoteProtocolError as error:
            if not self._events:
                raise
            # What the server said before it went wrong still counts: a message it took is taken.
            self._failure = error
        events, self._events = self._events, []
        return events

    def receive_eof(self) -> list[Event]:
        """The server has closed. Raises RemoteProtocolError when something was under way."""
        self._raise_failure()
        if self._is_closed:
            return []
        if self.stage not in (Stage.IDLE, Stage.QUIT):
            raise self._fail("server closed the connection")
        self._is_closed = True
        return [Closed(reply=None)]

    def start_tls(self) -> None:
        """Ask for TLS; `TlsReady` or `TlsRefused` follows."""
        self._require_ready()
        if not self._extensions.has_starttls:
            raise LocalProtocolError("server does not offer STARTTLS")
        self._queue(Stage.TLS, b"STARTTLS\r\n")

    def tls_started(self) -> None:
        """TLS is up: begin again with EHLO, knowing nothing (RFC 3207 section 4.2)."""
        if not self._is_starting_tls:
            raise LocalProtocolError("TLS was not asked for")
        self._is_starting_tls = False
        self._extensions = NO_EXTENSIONS
        if self.dialogue is not None:
            self.dialogue.add(Stage.TLS, "(TLS)")
        self._queue(Stage.HELLO, f"EHLO {self._hostname}\r\n".encode("ascii"))

    def authenticate(self, user: str, password: str) -> None:
        """Log in by AUTH PLAIN, or LOGIN where there is no PLAIN; `Authenticated` or `AuthRefused` follows.

        Only over TLS, which the caller sees to (RFC 4954 section 4). Raises LocalProtocolError when the
        server offers neither.
        """
        self._require_ready()
        mechanisms = self._extensions.keywords.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            token = base64.b64encode(f"\0{user}\0{password}".encode())
            self._queue(Stage.AUTH, b"AUTH PLAIN %b\r\n" % token)
        elif "LOGIN" in mechanisms:
            self._auth_answers.extend(base64.b64encode(text.encode()) + b"\r\n" for text in (user, password))
            self._queue(Stage.AUTH, b"AUTH LOGIN\r\n")
        else:
            raise LocalProtocolError("server offers neither AUTH PLAIN nor AUTH LOGIN")

    def send_message(self, mail_from: str, recipients: Sequence[str], data: bytes | MailText) -> None:
        """Send one message; `TransactionDone` follows. An empty `mail_from` is the null path.

        `data` is lines of text closed by CRLF, at most 998 octets each; dots are doubled here, unless that is done.
        Raises MessageNotSendable when the message cannot go to this server, LocalProtocolError
        when it is not its turn; then nothing is written and the connection stays as it was.
        """
        self._require_ready()
        if not recipients:
            raise LocalProtocolError("message has no recipient")
        text = MailText.of(data) if isinstance(data, bytes) else data
        mail = self._mail_command(mail_from, text)
        for recipient in recipients:
            if not is_mailbox(recipient):
                raise MessageNotSendable(f"recipient is not a mailbox: {recipient!r}", status="5.1.3")
        self._transaction = _Transaction(mail, tuple(recipients), text.wire)
        if self._must_reset:
            self._queue(Stage.RESET, b"RSET\r\n")
        if self._extensions.has_pipelining or not self._must_reset:
            self._ask(self._transaction)

    def reset(self) -> None:
        """Ask with RSET whether the server is still there (no event; `is_ready` when answered)."""
        self._require_ready()
        self._queue(Stage.RESET, b"RSET\r\n")

    def quit(self) -> None:
        """Say QUIT; `Closed` follows."""
        if not self._is_refused or self._is_closed:
            self._require_ready()
        self._queue(Stage.QUIT, b"QUIT\r\n")

    # The machine

    def _require_ready(self) -> None:
        if not self.is_ready:
            raise LocalProtocolError(f"connection is not ready, it is at `{self.stage.value}`")

    def _mail_command(self, mail_from: str, text: MailText) -> bytes:
        if mail_from and not is_mailbox(mail_from):
            raise MessageDefect(f"reverse-path is not a mailbox: {mail_from!r}", status="5.1.7")
        limit = self._extensions.size_limit_bytes
        if limit is not None and text.size_bytes > limit:
            raise MessageNotSendable(
                f"message has {text.size_bytes} octets, server takes {limit}", status="5.3.4"
            )
        parameters = f" SIZE={text.size_bytes}" if self._extensions.has_size else ""
        if not text.is_ascii:
            if not self._extensions.has_eight_bit_mime:
                # RFC 6152 section 3: convert or give up, never send it as it is.
                raise MessageNotSendable("server takes no 8-bit text", status="5.6.3")
            # Never BODY=BINARYMIME: what goes out is lines of text (RFC 3030 section 3).
            parameters += " BODY=8BITMIME"
            if self._extensions.has_smtp_utf8 and not text.is_header_ascii:
                parameters += " SMTPUTF8"
        return f"MAIL FROM:<{mail_from}>{parameters}\r\n".encode("ascii")

    def _queue(self, stage: Stage, data: bytes) -> None:
        self._queued.append(stage)
        self._output.append(data)
        if self.dialogue is not None:
            self.dialogue.add(stage, f"(the message, {len(data)} bytes)" if stage is Stage.BODY else data)

    def _ask(self, transaction: _Transaction) -> None:
        """Begin the transaction, and say all up to DATA where the server takes it in one go."""
        self._queue(Stage.MAIL, transaction.mail_command)
        if self._extensions.has_pipelining:
            for _ in transaction.recipients:
                self._ask_rcpt(transaction)
            self._queue(Stage.DATA, b"DATA\r\n")

    def _ask_rcpt(self, transaction: _Transaction) -> None:
        recipient = transaction.recipients[transaction.rcpt_asked]
        transaction.rcpt_asked += 1
        self._queue(Stage.RCPT, f"RCPT TO:<{recipient}>\r\n".encode("ascii"))

    def _fail(self, message: str) -> RemoteProtocolError:
        self._is_closed = True
        return RemoteProtocolError(message, stage=self.stage, ambiguous=self.is_ambiguous)

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    def _next_reply(self) -> Reply | None:
        try:
            return self._reader.next_reply()
        except ReplySyntaxError as error:
            raise self._fail(str(error)) from None

    def _take(self, reply: Reply) -> None:
        if self.dialogue is not None:
            self.dialogue.add(self.stage, reply)
        if reply.code == 421:
            return self._take_farewell(reply)
        if not self._awaited:
            raise self._fail(f"reply without a command: `{reply.diagnostic[:80]}`")
        stage = self._awaited[0]
        is_asked = (reply.code, stage) in ((354, Stage.DATA), (334, Stage.AUTH))
        if 300 <= reply.code < 400 and not is_asked:
            raise self._fail(f"reply does not fit: `{reply.diagnostic[:80]}`")
        match stage:
            case Stage.CONNECT | Stage.HELLO:
                self._take_hello(stage, reply)
            case Stage.TLS:
                self._take_tls(reply)
            case Stage.AUTH:
                self._take_auth(reply)
            case Stage.RESET:
                self._take_reset(reply)
            case Stage.QUIT:
                self._is_closed = True
                self._events.append(Closed(reply=reply))
            case _:
                self._take_transaction(stage, reply)
        self._awaited.popleft()
        return None

    def _take_farewell(self, reply: Reply) -> None:
        """421 may come at any time and answers all that was asked (RFC 5321 section 3.8)."""
        if self.stage in (Stage.CONNECT, Stage.HELLO):
            self._events.append(Refused(stage=self.stage, reply=reply))
        if self._transaction:
            self._transaction.settle(self.stage, reply)
            self._finish(self._transaction)
        self._is_closed = True
        self._events.append(Closed(reply=reply))

    def _take_hello(self, stage: Stage, reply: Reply) -> None:
        if reply.is_positive and stage is Stage.CONNECT:
            self._queue(Stage.HELLO, f"EHLO {self._hostname}\r\n".encode("ascii"))
        elif reply.is_positive:
            self._extensions = NO_EXTENSIONS if self._is_helo else read_extensions(reply)
            self._is_ready = True
            self._events.append(Ready(extensions=self._extensions))
        elif reply.is_permanent and stage is Stage.HELLO and not self._is_helo:
            self._is_helo = True
            self._queue(Stage.HELLO, f"HELO {self._hostname}\r\n".encode("ascii"))
        else:
            self._is_refused = True
            self._events.append(Refused(stage=stage, reply=reply))

    def _take_tls(self, reply: Reply) -> None:
        if not reply.is_positive:
            self._events.append(TlsRefused(reply=reply))
            return
        if not self._reader.is_empty:
            # Injected in clear to be read as if it came through TLS.
            raise self._fail("bytes in clear behind the reply to STARTTLS")
        self._is_starting_tls = True
        self._is_ready = False
        self._events.append(TlsReady())

    def _take_auth(self, reply: Reply) -> None:
        if reply.code == 334:
            if not self._auth_answers:
                raise self._fail("AUTH asks for more than there is")
            self._queue(Stage.AUTH, self._auth_answers.popleft())
            return
        self._auth_answers.clear()
        self._events.append(Authenticated() if reply.is_positive else AuthRefused(reply=reply))

    def _take_reset(self, reply: Reply) -> None:
        if not reply.is_positive:
            raise self._fail(f"RSET was refused: `{reply.diagnostic[:80]}`")
        self._must_reset = False
        if self._transaction and not self._extensions.has_pipelining:
            self._ask(self._transaction)

    def _take_transaction(self, stage: Stage, reply: Reply) -> None:
        transaction = self._transaction
        assert transaction is not None, "a transaction stage is awaited only within a transaction"
        if stage is Stage.MAIL:
            transaction.is_mail_accepted = reply.is_positive
            if not reply.is_positive:
                transaction.settle(stage, reply)
        elif stage is Stage.RCPT:
            if not reply.is_positive and transaction.is_mail_accepted:
                transaction.replies[transaction.rcpt_answered] = (stage, reply)
            transaction.rcpt_answered += 1
        elif stage is Stage.DATA:
            self._take_data(transaction, reply)
        else:
            transaction.settle(stage, reply)
            transaction.is_complete = True
        if len(self._awaited) == 1 and not self._queued:
            self._proceed(transaction)

    def _take_data(self, transaction: _Transaction, reply: Reply) -> None:
        if reply.is_positive:
            raise self._fail(f"reply does not fit: `{reply.diagnostic[:80]}`")
        if reply.code != 354:
            transaction.settle(Stage.DATA, reply)
        elif transaction.has_takers:
            self._queue(Stage.BODY, transaction.body)
        else:
            # Pipelined, and all recipients refused, yet the server wants a message: RFC 2920
            # section 3.1 says to send an empty one.
            self._queue(Stage.BODY, b".\r\n")

    def _proceed(self, transaction: _Transaction) -> None:
        """All replies are in: say the next command, or be done."""
        if transaction.is_complete or not transaction.has_takers:
            self._finish(transaction)
        elif transaction.rcpt_asked < len(transaction.recipients):
            self._ask_rcpt(transaction)
        else:
            self._queue(Stage.DATA, b"DATA\r\n")

    def _finish(self, transaction: _Transaction) -> None:
        self._must_reset = transaction.is_mail_accepted and not transaction.is_complete
        self._transaction = None
        self._events.append(TransactionDone(results=transaction.results))
