"""A server that is killed and started again, clients that keep a ledger, and a receiver that keeps another."""

import asyncio
import base64
import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import raw_email, sign
from bench.receiver import Receiver
from bench.server import COMMAND, DOMAIN, REGION, UNLIMITED, Key
from sesame.access.identity_names import identity_kind
from sesame.app.foundation import open_services
from sesame.config import load

CLIENTS = 12
LARGE_EVERY = 40
LARGE_LINES = 5_000
START_S = 60.0
ANSWER_S = 30.0

CONFIG = (
    f"disk_reserve_bytes = 0{UNLIMITED}"
    + """[delivery]
enabled = {delivers}
relay = "127.0.0.1:{port}"
per_domain = 16
lease_s = 2
first_delay_s = 0.2
longest_delay_s = 0.5
"""
)


@dataclass(slots=True)
class Ledger:
    """What clients know of their messages, by Subject."""

    acknowledged: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The message's id, and when the answer had come."""
    refused: set[str] = field(default_factory=set)
    """Answered, and not with 200."""
    unknown: set[str] = field(default_factory=set)
    """Never answered, or with "unavailable": accepted or not."""


class World:
    """One data directory; at most one server on it at a time."""

    def __init__(self, directory: Path, port: int, *, delivers: bool = True) -> None:
        self.directory = directory
        self.data = directory / "data"
        self._config = directory / "sesame.toml"
        self._config.write_text(CONFIG.format(port=port, delivers="true" if delivers else "false"))
        self.ledger = Ledger()
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ("", 0)
        self._key = asyncio.run(self._set_up())

    async def _set_up(self) -> Key:
        """A production account with DOMAIN verified."""
        settings = load(self._config, environ={}, flags={"data": str(self.data)})
        async with open_services(settings) as services:
            keys = await services.operator.create_account("", production=True)
            await services.verification.vouch(keys.account_id, REGION, DOMAIN, identity_kind(DOMAIN))
        return Key(keys.account_id, keys.access_key_id, keys.secret_access_key)

    @property
    def database(self) -> Path:
        """The database file."""
        return self.data / "sesame.db"

    def run(self, *args: str) -> str:
        """Run one command on the data directory."""
        command = [*COMMAND, *args, *self._where()]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def start(self, launcher: list[str] = COMMAND, *, environ: Mapping[str, str] | None = None) -> bool:
        """Start the server; False when it died before it listened."""
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        command = [*launcher, "serve", "--api-port", "0", "--ready-file", str(ready), *self._where()]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **(environ or {})}
            )
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if self._process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise RuntimeError((self.directory / "log").read_text()[-2_000:])
            time.sleep(0.01)
        host, _, port = json.loads(ready.read_text())["api"].partition("//")[2].rpartition(":")
        self._address = host, int(port)
        return True

    @property
    def is_alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def send(self, count: int, *, within_s: float = 60.0) -> None:
        """Send up to `count` messages, side by side, until all are answered or the server is gone."""
        asyncio.run(self._send(count, within_s))

    async def _send(self, count: int, within_s: float) -> None:
        numbers = iter(range(self._number, self._number + count))
        self._number += count
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self._client(numbers))

    async def _client(self, numbers: Iterator[int]) -> None:
        try:
            reader, writer = await asyncio.open_connection(*self._address)
        except OSError:
            return
        try:
            for number in numbers:
                if not await self._ask(reader, writer, number):
                    return
        finally:
            writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        """Send one message; False when the server is gone."""
        subject = f"m{number}"
        (request,) = sign(self._key, self._address, [_form(subject, number)])
        try:
            async with asyncio.timeout(ANSWER_S):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
                body = await reader.readexactly(length)
        except (OSError, EOFError, TimeoutError):
            self.ledger.unknown.add(subject)
            return False
        if head.startswith(b"HTTP/1.1 200"):
            message_id = re.search(rb"<MessageId>([^<]+)", body)[1].decode()  # type: ignore[index]
            self.ledger.acknowledged[subject] = message_id, time.monotonic()
        elif head.startswith(b"HTTP/1.1 4"):
            self.ledger.refused.add(subject)
        else:  # "unavailable": it may have been accepted or not
            self.ledger.unknown.add(subject)
        return b"connection: close" not in head.lower()

    def _where(self) -> list[str]:
        return ["--data", str(self.data), "--config", str(self._config)]


def _form(subject: str, number: int) -> dict[str, str]:
    lines = LARGE_LINES if number % LARGE_EVERY == LARGE_EVERY - 1 else 2
    text = (
        f"From: News <news@{DOMAIN}>\r\nTo: r{number}@d{number % 20}.example\r\nSubject: {subject}\r\n\r\n"
        + ("x" * 76 + "\r\n") * lines
    )
    return {**raw_email(0), "RawMessage.Data": base64.b64encode(text.encode()).decode()}


