"""The client's end: dialogues kept as files, hostile servers, and what cannot be sent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.smtp.client import (
    Authenticated,
    AuthRefused,
    ClientConnection,
    Closed,
    Event,
    Ready,
    RecipientResult,
    Refused,
    TlsReady,
    TlsRefused,
    TransactionDone,
)
from sesame.smtp.errors import LocalProtocolError, MessageNotSendable, RemoteProtocolError, Stage
from sesame.smtp.extensions import Extensions
from sesame.smtp.reply import Reply
from tests.support.smtp_dialogue import steps

DIALOGUES = sorted((Path(__file__).parent / "dialogues" / "client").glob("*.txt"))


def shown(event: Event) -> str:
    match event:
        case Ready():
            return " ".join(["Ready", *sorted(event.extensions.keywords)])
        case TlsReady():
            return "TlsReady"
        case Authenticated():
            return "Authenticated"
        case AuthRefused():
            return f"AuthRefused {event.reply.code}"
        case TlsRefused():
            return f"TlsRefused {event.reply.code}"
        case Refused():
            return f"Refused {event.stage.value} {event.reply.code}"
        case TransactionDone():
            results = (f"{r.recipient}={r.stage.value}:{r.reply.code}" for r in event.results)
            return " ".join(["Done", *results])
        case Closed():
            return f"Closed {event.reply.code if event.reply else 'silently'}"


def act(client: ClientConnection, verb: str, *words: str) -> None:
    """What a dialogue's `O:` line says."""
    match verb:
        case "send":
            mail_from, recipients, text = words
            data = text.encode().decode("unicode_escape").encode("latin-1")
            client.send_message(mail_from.strip("<>"), recipients.split(","), data)
        case "start_tls":
            client.start_tls()
        case "tls_started":
            client.tls_started()
        case "reset":
            client.reset()
        case "quit":
            client.quit()
        case _:
            raise AssertionError(verb)


@pytest.mark.parametrize("bytes_a_read", [1_000_000, 1, 7])
@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue(path: Path, bytes_a_read: int) -> None:
    """Commands and events are the same however the replies are cut; one write per step."""
    client = ClientConnection(hostname="me.example")
    for step in steps(path, speaker="S"):
        if step.action:
            act(client, *step.action)
        events: list[Event] = []
        for at in range(0, len(step.said), bytes_a_read):
            events += client.receive_data(step.said[at : at + bytes_a_read])
        assert (client.data_to_send(), tuple(map(shown, events))) == (step.written, step.events), step


def ready(*extensions: bytes) -> ClientConnection:
    client = ClientConnection(hostname="me.example")
    client.receive_data(b"220 mx.example\r\n")
    client.data_to_send()
    client.receive_data(
        b"".join(b"250-" + keyword + b"\r\n" for keyword in (b"mx", *extensions)) + b"250 OK\r\n"
    )
    assert client.is_ready
    return client


def sending(*replies: bytes, recipients: tuple[str, ...] = ("b@y",)) -> ClientConnection:
    """A client that has sent a message pipelined, and seen `replies`, each after a write of its own."""
    client = ready(b"PIPELINING", b"8BITMIME")
    client.send_message("a@x", recipients, b"hi\r\n")
    client.data_to_send()
    for reply in replies:
        client.receive_data(reply)
        client.data_to_send()
    return client


