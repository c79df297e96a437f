"""The server's end: dialogues kept as files, and what no dialogue shows."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from sesame.smtp.profile import MAIL_EXCHANGER, SES_SUBMISSION
from sesame.smtp.reply import Reply, ReplyReader
from sesame.smtp.server import AuthMode, ServerConnection, TlsMode
from tests.support.smtp_dialogue import settings, steps

DIALOGUES = sorted((Path(__file__).parent / "dialogues" / "server").glob("*.txt"))
PROFILES = {"ses": SES_SUBMISSION, "mx": MAIL_EXCHANGER}
TLS: dict[str, TlsMode] = {"none": "none", "starttls": "starttls", "implicit": "implicit"}
AUTH: dict[str, AuthMode] = {"none": "none", "required": "required"}


def shown(event: Event) -> str:
    match event:
        case Hello():
            return f"Hello {event.domain} {'EHLO' if event.is_extended else 'HELO'}"
        case StartTlsRequested():
            return "StartTlsRequested"
        case AuthRequested():
            return f"AuthRequested {event.mechanism} {event.username} {event.password}"
        case MessageReceived():
            data = event.data.decode().replace("\r\n", "\\r\\n")
            return f"MessageReceived {event.mail_from or '<>'} {','.join(event.recipients)} {data}"
        case AddressRefused():
            return f"AddressRefused {event.command} {event.address} {event.reply.code}"
        case CommandRefused():
            return f"CommandRefused {event.command or '-'} {event.reply.code}"
        case Closed():
            return f"Closed {event.reason}"


def act(server: ServerConnection, verb: str, *words: str) -> list[Event]:
    """What a dialogue's `O:` line says."""
    text = " ".join(words)
    match verb:
        case "tls_started":
            server.tls_started()
            return []
        case "auth_succeeded":
            return server.auth_succeeded()
        case "auth_failed":
            return server.auth_failed(Reply(int(text[:3]), text[4:]) if text else None)
        case "message_accepted":
            return server.message_accepted(text)
        case "message_refused":
            return server.message_refused(Reply(int(text[:3]), text[4:]))
        case "idle_timeout":
            return server.idle_timeout()
    raise AssertionError(verb)


@pytest.mark.parametrize("bytes_a_read", [1_000_000, 1, 7])
@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue(path: Path, bytes_a_read: int) -> None:
    """Replies and events are the same however the input is cut."""
    said = settings(path)
    server = ServerConnection(
        hostname="email-smtp.amazonaws.com",
        profile=PROFILES[said["profile"]],
        limits=Limits(),
        tls=TLS[said["tls"]],
        auth=AUTH[said["auth"]],
    )
    for step in steps(path, speaker="C"):
        events = act(server, *step.action) if step.action else []
        for at in range(0, len(step.said), bytes_a_read):
            events += server.receive_data(step.said[at : at + bytes_a_read])
        assert (server.data_to_send(), tuple(map(shown, events))) == (step.written, step.events), step


def mail_exchanger(*, limits: Limits | None = None, tls: TlsMode = "none") -> ServerConnection:
    server = ServerConnection(
        hostname="mx.example", profile=MAIL_EXCHANGER, limits=limits or Limits(), tls=tls, auth="none"
    )
    server.data_to_send()
    return server


