"""An administrator gives a user a password for the console, another one, or takes it away: as IAM's operations do."""

import json
import re
from typing import Any

import pytest

from sesame.access.password_rules import in_words
from sesame.store.iam.password_policies import PasswordPolicy
from tests.console.test_again import age, fields
from tests.console.test_failed_forms import summary
from tests.console.test_leave import person_with
from tests.console.test_login import PASSWORD, log_in, make_user
from tests.support.audit_log import audit_log
from tests.support.browser import Person, main_of, root_of
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/people/users/plain"
FORM = f"{HERE}/password"
GIVEN, OTHER = "Given-by-someone-1", "Another-password-2"


@pytest.fixture
def plain(tenant: Tenant) -> Tenant:
    """An account with a user without a password."""
    tenant.iam.create_user(UserName="plain")
    return tenant


def given(person: Person, password: str, *, do: str = "create", **more: str) -> Any:
    return person.send(FORM, page=HERE, do=do, **{"password": password, "again": password, **more})


def logged_in(sesame: SesameProcess, tenant: Tenant, password: str) -> str:
    """Where the log-in of the user leads."""
    person = Person(sesame.console)
    return person.send("/login", account=tenant.account.account_id, user="plain", password=password).url.path


def rows(sesame: SesameProcess, tenant: Tenant) -> list[Any]:
    """What the audit log has of the password: the operation, what it was asked with, and the code of a refusal."""
    return [
        (row["eventName"], row["requestParameters"], row.get("errorCode"))
        for row in audit_log(sesame, tenant.account.account_id)
        if "LoginProfile" in row["eventName"]
    ]


