"""No byte sequence but <CRLF>.<CRLF> makes a second message, however it is cut (SMTP smuggling)."""

import json
from pathlib import Path

import pytest

from sesame.smtp.client import ClientConnection
from sesame.smtp.errors import MessageNotSendable
from sesame.smtp.events import AuthRequested, Event, MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER, SES_SUBMISSION, Profile
from sesame.smtp.server import AuthMode, ServerConnection, TlsMode

VECTORS = Path(__file__).parents[1] / "vectors" / "smuggling" / "eod_sequences.json"
SEQUENCES = [sequence.encode("latin-1") for sequence in json.loads(VECTORS.read_text())["union"]]

SMUGGLED = (
    b"MAIL FROM:<ceo@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nFrom: ceo@x.example\r\n\r\nPay!\r\n.\r\n"
)
LOGIN = b"EHLO c\r\nAUTH PLAIN AHVzZXIAcGFzcw==\r\n"
ENVELOPE = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"

# Our three doors: submission behind STARTTLS (here: after it) or TLS, and the mail exchanger.
DOORS: list[tuple[Profile, TlsMode, AuthMode]] = [
    (SES_SUBMISSION, "starttls", "required"),
    (SES_SUBMISSION, "implicit", "required"),
    (MAIL_EXCHANGER, "none", "none"),
]


def at_354(profile: Profile, tls: TlsMode, auth: AuthMode) -> ServerConnection:
    server = ServerConnection(hostname="h", profile=profile, limits=Limits(), tls=tls, auth=auth)
    server.data_to_send()
    if tls == "starttls":
        server.receive_data(b"EHLO c\r\nSTARTTLS\r\n")
        server.tls_started()
    if auth == "required":
        server.receive_data(LOGIN)
        server.auth_succeeded()
    else:
        server.receive_data(b"EHLO c\r\n")
    server.receive_data(ENVELOPE)
    assert server.data_to_send().endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    return server


def messages_of(server: ServerConnection, reads: list[bytes]) -> list[MessageReceived]:
    """Every message that comes of the reads, each accepted at once."""
    messages: list[MessageReceived] = []
    for read in reads:
        events: list[Event] = server.receive_data(read)
        while events:
            event = events.pop(0)
            assert not isinstance(event, AuthRequested)
            if isinstance(event, MessageReceived):
                messages.append(event)
                events += server.message_accepted("Ok")
    return messages


@pytest.mark.parametrize("sequence", SEQUENCES, ids=ascii)
@pytest.mark.parametrize("door", DOORS, ids=["starttls", "tls", "mx"])
def test_no_sequence_makes_a_second_message(sequence: bytes, door: tuple[Profile, TlsMode, AuthMode]) -> None:
    wire = b"Subject: first\r\n\r\nbody" + sequence + SMUGGLED + b"QUIT\r\n"
    whole = [[wire[:cut], wire[cut:]] for cut in range(len(wire))]
    bytewise = [[wire[at : at + 1] for at in range(len(wire))]]
    for reads in whole + bytewise:
        server = at_354(*door)
        assert messages_of(server, reads) == []
        assert server.is_closed
        assert server.data_to_send() == b"554 5.6.0 Bare CR, bare LF or NUL is not allowed\r\n"


@pytest.mark.parametrize("door", DOORS, ids=["starttls", "tls", "mx"])
def test_the_real_end_makes_one_message_however_it_is_cut(door: tuple[Profile, TlsMode, AuthMode]) -> None:
    wire = b"Subject: first\r\n\r\n..\r\n..\r\n.\r\nNOOP\r\n"
    for cut in range(len(wire)):
        (message,) = messages_of(at_354(*door), [wire[:cut], wire[cut:]])
        assert message.data == b"Subject: first\r\n\r\n.\r\n.\r\n"


@pytest.mark.parametrize("sequence", SEQUENCES, ids=ascii)
@pytest.mark.parametrize("is_pipelining", [True, False])
def test_no_sequence_is_written_to_another_server(sequence: bytes, is_pipelining: bool) -> None:
    client = ClientConnection(hostname="me.example")
    client.receive_data(b"220 mx\r\n")
    client.data_to_send()
    client.receive_data(b"250-mx\r\n250 PIPELINING\r\n" if is_pipelining else b"250 mx\r\n")
    with pytest.raises(MessageNotSendable):
        client.send_message("a@x.example", ["b@y.example"], b"body" + sequence + SMUGGLED)
    assert client.data_to_send() == b""


def test_a_message_that_holds_a_dialogue_stays_one_message() -> None:
    """What `stuff` writes for the whole attack with a real end of data inside is one message again."""
    client = ClientConnection(hostname="me.example")
    client.receive_data(b"220 mx\r\n")
    client.data_to_send()
    client.receive_data(b"250 mx\r\n")
    content = b"body\r\n.\r\n" + SMUGGLED
    client.send_message("a@x.example", ["b@y.example"], content)
    for reply in (b"250 a\r\n", b"250 b\r\n", b"354 c\r\n"):
        client.data_to_send()
        client.receive_data(reply)
    server = at_354(MAIL_EXCHANGER, "none", "none")
    (message,) = messages_of(server, [client.data_to_send()])
    assert message.data == content
