"""A real `sesame serve` in a process of its own, and clients for it."""

import asyncio
import email
import email.message
import email.policy
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from sesame.access.identity_names import identity_kind
from sesame.admin.accounts import Keys
from sesame.app.foundation import Services, open_services
from sesame.config import load
from sesame.model import Identity
from sesame.store.development import Mail
from tests.support import command_line
from tests.support.mailbox import Mailbox
from tests.support.own_api import own_session
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_ports
from tests.support.preloaded import PRELOADED, ForkedProcess

T = TypeVar("T")

IN_USE = b"(Address already in use)"
REGION = "us-east-1"
DOORS = ("health", "console", "inbound", "tracking")


@dataclass
class Account:
    """An account with credentials: its root key as the operator made it, or those of one of its principals."""

    account_id: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass
class SesameProcess:
    """One server process on its own data directory; `start` may be called again after `stop` or `kill`."""

    data: Path
    config: Path | None = None
    environ: dict[str, str] = field(default_factory=dict)
    api: str = ""
    smtp: str = ""
    smtps: str = ""
    ca: str = ""
    health: str = ""
    console: str = ""
    inbound: str = ""
    tracking: str = ""
    process: "ForkedProcess | subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self._mailbox = Mailbox(self.data / "sesame.db")

    def start(self) -> "SesameProcess":
        """Start and wait until it listens; the same port again after a restart."""
        tries = (
            self._started() for _ in range(5)
        )  # another program may take a port between our choice and its use
        where = next(found for found in tries if found is not None)
        self.api = where["api"]
        self.smtp, self.smtps, self.ca, self.health, self.console, self.inbound, self.tracking = (
            where.get(name, "")
            for name in ("smtp", "smtps", "ca", "health", "console", "inbound", "tracking")
        )
        return self

    def _started(self) -> dict[str, str] | None:
        """Where it listens, or None when a port that was free is not so any more."""
        ready = self.data.parent / f"{self.data.name}.ready"
        ready.unlink(missing_ok=True)
        command = ["serve", "--ready-file", str(ready), *self._where()]
        named = [where.rpartition(":")[2] for where in (self.api, self.smtp, self.smtps)]
        chosen = [
            str(port) for port in free_ports(named.count(""), but_not={int(port) for port in named if port})
        ]
        ports = iter(chosen)
        for flag, port in zip(("--api-port", "--smtp-port", "--smtps-port"), named, strict=True):
            command += [flag, port or next(ports)]
        with self.log_path.open("ab") as log:
            before = log.tell()
            self.process = self._begin(command, log.fileno())
        deadline = time.monotonic() + PATIENCE_S
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.log_path.read_bytes()[before:]
                if IN_USE in said and any(f":{port} ".encode() in said for port in chosen):
                    return None
                raise RuntimeError(f"sesame did not start:\n{self.log_path.read_text()}")
            select_wait(0.01)
        found: dict[str, str] = json.loads(ready.read_text())
        return found

    def _begin(self, command: list[str], output: int) -> "ForkedProcess | subprocess.Popen[bytes]":
        """Run a `sesame` command that serves."""
        return PRELOADED.start(command, output=output, environ=self._environ())

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self.data.parent / f"{self.data.name}.log"

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def run(self, *args: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run one `sesame` command on the data directory, in this process: starting another takes half a second."""
        done = command_line.run([*args, *self._where()], self._environ())
        return self._checked(done, check=check)

    def spawn(self, *args: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """The same in a process of its own, where that is what matters."""
        command = [*self._sesame(), *args, *self._where()]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, env=self._environ(), check=False
        )
        return self._checked(done, check=check)

    @staticmethod
    def _checked(
        done: "subprocess.CompletedProcess[str]", *, check: bool
    ) -> "subprocess.CompletedProcess[str]":
        if check and done.returncode != 0:
            raise RuntimeError(f"{done.args} exited with {done.returncode}:\n{done.stderr}")
        return done

    def run_json(self, *args: str) -> Any:
        """Run one `sesame` command with --json; what it printed."""
        return json.loads(self.run(*args, "--json").stdout)

    def create_account(self, *, production: bool = True, name: str = "") -> Account:
        """Make an account."""

        async def make(services: Services) -> Keys:
            return await services.operator.create_account(name, production=production)

        return Account(**asdict(self.operate(make)))

    def vouch(self, account: Account, identity: str, region: str = REGION) -> str:
        """Verify an identity by the operator's word; its ARN."""

        async def vouch(services: Services) -> Identity:
            return await services.verification.vouch(
                account.account_id, region, identity, identity_kind(identity)
            )

        self.operate(vouch)
        return f"arn:aws:ses:{region}:{account.account_id}:identity/{identity}"

    def txt(self, name: bytes, timeout: int = 5) -> bytes:
        """A TXT record of the local zone, CNAMEs followed: dkimpy's `dnsfunc`."""
        host = name.decode().rstrip(".")

        async def look_up(services: Services) -> str:
            return next(iter(await services.resolver.txt(host)), "")

        return self.operate(look_up).encode()

    def operate(self, action: Callable[[Services], Awaitable[T]]) -> T:
        """Do beside the server what a command would do, without the second that starting one takes."""
        settings = load(self.config, environ=self.environ, flags={"data": str(self.data)})

        async def session() -> T:
            async with open_services(settings) as services:
                return await action(services)

        # On a thread of its own: the driver of a browser has a loop in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(session())).result()

    def mail(self) -> list[Mail]:
        """All mail in the mailbox, newest first."""

        return self._mailbox.read()

    def client(self, service: str, account: Account, region: str = REGION, **config: Any) -> Any:
        """An unmodified boto3 client without retries."""
        make = own_session().client if service == "sesame" else boto3.client
        return make(
            service,
            endpoint_url=self.api,
            region_name=region,
            aws_access_key_id=account.access_key_id,
            aws_secret_access_key=account.secret_access_key,
            aws_session_token=account.session_token,
            config=Config(retries={"max_attempts": 0}, **config),
        )

    def _where(self) -> list[str]:
        where = ["--data", str(self.data)]
        return where if self.config is None else [*where, "--config", str(self.config)]

    def _environ(self) -> dict[str, str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SESAME_"))
        }
        return self._any_ports() | inherited | self.environ

    def _any_ports(self) -> dict[str, str]:
        """Any port where the configuration names none: servers of the production profile would all take the same."""
        named: dict[str, Any] = {}
        with suppress(tomllib.TOMLDecodeError):
            named = {} if self.config is None else tomllib.loads(self.config.read_text())
        return {f"SESAME_{door.upper()}__PORT": "0" for door in DOORS if "port" not in named.get(door, {})}

    @staticmethod
    def _sesame() -> list[str]:
        return [sys.executable, "-m", "sesame.cli.main"]


class _Lenient(email.policy.EmailPolicy):
    """Gives the text as it stands where the standard library cannot decode a field: other tests' mail is hostile."""

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except (UnicodeError, LookupError):
            return value


LENIENT: Any = _Lenient()


def read_header(mail: Mail) -> "email.message.EmailMessage":
    """The header of a message as the standard library reads it; any message."""
    return email.message_from_bytes(mail.data, policy=LENIENT)


def select_wait(seconds: float) -> None:
    """Let another process get on; used only inside loops that watch for a condition and have an end."""
    time.sleep(seconds)


def wait_until(condition: Any, *, timeout_s: float = PATIENCE_S) -> Any:
    """The first true value of `condition()`; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        select_wait(0.02)
    return value


@contextmanager
def running(data: Path, **environ: str) -> Iterator[SesameProcess]:
    """A server that is stopped at the end."""
    sesame = SesameProcess(data, environ=environ).start()
    try:
        yield sesame
    finally:
        if sesame.process is not None and sesame.process.poll() is None:
            sesame.stop()