def test_a_password_is_given_replaced_and_deleted_each_by_one_operation(
    sesame: SesameProcess, plain: Tenant, person: Person
) -> None:
    page = person.get(HERE)
    assert "Give a password" in page.text and "Set another password" not in main_of(page)
    answer = given(person, GIVEN)
    assert answer.status_code == 200
    assert "The password is set." in main_of(answer)
    assert "This user has a password and no device for codes." in main_of(answer)
    assert "has to be changed" not in main_of(answer)
    assert logged_in(sesame, plain, GIVEN) == f"/{REGION}/identities"
    answer = given(person, OTHER, do="update", must_change="on")
    assert "It has to be changed at the next log-in." in main_of(answer)
    assert logged_in(sesame, plain, GIVEN) == "/login"
    assert logged_in(sesame, plain, OTHER).startswith("/invite/")
    answer = person.send(f"{FORM}/delete", page=HERE)
    assert "The password is deleted." in main_of(answer)
    assert "This user has no password, and cannot log in here." in main_of(answer)
    assert logged_in(sesame, plain, OTHER) == "/login"
    name, hidden = {"userName": "plain"}, {"password": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    assert rows(sesame, plain) == [
        ("CreateLoginProfile", {**name, **hidden, "passwordResetRequired": False}, None),
        ("UpdateLoginProfile", {**name, **hidden, "passwordResetRequired": True}, None),
        ("DeleteLoginProfile", name, None),
    ]


def test_a_change_is_required_and_no_longer_without_another_password(
    sesame: SesameProcess, plain: Tenant, person: Person
) -> None:
    demand = f"{FORM}/change"
    assert demand not in person.get(HERE).text, "nothing to change"
    given(person, GIVEN)
    open_session = Person(sesame.console)
    open_session.send("/login", account=plain.account.account_id, user="plain", password=GIVEN)
    answer = person.send(demand, page=HERE, must_change="yes")
    assert "The user has to change the password at the next log-in." in main_of(answer)
    assert "It has to be changed at the next log-in." in main_of(answer)
    assert open_session.get("/me").url.path == "/login"
    assert logged_in(sesame, plain, GIVEN).startswith("/invite/")
    answer = person.send(demand, page=HERE, must_change="no")
    assert "The user may keep the password." in main_of(answer)
    assert "has to be changed" not in main_of(answer)
    assert logged_in(sesame, plain, GIVEN) == f"/{REGION}/identities"
    name = {"userName": "plain"}
    assert rows(sesame, plain)[1:] == [
        ("UpdateLoginProfile", {**name, "passwordResetRequired": True}, None),
        ("UpdateLoginProfile", {**name, "passwordResetRequired": False}, None),
    ]


def test_no_answer_log_or_address_has_the_password(
    sesame: SesameProcess, plain: Tenant, person: Person
) -> None:
    shown = [given(person, GIVEN), given(person, OTHER), given(person, OTHER, do="update", again="else")]
    shown += [
        given(person, f"{OTHER}ä{'x' * 130}"),
        given(person, f"{OTHER}€", do="update"),
        given(person, "Tiny-1-pass"[:7]),
    ]
    shown += [person.get(HERE), person.get(f"/{REGION}/changes")]
    for answer in shown:
        for secret in (GIVEN, OTHER, "Tiny-1-"):
            assert secret not in answer.text, answer.url
            assert secret not in str(answer.url)
    kept = json.dumps(audit_log(sesame, plain.account.account_id)) + sesame.log_path.read_text()
    assert all(secret not in kept for secret in (GIVEN, OTHER, "Tiny-1-"))


@pytest.mark.parametrize(
    ("password", "again", "status", "problem", "places"),
    [
        (GIVEN, OTHER, 400, "The two passwords differ.", ["password", "again"]),
        ("short-A", "short-A", 400, "minimum length of 12", ["password"]),
        ("all-lower-case-1", "all-lower-case-1", 400, "at least one uppercase letter", ["password"]),
        (f"Long-enough-{'x' * 130}", None, 400, "128", ["password"]),
        ("Long-enough-€", None, 400, "pattern", ["password"]),
        ("", "", 400, "", ["password"]),
    ],
)
def test_what_the_account_asks_is_told_before_and_stands_at_the_field(
    plain: Tenant,
    person: Person,
    password: str,
    again: str | None,
    status: int,
    problem: str,
    places: list[str],
) -> None:
    plain.iam.update_account_password_policy(
        MinimumPasswordLength=12,
        RequireUppercaseCharacters=True,
        RequireNumbers=True,
        PasswordReusePrevention=3,
    )
    rules = "At least 12 characters, with an uppercase letter and a number. None of the last 3."
    assert rules in main_of(person.get(HERE))
    answer = given(person, password, **({} if again is None else {"again": again}))
    assert answer.status_code == status
    page = answer.text
    assert summary(page) == places
    for place in places:
        field = re.search(rf'<input[^>]* id="{place}"[^>]*>', page)
        assert field and 'aria-invalid="true"' in field[0]
        assert "value=" not in field[0]
        described = re.search(r'aria-describedby="([^" ]+)', field[0])
        assert described
        said = re.search(rf'id="{described[1]}">([^<]*)<', page)
        assert said and problem in said[1]
    assert 'name="must_change">' in page, "what was not ticked stays so"
    assert plain.iam.list_users()["Users"]
    with pytest.raises(plain.iam.exceptions.NoSuchEntityException):
        plain.iam.get_login_profile(UserName="plain")


def test_former_passwords_are_refused(plain: Tenant, person: Person) -> None:
    plain.iam.update_account_password_policy(MinimumPasswordLength=8, PasswordReusePrevention=2)
    given(person, GIVEN)
    answer = given(person, GIVEN, do="update")
    assert answer.status_code == 400
    assert "may not be used again" in main_of(answer)


def test_each_takes_the_permission_of_its_operation(sesame: SesameProcess, plain: Tenant) -> None:
    """Who may not know whether there is a password can still give one, or set another."""
    reader = person_with(sesame, plain, "iam:GetUser")
    page = main_of(reader.get(HERE))
    assert "You may not see whether there is one." in page
    assert "You may not see what this account asks of passwords." in page
    for do, action in (("create", "CreateLoginProfile"), ("update", "UpdateLoginProfile")):
        answer = given(reader, GIVEN, do=do)
        assert answer.status_code == 403
        assert f"iam:{action}" in main_of(answer)
    answer = reader.send(f"{FORM}/change", page=HERE, must_change="yes")
    assert answer.status_code == 403
    assert "iam:UpdateLoginProfile" in main_of(answer)
    answer = reader.send(f"{FORM}/delete", page=HERE)
    assert answer.status_code == 403
    assert "iam:DeleteLoginProfile" in main_of(answer)
    with pytest.raises(plain.iam.exceptions.NoSuchEntityException):
        plain.iam.get_login_profile(UserName="plain")
    writer = person_with(sesame, plain, "iam:GetUser", "iam:CreateLoginProfile")
    assert given(writer, GIVEN).status_code == 200
    assert given(writer, GIVEN).status_code == 409


def test_another_accounts_user_is_not_reached(sesame: SesameProcess, plain: Tenant) -> None:
    stranger = root_of(sesame, sesame.create_account().account_id)
    answer = stranger.send(FORM, page="/me", do="create", password=GIVEN, again=GIVEN)
    assert answer.status_code == 404
    with pytest.raises(plain.iam.exceptions.NoSuchEntityException):
        plain.iam.get_login_profile(UserName="plain")


def test_an_old_log_in_gives_both_passwords_once_more_and_no_page_keeps_them(
    sesame: SesameProcess, plain: Tenant
) -> None:
    make_user(plain)
    person, _ = log_in(sesame, plain)
    age(sesame, plain.account.account_id)
    asked = given(person, GIVEN, must_change="on")
    assert asked.status_code == 403
    assert GIVEN not in asked.text
    kept = fields(asked.text)
    assert kept["must_change"] == "on" and kept["do"] == "create"
    assert len(re.findall(r'<input name="(?:password|again)" type="password"', asked.text)) == 2
    answer = person.client.post(
        FORM,
        data={**kept, "password": GIVEN, "again": GIVEN, "again_password": PASSWORD},
        headers={"origin": sesame.console},
    )
    assert answer.status_code == 200
    assert plain.iam.get_login_profile(UserName="plain")["LoginProfile"]["PasswordResetRequired"] is True


def test_who_is_invited_and_who_changes_its_own_reads_the_same_rules(
    sesame: SesameProcess, plain: Tenant
) -> None:
    """A password that the account allows is not held back by the form."""
    make_user(plain)
    plain.iam.update_account_password_policy(MinimumPasswordLength=6, AllowUsersToChangePassword=True)
    link = sesame.run_json("console", "invite", plain.account.account_id, "plain")["link"]
    pages = [
        Person(sesame.console).get(link.removeprefix(sesame.console)),
        log_in(sesame, plain)[0].get("/me"),
    ]
    for page in pages:
        assert "At least 6 characters." in main_of(page)
        assert 'minlength="6"' in page.text and 'minlength="8"' not in page.text


def test_rules_are_said_in_words() -> None:
    policy = PasswordPolicy(
        account_id="1", least_length=9, symbols=True, numbers=True, uppercase=False, lowercase=True,
        users_may_change=True, max_age_days=1, remembered=1, hard_expiry=False,
    )  # fmt: skip
    assert in_words(policy) == (
        "At least 9 characters, with a lowercase letter, a number and a symbol. Not the last one. It lasts for 1 day."
    )
    assert in_words(None) == (
        "At least 8 characters, of at least 3 of these kinds: lowercase letters, uppercase letters, numbers, symbols."
    )
