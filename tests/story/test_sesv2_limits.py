"""Where the SES API v2 ends: quota, rate, sizes, many clients at once; each with v2's own code."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.process import SesameProcess, running, wait_until
from tests.support.rest_client import RestClient
from tests.support.signed_client import policy

SENDS = "/v2/email/outbound-emails"


def email(**more: object) -> dict[str, object]:
    return {
        "FromEmailAddress": "a@limits.test",
        "Destination": {"ToAddresses": ["reader@elsewhere.test"]},
        "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        **more,
    }


def test_quota_and_rate_have_codes_of_their_own(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    sesame.vouch(account, "limits.test")
    with RestClient(sesame.api, account) as client:
        sesame.run("account", "set-quota", account.account_id, "--max-24h", "1")
        assert client.call("POST", SENDS, email()).status == 200
        over = client.call("POST", SENDS, email())
        assert (over.status, over.code) == (400, "LimitExceededException")
        assert over.message == "Daily message quota exceeded."
        sesame.run("account", "set-quota", account.account_id, "--max-24h", "1000", "--rate", "0.01")
        codes = Counter(client.call("POST", SENDS, email()).code for _ in range(5))
        assert codes["TooManyRequestsException"] >= 3
        late = client.call("POST", SENDS, email())
        assert (late.status, late.message) == (429, "Maximum sending rate exceeded.")


def test_a_policy_is_created_once_however_many_ask(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    arn = sesame.vouch(account, "limits.test")
    document = policy({"Effect": "Deny", "Principal": "*", "Action": "ses:SendEmail", "Resource": arn})

    def create(number: int) -> list[str]:
        with RestClient(sesame.api, account) as client:
            path = "/v2/email/identities/limits.test/policies/p"
            return [client.call("POST", f"{path}{n}", {"Policy": document}).code for n in range(24)]

    with ThreadPoolExecutor(8) as threads:
        codes = [list(of_one) for of_one in zip(*threads.map(create, range(8)), strict=True)]
    told = [Counter(of_one) for of_one in codes]
    assert all(of_one[""] == 1 and of_one["AlreadyExistsException"] == 7 for of_one in told[:20])
    assert all(of_one == {"LimitExceededException": 8} for of_one in told[20:])


def test_a_body_over_the_limit_is_refused_in_json(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_API__MAX_BODY_BYTES="2000") as sesame:
        account = sesame.create_account()
        with RestClient(sesame.api, account) as client:
            text = {"Simple": {"Subject": {"Data": "s" * 3000}, "Body": {}}}
            reply = client.call("POST", SENDS, email(Content=text))
            assert (reply.status, reply.code) == (413, "RequestEntityTooLargeException")
            assert "2000 bytes" in reply.message
            assert client.call("GET", "/v2/email/account").status == 200


def test_what_is_unsigned_or_unknown_is_answered_in_json(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    with RestClient(sesame.api, account) as client:
        unknown = client.call("GET", "/v2/email/nothing")
        assert (unknown.status, unknown.code) == (404, "UnknownOperationException")
        unserved = client.call("GET", "/v2/email/multi-region-endpoints")
        assert (unserved.status, unserved.code) == (501, "NotImplemented")
        assert "ListMultiRegionEndpoints" in unserved.message
        earlier = client.call(
            "PUT", "/v1/email/identities/a.test/dkim/signing", {"SigningAttributesOrigin": "AWS_SES"}
        )
        assert earlier.code in ("NotImplemented", "NotFoundException")
        # A form of v1 under the path of v2 is not an operation, whatever its Action says.
        form = client.call("POST", "/v2/email/account", b"Action=GetSendQuota&Version=2010-12-01")
        assert form.status == 404
        client.unsigned = True
        unsigned = client.call("GET", "/v2/email/account")
        assert (unsigned.status, unsigned.code) == (403, "MissingAuthenticationTokenException")
        assert unsigned.message == "Missing Authentication Token"


def test_what_is_logged_of_a_call(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    with RestClient(sesame.api, account) as client:
        reply = client.call("GET", "/v2/email/identities/none.test")
    request_id = reply.headers["x-amzn-requestid"]
    wait_until(lambda: request_id in sesame.log_path.read_text())
    logged = json.loads(next(line for line in sesame.log_path.read_text().splitlines() if request_id in line))
    assert (logged["service"], logged["operation"], logged["status"], logged["code"]) == (
        "sesv2",
        "GetEmailIdentity",
        404,
        "NotFoundException",
    )
    assert logged["account_id"] == account.account_id
