"""A NATS server with JetStream (Debian: nats-server), and what is in a stream of it."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.process import wait_until

T = TypeVar("T")
SUBJECT = "mail.events"


@dataclass(frozen=True, slots=True)
class Kept:
    """One message of a stream."""

    message_id: str
    body: bytes


@dataclass
class NatsServer:
    """A server that may be stopped and started again, with what it has kept."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = shutil.which("nats-server") or "/usr/sbin/nats-server"
        command = [program, "-js", "-sd", str(self.directory), "-a", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen([*command, *self.options], stderr=subprocess.DEVNULL)
        wait_until(self._is_up)

    def _is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Stop it; what it has kept stays."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
            self.process = None

    def make_stream(self, *, window_s: float = 120.0, **login: Any) -> None:
        """Make a stream that has the subject."""
        self._with(
            lambda stream: stream.add_stream(name="events", subjects=[SUBJECT], duplicate_window=window_s),
            **login,
        )

    def kept(self, **login: Any) -> list[Kept]:
        """What the stream has kept, oldest first."""

        async def read(stream: Any) -> list[Kept]:
            state = (await stream.stream_info("events")).state
            messages = [await stream.get_msg("events", n + 1) for n in range(state.messages)]
            return [Kept(one.headers["Nats-Msg-Id"], one.data) for one in messages]

        return self._with(read, **login)

    def wait_for(self, count: int) -> list[Kept]:
        """What the stream has kept, once there are `count`."""
        wait_until(lambda: len(self.kept()) >= count)
        return self.kept()

    def _with(self, function: Callable[[Any], Awaitable[T]], **login: Any) -> T:
        import nats

        async def run() -> T:
            connection = await nats.connect(self.url, **login)
            try:
                return await function(connection.jetstream())
            finally:
                await connection.close()

        return asyncio.run(run())


def needs_nats() -> None:
    """Skip where the server or the client is not installed."""
    if shutil.which("nats-server") is None and not Path("/usr/sbin/nats-server").exists():
        pytest.skip("there is no nats-server: make nats installs one")
    pytest.importorskip("nats", reason="nats-py is not installed: it is in requirements/dev.lock")
