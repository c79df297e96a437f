"""boto3's sesv2 client against a real server: what v1 writes v2 reads, and the reverse."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import Account, SesameProcess


@pytest.fixture(scope="module")
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account()


@pytest.fixture(scope="module")
def sesv2(sesame: SesameProcess, account: Account) -> Any:
    return sesame.client("sesv2", account)


def test_the_account_is_one_in_both_versions(sesame: SesameProcess, account: Account, sesv2: Any) -> None:
    ses = sesame.client("ses", account)
    found = sesv2.get_account()
    assert found["ProductionAccessEnabled"] is True and found["SendingEnabled"] is True
    quota = ses.get_send_quota()
    assert found["SendQuota"] == {key: quota[key] for key in found["SendQuota"]}
    sesv2.put_account_sending_attributes(SendingEnabled=False)
    assert ses.get_account_sending_enabled()["Enabled"] is False
    ses.update_account_sending_enabled(Enabled=True)
    assert sesv2.get_account()["SendingEnabled"] is True


def test_signature_trouble_has_the_codes_of_v2(sesame: SesameProcess, account: Account) -> None:
    for keys, code in (
        (Account(account.account_id, "AKIAUNKNOWNUNKNOWN00", "x"), "UnrecognizedClientException"),
        (Account(account.account_id, account.access_key_id, "wrong"), "InvalidSignatureException"),
    ):
        with pytest.raises(ClientError) as refused:
            sesame.client("sesv2", keys).get_account()
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
