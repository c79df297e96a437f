"""What an account asks of passwords, and what it is called where people log in, by boto3 and the console."""

from collections.abc import Callable
from typing import Any

import pytest

from sesame.app.foundation import Services
from tests.support.browser import Person
from tests.support.process import Account, SesameProcess
from tests.support.refused import refused
from tests.support.signed_client import policy
from tests.support.tenant import Tenant

FIRST, SECOND, THIRD = "Correct-horse-1", "Correct-horse-2", "Correct-horse-3"
KINDS = ("RequireSymbols", "RequireNumbers", "RequireUppercaseCharacters", "RequireLowercaseCharacters")
OF_NOBODY: dict[str, Any] = {
    "MinimumPasswordLength": 6,
    **dict.fromkeys(KINDS, False),
    "AllowUsersToChangePassword": False,
    "ExpirePasswords": False,
    "HardExpiry": False,
}
"""What a policy without any parameter is."""


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    made = Tenant(sesame, sesame.create_account())
    made.iam.create_user(UserName="anna")
    return made


def as_anna(tenant: Tenant) -> Any:
    """IAM with a key of the user's."""
    key = tenant.iam.create_access_key(UserName="anna")["AccessKey"]
    return tenant.sesame.client("iam", Account("", key["AccessKeyId"], key["SecretAccessKey"]))


def logged_in(tenant: Tenant, password: str = FIRST, account: str = "") -> Any:
    person = Person(tenant.sesame.console)
    account = account or tenant.account.account_id
    return person, person.send("/login", account=account, user="anna", password=password, code="")


def age(tenant: Tenant, days: float) -> None:
    """Let so many days go by since the account's passwords were set."""

    async def earlier(services: Services) -> None:
        await services.store.write(
            lambda tx: tx.execute(
                "UPDATE login_profile SET set_at = set_at - ? WHERE account_id = ?",
                days * 86_400,
                tenant.account.account_id,
            )
        )

    tenant.sesame.operate(earlier)


def test_a_policy_is_set_read_and_taken_away(tenant: Tenant) -> None:
    tenant.iam.update_account_password_policy(
        MinimumPasswordLength=14, MaxPasswordAge=90, PasswordReusePrevention=5, HardExpiry=True
    )
    assert tenant.iam.get_account_password_policy()["PasswordPolicy"] == {
        **OF_NOBODY,
        "MinimumPasswordLength": 14,
        "ExpirePasswords": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 5,
        "HardExpiry": True,
    }
    tenant.iam.update_account_password_policy()
    assert tenant.iam.get_account_password_policy()["PasswordPolicy"] == OF_NOBODY
    tenant.iam.delete_account_password_policy()
    words = f"The Password Policy with domain name {tenant.account.account_id} cannot be found."
    for call in (tenant.iam.get_account_password_policy, tenant.iam.delete_account_password_policy):
        assert refused(call) == ("NoSuchEntity", words)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MinimumPasswordLength", 129),
        ("MaxPasswordAge", 1096),
        ("PasswordReusePrevention", 25),
    ],
)
def test_a_policy_out_of_range_is_refused(tenant: Tenant, name: str, value: int) -> None:
    code, words = refused(tenant.iam.update_account_password_policy, **{name: value})
    assert (code, str(value) in words) == ("ValidationError", True)


@pytest.mark.parametrize(
    ("asked", "password", "lacks"),
    [
        ({"MinimumPasswordLength": 16}, FIRST, "minimum length of 16"),
        ({"RequireSymbols": True}, "Correcthorse1", "one symbol"),
        ({"RequireNumbers": True}, "Correct-horse", "one number"),
        ({"RequireUppercaseCharacters": True}, "correct-horse-1", "one uppercase letter"),
        ({"RequireLowercaseCharacters": True}, "CORRECT-HORSE-1", "one lowercase letter"),
    ],
)
def test_a_password_is_held_to_the_policy_of_its_account_on_every_way(
    tenant: Tenant, asked: dict[str, Any], password: str, lacks: str
) -> None:
    tenant.iam.update_account_password_policy(**asked)
    code, words = refused(tenant.iam.create_login_profile, UserName="anna", Password=password)
    assert (code, lacks in words) == ("PasswordPolicyViolation", True)
    tenant.iam.create_login_profile(UserName="anna", Password="Correct-horse-battery-1")
    assert lacks in refused(tenant.iam.update_login_profile, UserName="anna", Password=password)[1]
    change, before = _changing(tenant), "Correct-horse-battery-1"
    assert lacks in refused(change, OldPassword=before, NewPassword=password)[1]
    invite = tenant.sesame.run_json("console", "invite", tenant.account.account_id, "anna")["link"]
    path = invite.removeprefix(tenant.sesame.console)
    assert lacks in Person(tenant.sesame.console).send(path, password=password, again=password).text


