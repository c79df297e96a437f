"""The global condition keys of a request: each is what the request says, and absent when it says nothing."""

from dataclasses import replace

from sesame.access import conditions
from sesame.access.principals import Credential
from sesame.model import AccountId, Caller, ConsoleLogin, Principal, PrincipalKind

USER = Principal(
    kind=PrincipalKind.USER,
    account_id=AccountId("111111111111"),
    arn="arn:aws:iam::111111111111:user/ann",
    user_id="AIDAEXAMPLE",
    name="ann",
)
CREDENTIAL = Credential(
    access_key_id="AKIAEXAMPLE",
    secret_access_key="secret",
    active=True,
    principal=USER,
    scope="s",
    epoch=1,
)
CALLER = Caller(
    principal=USER,
    access_key_id="AKIAEXAMPLE",
    region="us-east-1",
    source_ip="203.0.113.9",
    secure_transport=True,
    user_agent=None,
    at=1_800_000_100.0,
    request_id="r",
)


def test_the_age_of_a_second_factor_is_told_where_there_was_one() -> None:
    """A Deny on an old one must see it (NumericGreaterThan aws:MultiFactorAuthAge)."""

    def age(login: ConsoleLogin | None) -> object:
        keys = conditions.global_keys(replace(CALLER, login=login), CREDENTIAL)
        return keys.get("aws:MultiFactorAuthAge")

    assert age(ConsoleLogin(mfa=True, made_at=1_800_000_000.0)) == "100"
    assert age(ConsoleLogin(mfa=True, made_at=1_800_000_101.5)) == "0"
    assert age(ConsoleLogin(mfa=False, made_at=1_800_000_000.0)) is None
    assert age(None) is None


def test_the_headers_that_policies_may_ask_about_are_told_as_they_came() -> None:
    keys = conditions.global_keys(
        replace(CALLER, user_agent="Curl/8", referer="https://A.test/x"), CREDENTIAL
    )
    assert (keys["aws:UserAgent"], keys["aws:Referer"]) == ("Curl/8", "https://A.test/x")
    assert not {"aws:UserAgent", "aws:Referer"} & conditions.global_keys(CALLER, CREDENTIAL).keys()
