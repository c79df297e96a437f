"""The submission door as hostile and unlucky clients meet it, over real sockets."""

import io
import json
import select
import shutil
import smtplib
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from sesame.errors import ConfigError
from sesame.observe import Log, SystemClock
from sesame.server.smtp import client_network
from sesame.server.smtp_connection import MOST_NOTED
from sesame.server.tls import Certificate, development_files
from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess, running, wait_until
from tests.support.submission import connected, logged_in, port_of, published_password, trust

SEQUENCES = [
    sequence.encode("latin-1")
    for sequence in json.loads(
        (Path(__file__).resolve().parents[1] / "vectors" / "smuggling" / "eod_sequences.json").read_text()
    )["union"]
]
PER_ADDRESS = 4


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server whose patience is short."""
    settings = {
        "SESAME_SUBMISSION__HELLO_S": "0.6",
        "SESAME_SUBMISSION__IDLE_S": "0.6",
        "SESAME_SUBMISSION__CONNECTIONS_PER_ADDRESS": str(PER_ADDRESS),
        "SESAME_SUBMISSION__FAILURE_DELAY_S": "0",
    }
    with running(tmp_path_factory.mktemp("door") / "data", **settings) as sesame:
        yield sesame


@pytest.fixture(scope="module")
def account(door: SesameProcess) -> Account:
    account = door.create_account()
    door.vouch(account, "x.example")
    return account


def everything(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    sock.settimeout(20)
    while data := sock.recv(65_536):
        received += data
    return received


def test_a_client_that_says_nothing_is_sent_away(door: SesameProcess) -> None:
    with socket.create_connection(("127.0.0.1", port_of(door.smtp))) as sock:
        words = everything(sock)
    assert words.startswith(b"220 ")
    assert words.endswith(b"451 4.4.2 Timeout waiting for data from client.\r\n")


def test_a_client_that_drips_has_no_longer(door: SesameProcess) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port_of(door.smtp))) as sock:
        sock.settimeout(0.02)
        received = b""
        while not received.endswith(b"451 4.4.2 Timeout waiting for data from client.\r\n"):
            assert time.monotonic() - began < 20
            try:
                sock.sendall(b"N")
                received += sock.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                break


def test_silence_after_logging_in_ends_the_session(door: SesameProcess, account: Account) -> None:
    with logged_in(door, account) as client:
        assert client.sock is not None
        assert everything(client.sock) == b"451 4.4.2 Timeout waiting for data from client.\r\n"


def test_one_address_holds_only_so_many_connections(door: SesameProcess) -> None:
    greeted = [socket.create_connection(("127.0.0.1", port_of(door.smtp))) for _ in range(PER_ADDRESS)]
    try:
        for sock in greeted:
            assert sock.recv(100).startswith(b"220 ")
        with socket.create_connection(("127.0.0.1", port_of(door.smtp))) as one_more:
            assert everything(one_more) == b"421 Too many concurrent SMTP connections\r\n"
    finally:
        for sock in greeted:
            sock.close()


def test_a_renewed_certificate_is_served_and_a_broken_one_is_not(door: SesameProcess, tmp_path: Path) -> None:
    live = Path(door.ca).parent
    new_ca, chain, key = development_files(tmp_path / "new", ["localhost"], now=time.time())
    with connected(door):
        pass
    shutil.copy(new_ca, door.ca)
    for source, target in ((key, live / "server.key"), (chain, live / "server.pem")):
        shutil.copy(source, tmp_path / "next")
        (tmp_path / "next").replace(target)
    for implicit in (False, True):
        with connected(door, implicit=implicit) as client:  # trusts the new CA alone
            assert client.noop()[0] == 250
    (live / "server.pem").write_text("no certificate")
    with connected(door) as client:
        assert client.noop()[0] == 250


def test_old_versions_of_tls_are_refused(door: SesameProcess) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(door.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with smtplib.SMTP("localhost", port_of(door.smtp), timeout=PATIENCE_S) as client:
        client.starttls(context=context)
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        smtplib.SMTP("localhost", port_of(door.smtp), timeout=PATIENCE_S) as client,
        pytest.raises(ssl.SSLError),
    ):
        client.starttls(context=context)


SMUGGLED = (
    b"MAIL FROM:<ceo@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nFrom: ceo@x.example\r\n\r\nPay!\r\n.\r\n"
)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=ascii)
def test_no_sequence_cut_anywhere_smuggles_a_message(
    sequence: bytes, sesame: SesameProcess, smuggler: Account
) -> None:
    """A read a byte, then every cut in two; the core's test covers every profile, this one the sockets."""
    wire = b"From: a@x.example\r\n\r\nx" + sequence + SMUGGLED
    cuts = [[wire[at : at + 1] for at in range(len(wire))]]
    cuts += [[wire[:cut], wire[cut:]] for cut in range(1, len(wire))]
    password = published_password(smuggler.secret_access_key, "us-east-1")
    context = trust(sesame)
    for pieces in cuts:
        with smtplib.SMTP_SSL(
            "localhost", port_of(sesame.smtps), context=context, timeout=PATIENCE_S
        ) as client:
            client.login(smuggler.access_key_id, password)
            client.mail("a@x.example")
            client.rcpt("b@y.example")
            assert client.docmd("DATA")[0] == 354
            assert isinstance(client.sock, ssl.SSLSocket)
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for piece in pieces:
                    client.sock.sendall(piece)
            except OSError:
                pass  # cut off in the middle, as it should be
            try:
                answer = everything(client.sock)
            except OSError:
                answer = b""
            assert answer in (b"", b"554 5.6.0 Bare CR, bare LF or NUL is not allowed\r\n"), pieces
            client.close()
    assert not [mail for mail in sesame.mail() if b"Pay!" in mail.data]