def _changing(tenant: Tenant) -> Callable[..., Any]:
    allow = policy({"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": "*"})
    tenant.iam.put_user_policy(UserName="anna", PolicyName="own", PolicyDocument=allow)
    change: Callable[..., Any] = as_anna(tenant).change_password
    return change


def test_a_policy_may_ask_less_than_the_servers_rule(tenant: Tenant) -> None:
    assert refused(tenant.iam.create_login_profile, UserName="anna", Password="simple")[0] == (
        "PasswordPolicyViolation"
    )
    tenant.iam.update_account_password_policy()
    tenant.iam.create_login_profile(UserName="anna", Password="simple")
    assert refused(tenant.iam.update_login_profile, UserName="anna", Password="s" * 129)[0] in (
        "ValidationError",
        "PasswordPolicyViolation",
    )


def test_a_password_that_was_used_is_not_used_again_on_any_way(tenant: Tenant) -> None:
    tenant.iam.update_account_password_policy(PasswordReusePrevention=2)
    change = _changing(tenant)
    tenant.iam.create_login_profile(UserName="anna", Password=FIRST)
    assert "used before" in refused(change, OldPassword=FIRST, NewPassword=FIRST)[1]
    change(OldPassword=FIRST, NewPassword=SECOND)
    tenant.iam.update_login_profile(UserName="anna", Password=THIRD)
    assert "used before" in refused(change, OldPassword=THIRD, NewPassword=FIRST)[1]
    assert "used before" in refused(tenant.iam.update_login_profile, UserName="anna", Password=SECOND)[1]
    invite = tenant.sesame.run_json("console", "invite", tenant.account.account_id, "anna")["link"]
    path, person = invite.removeprefix(tenant.sesame.console), Person(tenant.sesame.console)
    assert "used before" in person.send(path, password=FIRST, again=FIRST).text
    fourth = "Correct-horse-4"
    assert "Log out" in person.send(path, password=fourth, again=fourth).text
    change(OldPassword=fourth, NewPassword=FIRST)
    tenant.iam.update_account_password_policy()
    change(OldPassword=FIRST, NewPassword=fourth)


def test_users_change_their_own_password_where_the_policy_lets_them_and_no_policy_denies_it(
    tenant: Tenant,
) -> None:
    tenant.iam.create_login_profile(UserName="anna", Password=FIRST)
    own = as_anna(tenant)
    assert refused(own.change_password, OldPassword=FIRST, NewPassword=SECOND)[0] == "AccessDenied"
    tenant.iam.update_account_password_policy(AllowUsersToChangePassword=True)
    own.change_password(OldPassword=FIRST, NewPassword=SECOND)
    assert own.get_account_password_policy()["PasswordPolicy"]["AllowUsersToChangePassword"]
    assert refused(own.update_login_profile, UserName="anna", Password=THIRD)[0] == "AccessDenied"
    assert refused(own.delete_account_password_policy)[0] == "AccessDenied"
    deny = policy({"Effect": "Deny", "Action": "iam:ChangePassword", "Resource": "*"})
    tenant.iam.put_user_policy(UserName="anna", PolicyName="not", PolicyDocument=deny)
    assert refused(own.change_password, OldPassword=SECOND, NewPassword=THIRD)[0] == "AccessDenied"
    tenant.iam.delete_user_policy(UserName="anna", PolicyName="not")
    bound = tenant.iam.create_policy(
        PolicyName="bound", PolicyDocument=policy({"Effect": "Allow", "Action": "ses:*", "Resource": "*"})
    )["Policy"]["Arn"]
    tenant.iam.put_user_permissions_boundary(UserName="anna", PermissionsBoundary=bound)
    assert refused(own.change_password, OldPassword=SECOND, NewPassword=THIRD)[0] == "AccessDenied"


