"""Receiving servers for the benches: one process that listens on every loopback address, each behaving as it is told.

A `Manner` says how an address behaves; those that are not named behave as `*`, or well. What was taken goes to a
ledger, a line of JSON for each message: when its last byte had come, its Subject, its recipient, and at which address.
"""

import asyncio
import json
import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import uvloop


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an address behaves. `close_at` is the command at which it hangs up, `banner`: before the greeting."""

    banner: str = "220 sink ESMTP\r\n"
    banner_byte_s: float = 0.0
    """So long for each byte of the greeting; with `is_endless` it never ends."""
    is_endless: bool = False
    is_silent: bool = False
    """Says nothing at all, and reads nothing."""
    bytes_per_s: float = 0.0
    """How fast it takes the text of a message; 0: as it comes."""
    quit_s: float = 0.0
    """How long QUIT waits for its answer; negative: for ever."""
    dot_s: float = 0.0
    """How long the end of a message waits for its answer."""
    close_at: str = ""
    replies: tuple[tuple[str, str], ...] = ()
    """Other replies than 250, by command; `.` is the end of the message. An empty one is never given."""


@dataclass(slots=True)
class Counts:
    """What the ledger does not say."""

    open: int = 0
    peak: int = 0
    connections: int = 0


class _Connection(asyncio.Protocol):
    """Just enough of RFC 5321, with PIPELINING, to take mail as the manner says."""

    def __init__(self, manners: Mapping[str, Manner], ledger: IO[str], counts: Counts) -> None:
        self._manners, self._ledger, self._counts = manners, ledger, counts
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._recipients: list[str] = []
        self._text: list[bytes] | None = None
        self._tail = b""
        """The last bytes of it, with which its end may begin."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._address = transport.get_extra_info("sockname")[0]
        self._manner = self._manners.get(self._address) or self._manners.get("*", Manner())
        self._counts.connections += 1
        self._counts.open += 1
        self._counts.peak = max(self._counts.peak, self._counts.open)
        if self._manner.is_silent:
            self._transport.pause_reading()
        elif self._manner.close_at == "banner":
            self._transport.abort()
        elif self._manner.banner_byte_s:
            self._dribble(self._manner.banner.encode(), 0)
        else:
            self._say(self._manner.banner.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.open -= 1
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._text is not None:
            if self._manner.bytes_per_s:
                self._transport.pause_reading()
                self._timer = self._loop.call_later(len(data) / self._manner.bytes_per_s, self._resume)
            data = self._take_text(data)
        self._buffer += data
        while not self._is_in_text() and (end := self._buffer.find(b"\r\n")) >= 0:
            line, self._buffer = self._buffer[:end].decode("latin-1"), self._buffer[end + 2 :]
            self._answer(line)
            if self._is_in_text():
                self._buffer = self._take_text(self._buffer)

    def _is_in_text(self) -> bool:
        return self._text is not None

    def _resume(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _take_text(self, data: bytes) -> bytes:
        """Take of the message; what comes behind its end."""
        assert self._text is not None
        self._text.append(data)
        tail = self._tail + data
        end = tail.find(b"\r\n.\r\n")
        if end < 0:
            self._tail = tail[-4:]
            return b""
        head = b"".join(self._text[:4])[:4096]
        self._text = None
        if self._reply("."):
            return tail[end + 5 :]
        subject = head.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode("latin-1")
        row = {"at": time.monotonic(), "subject": subject, "to": self._recipients, "address": self._address}
        self._ledger.write(json.dumps(row) + "\n")
        self._ledger.flush()
        self._timer = self._loop.call_later(self._manner.dot_s, self._say, b"250 2.0.0 Ok\r\n")
        return tail[end + 5 :]

    def _reply(self, command: str) -> bool:
        """Whether the manner has words of its own for the command, or none, or hangs up."""
        if self._manner.close_at == command:
            self._transport.abort()
            return True
        for name, reply in self._manner.replies:
            if name == command:
                self._say(reply.encode())
                return True
        return False

    def _answer(self, line: str) -> None:
        command = line[:4].upper()
        if self._reply(command):
            return
        match command:
            case "EHLO":
                self._say(b"250-sink\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250 8BITMIME\r\n")
            case "MAIL":
                self._recipients = []
                self._say(b"250 ok\r\n")
            case "RCPT":
                self._recipients.append(line.partition("<")[2].rpartition(">")[0])
                self._say(b"250 ok\r\n")
            case "DATA":
                self._text, self._tail = [b"\r\n"], b"\r\n"
                self._say(b"354 go\r\n")
            case "QUIT" if self._manner.quit_s >= 0:
                self._timer = self._loop.call_later(self._manner.quit_s, self._bye)
            case "QUIT":
                pass
            case _:
                self._say(b"250 ok\r\n")

    def _bye(self) -> None:
        self._say(b"221 bye\r\n")
        self._transport.close()

    def _say(self, words: bytes) -> None:
        if words and not self._transport.is_closing():
            self._transport.write(words)

    def _dribble(self, words: bytes, at: int) -> None:
        if self._transport.is_closing() or (at >= len(words) and not self._manner.is_endless):
            return
        self._say(words[at : at + 1] or b"x")
        self._timer = self._loop.call_later(self._manner.banner_byte_s, self._dribble, words, at + 1)


class Receiver:
    """The running process: its port, its ledger, its counts."""

    def __init__(self, pipe: "multiprocessing.connection.Connection", ledger: Path, *, port: int) -> None:
        self._pipe = pipe
        self._ledger = ledger
        self.port = port
        self._at = 0
        self.rows: list[dict[str, object]] = []

    def read(self) -> list[dict[str, object]]:
        """What has been taken so far, oldest first."""
        with self._ledger.open() as file:
            file.seek(self._at)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self.rows.append(json.loads(line))
                self._at += len(line)
        return self.rows

    def counts(self) -> Counts:
        """How many connections are and were open, and were made."""
        self._pipe.send("counts")
        found: Counts = self._pipe.recv()
        return found

    def behave(self, manners: Mapping[str, Manner]) -> None:
        """Let addresses behave anew, on connections that come from now on."""
        self._pipe.send(dict(manners))


@contextmanager
def receiving(directory: Path, manners: Mapping[str, Manner], *, port: int = 0) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    here, there = multiprocessing.Pipe()
    ledger = directory / f"ledger-{time.monotonic_ns()}"
    ledger.touch()
    process = multiprocessing.Process(target=_serve, args=(there, ledger, dict(manners), port), daemon=True)
    process.start()
    try:
        yield Receiver(here, ledger, port=here.recv())
    finally:
        process.terminate()
        process.join()


def _serve(
    pipe: "multiprocessing.connection.Connection", ledger: Path, manners: dict[str, Manner], port: int
) -> None:
    counts = Counts()

    def asked() -> None:
        message = pipe.recv()
        if message == "counts":
            pipe.send(counts)
        else:
            manners.clear()
            manners.update(message)

    async def session() -> None:
        loop = asyncio.get_running_loop()
        with ledger.open("a") as file:
            server = await loop.create_server(
                lambda: _Connection(manners, file, counts), "0.0.0.0", port, backlog=4096
            )
            loop.add_reader(pipe.fileno(), asked)
            pipe.send(server.sockets[0].getsockname()[1])
            await server.serve_forever()

    uvloop.run(session())
