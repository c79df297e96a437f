"""Mail programs of Debian that submit by SMTP: a delegate's mail, and both refusals."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.story.test_mail_programs import DENIED, NOT_VERIFIED, Relay, need, relay, run
from tests.support.clients import PROGRAMS

__all__ = ["relay"]

Done = subprocess.CompletedProcess[str]
Send = Callable[[Relay, Path, str, bool], Done]


def s_nail(relay: Relay, path: Path, to: str, with_arn: bool) -> Done:
    """s-nail, as mailx."""
    where = f"smtp://{relay.user}:{quote(relay.password, safe='')}@localhost:{relay.port}"
    options = [
        "v15-compat", f"mta={where}", "smtp-use-starttls", "smtp-auth=plain", "DEAD=/dev/null",
        f"tls-ca-file={relay.sesame.ca}",
        "tls-ca-no-defaults", f"from={relay.from_}", "sendwait",
    ]  # fmt: skip
    more = ["-C", f"X-SES-SOURCE-ARN: {relay.arn}"] if with_arn else []
    flags = [part for option in options for part in ("-S", option)]
    return run(need("s-nail"), "-:/", *flags, *more, "-s", "Relayed", to, stdin="Hello.\n")


def mutt(relay: Relay, path: Path, to: str, with_arn: bool) -> Done:
    """mutt by its own SMTP."""
    config = path / "muttrc"
    config.write_text(
        f'set smtp_url = "smtp://{relay.user}@localhost:{relay.port}/"\nset smtp_pass = "{relay.password}"\n'
        f'set ssl_force_tls = yes\nset ssl_ca_certificates_file = "{relay.sesame.ca}"\nset copy = no\n'
        f'set from = "{relay.from_}"\nset use_envelope_from = yes\nset envelope_from_address = "{relay.from_}"\n'
        + (f"my_hdr X-SES-SOURCE-ARN: {relay.arn}\n" if with_arn else "")
    )
    return run(need("mutt"), "-n", "-F", str(config), "-s", "Relayed", to, stdin="Hello.\n")


def git_send_email(relay: Relay, path: Path, to: str, with_arn: bool) -> Done:
    """git send-email."""
    need("/usr/lib/git-core/git-send-email")
    patch = path / "0001.patch"
    patch.write_text(relay.message(to, with_arn=with_arn))
    return run(
        need("git"), "send-email", "--smtp-server=localhost", f"--smtp-server-port={relay.port}",
        "--smtp-encryption=tls", f"--smtp-user={relay.user}", f"--smtp-pass={relay.password}",
        f"--smtp-ssl-cert-path={relay.sesame.ca}", f"--from=News <{relay.from_}>", f"--to={to}",
        "--confirm=never", "--suppress-cc=all", str(patch), stdin="",
        environ={f"GIT_{who}_{what}": relay.from_ for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    )  # fmt: skip


def phpmailer(relay: Relay, path: Path, to: str, with_arn: bool) -> Done:
    """PHPMailer."""
    if not Path("/usr/share/php/libphp-phpmailer").is_dir():
        pytest.skip("PHPMailer is not installed")
    return run(need("php"), str(PROGRAMS / "phpmailer.php"), stdin=job(relay, to, with_arn=with_arn))


def email_sender(relay: Relay, path: Path, to: str, with_arn: bool) -> Done:
    """Email::Sender, as Perl programs send."""
    perl = need("perl")
    if run(perl, "-MEmail::Sender::Simple", "-e1", stdin="").returncode != 0:
        pytest.skip("Email::Sender is not installed")
    return run(perl, str(PROGRAMS / "email_sender.pl"), stdin=job(relay, to, with_arn=with_arn))


def job(relay: Relay, to: str, *, with_arn: bool) -> str:
    return json.dumps(
        {
            "port": relay.port, "ca": relay.sesame.ca, "user": relay.user, "password": relay.password,
            "from": relay.from_, "to": to, "arn": relay.arn if with_arn else None,
        }
    )  # fmt: skip


@pytest.mark.parametrize("send", [s_nail, mutt, git_send_email, phpmailer, email_sender])
def test_a_delegates_mail_and_both_refusals(relay: Relay, tmp_path: Path, send: Send) -> None:
    to = f"{send.__name__}.{relay.owner.account_id}@elsewhere.test"
    done = send(relay, tmp_path, to, True)
    assert done.returncode == 0, done.stdout + done.stderr
    arrived = relay.arrived(to)
    assert b"X-SES" not in arrived.upper() and b"Hello." in arrived
    unnamed = send(relay, tmp_path, to, False)
    assert unnamed.returncode != 0, unnamed.stdout
    relay.revoke()
    revoked = send(relay, tmp_path, to, True)
    assert revoked.returncode != 0, revoked.stdout
    if send is not mutt:  # which shows the words only in its own window
        assert NOT_VERIFIED.removeprefix("554 ") in unnamed.stdout + unnamed.stderr
        assert DENIED.removeprefix("554 ") in revoked.stdout + revoked.stderr
