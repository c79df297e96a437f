"""A Postfix of our own beside Sesame: TLS, AUTH, a queue on the same disk.

What it accepts is held, or handed on to a port, signed by OpenDKIM where that is asked for.
"""

import base64
import os
import pwd
import re
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.server import Usage
from sesame.dkim.sign import generate_key

USER, PASSWORD = "bench", "bench-password"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def missing() -> str:
    """Why Postfix cannot be measured here; empty when it can."""
    if shutil.which("postfix", path=PATH) is None:
        return "there is no Postfix on this machine"
    return "" if os.geteuid() == 0 else "only root can start Postfix"


def no_opendkim() -> str:
    """Why OpenDKIM cannot be measured here; empty when it can."""
    return "" if shutil.which("opendkim", path=PATH) else "there is no OpenDKIM on this machine"


class Postfix:
    """A running instance; `port` takes STARTTLS and AUTH."""

    def __init__(
        self,
        directory: Path,
        certificate: Path,
        key: Path,
        port: int,
        *,
        onward: int = 0,
        signs_for: str = "",
    ) -> None:
        self.port = port
        self._signer: subprocess.Popen[bytes] | None = None
        self._directory = directory
        self._config = directory / "etc"
        for name in ("etc", "spool", "lib"):
            (directory / name).mkdir()
        directory.chmod(0o755)
        owner = pwd.getpwnam("postfix")
        os.chown(directory / "lib", owner.pw_uid, owner.pw_gid)
        path = directory / "auth"
        self._auth = socketserver.ThreadingUnixStreamServer(str(path), _Auth)
        self._auth.daemon_threads = True
        path.chmod(0o666)
        threading.Thread(target=self._auth.serve_forever, daemon=True).start()
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(directory / "spool"),
            "data_directory": str(directory / "lib"),
            "maillog_file": str(directory / "maillog"),
            "maillog_file_prefixes": str(directory),
            "myhostname": "bench.test",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_auth_only": "yes",
            "smtpd_tls_cert_file": str(certificate),
            "smtpd_tls_key_file": str(key),
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": str(path),
            "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject",
            "smtpd_end_of_data_restrictions": "check_client_access static:HOLD",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_client_message_rate_limit": "0",
            "smtpd_client_auth_rate_limit": "0",
        }
        if onward:
            settings |= {"relayhost": f"[127.0.0.1]:{onward}", "smtp_tls_security_level": "none"}
            del settings["smtpd_end_of_data_restrictions"]
        if signs_for:
            settings |= {"smtpd_milters": f"inet:127.0.0.1:{self._sign(signs_for)}"}
        (self._config / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in settings.items()))
        services = Path("/etc/postfix/master.cf").read_text().splitlines()
        kept = [line for line in services if not line.startswith(("smtp      inet", "#"))]
        unchrooted = [re.sub(r"^(\S+\s+unix\s+\S+\s+\S+\s+)y(\s)", r"\1n\2", line) for line in kept]
        lines = [f"127.0.0.1:{port} inet n - n - 200 smtpd", *unchrooted]
        (self._config / "master.cf").write_text("\n".join(lines) + "\n")

    def _sign(self, domain: str) -> int:
        """Start OpenDKIM with an RSA-2048 key; its port."""
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
        private, _ = generate_key(2048)
        pem = base64.encodebytes(private).decode()
        key = self._directory / "dkim.pem"
        key.write_text(f"-----BEGIN PRIVATE KEY-----\n{pem}-----END PRIVATE KEY-----\n")
        key.chmod(0o600)
        config = self._directory / "opendkim.conf"
        config.write_text(
            f"Mode s\nDomain {domain}\nSelector s\nKeyFile {key}\nSocket inet:{port}@127.0.0.1\n"
            "Canonicalization relaxed/simple\nSyslog no\nBackground no\nRequireSafeKeys no\nInternalHosts 127.0.0.1\n"
        )
        self._signer = subprocess.Popen(["opendkim", "-f", "-x", str(config)], env={"PATH": PATH})
        return port

    def command(self, verb: str) -> None:
        """Start or stop."""
        done = subprocess.run(
            ["postfix", "-c", str(self._config), verb], capture_output=True, text=True, env={"PATH": PATH}, timeout=60,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            log = self._directory / "maillog"
            raise RuntimeError(done.stdout + done.stderr + (log.read_text() if log.exists() else ""))

    def close(self) -> None:
        """Stop it."""
        self.command("stop")
        if self._signer is not None:
            self._signer.terminate()
            self._signer.wait(30)
        self._auth.shutdown()
        self._auth.server_close()

    def usage(self) -> Usage:
        """CPU of the master and all its processes, those that have ended included."""
        master = int((self._directory / "spool" / "pid" / "master.pid").read_text())
        user = system = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if self._signer is not None and int(path.parent.name) == self._signer.pid:
                user, system = user + int(fields[11]), system + int(fields[12])
            elif int(path.parent.name) == master:
                user, system = (
                    user + int(fields[11]) + int(fields[13]),
                    system + int(fields[12]) + int(fields[14]),
                )
            elif int(fields[1]) == master:
                user, system = user + int(fields[11]), system + int(fields[12])
        return Usage(user * _TICK_S, system * _TICK_S)

    def held(self) -> int:
        """Messages that were accepted."""
        return sum(len(files) for _, _, files in os.walk(self._directory / "spool" / "hold"))


class _Auth(socketserver.StreamRequestHandler):
    """Says yes to one password, in Dovecot's authentication protocol; its CPU is the bench's, not Postfix's."""

    def handle(self) -> None:
        self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n")
        right = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())
        for line in self.rfile:
            fields = line.rstrip(b"\n").split(b"\t")
            if fields[0] == b"AUTH":
                verdict = b"OK" if b"resp=" + right in fields else b"FAIL"
                self.wfile.write(verdict + b"\t" + fields[1] + b"\tuser=" + USER.encode() + b"\n")


@contextmanager
def running(
    certificate: Path, key: Path, port: int, *, onward: int = 0, signs_for: str = ""
) -> Iterator[Postfix]:
    """A Postfix that is stopped and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-postfix-") as directory:
        postfix = Postfix(Path(directory), certificate, key, port, onward=onward, signs_for=signs_for)
        postfix.command("start")
        time.sleep(0.5)
        try:
            yield postfix
        finally:
            postfix.close()
