"""Each snippet of a delegate's kit, run as it is printed, and the kit tried by the command itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sesame.app.foundation import Services
from sesame.db import Transaction
from sesame.store import recorded_sends
from tests.support import clients
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess
from tests.support.submission import published_password
from tests.support.terraform import mirror


class Delegation:
    """An owner's domain, a user of another account who may send as news-…@ of it, and that user's kit."""

    def __init__(self, sesame: SesameProcess, *, lets_itself: bool = True) -> None:
        self.sesame = sesame
        self.owner, self.delegate = sesame.create_account(), sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.arn = sesame.vouch(self.owner, self.domain)
        iam = sesame.client("iam", self.delegate)
        self.user = iam.create_user(UserName="mailer")["User"]["Arn"]
        made = iam.create_access_key(UserName="mailer")["AccessKey"]
        self.keys = Account(self.delegate.account_id, made["AccessKeyId"], made["SecretAccessKey"])
        self.put_policy(Condition={"StringLike": {"ses:FromAddress": f"news-*@{self.domain}"}})
        if lets_itself:
            kit = sesame.run_json("kit", self.arn, "--for", self.user)
            iam.put_user_policy(
                UserName="mailer", PolicyName="kit", PolicyDocument=json.dumps(kit["iamPolicy"])
            )

    def put_policy(self, **changes: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self.user},
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": self.arn,
            **changes,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        ses = self.sesame.client("ses", self.owner)
        ses.put_identity_policy(Identity=self.domain, PolicyName="news", Policy=policy)

    def snippet(self, name: str) -> str:
        """A snippet as the command prints it."""
        return self.sesame.run("kit", self.arn, "--for", self.user, "--only", name).stdout

    def environ(self) -> dict[str, str]:
        """What a delegate has set: its own keys, and where it finds the server's certificate authority."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": self.keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.keys.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SMTP_USER": self.keys.access_key_id,
            "SMTP_PASSWORD": published_password(self.keys.secret_access_key, REGION),
            "SMTP_CA_FILE": self.sesame.ca,
        }

    def run(self, command: list[str], cwd: Path, text: str | None = None) -> str:
        """Run a program with the delegate's environment; what it printed."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env=self.environ(),
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def delegation(sesame: SesameProcess) -> Delegation:
    return Delegation(sesame)


def python() -> str:
    if reason := clients.missing("boto3_sesv2.py"):
        pytest.skip(reason)
    return str(clients.PYTHON)


def test_the_boto3_snippet_sends(delegation: Delegation, tmp_path: Path) -> None:
    printed = delegation.run([python(), "-c", delegation.snippet("boto3")], tmp_path)
    assert is_message_of(delegation, printed.strip())


def test_the_aws_cli_snippet_sends(delegation: Delegation, tmp_path: Path) -> None:
    if shutil.which("aws") is None and not (Path(sys.prefix) / "bin" / "aws").exists():
        pytest.skip("there is no AWS CLI on this machine")
    script = f'PATH="{Path(sys.prefix) / "bin"}:$PATH"; export PATH\n{delegation.snippet("cli")}'
    printed = delegation.run(["sh", "-eu"], tmp_path, script)
    assert is_message_of(delegation, json.loads(printed)["MessageId"])


def test_the_nodemailer_snippet_sends(delegation: Delegation, tmp_path: Path) -> None:
    if reason := clients.missing("nodemailer_ses.mjs"):
        pytest.skip(reason)
    (tmp_path / "node_modules").symlink_to((clients.PROGRAMS / "node_modules").resolve())
    (tmp_path / "send.mjs").write_text(delegation.snippet("nodemailer"))
    printed = delegation.run(["node", "send.mjs"], tmp_path)
    assert is_message_of(delegation, printed.strip().strip("<>").partition("@")[0])


def test_the_django_settings_send(delegation: Delegation, tmp_path: Path) -> None:
    interpreter = python()
    (tmp_path / "kit_settings.py").write_text(
        f'SECRET_KEY = "test"\nUSE_TZ = True\n{delegation.snippet("django")}'
    )
    program = (
        "import django, os\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'kit_settings'\n"
        "django.setup()\n"
        "from django.core.mail import EmailMessage\n"
        "message = EmailMessage('s', 't', None, ['success@simulator.amazonses.com'])\n"
        "message.send()\n"
        "print(message.extra_headers['message_id'])\n"
    )
    printed = delegation.run([interpreter, "-c", program], tmp_path)
    assert is_message_of(delegation, printed.strip())


def test_the_smtp_snippet_sends(delegation: Delegation, tmp_path: Path) -> None:
    before = sent_count(delegation)
    delegation.run([sys.executable, "-c", delegation.snippet("smtp")], tmp_path)
    assert sent_count(delegation) == before + 1


def test_the_terraform_snippet_lets_the_senders_side(sesame: SesameProcess, tmp_path: Path) -> None:
    plugins = tmp_path / "terraform.rc"
    plugins.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror()}" }}\n}}\n')
    delegation = Delegation(sesame, lets_itself=False)
    assert sesame.run("kit", delegation.arn, "--for", delegation.user, "--send", check=False).returncode == 3
    (tmp_path / "main.tf").write_text(delegation.snippet("terraform"))
    environ = delegation.environ() | {
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(plugins),
        "TF_IN_AUTOMATION": "1",
        "AWS_ACCESS_KEY_ID": delegation.delegate.access_key_id,
        "AWS_SECRET_ACCESS_KEY": delegation.delegate.secret_access_key,
    }
    for words in (["fmt", "-check"], ["init", "-no-color"], ["apply", "-auto-approve", "-no-color"]):
        done = subprocess.run(
            ["terraform", *words],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "sent: " in sesame.run("kit", delegation.arn, "--for", delegation.user, "--send").stdout


def test_the_command_tries_the_kit(delegation: Delegation) -> None:
    printed = delegation.sesame.run_json("kit", delegation.domain, "--for", delegation.user, "--send")
    assert printed["status"] == 200
    assert is_message_of(delegation, printed["answer"]["MessageId"])


def test_a_kit_that_is_refused_says_why_as_the_delegate_reads_it(sesame: SesameProcess) -> None:
    delegation = Delegation(sesame, lets_itself=False)
    kit = ("kit", delegation.arn, "--for", delegation.user, "--send")
    printed = sesame.run(*kit, check=False)
    assert printed.returncode == 3 and "refused with 403" in printed.stdout
    assert f"SA206 no IAM policy of `{delegation.user}` allows `ses:SendEmail`" in printed.stdout
    assert f"fix: give `{delegation.user}` an IAM policy with the statement" in printed.stdout
    [request_id] = re.findall(r"^    request (\S+)$", printed.stdout, re.MULTILINE)
    account_id = delegation.delegate.account_id
    [kept] = sesame.run_json("decisions", account_id, "--request", request_id)
    assert [cause["code"] for cause in kept["causes"]] == ["SA206"]
    told = json.loads(sesame.run(*kit, "--json", check=False).stdout)
    assert told["status"] == 403 and told["causes"] == kept["causes"] and told["request_id"] != request_id


def test_a_kit_holds_no_secret(delegation: Delegation) -> None:
    printed = delegation.sesame.run("kit", delegation.arn, "--for", delegation.user).stdout
    assert f"may send as {delegation.arn}" in printed
    assert "AWS CLI: " in printed
    secret = delegation.keys.secret_access_key
    assert not [
        word
        for word in (secret, published_password(secret, REGION), delegation.keys.access_key_id)
        if word in printed
    ]


def test_without_a_policy_there_is_no_kit(sesame: SesameProcess) -> None:
    owner, stranger = sesame.create_account(), sesame.create_account()
    arn = sesame.vouch(owner, f"{owner.account_id}.test")
    done = sesame.run("kit", arn, "--for", stranger.account_id, check=False)
    assert done.returncode == 3
    assert "sesame policy generate" in done.stdout
    nobody = f"arn:aws:iam::{stranger.account_id}:user/nobody"
    assert "has no user" in sesame.run("kit", arn, "--for", nobody, check=False).stdout


def sent_count(delegation: Delegation) -> int:
    """How many messages of the delegate's account were accepted as the identity."""

    async def count(services: Services) -> int:
        async def run(tx: Transaction) -> int:
            after = recorded_sends.beginning(0)
            owner = delegation.owner.account_id
            return len(await recorded_sends.accepted(tx, owner, REGION, after=after, limit=1000))

        return await services.store.read(run)

    return delegation.sesame.operate(count)


def is_message_of(delegation: Delegation, message_id: str) -> bool:
    """Whether a message id is of a message that the delegate sent as the identity."""
    trace = delegation.sesame.run_json("trace", message_id)
    return bool(trace)
