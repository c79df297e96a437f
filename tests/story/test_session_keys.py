"""The key of a session is worth nothing without its token, however it is written, while the session is well known.

The variants are names under which a session could lie in a cache, and ways to write a key that is not one.
"""

import smtplib
import ssl
from collections.abc import Iterator

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.process import REGION, Account, SesameProcess
from tests.support.signed_client import SignedClient, policy
from tests.support.submission import connected, published_password

VARIANTS = (
    "session {}", "session\t{}", "SESSION {}", "session:{}", "session  {}", "('session', '{}')", "{}", " {}",
    "{} ", "{}\x00", "access_key:{}", "key {}", "None {}", "True {}",
)  # fmt: skip

REFUSALS = ("InvalidClientTokenId", "IncompleteSignature", "MalformedHttpRequest")


@pytest.fixture(scope="module")
def session(sesame: SesameProcess) -> Iterator[Account]:
    """A session that has been used, so that all that is cached of it is."""
    account = sesame.create_account()
    iam = sesame.client("iam", account)
    trust = {"Effect": "Allow", "Principal": {"AWS": account.account_id}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName="job", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    may = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(RoleName="job", PolicyName="p", PolicyDocument=policy(may))
    iam.create_user(UserName="robot")
    iam.put_user_policy(UserName="robot", PolicyName="p", PolicyDocument=policy(may))
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    robot = Account(account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    given = sesame.client("sts", robot).assume_role(RoleArn=arn, RoleSessionName="ss")["Credentials"]
    opened = Account(
        account.account_id, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    )
    assert sesame.client("sts", opened).get_caller_identity()["Arn"].endswith("assumed-role/job/ss")
    assert sesame.client("ses", opened).get_send_quota()["Max24HourSend"]
    yield opened


def without_token(session: Account, variant: str) -> Account:
    name = variant.format(session.access_key_id)
    return Account(session.account_id, name, session.secret_access_key)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_session_without_its_token_is_nobody(sesame: SesameProcess, session: Account, variant: str) -> None:
    by = without_token(session, variant)
    for service, action in (("sts", "GetCallerIdentity"), ("ses", "GetSendQuota")):
        with SignedClient(sesame.api, by, service) as client:
            reply = client.call(action)
        assert reply.status in (400, 403), (service, reply.body)
        assert reply.code in REFUSALS, reply.body


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_link_signed_by_a_session_without_its_token_is_nobodys(
    sesame: SesameProcess, session: Account, variant: str
) -> None:
    by = without_token(session, variant)
    url = f"{sesame.api}/?Action=GetSendQuota&Version=2010-12-01"
    request = AWSRequest(method="GET", url=url)
    SigV4QueryAuth(Credentials(by.access_key_id, by.secret_access_key), "ses", REGION).add_auth(request)
    with SignedClient(sesame.api, by) as client:
        target = request.prepare().url.removeprefix(sesame.api)
        reply = client.request("GET", target, {"Host": sesame.api.partition("//")[2]}, b"")
    assert reply.code in REFUSALS, reply.body


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_session_logs_in_nowhere_by_smtp(sesame: SesameProcess, session: Account, variant: str) -> None:
    by = without_token(session, variant)
    password = published_password(session.secret_access_key, REGION)
    with connected(sesame) as client, pytest.raises((smtplib.SMTPException, ssl.SSLError)):
        client.login(by.access_key_id, password)


@pytest.mark.parametrize("variant", [one for one in VARIANTS if one != "{}"])
def test_a_token_opens_for_its_key_as_it_was_given_only(
    sesame: SesameProcess, session: Account, variant: str
) -> None:
    by = without_token(session, variant)
    by.session_token = session.session_token
    with SignedClient(sesame.api, by, "sts") as client:
        reply = client.call("GetCallerIdentity")
    assert reply.code in REFUSALS, reply.body