@pytest.fixture(scope="module")
def smuggler(sesame: SesameProcess) -> Account:
    account = sesame.create_account()
    sesame.vouch(account, "x.example")
    return account


def test_a_server_that_stops_says_421_and_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "data") as sesame:
        account = sesame.create_account()
        sesame.vouch(account, "x.example")
        with logged_in(sesame, account) as idle, logged_in(sesame, account) as busy:
            busy.sendmail("a@x.example", ["b@y.example"], "From: a@x.example\r\n\r\nkept\r\n")
            busy.mail("a@x.example")
            busy.rcpt("b@y.example")
            busy.docmd("DATA")
            assert sesame.stop() == 0
            for client in (idle, busy):
                assert client.sock is not None
                assert everything(client.sock) == b"421 Service closing transmission channel\r\n"
        assert len(sesame.mail()) == 1


@pytest.mark.parametrize("end", ["silence", "reset", "close", "rubbish"])
def test_handshakes_that_break_off_are_counted_out(end: str, door: SesameProcess) -> None:
    """A client that goes away inside STARTTLS, or never speaks TLS, holds no place afterwards."""
    clients = []
    for _ in range(PER_ADDRESS):
        sock = socket.create_connection(("127.0.0.1", port_of(door.smtp)), timeout=PATIENCE_S)
        clients.append(sock)
        converse(sock, b"EHLO x\r\n", b"STARTTLS\r\n")
        sock.sendall(b"\x16\x03\x01" if end != "rubbish" else b"EHLO again\r\n")
    for sock in clients:
        if end == "silence":
            assert everything(sock) == b""
        elif end == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    wait_until(lambda: is_greeted(door.smtp))
    assert "Traceback" not in door.log_path.read_text()


