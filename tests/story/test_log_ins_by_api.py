"""Why signatures were refused, as the operator reads it in `sesame log-ins`: only a wrong secret is called so."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.credentials import Credentials

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
    assert "a clock is wrong" in sesame.run("log-ins").stdout
