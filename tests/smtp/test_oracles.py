"""Over real sockets: smtplib against our server, our client against aiosmtpd."""

import asyncio
import datetime
import smtplib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sesame.smtp.client import TransactionDone
from sesame.smtp.events import MessageReceived
from sesame.smtp.limits import Limits
from sesame.smtp.profile import MAIL_EXCHANGER, SES_SUBMISSION
from sesame.smtp.server import ServerConnection
from tests.smtp.test_smuggling import SEQUENCES
from tests.support.patience import PATIENCE_S
from tests.support.smtp_client import Wire
from tests.support.smtp_server import Inbox, serving

CONTENTS = [
    b"",
    b"Subject: hi\r\n\r\nbody\r\n",
    b".\r\n..\r\n.dot\r\n\r\n.\r\n",
    "Subject: ü\r\n\r\nÄÖÜ\r\n".encode(),
    b"Subject: long\r\n\r\n" + b"x" * 998 + b"\r\n" + b"y" * 60 + b"\r\n",
    b"Subject: large\r\n\r\n" + (b"z" * 76 + b"\r\n") * 5_000,
]


def submission() -> ServerConnection:
    return ServerConnection(
        hostname="localhost", profile=SES_SUBMISSION, limits=Limits(), tls="starttls", auth="required"
    )


def mail_exchanger() -> ServerConnection:
    return ServerConnection(
        hostname="localhost", profile=MAIL_EXCHANGER, limits=Limits(), tls="none", auth="none"
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for `localhost`, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def with_smtplib(
    make: Callable[[], ServerConnection],
    play: Callable[[smtplib.SMTP], None],
    certificate: Path | None = None,
) -> Inbox:
    """What arrives while `play` uses an smtplib connection in another thread."""

    def play_and_leave(port: int) -> None:
        with smtplib.SMTP("localhost", port, timeout=PATIENCE_S) as client:
            play(client)

    async def run() -> Inbox:
        tls = None
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
        async with serving(make, tls=tls) as inbox:
            await asyncio.wait_for(asyncio.to_thread(play_and_leave, inbox.port), PATIENCE_S)
        return inbox

    return asyncio.run(run())


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_smtplib_submits_over_starttls(certificate: Path, mechanism: str) -> None:
    def play(client: smtplib.SMTP) -> None:
        client.starttls(context=ssl.create_default_context(cafile=certificate))
        client.ehlo()
        client.user, client.password = "AKID", "secret"
        method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
        assert client.auth(mechanism, method) == (235, b"Authentication successful.")
        for content in CONTENTS[1:]:  # smtplib puts a line into an empty message
            assert client.sendmail("a@x.example", ["b@y.example", "c@z.example"], content) == {}

    inbox = with_smtplib(submission, play, certificate)
    want = [
        MessageReceived(mail_from="a@x.example", recipients=("b@y.example", "c@z.example"), data=content)
        for content in CONTENTS[1:]
    ]
    assert inbox.messages == want


def test_smtplib_sees_the_refusals_of_ses(certificate: Path) -> None:
    def play(client: smtplib.SMTP) -> None:
        client.ehlo()
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("a@x.example", ["b@y.example"], b"hi")
        assert refused.value.smtp_error == b"Must issue a STARTTLS command first"
        client.starttls(context=ssl.create_default_context(cafile=certificate))
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("a@x.example", ["b@y.example"], b"hi")
        assert refused.value.smtp_error == b"Authentication required"
        with pytest.raises(smtplib.SMTPAuthenticationError) as unknown:
            client.login("AKID", "wrong")
        assert (unknown.value.smtp_code, unknown.value.smtp_error) == (
            535,
            b"Authentication Credentials Invalid",
        )
        client.login("AKID", "right")
        with pytest.raises(smtplib.SMTPDataError) as rejected:
            client.sendmail("a@x.example", ["b@y.example"], b"refuse me")
        assert rejected.value.smtp_error == b"Message rejected: it asked for it"
        assert client.sendmail("a@x.example", ["b@y.example"], b"hi") == {}

    assert [message.data for message in with_smtplib(submission, play, certificate).messages] == [b"hi\r\n"]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=ascii)
def test_what_smtplib_smuggles_does_not_arrive(sequence: bytes) -> None:
    """smtplib writes stray CR, LF and NUL as it is given them."""

    def play(client: smtplib.SMTP) -> None:
        client.ehlo()
        client.mail("a@x.example")
        client.rcpt("b@y.example")
        client.putcmd("data")
        assert client.getreply()[0] == 354
        smuggled = b"MAIL FROM:<c@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nhi\r\n.\r\n"
        client.send(b"body" + sequence + smuggled)
        assert client.getreply()[0] == 554
        client.close()

    assert with_smtplib(mail_exchanger, play).messages == []


class Sink:
    """An aiosmtpd handler that keeps what it is given."""

    def __init__(self) -> None:
        self.received: list[tuple[str, list[str], bytes]] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Refuse one address, take the others."""
        if address.startswith("nobody@"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep the message."""
        self.received.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 kept"


def test_our_client_delivers_to_aiosmtpd() -> None:
    sink = Sink()

    async def run() -> list[TransactionDone]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(sink, hostname="sink.example", loop=loop), "127.0.0.1", 0
        )
        done = []
        async with server:
            wire = await Wire.connect(server.sockets[0].getsockname()[1])
            assert wire.machine.extensions.has_eight_bit_mime
            assert not wire.machine.extensions.has_pipelining
            for content in CONTENTS[1:]:
                event = await wire.send("a@x.example", ["b@y.example", "nobody@y.example"], content)
                assert isinstance(event, TransactionDone)
                done.append(event)
            await wire.quit()
        return done

    for event in asyncio.run(run()):
        assert [result.reply.diagnostic for result in event.results] == [
            "250 2.0.0 kept",
            "550 5.1.1 No such user",
        ]
    assert sink.received == [("a@x.example", ["b@y.example"], content) for content in CONTENTS[1:]]


def test_our_client_delivers_to_our_server_over_a_socket() -> None:
    async def run() -> Inbox:
        async with serving(mail_exchanger) as inbox:
            wire = await Wire.connect(inbox.port)
            assert wire.machine.extensions.has_pipelining
            for content in CONTENTS:
                event = await wire.send("", ["b@y.example"], content)
                assert isinstance(event, TransactionDone)
                assert event.results[0].is_delivered
            await wire.quit()
        return inbox

    assert [message.data for message in asyncio.run(run()).messages] == CONTENTS