def test_a_command_that_comes_along_with_the_end_of_the_handshake_is_answered(door: SesameProcess) -> None:
    """TLS 1.3: the client may speak in the segment of its Finished."""
    with socket.create_connection(("127.0.0.1", port_of(door.smtp)), timeout=PATIENCE_S) as sock:
        converse(sock, b"EHLO x\r\n", b"STARTTLS\r\n")
        inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trust(door).wrap_bio(inside, outside, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        sock.sendall(outside.read())
        for _ in range(100):
            inside.write(sock.recv(65_536))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        tls.write(b"EHLO x\r\n")
        sock.sendall(outside.read())
        words = b""
        while not words.endswith(b"250 Ok\r\n"):
            try:
                words += tls.read(65_536)
                assert b"Timeout" not in words
            except ssl.SSLWantReadError:
                inside.write(sock.recv(65_536))


def test_unfinished_handshakes_are_among_the_connections_of_an_address(door: SesameProcess) -> None:
    """TLS from the start: who never speaks it holds a place too, and no more than its share."""
    silent: list[socket.socket] = []

    def is_crowded() -> bool:
        silent.append(socket.create_connection(("127.0.0.1", port_of(door.smtps))))
        return not is_greeted(door.smtp)

    try:
        wait_until(is_crowded)
    finally:
        for sock in silent:
            sock.close()
    wait_until(lambda: is_greeted(door.smtp))


def test_a_message_that_stops_coming_ends_the_session(door: SesameProcess, account: Account) -> None:
    """However much of it came before: megabytes earn no hours of patience."""
    with logged_in(door, account) as client:
        client.mail("a@x.example")
        client.rcpt("b@y.example")
        client.docmd("DATA")
        assert client.sock is not None
        client.sock.sendall(b"From: a@x.example\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 5000)
        assert everything(client.sock) == b"451 4.4.2 Timeout waiting for data from client.\r\n"


def converse(sock: socket.socket, *commands: bytes) -> None:
    """Read the greeting, say each command, read its answer."""
    assert sock.recv(65_536).startswith(b"220 ")
    for command in commands:
        sock.sendall(command)
        assert sock.recv(65_536).startswith((b"250", b"220"))


def is_greeted(where: str) -> bool:
    """A connection is welcome."""
    with socket.create_connection(("127.0.0.1", port_of(where)), timeout=PATIENCE_S) as sock:
        return sock.recv(100).startswith(b"220 ")


def test_a_clients_share_is_that_of_its_network() -> None:
    """Whoever has one IPv6 address has 2^64 of them; an IPv4 client is one client in either notation."""
    assert client_network("2001:db8::1") == client_network("2001:db8:0:0:ffff::2")
    assert client_network("2001:db8::1") != client_network("2001:db8:0:1::1")
    assert client_network("fe80::1%eth0") == client_network("fe80::2")
    assert client_network("::ffff:192.0.2.1") == client_network("192.0.2.1")
    assert client_network("192.0.2.1") != client_network("192.0.2.2")
    assert client_network("") == ""


def test_messages_coming_in_are_bounded_together(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_SUBMISSION__MEMORY_BYTES="300000") as sesame:
        account = sesame.create_account()
        sesame.vouch(account, "x.example")
        line = b"x" * 76 + b"\r\n"
        with logged_in(sesame, account) as first, logged_in(sesame, account) as second:
            for client in (first, second):
                client.mail("a@x.example")
                client.rcpt("b@y.example")
                assert client.docmd("DATA")[0] == 354
                assert client.sock is not None
                client.sock.sendall(b"From: a@x.example\r\n\r\n" + line * 2_500)
            assert first.sock is not None and second.sock is not None
            ready, _, _ = select.select([first.sock, second.sock], [], [], 20)
            refused, other = (first, second) if ready == [first.sock] else (second, first)
            assert refused.sock is not None and other.sock is not None
            assert everything(refused.sock) == b"421 Too much mail at once, try again later\r\n"
            told = wait_until(lambda: logged(sesame, "smtp_command_refused"))
            assert [(one["command"], str(one["code"])) for one in told] == [("DATA", "421")]
            other.sock.sendall(b".\r\n")
            assert other.getreply()[0] == 250
        with logged_in(sesame, account) as third:  # what was held is given back
            third.sendmail("a@x.example", ["b@y.example"], b"From: a@x.example\r\n\r\n" + line * 2_500)


def test_an_encrypted_key_is_refused_and_not_asked_for(tmp_path: Path) -> None:
    _, chain, key = development_files(tmp_path, ["localhost"], now=time.time())
    loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    log = Log(io.StringIO(), as_json=True, clock=SystemClock())
    with pytest.raises(ConfigError, match=r"submission\.tls_certificate"):
        Certificate(chain, key, setting="submission.tls_certificate", log=log)


def test_the_log_says_which_way_into_tls_a_port_has(door: SesameProcess) -> None:
    """To whoever looks there because a program says "wrong version number" or waits for a greeting."""
    context = ssl.create_default_context()
    here = ("127.0.0.1", port_of(door.smtp))
    with socket.create_connection(here, timeout=PATIENCE_S) as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock, server_hostname="localhost")
    assert wait_until(lambda: causes(door, "submission.tls_ports"))
    for words in (b"", b"EHLO app.example\r\n"):
        seen = len(causes(door, "TLS comes first"))
        with socket.create_connection(("127.0.0.1", port_of(door.smtps)), timeout=PATIENCE_S) as sock:
            sock.sendall(words)
            everything(sock)
        assert wait_until(lambda seen=seen: len(causes(door, "TLS comes first")) > seen)


def causes(door: SesameProcess, words: str) -> list[str]:
    """Of the ways into TLS that failed, the causes with these words."""
    found = (str(event.get("cause", "")) for event in logged(door, "smtp_tls_failed"))
    return [cause for cause in found if words in cause]


def logged(door: SesameProcess, name: str) -> list[dict[str, str]]:
    """The events of that name in the log."""
    lines = (line for line in door.log_path.read_text().splitlines() if line.startswith("{"))
    return [event for event in map(json.loads, lines) if event["event"] == name]


def test_the_log_says_why_the_null_sender_is_refused(door: SesameProcess, account: Account) -> None:
    with logged_in(door, account) as client:
        assert client.docmd("MAIL", "FROM:<>")[0] == 501
    [event] = wait_until(lambda: logged(door, "smtp_address_refused"))
    assert "`<>`, the null sender" in event["cause"] and event["why"] == f"sesame why {event['request_id']}"


def test_a_message_that_breaks_the_rules_of_lines_is_recorded(door: SesameProcess, account: Account) -> None:
    """It never becomes a submission; whose it was and why it was refused is found all the same."""
    message = b"From: news@x.example\r\nSubject: x\r\n\r\n" + b"y" * 1_200 + b"\r\n"
    with logged_in(door, account) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("news@x.example", ["you@elsewhere.test"], message)
    assert refused.value.smtp_code == 554
    [event] = wait_until(
        lambda: [one for one in logged(door, "smtp_command_refused") if str(one.get("code")) == "554"]
    )
    assert (event["account_id"], event["command"]) == (account.account_id, "DATA")
    assert "Line longer than 1000 octets" in event["cause"]
    found = [
        one
        for one in door.run_json("decisions", account.account_id)
        if one["request_id"] == event["request_id"]
    ]
    assert [one["code"] for one in found] == ["554"]
    assert "998 characters" in door.run("why", event["request_id"]).stdout


def test_who_tries_to_send_without_a_log_in_is_in_the_log(door: SesameProcess) -> None:
    with connected(door) as client:
        client.ehlo()
        assert client.docmd("MAIL", "FROM:<news@x.example>")[0] == 530
        assert client.docmd("XYZZY")[0] == 500
    [event] = wait_until(
        lambda: [one for one in logged(door, "smtp_command_refused") if str(one["code"]) == "530"]
    )
    assert (event["command"], event["address"]) == ("MAIL", "127.0.0.1")
    assert "account_id" not in event and "request_id" not in event


def test_of_one_connection_so_many_refusals_are_recorded_and_no_more(door: SesameProcess) -> None:
    """Whoever has a password cannot fill the store by talking nonsense."""
    account = door.create_account()
    with logged_in(door, account) as client:
        for _ in range(MOST_NOTED + 5):
            assert client.docmd("RCPT", "TO:<a@b.test>")[0] == 503

    def recorded() -> list[dict[str, str]]:
        found = logged(door, "smtp_command_refused")
        return [event for event in found if event.get("account_id") == account.account_id]

    wait_until(lambda: len(recorded()) >= MOST_NOTED)
    with logged_in(door, account) as client:  # what comes later is recorded later
        assert client.docmd("DATA")[0] == 503
    wait_until(lambda: recorded()[-1]["command"] == "DATA")
    assert len(recorded()) == MOST_NOTED + 1
