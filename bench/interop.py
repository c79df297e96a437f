"""With other mail servers and verifiers: messages of many shapes each way, bytes and signatures checked.

Sesame hands mail to Postfix, Exim and OpenSMTPD, which hand it on; they hand mail to Sesame, logged in, which signs
and hands it on. What arrives has its body byte for byte, and every signature verifies with us and dkimpy, and where
they are installed with Mail::DKIM and OpenDKIM. We verify in turn what dkimpy signs.

`INTEROP_MESSAGES` says how many (1,000 each way).
"""

import base64
import email
import email.policy
import json
import os
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dkim
import uvloop

from bench import mtas
from bench.capture import Capture, capturing
from bench.load import send_all, sign
from bench.server import DOMAIN, REGION, UNLIMITED, Key, Server, serving
from bench.shapes import Shape, shapes
from bench.table import Row
from sesame.aws.smtp_password import smtp_password
from sesame.dkim.verify import verify

MESSAGES = int(os.environ.get("INTEROP_MESSAGES", "1000"))
PATIENCE_S = 120.0
"""How long nothing may arrive while messages are missing."""


def run() -> list[Row]:
    """The failures of each way; none are allowed."""
    with tempfile.TemporaryDirectory(prefix="sesame-interop-") as directory, capturing() as capture:
        return _all(Path(directory), capture)


def _row(name: str, failures: int) -> Row:
    return Row(name=name, figure=failures, unit="failures", target=0)


