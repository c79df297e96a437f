"""GetSessionToken by boto3: who a user's own session is, what it may do and what it may not; and who gets none."""

import base64
import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from sesame.access.passwords import STEP_S, totp
from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess, running
from tests.support.refused import refused

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
WITH_CODE = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


class World:
    """An account with a user `anna` who may do everything."""

    def __init__(self, sesame: SesameProcess) -> None:
        self.sesame, self.account = sesame, sesame.create_account()
        self.number = self.account.account_id
        self.iam = sesame.client("iam", self.account)
        self.anna = self.user("anna", EVERYTHING)

    def user(self, name: str, *statements: dict[str, Any]) -> Account:
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Account(self.number, key["AccessKeyId"], key["SecretAccessKey"])

    def token(self, keys: Account, **given: Any) -> Account:
        made = self.sesame.client("sts", keys).get_session_token(**given)["Credentials"]
        return Account(self.number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def device(self, name: str) -> tuple[str, bytes]:
        """A device for codes of a user's: serial number and seed. The codes of now and of before are used."""
        made = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        serial, seed = made["SerialNumber"], base64.b32decode(made["Base32StringSeed"])
        step = int(time.time() // STEP_S)
        given = {"AuthenticationCode1": totp(seed, step - 1), "AuthenticationCode2": totp(seed, step)}
        self.iam.enable_mfa_device(UserName=name, SerialNumber=serial, **given)
        return serial, seed


@pytest.fixture(scope="module")
def sesame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    data: Path = tmp_path_factory.mktemp("tokens") / "data"
    with running(data, SESAME_ACCOUNTS__REFUSAL_STEP_S="0", SESAME_DELIVERY__ENABLED="false") as process:
        yield process


@pytest.fixture
def world(sesame: SesameProcess) -> World:
    return World(sesame)


def code_of(seed: bytes) -> str:
    """The next code: that of now has been used."""
    return totp(seed, int(time.time() // STEP_S) + 1)


def test_a_users_own_session_is_the_user(world: World) -> None:
    session = world.token(world.anna)
    assert session.access_key_id.startswith("ASIA")
    told = world.sesame.client("sts", session).get_caller_identity()
    assert told["Arn"] == f"arn:aws:iam::{world.number}:user/anna"
    assert told["UserId"] == world.iam.get_user(UserName="anna")["User"]["UserId"]
    assert world.sesame.client("sesv2", session).get_account()["SendingEnabled"]
    world.iam.put_user_policy(
        UserName="anna", PolicyName="no", PolicyDocument=document({**EVERYTHING, "Effect": "Deny"})
    )
    assert refused(world.sesame.client("sesv2", session).get_account)[0] == "AccessDeniedException"


def test_it_ends_with_its_time_and_with_the_user(world: World) -> None:
    sts = world.sesame.client("sts", world.anna)
    for given, seconds in (
        ({}, 43_200),
        ({"DurationSeconds": 900}, 900),
        ({"DurationSeconds": 129_600}, 129_600),
    ):
        expires = sts.get_session_token(**given)["Credentials"]["Expiration"].timestamp()
        assert abs(expires - time.time() - seconds) < 120
    expires = world.sesame.client("sts", world.account).get_session_token()["Credentials"]["Expiration"]
    assert abs(expires.timestamp() - time.time() - 3600) < 120, "an hour for a root"
    assert refused(sts.get_session_token, DurationSeconds=129_601)[0] == "ValidationError"
    session = world.token(world.anna)
    for key in world.iam.list_access_keys(UserName="anna")["AccessKeyMetadata"]:
        world.iam.delete_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"])
    assert world.sesame.client("ses", session).get_send_quota()
    world.iam.delete_user_policy(UserName="anna", PolicyName="own")
    world.iam.delete_user(UserName="anna")
    assert refused(world.sesame.client("ses", session).get_send_quota)[0] == "InvalidClientTokenId"


def test_no_permission_is_needed_and_none_is_given(world: World) -> None:
    """A call that authenticates is not for policies, says the reference."""
    for name, statements in (("nobody", ()), ("denied", ({**EVERYTHING, "Effect": "Deny"},))):
        session = world.token(world.user(name, *statements))
        assert refused(world.sesame.client("ses", session).get_send_quota)[0] == "AccessDenied"


def test_what_it_may_not_call(world: World) -> None:
    """IAM only with a device's code, of STS AssumeRole and GetCallerIdentity alone (IAM user guide)."""
    session = world.token(world.anna)
    iam = world.sesame.client("iam", session)
    assert refused(iam.get_user) == (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )
    sts = world.sesame.client("sts", session)
    text = "Cannot call GetSessionToken with session credentials"
    assert refused(sts.get_session_token) == ("AccessDenied", text)
    trust = {"Effect": "Allow", "Principal": {"AWS": world.number}, "Action": "sts:AssumeRole"}
    role = world.iam.create_role(RoleName="app", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    world.iam.update_role(RoleName="app", MaxSessionDuration=7200)
    # Not a chain of roles: more than an hour may be asked for.
    made = sts.assume_role(RoleArn=role, RoleSessionName="job", DurationSeconds=7200)["Credentials"]
    chained = Account(world.number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert refused(world.sesame.client("sts", chained).get_session_token) == ("AccessDenied", text)


def test_a_code_of_a_device_is_told_to_policies_and_opens_iam(world: World) -> None:
    keys = world.user("bea", {**EVERYTHING, "Condition": WITH_CODE})
    serial, seed = world.device("bea")
    assert refused(world.sesame.client("ses", world.token(keys)).get_send_quota)[0] == "AccessDenied"
    code = code_of(seed)
    session = world.token(keys, SerialNumber=serial, TokenCode=code)
    assert world.sesame.client("ses", session).get_send_quota()
    assert world.sesame.client("iam", session).get_user()["User"]["UserName"] == "bea"
    again = refused(world.sesame.client("sts", keys).get_session_token, SerialNumber=serial, TokenCode=code)
    assert again == (
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
    )
    aged = {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
    world.iam.put_user_policy(
        UserName="bea", PolicyName="own", PolicyDocument=document({**EVERYTHING, "Condition": aged})
    )
    assert world.sesame.client("ses", session).get_send_quota()


def test_a_role_is_assumed_with_a_code_as_profiles_with_mfa_serial_do(world: World) -> None:
    """The trust policy is told of the code, and the session's policies are."""
    serial, seed = world.device("anna")
    trust = {"Effect": "Allow", "Principal": {"AWS": world.number}, "Action": "sts:AssumeRole"}
    text = document({**trust, "Condition": WITH_CODE})
    role = world.iam.create_role(RoleName="app", AssumeRolePolicyDocument=text)["Role"]["Arn"]
    own = document({**EVERYTHING, "Condition": WITH_CODE})
    world.iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=own)
    sts = world.sesame.client("sts", world.anna)
    given = {"RoleArn": role, "RoleSessionName": "job"}
    assert refused(sts.assume_role, **given)[0] == "AccessDenied"
    right = code_of(seed)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    assert "invalid MFA" in refused(sts.assume_role, **given, SerialNumber=serial, TokenCode=wrong)[1]
    made = sts.assume_role(**given, SerialNumber=serial, TokenCode=right)["Credentials"]
    session = Account(world.number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert world.sesame.client("ses", session).get_send_quota()
    assert "invalid MFA" in refused(sts.assume_role, **given, SerialNumber=serial, TokenCode=right)[1]


def test_codes_are_not_guessed_nor_anothers(world: World) -> None:
    serial, seed = world.device("anna")
    bea = world.user("bea", EVERYTHING)
    sts = world.sesame.client("sts", bea)
    code, text = refused(sts.get_session_token, SerialNumber=serial, TokenCode=code_of(seed))
    assert code == "AccessDenied" and "associated with this user" in text
    assert refused(sts.get_session_token, SerialNumber=serial)[0] == "ValidationError"
    sts = world.sesame.client("sts", world.anna)
    right = code_of(seed)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(10):
        assert refused(sts.get_session_token, SerialNumber=serial, TokenCode=wrong)[0] == "AccessDenied"
    assert refused(sts.get_session_token, SerialNumber=serial, TokenCode=right)[0] == "AccessDenied"
    assert sts.get_session_token()["Credentials"]


def test_a_link_gives_no_credentials(world: World) -> None:
    url = world.sesame.client("sts", world.anna).generate_presigned_url("get_session_token")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, method="POST"))
    assert caught.value.code in (400, 403) and b"AccessDenied" in caught.value.read()


def test_the_boundary_of_the_user_holds_for_its_session(world: World) -> None:
    session = world.token(world.anna)
    at_most = world.iam.create_policy(
        PolicyName="at-most", PolicyDocument=document({**EVERYTHING, "Action": "ses:SendEmail"})
    )["Policy"]["Arn"]
    world.iam.put_user_permissions_boundary(UserName="anna", PermissionsBoundary=at_most)
    text = refused(world.sesame.client("ses", session).get_send_quota)[1]
    assert text.endswith("because no permissions boundary allows the ses:GetSendQuota action")


def unsigned(sesame: SesameProcess) -> Any:
    config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
    return boto3.client("sts", endpoint_url=sesame.api, region_name=REGION, config=config, verify=sesame.ca)


def jwt(claims: object) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in ({}, claims)]
    return ".".join([*parts, "c2lnbmF0dXJl"])


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (
            jwt({"iss": "https://token.actions.githubusercontent.com"}),
            "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
        ),
        ("an-access-token", "The ID Token provided is not a valid JWT."),
        (jwt(["https://x.test"]), "The ID Token provided is not a valid JWT."),
        ("a.%%%%.c", "The ID Token provided is not a valid JWT."),
    ],
)
def test_no_other_provider_vouches_for_anybody(sesame: SesameProcess, token: str, text: str) -> None:
    """As STS answers for a provider that an account does not have."""
    role = "arn:aws:iam::123456789012:role/app"
    given = {"RoleArn": role, "RoleSessionName": "job", "WebIdentityToken": token}
    code, told = refused(unsigned(sesame).assume_role_with_web_identity, **given)
    assert code == "InvalidIdentityToken" and told.startswith(text)
    provider = "arn:aws:iam::123456789012:saml-provider/p"
    saml = {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": "PHNhbWw+"}
    assert refused(unsigned(sesame).assume_role_with_saml, **saml) == (
        "InvalidIdentityToken",
        f"Specified provider doesn't exist: {provider}",
    )