def submission(*, is_authenticated: bool = True, limits: Limits | None = None) -> ServerConnection:
    server = ServerConnection(
        hostname="ses.example",
        profile=SES_SUBMISSION,
        limits=limits or Limits(),
        tls="implicit",
        auth="required",
    )
    server.data_to_send()
    server.receive_data(b"EHLO c\r\n")
    if is_authenticated:
        server.receive_data(b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n")
        server.auth_succeeded()
    server.data_to_send()
    return server


ENVELOPE = b"EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"


def at_data(server: ServerConnection) -> ServerConnection:
    server.receive_data(ENVELOPE)
    server.receive_data(b"DATA\r\n")
    assert server.data_to_send().endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    return server


@pytest.mark.parametrize(
    "line",
    [b"NOOP\n", b"NOOP\nNOOP\r\n", b"NO\rOP\r\n", b"NOOP\r\r\n", b"NO\0OP\r\n", b"\0", b"\rX", b"NOOP\n\r\n"],
)
def test_a_stray_byte_in_a_command_closes_the_connection(line: bytes) -> None:
    for reads in ([line], [line[at : at + 1] for at in range(len(line))]):
        server = mail_exchanger()
        events = [event for read in reads for event in server.receive_data(read)]
        assert events == [Closed(reason="stray byte in a command")]
        assert server.data_to_send() == b"554 5.6.0 Bare CR, bare LF or NUL is not allowed\r\n"
        assert server.is_closed
        assert server.receive_data(b"NOOP\r\n") == []
        assert server.data_to_send() == b""


def test_a_stray_byte_in_a_message_closes_the_connection() -> None:
    server = at_data(mail_exchanger())
    assert server.receive_data(b"a\n.\nMAIL FROM") == [Closed(reason="stray byte in a message")]
    assert server.data_to_send().startswith(b"554 5.6.0 ")


def test_a_message_over_the_size_limit_is_refused_and_the_next_one_taken() -> None:
    server = at_data(mail_exchanger(limits=Limits(size_bytes=100)))
    assert server.receive_data(b"x" * 99 + b"\r\n.\r\n") == []
    assert server.data_to_send() == b"552 5.3.4 Message is too big\r\n"
    at_data(server)
    (event,) = server.receive_data(b"x" * 98 + b"\r\n.\r\n")
    assert isinstance(event, MessageReceived)


def test_a_message_with_a_long_line_is_refused() -> None:
    server = at_data(mail_exchanger())
    assert server.receive_data(b"x" * 999 + b"\r\n.\r\nNOOP\r\n") == []
    assert server.data_to_send() == (
        b"554 5.6.0 Message has a line of more than 998 octets\r\n250 2.0.0 Ok\r\n"
    )


def test_a_message_sent_before_it_was_asked_for_closes_an_unauthenticated_connection() -> None:
    server = mail_exchanger()
    events = server.receive_data(ENVELOPE + b"DATA\r\nhello\r\n.\r\n")
    assert events == [Hello(domain="c", is_extended=True), Closed(reason="message before 354")]
    assert server.data_to_send().endswith(b"503 5.5.1 Wait for the reply before sending more\r\n")


def test_speaking_before_the_greeting_closes_the_connection() -> None:
    server = ServerConnection(
        hostname="mx.example", profile=MAIL_EXCHANGER, limits=Limits(), tls="none", auth="none"
    )
    assert server.receive_data(b"EHLO c\r\n") == [Closed(reason="client spoke before the greeting")]
    assert server.data_to_send() == b"503 5.5.1 Wait for the reply before sending more\r\n"


@pytest.mark.parametrize("behind", [b"MAIL FROM:<evil@x>\r\nRCPT TO:<b@y>\r\n", b"EHLO evil\r\n", b"\0\n\r"])
def test_nothing_that_came_in_clear_outlives_starttls(behind: bytes) -> None:
    for reads in ([b"STARTTLS\r\n" + behind], [b"STARTTLS\r\n", behind]):
        server = mail_exchanger(tls="starttls")
        server.receive_data(ENVELOPE)
        server.data_to_send()
        events = [event for read in reads for event in server.receive_data(read)]
        assert events == [StartTlsRequested()]
        assert server.data_to_send() == b"220 2.0.0 Ready to start TLS\r\n"
        assert not server.wants_data
        server.tls_started()
        assert server.receive_data(b"DATA\r\nMAIL FROM:<a@x>\r\n") == []
        assert server.data_to_send() == b"503 5.5.1 Send EHLO first\r\n" * 2
        assert server.receive_data(b"EHLO c\r\nDATA\r\n") == [Hello(domain="c", is_extended=True)]
        assert server.data_to_send().endswith(b"503 5.5.1 Bad sequence of commands\r\n")


def test_starttls_is_refused_once_tls_is_up() -> None:
    server = mail_exchanger(tls="starttls")
    server.receive_data(b"EHLO c\r\nSTARTTLS\r\n")
    server.tls_started()
    server.data_to_send()
    assert server.receive_data(b"EHLO c\r\nSTARTTLS\r\n") == [Hello(domain="c", is_extended=True)]
    assert server.data_to_send().endswith(b"454 4.7.0 TLS not available\r\n")


def test_input_behind_a_message_is_held_until_it_is_answered() -> None:
    server = at_data(submission())
    (event,) = server.receive_data(b"a\r\n.\r\nMAIL FROM:<c@x>\r\n")
    assert isinstance(event, MessageReceived)
    assert not server.wants_data
    assert server.receive_data(b"RCPT TO:<d@y>\r\nDATA\r\nb\r\n.\r\nQUIT\r\n") == []
    assert server.data_to_send() == b""
    (second,) = server.message_accepted("Ok 1")
    assert second == MessageReceived(mail_from="c@x", recipients=("d@y",), data=b"b\r\n")
    assert server.message_refused(Reply(554, "no")) == [Closed(reason="quit")]
    assert server.data_to_send().endswith(b"554 no\r\n221 Bye\r\n")


def test_held_input_is_bounded() -> None:
    server = submission(is_authenticated=False, limits=Limits(held_bytes=1_000))
    server.receive_data(b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n")
    for _ in range(10):
        assert server.receive_data(b"x" * 100) == []
    assert [shown(event) for event in server.receive_data(b"x")] == [
        "CommandRefused AUTH 421",
        "Closed too much input before a reply",
    ]
    assert server.data_to_send() == b"421 Too much input before a reply\r\n"


def test_an_answer_that_comes_after_the_close_is_no_fault() -> None:
    server = at_data(mail_exchanger())
    server.receive_data(b".\r\n")
    server.close(Reply(421, "4.3.2 Shutting down"), reason="shutdown")
    server.data_to_send()
    assert server.message_accepted("Ok") == []
    assert server.data_to_send() == b""


def test_answers_to_a_password_or_tls_that_come_after_the_close_are_no_fault() -> None:
    server = submission(is_authenticated=False)
    server.receive_data(b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n")
    server.close(Reply(421, "4.3.2 Shutting down"), reason="shutdown")
    server.data_to_send()
    assert server.auth_succeeded() == server.auth_failed() == []
    server.tls_started()
    assert server.message_refused(Reply(554, "no")) == []
    assert server.data_to_send() == b""


def test_a_client_that_waits_for_our_answer_does_not_time_out() -> None:
    server = at_data(mail_exchanger())
    server.receive_data(b".\r\n")
    assert server.idle_timeout() == []
    assert server.message_accepted("Ok") == []
    assert server.idle_timeout() == [Closed(reason="timeout")]


WORDS = [
    b"EHLO c\r\n",
    b"MAIL FROM:<a@x>\r\n",
    b"RCPT TO:<b@y>\r\n",
    b"DATA\r\n",
    b".\r\n",
    b"STARTTLS\r\n",
    b"AUTH LOGIN\r\n",
]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=20), max_size=20))
def test_whatever_a_client_says_it_is_answered_with_replies(reads: list[bytes]) -> None:
    server = mail_exchanger(tls="starttls")
    client = ReplyReader()
    for read in reads:
        for event in server.receive_data(read):
            if isinstance(event, StartTlsRequested):
                server.tls_started()
            elif isinstance(event, MessageReceived):
                server.message_accepted("2.0.0 Ok")
        client.receive_data(server.data_to_send())
        while client.next_reply():
            pass
        assert client.is_empty