def _all(directory: Path, capture: Capture) -> list[Row]:
    names = [name for name in mtas.MAKERS if not _told(mtas.missing(name))]
    with world(directory, names, capture) as found:
        rows = [_row("to a server of ours", found.outwards("direct", MESSAGES))]
        rows += [_row(f"to {name}", found.outwards(name, MESSAGES)) for name in names]
        rows += [_row(f"from {name}", found.inwards(name, MESSAGES)) for name in names]
        records = found.records
    kept = [message for messages in capture.kept.values() for message in messages]
    rows += [_row(f"verified by {name}", failures) for name, failures in _verified(kept, records, directory)]
    return rows + [_row(f"signed by {name}", failures) for name, failures in _signed_by_others()]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running Sesame, with a route to each of the others; everything ends at `capture`."""

    directory: Path
    server: Server
    key: Key
    ports: Mapping[str, int]
    capture: Capture
    records: Mapping[str, str]

    def outwards(self, name: str, count: int) -> int:
        """Messages that go to one of the others, or to `direct`; how many failed."""
        sent = {one.token: one for one in shapes(count, seed=f"to-{name}", to=f"reader@{name}.test")}
        forms = [
            {"Action": "SendRawEmail", "RawMessage.Data": base64.b64encode(one.message).decode()}
            for one in sent.values()
        ]
        if name == "direct":
            self._hand_in(forms)
            return self._failures(sent)
        onward = mtas.Next(port=self.capture.port)
        with mtas.running(name, self.directory, onward, port=self.ports[name]):
            self._hand_in(forms)
            return self._failures(sent)

    def _hand_in(self, forms: Sequence[Mapping[str, str]]) -> None:
        """By API, some at a time: each of these has its time limit."""
        for at in range(0, len(forms), 50):
            requests = sign(self.key, self.server.address, forms[at : at + 50])
            uvloop.run(send_all(self.server.address, requests, connections=8))

    def inwards(self, name: str, count: int) -> int:
        """Messages that come from one of the others, which logs in; how many failed."""
        sent = {one.token: one for one in shapes(count, seed=f"from-{name}", to="reader@direct.test")}
        onward = mtas.Next(
            port=self.server.smtp_port,
            user=self.key.access_key_id,
            password=smtp_password(self.key.secret_access_key, REGION),
        )
        port = self.ports[name]
        with mtas.running(name, self.directory, onward, port=port):
            client = smtplib.SMTP("127.0.0.1", port, timeout=60)
            for n, one in enumerate(sent.values()):
                if n % 50 == 49:  # servers that count mails a connection
                    client.quit()
                    client = smtplib.SMTP("127.0.0.1", port, timeout=60)
                client.sendmail(f"news@{DOMAIN}", ["reader@direct.test"], one.message, ["BODY=8BITMIME"])
            client.quit()
            return self._failures(sent)

    def _failures(self, sent: Mapping[str, Shape]) -> int:
        """How many did not come, came twice, with another body, or with a signature that is not good."""
        wrong = dict.fromkeys(self.capture.wait_for(set(sent), within_s=PATIENCE_S), "did not arrive")
        for token, shape in sent.items():
            came = self.capture.kept.get(token, [])
            if len(came) > 1:
                wrong[token] = f"came {len(came)} times"
            for message in came:
                found = verify(message, self.records.get)
                if [one.result for one in found] != ["pass", "pass"]:
                    wrong[token] = f"signatures: {found}"
                elif not _has_body(shape, message):
                    wrong[token] = "another body"
        for token, why in list(wrong.items())[:5]:
            print(f"{token}: {why}", file=sys.stderr)
        return len(wrong)


@contextmanager
def world(directory: Path, names: Sequence[str], capture: Capture) -> Iterator[World]:
    """Sesame with routes to these servers, which are started when they are needed."""
    ports = {name: mtas.free_port() for name in names}
    config = UNLIMITED.replace("[dns]\n", "[dns]\ndkim_ed25519 = true\n") + (
        f'[delivery]\nrelay = "127.0.0.1:{capture.port}"\nfirst_delay_s = 1\n[submission]\nenabled = true\n'
        "ports = [0]\ntls_ports = []\n[health]\nenabled = false\n"
    )
    for name, port in ports.items():
        config += f'[[delivery.routes]]\ndomain = "{name}.test"\nrelay = "127.0.0.1:{port}"\n'
    with serving(config) as server:
        key = server.account()
        yield World(
            directory=directory, server=server, key=key, ports=ports, capture=capture, records=_records(server)
        )  # fmt: skip


def _told(reason: str) -> str:
    if reason:
        print(f"left out: {reason}", file=sys.stderr)
    return reason


def _records(server: Server) -> dict[str, str]:
    """The TXT record that DNS shows at each DKIM selector."""
    told = json.loads(server.run("dns", "records", "--json"))
    values = {record["name"]: record["value"] for record in told if record["type"] in ("TXT", "CNAME")}
    return {name: values.get(value, value) for name, value in values.items() if "._domainkey." in name}


def _has_body(shape: Shape, message: bytes) -> bool:
    """Whether the body is the same octets, or the same content where a server without 8BITMIME was on the way."""
    body = message.partition(b"\r\n\r\n")[2]
    if body == shape.body:
        return True
    ours, theirs = (
        email.message_from_bytes(data, policy=email.policy.SMTP) for data in (shape.message, message)
    )
    return not shape.body.isascii() and [part.get_payload(decode=True) for part in ours.walk()] == [
        part.get_payload(decode=True) for part in theirs.walk()
    ]


def _verified(
    messages: list[bytes], records: Mapping[str, str], directory: Path
) -> Iterable[tuple[str, int]]:
    """Of every message that arrived, how many each verifier finds fault with."""
    yield (
        "Sesame",
        sum(any(one.result != "pass" for one in verify(message, records.get)) for message in messages),
    )
    yield "dkimpy", sum(not _dkimpy_takes(message, records) for message in messages)
    for name, verifier in (("Mail::DKIM", _mail_dkim), ("OpenDKIM", _opendkim)):
        try:
            yield name, verifier(messages, records, directory)
        except FileNotFoundError as error:
            _told(str(error))


def _dkimpy_takes(message: bytes, records: Mapping[str, str]) -> bool:
    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        record = records.get(name.decode().rstrip("."))
        return None if record is None else record.encode()

    verifier = dkim.DKIM(message)
    return all(verifier.verify(idx=index, dnsfunc=answer) for index in range(2))


def _mail_dkim(messages: list[bytes], records: Mapping[str, str], directory: Path) -> int:
    from tests.support.mail_dkim import has_mail_dkim, mail_dkim

    if not has_mail_dkim():
        raise FileNotFoundError("there is no Mail::DKIM on this machine")
    wrong = 0
    for message in messages[:: max(1, len(messages) // MESSAGES)]:
        found = mail_dkim(message, records)
        wrong += any(result != "pass" for selector, result in found.items() if "ed25519" not in selector)
    return wrong


def _opendkim(messages: list[bytes], records: Mapping[str, str], directory: Path) -> int:
    """In its test mode; it knows no Ed25519, so it is shown messages with the RSA signature alone."""
    zone = directory / "opendkim.zone"
    zone.write_text("".join(f"{name} {value}\n" for name, value in records.items()))
    settings = directory / "opendkim.conf"
    settings.write_text(f"Mode v\nTestDNSData file:{zone}\nSyslog no\n")
    wrong = 0
    for at in range(0, len(messages), 50):
        paths = []
        for n, message in enumerate(messages[at : at + 50]):
            path = directory / f"opendkim-{n}"
            path.write_bytes(_without_ed25519(message))
            paths.append(str(path))
        done = subprocess.run(
            ["opendkim", "-x", str(settings), "-t", ",".join(paths)],
            capture_output=True, text=True, env={"PATH": mtas.PATH}, timeout=120, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        good = sum(" succeeded" in line for line in said.splitlines())
        if good < len(paths):
            print(f"OpenDKIM: {said.strip()[-300:]}", file=sys.stderr)
        wrong += len(paths) - good
    return wrong


def _without_ed25519(message: bytes) -> bytes:
    """As received, with LF as in files of Unix, without the signature that the verifier does not know."""
    head, rest = message, b""
    start = head.find(b"DKIM-Signature: v=1; a=ed25519-sha256")
    if start >= 0:
        end = start + 1
        while True:
            end = head.find(b"\r\n", end) + 2
            if head[end : end + 1] not in (b" ", b"\t"):
                break
        head = head[:start] + head[end:]
    return head + rest


def _signed_by_others() -> Iterable[tuple[str, int]]:
    """Of as many messages that others signed, how many we find fault with."""
    from sesame.dkim.sign import dns_record, generate_key

    private, public = generate_key(2048)
    pem = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(private) + b"-----END PRIVATE KEY-----\n"
    record = dns_record(public)
    ways: list[tuple[bytes, bytes]] = [
        (a, b) for a in (b"relaxed", b"simple") for b in (b"relaxed", b"simple")
    ]
    wrong = 0
    for n, one in enumerate(shapes(MESSAGES, seed="theirs", to="reader@direct.test")):
        field = dkim.sign(one.message, b"s", DOMAIN.encode(), pem, canonicalize=ways[n % 4])
        found = verify(field + one.message, lambda name: record)
        if [result.result for result in found] != ["pass"]:
            wrong += 1
            print(f"dkimpy signed {one.token}: {found}", file=sys.stderr)
    yield "dkimpy", wrong
