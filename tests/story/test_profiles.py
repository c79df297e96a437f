"""Starting, stopping, configuring: the two profiles as their users meet them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dkim
import pytest
from botocore.exceptions import ClientError

from tests.support.other_server import other_server
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess, running, wait_until

PRODUCTION = """
log_format = "json"
[api]
regions = ["{region}"]
[delivery]
hostname = "mx1.sesame.test"
relay = "localhost:{port}"
return_path_domain = "bounces.sesame.test"
"""


def message(account: Account, domain: str) -> dict[str, Any]:
    return {
        "Source": f"news@{domain}",
        "Destination": {"ToAddresses": ["to@elsewhere.test"], "BccAddresses": ["hidden@elsewhere.test"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "hello"}}},
    }


def test_production_delivers_through_the_relay(tmp_path: Path) -> None:
    config = tmp_path / "sesame.toml"
    with other_server() as sink:
        config.write_text(PRODUCTION.format(region=REGION, port=sink.port))
        sesame = SesameProcess(tmp_path / "data", config=config)
        account = sesame.create_account()
        sesame.vouch(account, "example.com")
        sesame.start()
        try:
            assert not (sesame.data / "credentials").exists()
            sesame.client("ses", account).send_email(**message(account, "example.com"))
            wait_until(lambda: len(sink.received) == 2)
            with pytest.raises(ClientError, match="valid region, not 'eu-west-1'"):
                sesame.client("ses", account, region="eu-west-1").get_send_quota()
        finally:
            assert sesame.stop() == 0
    assert {tuple(envelope.rcpt_tos) for envelope in sink.received} == {
        ("to@elsewhere.test",),
        ("hidden@elsewhere.test",),
    }
    senders = {envelope.mail_from for envelope in sink.received}
    assert len(senders) == 2, "each recipient has a return path of its own"
    assert all(sender.endswith("@bounces.sesame.test") for sender in senders)
    for envelope in sink.received:
        assert b"hidden@" not in envelope.content
        assert not dkim.verify(envelope.content), "vouching proves no DKIM record, so nothing is signed"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "sesame.toml"
    config.write_text(PRODUCTION.format(region=REGION, port=9))
    sesame = SesameProcess(
        tmp_path / "data", config=config, environ={"SESAME_DELIVERY__RELAY": "10.0.0.9:25"}
    )
    assert sesame.run_json("config", "show")["delivery"]["relay"] == "10.0.0.9:25"


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("[api]\nport = 'x'", {}, "api.port"),
        ("[delivery]\nrelay = 'nowhere'", {}, "host:port"),
        ("", {"SESAME_API__PROT": "1"}, "SESAME_API__PROT"),
        ("[api]\ntls_certificate = '/none.pem'\ntls_private_key = '/none.pem'", {}, "/none.pem"),
        ("nonsense", {}, "not valid TOML"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    text: str, environ: dict[str, str], words: str, tmp_path: Path
) -> None:
    config = tmp_path / "sesame.toml"
    config.write_text(text)
    sesame = SesameProcess(tmp_path / "data", config=config, environ=environ)
    done = sesame.spawn("serve", check=False)
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (78, True, False), (
        done.stderr
    )


def test_a_port_in_use_and_a_data_directory_in_use_are_named(sesame: SesameProcess, tmp_path: Path) -> None:
    port = sesame.api.rpartition(":")[2]
    other = SesameProcess(tmp_path / "data")
    taken = other.spawn("serve", "--api-port", port, check=False)
    assert (taken.returncode, "api.port" in taken.stderr) == (78, True)
    twice = sesame.spawn("serve", "--api-port", "0", check=False)
    assert (twice.returncode, "in use by another" in twice.stderr) == (78, True)


def test_a_lost_master_key_is_an_error_and_not_a_new_start(tmp_path: Path) -> None:
    sesame = SesameProcess(tmp_path / "data")
    sesame.create_account()
    (sesame.data / "master.key").unlink()
    done = sesame.run("account", "list", check=False)
    assert (done.returncode, "master key" in done.stderr) == (78, True)


def test_sigterm_ends_it_promptly_and_in_good_order(tmp_path: Path) -> None:
    with running(tmp_path / "data") as sesame:
        assert sesame.process is not None
        sesame.process.send_signal(signal.SIGTERM)
        assert sesame.process.wait(PATIENCE_S) == 0


def test_instances_run_side_by_side(sesame: SesameProcess, tmp_path: Path) -> None:
    with running(tmp_path / "data") as other:
        assert other.api != sesame.api
        account = other.create_account()
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            sesame.client("ses", account).get_send_quota()


def test_the_operators_commands_take_effect_on_the_next_request(sesame: SesameProcess) -> None:
    """Each is a process of its own beside the running server, whose caches follow."""
    account = Account(**sesame.run_json("account", "create"))
    ses = sesame.client("ses", account)
    domain = f"{account.account_id}.test"
    with pytest.raises(ClientError, match="not verified"):
        ses.send_email(**message(account, domain))
    sesame.run("identity", "vouch", account.account_id, domain, "--region", REGION)
    with pytest.raises(ClientError, match=r"to@elsewhere\.test, hidden@elsewhere\.test"):
        ses.send_email(**message(account, domain))
    sesame.run("account", "leave-sandbox", account.account_id)
    ses.send_email(**message(account, domain))
    sesame.run(
        "account", "set-quota", account.account_id, "--max-24-hour-send", "3", "--max-send-rate", "100"
    )
    with pytest.raises(ClientError, match=r"Daily message quota exceeded\."):
        ses.send_email(**message(account, domain))
    assert ses.get_send_quota()["Max24HourSend"] == 3.0
    user = Account(**sesame.run_json("user", "create", account.account_id, "mailer"))
    with pytest.raises(ClientError, match="AccessDenied"):
        sesame.client("ses", user).get_send_quota()
    sesame.run("user", "delete", account.account_id, "mailer")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sesame.client("ses", user).get_send_quota()


def test_no_secret_is_in_clear_in_the_data_directory_or_the_log(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_ACCOUNTS__DEMO="false") as sesame:
        account = sesame.create_account()
        ses = sesame.client("ses", account)
        ses.verify_domain_dkim(Domain="example.com")
        ses.send_email(**message(account, "example.com"))
        wait_until(lambda: sesame.mail())
        keys = {"master.key", "server.key"}  # what opens the rest, and the development certificate's
        files = [path for path in sesame.data.rglob("*") if path.is_file() and path.name not in keys]
        assert any(path.name.endswith("-wal") for path in files)
        for path in (*files, sesame.log_path):
            content = path.read_bytes()
            assert account.secret_access_key.encode() not in content, path
            assert b"PRIVATE KEY" not in content, path


def test_serve_prints_the_line_to_paste(tmp_path: Path) -> None:
    """The development profile says once how to reach it; the line works as it stands."""
    with running(tmp_path / "data") as sesame:
        line = next(
            text
            for text in sesame.log_path.read_text().splitlines()
            if text.strip().startswith("export AWS_")
        )
        code = "import boto3; print(boto3.Session(profile_name='owner').client('sts').get_caller_identity()['Account'])"
        done = subprocess.run(
            ["bash", "-c", f"{line}\n{sys.executable} -c \"{code}\""],
            capture_output=True, text=True, timeout=PATIENCE_S, check=True,
        )  # fmt: skip
        accounts = [
            account["account_id"] for account in json.loads(sesame.run("account", "list", "--json").stdout)
        ]
        assert done.stdout.strip() in accounts
