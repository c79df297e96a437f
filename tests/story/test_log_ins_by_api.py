"""Why signatures were refused, as the operator reads it in `sesame log-ins`: only a wrong secret is called so."""

import datetime
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.credentials import Credentials

from tests.story.misconfigured.world import World
from tests.support.browser import Person, operator, words
from tests.support.process import Account, SesameProcess, running, wait_until
from tests.support.signed_client import SignedClient


@pytest.fixture
def sesame(tmp_path: Path) -> Iterator[SesameProcess]:
    with running(tmp_path / "data") as process:
        yield process


def refused(
    sesame: SesameProcess, account: Account, *, service: str = "ses", region: str = "us-east-1"
) -> str:
    """The code that a call signed for a service and a region is answered with."""
    client: Any = SignedClient(sesame.api, account)
    with client:
        keys = Credentials(account.access_key_id, account.secret_access_key)
        client._signer = SigV4Auth(keys, service, region)
        return str(client.call("GetSendQuota").code)


def test_a_signature_made_for_something_else_is_no_wrong_secret(
    sesame: SesameProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signer() -> Account:
        return sesame.create_account()

    why: dict[str, str] = {}
    wrong = Account((made := signer()).account_id, made.access_key_id, "x" * 40)
    assert refused(sesame, wrong) == "SignatureDoesNotMatch"
    why[wrong.access_key_id] = "SignatureDoesNotMatch"
    for changed in ({"service": "email"}, {"region": "nowhere-1"}):
        account = signer()
        assert refused(sesame, account, **changed) == "SignatureDoesNotMatch"
        why[account.access_key_id] = "signature"
    for hours in (-1, 1):
        account = signer()
        at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        with monkeypatch.context() as patch:
            patch.setattr(botocore.auth, "get_current_datetime", lambda at=at: at.replace(tzinfo=None))
            assert refused(sesame, account) == "SignatureDoesNotMatch"
        why[account.access_key_id] = "clock"

    def told() -> bool:
        names = sesame.run_json("log-ins")["names"]
        return {one["of"]: one["why"] for one in names} == why

    wait_until(told)
    fixes = {one["of"]: one["fix"] for one in sesame.run_json("log-ins")["names"]}
    assert all(fixes.values()) and "set the client's clock" in fixes.values()
    assert f"sesame key create {wrong.account_id} USER" in fixes[wrong.access_key_id]
    assert "a clock is wrong" in sesame.run("log-ins").stdout


def test_a_user_name_in_place_of_the_key_is_named_with_what_to_do(sesame: SesameProcess) -> None:
    """To the operator, of the account that alone has such a user; where two have one, or none, none is named."""
    world = World(sesame)
    only = world.user("mailer")
    for account in (world.owner, world.sender):
        world.user("both", account=account)
    for name in ("Mailer", "both", "nobody"):
        with pytest.raises(smtplib.SMTPAuthenticationError):
            world.smtp(only, user=name, password="wrong")
    to_log_in = (
        "log in with the id of an access key (AKIA…), not with the name of a user: `sesame smtp credentials"
    )

    def told() -> bool:
        fixes = {one["of"]: (one["account_id"], one["fix"]) for one in sesame.run_json("log-ins")["names"]}
        either = ("", f"{to_log_in} ACCOUNT USER` prints both")
        account_id = only.account_id
        mine = (account_id, f"{to_log_in} {account_id} Mailer` prints both")
        return fixes == {"Mailer": mine, "both": either, "nobody": either}

    wait_until(told)
    assert f"{to_log_in} {only.account_id} Mailer" in sesame.run("log-ins").stdout
    page = words(operator(sesame).get("/operator/log-ins").text)
    assert "not with the name of a user" in page and only.account_id in page
    assert sesame.run_json("decisions", only.account_id) == []


def test_what_is_wrong_with_a_key_or_a_user_is_named_for_each(sesame: SesameProcess) -> None:
    """In the operator's list alone: what who tried is answered stays as it was."""
    world = World(sesame)
    account = world.sender
    off, gone = world.user("off"), world.user("gone")
    iam = world.client("iam", account)
    iam.update_access_key(UserName="off", AccessKeyId=off.access_key_id, Status="Inactive")
    iam.delete_access_key(UserName="gone", AccessKeyId=gone.access_key_id)
    opened = world.client("sts", world.user("robot", {"Effect": "Allow", "Action": "*", "Resource": "*"}))
    session = opened.get_session_token()["Credentials"]
    bare = Account(account.account_id, session["AccessKeyId"], session["SecretAccessKey"])
    for one in (off, gone, bare):
        assert refused(sesame, one) == "InvalidClientTokenId"
    for user in ("off", "nobody"):
        page = Person(sesame.console).send("/login", account=account.account_id, user=user, password="wrong")
        assert "password or code is wrong" in page.text and "has no password" not in page.text

    expected = {
        off.access_key_id: "key-inactive",
        gone.access_key_id: "key-deleted",
        bare.access_key_id: "no-token",
        f"{account.account_id}/off": "no-password",
        f"{account.account_id}/nobody": "unknown",
    }

    def told() -> bool:
        return {one["of"]: one["why"] for one in sesame.run_json("log-ins")["names"]} == expected

    wait_until(told)
    fixes = {one["of"]: one["fix"] for one in sesame.run_json("log-ins")["names"]}
    assert f"`sesame console invite {account.account_id} off`" in fixes[f"{account.account_id}/off"]
    assert "send the session's token" in fixes[bare.access_key_id]
    assert off.access_key_id in fixes[off.access_key_id]
    printed = sesame.run("log-ins").stdout
    assert "the user has no password" in printed and "without its session token" in printed