HOSTILE: list[tuple[str, list[bytes], Stage]] = [
    ("endless banner without a line end", [b"220 " + b"x" * 100_000], Stage.CONNECT),
    ("banner of 10,000 lines", [b"220-x\r\n" * 10_000], Stage.CONNECT),
    ("NUL in the banner", [b"220 a\0\r\n"], Stage.CONNECT),
    ("TLS bytes for a banner", [b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76"[:5] + b"\r\n"], Stage.CONNECT),
    ("code abc", [b"abc hello\r\n"], Stage.CONNECT),
    ("code 299", [b"299 hello\r\n"], Stage.CONNECT),
    ("code 999", [b"999 hello\r\n"], Stage.CONNECT),
    ("code 354 for a banner", [b"354 hello\r\n"], Stage.CONNECT),
    ("bare LF", [b"220 hello\n"], Stage.CONNECT),
    ("two greetings at once", [b"220 a\r\n220 b\r\n"], Stage.HELLO),
    ("half an answer to what has not been said", [b"220 a\r\n25"], Stage.HELLO),
    ("a line end more than the greeting has", [b"220 a\r\n\r"], Stage.HELLO),
    ("10,000 extensions", [b"220 a\r\n", b"250-X\r\n" * 10_000], Stage.HELLO),
    ("code changes within a reply", [b"220 a\r\n", b"250-X\r\n550 Y\r\n"], Stage.HELLO),
    ("1 MB of text with escapes", [b"220 a\r\n", b"250 " + b"\x1b[31m" * 200_000 + b"\r\n"], Stage.HELLO),
    ("334 to EHLO", [b"220 a\r\n", b"334 \r\n"], Stage.HELLO),
]


@pytest.mark.parametrize(
    ("reads", "stage"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_a_hostile_server_ends_in_a_declared_error(reads: list[bytes], stage: Stage) -> None:
    for bytes_a_read in (1_000_000, 1_000):
        client = ClientConnection(hostname="me.example")
        with pytest.raises(RemoteProtocolError) as caught:
            for read in reads:
                for at in range(0, len(read), bytes_a_read):
                    client.receive_data(read[at : at + bytes_a_read])
                client.data_to_send()
        assert (caught.value.stage, caught.value.ambiguous) == (stage, False)
        assert not client.is_ready
        assert client.receive_data(b"220 again\r\n") == []


@pytest.mark.parametrize(
    ("replies", "fault", "stage", "is_ambiguous"),
    [
        ([], b"250 a\r\n250 b\r\n250 c\r\n", Stage.DATA, False),
        ([], b"250 a\r\n250 b\r\n334 c\r\n", Stage.DATA, False),
        ([], b"250 a\r\n354 b\r\n", Stage.RCPT, False),
        ([], b"354 a\r\n", Stage.MAIL, False),
        ([], b"250 a\r\n250 b\r\n250 b again\r\n354 c\r\n", Stage.DATA, False),
        ([], b"250 a\r\n250 b\r\n354 c\r\n250 before the body\r\n", Stage.BODY, False),
        ([b"250 a\r\n250 b\r\n354 c\r\n"], b"354 more\r\n", Stage.BODY, True),
        ([b"250 a\r\n250 b\r\n354 c\r\n"], b"rubbish\r\n", Stage.BODY, True),
        ([b"250 a\r\n550 b\r\n354 c\r\n"], b"rubbish\r\n", Stage.BODY, False),
    ],
)
def test_replies_that_do_not_fit_the_commands_end_in_a_declared_error(
    replies: list[bytes], fault: bytes, stage: Stage, is_ambiguous: bool
) -> None:
    client = sending(*replies)
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive_data(fault)
    assert (caught.value.stage, caught.value.ambiguous) == (stage, is_ambiguous)


@pytest.mark.parametrize(
    ("replies", "stage", "is_ambiguous"),
    [
        ([], Stage.MAIL, False),
        ([b"250 a\r\n"], Stage.RCPT, False),
        ([b"250 a\r\n250 b\r\n"], Stage.DATA, False),
        ([b"250 a\r\n250 b\r\n354 c\r\n"], Stage.BODY, True),
        ([b"250 a\r\n250 b\r\n354 c\r\n", b"250-half"], Stage.BODY, True),
    ],
)
def test_a_close_within_a_message_says_where_and_whether_it_may_have_been_taken(
    replies: list[bytes], stage: Stage, is_ambiguous: bool
) -> None:
    client = sending(*replies)
    assert (client.stage, client.is_ambiguous) == (stage, is_ambiguous)
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive_eof()
    assert (caught.value.stage, caught.value.ambiguous) == (stage, is_ambiguous)


def test_a_close_behind_354_is_not_ambiguous_while_the_message_was_not_handed_out() -> None:
    client = sending()
    client.receive_data(b"250 a\r\n250 b\r\n354 c\r\n")
    assert client.stage is Stage.BODY
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive_eof()
    assert not caught.value.ambiguous


def test_what_was_settled_before_the_close_stays_known() -> None:
    client = sending(b"250 a\r\n250 b\r\n550 c\r\n354 d\r\n", recipients=("b@y", "c@y"))
    with pytest.raises(RemoteProtocolError):
        client.receive_eof()
    assert client.settled == (RecipientResult(recipient="c@y", stage=Stage.RCPT, reply=Reply(550, "c")),)


def test_a_message_that_was_taken_stays_taken_when_the_server_goes_wrong_in_the_same_read() -> None:
    client = sending(b"250 a\r\n250 b\r\n354 c\r\n")
    (event,) = client.receive_data(b"250 taken\r\n250 twice\r\n")
    assert isinstance(event, TransactionDone)
    assert event.results[0].is_delivered
    assert not client.is_ready
    for call in (client.receive_eof, lambda: client.receive_data(b"")):
        with pytest.raises(RemoteProtocolError, match="without a command"):
            call()


def test_a_close_between_messages_or_after_quit_is_no_error() -> None:
    client = ready()
    assert client.receive_eof() == [Closed(reply=None)]
    assert client.receive_eof() == []
    client = ready()
    client.quit()
    client.data_to_send()
    assert client.receive_eof() == [Closed(reply=None)]


def test_a_reply_without_a_command_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        ready().receive_data(b"250 hello?\r\n")
    assert caught.value.stage is Stage.IDLE


def test_a_refused_rset_is_an_error() -> None:
    client = ready()
    client.reset()
    client.data_to_send()
    with pytest.raises(RemoteProtocolError):
        client.receive_data(b"502 What?\r\n")


@pytest.mark.parametrize(
    "reads", [[b"220 go\r\n250 injected\r\n"], [b"220 go\r\n2"], [b"220 go\r\n", b"250 x\r\n"]]
)
def test_bytes_in_clear_behind_the_reply_to_starttls_are_refused(reads: list[bytes]) -> None:
    client = ready(b"STARTTLS")
    client.start_tls()
    client.data_to_send()
    with pytest.raises(RemoteProtocolError) as caught:
        for read in reads:
            client.receive_data(read)
    assert caught.value.stage is Stage.TLS


def test_a_close_in_the_tls_handshake_is_at_the_stage_tls() -> None:
    client = ready(b"STARTTLS")
    client.start_tls()
    client.data_to_send()
    assert client.receive_data(b"220 go\r\n") == [TlsReady()]
    assert not client.is_ready
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive_eof()
    assert caught.value.stage is Stage.TLS


@pytest.mark.parametrize(
    ("extensions", "mail_from", "recipient", "data", "status"),
    [
        ((b"SIZE 10",), "a@x", "b@y", b"x" * 20, "5.3.4"),
        ((), "a@x", "b@y", b"\xfc\r\n", "5.6.3"),
        ((b"8BITMIME",), "a@x", "b@y", b"a\nb", "5.6.0"),
        ((b"8BITMIME",), "a@x", "b@y", b"x" * 999, "5.6.0"),
        ((), "a@x>\r\nRCPT TO:<c@y", "b@y", b"", "5.1.7"),
        ((), "a x@x", "b@y", b"", "5.1.7"),
        ((), "a@x", "b@y> NOTIFY=NEVER", b"", "5.1.3"),
        ((), "a@x", "bü@y", b"", "5.1.3"),
        ((), "a@x", "", b"", "5.1.3"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_a_byte_is_written(
    extensions: tuple[bytes, ...], mail_from: str, recipient: str, data: bytes, status: str
) -> None:
    client = ready(*extensions)
    with pytest.raises(MessageNotSendable) as caught:
        client.send_message(mail_from, ["ok@y", recipient], data)
    assert caught.value.status == status
    assert client.data_to_send() == b""
    assert client.is_ready


def test_a_message_of_just_the_servers_size_is_sent() -> None:
    ready(b"SIZE 4").send_message("a@x", ["b@y"], b"hi\r\n")


def test_a_server_that_answers_helo_in_several_lines_promises_nothing() -> None:
    client = ClientConnection(hostname="me.example")
    for reply in (b"220 mx\r\n", b"500 What?\r\n", b"250-mx\r\n250 PIPELINING\r\n"):
        client.receive_data(reply)
        client.data_to_send()
    assert client.is_ready
    assert not client.extensions.has_pipelining


def test_a_server_that_refuses_ehlo_after_tls_takes_no_message() -> None:
    client = ready(b"STARTTLS")
    client.start_tls()
    client.data_to_send()
    client.receive_data(b"220 go\r\n")
    client.tls_started()
    assert client.extensions == Extensions()
    client.data_to_send()
    assert client.receive_data(b"451 later\r\n") == [Refused(stage=Stage.HELLO, reply=Reply(451, "later"))]
    assert not client.is_ready


@pytest.mark.parametrize("size", [b"SIZE", b"SIZE 0", b"SIZE x", b"SIZE " + b"9" * 21, b"SIZE=5"])
def test_a_size_that_says_nothing_limits_nothing(size: bytes) -> None:
    ready(size).send_message("a@x", ["b@y"], b"x" * 100)


def test_asking_out_of_turn_is_our_fault() -> None:
    client = ClientConnection(hostname="me.example")
    for ask in (client.start_tls, client.reset, client.quit, client.tls_started):
        with pytest.raises(LocalProtocolError):
            ask()
    client = ready()
    with pytest.raises(LocalProtocolError, match="STARTTLS"):
        client.start_tls()
    with pytest.raises(LocalProtocolError, match="recipient"):
        client.send_message("a@x", [], b"")
    client.send_message("a@x", ["b@y"], b"")
    with pytest.raises(LocalProtocolError, match="mail"):
        client.send_message("a@x", ["b@y"], b"")
    client = ClientConnection(hostname="me.example")
    client.receive_data(b"421 busy\r\n")
    with pytest.raises(LocalProtocolError):
        client.quit()
    client = ClientConnection(hostname="me.example")
    client.receive_data(b"554 no\r\n")
    client.receive_eof()
    with pytest.raises(LocalProtocolError):
        client.quit()


@pytest.mark.parametrize("hostname", ["", "a b", "a\r\nb", "ü"])
def test_a_name_that_would_break_ehlo_is_refused(hostname: str) -> None:
    with pytest.raises(LocalProtocolError):
        ClientConnection(hostname=hostname)


CODES = st.sampled_from(
    [b"220", b"250", b"251", b"354", b"334", b"421", b"450", b"550", b"554", b"299", b"x"]
)
READS = st.lists(
    st.builds(lambda code, more, text: code + more + text, CODES, st.sampled_from([b" ", b"-"]),
              st.sampled_from([b"ok\r\n", b"PIPELINING\r\n", b"STARTTLS\r\n", b"\n", b""])),
    max_size=12,
)  # fmt: skip


@given(READS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_any_server_ends_in_events_or_a_declared_error(reads: list[bytes], writes: list[bool]) -> None:
    client = ClientConnection(hostname="me.example")
    try:
        for read, is_written in zip(reads, writes, strict=False):
            for event in client.receive_data(read):
                if isinstance(event, TlsReady):
                    client.tls_started()
            if client.is_ready:
                client.send_message("a@x", ["b@y", "c@y"], b".hi\r\n")
            if is_written:
                client.data_to_send()
        client.receive_eof()
    except RemoteProtocolError as error:
        assert error.ambiguous in (False, error.stage is Stage.BODY)
    assert not client.is_ready


@pytest.mark.parametrize("half", [b"2", b"250 tak", b"250-", b"250-taken\r\n", b"\r"])
def test_an_answer_that_began_before_the_message_was_written_takes_no_message(half: bytes) -> None:
    """However it goes on once the message is there."""
    client = ready(b"PIPELINING")
    client.send_message("a@x", ["b@y"], b"hi\r\n")
    client.data_to_send()
    client.receive_data(b"250 a\r\n250 b\r\n354 go\r\n" + half)
    with pytest.raises(RemoteProtocolError) as caught:
        client.data_to_send()
    assert not caught.value.ambiguous
    assert client.settled == ()
