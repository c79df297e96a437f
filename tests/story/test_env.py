"""`sesame env`: what it prints is all that unmodified programs need."""

import json
import os
import shlex
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from sesame.app.foundation import Services
from sesame.store.iam.users import smtp_bindings
from tests.support.process import Account, SesameProcess, running

WHO = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


def run(command: list[str], variables: dict[str, str]) -> str:
    """Run a program with these variables and none of AWS's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        command, env=inherited | variables, capture_output=True, text=True, timeout=60, check=False
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
        assert done.returncode != 0 and told in done.stderr and not done.stdout