def test_an_answer_to_nothing_is_our_fault() -> None:
    server = mail_exchanger()
    with pytest.raises(LocalProtocolError):
        server.message_accepted("Ok")
    with pytest.raises(LocalProtocolError):
        server.auth_succeeded()
    with pytest.raises(LocalProtocolError):
        server.tls_started()


def test_recipients_are_bounded_and_those_taken_stay() -> None:
    server = mail_exchanger(limits=Limits(recipients=2))
    server.receive_data(b"EHLO c\r\nMAIL FROM:<a@x>\r\n" + b"RCPT TO:<b@y>\r\n" * 3)
    assert server.data_to_send().endswith(b"250 2.1.5 Ok\r\n" * 2 + b"452 4.5.3 Too many recipients\r\n")
    server.receive_data(b"DATA\r\n")
    (event,) = server.receive_data(b".\r\n")
    assert isinstance(event, MessageReceived)
    assert event.recipients == ("b@y", "b@y")


def test_too_many_errors_close_the_connection_and_a_message_forgives_them() -> None:
    server = mail_exchanger(limits=Limits(errors=3))
    server.receive_data(b"EHLO c\r\nGET\r\nPOST\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
    server.receive_data(b".\r\n")
    server.message_accepted("Ok")
    server.data_to_send()
    assert server.receive_data(b"GET\r\nPOST\r\n") == []
    assert server.receive_data(b"PUT\r\nNOOP\r\n") == [Closed(reason="too many errors")]
    assert server.data_to_send() == (
        b"500 5.5.1 Unrecognized command\r\n" * 3 + b"421 4.7.0 Too many errors\r\n"
    )


@pytest.mark.parametrize("line", [b"NOOP " + b"x" * 2_044 + b"\r\n", b"x" * 2_049, b"\xff" * 2_050 + b"\r"])
def test_a_line_too_long_closes_the_connection(line: bytes) -> None:
    server = mail_exchanger()
    server.receive_data(b"NOOP " + b"x" * 2_043 + b"\r\n")
    assert server.data_to_send() == b"250 2.0.0 Ok\r\n"
    assert server.receive_data(line) == [Closed(reason="command line too long")]
    assert server.data_to_send() == b"500 5.5.2 Line too long\r\n"


def test_the_longest_credentials_fit_a_line() -> None:
    server = submission(is_authenticated=False)
    response = base64.b64encode(b"\0".join([b"u" * 255, b"u" * 255, b"p" * 255]))
    (event,) = server.receive_data(b"AUTH PLAIN " + response + b"\r\n")
    assert event == AuthRequested(mechanism="PLAIN", username="u" * 255, password="p" * 255)


def test_a_command_that_is_not_ascii_is_unknown() -> None:
    server = mail_exchanger()
    server.receive_data("EHLO c\r\nNOOP ü\r\n".encode())
    assert server.data_to_send().endswith(b"500 5.5.1 Unrecognized command\r\n")


@pytest.mark.parametrize("verb", ["EHLO", "HELO"])
@pytest.mark.parametrize(
    "name", ["B\u00dcRO-PC".encode(), "B\u00dcRO-PC".encode("latin-1"), b"(none)", b"my_pc"]
)
def test_no_name_of_a_clients_computer_keeps_it_out(verb: str, name: bytes) -> None:
    """Windows lets computers have such names, and mail programs pass them on (RFC 5321 section 4.1.4)."""
    server = submission()
    assert [type(event) for event in server.receive_data(verb.encode() + b" " + name + b"\r\n")] == [Hello]
    assert server.data_to_send().startswith(b"250")
    assert server.receive_data(b"MAIL FROM:<a@x.test>\r\n") == []
    assert server.data_to_send() == b"250 Ok\r\n"


def test_an_address_that_is_not_ascii_is_refused_as_an_address() -> None:
    """Who writes it has to learn what is wrong with it; the command is a good one."""
    server = submission()
    assert server.receive_data("MAIL FROM:<ü@x.test>\r\n".encode()) == [
        AddressRefused(
            command="MAIL", address="ü@x.test", reply=Reply(553, "<?@x.test> Invalid email address")
        )
    ]
    assert server.data_to_send() == b"553 <?@x.test> Invalid email address\r\n"
    server.receive_data(b"MAIL FROM:<a@x.test>\r\n")
    server.data_to_send()
    for path in ("<b@ü.test>", "ü@x.test", '<"ü"@x.test>'):
        [event] = server.receive_data(f"RCPT TO:{path}\r\n".encode())
        assert isinstance(event, AddressRefused) and event.reply.code == 553
        assert server.data_to_send().startswith(b"553 <")
    server.receive_data("RCPT TO:<b@x.test> ORCPT=ü\r\n".encode())
    assert server.data_to_send() == b"501 Syntax error in arguments\r\n"
    exchanger = mail_exchanger()
    exchanger.receive_data("EHLO c\r\nMAIL FROM:<ü@x>\r\n".encode())
    assert exchanger.data_to_send().splitlines()[-1].startswith(b"5")
    assert exchanger.receive_data(b"DATA\r\n") == []


def test_the_owner_may_close_in_place_of_the_greeting() -> None:
    server = ServerConnection(
        hostname="h", profile=SES_SUBMISSION, limits=Limits(), tls="implicit", auth="required"
    )
    busy = Reply(421, "Too many concurrent SMTP connections")
    assert server.close(busy, reason="busy") == [Closed(reason="busy")]
    assert server.data_to_send() == b"421 Too many concurrent SMTP connections\r\n"
    assert server.close(busy, reason="busy") == []


def test_a_profile_may_keep_auth_back_until_tls() -> None:
    server = ServerConnection(
        hostname="h",
        profile=replace(SES_SUBMISSION, announces_auth_in_clear=False),
        limits=Limits(),
        tls="starttls",
        auth="required",
    )
    server.data_to_send()
    server.receive_data(b"EHLO c\r\n")
    assert b"AUTH" not in server.data_to_send()


def test_the_auth_parameter_of_mail_is_read_after_auth() -> None:
    server = submission()
    server.receive_data(b"MAIL FROM:<a@x> AUTH\r\nMAIL FROM:<a@x> SIZE=x\r\nMAIL FROM:<a@x> AUTH=a+40x\r\n")
    assert server.data_to_send() == b"501 Syntax error in arguments\r\n" * 2 + b"250 Ok\r\n"


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(AuthRequested(mechanism="PLAIN", username="u", password="secret"))


def test_ten_thousand_pipelined_commands_take_linear_time() -> None:
    server = mail_exchanger()
    server.receive_data(b"NOOP\r\n" * 100_000)
    assert server.data_to_send() == b"250 2.0.0 Ok\r\n" * 100_000


@pytest.mark.parametrize(
    ("tls", "hello", "protocol"),
    [
        ("implicit", b"EHLO c.example\r\n", "ESMTPS"),
        ("none", b"EHLO c.example\r\n", "ESMTP"),
        ("none", b"HELO c.example\r\n", "SMTP"),
    ],
)
def test_how_mail_comes_in_the_words_of_rfc_3848(tls: TlsMode, hello: bytes, protocol: str) -> None:
    server = ServerConnection(
        hostname="h.example", profile=MAIL_EXCHANGER, limits=Limits(size_bytes=100), tls=tls, auth="none"
    )
    server.data_to_send()
    assert server.client_name == ""
    server.receive_data(hello)
    assert (server.client_name, server.protocol) == ("c.example", protocol)


LONG_LINE = b"Subject: x\r\n\r\n" + b"y" * 999 + b"\r\n.\r\n"
REFUSED = [
    (b"MAIL FROM:<a@x> SIZE=99999999\r\n", "MAIL 552"),
    (b"MAIL FROM:<a@x> SMTPUTF8\r\n", "MAIL 555"),
    (b"MAIL a@x\r\n", "MAIL 501"),
    (b"RCPT TO:<b@y>\r\n", "RCPT 503"),
    (b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y> NOTIFY=NEVER\r\n", "RCPT 555"),
    (b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@y>\r\n", "RCPT 452"),
    (b"DATA\r\n", "DATA 503"),
    (ENVELOPE + b"DATA\r\n" + LONG_LINE, "DATA 554"),
    (ENVELOPE + b"DATA\r\n" + b"y\r\n" * 400 + b".\r\n", "DATA 552"),
    (ENVELOPE + b"DATA\r\nx\ny\r\n.\r\n", "DATA 554"),
    (b"BDAT 1 LAST\r\n", "- 500"),
    (b"c2VjcmV0\r\n", "- 500"),
    (b"NO\nOP\r\n", "- 554"),
    (b"NOOP " + b"x" * 3_000, "- 500"),
    (b"STARTTLS\r\n", "STARTTLS 454"),
    (b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n", "AUTH 503"),
]


@pytest.mark.parametrize(("said", "refused"), REFUSED, ids=[refused for _, refused in REFUSED])
def test_whatever_is_refused_after_a_log_in_is_told_of(said: bytes, refused: str) -> None:
    """Once, without the words of what is no command: they may be a password's."""
    server = submission(limits=Limits(recipients=1, size_bytes=1_100))
    events = list(map(shown, server.receive_data(said)))
    assert [event for event in events if "Refused" in event] == [f"CommandRefused {refused}"]


@pytest.mark.parametrize(("said", "refused"), REFUSED, ids=[refused for _, refused in REFUSED])
def test_a_stranger_s_refusals_are_told_of_where_it_tried_to_send(said: bytes, refused: str) -> None:
    server = submission(is_authenticated=False, limits=Limits(recipients=1, size_bytes=1_100))
    events = list(map(shown, server.receive_data(said)))
    told = {event for event in events if "Refused" in event}
    assert told == ({"CommandRefused MAIL 530"} if said.startswith((b"MAIL", ENVELOPE)) else set())


def test_a_message_that_comes_to_no_end_is_told_of() -> None:
    silent, quiet = at_data(submission()), submission()
    assert list(map(shown, silent.idle_timeout())) == ["CommandRefused DATA 451", "Closed timeout"]
    assert list(map(shown, quiet.idle_timeout())) == ["Closed timeout"]
