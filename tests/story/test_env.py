"""`sesame env`: what it prints is all that unmodified programs need."""

import json
import os
import shlex
import smtplib
import ssl
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.cli.env import CREDENTIALS
from sesame.cli.main import main, parser
from sesame.store.iam.users import smtp_bindings
from tests.support.patience import PATIENCE_S
from tests.support.process import Account, SesameProcess, running

WHO = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


def run(command: list[str], variables: dict[str, str]) -> str:
    """Run a program with these variables and none of AWS's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        command, env=inherited | variables, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def account(sesame: SesameProcess) -> Account:
    account = sesame.create_account()
    sesame.client("iam", account).create_user(UserName="mailer")
    return account


def test_a_shell_that_evaluates_it_runs_boto3_as_the_user(sesame: SesameProcess, account: Account) -> None:
    printed = sesame.run("env", account.account_id, "mailer", "--region", "eu-west-1").stdout
    script = f"{printed}\n{shlex.quote(sys.executable)} -c {shlex.quote(WHO)}; echo $AWS_REGION"
    told = run(["sh", "-c", script], {"AWS_PROFILE": "another", "AWS_SESSION_TOKEN": "stale"})
    assert told.split() == [f"arn:aws:iam::{account.account_id}:user/mailer", "eu-west-1"]


def test_dotenv_and_json_say_the_same_of_a_key_that_is_there(sesame: SesameProcess, account: Account) -> None:
    of_root = ("env", account.account_id, "--key", account.access_key_id)
    variables = sesame.run_json(*of_root)
    assert variables["AWS_SECRET_ACCESS_KEY"] == account.secret_access_key
    lines = sesame.run(*of_root, "--format", "dotenv").stdout.splitlines()
    assert {
        name: json.loads(value) for name, _, value in (line.partition("=") for line in lines)
    } == variables
    assert run([sys.executable, "-c", WHO], variables) == f"arn:aws:iam::{account.account_id}:root"
    with smtplib.SMTP(variables["SMTP_HOST"], int(variables["SMTP_PORT"])) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=variables["SMTP_CA_FILE"]))
        smtp.login(variables["SMTP_USER"], variables["SMTP_PASSWORD"])
    keys = sesame.client("iam", account).list_access_keys()["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [account.access_key_id], "no key was made"


def test_it_leaves_what_an_smtp_log_in_is_bound_to(sesame: SesameProcess, account: Account) -> None:
    arn = sesame.vouch(account, f"{account.account_id}.test")
    made = sesame.run_json("smtp", "credentials", account.account_id, "mailer", "--as", arn)
    sesame.run("env", account.account_id, "--key", made["username"])

    async def bound(services: Services) -> tuple[str, ...]:
        return await services.store.read(lambda tx: smtp_bindings(tx, made["username"]))

    assert sesame.operate(bound) == (arn,)


def test_without_a_server_the_settings_tell(tmp_path: Path) -> None:
    with running(tmp_path / "data") as sesame:
        account = sesame.create_account()
        args = ("env", account.account_id, "--key", account.access_key_id)
        assert sesame.run_json(*args)["AWS_ENDPOINT_URL"] == sesame.api
    variables = sesame.run_json(*args)
    assert (variables["AWS_ENDPOINT_URL"], variables["SMTP_PORT"]) == ("http://127.0.0.1:4579", "2587")


def test_what_is_not_there_is_said(sesame: SesameProcess, account: Account) -> None:
    for args, told in (
        (["env", account.account_id, "nobody"], "has no user `nobody`"),
        (["env", account.account_id, "--key", "AKIANOTHING"], "has no access key"),
        (["env", "1" * 12], "there is no account"),
        (["env", account.account_id, "--region", "moon"], "is not a region"),
    ):
        done = sesame.run(*args, check=False)
        assert done.returncode != 0 and told in done.stderr
        assert done.stdout == f"unset {' '.join(CREDENTIALS)}; false\n"
        for form in (["--format", "dotenv"], ["--format=dotenv"], ["--json"]):
            assert sesame.run(*args, *form, check=False).stdout == ""


def test_a_shell_whose_line_failed_has_no_former_accounts_keys(
    sesame: SesameProcess, account: Account
) -> None:
    """Each way to fail, with the keys of another account in force before."""
    before = sesame.run("env", account.account_id, "--key", account.access_key_id).stdout
    for bad in (["BAD"], [], [account.account_id, "nobody"], ["1" * 12], [account.account_id, "--nonsense"]):
        after = sesame.run("env", *bad, check=False).stdout
        script = (
            f'{before}\nset -e\neval {shlex.quote(after)} || echo failed\necho "$AWS_ACCESS_KEY_ID$SMTP_USER"'
        )
        assert run(["sh", "-c", script], {}) == "failed", bad


def test_a_shell_that_evaluates_it_keeps_nothing_that_wins_over_it(
    sesame: SesameProcess, account: Account
) -> None:
    printed = sesame.run("env", account.account_id).stdout
    script = f"{printed}\n{shlex.quote(sys.executable)} -c {shlex.quote(WHO)}"
    stale = {
        "AWS_DEFAULT_PROFILE": "another",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_SECURITY_TOKEN": "stale",
    }
    assert run(["sh", "-c", script], stale) == f"arn:aws:iam::{account.account_id}:root"


def test_it_takes_the_newest_active_key_and_says_when_it_makes_one(
    sesame: SesameProcess, account: Account
) -> None:
    """However often it is asked, there is no second live key of its making."""
    first = sesame.run("env", account.account_id, "mailer", "--json")
    made = json.loads(first.stdout)["AWS_ACCESS_KEY_ID"]
    assert f"made access key {made} for user mailer of account {account.account_id}" in first.stderr
    again = sesame.run("env", account.account_id, "mailer", "--json")
    assert (json.loads(again.stdout), again.stderr) == (json.loads(first.stdout), "")
    iam = sesame.client("iam", account)
    iam.update_access_key(UserName="mailer", AccessKeyId=made, Status="Inactive")
    other = sesame.run_json("env", account.account_id, "mailer")["AWS_ACCESS_KEY_ID"]
    assert other != made
    assert {key["AccessKeyId"] for key in iam.list_access_keys(UserName="mailer")["AccessKeyMetadata"]} == {
        made,
        other,
    }


def test_a_user_has_two_keys_and_no_third(sesame: SesameProcess, account: Account) -> None:
    keys = [
        sesame.run_json("smtp", "credentials", account.account_id, "mailer")["username"] for _ in range(2)
    ]
    for command in (("smtp", "credentials"), ("key", "create")):
        third = sesame.run(*command, account.account_id, "mailer", check=False)
        assert third.returncode == 1 and not third.stdout
        assert all(told in third.stderr for told in (*keys, "2 access keys already", "sesame key delete"))
    sesame.run("key", "delete", account.account_id, keys[0])
    listed = sesame.run_json("key", "list", account.account_id, "mailer")
    assert [(key["access_key_id"], key["user"], key["active"]) for key in listed] == [
        (keys[1], "mailer", True)
    ]
    assert {key["user"] for key in sesame.run_json("key", "list", account.account_id)} == {None, "mailer"}
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        secret = "x" * 40
        sesame.client("sts", Account(account.account_id, keys[0], secret)).get_caller_identity()
    made = sesame.run_json("key", "create", account.account_id, "mailer")
    assert sesame.client("sts", Account(**made)).get_caller_identity()["Arn"].endswith(":user/mailer")


def test_a_key_of_another_principal_is_not_taken_for_the_users(
    sesame: SesameProcess, account: Account
) -> None:
    done = sesame.run(
        "env", account.account_id, "mailer", "--key", account.access_key_id, "--json", check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"user `mailer` has no access key `{account.access_key_id}`" in done.stderr
    other = sesame.create_account()
    for verb in (["key", "delete", other.account_id, account.access_key_id], ["key", "list", "1" * 12]):
        assert sesame.run(*verb, check=False).returncode == 1
    assert sesame.client("sts", account).get_caller_identity()["Account"] == account.account_id


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "é", "a;rm", "x" * 65, "$(id)", "١"])
def test_user_names_are_iams(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["user", "create", "1" * 12]
    with pytest.raises(SystemExit) as stop:
        parser().parse_args([*command, name])
    assert stop.value.code == 2
    assert "is not a user name" in capsys.readouterr().err
    assert parser().parse_args([*command, "A-z_0+=,.@" + "x" * 54]).name.startswith("A-z")


def test_smtp_credentials_name_the_ports_that_a_running_server_has(
    sesame: SesameProcess, account: Account
) -> None:
    told = sesame.run_json("smtp", "credentials", account.account_id, "--key", account.access_key_id)
    assert (told["host"], told["ports"], told["tls_ports"]) == (
        "localhost",
        [int(sesame.smtp.rpartition(":")[2])],
        [int(sesame.smtps.rpartition(":")[2])],
    )


@pytest.mark.parametrize("fault", [RuntimeError("a fault"), KeyboardInterrupt()])
def test_a_fault_of_the_program_leaves_no_keys_in_force_either(
    fault: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(settings: object) -> None:
        raise fault

    monkeypatch.setattr("sesame.cli.env.endpoints", fail)
    before = os.umask(0o022)
    try:
        with pytest.raises(RuntimeError) if isinstance(fault, RuntimeError) else nullcontext():
            assert main(["env", "1" * 12, "--data", str(tmp_path)]) == 130
    finally:
        os.umask(before)
    assert capsys.readouterr().out.endswith("; false\n")
