"""A server to measure: a real `sesame serve`, its accounts, and what its process has used."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sesame.app.foundation import open_services
from sesame.config import load
from sesame.db import Transaction
from sesame.store import development

T = TypeVar("T")

REGION = "us-east-1"
DOMAIN = "bench.example"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Key:
    """An account's root key."""

    account_id: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of a process so far."""

    user_s: float
    system_s: float

    def since(self, before: "Usage") -> "Usage":
        """What was used between."""
        return Usage(self.user_s - before.user_s, self.system_s - before.system_s)

    @property
    def total_s(self) -> float:
        """User and system together."""
        return self.user_s + self.system_s


class Server:
    """A running server on its own data directory."""

    def __init__(self, directory: Path, config: str, *, launcher: list[str]) -> None:
        self.data = directory / "data"
        self.config = directory / "sesame.toml"
        self.config.write_text(config)
        ready = directory / "ready"
        ready.unlink(missing_ok=True)
        command = [*launcher, "serve", "--api-port", "0", "--ready-file", str(ready), *self._where()]
        self._log = (directory / "log").open("wb")
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() - started > 30:
                raise RuntimeError((directory / "log").read_text())
            time.sleep(0.002)
        self.start_s = time.monotonic() - started
        where = json.loads(ready.read_text())
        self.api: str = where["api"]
        self.smtp_port = int(where.get("smtp", ":0").rpartition(":")[2])

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the API."""
        host, _, port = self.api.partition("//")[2].rpartition(":")
        return host, int(port)

    def run(self, *args: str) -> str:
        """Run one `sesame` command on the data directory; what it printed."""
        command = [*COMMAND, *args, *self._where()]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def account(self) -> Key:
        """A production account with DOMAIN verified and signed for."""
        key = Key(**json.loads(self.run("account", "create", "--production", "--json")))
        self.run("identity", "vouch", key.account_id, DOMAIN, "--region", REGION)
        return key

    def usage(self) -> Usage:
        """CPU of the process and its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return Usage(int(fields[11]) * _TICK_S, int(fields[12]) * _TICK_S)

    def peak_mb(self) -> float:
        """Most memory resident so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)
        self._log.close()

    def _where(self) -> list[str]:
        return ["--data", str(self.data), "--config", str(self.config)]


COMMAND = [sys.executable, "-m", "sesame.cli.main"]

UNLIMITED = """
log_format = "json"
[accounts]
production_max_24_hour_send = -1
production_max_send_rate = 1000000
[dns]
resolver = "local"
auto_publish = true
"""

ACCEPT_ONLY = UNLIMITED + "[delivery]\nenabled = false\n"


DELIVERY = """
[delivery]
mx_port = {port}
allow_networks = ["127.0.0.0/8"]
mta_sts = false
dane = false
tls_reports = false
{more}
"""
"""Delivery to MX hosts on the loopback, by the local zone."""


def publish(data: Path, config: Path, records: list[tuple[str, str, str]]) -> None:
    """Put records into the local zone of a data directory."""
    write(data, config, lambda tx: development.publish(tx, records))


def write(data: Path, config: Path, function: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run a transaction on the store of a data directory, beside the server."""
    settings = load(config, environ={}, flags={"data": str(data)})

    async def session() -> T:
        async with open_services(settings) as services:
            return await services.store.write(function, is_long=True)

    return asyncio.run(session())


@contextmanager
def serving(config: str, *, launcher: list[str] = COMMAND) -> Iterator[Server]:
    """A server that is ended and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as directory:
        server = Server(Path(directory), config, launcher=launcher)
        try:
            yield server
        finally:
            server.stop()