@dataclass(slots=True)
class Findings:
    """What the checker holds against the service; all empty when all is well."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, and not there."""
    refused: list[str] = field(default_factory=list)
    """Refused, and delivered all the same."""
    repeated: list[str] = field(default_factory=list)
    """Delivered again after the delivery had been recorded."""
    broken: list[str] = field(default_factory=list)
    """What the database says against itself."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.lost) + len(self.refused) + len(self.repeated) + len(self.broken)

    def add(self, other: "Findings") -> None:
        """Take over what was found elsewhere."""
        self.lost += other.lost
        self.refused += other.refused
        self.repeated += other.repeated
        self.broken += other.broken


RULES = {
    "a queued recipient without its place in the queue": (
        "SELECT r.seq FROM recipient r WHERE r.state = 'queued'"
        " AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.seq = r.seq)"
    ),
    "a place in the queue of nobody who waits": (
        "SELECT q.seq FROM queue q LEFT JOIN recipient r ON r.seq = q.seq"
        " WHERE r.seq IS NULL OR r.state NOT IN ('queued', 'held')"
    ),
    "a recipient who waits for a text that is gone": (
        "SELECT q.seq FROM queue q WHERE NOT EXISTS (SELECT 1 FROM body b WHERE b.message_seq = q.message_seq)"
    ),
    "a text with pieces missing": (
        "SELECT b.message_seq FROM body b JOIN message m ON m.seq = b.message_seq WHERE b.pieces <>"
        " (SELECT COUNT(*) FROM body_piece p WHERE p.message_id = m.message_id) AND b.pieces > 0"
    ),
    "a message without recipients": (
        "SELECT m.seq FROM message m WHERE NOT EXISTS (SELECT 1 FROM recipient r WHERE r.message_seq = m.seq)"
    ),
    "a message whose acceptance is not an event": (
        "SELECT m.seq FROM message m WHERE NOT EXISTS (SELECT 1 FROM event_log e WHERE e.message_seq = m.seq"
        " AND e.kind = 'accepted')"
    ),
    "a delivery that is not an event": (
        "SELECT r.seq FROM recipient r WHERE r.state = 'delivered' AND NOT EXISTS (SELECT 1 FROM event_log e"
        " WHERE e.message_seq = r.message_seq AND e.n = r.n AND e.kind = 'delivered')"
    ),
}


def check_database(path: Path, ledger: Ledger, *, before: float = float("inf")) -> Findings:
    """Hold a database to the clients' ledger as of a moment, and to itself."""
    found = Findings()
    there: set[str] = set()
    connection = sqlite3.connect(path)
    try:
        for (line,) in connection.execute("PRAGMA integrity_check"):
            if line != "ok" and not line.startswith("NULL value in"):
                found.broken.append(line)
        there = {row[0] for row in connection.execute("SELECT message_id FROM message")}
        for rule, query in RULES.items():
            found.broken += [f"{rule}: {row[0]}" for row in connection.execute(query)]
    except sqlite3.DatabaseError as error:
        found.broken.append(str(error))
    finally:
        connection.close()
    found.lost = [
        subject
        for subject, (message_id, at) in ledger.acknowledged.items()
        if at < before and message_id not in there
    ]
    return found


def recorded(path: Path) -> set[str]:
    """The subjects of messages whose delivery is recorded."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return {
            row[0]
            for row in connection.execute(
                "SELECT m.subject FROM message m JOIN recipient r ON r.message_seq = m.seq WHERE r.state = 'delivered'"
            )
        }
    finally:
        connection.close()


def count_held(path: Path) -> int:
    """How many recipients are kept from being tried."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM queue WHERE hold IS NOT NULL").fetchone()[0])
    finally:
        connection.close()


def wait_until_empty(path: Path, *, within_s: float) -> int:
    """Wait until nothing is queued but what is held; what is left."""
    deadline = time.monotonic() + within_s
    while True:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            (left,) = connection.execute("SELECT COUNT(*) FROM queue WHERE hold IS NULL").fetchone()
        finally:
            connection.close()
        if not left or time.monotonic() > deadline:
            return int(left)
        time.sleep(0.05)


def check_delivered(ledger: Ledger, receiver: Receiver) -> Findings:
    """Hold what the receiver took to the clients' ledger, once the queue is empty."""
    taken = {str(row["subject"]) for row in receiver.read()}
    return Findings(
        lost=[subject for subject in ledger.acknowledged if subject not in taken],
        refused=sorted(taken & ledger.refused),
    )
