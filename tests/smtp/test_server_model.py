"""The server against a short model of RFC 5321, 3207 and 4954: states, reply codes, gates.

Every step is one command, one message or one answer, in reads of any size. The model says which
reply code must come and what the owner must hear; a message for every real end of data, none else.
"""

import base64

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

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
from sesame.smtp.profile import MAIL_EXCHANGER, SES_SUBMISSION
from sesame.smtp.reply import Reply
from sesame.smtp.server import AuthMode, ServerConnection, TlsMode
from tests.smtp.test_smuggling import SEQUENCES

READ_BYTES = st.sampled_from([1, 2, 5, 1_000])
TLS: list[TlsMode] = ["none", "starttls", "implicit"]
AUTH: list[AuthMode] = ["none", "required"]
LINES = st.lists(st.sampled_from([b"", b".", b".x", b"QUIT", b"DATA", b"\xff\x01"]), max_size=4)
RECIPIENTS = 2


class ServerModel(RuleBasedStateMachine):
    """What a client may do, and what the server must make of it."""

    @initialize(tls=st.sampled_from(TLS), auth=st.sampled_from(AUTH), is_ses=st.booleans())
    def connect(self, tls: TlsMode, auth: AuthMode, is_ses: bool) -> None:
        self.tls_mode, self.auth_mode, self.is_ses = tls, auth, is_ses
        limits = Limits(size_bytes=100, recipients=RECIPIENTS, errors=1_000_000, auth_attempts=1_000_000)
        profile = SES_SUBMISSION if is_ses else MAIL_EXCHANGER
        self.server = ServerConnection(hostname="h", profile=profile, limits=limits, tls=tls, auth=auth)
        assert self.server.data_to_send().startswith(b"220 h ESMTP")
        self.is_tls = tls == "implicit"
        self.is_greeted = self.is_authenticated = self.is_in_data = self.is_closed = False
        self.mail: str | None = None
        self.recipients: list[str] = []

    def say(self, data: bytes, read_bytes: int) -> list[Event]:
        return [
            event
            for at in range(0, len(data), read_bytes)
            for event in self.server.receive_data(data[at : at + read_bytes])
        ]

    def codes(self) -> list[int]:
        lines = self.server.data_to_send().split(b"\r\n")[:-1]
        return [int(line[:3]) for line in lines if line[3:4] == b" "]

    def expect(self, line: str, read_bytes: int, *codes: int) -> list[Event]:
        events = self.say(line.encode() + b"\r\n", read_bytes)
        assert self.codes() == list(codes), line
        return events

    def refused(self, command: str, code: int, path: str = "") -> list[object]:
        """What is told of a refusal: to somebody who has logged in, and of those who try to."""
        if code < 400:
            return []
        if code in (501, 553) and path:
            return [(command, path.strip("<>"), code)] if self.is_authenticated else []
        is_trying = self.auth_mode == "required" and command in ("AUTH", "MAIL")
        return [(command, code)] if self.is_authenticated or is_trying else []

    @staticmethod
    def told(events: list[Event]) -> list[object]:
        """Events, and of refusals what tells them apart."""
        found: list[object] = []
        for one in events:
            match one:
                case AddressRefused():
                    found.append((one.command, one.address, one.reply.code))
                case CommandRefused():
                    found.append((one.command, one.reply.code))
                case _:
                    found.append(one)
        return found

    def end_transaction(self) -> None:
        self.mail, self.recipients = None, []

    is_commanding = precondition(lambda self: not self.is_in_data and not self.is_closed)
    is_reading_data = precondition(lambda self: self.is_in_data)

    @is_commanding
    @rule(verb=st.sampled_from(["EHLO", "helo"]), read_bytes=READ_BYTES)
    def greet(self, verb: str, read_bytes: int) -> None:
        events = self.expect(f"{verb} c", read_bytes, 250)
        assert events == [Hello(domain="c", is_extended=verb == "EHLO")]
        self.is_greeted = True
        self.end_transaction()

    @is_commanding
    @rule(
        path=st.sampled_from(["<a@x>", "<>", "<a>", "<a..b@x>", "<a@x> SIZE=101", "<a@x> X=1"]),
        read_bytes=READ_BYTES,
    )
    def say_mail(self, path: str, read_bytes: int) -> None:
        lacks_tls = self.auth_mode == "required" and self.tls_mode == "starttls" and not self.is_tls
        if not self.is_greeted:
            code = 503
        elif lacks_tls or (self.auth_mode == "required" and not self.is_authenticated):
            code = 530
        elif self.mail is not None:
            code = 503
        else:
            null = 501 if self.is_ses else 250
            codes = {"<a@x>": 250, "<>": null, "<a>": 501 if self.is_ses else 553, "<a..b@x>": 553}
            code = codes.get(path, 552 if "SIZE" in path else 555)
            if code == 250:
                self.mail = path.strip("<>")
        assert self.told(self.expect(f"MAIL FROM:{path}", read_bytes, code)) == self.refused(
            "MAIL", code, path
        )

    @is_commanding
    @rule(path=st.sampled_from(["<b@y>", "<c@y>", "<>", "<b@y> X=1"]), read_bytes=READ_BYTES)
    def say_rcpt(self, path: str, read_bytes: int) -> None:
        if not self.is_greeted or self.mail is None:
            code = 503
        elif path == "<>":
            code = 553
        elif "X=" in path:
            code = 555
        elif len(self.recipients) == RECIPIENTS:
            code = 452
        else:
            code = 250
            self.recipients.append(path.strip("<>"))
        assert self.told(self.expect(f"RCPT TO:{path}", read_bytes, code)) == self.refused("RCPT", code, path)

    @is_commanding
    @rule(read_bytes=READ_BYTES)
    def say_data(self, read_bytes: int) -> None:
        self.is_in_data = self.is_greeted and bool(self.recipients)
        code = 354 if self.is_in_data else 503
        assert self.told(self.expect("DATA", read_bytes, code)) == self.refused("DATA", code)

    @is_commanding
    @rule(read_bytes=READ_BYTES)
    def go_to_data(self, read_bytes: int) -> None:
        """The straight way, which chance alone seldom finds."""
        if not self.is_greeted:
            self.greet("EHLO", read_bytes)
        if self.tls_mode == "starttls" and not self.is_tls:
            self.say_starttls(b"", read_bytes)
            self.greet("EHLO", read_bytes)
        self.say_rset(read_bytes)
        if self.auth_mode == "required" and not self.is_authenticated:
            self.authenticate("PLAIN", True, False, read_bytes)
        self.say_mail("<a@x>", read_bytes)
        self.say_rcpt("<b@y>", read_bytes)
        self.say_data(read_bytes)
        assert self.is_in_data

    @is_reading_data
    @rule(
        lines=LINES, behind=st.sampled_from([b"", b"NOOP\r\n"]), is_taken=st.booleans(), read_bytes=READ_BYTES
    )
    def say_message(self, lines: list[bytes], behind: bytes, is_taken: bool, read_bytes: int) -> None:
        stuffed = b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines)
        content = b"".join(line + b"\r\n" for line in lines)
        events = self.say(stuffed + b".\r\n" + behind, read_bytes)
        want = MessageReceived(mail_from=self.mail or "", recipients=tuple(self.recipients), data=content)
        assert events == [want]
        assert self.codes() == []
        assert not self.server.wants_data
        answer = (
            self.server.message_accepted("Ok") if is_taken else self.server.message_refused(Reply(554, "No"))
        )
        assert answer == []
        assert self.codes() == [250 if is_taken else 554] + [250] * bool(behind)
        self.is_in_data = False
        self.end_transaction()

    @is_reading_data
    @rule(read_bytes=READ_BYTES)
    def say_too_much(self, read_bytes: int) -> None:
        events = self.say(b"x" * 60 + b"\r\n" + b"y" * 60 + b"\r\n.\r\n", read_bytes)
        assert self.told(events) == self.refused("DATA", 552)
        assert self.codes() == [552]
        self.is_in_data = False
        self.end_transaction()

    @is_reading_data
    @rule(sequence=st.sampled_from(SEQUENCES), read_bytes=READ_BYTES)
    def smuggle(self, sequence: bytes, read_bytes: int) -> None:
        events = self.say(b"x" + sequence + b"MAIL FROM:<evil@x>\r\n.\r\n", read_bytes)
        *told, closed = self.told(events)
        assert told == self.refused("DATA", 554) and isinstance(closed, Closed)
        assert self.codes() == [554]
        self.is_in_data, self.is_closed = False, True

    @is_commanding
    @rule(read_bytes=READ_BYTES)
    def say_rset(self, read_bytes: int) -> None:
        assert self.expect("RSET", read_bytes, 250) == []
        self.end_transaction()

    @is_commanding
    @rule(injected=st.sampled_from([b"", b"MAIL FROM:<evil@x>\r\n", b"EHLO evil\r\n"]), read_bytes=READ_BYTES)
    def say_starttls(self, injected: bytes, read_bytes: int) -> None:
        if self.is_greeted and self.tls_mode == "starttls" and not self.is_tls:
            assert self.say(b"STARTTLS\r\n" + injected, read_bytes) == [StartTlsRequested()]
            assert self.codes() == [220]
            self.server.tls_started()
            self.is_tls, self.is_greeted = True, False
            self.end_transaction()
        else:
            code = 454 if self.is_greeted else 503
            assert self.told(self.expect("STARTTLS", read_bytes, code)) == self.refused("STARTTLS", code)

    @is_commanding
    @rule(
        mechanism=st.sampled_from(["PLAIN", "LOGIN", "CRAM-MD5"]),
        is_right=st.booleans(),
        is_cancelled=st.booleans(),
        read_bytes=READ_BYTES,
    )
    def authenticate(self, mechanism: str, is_right: bool, is_cancelled: bool, read_bytes: int) -> None:
        lacks_tls = self.tls_mode == "starttls" and not self.is_tls
        if not self.is_greeted:
            code = 503
        elif self.auth_mode == "none":
            code = 500
        elif lacks_tls:
            code = 530
        elif self.is_authenticated:
            code = 503
        else:
            code = 504 if mechanism == "CRAM-MD5" else 334
        assert self.told(self.expect(f"AUTH {mechanism}", read_bytes, code)) == self.refused("AUTH", code)
        if code != 334:
            return
        if is_cancelled:
            assert self.told(self.expect("*", read_bytes, 501)) == self.refused("AUTH", 501)
            return
        answers = {"PLAIN": ["\0u\0p"], "LOGIN": ["u", "p"]}[mechanism]
        *firsts, last = [base64.b64encode(text.encode()).decode() for text in answers]
        for first in firsts:
            assert self.expect(first, read_bytes, 334) == []
        events = self.expect(last, read_bytes)
        assert events == [AuthRequested(mechanism=mechanism, username="u", password="p")]
        assert (self.server.auth_succeeded() if is_right else self.server.auth_failed()) == []
        assert self.codes() == [235 if is_right else 535]
        self.is_authenticated = is_right

    @is_commanding
    @rule(line=st.sampled_from(["", "FOO", "BDAT 1", "DATA x", "MAIL", "."]), read_bytes=READ_BYTES)
    def say_nonsense(self, line: str, read_bytes: int) -> None:
        events = self.say(line.encode() + b"\r\n", read_bytes)
        (code,) = self.codes()
        command = line.partition(" ")[0]
        command = command if command in ("DATA", "MAIL") else ""
        assert self.told(events) == self.refused(command, code)
        assert 500 <= code < 560

    @precondition(lambda self: self.is_closed)
    @rule(read_bytes=READ_BYTES)
    def speak_after_the_close(self, read_bytes: int) -> None:
        assert self.say(b"EHLO c\r\n", read_bytes) == []
        assert self.codes() == []


TestServerModel = ServerModel.TestCase
TestServerModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
