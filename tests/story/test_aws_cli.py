"""The AWS CLI, unmodified: the README's walk, and every operation served, by its own command."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.support import command_line
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess

AWS = Path(sys.executable).with_name("aws")


def in_process(args: list[str]) -> int:
    """The `aws` command in the process of the tests: starting one for each operation takes a second."""
    import awscli.clidriver  # which writes into the environment, so that it is not loaded outside

    os.environ["AWS_DATA_PATH"] = str(Path(awscli.__file__).parent / "data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(awscli.clidriver.create_clidriver().main(args))


class Cli:
    """The `aws` command as one account; `is_process` if it is to be a process of its own."""

    def __init__(
        self, sesame: SesameProcess, account: Account, tmp_path: Path, *, is_process: bool = False
    ) -> None:
        self._is_process = is_process
        self._environ = {
            "PATH": f"{AWS.parent}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": sesame.api,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": account.access_key_id,
            "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }

    def __call__(self, *args: str) -> Any:
        """Run a command; what it printed as JSON, or None."""
        done = self.run(*args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *args: str) -> str:
        """Run a command that must fail; its words."""
        done = self.run(*args)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip()

    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """Run a command."""
        if not self._is_process:
            return command_line.run([*args, "--output", "json"], self._environ, command=in_process)
        return subprocess.run(
            [str(AWS), *args, "--output", "json"],
            env=self._environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip


@pytest.fixture
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account()


@pytest.fixture
def cli(sesame: SesameProcess, account: Account, tmp_path: Path) -> Cli:
    return Cli(sesame, account, tmp_path)


def test_the_walk_of_the_readme(sesame: SesameProcess, account: Account, tmp_path: Path) -> None:
    other = sesame.create_account()
    cli = Cli(sesame, account, tmp_path, is_process=True)
    delegate = Cli(sesame, other, tmp_path, is_process=True)
    domain = f"{account.account_id}.test"
    assert len(cli("ses", "verify-domain-dkim", "--domain", domain)["DkimTokens"]) == 3
    assert cli("sts", "get-caller-identity")["Account"] == account.account_id
    arn = f"arn:aws:ses:{REGION}:{account.account_id}:identity/{domain}"
    send = [
        "ses", "send-email", "--from", f"News <news@{domain}>", "--to", "you@elsewhere.test", "--subject", "Hello",
        "--text", "Sent by a delegate.", "--source-arn", arn,
    ]  # fmt: skip
    words = delegate.refused(*send)
    assert f"is not authorized to perform `ses:SendEmail' on resource `{arn}'" in words
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": other.account_id},
        "Action": "ses:SendEmail",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cli("ses", "put-identity-policy", "--identity", domain, "--policy-name", "p", "--policy", policy)
    message_id = delegate(*send)["MessageId"]
    assert sesame.run_json("trace", message_id)["owner_account_id"] == account.account_id
    cli("ses", "delete-identity-policy", "--identity", domain, "--policy-name", "p")
    assert "AccessDenied" in delegate.refused(*send)


def test_identities_and_policies(account: Account, cli: Cli) -> None:
    domain = f"{account.account_id}.test"
    token = cli("ses", "verify-domain-identity", "--domain", domain)["VerificationToken"]
    cli("ses", "verify-email-identity", "--email-address", f"news@{domain}")
    assert cli("ses", "list-identities")["Identities"] == [domain, f"news@{domain}"]
    attributes = cli("ses", "get-identity-verification-attributes", "--identities", domain)
    assert attributes["VerificationAttributes"][domain] == {
        "VerificationStatus": "Success",
        "VerificationToken": token,
    }
    dkim = cli("ses", "get-identity-dkim-attributes", "--identities", domain)["DkimAttributes"][domain]
    assert dkim["DkimVerificationStatus"] == "NotStarted"
    arn = f"arn:aws:ses:{REGION}:{account.account_id}:identity/{domain}"
    policy = json.dumps(
        {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "ses:*", "Resource": arn}}
    )
    cli("ses", "put-identity-policy", "--identity", domain, "--policy-name", "p", "--policy", policy)
    assert cli("ses", "list-identity-policies", "--identity", domain) == {"PolicyNames": ["p"]}
    stored = cli("ses", "get-identity-policies", "--identity", domain, "--policy-names", "p", "q")["Policies"]
    assert {name: json.loads(text) for name, text in stored.items()} == {"p": json.loads(policy)}
    cli("ses", "delete-identity", "--identity", f"news@{domain}")
    assert cli("ses", "list-identities", "--identity-type", "EmailAddress") == {"Identities": []}
    assert "not implemented" in cli.refused("ses", "list-receipt-filters")


def test_sending_and_the_account(sesame: SesameProcess, account: Account, cli: Cli, tmp_path: Path) -> None:
    domain = f"{account.account_id}.test"
    sesame.vouch(account, domain)
    raw = tmp_path / "raw.json"
    raw.write_text(
        json.dumps({"Data": f"From: news@{domain}\nTo: you@elsewhere.test\nSubject: s\n\nhello\n"})
    )
    sent = cli("ses", "send-raw-email", "--raw-message", f"file://{raw}")
    assert sent["MessageId"]
    assert cli("ses", "get-send-quota")["SentLast24Hours"] == 1.0
    cli("ses", "update-account-sending-enabled", "--no-enabled")
    assert cli("ses", "get-account-sending-enabled") == {"Enabled": False}
    send = (
        "ses",
        "send-email",
        "--from",
        f"a@{domain}",
        "--to",
        "b@elsewhere.test",
        "--subject",
        "s",
        "--text",
        "t",
    )
    assert "AccountSendingPausedException" in cli.refused(*send)
    cli("ses", "update-account-sending-enabled", "--enabled")
    assert cli(*send)["MessageId"]


def test_users_keys_and_policies(account: Account, cli: Cli) -> None:
    user = ("--user-name", "mailer")
    arn = cli("iam", "create-user", *user)["User"]["Arn"]
    assert cli("iam", "get-user", *user)["User"]["Arn"] == arn
    assert [found["UserName"] for found in cli("iam", "list-users")["Users"]] == ["mailer"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}],
    }
    named = (*user, "--policy-name", "send")
    cli("iam", "put-user-policy", *named, "--policy-document", json.dumps(policy))
    assert cli("iam", "list-user-policies", *user)["PolicyNames"] == ["send"]
    assert cli("iam", "get-user-policy", *named)["PolicyDocument"] == policy
    simulated = cli(
        "iam", "simulate-principal-policy", "--policy-source-arn", arn, "--action-names", "ses:SendEmail"
    )
    assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"
    custom = cli(
        "iam",
        "simulate-custom-policy",
        "--policy-input-list",
        json.dumps(policy),
        "--action-names",
        "ses:GetSendQuota",
    )
    assert custom["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    key = (*user, "--access-key-id", cli("iam", "create-access-key", *user)["AccessKey"]["AccessKeyId"])
    cli("iam", "update-access-key", *key, "--status", "Inactive")
    assert [found["Status"] for found in cli("iam", "list-access-keys", *user)["AccessKeyMetadata"]] == [
        "Inactive"
    ]
    assert "DeleteConflict" in cli.refused("iam", "delete-user", *user)
    cli("iam", "delete-access-key", *key)
    cli("iam", "delete-user-policy", *named)
    cli("iam", "delete-user", *user)
    assert "NoSuchEntity" in cli.refused("iam", "get-user", *user)
