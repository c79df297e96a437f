"""What delivery makes of servers that refuse, break off, lie or say nothing: an outcome, always."""

import asyncio

import pytest

from sesame.delivery.attempt import Deliverer
from sesame.delivery.pool import Pool
from sesame.delivery.route import Host
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls_policy import TlsPolicy
from sesame.mail.header import MessageError
from sesame.model import OutcomeKind
from sesame.smtp.errors import MessageDefect
from tests.support.attempts import GOOD, NoSettings, OneRoute, Script, body_of, claim, deliver, outcome_of
from tests.support.clock import FakeClock
from tests.support.dns import resolver
from tests.support.places import place


def test_a_server_that_takes_the_message_delivers_it_byte_for_byte() -> None:
    server = Script(GOOD)
    outcome = outcome_of(server, data=b"From: a@example.com\r\n\r\n.dot\r\nhi\r\n")
    assert (outcome.kind, outcome.status, outcome.diagnostic) == (OutcomeKind.DELIVERED, "2.0.0", "250 taken")
    assert server.messages == [b"From: a@example.com\r\n\r\n..dot\r\nhi\r\n.\r\n"]


P, T = OutcomeKind.PERMANENT, OutcomeKind.TRANSIENT


@pytest.mark.parametrize(
    ("replies", "kind", "status"),
    [
        ({"MAIL": "550 5.7.1 no\r\n"}, P, "5.7.1"),
        ({"MAIL": "451 4.7.1 greylisted\r\n"}, T, "4.7.1"),
        ({"RCPT": "550 5.1.1 no such user\r\n"}, P, "5.1.1"),
        ({"RCPT": "551 try <c@d.test>\r\n"}, P, "5.0.0"),
        ({"RCPT": "452 4.2.2 full\r\n"}, T, "4.2.2"),
        ({"RCPT": "421 4.3.2 going down\r\n"}, T, "4.3.2"),
        ({"DATA": "554 5.6.0 no\r\n"}, P, "5.6.0"),
        ({"DATA": "250 what?\r\n"}, T, "4.5.0"),
        ({"EHLO": "421 later\r\n"}, T, "4.0.0"),
        ({"EHLO": "554 go away\r\n", "HELO": "554 go away\r\n"}, P, "5.0.0"),
        ({"RCPT": None}, T, "4.5.0"),
        ({"MAIL": "299 odd\r\n"}, T, "4.5.0"),
        ({"RCPT": "abc\r\n"}, T, "4.5.0"),
        ({"RCPT": "999 high\r\n"}, T, "4.5.0"),
        ({"RCPT": "250-one\r\n550 two\r\n"}, T, "4.5.0"),
        ({"RCPT": "550 5.1.1 \x1b[31m<script>\0\r\n"}, T, "4.5.0"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_class_and_status(
    replies: dict[str, str | None], kind: OutcomeKind, status: str
) -> None:
    outcome = outcome_of(Script({**GOOD, **replies}))
    assert (outcome.kind, outcome.status) == (kind, status)
    assert outcome.diagnostic.isprintable()
    assert outcome.diagnostic.isascii()


@pytest.mark.parametrize(
    "banner", ["421 busy\r\n", "554 5.7.1 blocked\r\n", None, "220-endless\r\n" * 200, "\x16\x03\x01\x02\r\n"]
)
def test_a_greeting_that_is_none_is_worth_another_try(banner: str | None) -> None:
    assert outcome_of(Script(GOOD, banner=banner)).kind is OutcomeKind.TRANSIENT


def test_a_server_that_takes_the_message_and_drops_us_leaves_a_doubt() -> None:
    outcome = outcome_of(Script(GOOD, after_dot=None), Script(GOOD))
    assert (outcome.kind, outcome.ambiguous) == (OutcomeKind.TRANSIENT, True)


@pytest.mark.parametrize(("after", "kind"), [("451 4.3.0 disk\r\n", T), ("554 5.6.0 spam\r\n", P)])
def test_the_reply_after_the_dot_decides(after: str, kind: OutcomeKind) -> None:
    outcome = outcome_of(Script(GOOD, after_dot=after))
    assert (outcome.kind, outcome.ambiguous) == (kind, False)


def test_the_next_host_is_tried_when_one_is_out_of_order() -> None:
    good = Script(GOOD)
    assert outcome_of(Script(GOOD, banner="421 busy\r\n"), good).kind is OutcomeKind.DELIVERED
    assert good.connections == 1


def test_a_verdict_about_the_recipient_is_not_asked_for_twice() -> None:
    second = Script(GOOD)
    outcome = outcome_of(Script({**GOOD, "RCPT": "550 5.1.1 no\r\n"}), second)
    assert (outcome.kind, second.connections) == (OutcomeKind.PERMANENT, 0)


def test_a_silent_server_is_given_up_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    outcome = outcome_of(silent, timeout_s=0.05)
    assert (outcome.kind, outcome.ambiguous) == (OutcomeKind.TRANSIENT, False)


def test_one_connection_serves_many_messages() -> None:
    server = Script(GOOD)
    outcomes = asyncio.run(deliver(server, times=5))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DELIVERED}
    assert (server.connections, len(server.messages)) == (1, 5)


def test_starttls_that_fails_is_tried_again_in_clear() -> None:
    """Opportunistic TLS: a broken handshake is worth no more than none offered."""
    server = Script({**GOOD, "EHLO": "250-hi\r\n250 STARTTLS\r\n", "STARTTLS": "220 go\r\n"})

    async def breaks_after_220(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.connections == 0:
            server.connections += 1
            writer.write(b"220 hi\r\n")
            await reader.readline()
            writer.write(b"250-hi\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go\r\n")
            await reader.read(64)
            writer.write(b"this is not a handshake\r\n")
            writer.close()
        else:
            await server(reader, writer)

    outcome = outcome_of(breaks_after_220)
    assert (outcome.kind, outcome.tls) == (OutcomeKind.DELIVERED, None)


@pytest.mark.parametrize(
    "data", [b"From: a@example.com\r\n\r\nbare\nline\r\n", b"X: " + b"x" * 1_000 + b"\r\n"]
)
def test_a_message_that_we_should_not_have_made_is_a_fault_of_ours(data: bytes) -> None:
    server = Script(GOOD)
    with pytest.raises(MessageDefect):
        outcome_of(server, data=data)
    assert server.messages == []


def test_an_error_of_our_own_composer_is_no_outcome() -> None:
    class BadSigning:
        async def sign(self, message: bytes, signers: object, *, now: float) -> bytes:
            raise MessageError("Illegal header 'Date'.")

    async def attempt() -> None:
        clock = FakeClock()
        deliverer = Deliverer(
            OneRoute([Host("h.test", "127.0.0.1", 1)]), TlsPolicy(resolver(), sts=None, dane=False),  # type: ignore[arg-type]
            Pool(hostname="me.test", timeouts=Timeouts(), clock=clock),
            NoSettings(), BadSigning(), clock,  # type: ignore[arg-type]
            body=body_of(None), return_path=lambda *_: "b@bounces.test",
        )  # fmt: skip
        await deliverer.attempt(claim(), place(claim()))

    with pytest.raises(MessageError):
        asyncio.run(attempt())


EIGHT_BIT = "From: a@example.com\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n".encode()
EHLO_8BIT = {**GOOD, "EHLO": "250-hi\r\n250 8BITMIME\r\n"}


def test_a_server_without_8bitmime_gets_a_copy_in_7_bit() -> None:
    server = Script(GOOD)
    assert outcome_of(server, data=EIGHT_BIT).kind is OutcomeKind.DELIVERED
    [message] = server.messages
    assert message.isascii()
    assert b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n" in message


def test_a_server_with_8bitmime_gets_the_message_as_it_is() -> None:
    server = Script(EHLO_8BIT)
    outcome_of(server, data=EIGHT_BIT)
    assert server.messages == [EIGHT_BIT + b".\r\n"]


def test_an_8_bit_header_goes_as_encoded_words_unless_the_server_knows_utf8() -> None:
    data = "From: a@example.com\r\nSubject: Grüße\r\n\r\nx\r\n".encode()
    server = Script(EHLO_8BIT)
    outcome_of(server, data=data)
    assert server.messages[0].isascii()
    server = Script({**GOOD, "EHLO": "250-hi\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"})
    outcome_of(server, data=data)
    assert server.messages == [data + b".\r\n"]


def test_a_message_that_cannot_be_converted_is_tried_at_the_next_host() -> None:
    kind = 'Content-Type: multipart/signed; boundary="b"'
    signed = f"From: a@example.com\r\n{kind}\r\n\r\n--b\r\n\r\nü\r\n--b--\r\n".encode()
    first, second = Script(GOOD), Script(EHLO_8BIT)
    assert outcome_of(first, second, data=signed).kind is OutcomeKind.DELIVERED
    assert (len(first.messages), len(second.messages)) == (0, 1)
    refused = outcome_of(Script(GOOD), data=signed)
    assert (refused.kind, refused.status) == (P, "5.6.3")


def test_a_message_that_is_too_large_is_not_begun_and_tried_at_the_next_host() -> None:
    small: dict[str, str | None] = {
        **GOOD,
        "EHLO": "250-hi\r\n250 SIZE 10\r\n",
        "MAIL": "554 not reached\r\n",
    }
    outcome = outcome_of(Script(small))
    assert (outcome.kind, outcome.status) == (P, "5.3.4")
    second = Script(GOOD)
    assert outcome_of(Script(small), second).kind is OutcomeKind.DELIVERED


def test_a_host_that_is_down_keeps_open_what_another_refuses_for_good() -> None:
    small: dict[str, str | None] = {**GOOD, "EHLO": "250-hi\r\n250 SIZE 10\r\n"}
    busy = Script(GOOD, banner="421 busy\r\n")
    for servers in ((busy, Script(small)), (Script(small), busy)):
        assert outcome_of(*servers).kind is T
