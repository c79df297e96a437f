"""swaks, msmtp and Postfix, configured as docs/howto/smtp.md says: a delegate's mail, and both refusals."""

import json
import os
import pwd
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import clients
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.submission import port_of, published_password

NOT_VERIFIED = "554 Message rejected: Email address is not verified."
DENIED = "554 Access denied: User `arn:aws:iam::"


class Relay:
    """A delegate with SMTP credentials, and the owner's policy."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.from_ = f"news@{self.domain}"
        self.ses = sesame.client("ses", self.owner)
        self.ses.verify_domain_dkim(Domain=self.domain)
        self.arn = f"arn:aws:ses:{REGION}:{self.owner.account_id}:identity/{self.domain}"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.delegate.account_id},
            "Action": "ses:SendRawEmail",
            "Resource": self.arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.ses.put_identity_policy(Identity=self.domain, PolicyName="delegate", Policy=policy)
        self.port = port_of(sesame.smtp)
        self.user = self.delegate.access_key_id
        self.password = published_password(self.delegate.secret_access_key, REGION)

    def revoke(self) -> None:
        """Remove the policy."""
        self.ses.delete_identity_policy(Identity=self.domain, PolicyName="delegate")

    def message(self, to: str, *, with_arn: bool) -> str:
        """A message as a person would type it."""
        headers = [f"From: News <{self.from_}>", f"To: {to}", "Subject: Relayed"]
        if with_arn:
            headers.append(f"X-SES-SOURCE-ARN: {self.arn}")
        return "\n".join([*headers, "", "Hello.", ""])

    def arrived(self, to: str) -> bytes:
        """The message that came for an address."""
        mail = wait_until(lambda: next((mail for mail in self.sesame.mail() if to in mail.rcpt_to), None))
        return bytes(mail.data)


@pytest.fixture
def relay(sesame: SesameProcess) -> Relay:
    return Relay(sesame)


def need(program: str) -> str:
    if reason := clients.missing(program):
        pytest.skip(reason)
    path = clients.which(program)
    assert path is not None
    return path


def run(
    *command: str, stdin: str, environ: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env={"PATH": os.environ["PATH"] + ":/usr/sbin", "HOME": "/nonexistent", **(environ or {})},
    )  # fmt: skip


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(relay: Relay, mechanism: str) -> None:
    swaks = need("swaks")

    def send(to: str, *, with_arn: bool) -> "subprocess.CompletedProcess[str]":
        return run(
            swaks, "--server", "localhost", "--port", str(relay.port), "--tls", "--auth", mechanism,
            "--auth-user", relay.user, "--auth-password", relay.password, "--from", relay.from_, "--to", to,
            "--data", "-", stdin=relay.message(to, with_arn=with_arn),
        )  # fmt: skip

    to = f"swaks.{mechanism}.{relay.owner.account_id}@elsewhere.test"
    done = send(to, with_arn=True)
    assert done.returncode == 0, done.stdout
    assert "Authentication successful." in done.stdout
    assert re.search(r"^<~  250 Ok [0-9a-f]{16}-", done.stdout, re.MULTILINE)
    assert b"X-SES" not in relay.arrived(to).upper()
    assert NOT_VERIFIED in send("x@elsewhere.test", with_arn=False).stdout
    relay.revoke()
    assert DENIED in send("x@elsewhere.test", with_arn=True).stdout


def test_msmtp(relay: Relay, tmp_path: Path) -> None:
    msmtp = need("msmtp")
    config = tmp_path / "msmtprc"
    config.write_text(
        f"account sesame\nhost localhost\nport {relay.port}\ntls on\ntls_starttls on\n"
        f"tls_trust_file {relay.sesame.ca}\nauth plain\nuser {relay.user}\npassword {relay.password}\n"
        f"from {relay.from_}\n"
    )
    config.chmod(0o600)

    def send(to: str, *, with_arn: bool) -> "subprocess.CompletedProcess[str]":
        message = relay.message(to, with_arn=with_arn)
        return run(msmtp, "-C", str(config), "-a", "sesame", "-t", stdin=message)

    to = f"msmtp.{relay.owner.account_id}@elsewhere.test"
    done = send(to, with_arn=True)
    assert done.returncode == 0, done.stderr
    assert b"Subject: Relayed" in relay.arrived(to)
    assert NOT_VERIFIED in send("x@elsewhere.test", with_arn=False).stderr
    relay.revoke()
    assert DENIED in send("x@elsewhere.test", with_arn=True).stderr


class Postfix:
    """A Postfix of our own, with Sesame as its relay host."""

    def __init__(self, directory: Path, relay: Relay) -> None:
        self.log = directory / "maillog"
        self._config = directory / "etc"
        for name in ("etc", "spool", "lib"):
            (directory / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(directory / "lib", owner.pw_uid, owner.pw_gid)
        passwords = self._config / "sasl_passwd"
        passwords.write_text(f"[127.0.0.1]:{relay.port} {relay.user}:{relay.password}\n")
        passwords.chmod(0o600)
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(directory / "spool"),
            "data_directory": str(directory / "lib"),
            "maillog_file": str(self.log),
            "maillog_file_prefixes": str(directory),
            "myhostname": "client.test",
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "relayhost": f"[127.0.0.1]:{relay.port}",
            "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_security_options": "noanonymous",
            "smtp_sasl_password_maps": f"texthash:{passwords}",
            "smtp_tls_security_level": "verify",
            "smtp_tls_verify_cert_match": "hostname",
            "smtp_tls_CAfile": relay.sesame.ca,
            "smtp_dns_support_level": "disabled",
        }
        main = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self._config / "main.cf").write_text(main)
        services = Path("/etc/postfix/master.cf")
        template = services if services.exists() else Path("/usr/share/postfix/master.cf.dist")
        lines = [
            line for line in template.read_text().splitlines() if not line.startswith(("smtp      inet", "#"))
        ]
        unchrooted = [re.sub(r"^(\S+\s+unix\s+\S+\s+\S+\s+)y(\s)", r"\1n\2", line) for line in lines]
        (self._config / "master.cf").write_text("\n".join(unchrooted) + "\n")

    def command(self, *args: str) -> None:
        """Run `postfix` on this configuration."""
        done = run(need("postfix"), "-c", str(self._config), *args, stdin="")
        log = self.log.read_text() if self.log.exists() else ""
        assert done.returncode == 0, done.stdout + done.stderr + log

    def send(self, message: str) -> None:
        """Hand a message in, as a local program does."""
        sender = re.search(r"<(.*)>", message)
        assert sender is not None
        done = run(need("sendmail"), "-C", str(self._config), "-f", sender[1], "-t", stdin=message)
        assert done.returncode == 0, done.stderr

    def logged(self, text: str) -> bool:
        """Whether the log has it."""
        return self.log.exists() and text in self.log.read_text()


@contextmanager
def postfix(relay: Relay) -> Iterator[Postfix]:
    need("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix can be started by root only")
    with tempfile.TemporaryDirectory(prefix="sesame-postfix-") as directory:
        Path(directory).chmod(0o755)  # Postfix's own user has to get through
        instance = Postfix(Path(directory), relay)
        instance.command("start")
        try:
            yield instance
        finally:
            instance.command("stop")


def test_postfix_as_a_relay_client(relay: Relay) -> None:
    with postfix(relay) as mta:
        to = f"postfix.{relay.owner.account_id}@elsewhere.test"
        mta.send(relay.message(to, with_arn=True))
        assert b"Subject: Relayed" in relay.arrived(to)
        mta.send(relay.message("unnamed@elsewhere.test", with_arn=False))
        wait_until(lambda: mta.logged("to=<unnamed@elsewhere.test>"))
        relay.revoke()
        mta.send(relay.message("revoked@elsewhere.test", with_arn=True))
        wait_until(lambda: mta.logged("to=<revoked@elsewhere.test>"))
        log = mta.log.read_text()
    assert re.search(rf"to=<unnamed@.*status=bounced .*said: {NOT_VERIFIED}", log)
    assert re.search(r"to=<revoked@.*status=bounced .*said: 554 Access denied: User", log)