def test_a_password_that_is_too_old_is_changed_at_the_log_in(tenant: Tenant) -> None:
    tenant.iam.update_account_password_policy(MaxPasswordAge=30)
    tenant.iam.create_login_profile(UserName="anna", Password=FIRST)
    age(tenant, 29)
    assert "Log out" in logged_in(tenant)[1].text
    age(tenant, 2)
    person, answer = logged_in(tenant)
    assert "Set your password" in answer.text
    assert "Log out" in person.send(answer.url.path, password=SECOND, again=SECOND).text
    assert "Log out" in logged_in(tenant, SECOND)[1].text


def test_after_a_hard_expiry_an_administrator_sets_another(tenant: Tenant) -> None:
    tenant.iam.update_account_password_policy(MaxPasswordAge=30, HardExpiry=True)
    tenant.iam.create_login_profile(UserName="anna", Password=FIRST)
    age(tenant, 31)
    _, answer = logged_in(tenant)
    assert (answer.status_code, "has expired" in answer.text) == (403, True)
    assert "has expired" not in logged_in(tenant, "Wrong-horse-1")[1].text, "who guesses learns nothing"
    tenant.iam.update_login_profile(UserName="anna", PasswordResetRequired=False)
    assert "has expired" in logged_in(tenant)[1].text, "only another password is younger"
    tenant.iam.update_login_profile(UserName="anna", Password=SECOND)
    assert "Log out" in logged_in(tenant, SECOND)[1].text


def test_an_account_has_one_alias_that_leads_to_it(tenant: Tenant) -> None:
    alias = f"co-{tenant.account.account_id}"
    tenant.iam.create_login_profile(UserName="anna", Password=FIRST)
    tenant.iam.create_account_alias(AccountAlias=f"old-{alias}")
    tenant.iam.create_account_alias(AccountAlias=alias)
    assert tenant.iam.list_account_aliases()["AccountAliases"] == [alias]
    assert "Log out" in logged_in(tenant, account=alias)[1].text
    assert logged_in(tenant, account=f"old-{alias}")[1].status_code == 403
    other = tenant.sesame.client("iam", tenant.sesame.create_account())
    words = f"The account alias {alias} already exists."
    for iam in (tenant.iam, other):
        assert refused(iam.create_account_alias, AccountAlias=alias) == ("EntityAlreadyExists", words)
    assert refused(other.delete_account_alias, AccountAlias=alias) == (
        "NoSuchEntity",
        f"The account alias with name {alias} cannot be found.",
    )
    tenant.iam.delete_account_alias(AccountAlias=alias)
    assert tenant.iam.list_account_aliases()["AccountAliases"] == []
    other.create_account_alias(AccountAlias=alias)
    assert logged_in(tenant, account=alias)[1].status_code == 403


@pytest.mark.parametrize("alias", ["Capital", "two--dashes", "-first", "last-", "1" * 12, "a" * 64])
def test_an_alias_that_is_none_is_refused(tenant: Tenant, alias: str) -> None:
    assert refused(tenant.iam.create_account_alias, AccountAlias=alias)[0] == "ValidationError"


def test_an_alias_takes_no_log_ins_from_the_account_of_that_name(tenant: Tenant) -> None:
    named = tenant.sesame.create_account(name=f"shop-{tenant.account.account_id}")
    mine = Tenant(tenant.sesame, named)
    mine.iam.create_user(UserName="anna")
    mine.iam.create_login_profile(UserName="anna", Password=FIRST)
    code, _ = refused(tenant.iam.create_account_alias, AccountAlias=f"shop-{tenant.account.account_id}")
    assert code == "EntityAlreadyExists"
