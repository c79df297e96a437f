"""A server that runs takes a renewed certificate and other settings; SIGHUP ends it never; its log is all JSON."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sesame.server.tls import development_files
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.process import SesameProcess, wait_until

CONFIG = """
log_format = "json"
[api]
public_url = "https://localhost"
tls_certificate = "{tls}/server.pem"
tls_private_key = "{tls}/server.key"
max_body_bytes = {max_body_bytes}
[delivery]
hostname = "mx1.sesame.test"
relay = "127.0.0.1:9"
workers = {workers}
[submission]
enabled = true
ports = [0]
tls_ports = [0]
tls_certificate = "{tls}/server.pem"
tls_private_key = "{tls}/server.key"
"""


class Secured:
    """A server of the production profile in TLS, and its files."""

    def __init__(self, path: Path) -> None:
        self.tls, self.config = path / "tls", path / "sesame.toml"
        self.renew(path / "first")
        self.port = free_port()
        self.write()
        self.sesame = SesameProcess(path / "data", config=self.config, api=f"https://localhost:{self.port}")
        self.sesame.start()

    def write(self, **settings: Any) -> None:
        """Write the configuration."""
        self.config.write_text(
            CONFIG.format(**{"tls": self.tls, "max_body_bytes": 1_000_000, "workers": 2, **settings})
        )

    def renew(self, made: Path) -> None:
        """Put another certificate in place, as a renewal does."""
        development_files(made, ["localhost"], now=time.time())
        self.tls.mkdir(exist_ok=True)
        for name in ("ca.pem", "server.key", "server.pem"):
            (made / name).rename(self.tls / name)

    def certificate(self) -> bytes:
        """What a client is shown by the API; it must be of the CA in place."""
        context = ssl.create_default_context(cafile=self.tls / "ca.pem")
        with (
            socket.create_connection(("localhost", self.port), timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            found = wrapped.getpeercert(binary_form=True)
        assert found is not None
        return found

    def status_of_body(self, size: int) -> int:
        """The status of a POST with a body."""
        context = ssl.create_default_context(cafile=self.tls / "ca.pem")
        with (
            socket.create_connection(("localhost", self.port), timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            wrapped.sendall(
                b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
            )
            wrapped.sendall(b"x" * size)
            return int(wrapped.recv(4096).split()[1])

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the log says of something."""
        return [line for line in self.lines() if line["event"] == name]

    def lines(self) -> list[dict[str, Any]]:
        """The log; every line of it must be one of ours."""
        lines = [json.loads(line) for line in self.sesame.log_path.read_text().splitlines()]
        assert all({"at", "level", "event"} <= line.keys() for line in lines)
        return lines

    def hang_up(self) -> None:
        """SIGHUP."""
        assert self.sesame.process is not None
        self.sesame.process.send_signal(signal.SIGHUP)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secured = Secured(tmp_path_factory.mktemp("secured"))
    yield secured
    assert secured.sesame.stop() == 0
    assert secured.lines()


def test_a_renewed_certificate_is_shown_without_a_restart(secured: Secured, tmp_path: Path) -> None:
    before = secured.certificate()
    secured.renew(tmp_path / "second")
    assert secured.certificate() != before
    context = ssl.create_default_context(cafile=secured.tls / "ca.pem")
    with urlopen(f"https://localhost:{secured.port}/livez", context=context, timeout=PATIENCE_S) as answer:
        assert answer.headers["Date"]


def test_a_certificate_that_cannot_be_used_does_not_replace_the_one_in_use(secured: Secured) -> None:
    before = secured.certificate()
    good = (secured.tls / "server.pem").read_bytes()
    (secured.tls / "server.pem").write_text("nonsense")
    assert secured.certificate() == before
    secured.hang_up()
    assert wait_until(lambda: secured.events("certificate_not_reloaded"))
    assert secured.certificate() == before
    (secured.tls / "server.pem").write_bytes(good)


def test_sighup_takes_settings_over_and_says_which_wait(secured: Secured) -> None:
    assert secured.status_of_body(2_000) == 403
    secured.write(max_body_bytes=1_000, workers=3)
    secured.hang_up()
    (event,) = wait_until(lambda: [one for one in secured.events("settings_reloaded") if "changed" in one])
    assert (event["changed"], event["wait_for_restart"]) == ("api.max_body_bytes", "delivery.workers")
    assert secured.status_of_body(2_000) == 413


def test_settings_that_are_wrong_change_nothing(secured: Secured) -> None:
    secured.config.write_text("[delivery]\nworkers = 'x'\n")
    secured.hang_up()
    (event,) = wait_until(lambda: secured.events("settings_not_reloaded"))
    assert event["level"] == "error" and "delivery.workers" in event["reason"]
    assert secured.certificate()
    secured.write()


def test_who_fails_at_tls_is_told_of_with_its_address(secured: Secured) -> None:
    with socket.create_connection(("localhost", secured.port), timeout=PATIENCE_S) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        while plain.recv(4096):
            pass
    assert wait_until(lambda: secured.events("api_tls_failed"))[0]["peer"] == "127.0.0.1"


LIBRARIES = """
import asyncio, logging, sys, threading, warnings
from sesame.observe import Log, SystemClock, loop_exception, take_over_libraries
from tests.support.ports import free_port
log = Log(sys.stdout, as_json=True, clock=SystemClock())
take_over_libraries(log)
logging.getLogger("asyncio").warning("slow %s", "task")
logging.getLogger("asyncio").info("not this")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("other").exception("broken")
warnings.warn("old", DeprecationWarning, stacklevel=1)
warnings.warn("careful", stacklevel=1)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start(); thread.join()
class Bad:
    def __del__(self): raise ValueError("late")
Bad()
async def fail():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: loop_exception(log, context))
    class Broken(asyncio.Protocol):
        def data_received(self, data): raise ValueError("ours")
    server = await loop.create_server(Broken, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x")
    await asyncio.sleep(0.1)
asyncio.run(fail())
"""


def test_what_libraries_say_stands_in_the_log() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all({"at", "level", "event"} <= line.keys() for line in lines)
    said = [(line["level"], line["event"], line.get("message")) for line in lines]
    assert ("warning", "library_said", "slow task") in said
    assert ("error", "library_said", "broken") in said
    assert not [message for _, _, message in said if message == "not this"]
    assert [line for line in lines if "careful" in line.get("message", "")]
    assert [
        line for line in lines if line["event"] == "thread_failed" and "ZeroDivisionError" in line["trace"]
    ]
    assert [line for line in lines if line["event"] == "unraisable" and "late" in line["trace"]]
    (ours,) = [line for line in lines if line["event"] == "loop_exception"]
    assert (ours["peer"], "ValueError: ours" in ours["trace"]) == ("127.0.0.1", True)
