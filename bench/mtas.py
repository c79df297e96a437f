"""Mail servers of others on the loopback: each takes what comes and hands it on, to where it is told.

They run on configurations and spools of their own. `missing` says why one cannot be had here.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
START_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Where mail goes on to: a port of this machine, with a log-in by STARTTLS where it wants one."""

    port: int
    user: str = ""
    password: str = ""


Make = Callable[[Path, int, Next], list[Sequence[str]]]
"""Writes what a server needs into a directory, for a port and the next server; the commands that start and stop it."""


def _postfix(directory: Path, port: int, onward: Next) -> list[Sequence[str]]:
    owner = pwd.getpwnam("postfix")
    for name in ("etc", "spool", "lib"):
        (directory / name).mkdir()
    os.chown(directory / "lib", owner.pw_uid, owner.pw_gid)
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": directory / "spool",
        "data_directory": directory / "lib",
        "maillog_file": directory / "maillog",
        "maillog_file_prefixes": directory,
        "myhostname": "postfix.test",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "relayhost": f"[127.0.0.1]:{onward.port}",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_client_connection_rate_limit": "0",
        "smtpd_client_message_rate_limit": "0",
        "smtp_tls_security_level": "encrypt" if onward.user else "none",
        "message_size_limit": "50000000",
    }
    if onward.user:
        settings |= {
            "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_tls_security_options": "noanonymous",
            "smtp_sasl_password_maps": f"inline:{{ [127.0.0.1]:{onward.port}={onward.user}:{onward.password} }}",
        }
    (directory / "etc" / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in settings.items()))
    services = Path("/etc/postfix/master.cf")
    template = services if services.exists() else Path("/usr/share/postfix/master.cf.dist")
    kept = [
        line for line in template.read_text().splitlines() if not line.startswith(("smtp      inet", "#"))
    ]
    unchrooted = [re.sub(r"^(\S+\s+unix\s+\S+\s+\S+\s+)y(\s)", r"\1n\2", line) for line in kept]
    lines = [f"127.0.0.1:{port} inet n - n - 100 smtpd", *unchrooted]
    (directory / "etc" / "master.cf").write_text("\n".join(lines) + "\n")
    postfix = ["postfix", "-c", str(directory / "etc")]
    return [[*postfix, "start"], [*postfix, "stop"]]


def _exim(directory: Path, port: int, onward: Next) -> list[Sequence[str]]:
    (directory / "spool").mkdir(mode=0o777)
    owner = pwd.getpwnam("Debian-exim")
    os.chown(directory / "spool", owner.pw_uid, owner.pw_gid)
    os.chown(directory, owner.pw_uid, owner.pw_gid)
    secure = "hosts_require_auth = *\n  hosts_require_tls = *" if onward.user else "hosts_avoid_tls = *"
    password = onward.password.replace("^", "^^")
    (directory / "exim.conf").write_text(f"""
primary_hostname = exim.test
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
disable_ipv6 = true
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
pid_file_path = {directory}/exim.pid
acl_smtp_rcpt = all
acl_smtp_dkim = all
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
message_size_limit = 50M
host_lookup =
keep_environment =
tls_advertise_hosts =
begin acl
all:
  accept
begin routers
onward:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = onward
begin transports
onward:
  driver = smtp
  port = {onward.port}
  allow_localhost
  hosts_try_fastopen =
  {secure}
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{onward.user}^{password}
""")
    return [["exim4", "-C", str(directory / "exim.conf"), "-bd", "-q5s"], [str(directory / "exim.pid")]]


def _opensmtpd(directory: Path, port: int, onward: Next) -> list[Sequence[str]]:
    to = f"smtp+tls://sesame@127.0.0.1:{onward.port}" if onward.user else f"smtp://127.0.0.1:{onward.port}"
    secret = directory / "secrets"
    secret.write_text(f"sesame {onward.user}:{onward.password}\n")
    secret.chmod(0o600)
    table = f"table secrets file:{secret}\n" if onward.user else ""
    auth = " auth <secrets> tls no-verify" if onward.user else ""
    (directory / "smtpd.conf").write_text(
        f'{table}listen on 127.0.0.1 port {port}\naction "onward" relay host {to}{auth}\n'
        'match from any for any action "onward"\n'
    )
    return [["smtpd", "-d", "-f", str(directory / "smtpd.conf")], []]


MAKERS: dict[str, tuple[str, str, Make]] = {
    "postfix": ("postfix", "postfix", _postfix),
    "exim": ("exim4", "Debian-exim", _exim),
    "opensmtpd": ("smtpd", "opensmtpd", _opensmtpd),
}
"""By name: the program, the user that it runs as, and how it is set up."""


def missing(name: str) -> str:
    """Why a server cannot be run here; empty when it can."""
    program, user, _ = MAKERS[name]
    if shutil.which(program, path=PATH) is None:
        return f"there is no {name} on this machine"
    try:
        pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user} for {name}"
    return "" if os.geteuid() == 0 else f"only root can start {name}"


@contextmanager
def running(name: str, directory: Path, onward: Next, *, port: int) -> Iterator[None]:
    """A server that is stopped afterwards."""
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=directory))
    place.chmod(0o755)
    directory.chmod(0o755)
    start, stop = MAKERS[name][2](place, port, onward)
    environ = {"PATH": PATH, "LANG": "C.UTF-8"}
    with (place / "output").open("wb") as output:
        process = subprocess.Popen(start, stdout=output, stderr=output, env=environ)
        try:
            _await(port, place / "output")
            yield
        finally:
            if len(stop) > 1:
                subprocess.run(stop, stdout=output, stderr=output, env=environ, timeout=60, check=False)
            elif stop and Path(stop[0]).exists():
                os.kill(int(Path(stop[0]).read_text()), signal.SIGTERM)
            if not stop:
                process.terminate()
            process.wait(30)


def free_port() -> int:
    """A port of the loopback that nobody has."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _await(port: int, output: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"it did not start: {output.read_text()}") from None
            time.sleep(0.1)
        else:
            return
