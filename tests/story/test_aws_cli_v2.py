"""The AWS CLI's `sesv2`, unmodified: identity, policy, a delegate's send, refusals, and what v1 sees of it."""

import json
from pathlib import Path

import pytest

from tests.story.test_aws_cli import Cli
from tests.support.process import REGION, Account, SesameProcess


@pytest.fixture
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account()


@pytest.fixture
def cli(sesame: SesameProcess, account: Account, tmp_path: Path) -> Cli:
    return Cli(sesame, account, tmp_path)


def test_an_owner_lends_its_domain(sesame: SesameProcess, account: Account, cli: Cli, tmp_path: Path) -> None:
    other = sesame.create_account()
    delegate = Cli(sesame, other, tmp_path)
    domain = f"{account.account_id}.test"
    identity = ("--email-identity", domain)
    made = cli("sesv2", "create-email-identity", *identity)
    assert made["IdentityType"] == "DOMAIN" and len(made["DkimAttributes"]["Tokens"]) == 3
    arn = f"arn:aws:ses:{REGION}:{account.account_id}:identity/{domain}"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": other.account_id},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cli("sesv2", "create-email-identity-policy", *identity, "--policy-name", "lend", "--policy", policy)
    assert cli("ses", "list-identity-policies", "--identity", domain) == {"PolicyNames": ["lend"]}
    content = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    send = (
        "sesv2", "send-email", "--from-email-address", f"news@{domain}",
        "--destination", "ToAddresses=you@elsewhere.test", "--content", json.dumps(content),
    )  # fmt: skip
    lent = ("--from-email-address-identity-arn", arn)
    sent = delegate(*send, *lent)["MessageId"]
    assert sesame.run_json("trace", sent)["owner_account_id"] == account.account_id
    raw = f"From: news@{domain}\nTo: you@elsewhere.test\nSubject: s\n\nhello\n"
    data = json.dumps({"Raw": {"Data": raw}})  # version 1 of the CLI encodes blobs by itself
    assert delegate("sesv2", "send-email", "--content", data, *lent)["MessageId"]
    assert "MessageRejected" in delegate.refused(*send)
    cli("sesv2", "delete-email-identity-policy", *identity, "--policy-name", "lend")
    words = delegate.refused(*send, *lent)
    assert "AccessDeniedException" in words
    assert f"is not authorized to perform `ses:SendEmail' on resource `{arn}'" in words


def test_every_other_operation_served(account: Account, cli: Cli) -> None:
    address = f"a+b@{account.account_id}.test"
    cli("sesv2", "create-email-identity", "--email-identity", address)
    found = cli("sesv2", "get-email-identity", "--email-identity", address)
    assert found["VerificationStatus"] == "PENDING" and found["Policies"] == {}
    listed = cli("sesv2", "list-email-identities", "--page-size", "1")["EmailIdentities"]
    assert [identity["IdentityName"] for identity in listed] == [address]
    assert cli("sesv2", "get-email-identity-policies", "--email-identity", address) == {"Policies": {}}
    cli("sesv2", "delete-email-identity", "--email-identity", address)
    assert "NotFoundException" in cli.refused("sesv2", "get-email-identity", "--email-identity", address)
    cli("sesv2", "put-account-sending-attributes", "--no-sending-enabled")
    details = ("--mail-type", "TRANSACTIONAL", "--website-url", "https://example.com")
    cli("sesv2", "put-account-details", *details, "--production-access-enabled")
    account_now = cli("sesv2", "get-account")
    assert account_now["SendingEnabled"] is False
    assert account_now["Details"]["MailType"] == "TRANSACTIONAL"
    assert "NotImplemented" in cli.refused("sesv2", "list-multi-region-endpoints")
