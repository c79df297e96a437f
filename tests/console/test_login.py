"""Who gets in, how, and when that ends."""

import base64
import time
from typing import Any

import pytest

from sesame.access.passwords import STEP_S, totp
from tests.support.browser import Person, operator, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

PASSWORD = "Correct-horse-1"
ALLOW = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": %s, "Resource": "*"}]}'
WRONG = "Account, user, password or code is wrong."


def make_user(tenant: Tenant, *, actions: str = '"*"', name: str = "anna", **profile: Any) -> None:
    tenant.iam.create_user(UserName=name)
    tenant.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=ALLOW % actions)
    tenant.iam.create_login_profile(UserName=name, Password=PASSWORD, **profile)


def log_in(
    sesame: SesameProcess, tenant: Tenant, password: str = PASSWORD, code: str = "", user: str = "anna"
) -> Any:
    person = Person(sesame.console)
    answer = person.send("/login", account=tenant.account.account_id, user=user, password=password, code=code)
    return person, answer


def test_a_user_logs_in_with_a_password_and_out(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person, answer = log_in(sesame, tenant)
    assert answer.url.path == f"/{REGION}/home"
    assert "example.com" in person.get(f"/{REGION}/identities").text
    cookie = person.client.cookies["sesame"]
    assert person.send("/logout", page="/me").url.path == "/login"
    person.client.cookies.set("sesame", cookie)
    assert person.get("/me").url.path == "/login"


def test_whatever_is_wrong_the_words_are_the_same(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    for password, user in (
        ("Wrong-horse-1", "anna"),
        (PASSWORD, "nobody"),
        ("", "anna"),
        ("x" * 4000, "anna"),
    ):
        _, answer = log_in(sesame, tenant, password, user=user)
        assert answer.status_code == 403
        assert WRONG in answer.text
        assert PASSWORD not in answer.text


def test_ten_wrong_passwords_make_a_user_wait(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    statuses = [log_in(sesame, tenant, "Wrong-horse-1")[1].status_code for _ in range(11)]
    assert statuses[-1] == 429
    assert log_in(sesame, tenant)[1].status_code == 429


def test_a_password_that_must_be_changed_is_changed_first(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant, PasswordResetRequired=True)
    person, answer = log_in(sesame, tenant)
    assert "Set your password" in answer.text
    path = answer.url.path
    assert "differ" in person.send(path, password="Correct-horse-2", again="Correct-horse-3").text
    assert "at least" in person.send(path, password="short", again="short").text
    assert person.send(path, password="Correct-horse-2", again="Correct-horse-2").url.path.endswith("/home")
    assert log_in(sesame, tenant)[1].status_code == 403


def test_a_device_asks_for_a_code_and_each_works_once(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    made = tenant.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed, step = base64.b32decode(made["Base32StringSeed"]), int(time.time() // STEP_S)
    tenant.iam.enable_mfa_device(
        UserName="anna",
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=totp(seed, step - 2),
        AuthenticationCode2=totp(seed, step - 1),
    )
    assert WRONG in log_in(sesame, tenant)[1].text
    assert WRONG in log_in(sesame, tenant, code=totp(seed, step - 1))[1].text
    code = totp(seed, step + 1)
    person, answer = log_in(sesame, tenant, code=code)
    assert answer.url.path.endswith("/home")
    assert WRONG in log_in(sesame, tenant, code=code)[1].text
    tenant.iam.put_user_policy(
        UserName="anna",
        PolicyName="p",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",'
        ' "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}]}',
    )
    assert person.get(f"/{REGION}/identities").status_code == 200


@pytest.mark.parametrize("change", ["password", "user", "profile"])
def test_a_change_of_the_user_ends_its_log_ins(sesame: SesameProcess, tenant: Tenant, change: str) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    if change == "password":
        tenant.iam.update_login_profile(UserName="anna", Password="Correct-horse-2")
    else:
        tenant.iam.delete_login_profile(UserName="anna")
    if change == "user":
        tenant.iam.delete_user_policy(UserName="anna", PolicyName="p")
        tenant.iam.delete_user(UserName="anna")
    assert person.get(f"/{REGION}/identities").url.path == "/login"


def test_a_policy_taken_off_the_user_counts_with_the_next_click(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    assert person.get(f"/{REGION}/identities").status_code == 200
    tenant.iam.delete_user_policy(UserName="anna", PolicyName="p")
    answer = person.get(f"/{REGION}/identities")
    assert answer.status_code == 403
    assert "ses:ListEmailIdentities" in words(answer.text)
    assert "example.com" not in answer.text


READS = {
    f"/{REGION}/identities": "ses:ListEmailIdentities",
    f"/{REGION}/identities/new": "ses:CreateEmailIdentity",
    f"/{REGION}/identities/example.com": "ses:GetEmailIdentity",
    f"/{REGION}/identities/example.com/zone": "ses:GetEmailIdentity",
    f"/{REGION}/identities/example.com/delete": "ses:GetEmailIdentity",
    f"/{REGION}/messages": "ses:GetMessageInsights",
    f"/{REGION}/messages/x": "ses:GetMessageInsights",
    f"/{REGION}/refusals/x": "ses:GetMessageInsights",
}


def test_each_page_needs_its_leave_and_no_other(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant, actions='"ses:NoSuchThing"')
    person, _ = log_in(sesame, tenant)
    for path, action in READS.items():
        answer = person.get(path)
        assert answer.status_code == 403, path
        assert action in words(answer.text), path
        assert "_amazonses" not in answer.text
    for action in sorted(set(READS.values())):
        tenant.iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=ALLOW % f'"{action}"')
        for path, needed in READS.items():
            assert (person.get(path).status_code != 403) is (needed == action), (path, action)


def test_a_link_works_once_and_an_invitation_sets_a_password(sesame: SesameProcess, tenant: Tenant) -> None:
    link = sesame.run_json("console", "login", "--account", tenant.account.account_id)["link"]
    assert Person(sesame.console).follow(link).url.path == f"/{REGION}/home"
    late = Person(sesame.console)
    assert late.get(link).status_code == 404
    tenant.iam.create_user(UserName="ben")
    invite = sesame.run_json("console", "invite", tenant.account.account_id, "ben")["link"]
    person = Person(sesame.console)
    path = invite.removeprefix(sesame.console)
    person.send(path, password=PASSWORD, again=PASSWORD)
    assert person.get("/me").status_code == 200
    assert late.get(path).status_code == 404
    done = sesame.run("console", "invite", tenant.account.account_id, "nobody", check=False)
    assert done.returncode == 1
    assert "no user `nobody`" in done.stderr


def test_nobody_sees_a_page_and_a_person_not_the_operators(sesame: SesameProcess, tenant: Tenant) -> None:
    nobody = Person(sesame.console)
    for path in ("/", "/me", "/operator", "/inbox", f"/{REGION}/identities", f"/{REGION}/messages"):
        assert nobody.get(path).url.path == "/login", path
    person = root_of(sesame, tenant.account.account_id)
    assert person.get("/operator").status_code == 404
    assert operator(sesame).get(f"/{REGION}/identities").url.path == "/operator"


def test_a_person_ends_own_log_ins_alone(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    first, _ = log_in(sesame, tenant)
    second, _ = log_in(sesame, tenant)
    page = second.get("/me").text
    other = page.split('name="login" value="')[1].split('"')[0]
    second.send("/me/logins/end", page="/me", login=other)
    assert first.get("/me").url.path == "/login"
    assert second.get("/me").url.path == "/me"
