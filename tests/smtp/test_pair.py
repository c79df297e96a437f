"""Our client against our server: what one writes, the other understands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.smtp import client as client_side
from sesame.smtp.client import ClientConnection, TransactionDone
from sesame.smtp.errors import MessageNotSendable
from sesame.smtp.events import MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER, SES_SUBMISSION, Profile
from sesame.smtp.server import ServerConnection


class Pair:
    """Both ends with nothing between them but reads of `bytes_a_read`."""

    def __init__(self, *, profile: Profile, limits: Limits, bytes_a_read: int) -> None:
        self.server = ServerConnection(
            hostname="mx.example", profile=profile, limits=limits, tls="none", auth="none"
        )
        self.client = ClientConnection(hostname="me.example")
        self.bytes_a_read = bytes_a_read
        self.messages: list[MessageReceived] = []
        self.client_writes = 0

    def talk(self) -> list[client_side.Event]:
        """Carry bytes both ways until both are silent; what the client saw."""
        events: list[client_side.Event] = []
        while True:
            replies, commands = self.server.data_to_send(), self.client.data_to_send()
            if not replies and not commands:
                return events
            self.client_writes += bool(commands)
            for at in range(0, len(replies), self.bytes_a_read):
                events += self.client.receive_data(replies[at : at + self.bytes_a_read])
            for at in range(0, len(commands), self.bytes_a_read):
                for event in self.server.receive_data(commands[at : at + self.bytes_a_read]):
                    if isinstance(event, MessageReceived):
                        self.messages.append(event)
                        self.server.message_accepted("2.0.0 Ok")


LINES = st.lists(
    st.sampled_from([b"", b".", b"..", b".x", b"MAIL FROM:<z@z>", b"\xff" * 9, b"y" * 998]), max_size=9
)
MAILBOXES = st.sampled_from(["a@x.example", '"a b"@y.example', "a@[192.0.2.1]", "a+b=c@z.example"])


@given(
    st.lists(st.tuples(MAILBOXES, st.lists(MAILBOXES, min_size=1, max_size=5), LINES), max_size=3),
    st.sampled_from([MAIL_EXCHANGER, SES_SUBMISSION]),
    st.sampled_from([1, 5, 100_000]),
)
def test_what_the_client_sends_the_server_receives(
    mails: list[tuple[str, list[str], list[bytes]]], profile: Profile, bytes_a_read: int
) -> None:
    pair = Pair(profile=profile, limits=Limits(), bytes_a_read=bytes_a_read)
    pair.talk()
    for mail_from, recipients, lines in mails:
        pair.client.send_message(mail_from, recipients, b"".join(line + b"\r\n" for line in lines))
        (done,) = pair.talk()
        assert isinstance(done, TransactionDone)
        assert all(result.is_delivered for result in done.results)
    want = [
        MessageReceived(
            mail_from=mail_from,
            recipients=tuple(recipients),
            data=b"".join(line + b"\r\n" for line in lines),
        )
        for mail_from, recipients, lines in mails
    ]
    assert pair.messages == want


def test_a_pipelined_message_takes_two_writes() -> None:
    pair = Pair(profile=MAIL_EXCHANGER, limits=Limits(), bytes_a_read=100_000)
    pair.talk()
    for _ in range(3):
        pair.client_writes = 0
        pair.client.send_message("a@x", ["b@y"] * 50, b"hi\r\n")
        pair.talk()
        assert pair.client_writes == 2


def test_recipients_over_the_servers_limit_are_told_apart() -> None:
    pair = Pair(profile=MAIL_EXCHANGER, limits=Limits(recipients=2), bytes_a_read=100_000)
    pair.talk()
    pair.client.send_message("a@x", ["b@y", "c@y", "d@y"], b"hi\r\n")
    (done,) = pair.talk()
    assert isinstance(done, TransactionDone)
    assert [(result.is_delivered, result.reply.status) for result in done.results] == [
        (True, "2.0.0"),
        (True, "2.0.0"),
        (False, "4.5.3"),
    ]


def test_a_message_over_the_servers_size_is_not_even_begun() -> None:
    pair = Pair(profile=MAIL_EXCHANGER, limits=Limits(size_bytes=100), bytes_a_read=100_000)
    pair.talk()
    with pytest.raises(MessageNotSendable) as caught:
        pair.client.send_message("a@x", ["b@y"], b"x" * 101)
    assert caught.value.status == "5.3.4"
    assert pair.talk() == []
